// SPDX-License-Identifier: GPL-2.0-or-later
/* One buffer, filled chunk by chunk; a line that a chunk's end cuts through is
 * moved to the front before the next chunk is put behind it.  So memory does
 * not grow with the file, no line is copied on its own, and each byte is hashed
 * while it is warm. */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <geoblock/geo.h>
#include <geoblock/write_all.h>

#include "unpack.h"

/* line numbers and record counts are of 32 bits: no file may have more */
_Static_assert(GEO_FILE_MAX < UINT32_MAX, "GEO_FILE_MAX");

/* what a chunk's end cuts off is at most a line, so that a chunk always fits */
#define ROOM (INPUT_CHUNK + INPUT_LINE_MAX)

static bool read_fd(int fd, void *out, size_t len, size_t *got,
		    struct error *err)
{
	ssize_t n;

	do
		n = read(fd, out, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_set(err, ERROR_SYSTEM, errno, "cannot read");
	*got = (size_t)n;
	return true;
}

/* A regular file, opened without waiting for a writer of a FIFO. */
static bool open_file(struct input *in, struct error *err)
{
	struct stat st;

	if (in->fd <= 0)
		in->fd = open(in->path,
			      O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (in->fd < 0)
		return error_set(err, ERROR_SYSTEM, errno, "cannot open");
	if (fstat(in->fd, &st) < 0)
		return error_set(err, ERROR_SYSTEM, errno, "cannot stat");
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERROR_MALFORMED, 0,
				 "is %s, want a regular file",
				 S_ISDIR(st.st_mode)    ? "a directory"
				 : S_ISFIFO(st.st_mode) ? "a FIFO"
				 : S_ISSOCK(st.st_mode) ? "a socket"
							: "a device");
	return true;
}

/* The first bytes say whether there is something to unpack. */
static bool start(struct input *in, struct error *err)
{
	size_t got = 0;

	in->buf = calloc(1, ROOM + INPUT_PADDING);
	if (!in->buf)
		return error_set(err, ERROR_SYSTEM, ENOMEM, "cannot read");
	while (in->end < UNPACK_MAGIC_MAX) {
		if (!read_fd(in->fd, in->buf + in->end,
			     UNPACK_MAGIC_MAX - in->end, &got, err))
			return false;
		if (got == 0)
			break;
		in->end += got;
	}
	if (!unpack_open(&in->unpacker, in->fd, in->buf, in->end, err))
		return false;
	if (in->unpacker)
		in->end = 0;
	in->bytes = in->end;
	sha256_update(&in->sha256, in->end, (const uint8_t *)in->buf);
	return true;
}

/* More bytes behind those in the buffer, which move to its front.  Sets eof where
 * there are no more. */
static bool fill(struct input *in, struct error *err)
{
	size_t got;
	char *to;

	memmove(in->buf, in->buf + in->start, in->end - in->start);
	in->end -= in->start;
	in->start = 0;
	to = in->buf + in->end;
	if (!(in->unpacker
		      ? unpack_read(in->unpacker, to, ROOM - in->end, &got, err)
		      : read_fd(in->fd, to, ROOM - in->end, &got, err)))
		return error_wrap(err, "%s", in->path);
	if (got > GEO_FILE_MAX - in->bytes)
		return error_set(err, ERROR_LIMIT, 0,
				 "%s: has more than %u MiB%s", in->path,
				 GEO_FILE_MAX >> 20,
				 in->unpacker ? " unpacked" : "");
	sha256_update(&in->sha256, got, (const uint8_t *)to);
	in->bytes += got;
	in->end += got;
	in->eof = got == 0;
	return true;
}

bool input_open(struct input *in, const char *path, int fd, struct error *err)
{
	*in = (struct input){ .path = path, .fd = fd > 0 ? fd : -1 };
	sha256_init(&in->sha256);
	if (!open_file(in, err) || !start(in, err))
		return error_wrap(err, "%s", path);
	if (!fill(in, err))
		return false;
	if (in->end == 0)
		return error_set(err, ERROR_MALFORMED, 0,
				 "%s: the file is empty", path);
	return true;
}

void input_close(struct input *in)
{
	unpack_close(in->unpacker);
	in->unpacker = NULL;
	free(in->buf);
	in->buf = NULL;
	if (in->fd >= 0)
		close(in->fd);
	in->fd = -1;
}

/* The line feed that ends what is at the front of the buffer; NULL where there
 * is none within INPUT_LINE_MAX bytes or before the end of the file. */
static bool find_feed(struct input *in, char **feed, struct error *err)
{
	for (;;) {
		size_t len = in->end - in->start;

		*feed = memchr(in->buf + in->start, '\n', len);
		if (*feed || in->eof || len > INPUT_LINE_MAX)
			return true;
		if (!fill(in, err))
			return false;
	}
}

bool input_line(struct input *in, const char **text, size_t *len,
		struct error *err)
{
	char *feed;

	if (!find_feed(in, &feed, err))
		return false;
	*text = in->buf + in->start;
	*len = feed ? (size_t)(feed - *text) : in->end - in->start;
	if (*len > INPUT_LINE_MAX)
		return error_set(err, ERROR_LIMIT, 0,
				 "%s:%u: a line of more than %u bytes",
				 in->path, in->line + 1, INPUT_LINE_MAX);
	if (!feed && *len == 0) {
		*text = NULL;
		return true;
	}
	in->start += *len + (feed != NULL);
	in->cut = feed == NULL;
	in->line++;
	return true;
}

bool input_to_memory(struct input *in, int *fd, struct error *err)
{
	*fd = memfd_create("geoblock", MFD_CLOEXEC);
	if (*fd < 0) {
		error_set(err, ERROR_SYSTEM, errno, "memfd_create");
		return error_wrap(err, "%s", in->path);
	}
	for (;;) {
		if (!write_all(*fd, in->buf + in->start, in->end - in->start)) {
			error_set(err, ERROR_SYSTEM, errno,
				  "cannot hold it in memory");
			error_wrap(err, "%s", in->path);
			break;
		}
		in->start = in->end;
		if (in->eof)
			return true;
		if (!fill(in, err))
			break;
	}
	close(*fd);
	*fd = -1;
	return false;
}

void input_digest(struct input *in, uint8_t digest[SHA256_DIGEST_SIZE])
{
	sha256_digest(&in->sha256, SHA256_DIGEST_SIZE, digest);
}
