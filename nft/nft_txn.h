/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NFT_TXN_H
#define NFT_TXN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nft/nft_sock.h"

/* A transaction: messages between BATCH_BEGIN and BATCH_END that the kernel
 * takes all together or not at all. */

struct nft_txn {
	struct nft_sock *sock;
	char *buf;
	size_t len, room;
	struct nlmsghdr *last; /* message that is being, or was last, built */
	bool full;             /* a message did not fit: commit will refuse */
};

/* Room that is left in front of every message; one that may be longer asks
 * nft_txn_left() first. */
#define NFT_MESSAGE_MAX 4096

/* nft_txn_begin - generation 0: whatever the ruleset is; else the commit fails
 * with ERESTART unless that is still the last commit's number.  buf has room
 * bytes and is borrowed. */
void nft_txn_begin(struct nft_txn *txn, struct nft_sock *sock, char *buf,
		   size_t room, uint32_t generation);

/* nft_txn_left - bytes that the next message may have, all in all. */
size_t nft_txn_left(const struct nft_txn *txn);

/* nft_txn_message - begin nf_tables message `type`.  It is complete when the
 * next one begins, or the transaction ends.  Never NULL. */
struct nlmsghdr *nft_txn_message(struct nft_txn *txn, uint16_t type,
				 uint16_t flags);

/* nft_txn_size - bytes so far; 0 if there is no message in it. */
size_t nft_txn_size(const struct nft_txn *txn);

/* nft_txn_commit - send it and read the answers.  An empty one is not sent. */
bool nft_txn_commit(struct nft_txn *txn, struct error *err);

/* nft_txn_check - have the kernel look at it, and nothing else: without its
 * BATCH_END it is checked and then given up. */
bool nft_txn_check(struct nft_txn *txn, struct error *err);

#endif
