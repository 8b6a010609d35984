// SPDX-License-Identifier: GPL-2.0-or-later
/* Who else writes to our table.
 *
 * nf_tables tells the members of NFNLGRP_NFTABLES of every commit: a message for
 * each object that it added or deleted, and then one NEWGEN that names the process.
 * Commits never overlap, so what was heard since the last NEWGEN is what that
 * process did:
 *
 *   DELRULE geoblock prerouting │ DELCHAIN … │ DELTABLE geoblock │ NEWGEN nft 4711
 *
 * Every message carries the port id of the socket that asked for it; our own are
 * told by that.  Nothing is kept of a commit but the worst that it did, so the
 * work and the memory that others can cause here are those of one datagram at a
 * time.  Where the kernel drops notifications (ENOBUFS), all that is known is that
 * something may have happened, and that is what the caller hears. */
#include "nft/nft_monitor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#define DATAGRAMS_MAX 256   /* for one call; the rest waits for the next */
#define DATAGRAM_SIZE 32768 /* the kernel's are of a page or two */
#define RECV_BUFFER   (1 << 20)

struct kernel_monitor {
	struct mnl_socket *nl;
	struct nft_watch watch;
	_Alignas(struct nlmsghdr) char buf[DATAGRAM_SIZE];
};

/* ---- one commit ----------------------------------------------------------------- */

/* The objects that a commit can touch.  In each of their messages attribute 1
 * is the table's name. */
static const struct object {
	uint8_t added, deleted; /* message types */
	uint8_t name;           /* attribute that says which; 0: the table */
	const char *word;
} objects[] = {
	{ NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE, 0, "table" },
	{ NFT_MSG_NEWCHAIN, NFT_MSG_DELCHAIN, NFTA_CHAIN_NAME, "chain" },
	{ NFT_MSG_NEWRULE, NFT_MSG_DELRULE, NFTA_RULE_CHAIN, "rule of" },
	{ NFT_MSG_NEWSET, NFT_MSG_DELSET, NFTA_SET_NAME, "set" },
	{ NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM, NFTA_SET_ELEM_LIST_SET,
	  "element of" },
	{ NFT_MSG_NEWOBJ, NFT_MSG_DELOBJ, NFTA_OBJ_NAME, "object" },
	{ NFT_MSG_NEWFLOWTABLE, NFT_MSG_DELFLOWTABLE, NFTA_FLOWTABLE_NAME,
	  "flowtable" },
};

#define OBJECT_COUNT (sizeof(objects) / sizeof(objects[0]))

static const struct object *find_object(unsigned type, bool *deleted)
{
	for (size_t i = 0; i < OBJECT_COUNT; i++) {
		*deleted = type == objects[i].deleted;
		if (*deleted || type == objects[i].added)
			return &objects[i];
	}
	return NULL;
}

/* A name out of the kernel, with nothing in it that could upset a log. */
static void copy_name(char *out, size_t room, const char *name)
{
	size_t i;

	for (i = 0; i + 1 < room && name[i]; i++)
		out[i] = name[i] > ' ' && name[i] < 0x7f ? name[i] : '?';
	out[i] = '\0';
}

static const char *text_of(const struct nlattr *attr)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0
		       ? mnl_attr_get_str(attr)
		       : NULL;
}

/* The attributes of a message by type; those beyond `max` are left out. */
static void index_attrs(const struct nlmsghdr *nlh, const struct nlattr **out,
			unsigned max)
{
	struct nlattr *attr;

	for (unsigned i = 0; i <= max; i++)
		out[i] = NULL;
	mnl_attr_for_each (attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) <= max)
			out[mnl_attr_get_type(attr)] = attr;
}

#define ATTR_MAX 8 /* no name that is looked for here has a higher number */
_Static_assert(NFTA_CHAIN_NAME <= ATTR_MAX && NFTA_RULE_CHAIN <= ATTR_MAX &&
		       NFTA_SET_NAME <= ATTR_MAX && NFTA_OBJ_NAME <= ATTR_MAX &&
		       NFTA_GEN_PROC_NAME <= ATTR_MAX,
	       "ATTR_MAX");

static void hear_object(struct nft_watch *watch, const struct nlmsghdr *nlh,
			const struct object *object, bool deleted)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr[ATTR_MAX + 1];
	const char *table, *name;
	char clean[KERNEL_WHAT_MAX / 2];

	if (nfg->nfgen_family != NFPROTO_INET)
		return;
	index_attrs(nlh, attr, ATTR_MAX);
	table = text_of(attr[NFTA_TABLE_NAME]);
	if (!table || strcmp(table, watch->table) != 0)
		return;
	if (object->name == 0)
		watch->gone = deleted;
	/* the first thing says it, unless the whole table goes */
	if (object->name == 0 && deleted)
		watch->deleted = true;
	else if (watch->touched)
		return;
	watch->touched = true;
	name = object->name ? text_of(attr[object->name]) : "";
	copy_name(clean, sizeof(clean), name ? name : "?");
	snprintf(watch->what, sizeof(watch->what), "%s %s%s%s",
		 deleted ? "deleted" : "changed", object->word,
		 *clean ? " " : "", clean);
}

/* NEWGEN: the commit is told.  Of several the first is named, or the one that
 * deleted the table. */
static void hear_end(struct nft_watch *watch, const struct nlmsghdr *nlh,
		     struct kernel_change *change)
{
	const struct nlattr *attr[ATTR_MAX + 1];
	bool foreign = watch->touched && nlh->nlmsg_pid != watch->own;
	bool named = change->changed && !watch->deleted;
	const char *by;

	watch->touched = watch->deleted = false;
	if (!foreign)
		return;
	change->changed = true;
	if (named)
		return;
	memcpy(change->what, watch->what, sizeof(change->what));
	index_attrs(nlh, attr, ATTR_MAX);
	by = text_of(attr[NFTA_GEN_PROC_NAME]);
	copy_name(change->by, sizeof(change->by), by ? by : "");
	change->pid = 0;
	if (attr[NFTA_GEN_PROC_PID] &&
	    mnl_attr_validate(attr[NFTA_GEN_PROC_PID], MNL_TYPE_U32) == 0)
		change->pid = ntohl(mnl_attr_get_u32(attr[NFTA_GEN_PROC_PID]));
}

/* mnl_nlmsg_ok() takes a length beyond INT_MAX for a negative one, which is less
 * than what is left, and mnl_nlmsg_next() then stays where it is. */
static bool message_ok(const struct nlmsghdr *nlh, int left)
{
	return mnl_nlmsg_ok(nlh, left) && nlh->nlmsg_len <= (unsigned)left;
}

void nft_watch_hear(struct nft_watch *watch, const void *data, size_t len,
		    struct kernel_change *change)
{
	const struct nlmsghdr *nlh = data;
	const struct object *object;
	int left = (int)len;
	unsigned type;
	bool deleted;

	for (; message_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		type = nlh->nlmsg_type & 0xff;
		if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES ||
		    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nfgenmsg))
			continue;
		object = find_object(type, &deleted);
		if (object)
			hear_object(watch, nlh, object, deleted);
		else if (type == NFT_MSG_NEWGEN)
			hear_end(watch, nlh, change);
	}
	change->gone = change->changed && watch->gone;
}

/* ---- the socket ------------------------------------------------------------------- */

static bool subscribe(struct mnl_socket *nl, struct error *err)
{
	int group = NFNLGRP_NFTABLES, size = RECV_BUFFER;
	int fd = mnl_socket_get_fd(nl);

	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) != 0 ||
	    mnl_socket_setsockopt(nl, NETLINK_ADD_MEMBERSHIP, &group,
				  sizeof(group)) != 0)
		return error_set(err, ERROR_KERNEL, errno,
				 "cannot watch nf_tables");
	/* more room loses less; without it there is more to ask again */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) !=
	    0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return true;
}

bool kernel_monitor_open(struct kernel_monitor **out,
			 const struct kernel *kernel, const char *table,
			 struct error *err)
{
	struct kernel_monitor *monitor;

	*out = NULL;
	if (!kernel_is_table(table, err))
		return false;
	monitor = calloc(1, sizeof(*monitor));
	if (!monitor)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	monitor->watch.own = kernel->sock.portid;
	memcpy(monitor->watch.table, table, strlen(table) + 1);
	monitor->nl = mnl_socket_open2(NETLINK_NETFILTER,
				       SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!monitor->nl) {
		error_set(err, ERROR_KERNEL, errno,
			  "cannot open a netlink socket");
		goto fail;
	}
	if (!subscribe(monitor->nl, err))
		goto fail;
	*out = monitor;
	return true;
fail:
	kernel_monitor_close(monitor);
	return false;
}

void kernel_monitor_close(struct kernel_monitor *monitor)
{
	if (!monitor)
		return;
	if (monitor->nl)
		mnl_socket_close(monitor->nl);
	free(monitor);
}

int kernel_monitor_fd(const struct kernel_monitor *monitor)
{
	return mnl_socket_get_fd(monitor->nl);
}

/* What was told of the commit in hand is of no use when its end may be among what
 * was lost: that of another would be taken for it. */
static void lose(struct kernel_monitor *monitor, struct kernel_change *change)
{
	monitor->watch.touched = monitor->watch.deleted = false;
	change->lost = true;
}

bool kernel_monitor_read(struct kernel_monitor *monitor,
			 struct kernel_change *change, struct error *err)
{
	struct sockaddr_nl from = { 0 };
	socklen_t size;
	ssize_t got;

	memset(change, 0, sizeof(*change));
	for (int i = 0; i < DATAGRAMS_MAX; i++) {
		size = sizeof(from);
		got = recvfrom(kernel_monitor_fd(monitor), monitor->buf,
			       sizeof(monitor->buf), MSG_TRUNC,
			       (struct sockaddr *)&from, &size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			break;
		if (got < 0 && errno != ENOBUFS)
			return error_set(err, ERROR_KERNEL, errno,
					 "cannot read what nf_tables tells");
		if (got < 0 || (size_t)got > sizeof(monitor->buf))
			lose(monitor, change);
		else if (from.nl_pid == 0)
			nft_watch_hear(&monitor->watch, monitor->buf,
				       (size_t)got, change);
	}
	return true;
}
