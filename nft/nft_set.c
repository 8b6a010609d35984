// SPDX-License-Identifier: GPL-2.0-or-later
/* Elements of interval sets.
 *
 * A range is two elements in the message that adds it, IPv4 (40 bytes):
 *
 *   LIST_ELEM { KEY { VALUE first } }                                16 bytes
 *   LIST_ELEM { FLAGS interval-end, KEY { VALUE last + 1 } }         24 bytes
 *
 * and IPv6 the same with 28 + 36 bytes.  They are written into the batch as
 * bytes, from a template: with tens of thousands of ranges an object for each
 * element costs more than the kernel takes to store it.
 *
 * The nest's length is 16 bits wide and the kernel takes a wrapped one without a
 * word, storing what is left of the list; a start without its end means "up to
 * the top of the address space".  So a message is bounded well below, and both
 * elements of a range go into the same message: some kernels match an end to the
 * start before it.
 *
 * nft itself puts an element "0, interval end" into sets that do not begin at 0.
 * nf_tables does not need it, so we do not send it, but read past it. */
#include "nft/nft_set.h"

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

/* nft's numbers for the types, shown by `nft list`. */
#define KEY_TYPE_IPV4 7
#define KEY_TYPE_IPV6 8

#define NEST_MAX 65000 /* < 65536, and some air */

static unsigned key_len(int family)
{
	return family == 4 ? 4 : 16;
}

static addr6_t top(int family)
{
	return family == 4 ? ADDR4_MAX : ADDR6_MAX;
}

struct nft_span nft_span_of(const struct iset *set, int family)
{
	if (family == 4)
		return (struct nft_span){ .family = 4,
					  .count = set->v4.count,
					  .v4 = set->v4.r };
	return (struct nft_span){ .family = 6,
				  .count = set->v6.count,
				  .v6 = set->v6.r };
}

struct nft_span nft_span_list(const struct nft_list *list, int family)
{
	return (struct nft_span){ .family = family,
				  .count = list->count,
				  .wide = list->r };
}

struct range6 nft_span_at(const struct nft_span *span, size_t i)
{
	if (span->v4)
		return (struct range6){ span->v4[i].first, span->v4[i].last };
	return span->v6 ? span->v6[i] : span->wide[i];
}

size_t nft_span_after(const struct nft_span *span, addr6_t key)
{
	size_t low = 0, high = span->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (nft_span_at(span, mid).first <= key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool nft_list_add(struct nft_list *list, addr6_t first, addr6_t last,
		  struct error *err)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 64;
		struct range6 *r = reallocarray(list->r, room, sizeof(*r));

		if (!r)
			return error_set(err, ERROR_LIMIT, 0,
					 "out of memory for %zu ranges", room);
		list->r = r;
		list->room = room;
	}
	list->r[list->count++] = (struct range6){ first, last };
	return true;
}

void nft_list_clear(struct nft_list *list)
{
	free(list->r);
	memset(list, 0, sizeof(*list));
}

void nft_set_create(struct nft_txn *txn, const char *table, const char *name,
		    int family, const char *comment)
{
	static uint32_t id; /* unique in a batch is enough; so is this */
	struct nlmsghdr *nlh =
		nft_txn_message(txn, NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL);
	struct nftnl_udata_buf *udata = nftnl_udata_buf_alloc(256);

	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_SET_NAME, name);
	mnl_attr_put_u32(nlh, NFTA_SET_FLAGS, htonl(NFT_SET_INTERVAL));
	mnl_attr_put_u32(nlh, NFTA_SET_KEY_TYPE,
			 htonl(family == 4 ? KEY_TYPE_IPV4 : KEY_TYPE_IPV6));
	mnl_attr_put_u32(nlh, NFTA_SET_KEY_LEN, htonl(key_len(family)));
	mnl_attr_put_u32(nlh, NFTA_SET_ID, htonl(++id));
	if (udata &&
	    nftnl_udata_put_strz(udata, NFTNL_UDATA_SET_COMMENT, comment))
		mnl_attr_put(nlh, NFTA_SET_USERDATA, nftnl_udata_buf_len(udata),
			     nftnl_udata_buf_data(udata));
	if (udata)
		nftnl_udata_buf_free(udata);
}

void nft_set_delete(struct nft_txn *txn, const char *table, const char *name)
{
	struct nlmsghdr *nlh = nft_txn_message(txn, NFT_MSG_DELSET, 0);

	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_SET_NAME, name);
}

/* ---- ranges to elements ------------------------------------------------------ */

static void put_key(char *at, int family, addr6_t key)
{
	if (family == 4) {
		uint32_t be = htobe32((uint32_t)key);

		memcpy(at, &be, sizeof(be));
	} else {
		uint64_t be[2] = { htobe64(ADDR6_HI(key)),
				   htobe64(ADDR6_LO(key)) };

		memcpy(at, be, sizeof(be));
	}
}

static char *put_header(char *at, size_t len, uint16_t type)
{
	struct nlattr attr = { .nla_len = (uint16_t)len, .nla_type = type };

	memcpy(at, &attr, sizeof(attr));
	return at + sizeof(attr);
}

/* One element at `at`; returns its end. */
static char *put_element(char *at, int family, addr6_t key, bool end)
{
	size_t len = key_len(family), flags = end ? 8 : 0;
	uint32_t be = htobe32(NFT_SET_ELEM_INTERVAL_END);

	at = put_header(at, 12 + flags + len, NFTA_LIST_ELEM | NLA_F_NESTED);
	if (end) {
		at = put_header(at, 8, NFTA_SET_ELEM_FLAGS);
		memcpy(at, &be, sizeof(be));
		at += sizeof(be);
	}
	at = put_header(at, 8 + len, NFTA_SET_ELEM_KEY | NLA_F_NESTED);
	at = put_header(at, 4 + len, NFTA_DATA_VALUE);
	put_key(at, family, key);
	return at + len;
}

static char *put_range(char *at, int family, struct range6 r)
{
	at = put_element(at, family, r.first, false);
	if (r.last != top(family))
		at = put_element(at, family, r.last + 1, true);
	return at;
}

static size_t range_size(int family)
{
	return 2 * (12 + key_len(family)) + 8;
}

size_t nft_set_put(struct nft_txn *txn, uint16_t type, const char *table,
		   const char *name, const struct nft_span *span, size_t from)
{
	size_t size = range_size(span->family), room, fit, i;
	struct nlmsghdr *nlh;
	struct nlattr *nest;
	char *at;

	if (nft_txn_left(txn) < NFT_MESSAGE_MAX || from >= span->count)
		return from;
	nlh = nft_txn_message(
		txn, type,
		type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE | NLM_F_EXCL : 0);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, name);
	nest = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	room = nft_txn_left(txn);
	if (room > NEST_MAX)
		room = NEST_MAX;
	fit = room / size < span->count - from ? room / size
					       : span->count - from;
	at = mnl_nlmsg_get_payload_tail(nlh);
	for (i = from; i < from + fit; i++)
		at = put_range(at, span->family, nft_span_at(span, i));
	nlh->nlmsg_len = (uint32_t)(at - (char *)nlh);
	mnl_attr_nest_end(nlh, nest);
	return i;
}

/* ---- elements to ranges ------------------------------------------------------ */

static bool edges_add(struct nft_edges *edges, addr6_t key, bool end,
		      struct error *err)
{
	if (edges->count == edges->room) {
		size_t room = edges->room ? edges->room * 2 : 1024;
		struct nft_edge *e = reallocarray(edges->e, room, sizeof(*e));

		if (!e)
			return error_set(err, ERROR_LIMIT, 0,
					 "out of memory for %zu elements",
					 room);
		edges->e = e;
		edges->room = room;
	}
	edges->e[edges->count++] = (struct nft_edge){ key, end };
	return true;
}

static bool get_key(const struct nlattr *data, int family, addr6_t *key)
{
	struct nlattr *value;

	mnl_attr_for_each_nested (value, data) {
		const unsigned char *p = mnl_attr_get_payload(value);

		if (mnl_attr_get_type(value) != NFTA_DATA_VALUE ||
		    mnl_attr_get_payload_len(value) != key_len(family))
			continue;
		*key = 0;
		for (unsigned i = 0; i < key_len(family); i++)
			*key = *key << 8 | p[i];
		return true;
	}
	return false;
}

/* One NFTA_LIST_ELEM.  An element that is more than a plain key (a time-out, an
 * expression) does not mean what ours mean. */
static bool parse_element(const struct nlattr *elem, int family,
			  struct nft_edges *edges, struct error *err)
{
	struct nlattr *attr;
	uint32_t flags = 0;
	bool has_key = false, plain = true;
	addr6_t key = 0;

	mnl_attr_for_each_nested (attr, elem) {
		switch (mnl_attr_get_type(attr)) {
		case NFTA_SET_ELEM_KEY:
			has_key = get_key(attr, family, &key);
			break;
		case NFTA_SET_ELEM_FLAGS:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
				flags = ntohl(mnl_attr_get_u32(attr));
			break;
		case NFTA_SET_ELEM_USERDATA: /* a comment: harmless */
		case NFTA_SET_ELEM_PAD:
			break;
		default:
			plain = false;
		}
	}
	if (!has_key || !plain ||
	    (flags & ~(uint32_t)NFT_SET_ELEM_INTERVAL_END))
		return error_set(err, ERROR_KERNEL, EILSEQ,
				 "the set holds an element that is no plain "
				 "address");
	return edges_add(edges, key, flags & NFT_SET_ELEM_INTERVAL_END, err);
}

bool nft_edges_parse(const struct nlmsghdr *nlh, int family,
		     struct nft_edges *edges, struct error *err)
{
	struct nlattr *attr, *elem;

	mnl_attr_for_each (attr, nlh, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		mnl_attr_for_each_nested (elem, attr)
			if (!parse_element(elem, family, edges, err))
				return false;
	}
	return true;
}

/* Ends before starts at the same place: that is where one range ends and the
 * next begins. */
static int by_key(const void *a, const void *b)
{
	const struct nft_edge *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (int)y->end - (int)x->end;
}

static void sort_edges(struct nft_edges *edges)
{
	size_t n = edges->count, up = 1;

	/* the kernel lists them downwards, or some day upwards */
	for (size_t i = 0; i < n / 2; i++) {
		struct nft_edge swap = edges->e[i];

		edges->e[i] = edges->e[n - 1 - i];
		edges->e[n - 1 - i] = swap;
	}
	while (up < n && by_key(&edges->e[up - 1], &edges->e[up]) <= 0)
		up++;
	if (up < n)
		qsort(edges->e, n, sizeof(*edges->e), by_key);
}

/* A start holds up to the next element: if that is another start, as nft writes
 * touching ranges in constant sets, then up to just before it; if there is none,
 * up to the top. */
bool nft_edges_ranges(struct nft_edges *edges, int family, struct nft_list *out,
		      struct error *err)
{
	sort_edges(edges);
	out->count = 0;
	for (size_t i = 0; i < edges->count; i++) {
		const struct nft_edge *e = &edges->e[i];
		addr6_t last =
			i + 1 < edges->count ? e[1].key - 1 : top(family);

		if (e->end)
			continue;
		if (last < e->key ||
		    (last == ADDR6_MAX && e->key == 0 && i + 1 < edges->count))
			continue; /* empty: two starts at one place */
		if (!nft_list_add(out, e->key, last, err))
			return false;
	}
	return true;
}

struct reading {
	int family;
	struct nft_edges edges;
	struct error *err;
};

static int read_cb(const struct nlmsghdr *nlh, void *ctx)
{
	struct reading *reading = ctx;

	if (nlh->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM))
		return MNL_CB_OK;
	return nft_edges_parse(nlh, reading->family, &reading->edges,
			       reading->err)
		       ? MNL_CB_OK
		       : MNL_CB_ERROR;
}

static struct nlmsghdr *elements_question(struct nft_sock *sock,
					  const char *table, const char *name,
					  uint16_t flags)
{
	struct nlmsghdr *nlh =
		nft_sock_question(sock, NFT_MSG_GETSETELEM, flags);

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, name);
	return nlh;
}

bool nft_set_read(struct nft_sock *sock, const char *table, const char *name,
		  int family, struct nft_list *out, struct error *err)
{
	struct reading reading = { .family = family, .err = err };
	struct nlmsghdr *nlh = elements_question(sock, table, name, NLM_F_DUMP);
	bool ok;

	ok = nft_sock_ask(sock, nlh, read_cb, &reading, err) &&
	     nft_edges_ranges(&reading.edges, family, out, err);
	free(reading.edges.e);
	return ok;
}

static int found_cb(const struct nlmsghdr *nlh, void *ctx)
{
	bool *found = ctx;

	if (nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM))
		*found = true;
	return MNL_CB_OK;
}

bool nft_set_find(struct nft_sock *sock, const char *table, const char *name,
		  int family, addr6_t key, bool *found, struct error *err)
{
	struct nlmsghdr *nlh = elements_question(sock, table, name, 0);
	struct nlattr *nest =
		mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct error why = { 0 };
	char *at = mnl_nlmsg_get_payload_tail(nlh);

	at = put_element(at, family, key, false);
	nlh->nlmsg_len = (uint32_t)(at - (char *)nlh);
	mnl_attr_nest_end(nlh, nest);
	*found = false;
	if (nft_sock_ask(sock, nlh, found_cb, found, &why) ||
	    why.sys_errno == ENOENT)
		return true;
	if (err)
		*err = why;
	return false;
}
