/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_CORE_SIGNATURE_INDEX_H
#define LIB_CORE_SIGNATURE_INDEX_H

#include <string.h>

#include "lib/core/signature_impl.h"

/* The index of signatures, which signature_build.c makes and signature_index.c asks.
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
 *	    -> hash -> entries that are the same in all that must be the same */

/* Quirks that paths make vanish, and appear. */
#define LOST   (QUIRK_DF | QUIRK_ID_PLUS)
#define GAINED (QUIRK_ID_MINUS | QUIRK_ECN)
#define SOFT   (uint32_t)(LOST | GAINED)

/* Shape: bit 0 exact MSS, bit 1 exact scale, above them the kind of window. */
#define SHAPE_MSS   1u
#define SHAPE_SCALE 2u
#define SHAPE_KIND  2
#define MODULI_MAX  12

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

static inline uint64_t mix(uint64_t h)
{
	h *= 0x9e3779b97f4a7c15; /* 2^64 / golden ratio */
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93;
	return h ^ h >> 32;
}

static inline uint64_t key_hash(const struct key *k)
{
	return mix(k->fields[0] ^ mix(k->fields[1]));
}

static inline bool key_equal(const struct key *a, const struct key *b)
{
	return ((a->fields[0] ^ b->fields[0]) |
		(a->fields[1] ^ b->fields[1])) == 0;
}

static inline uint64_t layout_hash(const uint8_t *kinds, uint8_t len,
				   uint8_t eol_pad)
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
static inline struct layout *layout_slot(const struct signature_index *ix,
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

static inline struct run *run_slot(const struct signature_index *ix,
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
static inline struct key make_key(uint32_t layout, unsigned shape,
				  unsigned version, bool payload,
				  uint8_t ip_options, uint16_t mss,
				  uint8_t scale, unsigned window,
				  uint32_t quirks)
{
	return (struct key){
		{ (uint64_t)layout | (uint64_t)shape << 16 |
			  (uint64_t)ip_options << 24 | (uint64_t)scale << 32 |
			  (uint64_t)mss << 40 | (uint64_t)payload << 56 |
			  (uint64_t)(version == 6) << 57,
		  (uint64_t)window << 32 | (quirks & ~SOFT) }
	};
}

#endif
