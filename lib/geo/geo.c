// SPDX-License-Identifier: GPL-2.0-or-later
/* geo_read() - from a file's name to entries in a table. */
#include <geoblock/geo.h>

#include <errno.h>
#include <string.h>

#include "reader.h"
#include "table.h"

static bool (*const readers[])(struct reader *r, struct error *err) = {
	[GEO_RIR] = read_rir,
	[GEO_IPFIRE] = read_ipfire,
	[GEO_CIDR] = read_cidr,
	[GEO_MMDB] = read_mmdb,
};

/* Whether the line begins with an address, as IPFire text and CIDR lists do;
 * the numbers that the former has for IPv4 are also taken. */
static bool begins_with_address(const char *text, size_t len)
{
	struct range range;
	size_t digits = 0;

	for (size_t i = 0; i < len; i++)
		if (strchr(", \t\r#", text[i]))
			len = i;
	while (digits < len && text[digits] >= '0' && text[digits] <= '9')
		digits++;
	return (digits == len && len != 0) ||
	       memchr(text, '/', len) /* wrong or right: the reader says */
	       || range_parse(text, len, &range, NULL);
}

/* What the first line with something on it looks like. */
static bool kind_of_line(struct reader *r, const char *text, size_t len,
			 uint32_t line, struct error *err)
{
	char quote[TEXT_QUOTE_MAX];

	if (text[0] == '<')
		return reader_fail(r, line, err,
				   "looks like HTML: a web server's error "
				   "page?");
	if (memchr(text, '|', len)) {
		r->source.kind = GEO_RIR;
		return true;
	}
	if (begins_with_address(text, len)) {
		r->source.kind = memchr(text, ',', len) ? GEO_IPFIRE : GEO_CIDR;
		return true;
	}
	return reader_fail(r, line, err,
			   "\"%s\" begins neither a delegation file nor IPFire "
			   "text nor a CIDR list",
			   text_quote(&(struct text){ text, len }, quote));
}

/* Bytes that no text has, at the head or, as after a crash, NULs later on. */
static bool binary(const char *p, size_t len)
{
	for (size_t i = 0; i < len && i < 1024; i++)
		if ((unsigned char)p[i] < ' ' && !strchr("\t\n\r\f", p[i]))
			return true;
	return memchr(p, '\0', len) != NULL;
}

/* Told by the first chunk: binary, or its first line that is no comment. */
static bool tell_kind(struct reader *r, struct error *err)
{
	static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8 */
	const char *p = r->in.buf, *end = r->in.buf + r->in.end;
	uint32_t line = 1;

	if (r->in.end >= 3 && memcmp(p, mark, 3) == 0)
		p += r->in.start = 3;
	if (binary(p, (size_t)(end - p))) {
		r->source.kind = GEO_MMDB;
		return true;
	}
	for (; p < end; line++) {
		const char *feed = memchr(p, '\n', (size_t)(end - p));
		const char *stop = feed ? feed : end;

		while (p < stop && strchr(" \t\r", *p))
			p++;
		if (p < stop && *p != '#')
			return kind_of_line(r, p, (size_t)(stop - p), line,
					    err);
		p = feed ? feed + 1 : end;
	}
	return reader_fail(r, 0, err, "nothing but comments and blank lines%s",
			   r->in.bytes < INPUT_CHUNK ? "" : " at its head");
}

static bool start(struct reader *r, const char *path, int fd, struct error *err)
{
	size_t len = strlen(path);

	r->in.fd = fd > 0 ? fd : -1;
	if (len >= GEO_PATH_MAX)
		return error_set(err, ERROR_LIMIT, 0,
				 "%.60s…: a file name of more than %d bytes",
				 path, GEO_PATH_MAX - 1);
	memcpy(r->source.path, path, len + 1);
	return input_open(&r->in, path, fd, err) && tell_kind(r, err);
}

bool reader_run(struct reader *r, const char *path, int fd, struct error *err)
{
	bool ok = start(r, path, fd, err) && readers[r->source.kind](r, err);

	if (ok) {
		r->source.bytes = r->in.bytes;
		r->source.records4 = (uint32_t)(r->table->count4 - r->base4);
		r->source.records6 = (uint32_t)(r->table->count6 - r->base6);
		input_digest(&r->in, r->source.sha256);
	} else {
		r->table->count4 = r->base4;
		r->table->count6 = r->base6;
	}
	input_close(&r->in);
	return ok;
}

bool geo_read(struct geo_table *table, const char *path,
	      const struct geo_warn *warn, struct error *err)
{
	struct reader r = { .table = table,
			    .warn = warn,
			    .base4 = table->count4,
			    .base6 = table->count6,
			    .index = (uint32_t)table->source_count };

	if (!table_grow_sources(table, err))
		return error_wrap(err, "%s", path);
	if (!reader_run(&r, path, 0, err))
		return false;
	table->sources[table->source_count++] = r.source;
	table->finished = false;
	return true;
}
