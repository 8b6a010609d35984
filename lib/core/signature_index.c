// SPDX-License-Identifier: GPL-2.0-or-later
/* Finding the signature of a packet at a cost that does not grow with their number:
 * signature_index.h draws the way.
 *
 * What remains to compare within a key is what may be fuzzy: the TTL and four quirks.
 * Entries of a key that are equal even there are found at compile time, so that a
 * key's list is bounded by what those can be, and is one or two long in practice. */
#include "lib/core/signature_index.h"

#include <assert.h>

/* What a packet brings to the look-up. */
struct subject {
	const struct packet *p;
	uint32_t quirks;
	unsigned factor;
	bool mtu;
};

static bool subject_key(const struct signature_index *ix,
			const struct subject *s, uint32_t layout,
			unsigned shape, struct key *key)
{
	const struct packet *p = s->p;
	unsigned kind = shape >> SHAPE_KIND, window = 0;

	if (kind == WINDOW_EXACT)
		window = p->window;
	else if (kind == WINDOW_MSS || kind == WINDOW_MTU) {
		if (s->factor == 0 || s->mtu != (kind == WINDOW_MTU))
			return false;
		window = s->factor;
	} else if (kind >= WINDOW_MODULO) {
		window = ix->moduli[kind - WINDOW_MODULO];
		if (p->window % window != 0)
			return false;
	}
	*key = make_key(layout, shape, p->version, p->payload > 0,
			p->ip_options, shape & SHAPE_MSS ? p->mss : 0,
			shape & SHAPE_SCALE ? p->scale : 0, window, s->quirks);
	return true;
}

static enum signature_match judge(const struct entry *e,
				  const struct subject *s)
{
	uint32_t have = s->quirks & SOFT, differ = have ^ e->soft;
	uint8_t ttl = s->p->ttl;
	bool fuzzy = differ != 0;

	if ((differ & e->soft & ~(uint32_t)LOST) ||
	    (differ & have & ~(uint32_t)GAINED))
		return SIGNATURE_NONE;
	if (e->ttl_at_most) {
		if (ttl > e->ttl)
			return SIGNATURE_NONE;
	} else if (ttl > e->ttl || e->ttl - ttl > SIGNATURE_HOPS_MAX) {
		fuzzy = true;
	}
	if (fuzzy)
		return e->tool ? SIGNATURE_NONE : SIGNATURE_FUZZY;
	return e->generic ? SIGNATURE_GENERIC : SIGNATURE_EXACT;
}

const struct signature *signatures_find(const struct signatures *db,
					const struct packet *p,
					enum signature_match *how)
{
	const struct signature_index *ix = db->index;
	struct subject s = { .p = p, .quirks = p->quirks };
	uint32_t order = UINT32_MAX;
	const struct layout *layout;

	assert(ix);
	*how = SIGNATURE_NONE;
	layout = layout_slot(ix, p->layout, p->layout_len, p->eol_pad);
	if (layout->shapes == 0)
		return NULL;
	s.factor = packet_window_factor(p, &s.mtu);
	for (uint64_t left = layout->shapes; left; left &= left - 1) {
		unsigned shape = (unsigned)__builtin_ctzll(left);
		const struct run *run;
		struct key key;

		if (!subject_key(ix, &s, layout->number, shape, &key))
			continue;
		run = run_slot(ix, &key);
		for (uint32_t i = 0; i < run->count; i++) {
			const struct entry *e = &ix->entries[run->first + i];
			enum signature_match match = judge(e, &s);

			if (match > *how ||
			    (match == *how && match && e->order < order)) {
				*how = match;
				order = e->order;
			}
		}
	}
	return *how ? &db->list[order] : NULL;
}
