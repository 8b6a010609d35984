/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_WRITE_ALL_H
#define GEOBLOCK_WRITE_ALL_H

#include <stdbool.h>
#include <stddef.h>

/* write_all - write(2) until all of it is written.  False: errno says why, and an
 * unknown part of it is written. */
bool write_all(int fd, const void *data, size_t size);

#endif
