/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NFT_BUILD_H
#define NFT_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/kernel.h>

#include "nft/nft_rules.h"

/* Rules, expression by expression, for nft_rules.c and nft_queue.c. */

struct nft_build {
	struct nft_rules *out;
	const struct kernel_plan *plan;
	enum kernel_queue_way queue;
	struct nftnl_rule *rule; /* the one being built */
	struct nft_rule item;
	bool failed; /* out of memory: looked at once, at the end */
};

/* Our entry in a rule's user data, beside nft's own (comment 0, ebtables 1);
 * nft skips what it does not know.  It is not in the comment, because a comment
 * survives `nft list ruleset` and `nft -f`, and would then say something that is
 * no longer true. */
#define NFT_UDATA_GENERATION 0x67

/* A rule is what comes between these two. */
void nft_build_begin(struct nft_build *b, const char *chain);
void nft_build_end(struct nft_build *b, const char *comment,
		   uint32_t generation);

/* ---- what is looked at: the register, then what it must be */

void nft_build_meta(struct nft_build *b, uint32_t key);
void nft_build_payload(struct nft_build *b, uint32_t base, uint32_t offset,
		       uint32_t len);
/* register = (register & mask) ^ xor, on len bytes */
void nft_build_bitwise(struct nft_build *b, const void *mask, const void * xor,
		       uint32_t len);
void nft_build_compare(struct nft_build *b, uint32_t op, const void *data,
		       uint32_t len);
void nft_build_tcp(struct nft_build *b);
/* the source address is of this family and in the set */
void nft_build_source(struct nft_build *b, int family, const char *set);
/* the bits of the packet mark under the mask are (or, NFT_CMP_NEQ, are not)
 * value */
void nft_build_marked(struct nft_build *b, uint32_t op, uint32_t value);
/* at most so many a second */
void nft_build_limit(struct nft_build *b, uint64_t rate, uint32_t burst);

/* ---- what is done */

void nft_build_count(struct nft_build *b, const char *counter);
/* mark = (mark & ~mask) | value, where what ("meta" or "ct") has a mark */
void nft_build_mark(struct nft_build *b, const char *what, uint32_t value);
void nft_build_log(struct nft_build *b, uint16_t group, uint32_t snaplen);
void nft_build_queue(struct nft_build *b);
void nft_build_reset(struct nft_build *b);
/* NF_ACCEPT, NF_DROP, NFT_RETURN; NFT_GOTO a chain */
void nft_build_verdict(struct nft_build *b, int verdict, const char *chain);

/* nft_rule_text - the expressions of a rule as text; NULL without memory. */
char *nft_rule_text(struct nftnl_rule *rule);

#endif
