/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NFT_QUEUE_H
#define NFT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include <geoblock/error.h>
#include <geoblock/kernel.h>

#include "nft/nft_build.h"
#include "nft/nft_sock.h"

/* The part of the ruleset that a listener on the queue has to do with: who is asked
 * about, and what becomes of the answer.  Only for plans whose queue is enabled. */

/* nft_queue_ask - the rules of NFT_CHAIN_UNDECIDED. */
void nft_queue_ask(struct nft_build *b, const struct nft_use *uses,
		   size_t use_count);

/* nft_queue_judged - the first rules of NFT_CHAIN_SOURCES: answers. */
void nft_queue_judged(struct nft_build *b);

/* nft_queue_passed - in a rule for those who were asked about: no answer came. */
void nft_queue_passed(struct nft_build *b);

/* nft_queue_counters - the names of the counters in those rules; returns how
 * many. */
#define NFT_QUEUE_COUNTERS_MAX 7
size_t nft_queue_counters(const char *names[NFT_QUEUE_COUNTERS_MAX]);

/* nft_queue_probe - find out, once for a socket, how packets get to a queue here:
 * sock->queue.  buf has sock->send_max bytes. */
bool nft_queue_probe(struct nft_sock *sock, char *buf,
		     const struct kernel_plan *plan, struct error *err);

#endif
