// SPDX-License-Identifier: GPL-2.0-or-later
/* Ranges that are in no file any more.
 *
 * A block that moves between registries is in neither file for a day or two.
 * What the image before had and no file has now, keeps its record, with the date
 * of the first file that missed it.  Dates are those of the data, so that a machine
 * that was off for a month, or whose clock is wrong, drops nothing early: the file
 * without the block has to be that much newer.
 *
 * What is missing is found by a walk over the image's segments and the table's
 * ranges, both in order; the table then gets it merged in. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "image_private.h"
#include "table.h"

struct grace {
	const struct family *f;
	struct geo_table *table;
	unsigned days;
	const struct geo_source *source[REGISTRY_COUNT]; /* in the table */
	struct image_graced *told;
	struct geo_range6 *missing; /* of one family, in order */
	uint32_t *since;
	size_t count, room;
};

static void find_sources(struct grace *g)
{
	for (size_t i = 0; i < g->table->source_count; i++) {
		const struct geo_source *s = &g->table->sources[i];

		if (s->registry != REGISTRY_NONE)
			g->source[s->registry] = s;
	}
}

/* Since when segment i is missing, now that it is in no file; 0: not to be
 * kept. */
static uint32_t missing_since(const struct grace *g, uint32_t i,
			      uint32_t before)
{
	struct geo_record r = image_record(g->f, i);
	const struct geo_source *s = g->source[r.registry];

	if (!s || s->date == 0)
		return 0;
	/* a date to come is no date to count from */
	if (before == 0 || before > s->date)
		before = s->date;
	return geo_days(s->date) - geo_days(before) < (int32_t)g->days ? before
								       : 0;
}

/* What was added last, where the range goes on with it: a second source's borders
 * cut records in the image, and here they are one again.  Else NULL. */
static struct geo_range6 *
continued(const struct grace *g, const struct geo_range6 *range, uint32_t since)
{
	struct geo_range6 *last;

	if (g->count == 0 || !g->missing || g->since[g->count - 1] != since)
		return NULL;
	last = &g->missing[g->count - 1];
	return last->last + 1 == range->first &&
			       memcmp(&last->record, &range->record,
				      sizeof(last->record)) == 0
		       ? last
		       : NULL;
}

static bool add(struct grace *g, const struct geo_range6 *range, uint32_t since,
		struct error *err)
{
	struct geo_range6 *last = continued(g, range, since);

	if (last) {
		last->last = range->last;
		return true;
	}
	(*(g->f->start ? &g->told->ranges4 : &g->told->ranges6))++;
	if (g->count == g->room) {
		size_t room = g->room + g->room / 2 + 64;
		void *missing =
			reallocarray(g->missing, room, sizeof(*g->missing));
		void *dates = NULL;

		if (missing) {
			g->missing = missing;
			dates = reallocarray(g->since, room, sizeof(*g->since));
		}
		if (!dates)
			return error_set(err, ERROR_LIMIT, 0, "no memory");
		g->since = dates;
		g->room = room;
	}
	g->missing[g->count] = *range;
	g->since[g->count++] = since;
	return true;
}

/* [first, last] of segment i is in no file. */
static bool take(struct grace *g, uint32_t i, uint32_t before, addr6_t first,
		 addr6_t last, struct error *err)
{
	struct geo_record r = image_record(g->f, i);
	const struct geo_source *s = g->source[r.registry];
	uint32_t since = missing_since(g, i, before);
	bool v4 = g->f->start != NULL;

	if (!s)
		return true;
	if (!since) {
		(*(v4 ? &g->told->expired4 : &g->told->expired6))++;
		return true;
	}
	if (v4)
		g->told->addresses4 += (uint64_t)(last - first) + 1;
	return add(g,
		   &(struct geo_range6){
			   .first = first,
			   .last = last,
			   .record = r,
			   .source = (uint32_t)(s - g->table->sources) },
		   since, err);
}

/* The parts of segment i that no range of the table covers; *at is the first range
 * that does not end before it. */
static bool holes(struct grace *g, uint32_t i, uint32_t before, size_t *at,
		  struct error *err)
{
	bool v4 = g->f->start != NULL;
	size_t count = v4 ? g->table->count4 : g->table->count6;
	struct range segment = image_extent(g->f, i);
	addr6_t next = segment.first;

	for (; *at < count; (*at)++) {
		struct geo_range6 r = table_entry(g->table, !v4, *at);

		if (r.last < next)
			continue;
		if (r.first > segment.last)
			break;
		if (r.first > next &&
		    !take(g, i, before, next, r.first - 1, err))
			return false;
		if (r.last >= segment.last)
			return true; /* it may reach into the next segment */
		next = r.last + 1;
	}
	return take(g, i, before, next, segment.last, err);
}

static bool find_missing(struct grace *g, struct error *err)
{
	uint32_t kept = 0;
	size_t at = 0;

	g->count = 0;
	for (uint32_t i = 0; i < g->f->segments; i++) {
		if (g->f->origin[i] == IMAGE_GAP ||
		    g->f->first[i] == COUNTRY_NONE ||
		    (g->f->origin[i] & 0xff) == REGISTRY_NONE)
			continue;
		if (!holes(g, i, image_since(g->f, i, &kept), &at, err))
			return false;
	}
	return true;
}

static bool merge4(struct grace *g, struct error *err)
{
	struct geo_table *t = g->table;
	size_t total = t->count4 + g->count, i = 0, j = 0;
	uint32_t *since = calloc(total, sizeof(*since));
	struct geo_range4 *v;

	if (!since || !table_alloc4(&v, total, err)) {
		free(since);
		return error_set(err, ERROR_LIMIT, 0, "no memory");
	}
	for (size_t k = 0; k < total; k++) {
		const struct geo_range6 *m = &g->missing[j];

		if (j == g->count ||
		    (i < t->count4 && t->v4[i].first < m->first)) {
			v[k] = t->v4[i++];
			continue;
		}
		v[k] = table_narrow(m);
		since[k] = g->since[j++];
	}
	free(t->v4);
	t->v4 = v;
	t->count4 = t->room4 = total;
	t->since4 = since;
	return true;
}

static bool merge6(struct grace *g, struct error *err)
{
	struct geo_table *t = g->table;
	size_t total = t->count6 + g->count, i = 0, j = 0;
	uint32_t *since = calloc(total, sizeof(*since));
	struct geo_range6 *v;

	if (!since || !table_alloc6(&v, total, err)) {
		free(since);
		return error_set(err, ERROR_LIMIT, 0, "no memory");
	}
	for (size_t k = 0; k < total; k++) {
		if (j == g->count ||
		    (i < t->count6 && t->v6[i].first < g->missing[j].first)) {
			v[k] = t->v6[i++];
			continue;
		}
		v[k] = g->missing[j];
		since[k] = g->since[j++];
	}
	free(t->v6);
	t->v6 = v;
	t->count6 = t->room6 = total;
	t->since6 = since;
	return true;
}

bool image_grace(const struct image *image, struct geo_table *table,
		 unsigned days, struct image_graced *out, struct error *err)
{
	struct grace g = { .table = table, .days = days, .told = out };
	bool ok;

	assert(table->finished && !table->second && !table->since4 &&
	       !table->since6 && image->trust == IMAGE_CHECK_ALL);
	*out = (struct image_graced){ 0 };
	find_sources(&g);
	g.f = &image->v4;
	ok = find_missing(&g, err) && (g.count == 0 || merge4(&g, err));
	g.f = &image->v6;
	ok = ok && find_missing(&g, err) && (g.count == 0 || merge6(&g, err));
	free(g.missing);
	free(g.since);
	return ok;
}
