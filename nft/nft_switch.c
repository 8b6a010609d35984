// SPDX-License-Identifier: GPL-2.0-or-later
/* The switch: the table's chains, rules and counters as the plan wants them, in
 * one transaction, whatever they were.  It does not look for differences in the
 * rules: emptying the chains and writing them anew is one path for all cases,
 * and as atomic.
 *
 * The sets that the rules refer to are there already.  The ones that they no
 * longer refer to go in the same transaction; counters stay, so that statistics
 * survive. */
#include "nft/nft_queue.h"
#include "nft/nft_run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libnftnl/chain.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

static bool is_wanted_set(const struct nft_run *run, const char *name,
			  bool bridges)
{
	for (size_t i = 0; i < run->count; i++)
		if (strcmp(run->t[i].name, name) == 0 ||
		    (bridges && strcmp(run->t[i].bridge, name) == 0))
			return true;
	return false;
}

#define COUNTERS_MAX (KERNEL_CLASSES_MAX + 1 + NFT_QUEUE_COUNTERS_MAX)

/* Names may come twice. */
static size_t wanted_counters(const struct nft_run *run,
			      const char *names[COUNTERS_MAX])
{
	const struct kernel_plan *plan = run->plan;
	size_t count = 0;

	for (size_t i = 0; i < plan->class_count; i++)
		names[count++] = plan->classes[i].counter;
	names[count++] = plan->rest_counter;
	if (run->queue != KERNEL_QUEUE_NONE)
		count += nft_queue_counters(names + count);
	return count;
}

static bool is_wanted_counter(const struct nft_run *run, const char *name)
{
	const char *names[COUNTERS_MAX];
	size_t count = wanted_counters(run, names);

	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static const struct nft_live_chain *live_chain(const struct nft_live *live,
					       const char *name)
{
	const struct nft_live_chain *chain = live->chains;

	for (size_t i = 0; chain && i < live->chain_count; i++, chain++)
		if (strcmp(chain->name, name) == 0)
			return chain;
	return NULL;
}

static bool is_chain_right(const struct nft_live_chain *live,
			   const struct nft_chain *want)
{
	if (!live || live->base != want->base)
		return false;
	return !want->base ||
	       (live->plain && live->hook == NF_INET_PRE_ROUTING &&
		live->policy == NF_ACCEPT && live->priority == want->priority);
}

static const struct nft_chain *wanted_chain(const struct nft_rules *want,
					    const char *name)
{
	for (size_t i = 0; i < want->chain_count; i++)
		if (strcmp(want->chains[i].name, name) == 0)
			return &want->chains[i];
	return NULL;
}

static bool has_counter(const struct nft_live *live, const char *name)
{
	for (size_t i = 0; i < live->counter_count; i++)
		if (strcmp(live->counters[i], name) == 0)
			return true;
	return false;
}

bool nft_run_rules(const struct nft_run *run, bool with_bridges,
		   uint32_t generation, struct nft_rules *out,
		   struct error *err)
{
	struct nft_use uses[NFT_TARGETS_MAX];

	for (size_t i = 0; i < run->count; i++) {
		const struct nft_target *t = &run->t[i];

		uses[i] = (struct nft_use){
			.class = t->class,
			.family = t->family,
			.name = t->name,
			.bridge =
				with_bridges && t->bridge[0] ? t->bridge : NULL,
			.comment = t->comment,
		};
	}
	return nft_rules_build(out, run->plan, uses, run->count, run->queue,
			       generation, err);
}

static bool are_chains_right(const struct nft_live *live,
			     const struct nft_rules *want)
{
	if (live->chain_count != want->chain_count)
		return false;
	for (size_t i = 0; i < want->chain_count; i++)
		if (!is_chain_right(live_chain(live, want->chains[i].name),
				    &want->chains[i]))
			return false;
	return true;
}

static bool are_counters_right(const struct nft_run *run)
{
	const char *names[COUNTERS_MAX];
	size_t count = wanted_counters(run, names);

	for (size_t i = 0; i < run->live.counter_count; i++)
		if (!is_wanted_counter(run, run->live.counters[i]))
			return false;
	for (size_t i = 0; i < count; i++)
		if (!has_counter(&run->live, names[i]))
			return false;
	return true;
}

bool nft_needs_switch(const struct nft_run *run, const struct nft_rules *want)
{
	const struct nft_live *live = &run->live;

	if (!live->table || live->dormant || !are_chains_right(live, want) ||
	    !are_counters_right(run) || !nft_rules_equal(want, &live->rules))
		return true;
	for (size_t i = 0; i < run->count; i++)
		if (run->t[i].how != NFT_KEEP)
			return true;
	for (size_t i = 0; i < live->set_count; i++)
		if (live->sets[i].ours &&
		    !is_wanted_set(run, live->sets[i].name, false))
			return true;
	return false;
}

/* ---- messages ---------------------------------------------------------------- */

static void put_named(struct nft_txn *txn, uint16_t type, uint16_t flags,
		      const char *table, uint16_t attr, const char *name)
{
	struct nlmsghdr *nlh = nft_txn_message(txn, type, flags);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table); /* 1 in all of them */
	mnl_attr_put_strz(nlh, attr, name);
}

static void put_counter(struct nft_txn *txn, const char *table,
			const char *name)
{
	struct nlmsghdr *nlh =
		nft_txn_message(txn, NFT_MSG_NEWOBJ, NLM_F_CREATE);
	struct nlattr *nest;

	mnl_attr_put_strz(nlh, NFTA_OBJ_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_OBJ_NAME, name);
	mnl_attr_put_u32(nlh, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	nest = mnl_attr_nest_start(nlh, NFTA_OBJ_DATA);
	mnl_attr_nest_end(nlh, nest);
}

/* A counter twice in a plan is no error to NLM_F_CREATE without _EXCL. */
static void put_counters(struct nft_run *run, struct nft_txn *txn)
{
	const char *names[COUNTERS_MAX];
	size_t count = wanted_counters(run, names);

	for (size_t i = 0; i < count; i++)
		if (!has_counter(&run->live, names[i]))
			put_counter(txn, run->plan->table, names[i]);
}

static void put_chain(struct nft_txn *txn, const char *table,
		      const struct nft_chain *want)
{
	struct nlmsghdr *nlh =
		nft_txn_message(txn, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	struct nlattr *nest;

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, want->name);
	if (!want->base)
		return;
	nest = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(nlh, NFTA_HOOK_HOOKNUM, htonl(NF_INET_PRE_ROUTING));
	mnl_attr_put_u32(nlh, NFTA_HOOK_PRIORITY,
			 htonl((uint32_t)want->priority));
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_put_u32(nlh, NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, "filter");
}

/* All chains empty; the ones that are wrong or not wanted gone; the wanted ones
 * there. */
static void put_chains(struct nft_run *run, struct nft_txn *txn,
		       const struct nft_rules *want)
{
	const struct nft_live *live = &run->live;
	const char *table = run->plan->table;

	for (size_t i = 0; i < live->chain_count; i++)
		put_named(txn, NFT_MSG_DELRULE, 0, table, NFTA_RULE_CHAIN,
			  live->chains[i].name);
	for (size_t i = 0; i < live->chain_count; i++) {
		const struct nft_chain *chain =
			wanted_chain(want, live->chains[i].name);

		if (!chain || !is_chain_right(&live->chains[i], chain))
			put_named(txn, NFT_MSG_DELCHAIN, 0, table,
				  NFTA_CHAIN_NAME, live->chains[i].name);
	}
	for (size_t i = 0; i < want->chain_count; i++)
		if (!is_chain_right(live_chain(live, want->chains[i].name),
				    &want->chains[i]))
			put_chain(txn, table, &want->chains[i]);
}

static void put_deletions(struct nft_run *run, struct nft_txn *txn,
			  bool bridges)
{
	const struct nft_live *live = &run->live;
	const char *table = run->plan->table;

	for (size_t i = 0; i < live->set_count; i++)
		if (live->sets[i].ours &&
		    !is_wanted_set(run, live->sets[i].name, bridges))
			nft_set_delete(txn, table, live->sets[i].name);
	for (size_t i = 0; i < live->counter_count; i++) {
		struct nlmsghdr *nlh;

		if (is_wanted_counter(run, live->counters[i]))
			continue;
		nlh = nft_txn_message(txn, NFT_MSG_DELOBJ, 0);
		mnl_attr_put_strz(nlh, NFTA_OBJ_TABLE, table);
		mnl_attr_put_strz(nlh, NFTA_OBJ_NAME, live->counters[i]);
		mnl_attr_put_u32(nlh, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	}
}

static void put_list(struct nft_run *run, struct nft_txn *txn, uint16_t type,
		     const struct nft_target *t, const struct nft_list *list)
{
	struct nft_span span = nft_span_list(list, t->family);
	size_t at = 0, next;

	while (at < span.count) {
		next = nft_set_put(txn, type, run->plan->table, t->name, &span,
				   at);
		if (next == at) {
			txn->full = true;
			return;
		}
		at = next;
	}
}

void nft_put_elements(struct nft_run *run, struct nft_txn *txn)
{
	for (size_t i = 0; i < run->count; i++)
		if (run->t[i].how == NFT_CHANGE)
			put_list(run, txn, NFT_MSG_DELSETELEM, &run->t[i],
				 &run->t[i].drop);
	for (size_t i = 0; i < run->count; i++)
		if (run->t[i].how == NFT_CHANGE)
			put_list(run, txn, NFT_MSG_NEWSETELEM, &run->t[i],
				 &run->t[i].add);
}

/* The number that the commit of this transaction will get. */
static uint32_t next_generation(const struct nft_run *run)
{
	uint32_t next = run->sent.generation + 1;

	return next != 0 ? next : 1;
}

bool nft_switch(struct nft_run *run, bool with_bridges, bool with_elements,
		struct error *err)
{
	uint32_t generation =
		run->unbroken && !with_bridges ? next_generation(run) : 0;
	struct nft_rules want = { 0 };
	struct nft_txn txn;
	bool ok;

	if (!nft_run_rules(run, with_bridges, generation, &want, err))
		return false;
	nft_txn_begin(&txn, run->sock, run->buf, run->sock->send_max,
		      run->sent.generation);
	if (!run->live.table || run->live.dormant)
		nft_put_table(&txn, run->plan->table);
	if (with_elements)
		nft_put_elements(run, &txn);
	put_counters(run, &txn);
	put_chains(run, &txn, &want);
	nft_rules_put(&want, &txn);
	put_deletions(run, &txn, with_bridges);
	ok = nft_commit(&txn, &run->sent, err);
	nft_rules_clear(&want);
	return ok;
}
