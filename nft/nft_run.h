/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NFT_RUN_H
#define NFT_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/error.h>
#include <geoblock/kernel.h>

#include "nft/nft_live.h"
#include "nft/nft_rules.h"
#include "nft/nft_set.h"
#include "nft/nft_stage.h"

/* One kernel_apply() under way: shared by nft_apply.c (what is to be done, and in
 * which order), nft_decide.c (how each set gets there) and nft_switch.c (the
 * transaction that changes the rules). */

enum nft_how { NFT_KEEP, NFT_STAGE, NFT_CHANGE };

/* One set that is wanted: a class and a family that it has ranges of. */
struct nft_target {
	const struct kernel_class *class;
	int family;
	struct nft_span want;
	char comment[NFT_COMMENT_MAX]; /* of its rule: count and digest */

	/* decided anew in each try */
	char name[NFT_NAME_MAX];   /* the set that has, or will have, want */
	char bridge[NFT_NAME_MAX]; /* "": none needed */
	enum nft_how how;
	struct nft_list drop, add, keep; /* for NFT_CHANGE */

	/* kept from try to try */
	uint64_t known;    /* handle of a set that has been seen to hold want */
	enum nft_how done; /* how it came to do so */
	size_t added, removed;
};

#define NFT_TARGETS_MAX (2 * KERNEL_CLASSES_MAX)

struct nft_run {
	struct nft_sock *sock;
	char *buf; /* sock->send_max bytes, for one transaction at a time */
	const struct kernel_plan *plan, *before;
	enum kernel_queue_way queue; /* how the plan's queue is had here */
	struct nft_target t[NFT_TARGETS_MAX];
	size_t count;
	struct nft_live live;
	struct nft_sent sent;
	bool looked;    /* live is of some use */
	bool trusted;   /* the comments tell what the sets hold */
	bool read_back; /* some set had to be read */
	bool unbroken; /* nobody else has committed since any `known` is known */
	bool swept;    /* leftovers of earlier runs were deleted */
	bool switched;   /* the last switch was sent */
	bool stage_only; /* read nothing back, change nothing in place */
};

/* nft_comment - "allow: 12098 IPv4 ranges, sha256 0123…": what a set of this
 * class holds.  Equal ranges, equal comment. */
void nft_comment(char out[NFT_COMMENT_MAX], const struct kernel_class *class,
		 int family);

/* nft_decide - choose for each target the set and how it is to get there. */
bool nft_decide(struct nft_run *run, struct error *err);

/* nft_run_rules - the rules with the names as decided; with_bridges for the time
 * of a change. */
bool nft_run_rules(const struct nft_run *run, bool with_bridges,
		   uint32_t generation, struct nft_rules *out,
		   struct error *err);

/* nft_needs_switch - something other than elements is not as the plan wants. */
bool nft_needs_switch(const struct nft_run *run, const struct nft_rules *want);

/* nft_switch - the one transaction that makes the table enforce the rules with
 * the names as decided: chains, counters and rules are made so, other sets of
 * ours are deleted.  Compare-and-swap on run->sent.generation.  with_bridges: the
 * rules for the time of a change.  with_elements: nft_put_elements() in front. */
bool nft_switch(struct nft_run *run, bool with_bridges, bool with_elements,
		struct error *err);

/* nft_put_elements - the changes of all targets that change in place. */
void nft_put_elements(struct nft_run *run, struct nft_txn *txn);

#endif
