// SPDX-License-Identifier: GPL-2.0-or-later
/* Both formats may hold several members one after another (`cat a.gz b.gz`, xz
 * on several processors): the result is theirs joined.  What a small file can
 * unpack to is bounded by the caller, and the memory it takes to do so by
 * XZ_MEMORY_MAX. */
#include "unpack.h"

#include <errno.h>
#include <limits.h>
#include <lzma.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* `xz -9` takes 65 MiB to unpack; more is not made by ordinary means */
#define XZ_MEMORY_MAX ((uint64_t)128 << 20)

struct unpacker {
	int fd;
	bool xz;
	bool packed_eof; /* no more bytes in the file */
	bool done;       /* the last member has ended */
	z_stream z;
	lzma_stream x;
	unsigned char in[64 << 10];
};

static bool is_gzip(const unsigned char *head, size_t len)
{
	return len >= 2 && head[0] == 0x1f && head[1] == 0x8b; /* RFC 1952 */
}

static bool is_xz(const unsigned char *head, size_t len)
{
	return len >= 6 && memcmp(head,
				  "\xfd"
				  "7zXZ",
				  6) == 0;
}

bool unpack_open(struct unpacker **unpacker, int fd, const void *head,
		 size_t len, struct error *err)
{
	bool xz = is_xz(head, len);
	struct unpacker *u;
	int ret;

	*unpacker = NULL;
	if (!xz && !is_gzip(head, len))
		return true;
	u = calloc(1, sizeof(*u));
	if (!u)
		return error_set(err, ERROR_SYSTEM, ENOMEM, "cannot unpack");
	u->fd = fd;
	u->xz = xz;
	memcpy(u->in, head, len);
	if (xz) {
		u->x = (lzma_stream)LZMA_STREAM_INIT;
		ret = lzma_stream_decoder(&u->x, XZ_MEMORY_MAX,
					  LZMA_CONCATENATED) != LZMA_OK;
		u->x.next_in = u->in;
		u->x.avail_in = len;
	} else {
		ret = inflateInit2(&u->z, MAX_WBITS + 16) != Z_OK;
		u->z.next_in = u->in;
		u->z.avail_in = (uInt)len;
	}
	if (ret) {
		free(u);
		return error_set(err, ERROR_SYSTEM, ENOMEM, "cannot unpack");
	}
	*unpacker = u;
	return true;
}

void unpack_close(struct unpacker *u)
{
	if (!u)
		return;
	if (u->xz)
		lzma_end(&u->x);
	else
		inflateEnd(&u->z);
	free(u);
}

/* The next packed bytes; *got is 0 at the end of the file. */
static bool refill(struct unpacker *u, size_t *got, struct error *err)
{
	ssize_t n;

	do
		n = read(u->fd, u->in, sizeof(u->in));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_set(err, ERROR_SYSTEM, errno, "cannot read");
	u->packed_eof = n == 0;
	*got = (size_t)n;
	return true;
}

static bool gzip_step(struct unpacker *u, struct error *err)
{
	size_t got;
	int ret;

	if (u->z.avail_in == 0 && !u->packed_eof) {
		if (!refill(u, &got, err))
			return false;
		u->z.next_in = u->in;
		u->z.avail_in = (uInt)got;
	}
	if (u->done && u->z.avail_in == 0)
		return true;
	/* another member, or what should not be there */
	if (u->done && inflateReset(&u->z) != Z_OK)
		return error_set(err, ERROR_MALFORMED, 0,
				 "gzip: cannot start over");
	ret = inflate(&u->z, Z_NO_FLUSH);
	u->done = ret == Z_STREAM_END;
	if (ret == Z_OK || ret == Z_STREAM_END)
		return true;
	if (ret == Z_BUF_ERROR && !u->packed_eof)
		return true;
	if (ret == Z_BUF_ERROR)
		return error_set(err, ERROR_MALFORMED, 0,
				 "gzip: ends before its data does: truncated?");
	if (ret == Z_MEM_ERROR)
		return error_set(err, ERROR_SYSTEM, ENOMEM, "gzip");
	return error_set(err, ERROR_MALFORMED, 0, "gzip: damaged%s%s",
			 u->z.msg ? ": " : "", u->z.msg ? u->z.msg : "");
}

static bool xz_step(struct unpacker *u, struct error *err)
{
	size_t got;
	lzma_ret ret;

	if (u->x.avail_in == 0 && !u->packed_eof) {
		if (!refill(u, &got, err))
			return false;
		u->x.next_in = u->in;
		u->x.avail_in = got;
	}
	ret = lzma_code(&u->x, u->packed_eof ? LZMA_FINISH : LZMA_RUN);
	u->done = ret == LZMA_STREAM_END;
	switch (ret) {
	case LZMA_OK:
	case LZMA_STREAM_END:
		return true;
	case LZMA_BUF_ERROR:
		return error_set(err, ERROR_MALFORMED, 0,
				 "xz: ends before its data does: truncated?");
	case LZMA_MEMLIMIT_ERROR:
		return error_set(err, ERROR_LIMIT, 0,
				 "xz: needs more than %llu MiB to unpack",
				 (unsigned long long)(XZ_MEMORY_MAX >> 20));
	case LZMA_MEM_ERROR:
		return error_set(err, ERROR_SYSTEM, ENOMEM, "xz");
	default:
		return error_set(err, ERROR_MALFORMED, 0, "xz: damaged");
	}
}

bool unpack_read(struct unpacker *u, void *out, size_t len, size_t *got,
		 struct error *err)
{
	if (len > UINT_MAX)
		len = UINT_MAX;
	u->z.next_out = out;
	u->z.avail_out = (uInt)len;
	u->x.next_out = out;
	u->x.avail_out = len;
	for (;;) {
		bool end = u->done && (u->xz || u->packed_eof);
		size_t left = u->xz ? u->x.avail_out : u->z.avail_out;

		*got = len - left;
		if (end || left == 0)
			return true;
		if (!(u->xz ? xz_step(u, err) : gzip_step(u, err)))
			return false;
	}
}
