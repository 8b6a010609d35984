// SPDX-License-Identifier: GPL-2.0-or-later
/* To the queue and back:
 *
 *   chain ask {
 *     type filter hook prerouting priority raw - 10; policy accept;
 *     tcp flags & (fin | syn | rst | ack) != syn return
 *     tcp dport 25 goto undecided
 *   }
 *   chain undecided {
 *     meta mark & 0x700 != 0 accept
 *     ip saddr @exempt4.1 accept
 *     ip saddr @allow4.7 counter name "queue.asked" queue flags bypass to 25
 *     …
 *   }
 *
 * The chain comes before the one that decides by address, and asks only about
 * sources for which the answer can matter.  Its `accept` is an accept of this
 * chain: the packet goes on to `syn`.  So does one that nobody takes from the
 * queue, and one that the listener lets pass.  The listener's verdict comes along in
 * the mark, and the first rules of `sources` carry it out; without a mark the
 * address decides, and "queue.passed" counts that.  Kernel and listener leave
 * nothing between them uncounted:
 *
 *   queue.asked = dropped by the listener or for it + judged.* + queue.passed
 *
 * (nfnetlink_queue itself does not count what it lets pass when it is full.)  Hence a listener that dies, hangs or was never there changes
 * nothing but how much is known.
 *
 * A SYN that carries a mark under the mask already has been judged, by whoever put
 * it there, and nobody is asked again.
 *
 * Kernels without the queue expression (CONFIG_NFT_QUEUE) mostly have xtables'
 * NFQUEUE, which a rule can call by way of the `target` expression.  Its verdict
 * is the same; only nft, listing it, says that iptables-nft manages the table. */
#include "nft/nft_queue.h"

#include <errno.h>
#include <stdlib.h>

#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "nft/nft_txn.h"

/* A dot is in no rule's counter (rule_counter). */
#define ASKED  "queue.asked"
#define PASSED "queue.passed"

#define SCRATCH "scratch"

static const struct answer {
	enum action action;
	const char *counter;
} answers[] = {
	{ ACTION_ACCEPT, "judged.accept" },
	{ ACTION_RESET, "judged.reset" },
	{ ACTION_TAG, "judged.tag" },
	{ ACTION_GREYLIST, "judged.greylist" },
	{ ACTION_REFUSE, "judged.refuse" },
};

#define ANSWER_COUNT (sizeof(answers) / sizeof(answers[0]))
_Static_assert(ANSWER_COUNT + 2 == NFT_QUEUE_COUNTERS_MAX, "counters");

size_t nft_queue_counters(const char *names[NFT_QUEUE_COUNTERS_MAX])
{
	names[0] = ASKED;
	names[1] = PASSED;
	for (size_t i = 0; i < ANSWER_COUNT; i++)
		names[i + 2] = answers[i].counter;
	return NFT_QUEUE_COUNTERS_MAX;
}

uint32_t kernel_mark_judged(uint32_t mask, enum action action)
{
	uint32_t value = action == ACTION_ACCEPT  ? 4
			 : action == ACTION_RESET ? 5
						  : 0;

	if (value == 0 || mask == 0)
		return kernel_mark_value(mask, action);
	return value << __builtin_ctz(mask);
}

/* ---- the answer --------------------------------------------------------------- */

static void add_answer(struct nft_build *b, const struct answer *answer)
{
	bool marked = answer->action != ACTION_ACCEPT &&
		      answer->action != ACTION_RESET;

	nft_build_begin(b, NFT_CHAIN_SOURCES);
	nft_build_marked(b, NFT_CMP_EQ,
			 kernel_mark_judged(b->plan->mark, answer->action));
	nft_build_count(b, answer->counter);
	/* accept and reset are said to us, the others to whoever reads marks */
	if (!marked || b->plan->audit)
		nft_build_mark(b, "meta", 0);
	if (answer->action == ACTION_RESET && !b->plan->audit)
		nft_build_reset(b);
	else
		nft_build_verdict(b, NF_ACCEPT, NULL);
	nft_build_end(b,
		      b->plan->audit ? "the listener's answer; mode is audit"
				     : "the listener's answer",
		      0);
}

void nft_queue_judged(struct nft_build *b)
{
	for (size_t i = 0; i < ANSWER_COUNT; i++)
		add_answer(b, &answers[i]);
}

void nft_queue_passed(struct nft_build *b)
{
	nft_build_count(b, PASSED);
}

/* ---- the question ------------------------------------------------------------- */

static void add_ask(struct nft_build *b)
{
	nft_build_count(b, ASKED);
	nft_build_queue(b);
}

static void add_use(struct nft_build *b, const struct nft_use *use,
		    const char *set)
{
	nft_build_begin(b, NFT_CHAIN_UNDECIDED);
	nft_build_source(b, use->family, set);
	if (use->class->needs_syn)
		add_ask(b);
	else
		nft_build_verdict(b, NF_ACCEPT, NULL);
	nft_build_end(b, "", 0);
}

void nft_queue_ask(struct nft_build *b, const struct nft_use *uses,
		   size_t use_count)
{
	size_t count = use_count;

	nft_build_begin(b, NFT_CHAIN_UNDECIDED);
	nft_build_marked(b, NFT_CMP_NEQ, 0);
	nft_build_verdict(b, NF_ACCEPT, NULL);
	nft_build_end(b, "judged already", 0);
	/* behind the last question nobody needs to be let off */
	while (!b->plan->rest_needs_syn && count > 0 &&
	       !uses[count - 1].class->needs_syn)
		count--;
	for (size_t i = 0; i < count; i++) {
		add_use(b, &uses[i], uses[i].name);
		if (uses[i].bridge)
			add_use(b, &uses[i], uses[i].bridge);
	}
	if (!b->plan->rest_needs_syn)
		return;
	nft_build_begin(b, NFT_CHAIN_UNDECIDED);
	add_ask(b);
	nft_build_end(b, "all other addresses", 0);
}

/* ---- what the kernel has -------------------------------------------------------- */

static void put_scratch_chain(struct nft_txn *txn, const char *table)
{
	struct nlmsghdr *nlh =
		nft_txn_message(txn, NFT_MSG_NEWTABLE, NLM_F_CREATE);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table);
	nlh = nft_txn_message(txn, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, SCRATCH);
}

/* A chain and a rule in it that the kernel looks at but never makes.  *has: it
 * would. */
static bool try_way(struct nft_sock *sock, char *buf,
		    const struct kernel_plan *plan, enum kernel_queue_way way,
		    bool *has, struct error *err)
{
	struct nft_rules rules = { 0 };
	struct nft_build b = { .out = &rules, .plan = plan, .queue = way };
	struct error why = { 0 };
	struct nft_txn txn;

	nft_build_begin(&b, SCRATCH);
	nft_build_queue(&b);
	nft_build_end(&b, "", 0);
	if (b.failed) {
		nft_rules_clear(&rules);
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	}
	nft_txn_begin(&txn, sock, buf, sock->send_max, 0);
	put_scratch_chain(&txn, plan->table);
	nft_rules_put(&rules, &txn);
	*has = nft_txn_check(&txn, &why);
	nft_rules_clear(&rules);
	if (*has || why.sys_errno == ENOENT || why.sys_errno == EOPNOTSUPP)
		return true;
	if (err)
		*err = why;
	return false;
}

bool nft_queue_probe(struct nft_sock *sock, char *buf,
		     const struct kernel_plan *plan, struct error *err)
{
	static const enum kernel_queue_way ways[] = { KERNEL_QUEUE_NATIVE,
						      KERNEL_QUEUE_TARGET };
	bool has = false;

	for (size_t i = 0; i < 2 && !has && !sock->probed; i++) {
		if (!try_way(sock, buf, plan, ways[i], &has, err))
			return false;
		if (has)
			sock->queue = ways[i];
	}
	sock->probed = true;
	return true;
}
