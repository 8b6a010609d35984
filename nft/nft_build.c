// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules, expression by expression.  A rule that cannot be had for lack of memory
 * is left out, and the ruleset marked as failed: the rules read as what they say,
 * and one look at the end is enough. */
#include "nft/nft_build.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>

#define IPV4_SADDR 12
#define IPV6_SADDR 8

#define UDATA_ROOM 192

/* ---- expressions ------------------------------------------------------------- */

static struct nftnl_expr *add(struct nft_build *b, const char *name)
{
	struct nftnl_expr *e = b->rule ? nftnl_expr_alloc(name) : NULL;

	if (!e) {
		b->failed = true;
		return NULL;
	}
	nftnl_rule_add_expr(b->rule, e);
	return e;
}

void nft_build_meta(struct nft_build *b, uint32_t key)
{
	struct nftnl_expr *e = add(b, "meta");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

void nft_build_payload(struct nft_build *b, uint32_t base, uint32_t offset,
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

void nft_build_bitwise(struct nft_build *b, const void *mask, const void * xor,
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

void nft_build_compare(struct nft_build *b, uint32_t op, const void *data,
		       uint32_t len)
{
	struct nftnl_expr *e = add(b, "cmp");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, len);
}

static void lookup(struct nft_build *b, const char *set)
{
	struct nftnl_expr *e = add(b, "lookup");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, set);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, 0);
}

void nft_build_count(struct nft_build *b, const char *counter)
{
	struct nftnl_expr *e = add(b, "objref");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
	nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_IMM_NAME, counter);
}

void nft_build_verdict(struct nft_build *b, int verdict, const char *chain)
{
	struct nftnl_expr *e = add(b, "immediate");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict);
	if (chain)
		nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain);
}

void nft_build_reset(struct nft_build *b)
{
	struct nftnl_expr *e = add(b, "reject");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_REJECT_TYPE, NFT_REJECT_TCP_RST);
	nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, 0);
}

void nft_build_mark(struct nft_build *b, const char *what, uint32_t value)
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
	nft_build_bitwise(b, &others, &value, sizeof(value));
	e = add(b, what);
	if (!e)
		return;
	nftnl_expr_set_u32(e, key, mark);
	nftnl_expr_set_u32(e, meta ? NFTNL_EXPR_META_SREG : NFTNL_EXPR_CT_SREG,
			   NFT_REG_1);
}

void nft_build_tcp(struct nft_build *b)
{
	uint8_t tcp = IPPROTO_TCP;

	nft_build_meta(b, NFT_META_L4PROTO);
	nft_build_compare(b, NFT_CMP_EQ, &tcp, sizeof(tcp));
}

void nft_build_source(struct nft_build *b, int family, const char *set)
{
	uint8_t protocol = family == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;

	nft_build_meta(b, NFT_META_NFPROTO);
	nft_build_compare(b, NFT_CMP_EQ, &protocol, sizeof(protocol));
	if (family == 4)
		nft_build_payload(b, NFT_PAYLOAD_NETWORK_HEADER, IPV4_SADDR, 4);
	else
		nft_build_payload(b, NFT_PAYLOAD_NETWORK_HEADER, IPV6_SADDR,
				  16);
	lookup(b, set);
}

void nft_build_marked(struct nft_build *b, uint32_t op, uint32_t value)
{
	uint32_t none = 0;

	nft_build_meta(b, NFT_META_MARK);
	nft_build_bitwise(b, &b->plan->mark, &none, sizeof(none));
	nft_build_compare(b, op, &value, sizeof(value));
}

void nft_build_limit(struct nft_build *b, uint64_t rate, uint32_t burst)
{
	struct nftnl_expr *e = add(b, "limit");

	if (!e)
		return;
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, rate);
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, 1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST, burst);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_FLAGS, 0);
}

void nft_build_log(struct nft_build *b, uint16_t group, uint32_t snaplen)
{
	struct nftnl_expr *e = add(b, "log");

	if (!e)
		return;
	nftnl_expr_set_u16(e, NFTNL_EXPR_LOG_GROUP, group);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOG_SNAPLEN, snaplen);
}

static void queue_native(struct nft_build *b, const struct kernel_queue *queue,
			 uint16_t total)
{
	struct nftnl_expr *e = add(b, "queue");
	uint16_t flags = 0;

	if (!e)
		return;
	if (!queue->fail_closed)
		flags |= NFT_QUEUE_FLAG_BYPASS;
	if (queue->fanout && total > 1)
		flags |= NFT_QUEUE_FLAG_CPU_FANOUT;
	nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_NUM, queue->first);
	nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_TOTAL, total);
	nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_FLAGS, flags);
}

static void queue_target(struct nft_build *b, const struct kernel_queue *queue,
			 uint16_t total)
{
	/* as much as the kernel gives back: a multiple of eight bytes */
	size_t size = (sizeof(struct xt_NFQ_info_v3) + 7) / 8 * 8;
	struct xt_NFQ_info_v3 *info = calloc(1, size);
	struct nftnl_expr *e = info ? add(b, "target") : NULL;

	if (!e) {
		free(info);
		b->failed = true;
		return;
	}
	info->queuenum = queue->first;
	info->queues_total = total;
	if (!queue->fail_closed)
		info->flags |= NFQ_FLAG_BYPASS;
	if (queue->fanout && total > 1)
		info->flags |= NFQ_FLAG_CPU_FANOUT;
	nftnl_expr_set_str(e, NFTNL_EXPR_TG_NAME, "NFQUEUE");
	nftnl_expr_set_u32(e, NFTNL_EXPR_TG_REV, 3);
	nftnl_expr_set(e, NFTNL_EXPR_TG_INFO, info, (uint32_t)size);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the expression has it */
}

void nft_build_queue(struct nft_build *b)
{
	const struct kernel_queue *queue = &b->plan->queue;
	uint16_t total = (uint16_t)(queue->last - queue->first + 1);

	if (b->queue == KERNEL_QUEUE_NATIVE)
		queue_native(b, queue, total);
	else
		queue_target(b, queue, total);
}

/* ---- rules ------------------------------------------------------------------- */

void nft_build_begin(struct nft_build *b, const char *chain)
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

/* libnftnl names an xtables target without saying what it is told. */
static void print_target_info(FILE *f, const struct nftnl_expr *e)
{
	uint32_t len;
	const uint8_t *info = nftnl_expr_get(e, NFTNL_EXPR_TG_INFO, &len);

	for (uint32_t i = 0; info && i < len; i++)
		fprintf(f, "%02x", info[i]);
}

char *nft_rule_text(struct nftnl_rule *rule)
{
	struct nftnl_expr_iter *iter = nftnl_expr_iter_create(rule);
	struct nftnl_expr *e;
	char *text = NULL, one[512];
	const char *name;
	size_t size = 0;
	FILE *f = iter ? open_memstream(&text, &size) : NULL;

	while (f && (e = nftnl_expr_iter_next(iter)) != NULL) {
		nftnl_expr_snprintf(one, sizeof(one), e, NFTNL_OUTPUT_DEFAULT,
				    0);
		name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);
		fprintf(f, "%s [%s", name, one);
		if (strcmp(name, "target") == 0)
			print_target_info(f, e);
		fputs("]\n", f);
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
		ok = nftnl_udata_put_u32(udata, NFT_UDATA_GENERATION,
					 generation);
	if (ok)
		nftnl_rule_set_data(rule, NFTNL_RULE_USERDATA,
				    nftnl_udata_buf_data(udata),
				    nftnl_udata_buf_len(udata));
	if (udata)
		nftnl_udata_buf_free(udata);
	return ok;
}

void nft_build_end(struct nft_build *b, const char *comment,
		   uint32_t generation)
{
	snprintf(b->item.comment, sizeof(b->item.comment), "%s", comment);
	if (b->rule && !b->failed) {
		b->item.text = nft_rule_text(b->rule);
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
