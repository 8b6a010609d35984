// SPDX-License-Identifier: GPL-2.0-or-later
/* From an errno to a sentence that helps: what was being done, in the terms of
 * `nft list`, then the kernel's answer, then what that answer means here and
 * what can be done about it.  What was being done is read out of the very
 * message that was refused, so that it need not be written down beforehand. */
#include "nft/nft_explain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

/* How to speak of each message: the attribute that names its object. */
static const struct {
	uint16_t type;
	uint16_t name; /* 0: it has none but the table's */
	const char *doing;
} messages[] = {
	{ NFT_MSG_NEWTABLE, 0, "make the table" },
	{ NFT_MSG_DELTABLE, 0, "delete the table" },
	{ NFT_MSG_GETTABLE, 0, "read the table" },
	{ NFT_MSG_NEWCHAIN, NFTA_CHAIN_NAME, "make chain" },
	{ NFT_MSG_DELCHAIN, NFTA_CHAIN_NAME, "delete chain" },
	{ NFT_MSG_GETCHAIN, NFTA_CHAIN_NAME, "list the chains" },
	{ NFT_MSG_NEWRULE, NFTA_RULE_CHAIN, "add a rule to chain" },
	{ NFT_MSG_DELRULE, NFTA_RULE_CHAIN, "empty chain" },
	{ NFT_MSG_GETRULE, NFTA_RULE_CHAIN, "list the rules" },
	{ NFT_MSG_NEWSET, NFTA_SET_NAME, "make set" },
	{ NFT_MSG_DELSET, NFTA_SET_NAME, "delete set" },
	{ NFT_MSG_GETSET, NFTA_SET_NAME, "list the sets" },
	{ NFT_MSG_NEWSETELEM, NFTA_SET_ELEM_LIST_SET, "add elements to set" },
	{ NFT_MSG_DELSETELEM, NFTA_SET_ELEM_LIST_SET,
	  "remove elements from set" },
	{ NFT_MSG_GETSETELEM, NFTA_SET_ELEM_LIST_SET, "read elements of set" },
	{ NFT_MSG_NEWOBJ, NFTA_OBJ_NAME, "make counter" },
	{ NFT_MSG_DELOBJ, NFTA_OBJ_NAME, "delete counter" },
	{ NFT_MSG_GETOBJ, NFTA_OBJ_NAME, "list the counters" },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What an answer means.  type 0: to whatever was asked. */
static const struct {
	int error;
	uint16_t type;
	const char *means;
} meanings[] = {
	{ EPERM, 0,
	  "this takes CAP_NET_ADMIN over the network namespace, and a table "
	  "that no other program owns: run as root" },
	{ ERESTART, 0,
	  "another program changed the ruleset at the same time; try again" },
	{ ENFILE, NFT_MSG_NEWSETELEM,
	  "nf_tables says this of a set that is full: its size was limited" },
	{ EEXIST, NFT_MSG_NEWSETELEM,
	  "a range overlaps one that is in the set already: another program "
	  "writes to the table" },
	{ ENOENT, NFT_MSG_NEWRULE,
	  "the kernel lacks this expression; load or build the module of "
	  "that name (CONFIG_NFT_…)" },
	{ ENOENT, 0, "it is not there: another program removed it" },
	{ EBUSY, 0,
	  "it is in use by what another program put into the table; "
	  "look at `nft list table inet …`, delete the table, run again" },
	{ EMSGSIZE, 0,
	  "the message is longer than the socket's send buffer; raise "
	  "net.core.wmem_default to 212992, the kernel's own default" },
	{ ENOBUFS, 0,
	  "the answers did not fit into the socket's receive buffer; raise "
	  "net.core.rmem_default to 212992, the kernel's own default" },
	{ ENOMEM, 0,
	  "the kernel has no memory for it; in a container, its memory limit "
	  "counts: an update needs twice the size of the sets" },
	{ EOPNOTSUPP, 0,
	  "this kernel has no nf_tables for inet, or not this part of it "
	  "(CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET, Linux 5.9 or newer)" },
	{ EINVAL, 0,
	  "this kernel does not take the message; Linux 5.9 or newer with "
	  "CONFIG_NF_TABLES is needed" },
	{ EPROTO, 0, "the kernel gave no proper answer" },
};

static const char *meaning(int sys_errno, uint16_t type)
{
	for (size_t i = 0; i < COUNT(meanings); i++)
		if (meanings[i].error == sys_errno &&
		    (meanings[i].type == 0 || meanings[i].type == type))
			return meanings[i].means;
	return NULL;
}

/* A string attribute of the request, "" if it is not there. */
static const char *name_of(const struct nlmsghdr *request, uint16_t type)
{
	struct nlattr *attr;

	mnl_attr_for_each (attr, request, sizeof(struct nfgenmsg))
		if (type != 0 && mnl_attr_get_type(attr) == type &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
			return mnl_attr_get_str(attr);
	return "";
}

/* The kernel's offset for an expression that it does not know is that of its
 * NFTA_LIST_ELEM, which begins with the name. */
static const char *expression_at(const struct nlmsghdr *request, size_t offset)
{
	const char *base = (const char *)request;
	const struct nlattr *elem, *name;

	if (offset < MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg) ||
	    offset % MNL_ALIGNTO != 0 ||
	    offset + 2 * MNL_ATTR_HDRLEN > request->nlmsg_len)
		return NULL;
	elem = (const void *)(base + offset);
	name = mnl_attr_get_payload(elem);
	if (mnl_attr_get_type(elem) != NFTA_LIST_ELEM ||
	    mnl_attr_get_type(name) != NFTA_EXPR_NAME ||
	    offset + MNL_ATTR_HDRLEN + mnl_attr_get_len(name) >
		    request->nlmsg_len ||
	    mnl_attr_validate(name, MNL_TYPE_NUL_STRING) != 0)
		return NULL;
	return mnl_attr_get_str(name);
}

static uint16_t type_of(const struct nlmsghdr *request)
{
	if (!request || request->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return NFT_MSG_MAX;
	return NFNL_MSG_TYPE(request->nlmsg_type);
}

/* "add a rule to chain "sources" of table inet geoblock, expression "reject"" */
static void describe(const struct nlmsghdr *request, size_t offset, char *buf,
		     size_t size)
{
	uint16_t type = type_of(request);
	const char *doing = "do this", *name = "", *table = "", *expression;
	int used;

	for (size_t i = 0; i < COUNT(messages); i++) {
		if (messages[i].type != type)
			continue;
		doing = messages[i].doing;
		name = name_of(request, messages[i].name);
		table = name_of(request, NFTA_TABLE_NAME);
	}
	used = snprintf(buf, size, "%s%s%s%s%s%s", doing, name[0] ? " \"" : "",
			name, name[0] ? "\"" : "", table[0] ? " of inet " : "",
			table);
	expression =
		type == NFT_MSG_NEWRULE ? expression_at(request, offset) : NULL;
	if (expression && (size_t)used < size)
		snprintf(buf + used, size - (size_t)used, ", expression \"%s\"",
			 expression);
}

bool nft_explain(struct error *err, int sys_errno,
		 const struct nlmsghdr *request, size_t offset,
		 const char *said)
{
	const char *means = meaning(sys_errno, type_of(request));
	char doing[160];

	describe(request, offset, doing, sizeof(doing));
	error_set(err, ERROR_KERNEL, 0, "nf_tables would not %s: %s%s%s%s%s%s",
		  doing, strerror(sys_errno), means ? ": " : "",
		  means ? means : "", said ? " (the kernel says: " : "",
		  said ? said : "", said ? ")" : "");
	if (err)
		err->sys_errno = sys_errno;
	return false;
}
