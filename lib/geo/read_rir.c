// SPDX-License-Identifier: GPL-2.0-or-later
/* A delegation file says of itself how many records it has: one summary line
 * for each type.  Half a file would be a country cut in half, so the ipv4 and
 * ipv6 counts have to be met exactly.  Of AS numbers nothing is used, and
 * LACNIC has published a file with a wrong count of them (2026-01-29): that is
 * only warned of, and so is a wrong total. */
#include <inttypes.h>

#include <geoblock/rir.h>

#include "reader.h"
#include "table.h"

_Static_assert(INPUT_PADDING >= RIR_PADDING, "INPUT_PADDING");
_Static_assert(INPUT_LINE_MAX <= RIR_LINE_MAX, "INPUT_LINE_MAX");

struct tally {
	uint64_t found;    /* records */
	uint64_t promised; /* by the summary line */
	uint32_t line;     /* the summary line's; 0: there was none */
};

struct rir_state {
	uint32_t version_line; /* 0: not seen yet */
	uint64_t total;        /* promised by the version line */
	struct tally tally[RIR_KIND_COUNT];
};

static const char *const type_names[RIR_KIND_COUNT] = {
	[RIR_ASN] = "asn",
	[RIR_IPV4] = "ipv4",
	[RIR_IPV6] = "ipv6",
	[RIR_OTHER] = "other",
};

static bool take_version(struct reader *r, struct rir_state *s,
			 const struct rir_line *l, struct error *err)
{
	if (s->version_line != 0)
		return reader_fail(r, r->in.line, err,
				   "a second version line, after that of line "
				   "%" PRIu32 ": are these two files joined?",
				   s->version_line);
	r->source.registry = (uint8_t)l->registry;
	r->registry_line = r->in.line;
	if (!reader_new_registry(r, r->table, err))
		return false;
	if (l->odd_date)
		reader_warn(r, r->in.line,
			    "the end date is no date: the age "
			    "of this file is not known");
	s->version_line = r->in.line;
	s->total = l->count;
	r->source.serial = l->serial;
	r->source.date = l->end_date;
	return true;
}

static bool take_summary(struct reader *r, struct rir_state *s,
			 const struct rir_line *l, struct error *err)
{
	struct tally *tally = &s->tally[l->counted];

	if (l->counted == RIR_OTHER) {
		reader_warn(r, r->in.line, "summary of an unknown type");
		return true;
	}
	if (tally->line != 0)
		return reader_fail(r, r->in.line, err,
				   "a second summary of %s, after that of line "
				   "%" PRIu32,
				   type_names[l->counted], tally->line);
	tally->line = r->in.line;
	tally->promised = l->count;
	return true;
}

static bool take_addresses(struct reader *r, const struct rir_line *l,
			   struct error *err)
{
	bool ok;

	if (l->kind == RIR_IPV4)
		ok = table_add4(
			r->table,
			&(struct geo_range4){ .first = (uint32_t)l->first,
					      .last = (uint32_t)l->last,
					      .record = l->record,
					      .line = r->in.line,
					      .source = r->index },
			err);
	else
		ok = table_add6(r->table,
				&(struct geo_range6){ .first = l->first,
						      .last = l->last,
						      .record = l->record,
						      .line = r->in.line,
						      .source = r->index },
				err);
	if (!ok)
		return reader_wrap(r, r->in.line, err);
	if (l->odd_date)
		reader_warn(r, r->in.line,
			    "the date is none; taken as unknown");
	return true;
}

static bool take_line(struct reader *r, struct rir_state *s,
		      const struct rir_line *l, struct error *err)
{
	if (l->kind == RIR_SKIP)
		return true;
	if (l->kind == RIR_VERSION)
		return take_version(r, s, l, err);
	if (s->version_line == 0)
		return reader_fail(r, r->in.line, err,
				   "a record before the version line "
				   "(2|registry|serial|…)");
	if (l->registry != r->source.registry)
		return reader_fail(r, r->in.line, err,
				   "a record of %s in a file of %s",
				   l->registry == REGISTRY_NONE
					   ? "an unknown registry"
					   : geo_registry_name(l->registry),
				   geo_registry_name(r->source.registry));
	if (l->kind == RIR_SUMMARY)
		return take_summary(r, s, l, err);
	s->tally[l->kind].found++;
	if (l->kind == RIR_OTHER)
		reader_warn(r, r->in.line,
			    "a record of a type that is none "
			    "of asn, ipv4, ipv6: skipped");
	if (l->kind == RIR_IPV4 || l->kind == RIR_IPV6)
		return take_addresses(r, l, err);
	return true;
}

static bool check_tally(struct reader *r, const struct rir_state *s,
			enum rir_kind kind, struct error *err)
{
	const struct tally *tally = &s->tally[kind];

	if (tally->found == tally->promised)
		return true;
	if (tally->line == 0 && kind != RIR_ASN)
		return reader_fail(r, 0, err,
				   "the file has %" PRIu64 " %s records and no "
				   "summary line that says so",
				   tally->found, type_names[kind]);
	if (tally->line == 0)
		return true; /* nobody promised AS numbers, nobody wants them */
	if (kind == RIR_ASN) {
		reader_warn(r, tally->line,
			    "header says %" PRIu64 " asn records, the file "
			    "has %" PRIu64,
			    tally->promised, tally->found);
		return true;
	}
	return reader_fail(r, tally->line, err,
			   "header says %" PRIu64 " %s records, the file has "
			   "%" PRIu64 ": %s",
			   tally->promised, type_names[kind], tally->found,
			   tally->found < tally->promised
				   ? "truncated?"
				   : "edited, or two files joined?");
}

static bool check_counts(struct reader *r, const struct rir_state *s,
			 struct error *err)
{
	const struct tally *t = s->tally;
	uint64_t found = t[RIR_ASN].found + t[RIR_IPV4].found +
			 t[RIR_IPV6].found + t[RIR_OTHER].found;

	if (s->version_line == 0)
		return reader_fail(r, 0, err, "no version line");
	if (t[RIR_IPV4].line == 0 && t[RIR_IPV6].line == 0)
		return reader_fail(r, 0, err,
				   "no summary lines (registry|*|ipv4|*|count|"
				   "summary): truncated?");
	if (!check_tally(r, s, RIR_IPV4, err) ||
	    !check_tally(r, s, RIR_IPV6, err) ||
	    !check_tally(r, s, RIR_ASN, err))
		return false;
	if (t[RIR_IPV4].found + t[RIR_IPV6].found == 0)
		return reader_fail(r, 0, err, "no ipv4 and no ipv6 records");
	if (found != s->total)
		reader_warn(r, s->version_line,
			    "header says %" PRIu64 " records in all, the file "
			    "has %" PRIu64,
			    s->total, found);
	return true;
}

/* A registry ends every line; a last one without end that makes no sense is
 * what a broken transfer leaves. */
static bool bad_line(const struct reader *r, struct error *err)
{
	if (r->in.cut)
		error_wrap(err, "the file ends in mid-line, truncated?");
	return reader_wrap(r, r->in.line, err);
}

bool read_rir(struct reader *r, struct error *err)
{
	struct rir_state state = { 0 };
	struct rir_line l;
	const char *text;
	size_t len;

	for (;;) {
		if (!input_line(&r->in, &text, &len, err))
			return false;
		if (!text)
			break;
		if (!rir_line(text, len, &l, err))
			return bad_line(r, err);
		if (!take_line(r, &state, &l, err))
			return false;
	}
	return check_counts(r, &state, err) && reader_sort(r, err) &&
	       reader_disjoint(r, err);
}
