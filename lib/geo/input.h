/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEO_INPUT_H
#define GEO_INPUT_H

#include <nettle/sha2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/error.h>

/* A file as its unpacked bytes: plain, gzip and xz are told by their magic. The
 * bytes are bounded by GEO_FILE_MAX, hashed as they come, and given out as
 * lines that lie in the buffer itself.
 *
 * Errors name the path, and where a line is to blame its number. */

#define INPUT_CHUNK    ((size_t)64 << 10)
#define INPUT_LINE_MAX 4096 /* bytes; the longest real line has 88 */
#define INPUT_PADDING  8    /* readable bytes behind every line */

struct unpacker;

struct input {
	const char *path; /* borrowed */
	int fd;
	struct unpacker *unpacker; /* NULL: plain */
	char *buf;
	size_t start, end; /* what of buf is still to be given out */
	bool eof;          /* nothing follows buf[end] */
	uint64_t bytes;    /* unpacked, so far */
	uint32_t line;     /* number of the line given out last */
	bool cut;          /* that line has no line feed: it is the last */
	struct sha256_ctx sha256;
};

/* input_open - the first chunk is in the buffer when it returns true.  Anything
 * but a regular file is refused, without waiting for it; so is an empty one.
 * fd 0: path is opened; else it is read, and in any case the input's to close.
 */
bool input_open(struct input *in, const char *path, int fd, struct error *err);
void input_close(struct input *in); /* also after a failed input_open() */

/* input_line - the next line, without its line feed.  It lies in the buffer,
 * and is gone with the next call.  At the end *text is NULL and true is
 * returned. */
bool input_line(struct input *in, const char **text, size_t *len,
		struct error *err);

/* input_to_memory - everything, from the first byte, in an anonymous file whose
 * content nobody else can change.  *fd is the caller's to close, -1 on error.
 */
bool input_to_memory(struct input *in, int *fd, struct error *err);

/* input_digest - SHA-256 of the bytes, once all have been read. */
void input_digest(struct input *in, uint8_t digest[SHA256_DIGEST_SIZE]);

#endif
