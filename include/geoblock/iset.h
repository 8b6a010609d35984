/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_ISET_H
#define GEOBLOCK_ISET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/addr.h>
#include <geoblock/error.h>

/* An interval set: addresses of both families as ranges that are sorted,
 * disjoint and never touch (r[i].last + 1 < r[i+1].first).  That form is
 * canonical: equal sets are equal bytes.  It is also the fewest elements the
 * kernel can be given. */

struct iset4 {
	struct range4 *r;
	size_t count, room;
};

struct iset6 {
	struct range6 *r;
	size_t count, room;
};

struct iset {
	struct iset4 v4;
	struct iset6 v6;
};

/* All zero bytes are an empty set; iset_clear() gives the memory back and
 * leaves an empty set. */
void iset_clear(struct iset *set);

/* Building: add in any order, overlaps welcome, then iset_normalise() once.
 * Between the two only adding is allowed.  Adding costs no more than an append;
 * ranges that continue the one added last are merged at once.  They fail only
 * for lack of memory (ERROR_LIMIT); the set is then unchanged. */
bool iset_add4(struct iset *set, uint32_t first, uint32_t last,
	       struct error *err);
bool iset_add6(struct iset *set, addr6_t first, addr6_t last,
	       struct error *err);
bool iset_add(struct iset *set, const struct range *r, struct error *err);
bool iset_normalise(struct iset *set, struct error *err);

/* iset_subtract - what of a is not in b, both normalised.  *out is a set too (all zero
 * bytes, or one with contents: they are replaced) and no operand; it is empty after an
 * error. */
bool iset_subtract(struct iset *out, const struct iset *a, const struct iset *b,
		   struct error *err);

/* iset_has4, iset_has6 - membership, by binary search.  iset_find_* also give
 * the range. */
bool iset_has4(const struct iset *set, uint32_t addr);
bool iset_has6(const struct iset *set, addr6_t addr);
bool iset_has(const struct iset *set, const struct addr *addr);
const struct range4 *iset_find4(const struct iset *set, uint32_t addr);
const struct range6 *iset_find6(const struct iset *set, addr6_t addr);

/* Sizes.  IPv6 is counted in the /64 networks that the set has addresses of,
 * each once; all of them are 2^64, which is given as UINT64_MAX. */
uint64_t iset_addresses4(const struct iset *set);
uint64_t iset_networks6(const struct iset *set);

/* iset_cidrs4, iset_cidrs6 - the minimal list of prefixes, ascending, one
 * call each; stops early when emit returns false, and returns that. */
bool iset_cidrs4(const struct iset *set,
		 bool (*emit)(void *ctx, uint32_t first, unsigned len),
		 void *ctx);
bool iset_cidrs6(const struct iset *set,
		 bool (*emit)(void *ctx, addr6_t first, unsigned len),
		 void *ctx);

/* iset_digest - SHA-256 over the canonical form, so that equal sets have equal
 * digests on every machine: the number of IPv4 ranges (8 bytes), first and last
 * of each (4 + 4), the number of IPv6 ranges (8), first and last of each
 * (16 + 16), all in network order. */
#define ISET_DIGEST_SIZE 32
void iset_digest(const struct iset *set, uint8_t digest[ISET_DIGEST_SIZE]);

#endif
