/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NFT_STAGE_H
#define NFT_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/error.h>

#include "nft/nft_set.h"
#include "nft/nft_sock.h"
#include "nft/nft_txn.h"

/* Filling sets that nothing refers to yet, and making sure of what is in them. */

struct nft_filling {
	const char *name;
	const char *comment;
	struct nft_span span;
};

/* What was sent so far. */
struct nft_sent {
	size_t batches, bytes;
	uint32_t generation; /* that our last commit made, if all commits since
	                      * it was first set were ours */
};

/* nft_commit - commit, and count it. */
bool nft_commit(struct nft_txn *txn, struct nft_sent *sent, struct error *err);

/* nft_stage - make the sets and fill them, in as many transactions as it takes;
 * the table too, if make_table.  buf has sock->send_max bytes. */
bool nft_stage(struct nft_sock *sock, char *buf, const char *table,
	       bool make_table, const struct nft_filling *fillings,
	       size_t count, struct nft_sent *sent, struct error *err);

/* nft_verify - the set holds the span: the number of its elements is right (or
 * all of them, where the kernel tells no number), and it says what it should of
 * addresses at the edges of some ranges of `sample`.  *handle (may be NULL)
 * becomes the set's. */
bool nft_verify(struct nft_sock *sock, const char *table, const char *name,
		const struct nft_span *span, const struct nft_span *sample,
		uint64_t *handle, struct error *err);

void nft_put_table(struct nft_txn *txn, const char *table);

#endif
