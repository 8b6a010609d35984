// SPDX-License-Identifier: GPL-2.0-or-later
/* A list of prefixes, addresses and ranges, one a line, all of one country: the
 * zone files of ipdeny.com, the sets of FireHOL.  The country is in the file's
 * name alone.  Such lists come from anywhere and are no registers: entries that
 * overlap are joined without a word. */
#include <string.h>
#include <strings.h>

#include "reader.h"
#include "table.h"

/* "us.ipv4.zone", "us-aggregated.zone", "id_country_us.netset" */
static bool country_of_name(struct reader *r, struct error *err)
{
	static const char firehol[] = "id_country_";
	const char *name = strrchr(r->in.path, '/');
	country_t cc;

	name = name ? name + 1 : r->in.path;
	if (strncasecmp(name, firehol, strlen(firehol)) == 0)
		name += strlen(firehol);
	if (strlen(name) >= 2 && strchr(".-_", name[2]) &&
	    country_parse(name, 2, &cc) && country_name(cc)) {
		r->source.country = cc;
		return true;
	}
	return reader_fail(r, 0, err,
			   "a CIDR list's country is the two letters at the "
			   "head of its name, as in us.zone, us.ipv4.zone, "
			   "us-aggregated.zone or id_country_us.netset");
}

static bool take(struct reader *r, const struct range *range, struct error *err)
{
	struct geo_record record = { .country = r->source.country };
	struct geo_range6 entry = { .first = range->first,
				    .last = range->last,
				    .record = record,
				    .line = r->in.line,
				    .source = r->index };

	if (range->family == 6)
		return table_add6(r->table, &entry, err);
	return table_add4(r->table,
			  &(struct geo_range4){ .first = (uint32_t)range->first,
						.last = (uint32_t)range->last,
						.record = record,
						.line = r->in.line,
						.source = r->index },
			  err);
}

static size_t join4(struct geo_range4 *v, size_t n)
{
	size_t kept = 0;

	for (size_t i = 1; i < n; i++) {
		if (v[i].first > v[kept].last)
			v[++kept] = v[i];
		else if (v[i].last > v[kept].last)
			v[kept].last = v[i].last;
	}
	return n ? kept + 1 : 0;
}

static size_t join6(struct geo_range6 *v, size_t n)
{
	size_t kept = 0;

	for (size_t i = 1; i < n; i++) {
		if (v[i].first > v[kept].last)
			v[++kept] = v[i];
		else if (v[i].last > v[kept].last)
			v[kept].last = v[i].last;
	}
	return n ? kept + 1 : 0;
}

bool read_cidr(struct reader *r, struct error *err)
{
	struct geo_range4 *v4;
	struct geo_range6 *v6;
	struct text entry;
	struct range range;
	size_t n4, n6;

	if (!country_of_name(r, err))
		return false;
	for (;;) {
		if (!text_entry(r, "Source File Date:", &entry, err))
			return false;
		if (!entry.p)
			break;
		if (!range_parse(entry.p, entry.len, &range, err) ||
		    !take(r, &range, err))
			return reader_wrap(r, r->in.line, err);
	}
	if (!reader_sort(r, err))
		return false;
	v4 = reader_v4(r, &n4);
	v6 = reader_v6(r, &n6);
	r->table->count4 = r->base4 + join4(v4, n4);
	r->table->count6 = r->base6 + join6(v6, n6);
	return true;
}
