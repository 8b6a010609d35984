/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NFT_SET_H
#define NFT_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/addr.h>
#include <geoblock/error.h>
#include <geoblock/iset.h>

#include "nft/nft_sock.h"
#include "nft/nft_txn.h"

/* Sets of ranges in the kernel: one for each class and family.  Here, and only
 * here, a range [first, last] becomes what nf_tables stores: an element `first`,
 * and an element `last + 1` flagged NFT_SET_ELEM_INTERVAL_END; none where last is
 * the top of the address space. */

#define NFT_NAME_MAX 16 /* kernels of old take 15 characters */

/* Ranges of one family, ascending and disjoint; borrowed. */
struct nft_span {
	int family; /* 4 or 6 */
	size_t count;
	const struct range4 *v4; /* one of the three */
	const struct range6 *v6;
	const struct range6 *wide; /* any family, as numbers */
};

struct nft_span nft_span_of(const struct iset *set, int family);
struct range6 nft_span_at(const struct nft_span *span, size_t i);
/* nft_span_after - index of the first range that begins after key. */
size_t nft_span_after(const struct nft_span *span, addr6_t key);

/* Ranges of one family that are ours. */
struct nft_list {
	struct range6 *r;
	size_t count, room;
};

bool nft_list_add(struct nft_list *list, addr6_t first, addr6_t last,
		  struct error *err);
void nft_list_clear(struct nft_list *list);
struct nft_span nft_span_list(const struct nft_list *list, int family);

/* nft_set_create - NFT_MSG_NEWSET: an interval set of addresses, with a comment
 * that nft shows. */
void nft_set_create(struct nft_txn *txn, const char *table, const char *name,
		    int family, const char *comment);
void nft_set_delete(struct nft_txn *txn, const char *table, const char *name);

/* nft_set_put - one message NFT_MSG_NEWSETELEM or NFT_MSG_DELSETELEM with
 * ranges from index `from` on: as many as the transaction has room for and one
 * message may hold, never half a range.  Returns the index of the first range
 * that is not in it; that is `from` if there was no room for any. */
size_t nft_set_put(struct nft_txn *txn, uint16_t type, const char *table,
		   const char *name, const struct nft_span *span, size_t from);

/* nft_set_read - the set's ranges as the kernel has them, ascending: touching
 * ones stay apart.  *out is overwritten.  A set that is not there is ENOENT. */
bool nft_set_read(struct nft_sock *sock, const char *table, const char *name,
		  int family, struct nft_list *out, struct error *err);

/* nft_set_find - *found: the set holds the address.  ENOENT does not say whether
 * it is the address or the set that is missing; this is not an error here. */
bool nft_set_find(struct nft_sock *sock, const char *table, const char *name,
		  int family, addr6_t key, bool *found, struct error *err);

/* nft_diff - what turns the elements of `old` into those of `new`: *drop are
 * ranges of old that new has not, *add the ones of new that old has not, *keep
 * the addresses that are in both.  The lists are overwritten. */
bool nft_diff(const struct nft_span *old, const struct nft_span *new,
	      struct nft_list *drop, struct nft_list *add,
	      struct nft_list *keep, struct error *err);

/* For tests: elements as they are read, before they are ranges. */
struct nft_edges {
	struct nft_edge {
		addr6_t key;
		bool end;
	} * e;
	size_t count, room;
};

/* nft_edges_parse - the elements of one message of a set's dump. */
bool nft_edges_parse(const struct nlmsghdr *nlh, int family,
		     struct nft_edges *edges, struct error *err);
/* nft_edges_ranges - elements in any order to ranges; *edges is sorted. */
bool nft_edges_ranges(struct nft_edges *edges, int family, struct nft_list *out,
		      struct error *err);

#endif
