// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading what is live.  The generation is asked for before and after: if it is
 * the same, all that was read in between belongs together. */
#include "nft/nft_live.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnftnl/chain.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

/* Linux 6.16 */
#define SET_COUNT (NFTA_SET_EXPRESSIONS + 2)
/* Linux 4.14 */
#ifndef NFT_TABLE_F_DORMANT
#define NFT_TABLE_F_DORMANT 1
#endif

struct reading {
	struct nft_live *live;
	const char *table;
	struct error *err;
};

static int no_memory(struct error *err)
{
	error_set(err, ERROR_LIMIT, 0, "out of memory");
	return MNL_CB_ERROR;
}

/* One more at the end of a list; NULL without memory. */
static void *grow(void *list, size_t *count, size_t size)
{
	void **p = list;
	char *q = reallocarray(*p, *count + 1, size);

	if (!q)
		return NULL;
	*p = q;
	q += (*count)++ * size;
	memset(q, 0, size);
	return q;
}

static int chain_cb(const struct nlmsghdr *nlh, void *ctx)
{
	struct reading *reading = ctx;
	struct nft_live *live = reading->live;
	struct nftnl_chain *chain = nftnl_chain_alloc();
	struct nft_live_chain *out;
	const char *type;

	if (!chain)
		return no_memory(reading->err);
	if (nftnl_chain_nlmsg_parse(nlh, chain) != 0 ||
	    strcmp(nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE),
		   reading->table) != 0)
		goto out;
	out = grow(&live->chains, &live->chain_count, sizeof(*out));
	if (!out) {
		nftnl_chain_free(chain);
		return no_memory(reading->err);
	}
	snprintf(out->name, sizeof(out->name), "%s",
		 nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME));
	out->base = nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM);
	if (!out->base)
		goto out;
	out->hook = nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM);
	out->priority = nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO);
	out->policy = nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY);
	type = nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE);
	out->plain = type && strcmp(type, "filter") == 0 &&
		     !nftnl_chain_is_set(chain, NFTNL_CHAIN_DEV);
out:
	nftnl_chain_free(chain);
	return MNL_CB_OK;
}

bool nft_name_parse(const char *name, char class_name[NFT_CLASS_MAX],
		    int *family, unsigned *number)
{
	const char *dot = strrchr(name, '.');
	size_t len = dot ? (size_t)(dot - name) : 0;
	char *end;
	unsigned long n;

	if (len < 2 || len > NFT_CLASS_MAX ||
	    (dot[-1] != '4' && dot[-1] != '6'))
		return false;
	n = strtoul(dot + 1, &end, 10);
	if (strcmp(dot, ".keep") == 0)
		n = NFT_BRIDGE;
	else if (*end != '\0' || dot[1] < '1' || dot[1] > '9' ||
		 n > NFT_NUMBER_MAX)
		return false;
	memcpy(class_name, name, len - 1);
	class_name[len - 1] = '\0';
	*family = dot[-1] - '0';
	*number = (unsigned)n;
	return true;
}

/* What is told of a set, attribute by attribute: libnftnl of Debian 12 does not
 * know the count. */
struct set_facts {
	const char *table, *name;
	uint32_t flags, key_len, count;
	uint64_t handle;
	bool strange; /* something that a plain set of ours has not */
};

static void read_facts(const struct nlmsghdr *nlh, struct set_facts *f)
{
	struct nlattr *attr;

	*f = (struct set_facts){ .table = "", .name = "", .count = UINT32_MAX };
	mnl_attr_for_each (attr, nlh, sizeof(struct nfgenmsg)) {
		switch (mnl_attr_get_type(attr)) {
		case NFTA_SET_TABLE:
			f->table = mnl_attr_get_str(attr);
			break;
		case NFTA_SET_NAME:
			f->name = mnl_attr_get_str(attr);
			break;
		case NFTA_SET_FLAGS:
			f->flags = ntohl(mnl_attr_get_u32(attr));
			break;
		case NFTA_SET_KEY_LEN:
			f->key_len = ntohl(mnl_attr_get_u32(attr));
			break;
		case SET_COUNT:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
				f->count = ntohl(mnl_attr_get_u32(attr));
			break;
		case NFTA_SET_HANDLE:
			f->handle = be64toh(mnl_attr_get_u64(attr));
			break;
		case NFTA_SET_DATA_TYPE:
		case NFTA_SET_TIMEOUT:
		case NFTA_SET_GC_INTERVAL:
		case NFTA_SET_OBJ_TYPE:
		case NFTA_SET_EXPR:
		case NFTA_SET_EXPRESSIONS:
			f->strange = true;
		}
	}
}

static void fill_set(const struct set_facts *f, struct nft_live_set *out)
{
	int family = 0;

	snprintf(out->name, sizeof(out->name), "%s", f->name);
	out->handle = f->handle;
	out->count = f->count;
	out->ours =
		nft_name_parse(f->name, out->class_name, &family, &out->number);
	if (out->ours && f->flags == NFT_SET_INTERVAL && !f->strange &&
	    f->key_len == (family == 4 ? 4 : 16))
		out->family = family;
}

static int set_cb(const struct nlmsghdr *nlh, void *ctx)
{
	struct reading *reading = ctx;
	struct nft_live *live = reading->live;
	struct nft_live_set *out;
	struct set_facts facts;

	read_facts(nlh, &facts);
	if (strcmp(facts.table, reading->table) != 0)
		return MNL_CB_OK;
	out = grow(&live->sets, &live->set_count, sizeof(*out));
	if (!out)
		return no_memory(reading->err);
	fill_set(&facts, out);
	return MNL_CB_OK;
}

static int counter_cb(const struct nlmsghdr *nlh, void *ctx)
{
	struct reading *reading = ctx;
	struct nft_live *live = reading->live;
	struct nftnl_obj *obj = nftnl_obj_alloc();
	char(*out)[RULE_COUNTER_MAX];

	if (!obj)
		return no_memory(reading->err);
	if (nftnl_obj_nlmsg_parse(nlh, obj) == 0 &&
	    nftnl_obj_get_u32(obj, NFTNL_OBJ_TYPE) == NFT_OBJECT_COUNTER) {
		out = grow(&live->counters, &live->counter_count, sizeof(*out));
		if (!out) {
			nftnl_obj_free(obj);
			return no_memory(reading->err);
		}
		snprintf(*out, sizeof(*out), "%s",
			 nftnl_obj_get_str(obj, NFTNL_OBJ_NAME));
	}
	nftnl_obj_free(obj);
	return MNL_CB_OK;
}

static void mark_used(void *ctx, const struct nft_rule *rule, const char *name)
{
	struct nft_live *live = ctx;

	for (size_t i = 0; i < live->set_count; i++) {
		struct nft_live_set *set = &live->sets[i];

		if (strcmp(set->name, name) != 0)
			continue;
		set->used = true;
		/* `undecided` asks the same sets, and says nothing of them */
		if (!set->comment[0] &&
		    strcmp(rule->chain, NFT_CHAIN_SOURCES) == 0)
			memcpy(set->comment, rule->comment,
			       sizeof(set->comment));
	}
}

static int rule_cb(const struct nlmsghdr *nlh, void *ctx)
{
	struct reading *reading = ctx;
	struct nft_live *live = reading->live;
	struct nft_rule rule;

	if (!nft_rule_read(nlh, &rule, mark_used, live, &live->switched,
			   reading->err))
		return MNL_CB_ERROR;
	if (nft_rules_add(&live->rules, &rule, reading->err))
		return MNL_CB_OK;
	free(rule.text);
	return MNL_CB_ERROR;
}

static bool list(struct nft_sock *sock, uint16_t type, uint16_t table_attr,
		 mnl_cb_t cb, struct reading *reading)
{
	struct nlmsghdr *nlh = nft_sock_question(sock, type, NLM_F_DUMP);

	if (table_attr)
		mnl_attr_put_strz(nlh, table_attr, reading->table);
	if (type == NFT_MSG_GETOBJ)
		mnl_attr_put_u32(nlh, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	return nft_sock_ask(sock, nlh, cb, reading, reading->err);
}

static int table_cb(const struct nlmsghdr *nlh, void *ctx)
{
	struct nlattr *attr;
	bool *dormant = ctx;

	mnl_attr_for_each (attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == NFTA_TABLE_FLAGS &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			*dormant = ntohl(mnl_attr_get_u32(attr)) &
				   NFT_TABLE_F_DORMANT;
	return MNL_CB_OK;
}

bool nft_live_table(struct nft_sock *sock, const char *table, bool *there,
		    bool *dormant, struct error *err)
{
	struct nlmsghdr *nlh = nft_sock_question(sock, NFT_MSG_GETTABLE, 0);
	struct error why = { 0 };

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table);
	*dormant = false;
	*there = nft_sock_ask(sock, nlh, table_cb, dormant, &why);
	if (*there || why.sys_errno == ENOENT)
		return true;
	if (err)
		*err = why;
	return false;
}

static bool read_parts(struct nft_sock *sock, struct reading *reading)
{
	struct nft_live *live = reading->live;

	if (!nft_live_table(sock, reading->table, &live->table, &live->dormant,
			    reading->err))
		return false;
	if (!live->table)
		return true;
	/* sets before rules: rules say which of them are used */
	return list(sock, NFT_MSG_GETCHAIN, 0, chain_cb, reading) &&
	       list(sock, NFT_MSG_GETSET, NFTA_SET_TABLE, set_cb, reading) &&
	       list(sock, NFT_MSG_GETOBJ, NFTA_OBJ_TABLE, counter_cb,
		    reading) &&
	       list(sock, NFT_MSG_GETRULE, NFTA_RULE_TABLE, rule_cb, reading);
}

bool nft_live_read(struct nft_sock *sock, const char *table,
		   struct nft_live *live, struct error *err)
{
	struct reading reading = { live, table, err };
	uint32_t after;

	nft_live_clear(live);
	if (!nft_sock_generation(sock, &live->generation, err) ||
	    !read_parts(sock, &reading) ||
	    !nft_sock_generation(sock, &after, err))
		return false;
	if (after == live->generation)
		return true;
	return error_set(err, ERROR_KERNEL, ERESTART,
			 "the ruleset changed while it was read");
}

void nft_live_clear(struct nft_live *live)
{
	free(live->chains);
	free(live->sets);
	free(live->counters);
	nft_rules_clear(&live->rules);
	memset(live, 0, sizeof(*live));
}

const struct nft_live_set *nft_live_set(const struct nft_live *live,
					const char *name)
{
	for (size_t i = 0; i < live->set_count; i++)
		if (strcmp(live->sets[i].name, name) == 0)
			return &live->sets[i];
	return NULL;
}

static int one_set_cb(const struct nlmsghdr *nlh, void *ctx)
{
	struct set_facts facts;

	if (nlh->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSET))
		return MNL_CB_OK;
	read_facts(nlh, &facts);
	fill_set(&facts, ctx);
	return MNL_CB_OK;
}

bool nft_live_one_set(struct nft_sock *sock, const char *table,
		      const char *name, struct nft_live_set *out,
		      struct error *err)
{
	struct nlmsghdr *nlh = nft_sock_question(sock, NFT_MSG_GETSET, 0);

	memset(out, 0, sizeof(*out));
	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_SET_NAME, name);
	return nft_sock_ask(sock, nlh, one_set_cb, out, err);
}

/* ---- the order of look-up ------------------------------------------------------ */

struct uses {
	struct nft_named *names;
	size_t count;
	bool failed;
	struct error *err;
};

static void note_use(void *ctx, const struct nft_rule *rule, const char *name)
{
	struct uses *uses = ctx;
	struct nft_named *named;
	struct nft_named got = { 0 };
	unsigned number;

	(void)rule;
	if (strlen(name) >= sizeof(got.name) ||
	    !nft_name_parse(name, got.class_name, &got.family, &number))
		return;
	memcpy(got.name, name, strlen(name));
	named = grow(&uses->names, &uses->count, sizeof(*named));
	if (named)
		*named = got;
	else
		uses->failed = true;
}

static int use_cb(const struct nlmsghdr *nlh, void *ctx)
{
	struct uses *uses = ctx;
	struct nft_rule rule;

	if (!nft_rule_read(nlh, &rule, note_use, uses, NULL, uses->err))
		return MNL_CB_ERROR;
	free(rule.text);
	return uses->failed ? no_memory(uses->err) : MNL_CB_OK;
}

bool nft_live_uses(struct nft_sock *sock, const char *table,
		   struct nft_named **names, size_t *count, struct error *err)
{
	struct nlmsghdr *nlh =
		nft_sock_question(sock, NFT_MSG_GETRULE, NLM_F_DUMP);
	struct uses uses = { .err = err };

	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, NFT_CHAIN_SOURCES);
	if (!nft_sock_ask(sock, nlh, use_cb, &uses, err)) {
		free(uses.names);
		return false;
	}
	*names = uses.names;
	*count = uses.count;
	return true;
}
