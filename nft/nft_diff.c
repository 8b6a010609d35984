// SPDX-License-Identifier: GPL-2.0-or-later
/* The difference between two lists of ranges, as whole elements.
 *
 * Elements are what the kernel can add and remove, so a range that grew, shrank,
 * split or merged is dropped as a whole and its successors are added as a whole.
 * The set is then canonical again whatever it was, and never fragments.  The
 * addresses in between that are in both, `keep`, must not miss while that
 * happens: nft_apply.c has another set match them meanwhile. */
#include "nft/nft_set.h"

static bool is_same(struct range6 a, struct range6 b)
{
	return a.first == b.first && a.last == b.last;
}

/* Both lists ascend, so one pass finds the ranges that only one of them has. */
static bool one_sided(const struct nft_span *old, const struct nft_span *new,
		      struct nft_list *drop, struct nft_list *add,
		      struct error *err)
{
	size_t i = 0, j = 0;

	while (i < old->count || j < new->count) {
		struct range6 a = { 0 }, b = { 0 };

		if (i < old->count)
			a = nft_span_at(old, i);
		if (j < new->count)
			b = nft_span_at(new, j);
		if (i < old->count && j < new->count &&is_same(a, b)) {
			i++;
			j++;
		} else if (j == new->count ||
			   (i < old->count && a.first <= b.first)) {
			if (!nft_list_add(drop, a.first, a.last, err))
				return false;
			i++;
		} else {
			if (!nft_list_add(add, b.first, b.last, err))
				return false;
			j++;
		}
	}
	return true;
}

/* Pieces that touch become one. */
static bool add_piece(struct nft_list *out, addr6_t first, addr6_t last,
		      struct error *err)
{
	if (out->count != 0 && out->r[out->count - 1].last + 1 == first) {
		out->r[out->count - 1].last = last;
		return true;
	}
	return nft_list_add(out, first, last, err);
}

static bool in_both(const struct nft_list *a, const struct nft_list *b,
		    struct nft_list *out, struct error *err)
{
	size_t i = 0, j = 0;

	while (i < a->count && j < b->count) {
		struct range6 x = a->r[i], y = b->r[j];
		addr6_t first = x.first > y.first ? x.first : y.first;
		addr6_t last = x.last < y.last ? x.last : y.last;

		if (first <= last && !add_piece(out, first, last, err))
			return false;
		if (x.last < y.last)
			i++;
		else
			j++;
	}
	return true;
}

bool nft_diff(const struct nft_span *old, const struct nft_span *new,
	      struct nft_list *drop, struct nft_list *add,
	      struct nft_list *keep, struct error *err)
{
	drop->count = add->count = keep->count = 0;
	return one_sided(old, new, drop, add, err) &&
	       in_both(drop, add, keep, err);
}
