// SPDX-License-Identifier: GPL-2.0-or-later
/* What all readers share: how they say where, and how a file's entries are put
 * in order. */
#include "reader.h"

#include <inttypes.h>
#include <stdio.h>

#include "table.h"

#define WARNINGS_MAX 10 /* of one file; the rest is counted */

void geo_warn_say(const struct geo_warn *warn, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!warn || !warn->say)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	warn->say(warn->ctx, text);
}

bool reader_wrap(const struct reader *r, uint32_t line, struct error *err)
{
	if (line == 0)
		return error_wrap(err, "%s", r->in.path);
	return error_wrap(err, "%s:%" PRIu32, r->in.path, line);
}

bool reader_fail(const struct reader *r, uint32_t line, struct error *err,
		 const char *fmt, ...)
{
	char text[sizeof(err->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	error_set(err, ERROR_MALFORMED, 0, "%s", text);
	return reader_wrap(r, line, err);
}

void reader_warn(struct reader *r, uint32_t line, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (r->warned++ >= WARNINGS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (line == 0)
		geo_warn_say(r->warn, "%s: %s", r->in.path, text);
	else
		geo_warn_say(r->warn, "%s:%" PRIu32 ": %s", r->in.path, line,
			     text);
	if (r->warned == WARNINGS_MAX)
		geo_warn_say(r->warn, "%s: more such lines are not listed",
			     r->in.path);
}

bool reader_new_registry(const struct reader *r, const struct geo_table *table,
			 struct error *err)
{
	for (size_t i = 0; i < table->source_count; i++)
		if (table->sources[i].registry == r->source.registry)
			return reader_fail(
				r, r->registry_line, err,
				"a second file of %s; the first is %s",
				geo_registry_name(r->source.registry),
				table->sources[i].path);
	return true;
}

struct geo_range4 *reader_v4(const struct reader *r, size_t *count)
{
	*count = r->table->count4 - r->base4;
	return *count != 0 ? r->table->v4 + r->base4 : NULL;
}

struct geo_range6 *reader_v6(const struct reader *r, size_t *count)
{
	*count = r->table->count6 - r->base6;
	return *count != 0 ? r->table->v6 + r->base6 : NULL;
}

bool reader_sort(struct reader *r, struct error *err)
{
	return table_sort(r->table, r->base4, r->base6, err) ||
	       reader_wrap(r, 0, err);
}

/* Two entries of the file, in the order of their lines. */
static bool overlapping(const struct reader *r, const struct range *a,
			uint32_t a_line, const struct range *b, uint32_t b_line,
			struct error *err)
{
	char at[RANGE_TEXT_MAX], bt[RANGE_TEXT_MAX];

	if (a_line > b_line)
		return overlapping(r, b, b_line, a, a_line, err);
	return reader_fail(r, b_line, err,
			   "%s overlaps %s of line %" PRIu32
			   ": an address has one record",
			   range_format(b, bt), range_format(a, at), a_line);
}

bool reader_disjoint(const struct reader *r, struct error *err)
{
	size_t n4, n6, i;
	const struct geo_range4 *v4 = reader_v4(r, &n4);
	const struct geo_range6 *v6 = reader_v6(r, &n6);

	i = overlap4(v4, n4);
	if (i < n4) {
		struct range a = { 4, v4[i - 1].first, v4[i - 1].last };
		struct range b = { 4, v4[i].first, v4[i].last };

		return overlapping(r, &a, v4[i - 1].line, &b, v4[i].line, err);
	}
	i = overlap6(v6, n6);
	if (i < n6) {
		struct range a = { 6, v6[i - 1].first, v6[i - 1].last };
		struct range b = { 6, v6[i].first, v6[i].last };

		return overlapping(r, &a, v6[i - 1].line, &b, v6[i].line, err);
	}
	return true;
}
