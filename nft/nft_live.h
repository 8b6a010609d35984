/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NFT_LIVE_H
#define NFT_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/error.h>
#include <geoblock/policy.h>

#include "nft/nft_rules.h"
#include "nft/nft_set.h"
#include "nft/nft_sock.h"

/* What is in the kernel: our table, all but the elements of its sets, as of one
 * generation. */

struct nft_live_chain {
	char name[32];
	bool base;
	uint32_t hook, policy;
	int32_t priority;
	bool plain; /* of type filter, on no device */
};

/* Names of sets: the class, the family, a dot, and a number or "keep" (a bridge,
 * see nft_apply.c): "allow4.12".  At most NFT_NAME_MAX with the NUL. */
#define NFT_CLASS_MAX  8
#define NFT_NUMBER_MAX 999999
#define NFT_BRIDGE     0

bool nft_name_parse(const char *name, char class_name[NFT_CLASS_MAX],
		    int *family, unsigned *number);

struct nft_live_set {
	char name[32];
	bool ours; /* has such a name; the next two are then set */
	char class_name[NFT_CLASS_MAX];
	unsigned number;
	uint64_t handle; /* unique in the table for ever */
	uint32_t count;  /* elements as the kernel counts them; UINT32_MAX:
	                  * it does not say */
	int family;      /* 4 or 6: an interval set of addresses, as we make
	                  * them; 0: anything else */
	bool used;       /* a rule mentions it */
	char comment[NFT_COMMENT_MAX]; /* of the first rule that does */
};

struct nft_live {
	uint32_t generation; /* of all that follows */
	bool table;
	bool dormant;
	struct nft_live_chain *chains;
	size_t chain_count;
	struct nft_live_set *sets;
	size_t set_count;
	char (*counters)[RULE_COUNTER_MAX];
	size_t counter_count;
	struct nft_rules rules;
	/* The generation that the last switch made: if it still is the current
	 * one, nobody has touched nf_tables in this namespace since. */
	uint32_t switched;
};

/* nft_live_read - *live is overwritten; clear it once at the end.  ERESTART if
 * somebody committed meanwhile. */
bool nft_live_read(struct nft_sock *sock, const char *table,
		   struct nft_live *live, struct error *err);
void nft_live_clear(struct nft_live *live);

const struct nft_live_set *nft_live_set(const struct nft_live *live,
					const char *name);

/* nft_live_one_set - one set anew. */
bool nft_live_one_set(struct nft_sock *sock, const char *table,
		      const char *name, struct nft_live_set *out,
		      struct error *err);

/* nft_live_table - *there: the table is there. */
bool nft_live_table(struct nft_sock *sock, const char *table, bool *there,
		    bool *dormant, struct error *err);

/* nft_live_uses - the sets that chain `sources` looks addresses up in, in that
 * order; *names is malloc'ed. */
struct nft_named {
	char name[NFT_NAME_MAX];
	char class_name[NFT_CLASS_MAX];
	int family;
};

bool nft_live_uses(struct nft_sock *sock, const char *table,
		   struct nft_named **names, size_t *count, struct error *err);

#endif
