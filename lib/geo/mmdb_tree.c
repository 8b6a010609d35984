// SPDX-License-Identifier: GPL-2.0-or-later
/* The tree of a MaxMind DB: binary, over the bits of an address, 128 levels deep.
 *
 * The image gives ranges in order.  Made into segments without a gap, neighbours
 * of the same country joined, they are the leaves; and a block of addresses is a
 * leaf if it lies within one segment, else a node with its two halves.  So the
 * tree is as small as it can be, and comes out in the order in which look-ups
 * walk it. */
#include "mmdb_tree.h"

#include <assert.h>
#include <stdlib.h>

/* ::ffff:0:0/96 */
#define MAPPED_FIRST ADDR6(0, 0x0000ffff00000000)
#define MAPPED_LAST  ADDR6(0, 0x0000ffffffffffff)
#define V4_LAST      ADDR6(0, UINT32_MAX)

#define NODES_MAX (1u << 28)

/* Values of a segment besides countries. */
#define VALUE_NONE  0u
#define VALUE_ALIAS 1u /* the IPv4 tree once more */

struct segment {
	addr6_t first;
	uint32_t value;
};

struct builder {
	struct mmdb_tree *tree;
	struct segment *segments;
	size_t segment_count, segment_room;
	uint32_t v4_root;

	/* on the way through the image */
	const struct iset *only;
	size_t at; /* in `only` */
	int family;
	bool has_v4, has_alias;
	addr6_t next; /* first address beyond the segments */
	struct error *err;
};

static bool push(struct builder *w, addr6_t first, uint32_t value)
{
	size_t room = w->segment_room ? 2 * w->segment_room : 1024;
	struct segment *grown;

	if (w->segment_count == w->segment_room) {
		grown = reallocarray(w->segments, room, sizeof(*grown));
		if (!grown)
			return error_set(w->err, ERROR_LIMIT, 0, "no memory");
		w->segments = grown;
		w->segment_room = room;
	}
	assert(w->segments);
	w->segments[w->segment_count++] =
		(struct segment){ .first = first, .value = value };
	return true;
}

/* The next stretch of addresses with a value, after all that came before. */
static bool append(struct builder *w, addr6_t first, addr6_t last,
		   uint32_t value)
{
	const struct segment *top = w->segment_count > 0
					    ? &w->segments[w->segment_count - 1]
					    : NULL;

	if (first > w->next && !push(w, w->next, VALUE_NONE))
		return false;
	/* the IPv4 tree ends where its block does, whatever follows */
	if ((first > w->next || !top || top->value != value ||
	     first == V4_LAST + 1) &&
	    !push(w, first, value))
		return false;
	w->next = last + 1; /* 0 after the last address of all */
	return true;
}

/* IPv6 leaves out the blocks that are IPv4's. */
static bool append6(struct builder *w, addr6_t first, addr6_t last,
		    uint32_t value)
{
	if (last <= V4_LAST)
		return true;
	if (first <= V4_LAST)
		first = V4_LAST + 1;
	if (first < MAPPED_FIRST &&
	    !append(w, first, last < MAPPED_FIRST ? last : MAPPED_FIRST - 1,
		    value))
		return false;
	if (last <= MAPPED_LAST)
		return true;
	if (w->has_v4 && !w->has_alias &&
	    !append(w, MAPPED_FIRST, MAPPED_LAST, VALUE_ALIAS))
		return false;
	w->has_alias = w->has_v4;
	return append(w, first > MAPPED_LAST ? first : MAPPED_LAST + 1, last,
		      value);
}

/* Range i of `only`; false beyond the last. */
static bool only_range(const struct builder *w, int family, size_t i,
		       struct range *out)
{
	const struct iset *set = w->only;

	if (i >= (family == 4 ? set->v4.count : set->v6.count))
		return false;
	out->first = family == 4 ? set->v4.r[i].first : set->v6.r[i].first;
	out->last = family == 4 ? set->v4.r[i].last : set->v6.r[i].last;
	return true;
}

/* What `only` leaves of a record's range. */
static bool add_record(void *ctx, const struct range *range,
		       const struct geo_record *record)
{
	struct builder *w = ctx;
	bool (*add)(struct builder *, addr6_t, addr6_t, uint32_t) =
		range->family == 4 ? append : append6;
	struct range r;

	if (record->country == COUNTRY_NONE)
		return true;
	if (range->family != w->family) { /* IPv6 comes after IPv4 */
		w->has_v4 = w->segment_count > 0;
		w->family = range->family;
		w->at = 0;
	}
	if (!w->only)
		return add(w, range->first, range->last, record->country);
	while (only_range(w, range->family, w->at, &r) && r.last < range->first)
		w->at++;
	for (size_t i = w->at;
	     only_range(w, range->family, i, &r) && r.first <= range->last;
	     i++) {
		if (r.first < range->first)
			r.first = range->first;
		if (r.last > range->last)
			r.last = range->last;
		if (!add(w, r.first, r.last, record->country))
			return false;
	}
	return true;
}

static bool collect(struct builder *w, const struct image *image)
{
	if (!image_each(image, add_record, w))
		return false;
	if (w->family == 4) /* there is no IPv6 */
		w->has_v4 = w->segment_count > 0;
	if (w->has_v4 && !w->has_alias &&
	    !append(w, MAPPED_FIRST, MAPPED_LAST, VALUE_ALIAS))
		return false;
	/* next is 0 where nothing was added, and where the top is taken */
	return (w->next == 0 && w->segment_count > 0) ||
	       push(w, w->next, VALUE_NONE);
}

/* ---- nodes ---- */

static bool new_node(struct builder *w, uint32_t *out)
{
	uint32_t room = w->tree->node_room ? 2 * w->tree->node_room : 4096;
	struct mmdb_node *grown;

	if (w->tree->node_count == w->tree->node_room) {
		grown = room > NODES_MAX ? NULL
					 : reallocarray(w->tree->nodes, room,
							sizeof(*grown));
		if (!grown)
			return error_set(w->err, ERROR_LIMIT, 0,
					 "no memory for a tree of %u nodes",
					 room);
		w->tree->nodes = grown;
		w->tree->node_room = room;
	}
	*out = w->tree->node_count++;
	return true;
}

static uint32_t leaf(const struct builder *w, uint32_t value)
{
	if (value == VALUE_NONE)
		return MMDB_EMPTY;
	if (value == VALUE_ALIAS)
		return w->v4_root;
	return MMDB_DATA | value;
}

/* The last of the segments from low on that begins at or before addr. */
static size_t segment_at(const struct builder *w, size_t low, size_t high,
			 addr6_t addr)
{
	while (low < high) {
		size_t middle = high - (high - low) / 2;

		if (w->segments[middle].first <= addr)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/* The block of addresses that begins at prefix, `depth` bits long, within the
 * segments low to high: what its parent's record is.  128 levels at most. */
static bool block(struct builder *w, addr6_t prefix, unsigned depth, size_t low,
		  size_t high, uint32_t *record)
{
	addr6_t middle;
	size_t half;
	uint32_t node = 0, left = MMDB_EMPTY, right = MMDB_EMPTY;

	/* the root is a node in any case */
	if (low == high && depth > 0) {
		*record = leaf(w, w->segments[low].value);
	} else {
		middle = prefix | (addr6_t)1 << (127 - depth);
		half = segment_at(w, low, high, middle);
		if (!new_node(w, &node) ||
		    !block(w, prefix, depth + 1, low,
			   segment_at(w, low, half, middle - 1), &left) ||
		    !block(w, middle, depth + 1, half, high, &right))
			return false;
		w->tree->nodes[node].record[0] = left;
		w->tree->nodes[node].record[1] = right;
		*record = node;
	}
	if (prefix == 0 && depth == 96)
		w->v4_root = *record;
	return true;
}

bool mmdb_tree_build(struct mmdb_tree *tree, const struct image *image,
		     const struct iset *only, struct error *err)
{
	struct builder w = { .tree = tree,
			     .v4_root = MMDB_EMPTY,
			     .only = only,
			     .family = 4,
			     .err = err };
	uint32_t root;
	bool ok = collect(&w, image) &&
		  block(&w, 0, 0, 0, w.segment_count - 1, &root);

	free(w.segments);
	return ok;
}

void mmdb_tree_clear(struct mmdb_tree *tree)
{
	free(tree->nodes);
	*tree = (struct mmdb_tree){ 0 };
}
