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

#define PRIORITY_RAW    (-300)
#define PRIORITY_MANGLE (-150)

#define IPV4_SADDR 12
#define IPV6_SADDR 8
#define TCP_DPORT  2
#define TCP_FLAGS  13
#define TCP_FIN    0x01
#define TCP_SYN    0x02
#define TCP_RST    0x04
#define TCP_ACK    0x10

/* Our entry in a rule's user data, beside nft's own (comment 0, ebtables 1);
 * nft skips what it does not know.  It is not in the comment, because a comment
 * survives `nft list ruleset` and `nft -f`, and would then say something that is
 * no longer true. */
#define UDATA_GENERATION 0x67
#define UDATA_ROOM       192

/* A ruleset being built.  Running out of memory is looked at once, at the end. */
struct build {
	struct nft_rules *out;
	const struct kernel_plan *plan;
	struct nftnl_rule *rule; /* the one being built */
	struct nft_rule item;
	bool failed;
};

/* ---- expressions ------------------------------------------------------------- */

static struct nftnl_expr *add(struct build *b, const char *name)
{
	struct nftnl_expr *e = b->rule ? nftnl_expr_alloc(name) : NULL;

	if (!e) {
		b->failed = true;
		return NULL;
	}
	nftnl_rule_add_expr(b->rule, e);
	return e;
}

static void load_meta(struct build *b, uint32_t key)
{
	struct nftnl_expr *e = add(b, "meta");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

static void load_payload(struct build *b, uint32_t base, uint32_t offset,
			 uint32_t len)
{
	struct nftnl_expr *e = add(b, "payload");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
}

/* register = (register & mask) ^ xor, on len bytes */
static void bitwise(struct build *b, const void *mask, const void * xor,
		    uint32_t len)
{
	struct nftnl_expr *e = add(b, "bitwise");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, xor, len);
}

static void compare(struct build *b, uint32_t op, const void *data,
		    uint32_t len)
{
	struct nftnl_expr *e = add(b, "cmp");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, len);
}

static void lookup(struct build *b, const char *set)
{
	struct nftnl_expr *e = add(b, "lookup");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, set);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, 0);
}

static void count(struct build *b, const char *counter)
{
	struct nftnl_expr *e = add(b, "objref");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
	nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_IMM_NAME, counter);
}

static void decide(struct build *b, int verdict, const char *chain)
{
	struct nftnl_expr *e = add(b, "immediate");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict);
	if (chain)
		nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain);
}

static void reset(struct build *b)
{
	struct nftnl_expr *e = add(b, "reject");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_REJECT_TYPE, NFT_REJECT_TCP_RST);
	nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, 0);
}

/* mark = (mark & ~mask) | value, where what ("meta" or "ct") has a mark */
static void set_mark(struct build *b, const char *what, uint32_t value)
{
	bool meta = what[0] == 'm';
	uint16_t key = meta ? NFTNL_EXPR_META_KEY : NFTNL_EXPR_CT_KEY;
	uint32_t mark = meta ? (uint32_t)NFT_META_MARK : (uint32_t)NFT_CT_MARK;
	uint32_t others = ~b->plan->mark;
	struct nftnl_expr *e = add(b, what);

	if (!e)
		return;
	nftnl_expr_set_u32(e, key, mark);
	nftnl_expr_set_u32(e, meta ? NFTNL_EXPR_META_DREG : NFTNL_EXPR_CT_DREG,
			   NFT_REG_1);
	bitwise(b, &others, &value, sizeof(value));
	e = add(b, what);
	if (!e)
		return;
	nftnl_expr_set_u32(e, key, mark);
	nftnl_expr_set_u32(e, meta ? NFTNL_EXPR_META_SREG : NFTNL_EXPR_CT_SREG,
			   NFT_REG_1);
}

static void match_tcp(struct build *b)
{
	uint8_t tcp = IPPROTO_TCP;

	load_meta(b, NFT_META_L4PROTO);
	compare(b, NFT_CMP_EQ, &tcp, sizeof(tcp));
}

static void match_source(struct build *b, int family, const char *set)
{
	uint8_t protocol = family == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;

	load_meta(b, NFT_META_NFPROTO);
	compare(b, NFT_CMP_EQ, &protocol, sizeof(protocol));
	if (family == 4)
		load_payload(b, NFT_PAYLOAD_NETWORK_HEADER, IPV4_SADDR, 4);
	else
		load_payload(b, NFT_PAYLOAD_NETWORK_HEADER, IPV6_SADDR, 16);
	lookup(b, set);
}

/* ---- rules ------------------------------------------------------------------- */

static void begin(struct build *b, const char *chain)
{
	memset(&b->item, 0, sizeof(b->item));
	snprintf(b->item.chain, sizeof(b->item.chain), "%s", chain);
	b->rule = nftnl_rule_alloc();
	if (!b->rule)
		return;
	nftnl_rule_set_u32(b->rule, NFTNL_RULE_FAMILY, NFPROTO_INET);
	nftnl_rule_set_str(b->rule, NFTNL_RULE_TABLE, b->plan->table);
	nftnl_rule_set_str(b->rule, NFTNL_RULE_CHAIN, chain);
}

/* The expressions of a rule as text; NULL without memory. */
static char *text_of(struct nftnl_rule *rule)
{
	struct nftnl_expr_iter *iter = nftnl_expr_iter_create(rule);
	struct nftnl_expr *e;
	char *text = NULL, one[512];
	size_t size = 0;
	FILE *f = iter ? open_memstream(&text, &size) : NULL;

	while (f && (e = nftnl_expr_iter_next(iter)) != NULL) {
		nftnl_expr_snprintf(one, sizeof(one), e, NFTNL_OUTPUT_DEFAULT,
				    0);
		fprintf(f, "%s [%s]\n", nftnl_expr_get_str(e, NFTNL_EXPR_NAME),
			one);
	}
	if (iter)
		nftnl_expr_iter_destroy(iter);
	if (f && fclose(f) != 0) {
		free(text);
		text = NULL;
	}
	return text;
}

static bool add_udata(struct nftnl_rule *rule, const char *comment,
		      uint32_t generation)
{
	struct nftnl_udata_buf *udata = nftnl_udata_buf_alloc(UDATA_ROOM);
	bool ok = udata != NULL;

	if (ok && comment[0])
		ok = nftnl_udata_put_strz(udata, NFTNL_UDATA_RULE_COMMENT,
					  comment);
	if (ok && generation != 0)
		ok = nftnl_udata_put_u32(udata, UDATA_GENERATION, generation);
	if (ok)
		nftnl_rule_set_data(rule, NFTNL_RULE_USERDATA,
				    nftnl_udata_buf_data(udata),
				    nftnl_udata_buf_len(udata));
	if (udata)
		nftnl_udata_buf_free(udata);
	return ok;
}

static void end(struct build *b, const char *comment, uint32_t generation)
{
	snprintf(b->item.comment, sizeof(b->item.comment), "%s", comment);
	if (b->rule && !b->failed) {
		b->item.text = text_of(b->rule);
		b->item.rule = b->rule;
		b->failed = !b->item.text ||
			    !add_udata(b->rule, b->item.comment, generation) ||
			    !nft_rules_add(b->out, &b->item, NULL);
	} else {
		b->failed = true;
	}
	if (b->failed) {
		free(b->item.text);
		if (b->rule)
			nftnl_rule_free(b->rule);
	}
	b->rule = NULL;
}

/* SYNs to the ports go from chain `from` to chain `to`. */
static void add_gate(struct build *b, const char *from, const char *to,
		     uint32_t generation)
{
	uint8_t flags = TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK, none = 0,
		syn = TCP_SYN;

	begin(b, from);
	match_tcp(b);
	load_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS, 1);
	bitwise(b, &flags, &none, sizeof(flags));
	compare(b, NFT_CMP_NEQ, &syn, sizeof(syn));
	decide(b, NFT_RETURN, NULL);
	end(b, "only what opens a connection goes on", generation);
	for (size_t i = 0; i < b->plan->port_count; i++) {
		uint16_t port = htons(b->plan->ports[i]);

		begin(b, from);
		match_tcp(b);
		load_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_DPORT, 2);
		compare(b, NFT_CMP_EQ, &port, sizeof(port));
		decide(b, NFT_GOTO, to);
		end(b, "", 0);
	}
}

static void add_verdict(struct build *b, enum action action)
{
	uint32_t value = kernel_mark_value(b->plan->mark, action);

	if (b->plan->audit) {
		decide(b, NF_ACCEPT, NULL);
	} else if (action == ACTION_DROP) {
		decide(b, NF_DROP, NULL);
	} else if (action == ACTION_RESET) {
		reset(b);
	} else {
		if (value != 0)
			set_mark(b, "meta", value);
		decide(b, NF_ACCEPT, NULL);
	}
}

static void add_source(struct build *b, const struct nft_use *use,
		       const char *set, const char *comment)
{
	begin(b, NFT_CHAIN_SOURCES);
	match_source(b, use->family, set);
	count(b, use->class->counter);
	add_verdict(b, use->class->action);
	end(b, comment, 0);
}

static void add_sources(struct build *b, const struct nft_use *uses,
			size_t use_count)
{
	for (size_t i = 0; i < use_count; i++) {
		add_source(b, &uses[i], uses[i].name, uses[i].comment);
		if (uses[i].bridge)
			add_source(b, &uses[i], uses[i].bridge,
				   NFT_BRIDGE_COMMENT);
	}
	begin(b, NFT_CHAIN_SOURCES);
	count(b, b->plan->rest_counter);
	add_verdict(b, b->plan->rest_action);
	end(b,
	    b->plan->audit ? "all other addresses; mode is audit"
			   : "all other addresses",
	    0);
}

static bool uses_mark(const struct kernel_plan *plan, enum action action)
{
	if (plan->audit)
		return false;
	for (size_t i = 0; i < plan->class_count; i++)
		if (plan->classes[i].action == action)
			return true;
	return plan->rest_action == action;
}

static void add_mark_copies(struct build *b)
{
	static const enum action actions[] = { ACTION_TAG, ACTION_GREYLIST,
					       ACTION_REFUSE };
	uint32_t none = 0;

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		uint32_t value = kernel_mark_value(b->plan->mark, actions[i]);

		if (!uses_mark(b->plan, actions[i]))
			continue;
		begin(b, NFT_CHAIN_MARKS);
		load_meta(b, NFT_META_MARK);
		bitwise(b, &b->plan->mark, &none, sizeof(none));
		compare(b, NFT_CMP_EQ, &value, sizeof(value));
		set_mark(b, "ct", value);
		end(b, action_name(actions[i]), 0);
	}
}

static void add_chain(struct nft_rules *out, const char *name, bool base,
		      int32_t priority)
{
	out->chains[out->chain_count++] =
		(struct nft_chain){ name, base, priority };
}

bool nft_rules_build(struct nft_rules *out, const struct kernel_plan *plan,
		     const struct nft_use *uses, size_t use_count,
		     uint32_t generation, struct error *err)
{
	struct build b = { .out = out, .plan = plan };

	nft_rules_clear(out);
	add_chain(out, NFT_CHAIN_SYN, true, PRIORITY_RAW);
	add_chain(out, NFT_CHAIN_SOURCES, false, 0);
	add_gate(&b, NFT_CHAIN_SYN, NFT_CHAIN_SOURCES, generation);
	add_sources(&b, uses, use_count);
	if (uses_mark(plan, ACTION_TAG) || uses_mark(plan, ACTION_GREYLIST) ||
	    uses_mark(plan, ACTION_REFUSE)) {
		add_chain(out, NFT_CHAIN_CONNTRACK, true, PRIORITY_MANGLE);
		add_chain(out, NFT_CHAIN_MARKS, false, 0);
		add_gate(&b, NFT_CHAIN_CONNTRACK, NFT_CHAIN_MARKS, 0);
		add_mark_copies(&b);
	}
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
	else if (nftnl_udata_type(attr) == UDATA_GENERATION &&
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
		out->text = text_of(rule);
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
