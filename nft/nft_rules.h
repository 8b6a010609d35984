/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NFT_RULES_H
#define NFT_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/error.h>
#include <geoblock/kernel.h>

#include "nft/nft_set.h"
#include "nft/nft_txn.h"

struct nftnl_rule;

/* The ruleset of a plan, as a list of rules that can be compared with the live
 * one and sent.
 *
 *   chain syn         base, prerouting, raw: what opens a connection to one of
 *                     the ports goes on to
 *   chain sources     the classes in order, then the rest
 *
 * where a listener is asked, before that (nft_queue.c)
 *
 *   chain ask         base, prerouting, raw - 10: the same SYNs go on to
 *   chain undecided   classes whose SYNs go to the queue
 *
 * where copies of what is refused are wanted, what the last rules of `sources` go
 * on to
 *
 *   chain log-drop, chain log-reset
 *
 * and, where the packet mark is used,
 *
 *   chain conntrack   base, prerouting, mangle: the same SYNs go on to
 *   chain marks       packet mark to conntrack mark */

#define NFT_CHAIN_SYN       "syn"
#define NFT_CHAIN_SOURCES   "sources"
#define NFT_CHAIN_CONNTRACK "conntrack"
#define NFT_CHAIN_MARKS     "marks"
#define NFT_CHAIN_ASK       "ask"
#define NFT_CHAIN_UNDECIDED "undecided"
#define NFT_CHAIN_LOG_DROP  "log-drop"
#define NFT_CHAIN_LOG_RESET "log-reset"
#define NFT_CHAINS_MAX      8

struct nft_chain {
	const char *name;
	bool base; /* hooked into prerouting, policy accept */
	int32_t priority;
};

#define NFT_BRIDGE_COMMENT "while the set above changes"
#define NFT_COMMENT_MAX    128 /* with its NUL; nft shows no more */

/* A set that the rules look addresses up in, in order of look-up. */
struct nft_use {
	const struct kernel_class *class;
	int family;
	const char *name;
	const char
		*bridge; /* NULL, or another set that gives the same verdict */
	const char *comment;
};

struct nft_rule {
	char chain[32];
	char comment[NFT_COMMENT_MAX];
	char *text;              /* its expressions, as libnftnl prints them */
	struct nftnl_rule *rule; /* NULL in what was read */
};

struct nft_rules {
	struct nft_rule *r;
	size_t count, room;
	struct nft_chain chains[NFT_CHAINS_MAX];
	size_t chain_count;
};

/* nft_rules_build - generation is stored beside the first rule, out of sight of
 * nft: see nft_live.h.  queue: how the listener is asked; NONE: it is not, whatever
 * the plan says. */
bool nft_rules_build(struct nft_rules *out, const struct kernel_plan *plan,
		     const struct nft_use *uses, size_t use_count,
		     enum kernel_queue_way queue, uint32_t generation,
		     struct error *err);
void nft_rules_clear(struct nft_rules *rules);

/* nft_rules_equal - live has the rules that want has, in the same order in each
 * chain of want, with the same comments, and no others. */
bool nft_rules_equal(const struct nft_rules *want,
		     const struct nft_rules *live);

/* nft_rules_put - messages that add all the rules. */
void nft_rules_put(const struct nft_rules *rules, struct nft_txn *txn);

/* nft_rule_read - one rule of a GETRULE answer.  Comes with text and comment.
 * `sets` hears the name of every set it mentions, `generation` (may be NULL) is
 * overwritten where one is stored with it. */
bool nft_rule_read(const struct nlmsghdr *nlh, struct nft_rule *out,
		   void (*sets)(void *ctx, const struct nft_rule *rule,
				const char *name),
		   void *ctx, uint32_t *generation, struct error *err);

/* nft_rules_add - append; takes over text and rule. */
bool nft_rules_add(struct nft_rules *rules, struct nft_rule *rule,
		   struct error *err);

#endif
