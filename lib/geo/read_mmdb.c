// SPDX-License-Identifier: GPL-2.0-or-later
/* The whole tree, left to right, with a stack of one place for each bit of
 * an address.  IPv4 lives at ::/96 of an IPv6 tree, and databases point at
 * it from elsewhere too, from ::ffff:0:0/96, 2002::/16 and 2001::/32, so
 * that a look-up of such an address finds it: these are the same records
 * once more, and are passed by.  All other nodes are come to once; more
 * visits than there are nodes mean that the tree is none. */
#include <string.h>
#include <unistd.h>

#include "mmdb.h"
#include "reader.h"
#include "table.h"

#define IPV4_LAST ((addr6_t)UINT32_MAX) /* of ::/96 */

struct walk {
	struct reader *r;
	struct mmdb *mmdb;
	struct mmdb_shape shape;
	uint64_t visits;
};

/* One subtree that is still to be looked at. */
struct place {
	struct mmdb_record record;
	unsigned depth; /* bits that led to it */
	addr6_t first;
};

static bool emit4(struct reader *r, uint32_t first, uint32_t last,
		  country_t country, struct error *err)
{
	struct geo_table *t = r->table;
	size_t before = t->count4 - 1;

	if (t->count4 > r->base4 && t->v4[before].record.country == country &&
	    t->v4[before].last + 1 == first) {
		t->v4[before].last = last;
		return true;
	}
	return table_add4(t,
			  &(struct geo_range4){ .first = first,
						.last = last,
						.record.country = country,
						.source = r->index },
			  err);
}

static bool emit6(struct reader *r, addr6_t first, addr6_t last,
		  country_t country, struct error *err)
{
	struct geo_table *t = r->table;
	size_t before = t->count6 - 1;

	if (t->count6 > r->base6 && t->v6[before].record.country == country &&
	    t->v6[before].last + 1 == first) {
		t->v6[before].last = last;
		return true;
	}
	return table_add6(t,
			  &(struct geo_range6){ .first = first,
						.last = last,
						.record.country = country,
						.source = r->index },
			  err);
}

static bool take_data(struct walk *w, const struct place *p, struct error *err)
{
	unsigned left = w->shape.bits - p->depth;
	addr6_t first = p->first;
	addr6_t last =
		first | (left == 128 ? ADDR6_MAX : ((addr6_t)1 << left) - 1);
	country_t country;

	if (!mmdb_country(w->mmdb, p->record.value, &country, err))
		return false;
	if (country == COUNTRY_NONE)
		return true;
	if (first <= IPV4_LAST) {
		if (!emit4(w->r, (uint32_t)first,
			   last > IPV4_LAST ? UINT32_MAX : (uint32_t)last,
			   country, err))
			return reader_wrap(w->r, 0, err);
		first = IPV4_LAST + 1;
	}
	return first > last || emit6(w->r, first, last, country, err) ||
	       reader_wrap(w->r, 0, err);
}

static bool alias(const struct walk *w, const struct place *p)
{
	return w->shape.ipv4_node != 0 &&
	       p->record.value == w->shape.ipv4_node &&
	       (p->first != 0 || p->depth != 96);
}

/* The two halves of a place; the left one is to be looked at first. */
static bool open_node(struct walk *w, const struct place *p,
		      struct place halves[2], struct error *err)
{
	struct mmdb_record records[2];
	addr6_t bit;

	if (p->depth == w->shape.bits)
		return reader_fail(w->r, 0, err,
				   "the tree of the MaxMind DB is deeper than "
				   "an address has bits");
	if (w->visits++ == w->shape.nodes)
		return reader_fail(w->r, 0, err,
				   "the tree of the MaxMind DB comes to a node "
				   "twice");
	if (!mmdb_node(w->mmdb, p->record.value, records, err))
		return false;
	bit = (addr6_t)1 << (w->shape.bits - 1 - p->depth);
	halves[0] = (struct place){ records[0], p->depth + 1, p->first };
	halves[1] = (struct place){ records[1], p->depth + 1, p->first | bit };
	return true;
}

static bool walk(struct walk *w, struct error *err)
{
	/* a right half for each bit above, and a left one */
	struct place stack[130], halves[2];
	unsigned used = 0;

	stack[used++] = (struct place){ { MMDB_NODE, 0 }, 0, 0 };
	while (used != 0) {
		struct place p = stack[--used];

		if (p.record.kind == MMDB_DATA && !take_data(w, &p, err))
			return false;
		if (p.record.kind != MMDB_NODE || alias(w, &p))
			continue;
		if (!open_node(w, &p, halves, err))
			return false;
		stack[used++] = halves[1];
		stack[used++] = halves[0];
	}
	return true;
}

bool read_mmdb(struct reader *r, struct error *err)
{
	struct walk w = { .r = r };
	char quote[TEXT_QUOTE_MAX];
	struct text type;
	bool ok;
	int fd;

	if (!r->in.unpacker && !mmdb_probe(r->in.fd, r->in.path, err))
		return false;
	/* a copy: the library maps it, and nobody can cut this one short */
	if (!input_to_memory(&r->in, &fd, err))
		return false;
	ok = mmdb_open_fd(&w.mmdb, fd, r->in.path, err);
	close(fd);
	if (!ok)
		return false;
	mmdb_shape(w.mmdb, &w.shape);
	r->source.date = w.shape.date;
	type = (struct text){ w.shape.type, strlen(w.shape.type) };
	ok = walk(&w, err);
	if (ok && r->table->count4 == r->base4 && r->table->count6 == r->base6)
		ok = reader_fail(r, 0, err,
				 "no countries in it: a database of type "
				 "\"%s\"",
				 text_quote(&type, quote));
	mmdb_close(w.mmdb);
	return ok;
}
