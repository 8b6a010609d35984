// SPDX-License-Identifier: GPL-2.0-or-later
/* A second source over a finished table: both are sorted and disjoint, so one
 * walk from left to right over both cuts the address space where either changes.
 *
 *	table	[------- DE -------]      [-- FR --]
 *	second	      [--- AT ----------]
 *	out	[ DE ][ DE/AT -----][ /AT ][- FR --]
 *
 * Both families take the same walk, with addresses of 128 bits. */
#include <assert.h>
#include <stdlib.h>

#include "table.h"

struct overlay {
	const struct geo_table *a, *b;
	bool v6;
	uint32_t source; /* of ranges that only b knows */
	struct geo_table out;
	size_t room; /* of out's arrays beside the ranges */
};

struct ends {
	addr6_t first, last;
};

static struct ends ends(const struct geo_table *t, bool v6, size_t i)
{
	return v6 ? (struct ends){ t->v6[i].first, t->v6[i].last }
		  : (struct ends){ t->v4[i].first, t->v4[i].last };
}

static bool grow(void **v, size_t room, size_t size)
{
	void *more = reallocarray(*v, room, size);

	if (more)
		*v = more;
	return more != NULL;
}

/* Room beside one more range. */
static bool make_room(struct overlay *o, size_t count, struct error *err)
{
	void *second = o->v6 ? o->out.second6 : o->out.second4;
	void *since = o->v6 ? o->out.since6 : o->out.since4;
	bool ok;

	if (count < o->room)
		return true;
	o->room = o->room + o->room / 2 + 4096;
	ok = grow(&second, o->room, sizeof(struct geo_opinion));
	ok = grow(&since, o->room, sizeof(uint32_t)) && ok;
	*(o->v6 ? &o->out.second6 : &o->out.second4) = second;
	*(o->v6 ? &o->out.since6 : &o->out.since4) = since;
	return ok || error_set(err, ERROR_LIMIT, 0, "no room for %zu ranges",
			       o->room);
}

/* [first, last], which is in range i of a, or none (NULL), with b's opinion. */
static bool emit4(struct overlay *o, struct ends at, const size_t *i,
		  country_t second, struct error *err)
{
	struct geo_range4 r = { .source = o->source };
	size_t n = o->out.count4;

	if (i)
		r = o->a->v4[*i];
	r.first = (uint32_t)at.first;
	r.last = (uint32_t)at.last;
	if (!make_room(o, n, err) || !table_add4(&o->out, &r, err))
		return false;
	o->out.second4[n] =
		(struct geo_opinion){ second,
				      i && o->a->v4[*i].first != r.first };
	o->out.since4[n] = i && o->a->since4 ? o->a->since4[*i] : 0;
	return true;
}

static bool emit6(struct overlay *o, struct ends at, const size_t *i,
		  country_t second, struct error *err)
{
	struct geo_range6 r = { .source = o->source };
	size_t n = o->out.count6;

	if (i)
		r = o->a->v6[*i];
	r.first = at.first;
	r.last = at.last;
	if (!make_room(o, n, err) || !table_add6(&o->out, &r, err))
		return false;
	o->out.second6[n] =
		(struct geo_opinion){ second,
				      i && o->a->v6[*i].first != r.first };
	o->out.since6[n] = i && o->a->since6 ? o->a->since6[*i] : 0;
	return true;
}

static country_t opinion(const struct overlay *o, size_t j)
{
	return o->v6 ? o->b->v6[j].record.country : o->b->v4[j].record.country;
}

/* The last address of the piece that begins at `first`: until one of the two ends
 * or the other begins. */
static addr6_t piece_last(addr6_t first, addr6_t top, const struct ends *a,
			  const struct ends *b)
{
	const struct ends *both[] = { a, b };
	addr6_t last = top;

	for (int k = 0; k < 2; k++) {
		addr6_t stop;

		if (!both[k])
			continue;
		stop = both[k]->first <= first ? both[k]->last
					       : both[k]->first - 1;
		if (stop < last)
			last = stop;
	}
	return last;
}

static bool walk(struct overlay *o, struct error *err)
{
	size_t na = o->v6 ? o->a->count6 : o->a->count4;
	size_t nb = o->v6 ? o->b->count6 : o->b->count4;
	addr6_t top = o->v6 ? ADDR6_MAX : ADDR4_MAX, at = 0;
	size_t i = 0, j = 0;

	while (i < na || j < nb) {
		struct ends a, b, piece;
		bool in_a, in_b;

		if (i < na)
			a = ends(o->a, o->v6, i);
		if (j < nb)
			b = ends(o->b, o->v6, j);
		in_a = i < na && a.first <= at;
		in_b = j < nb && b.first <= at;
		piece.first = at;
		piece.last = piece_last(at, top, i < na ? &a : NULL,
					j < nb ? &b : NULL);
		if ((in_a || (in_b && opinion(o, j) != COUNTRY_NONE)) &&
		    !(o->v6 ? emit6
			    : emit4)(o, piece, in_a ? &i : NULL,
				     in_b ? opinion(o, j) : COUNTRY_NONE, err))
			return false;
		i += in_a && a.last == piece.last;
		j += in_b && b.last == piece.last;
		if (piece.last == top)
			break;
		at = piece.last + 1;
	}
	return true;
}

bool geo_table_second(struct geo_table *table, const struct geo_table *second,
		      struct error *err)
{
	struct overlay o = { .a = table,
			     .b = second,
			     .source = (uint32_t)table->source_count };

	assert(table->finished && second->finished && table->second == 0);
	if (second->source_count == 0)
		return true;
	if (!table_grow_sources(table, err) || !walk(&o, err))
		goto fail;
	o.v6 = true;
	o.room = 0;
	if (!walk(&o, err))
		goto fail;
	o.out.sources = table->sources;
	o.out.source_count = table->source_count;
	o.out.source_room = table->source_room;
	o.out.sources[o.out.source_count++] = second->sources[0];
	o.out.second = (uint32_t)o.out.source_count;
	o.out.finished = true;
	table->sources = NULL;
	geo_table_clear(table);
	*table = o.out;
	return true;
fail:
	geo_table_clear(&o.out);
	return false;
}
