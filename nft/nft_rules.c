// SPDX-License-Identifier: GPL-2.0-or-later
/* What the rules say:
 *
 *   table inet geoblock {
 *     chain syn {
 *       type filter hook prerouting priority raw; policy accept;
 *       tcp flags & (fin | syn | rst | ack) != syn return
 *       tcp dport 25 goto sources
 *     }
 *     chain sources {
 *       ip saddr @exempt4.1 counter name "exempt" accept
 *       ip6 saddr @exempt6.1 counter name "exempt" accept
 *       ip saddr @allow4.7 counter name "allowed" accept
 *       …
 *       counter name "abroad" reject with tcp reset
 *     }
 *   }
 *
 * The first rule says "what is plainly no SYN leaves", not "what is a SYN goes
 * on".  That makes a difference for one packet: a first fragment so short that
 * it has the ports but not the flags (RFC 1858's tiny fragment).  Its flags
 * cannot be read, so it does not match "!= syn", and the ports decide: it gets
 * the verdict of a SYN, whatever the rest of it would have been.
 *
 * Every policy is accept and nothing that is not addressed to the ports comes
 * further than `syn`, so an empty or half-deleted table lets everything pass.
 *
 * Marks are written bit by bit under the mask, with constants: kernels before
 * 6.13 cannot combine two registers, so the copy to the conntrack mark is a rule
 * for each value. */
#include "nft/nft_rules.h"
#include "nft/nft_build.h"
#include "nft/nft_queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#define PRIORITY_ASK    (-310)
#define PRIORITY_RAW    (-300)
#define PRIORITY_MANGLE (-150)

/* Copies are for statistics and a log that people read; the counters are exact. */
#define LOG_RATE    100 /* a second */
#define LOG_BURST   200
#define LOG_SNAPLEN 128 /* bytes: the headers, with all their options */

#define TCP_DPORT 2
#define TCP_FLAGS 13
#define TCP_FIN   0x01
#define TCP_SYN   0x02
#define TCP_RST   0x04
#define TCP_ACK   0x10

/* ---- rules ------------------------------------------------------------------- */

/* SYNs to the ports go from chain `from` to chain `to`. */
static void add_gate(struct nft_build *b, const char *from, const char *to,
		     uint32_t generation)
{
	uint8_t flags = TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK, none = 0,
		syn = TCP_SYN;

	nft_build_begin(b, from);
	nft_build_tcp(b);
	nft_build_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS, 1);
	nft_build_bitwise(b, &flags, &none, sizeof(flags));
	nft_build_compare(b, NFT_CMP_NEQ, &syn, sizeof(syn));
	nft_build_verdict(b, NFT_RETURN, NULL);
	nft_build_end(b, "only what opens a connection goes on", generation);
	for (size_t i = 0; i < b->plan->port_count; i++) {
		uint16_t port = htons(b->plan->ports[i]);

		nft_build_begin(b, from);
		nft_build_tcp(b);
		nft_build_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_DPORT,
				  2);
		nft_build_compare(b, NFT_CMP_EQ, &port, sizeof(port));
		nft_build_verdict(b, NFT_GOTO, to);
		nft_build_end(b, "", 0);
	}
}

static bool is_refusal(enum action action)
{
	return action == ACTION_DROP || action == ACTION_RESET;
}

static const char *log_chain(enum action action)
{
	return action == ACTION_DROP ? NFT_CHAIN_LOG_DROP : NFT_CHAIN_LOG_RESET;
}

static void add_final(struct nft_build *b, enum action action)
{
	uint32_t value = kernel_mark_value(b->plan->mark, action);

	if (b->plan->audit) {
		nft_build_verdict(b, NF_ACCEPT, NULL);
	} else if (action == ACTION_DROP) {
		nft_build_verdict(b, NF_DROP, NULL);
	} else if (action == ACTION_RESET) {
		nft_build_reset(b);
	} else {
		if (value != 0)
			nft_build_mark(b, "meta", value);
		nft_build_verdict(b, NF_ACCEPT, NULL);
	}
}

static void add_verdict(struct nft_build *b, enum action action)
{
	if (b->plan->nflog_group != 0 && is_refusal(action))
		nft_build_verdict(b, NFT_GOTO, log_chain(action));
	else
		add_final(b, action);
}

static void add_log_chain(struct nft_build *b, enum action action)
{
	nft_build_begin(b, log_chain(action));
	nft_build_limit(b, LOG_RATE, LOG_BURST);
	nft_build_log(b, b->plan->nflog_group, LOG_SNAPLEN);
	nft_build_end(b, "copies for the daemon", 0);
	nft_build_begin(b, log_chain(action));
	add_final(b, action);
	nft_build_end(b, "", 0);
}

static void add_source(struct nft_build *b, const struct nft_use *use,
		       const char *set, const char *comment)
{
	nft_build_begin(b, NFT_CHAIN_SOURCES);
	nft_build_source(b, use->family, set);
	if (use->class->needs_syn && b->queue != KERNEL_QUEUE_NONE)
		nft_queue_passed(b);
	nft_build_count(b, use->class->counter);
	add_verdict(b, use->class->action);
	nft_build_end(b, comment, 0);
}

static void add_sources(struct nft_build *b, const struct nft_use *uses,
			size_t use_count)
{
	for (size_t i = 0; i < use_count; i++) {
		add_source(b, &uses[i], uses[i].name, uses[i].comment);
		if (uses[i].bridge)
			add_source(b, &uses[i], uses[i].bridge,
				   NFT_BRIDGE_COMMENT);
	}
	nft_build_begin(b, NFT_CHAIN_SOURCES);
	if (b->plan->rest_needs_syn && b->queue != KERNEL_QUEUE_NONE)
		nft_queue_passed(b);
	nft_build_count(b, b->plan->rest_counter);
	add_verdict(b, b->plan->rest_action);
	nft_build_end(b,
		      b->plan->audit ? "all other addresses; mode is audit"
				     : "all other addresses",
		      0);
}

static bool has_action(const struct kernel_plan *plan, enum action action)
{
	for (size_t i = 0; i < plan->class_count; i++)
		if (plan->classes[i].action == action)
			return true;
	return plan->rest_action == action;
}

/* A listener may answer with any of them. */
static bool uses_mark(const struct nft_build *b, enum action action)
{
	return !b->plan->audit &&
	       (b->queue != KERNEL_QUEUE_NONE || has_action(b->plan, action));
}

static void add_mark_copies(struct nft_build *b)
{
	static const enum action actions[] = { ACTION_TAG, ACTION_GREYLIST,
					       ACTION_REFUSE };
	uint32_t none = 0;

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		uint32_t value = kernel_mark_value(b->plan->mark, actions[i]);

		if (!uses_mark(b, actions[i]))
			continue;
		nft_build_begin(b, NFT_CHAIN_MARKS);
		nft_build_meta(b, NFT_META_MARK);
		nft_build_bitwise(b, &b->plan->mark, &none, sizeof(none));
		nft_build_compare(b, NFT_CMP_EQ, &value, sizeof(value));
		nft_build_mark(b, "ct", value);
		nft_build_end(b, action_name(actions[i]), 0);
	}
}

static void add_chain(struct nft_rules *out, const char *name, bool base,
		      int32_t priority)
{
	out->chains[out->chain_count++] =
		(struct nft_chain){ name, base, priority };
}

static void add_queue(struct nft_build *b, const struct nft_use *uses,
		      size_t use_count)
{
	add_chain(b->out, NFT_CHAIN_ASK, true, PRIORITY_ASK);
	add_chain(b->out, NFT_CHAIN_UNDECIDED, false, 0);
	add_gate(b, NFT_CHAIN_ASK, NFT_CHAIN_UNDECIDED, 0);
	nft_queue_ask(b, uses, use_count);
	nft_queue_judged(b);
}

static void add_logs(struct nft_build *b)
{
	static const enum action refusals[] = { ACTION_DROP, ACTION_RESET };

	for (size_t i = 0; i < 2; i++) {
		if (b->plan->nflog_group == 0 ||
		    !has_action(b->plan, refusals[i]))
			continue;
		add_chain(b->out, log_chain(refusals[i]), false, 0);
		add_log_chain(b, refusals[i]);
	}
}

static void add_marks(struct nft_build *b)
{
	if (!uses_mark(b, ACTION_TAG) && !uses_mark(b, ACTION_GREYLIST) &&
	    !uses_mark(b, ACTION_REFUSE))
		return;
	add_chain(b->out, NFT_CHAIN_CONNTRACK, true, PRIORITY_MANGLE);
	add_chain(b->out, NFT_CHAIN_MARKS, false, 0);
	add_gate(b, NFT_CHAIN_CONNTRACK, NFT_CHAIN_MARKS, 0);
	add_mark_copies(b);
}

bool nft_rules_build(struct nft_rules *out, const struct kernel_plan *plan,
		     const struct nft_use *uses, size_t use_count,
		     enum kernel_queue_way queue, uint32_t generation,
		     struct error *err)
{
	struct nft_build b = { .out = out, .plan = plan, .queue = queue };

	nft_rules_clear(out);
	add_chain(out, NFT_CHAIN_SYN, true, PRIORITY_RAW);
	add_chain(out, NFT_CHAIN_SOURCES, false, 0);
	add_gate(&b, NFT_CHAIN_SYN, NFT_CHAIN_SOURCES, generation);
	if (queue != KERNEL_QUEUE_NONE)
		add_queue(&b, uses, use_count);
	add_sources(&b, uses, use_count);
	add_logs(&b);
	add_marks(&b);
	if (!b.failed)
		return true;
	nft_rules_clear(out);
	return error_set(err, ERROR_LIMIT, 0, "out of memory for the ruleset");
}

bool nft_rules_add(struct nft_rules *rules, struct nft_rule *rule,
		   struct error *err)
{
	if (rules->count == rules->room) {
		size_t room = rules->room ? rules->room * 2 : 32;
		struct nft_rule *r = reallocarray(rules->r, room, sizeof(*r));

		if (!r)
			return error_set(err, ERROR_LIMIT, 0,
					 "out of memory for %zu rules", room);
		rules->r = r;
		rules->room = room;
	}
	rules->r[rules->count++] = *rule;
	return true;
}

void nft_rules_clear(struct nft_rules *rules)
{
	for (size_t i = 0; i < rules->count; i++) {
		free(rules->r[i].text);
		if (rules->r[i].rule)
			nftnl_rule_free(rules->r[i].rule);
	}
	free(rules->r);
	memset(rules, 0, sizeof(*rules));
}

/* The next rule of that chain, from *at on. */
static const struct nft_rule *next_of(const struct nft_rules *rules,
				      const char *chain, size_t *at)
{
	while (*at < rules->count) {
		const struct nft_rule *rule = &rules->r[(*at)++];

		if (strcmp(rule->chain, chain) == 0)
			return rule;
	}
	return NULL;
}

static bool chain_equal(const struct nft_rules *a, const struct nft_rules *b,
			const char *chain)
{
	size_t i = 0, j = 0;

	for (;;) {
		const struct nft_rule *x = next_of(a, chain, &i);
		const struct nft_rule *y = next_of(b, chain, &j);

		if (!x || !y)
			return !x && !y;
		if (strcmp(x->text, y->text) != 0 ||
		    strcmp(x->comment, y->comment) != 0)
			return false;
	}
}

bool nft_rules_equal(const struct nft_rules *want, const struct nft_rules *live)
{
	if (live->count != want->count)
		return false;
	for (size_t i = 0; i < want->chain_count; i++)
		if (!chain_equal(want, live, want->chains[i].name))
			return false;
	return true;
}

void nft_rules_put(const struct nft_rules *rules, struct nft_txn *txn)
{
	for (size_t i = 0; i < rules->count; i++)
		nftnl_rule_nlmsg_build_payload(
			nft_txn_message(txn, NFT_MSG_NEWRULE,
					NLM_F_CREATE | NLM_F_APPEND),
			rules->r[i].rule);
}

/* ---- reading ----------------------------------------------------------------- */

struct udata_reading {
	struct nft_rule *out;
	uint32_t *generation;
};

static int udata_cb(const struct nftnl_udata *attr, void *ctx)
{
	struct udata_reading *reading = ctx;
	uint8_t len = nftnl_udata_len(attr);
	const char *value = nftnl_udata_get(attr);

	if (nftnl_udata_type(attr) == NFTNL_UDATA_RULE_COMMENT)
		snprintf(reading->out->comment, sizeof(reading->out->comment),
			 "%.*s", (int)len, value);
	else if (nftnl_udata_type(attr) == NFT_UDATA_GENERATION &&
		 len == sizeof(uint32_t) && reading->generation)
		memcpy(reading->generation, value, len);
	return 0;
}

static void name_sets(struct nftnl_rule *rule, const struct nft_rule *item,
		      void (*sets)(void *ctx, const struct nft_rule *rule,
				   const char *name),
		      void *ctx)
{
	struct nftnl_expr_iter *iter = nftnl_expr_iter_create(rule);
	struct nftnl_expr *e;

	while (iter && (e = nftnl_expr_iter_next(iter)) != NULL) {
		const char *kind = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);
		const char *name = NULL;

		if (strcmp(kind, "lookup") == 0)
			name = nftnl_expr_get_str(e, NFTNL_EXPR_LOOKUP_SET);
		else if (strcmp(kind, "dynset") == 0)
			name = nftnl_expr_get_str(e,
						  NFTNL_EXPR_DYNSET_SET_NAME);
		if (name)
			sets(ctx, item, name);
	}
	if (iter)
		nftnl_expr_iter_destroy(iter);
}

bool nft_rule_read(const struct nlmsghdr *nlh, struct nft_rule *out,
		   void (*sets)(void *ctx, const struct nft_rule *rule,
				const char *name),
		   void *ctx, uint32_t *generation, struct error *err)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct udata_reading reading = { out, generation };
	const void *udata;
	uint32_t len = 0;

	memset(out, 0, sizeof(*out));
	if (!rule)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	if (nftnl_rule_nlmsg_parse(nlh, rule) == 0) {
		snprintf(out->chain, sizeof(out->chain), "%s",
			 nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN));
		udata = nftnl_rule_get_data(rule, NFTNL_RULE_USERDATA, &len);
		if (udata)
			nftnl_udata_parse(udata, len, udata_cb, &reading);
		out->text = nft_rule_text(rule);
		if (sets)
			name_sets(rule, out, sets, ctx);
	} else {
		/* an expression that libnftnl does not know: none of ours */
		out->text = strdup("?");
	}
	nftnl_rule_free(rule);
	return out->text != NULL ||
	       error_set(err, ERROR_LIMIT, 0, "out of memory");
}
