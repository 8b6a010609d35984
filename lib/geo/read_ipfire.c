// SPDX-License-Identifier: GPL-2.0-or-later
/* IPFire's location database as text, in the form Debian's tor-geoipdb ships:
 *
 *	16777216,16777471,AU          IPv4 as numbers
 *	2001:200::,2001:200:134:…,JP  IPv6 as addresses
 *
 * first, last, country, "??" where none is known; ascending and disjoint, which
 * is held here: it is the one sign of damage that such a file can give.  Dotted
 * IPv4 addresses are taken as well, as other makers of such tables write them.
*/
#include <inttypes.h>
#include <string.h>

#include "reader.h"
#include "table.h"

static bool decimal4(const struct text *t, uint32_t *out)
{
	uint64_t value = 0;

	if (t->len == 0 || t->len > 10)
		return false;
	for (size_t i = 0; i < t->len; i++) {
		unsigned digit = (unsigned)(t->p[i] - '0');

		if (digit > 9)
			return false;
		value = value * 10 + digit;
	}
	if (value > UINT32_MAX)
		return false;
	*out = (uint32_t)value;
	return true;
}

/* 4 or 6; 0 for what is no address */
static int parse_address(const struct text *t, addr6_t *out)
{
	uint32_t v4;

	if (decimal4(t, &v4) || addr4_parse(t->p, t->len, &v4)) {
		*out = v4;
		return 4;
	}
	return addr6_parse(t->p, t->len, out) ? 6 : 0;
}

/* Cuts the text before the next comma off *rest. */
static bool cut(struct text *rest, struct text *out)
{
	const char *comma = memchr(rest->p, ',', rest->len);

	if (!comma)
		return false;
	*out = (struct text){ rest->p, (size_t)(comma - rest->p) };
	rest->len -= out->len + 1;
	rest->p = comma + 1;
	return true;
}

static bool parse_entry(const struct reader *r, const struct text *entry,
			struct range *range, country_t *country,
			struct error *err)
{
	struct text cc = *entry, first, last;
	char quote[TEXT_QUOTE_MAX];
	uint32_t line = r->in.line;
	int family;

	if (!cut(&cc, &first) || !cut(&cc, &last))
		return reader_fail(r, line, err,
				   "\"%s\": want first,last,country",
				   text_quote(entry, quote));
	range->family = parse_address(&first, &range->first);
	if (range->family == 0)
		return reader_fail(r, line, err, "\"%s\" is no address",
				   text_quote(&first, quote));
	family = parse_address(&last, &range->last);
	if (family != range->family || range->last < range->first)
		return reader_fail(r, line, err,
				   "\"%s\": want an address of the same family "
				   "that is not before the first",
				   text_quote(&last, quote));
	if (!country_parse(cc.p, cc.len, country))
		return reader_fail(r, line, err,
				   "country \"%s\": want two letters or ??",
				   text_quote(&cc, quote));
	return true;
}

static bool in_order(const struct reader *r, const struct range *range,
		     addr6_t before_last, uint32_t before_line,
		     struct error *err)
{
	char buf[RANGE_TEXT_MAX];

	if (range->first > before_last)
		return true;
	return reader_fail(r, r->in.line, err,
			   "%s begins before the end of line %" PRIu32
			   ": want ranges in order, without overlap",
			   range_format(range, buf), before_line);
}

static bool take4(struct reader *r, const struct range *range,
		  country_t country, struct error *err)
{
	const struct geo_table *t = r->table;
	struct geo_range4 entry = { .first = (uint32_t)range->first,
				    .last = (uint32_t)range->last,
				    .record.country = country,
				    .line = r->in.line,
				    .source = r->index };

	if (t->count4 > r->base4 &&
	    !in_order(r, range, t->v4[t->count4 - 1].last,
		      t->v4[t->count4 - 1].line, err))
		return false;
	return table_add4(r->table, &entry, err) ||
	       reader_wrap(r, r->in.line, err);
}

static bool take6(struct reader *r, const struct range *range,
		  country_t country, struct error *err)
{
	const struct geo_table *t = r->table;
	struct geo_range6 entry = { .first = range->first,
				    .last = range->last,
				    .record.country = country,
				    .line = r->in.line,
				    .source = r->index };

	if (t->count6 > r->base6 &&
	    !in_order(r, range, t->v6[t->count6 - 1].last,
		      t->v6[t->count6 - 1].line, err))
		return false;
	return table_add6(r->table, &entry, err) ||
	       reader_wrap(r, r->in.line, err);
}

bool read_ipfire(struct reader *r, struct error *err)
{
	struct text entry;
	struct range range;
	country_t country;

	for (;;) {
		if (!text_entry(r, "Generated:", &entry, err))
			return false;
		if (!entry.p)
			return true;
		if (!parse_entry(r, &entry, &range, &country, err))
			return false;
		if (!(range.family == 4 ? take4(r, &range, country, err)
					: take6(r, &range, country, err)))
			return false;
	}
}
