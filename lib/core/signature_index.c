// SPDX-License-Identifier: GPL-2.0-or-later
/* Finding the signature of a packet at a cost that does not grow with their
 * number.
 *
 * A signature is a tuple of fields, some exact, some '*'.  Which of them are
 * exact is its shape, and there are few shapes: an exact or any MSS, an exact
 * or any scale, and a kind of window ("%4096" and "%512" are two kinds).
 * Fields that take few values are no part of the shape: a '*' for the IP
 * version or the payload is entered once for each value.  So:
 *
 *	layout of the packet
 *	  -> hash -> the shapes that signatures of that layout have
 *	  for each shape: key of the packet's own fields, those of '*' left 0
 *	    -> hash -> entries that are the same in all that must be the same
 *
 * What remains to compare within a key is what may be fuzzy: the TTL and four
 * quirks.  Entries of a key that are equal even there are found at compile
 * time, so that a key's list is bounded by what those can be, and is one or
 * two long in practice. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/signature_impl.h"

/* Quirks that paths make vanish, and appear. */
#define LOST   (QUIRK_DF | QUIRK_ID_PLUS)
#define GAINED (QUIRK_ID_MINUS | QUIRK_ECN)
#define SOFT   (uint32_t)(LOST | GAINED)

/* Shape: bit 0 exact MSS, bit 1 exact scale, above them the kind of window. */
#define SHAPE_MSS   1u
#define SHAPE_SCALE 2u
#define SHAPE_KIND  2
#define KIND_MODULO 4 /* and above: the moduli, in order of appearance */
#define MODULI_MAX  12
#define SHAPES      64

struct key {
	uint64_t fields[2];
};

struct entry {
	uint32_t order; /* index into the list of signatures */
	uint8_t ttl;
	bool ttl_at_most;
	bool generic;
	bool tool;
	uint32_t soft;
};

/* A slot of the hash of keys: a run of entries, in the order of the files. */
struct run {
	struct key key;
	uint32_t first, count; /* count 0: empty */
};

struct layout {
	uint64_t shapes; /* 0: empty slot */
	uint32_t number;
	uint8_t len, eol_pad;
	uint8_t kinds[PACKET_OPTIONS_MAX];
};

struct signature_index {
	struct layout *layouts;
	struct run *runs;
	struct entry *entries;
	uint32_t layout_mask, run_mask;
	uint32_t entry_count;
	uint32_t layout_count;
	uint16_t moduli[MODULI_MAX];
	unsigned moduli_count;
};

/* What a packet brings to the look-up. */
struct subject {
	const struct packet *p;
	uint32_t quirks;
	unsigned factor;
	bool mtu;
};

static uint64_t mix(uint64_t h)
{
	h *= 0x9e3779b97f4a7c15; /* 2^64 / golden ratio */
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93;
	return h ^ h >> 32;
}

static uint64_t key_hash(const struct key *k)
{
	return mix(k->fields[0] ^ mix(k->fields[1]));
}

static bool key_equal(const struct key *a, const struct key *b)
{
	return ((a->fields[0] ^ b->fields[0]) |
		(a->fields[1] ^ b->fields[1])) == 0;
}

static uint64_t layout_hash(const uint8_t *kinds, uint8_t len, uint8_t eol_pad)
{
	uint64_t h = (uint64_t)len << 8 | eol_pad;

	/* the array is 0 behind len, in packets and in signatures */
	for (unsigned at = 0; at < len; at += 8) {
		uint64_t word;

		memcpy(&word, kinds + at, sizeof(word));
		h = mix(h ^ word);
	}
	return h;
}

/* The slot of a layout, or the empty one where it would go. */
static struct layout *layout_slot(const struct signature_index *ix,
				  const uint8_t *kinds, uint8_t len,
				  uint8_t eol_pad)
{
	uint64_t at = layout_hash(kinds, len, eol_pad);

	for (;; at++) {
		struct layout *l = &ix->layouts[at & ix->layout_mask];

		if (l->shapes == 0 ||
		    (l->len == len && l->eol_pad == eol_pad &&
		     memcmp(l->kinds, kinds, sizeof(l->kinds)) == 0))
			return l;
	}
}

static struct run *run_slot(const struct signature_index *ix,
			    const struct key *key)
{
	uint64_t at = key_hash(key);

	for (;; at++) {
		struct run *r = &ix->runs[at & ix->run_mask];

		if (r->count == 0 || key_equal(&r->key, key))
			return r;
	}
}

/* 16 bits of layout, 8 each of shape, IP options and scale, 16 of MSS, 1 each
 * of version and payload; then the window or its factor, and the hard quirks.
 */
static struct key make_key(uint32_t layout, unsigned shape, unsigned version,
			   bool payload, uint8_t ip_options, uint16_t mss,
			   uint8_t scale, unsigned window, uint32_t quirks)
{
	return (struct key){
		{ (uint64_t)layout | (uint64_t)shape << 16 |
			  (uint64_t)ip_options << 24 | (uint64_t)scale << 32 |
			  (uint64_t)mss << 40 | (uint64_t)payload << 56 |
			  (uint64_t)(version == 6) << 57,
		  (uint64_t)window << 32 | (quirks & ~SOFT) }
	};
}

/* ---- looking up ---------------------------------------------------------- */

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

/* ---- building ------------------------------------------------------------ */

/* An entry on its way into the index. */
struct draft {
	struct key key;
	struct entry entry;
};

static int by_key(const void *a, const void *b)
{
	const struct draft *x = a, *y = b;

	for (int i = 0; i < 2; i++)
		if (x->key.fields[i] != y->key.fields[i])
			return x->key.fields[i] < y->key.fields[i] ? -1 : 1;
	return (x->entry.order > y->entry.order) -
	       (x->entry.order < y->entry.order);
}

/* The kind of window as a number, one for each modulus; -1 and an error where
 * they are too many. */
static int window_kind(struct signature_index *ix, const struct signature *sig,
		       struct error *err)
{
	unsigned i;

	if (sig->window_kind != WINDOW_MODULO)
		return (int)sig->window_kind;
	for (i = 0; i < ix->moduli_count; i++)
		if (ix->moduli[i] == sig->window)
			break;
	if (i == MODULI_MAX) {
		error_set(err, ERROR_LIMIT, 0,
			  "%s:%u: window \"%%%u\": more than %d different %%n: "
			  "use those that are there",
			  sig->file, sig->line, sig->window, MODULI_MAX);
		return -1;
	}
	if (i == ix->moduli_count)
		ix->moduli[ix->moduli_count++] = sig->window;
	return (int)(WINDOW_MODULO + i);
}

/* Enters the layout, and the shape with it. */
static uint32_t layout_number(struct signature_index *ix,
			      const struct signature *sig, unsigned shape)
{
	struct layout *l =
		layout_slot(ix, sig->layout, sig->layout_len, sig->eol_pad);

	if (l->shapes == 0) {
		l->number = ix->layout_count++;
		l->len = sig->layout_len;
		l->eol_pad = sig->eol_pad;
		memcpy(l->kinds, sig->layout, sizeof(l->kinds));
	}
	l->shapes |= 1ull << shape;
	return l->number;
}

/* The quirks that a signature has for one IP version.  One for either version
 * says nothing about the other's: IPv6 has no DF, IPv4 no flow label. */
static uint32_t quirks_for(const struct signature *sig, unsigned version)
{
	if (sig->version)
		return sig->quirks;
	return version == 4
		       ? sig->quirks & ~(uint32_t)QUIRK_FLOW
		       : sig->quirks &
				 ~(uint32_t)(QUIRK_DF | QUIRK_ID_PLUS |
					     QUIRK_ID_MINUS | QUIRK_ZERO_PLUS);
}

/* Adds the entries of one signature to drafts; gives how many: up to three for
 * the versions (IPv6 with a flow label and without) times two for the payload.
 */
#define DRAFTS_MAX 6
static unsigned draft(const struct signature *sig, uint32_t order,
		      uint32_t layout, unsigned shape, struct draft *out)
{
	unsigned count = 0;

	for (unsigned version = 4; version <= 6; version += 2)
		for (int variant = 0; variant < 4; variant++) {
			bool payload = variant & 1, labelled = variant & 2;
			uint32_t quirks = quirks_for(sig, version);

			if ((sig->version && sig->version != version) ||
			    (sig->has_payload && payload != sig->payload) ||
			    (labelled && (sig->version || version == 4 ||
					  (quirks & QUIRK_FLOW))))
				continue;
			if (labelled)
				quirks |= QUIRK_FLOW;
			out[count].key =
				make_key(layout, shape, version, payload,
					 sig->ip_options, sig->mss, sig->scale,
					 sig->window, quirks);
			out[count++].entry = (struct entry){
				.order = order,
				.ttl = sig->ttl,
				.ttl_at_most = sig->ttl_at_most,
				.generic = sig->generic,
				.tool = sig->class == OS_SCANNER,
				.soft = quirks & SOFT,
			};
		}
	return count;
}

static bool draft_all(const struct signatures *db, struct signature_index *ix,
		      struct draft *drafts, uint32_t *count, struct error *err)
{
	for (uint32_t i = 0; i < db->count; i++) {
		const struct signature *sig = &db->list[i];
		int kind = window_kind(ix, sig, err);
		unsigned shape;

		if (kind < 0)
			return false;
		shape = (unsigned)kind << SHAPE_KIND |
			(sig->has_mss ? SHAPE_MSS : 0) |
			(sig->has_scale ? SHAPE_SCALE : 0);
		*count += draft(sig, i, layout_number(ix, sig, shape), shape,
				drafts + *count);
	}
	return true;
}

/* Where `e` can never be reached because of `by`, an earlier one of its key. */
static bool hides(const struct entry *by, const struct entry *e)
{
	return by->soft == e->soft && by->ttl == e->ttl &&
	       by->ttl_at_most == e->ttl_at_most && by->tool == e->tool &&
	       by->generic <= e->generic;
}

/* Adds one draft to its run, which is the last one so far; the entry that hides
 * it, if one does. */
static const struct entry *enter(struct signature_index *ix,
				 const struct draft *d)
{
	struct run *run = run_slot(ix, &d->key);

	if (run->count == 0) {
		run->key = d->key;
		run->first = ix->entry_count;
	}
	for (uint32_t i = 0; i < run->count; i++)
		if (hides(&ix->entries[run->first + i], &d->entry))
			return &ix->entries[run->first + i];
	ix->entries[ix->entry_count++] = d->entry;
	run->count++;
	return NULL;
}

/* Enters all, then finds fault with a signature of which nothing could be
 * entered, all of it being said before in the same file.  hidden_by[i] is where:
 * NOT_HIDDEN once something was entered, or another file said it. */
#define UNSEEN     UINT32_MAX
#define NOT_HIDDEN (UINT32_MAX - 1)
static bool enter_all(const struct signatures *db, struct signature_index *ix,
		      const struct draft *drafts, uint32_t count,
		      uint32_t *hidden_by, struct error *err)
{
	memset(hidden_by, 0xff, db->count * sizeof(*hidden_by)); /* UNSEEN */
	for (uint32_t i = 0; i < count; i++) {
		const struct entry *by = enter(ix, &drafts[i]);
		uint32_t order = drafts[i].entry.order;

		/* pointers: the same file, not one of the same name */
		if (!by || db->list[by->order].file != db->list[order].file)
			hidden_by[order] = NOT_HIDDEN;
		else if (hidden_by[order] == UNSEEN)
			hidden_by[order] = by->order;
	}
	for (uint32_t i = 0; i < db->count; i++) {
		const struct signature *s = &db->list[i], *first;

		if (hidden_by[i] >= NOT_HIDDEN)
			continue;
		first = &db->list[hidden_by[i]];
		return error_set(err, ERROR_MALFORMED, 0,
				 "%s:%u: signature \"%s\": line %u says the "
				 "same already (%s:%s): take one of them out",
				 s->file, s->line, s->text, first->line,
				 first->name, first->flavour);
	}
	return true;
}

/* A power of two that leaves the table at most half full. */
static uint32_t table_size(size_t entries)
{
	uint32_t size = 16;

	while (size < entries * 2)
		size *= 2;
	return size;
}

bool signature_index_build(struct signatures *db, struct error *err)
{
	struct signature_index *ix = calloc(1, sizeof(*ix));
	size_t most = db->count * DRAFTS_MAX + 1;
	struct draft *drafts = calloc(most, sizeof(*drafts));
	uint32_t *hidden_by = calloc(db->count + 1, sizeof(*hidden_by));
	uint32_t count = 0;

	if (!ix || !drafts || !hidden_by)
		goto no_memory;
	ix->layout_mask = table_size(db->count) - 1;
	ix->layouts = calloc(ix->layout_mask + 1u, sizeof(*ix->layouts));
	ix->entries = calloc(most, sizeof(*ix->entries));
	if (!ix->layouts || !ix->entries)
		goto no_memory;
	if (!draft_all(db, ix, drafts, &count, err))
		goto out;
	qsort(drafts, count, sizeof(*drafts), by_key);
	ix->run_mask = table_size(count) - 1;
	ix->runs = calloc(ix->run_mask + 1u, sizeof(*ix->runs));
	if (!ix->runs)
		goto no_memory;
	if (!enter_all(db, ix, drafts, count, hidden_by, err))
		goto out;
	free(hidden_by);
	free(drafts);
	db->index = ix;
	return true;

no_memory:
	error_set(err, ERROR_LIMIT, 0, "no memory for %zu signatures",
		  db->count);
out:
	free(hidden_by);
	free(drafts);
	signature_index_free(ix);
	return false;
}

void signature_index_free(struct signature_index *ix)
{
	if (!ix)
		return;
	free(ix->layouts);
	free(ix->runs);
	free(ix->entries);
	free(ix);
}
