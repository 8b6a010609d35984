// SPDX-License-Identifier: GPL-2.0-or-later
/* geo_table_finish() - one sorted, disjoint list out of many files' lists.
 *
 * Each file's entries are sorted and disjoint by themselves, so sorting only
 * merges them, and most often that is all there is to do.  Where entries of
 * different files overlap, the address space is walked from left to right with
 * the set of entries that cover the place (at most one of each file), and
 * between two places where that set changes one of them is chosen:
 *
 *	file 1	[------------- DE -------------]
 *	file 2	         [--- FR ---]
 *	pieces	[-- DE -][-- ? -----][-- DE ---]
 *
 * Both families take the same path, as struct geo_range6. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <geoblock/geo.h>

#include "reader.h"
#include "table.h"

#define CONFLICTS_MAX 20 /* told one by one; the others are counted */

struct settle {
	const struct geo_table *table;
	country_t (*previous)(void *ctx, const struct addr *addr);
	void *ctx;
	const struct geo_warn *warn;
	int family;
	const struct geo_range6 *in; /* sorted by first */
	size_t count;
	size_t *active; /* entries that cover the place; room for each file */
	size_t active_count;
	struct geo_range6 *out;
	size_t out_count, out_room;
	size_t out_entry; /* the one that out's last piece was cut from */
	size_t told_kept, told_lost; /* the conflict told of last */
	size_t conflicts;
};

/* How much an entry knows: a country; that the address is delegated; that it is
 * not. */
static unsigned rank(const struct geo_record *record)
{
	if (record->country != COUNTRY_NONE)
		return 2;
	return record->status != STATUS_AVAILABLE &&
	       record->status != STATUS_RESERVED;
}

static uint32_t file_date(const struct settle *s, const struct geo_range6 *e)
{
	return s->table->sources[e->source].date;
}

/* Whether a is to be kept rather than b, whatever their countries. */
static bool better(const struct settle *s, const struct geo_range6 *a,
		   const struct geo_range6 *b)
{
	if (rank(&a->record) != rank(&b->record))
		return rank(&a->record) > rank(&b->record);
	if (a->record.date != b->record.date)
		return a->record.date > b->record.date;
	if (file_date(s, a) != file_date(s, b))
		return file_date(s, a) > file_date(s, b);
	return a->source < b->source;
}

/* What made a better than b, for two that both know a country. */
static const char *reason(const struct settle *s, const struct geo_range6 *a,
			  const struct geo_range6 *b)
{
	if (a->record.date != b->record.date)
		return "the later record";
	if (file_date(s, a) != file_date(s, b))
		return "of the later file";
	return "of the file read first";
}

/* The best of the active entries that the filter lets through; count if there
 * is none. */
static size_t best(const struct settle *s,
		   bool (*filter)(const struct geo_record *record,
				  country_t cc),
		   country_t cc)
{
	size_t kept = s->count;

	for (size_t i = 0; i < s->active_count; i++) {
		const struct geo_range6 *entry = &s->in[s->active[i]];

		if (filter(&entry->record, cc) &&
		    (kept == s->count || better(s, entry, &s->in[kept])))
			kept = s->active[i];
	}
	return kept;
}

static bool any(const struct geo_record *record, country_t cc)
{
	(void)record;
	(void)cc;
	return true;
}

static bool of_country(const struct geo_record *record, country_t cc)
{
	return record->country == cc;
}

static bool of_another(const struct geo_record *record, country_t cc)
{
	return record->country != COUNTRY_NONE && record->country != cc;
}

static void place(const struct settle *s, size_t entry, char *buf, size_t size)
{
	const struct geo_range6 *e = &s->in[entry];
	const char *path = s->table->sources[e->source].path;

	if (e->line)
		snprintf(buf, size, "%s:%" PRIu32, path, e->line);
	else
		snprintf(buf, size, "%s", path);
}

static void tell(struct settle *s, addr6_t first, addr6_t last, size_t kept,
		 size_t lost, const char *why)
{
	struct range range = { s->family, first, last };
	char at[RANGE_TEXT_MAX], kept_at[GEO_PATH_MAX + 12],
		lost_at[GEO_PATH_MAX + 12], kept_cc[3], lost_cc[3];

	if (s->told_kept == kept && s->told_lost == lost)
		return;
	s->told_kept = kept;
	s->told_lost = lost;
	if (s->conflicts++ >= CONFLICTS_MAX)
		return;
	place(s, kept, kept_at, sizeof(kept_at));
	place(s, lost, lost_at, sizeof(lost_at));
	country_text(s->in[kept].record.country, kept_cc);
	country_text(s->in[lost].record.country, lost_cc);
	geo_warn_say(s->warn, "%s: %s is %s, but %s in %s; kept %s, %s",
		     kept_at, range_format(&range, at), kept_cc, lost_cc,
		     lost_at, kept_cc, why);
}

/* Which of the active entries [first, last] goes to. */
static size_t choose(struct settle *s, addr6_t first, addr6_t last)
{
	struct addr addr = { s->family, first };
	country_t before = COUNTRY_NONE;
	size_t kept, lost, old = s->count;

	if (s->active_count == 1)
		return s->active[0];
	kept = best(s, any, COUNTRY_NONE);
	if (s->in[kept].record.country == COUNTRY_NONE ||
	    best(s, of_another, s->in[kept].record.country) == s->count)
		return kept;
	if (s->previous)
		before = s->previous(s->ctx, &addr);
	if (before != COUNTRY_NONE)
		old = best(s, of_country, before);
	if (old < s->count)
		kept = old;
	lost = best(s, of_another, s->in[kept].record.country);
	tell(s, first, last, kept, lost,
	     old < s->count ? "as it was before"
			    : reason(s, &s->in[kept], &s->in[lost]));
	return kept;
}

static bool emit(struct settle *s, addr6_t first, addr6_t last, size_t entry,
		 struct error *err)
{
	if (s->out_count != 0 && s->out_entry == entry &&
	    s->out[s->out_count - 1].last + 1 == first) {
		s->out[s->out_count - 1].last = last;
		return true;
	}
	if (s->out_count == s->out_room) {
		size_t room = s->out_room + s->out_room / 2 + 64;
		struct geo_range6 *out =
			reallocarray(s->out, room, sizeof(*out));

		if (!out)
			return error_set(err, ERROR_SYSTEM, ENOMEM,
					 "no room for %zu ranges", room);
		s->out = out;
		s->out_room = room;
	}
	s->out[s->out_count] = s->in[entry];
	s->out[s->out_count].first = first;
	s->out[s->out_count++].last = last;
	s->out_entry = entry;
	return true;
}

/* The last address of the piece that begins at the place: until an active entry
 * ends, or the next one begins. */
static addr6_t piece_end(const struct settle *s, size_t next)
{
	addr6_t end = s->in[s->active[0]].last;

	for (size_t i = 1; i < s->active_count; i++)
		if (s->in[s->active[i]].last < end)
			end = s->in[s->active[i]].last;
	if (next < s->count && s->in[next].first - 1 < end)
		end = s->in[next].first - 1;
	return end;
}

static void drop_ended(struct settle *s, addr6_t end)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->active_count; i++)
		if (s->in[s->active[i]].last > end)
			s->active[kept++] = s->active[i];
	s->active_count = kept;
}

static bool sweep(struct settle *s, struct error *err)
{
	addr6_t at = 0, end;
	size_t next = 0;

	while (next < s->count || s->active_count != 0) {
		if (s->active_count == 0)
			at = s->in[next].first;
		while (next < s->count && s->in[next].first == at) {
			/* the readers give each file's entries disjoint */
			assert(s->active_count < s->table->source_count);
			s->active[s->active_count++] = next++;
		}
		end = piece_end(s, next);
		if (!emit(s, at, end, choose(s, at, end), err))
			return false;
		drop_ended(s, end);
		at = end + 1; /* wraps only when nothing is left to do */
	}
	return true;
}

/* in is sorted; *out is the caller's to free */
static bool settle(struct settle *s, struct error *err)
{
	bool ok;

	s->active = calloc(s->table->source_count, sizeof(*s->active));
	if (!s->active)
		return error_set(err, ERROR_SYSTEM, ENOMEM, "no room");
	s->told_kept = s->told_lost = s->count;
	ok = sweep(s, err);
	free(s->active);
	if (s->conflicts > CONFLICTS_MAX)
		geo_warn_say(s->warn,
			     "IPv%d: %zu more ranges have different countries "
			     "in different files",
			     s->family, s->conflicts - CONFLICTS_MAX);
	return ok;
}

static bool settle6(struct geo_table *table, struct settle s, struct error *err)
{
	s.family = 6;
	s.in = table->v6;
	s.count = table->count6;
	if (!settle(&s, err)) {
		free(s.out);
		return false;
	}
	free(table->v6);
	table->v6 = s.out;
	table->count6 = s.out_count;
	table->room6 = s.out_room;
	return true;
}

static void widen(const struct geo_range4 *v, size_t n, struct geo_range6 *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (struct geo_range6){ .first = v[i].first,
					      .last = v[i].last,
					      .record = v[i].record,
					      .line = v[i].line,
					      .source = v[i].source };
}

static void narrow(const struct geo_range6 *v, size_t n, struct geo_range4 *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (struct geo_range4){ .first = (uint32_t)v[i].first,
					      .last = (uint32_t)v[i].last,
					      .record = v[i].record,
					      .line = v[i].line,
					      .source = v[i].source };
}

static bool settle4(struct geo_table *table, struct settle s, struct error *err)
{
	struct geo_range6 *wide =
		reallocarray(NULL, table->count4, sizeof(*wide));
	struct geo_range4 *out = NULL;
	bool ok;

	if (!wide)
		return error_set(err, ERROR_SYSTEM, ENOMEM, "no room");
	widen(table->v4, table->count4, wide);
	s.family = 4;
	s.in = wide;
	s.count = table->count4;
	ok = settle(&s, err);
	free(wide);
	if (ok) {
		out = reallocarray(NULL, s.out_count, sizeof(*out));
		ok = out || error_set(err, ERROR_SYSTEM, ENOMEM, "no room");
	}
	if (ok) {
		narrow(s.out, s.out_count, out);
		free(table->v4);
		table->v4 = out;
		table->count4 = table->room4 = s.out_count;
	}
	free(s.out);
	return ok;
}

bool geo_table_finish(struct geo_table *table,
		      country_t (*previous)(void *ctx, const struct addr *addr),
		      void *ctx, const struct geo_warn *warn, struct error *err)
{
	struct settle s = {
		.table = table, .previous = previous, .ctx = ctx, .warn = warn
	};

	if (!table_sort(table, 0, 0, err))
		return false;
	if (overlap4(table->v4, table->count4) < table->count4 &&
	    !settle4(table, s, err))
		return false;
	if (overlap6(table->v6, table->count6) < table->count6 &&
	    !settle6(table, s, err))
		return false;
	table->finished = true;
	return true;
}
