/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEO_UNPACK_H
#define GEO_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

#include <geoblock/error.h>

/* gzip and xz, as a stream from a file descriptor. */

struct unpacker;

#define UNPACK_MAGIC_MAX 6 /* bytes that unpack_open() wants to see */

/* unpack_open - *unpacker is NULL where head, the first bytes of the file, is
 * neither gzip nor xz.  They are taken as read from fd, which is borrowed. */
bool unpack_open(struct unpacker **unpacker, int fd, const void *head,
		 size_t len, struct error *err);
void unpack_close(struct unpacker *unpacker); /* NULL is allowed */

/* unpack_read - up to len more bytes; *got is 0 at the end only.  A stream that
 * is damaged, cut short or followed by something else is an error. */
bool unpack_read(struct unpacker *unpacker, void *out, size_t len, size_t *got,
		 struct error *err);

#endif
