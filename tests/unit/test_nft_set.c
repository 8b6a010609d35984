// SPDX-License-Identifier: GPL-2.0-or-later
/* Elements of interval sets, without a kernel: what is built is parsed back, by
 * libnftnl and by our own reader; differences are checked against a bitmap.
 * GEOBLOCK_TEST_SEED repeats a run. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <libnftnl/set.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "nft/nft_set.h"
#include "nft/nft_txn.h"

#define ROOM (192 * 1024)

static char buf[ROOM];
static struct nft_sock sock; /* a sequence number is all that is needed of it */

static struct nft_txn txn_of(size_t room)
{
	struct nft_txn txn;

	nft_txn_begin(&txn, &sock, buf, room, 0);
	return txn;
}

/* ---- the half-open form ------------------------------------------------------ */

struct element {
	addr6_t key;
	bool end;
};

static int note(struct nftnl_set_elem *e, void *ctx)
{
	struct element **at = ctx;
	uint32_t len;
	const unsigned char *key =
		nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);

	(*at)->key = 0;
	for (uint32_t i = 0; i < len; i++)
		(*at)->key = (*at)->key << 8 | key[i];
	(*at)->end = nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_FLAGS) &&
		     nftnl_set_elem_get_u32(e, NFTNL_SET_ELEM_FLAGS) ==
			     NFT_SET_ELEM_INTERVAL_END;
	(*at)++;
	return 0;
}

/* What libnftnl reads in a message; the number of elements. */
static size_t elements_of(const struct nlmsghdr *nlh, struct element *out)
{
	struct nftnl_set *set = nftnl_set_alloc();
	struct element *at = out;

	assert_non_null(set);
	assert_int_equal(nftnl_set_elems_nlmsg_parse(nlh, set), 0);
	assert_string_equal(nftnl_set_get_str(set, NFTNL_SET_TABLE), "t");
	assert_string_equal(nftnl_set_get_str(set, NFTNL_SET_NAME), "s");
	nftnl_set_elem_foreach(set, note, &at);
	nftnl_set_free(set);
	return (size_t)(at - out);
}

static void assert_elements(int family, addr6_t first, addr6_t last,
			    size_t count, addr6_t end)
{
	struct nft_txn txn = txn_of(ROOM);
	struct range6 r = { first, last };
	struct nft_span span = { .family = family, .count = 1, .wide = &r };
	struct element e[8];

	assert_int_equal(
		nft_set_put(&txn, NFT_MSG_NEWSETELEM, "t", "s", &span, 0), 1);
	assert_int_equal(elements_of(txn.last, e), count);
	assert_true(e[0].key == first && !e[0].end);
	if (count == 2)
		assert_true(e[1].key == end && e[1].end);
}

static void test_half_open(void **state)
{
	(void)state;
	assert_elements(4, 0xc0000200, 0xc00002ff, 2, 0xc0000300);
	assert_elements(4, 7, 7, 2, 8);
	assert_elements(4, 0, 0, 2, 1);
	assert_elements(4, 0, ADDR4_MAX - 1, 2, ADDR4_MAX);
	assert_elements(6, ADDR6(1, 2), ADDR6(1, ~0ull), 2, ADDR6(2, 0));
	assert_elements(6, ADDR6_MAX - 1, ADDR6_MAX - 1, 2, ADDR6_MAX);
	/* IPv4's top is no top for IPv6 */
	assert_elements(6, 0, ADDR4_MAX, 2, (addr6_t)ADDR4_MAX + 1);
}

static void test_open_at_the_top(void **state)
{
	(void)state;
	assert_elements(4, 0, ADDR4_MAX, 1, 0);
	assert_elements(4, ADDR4_MAX, ADDR4_MAX, 1, 0);
	assert_elements(6, 0, ADDR6_MAX, 1, 0);
	assert_elements(6, ADDR6_MAX, ADDR6_MAX, 1, 0);
}

/* ---- messages ---------------------------------------------------------------- */

static const struct nlattr *nest_of(const struct nlmsghdr *nlh)
{
	struct nlattr *attr;

	mnl_attr_for_each (attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == NFTA_SET_ELEM_LIST_ELEMENTS)
			return attr;
	fail_msg("no list of elements");
	return NULL;
}

/* Each message of a transaction has whole ranges, and a nest whose length has
 * not wrapped: it reaches to the message's end. */
static size_t check_messages(const struct nft_txn *txn)
{
	static struct element e[8192];
	const struct nlmsghdr *nlh = (const void *)txn->buf;
	size_t ranges = 0;
	int left = (int)nft_txn_size(txn);

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		const char *end = (const char *)nlh + nlh->nlmsg_len;
		size_t n;

		if (nlh->nlmsg_type < NFNL_SUBSYS_NFTABLES << 8)
			continue;
		assert_ptr_equal((const char *)nest_of(nlh) +
					 nest_of(nlh)->nla_len,
				 end);
		n = elements_of(nlh, e);
		assert_int_equal(n % 2, 0);
		for (size_t i = 0; i < n; i += 2)
			assert_true(!e[i].end && e[i + 1].end &&
				    e[i].key < e[i + 1].key);
		ranges += n / 2;
	}
	return ranges;
}

static void check_chunks(int family, size_t room)
{
	static struct range6 r[5000];
	struct nft_span span = { .family = family, .count = 5000, .wide = r };
	size_t at = 0, sent = 0;

	for (size_t i = 0; i < 5000; i++)
		r[i] = (struct range6){ 100 * i + 50, 100 * i + 80 };
	while (at < span.count) {
		struct nft_txn txn = txn_of(room);
		size_t before = at, next;

		while ((next = nft_set_put(&txn, NFT_MSG_NEWSETELEM, "t", "s",
					   &span, at)) > at)
			at = next;
		assert_true(at > before);
		assert_true(nft_txn_size(&txn) <= room);
		sent += check_messages(&txn);
		assert_int_equal(sent, at);
	}
}

static void test_chunks(void **state)
{
	(void)state;
	check_chunks(4, ROOM);
	check_chunks(6, ROOM);
	check_chunks(4, 8 * 1024);
	check_chunks(6, 8 * 1024);
}

static void test_no_room_no_message(void **state)
{
	struct range6 r = { 1, 2 };
	struct nft_span span = { .family = 4, .count = 1, .wide = &r };
	struct nft_txn txn = txn_of(2 * NFT_MESSAGE_MAX);

	(void)state;
	nft_txn_message(&txn, NFT_MSG_NEWTABLE, 0)->nlmsg_len +=
		NFT_MESSAGE_MAX;
	assert_int_equal(
		nft_set_put(&txn, NFT_MSG_NEWSETELEM, "t", "s", &span, 0), 0);
	assert_false(txn.full);
	/* nor one without elements */
	txn = txn_of(ROOM);
	assert_int_equal(
		nft_set_put(&txn, NFT_MSG_NEWSETELEM, "t", "s", &span, 1), 1);
	assert_int_equal(nft_txn_size(&txn), 0);
}

static void test_transaction_that_is_full_is_not_sent(void **state)
{
	struct nft_txn txn = txn_of(2 * NFT_MESSAGE_MAX);
	struct error err = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++)
		mnl_attr_put_strz(nft_txn_message(&txn, NFT_MSG_NEWSET, 0),
				  NFTA_SET_TABLE,
				  "a name of some length, to fill the room");
	assert_true(nft_txn_size(&txn) <= 2 * NFT_MESSAGE_MAX);
	assert_true(txn.full);
	assert_false(nft_txn_commit(&txn, &err));
	assert_int_equal(err.sys_errno, EMSGSIZE);
}

/* ---- reading ------------------------------------------------------------------- */

static void assert_ranges(const struct nft_edge *e, size_t count, int family,
			  const char *want)
{
	struct nft_edges edges = { .e = malloc(count * sizeof(*e)),
				   .count = count };
	struct nft_list list = { 0 };
	char got[256] = "";

	memcpy(edges.e, e, count * sizeof(*e));
	assert_true(nft_edges_ranges(&edges, family, &list, NULL));
	for (size_t i = 0; i < list.count; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got),
			 "%llx-%llx ", (unsigned long long)list.r[i].first,
			 (unsigned long long)list.r[i].last);
	assert_string_equal(got, want);
	free(edges.e);
	nft_list_clear(&list);
}

#define RANGES(family, want, ...)                                              \
	do {                                                                   \
		const struct nft_edge e[] = { __VA_ARGS__ };                   \
		assert_ranges(e, sizeof(e) / sizeof(e[0]), family, want);      \
	} while (0)

static void test_edges_to_ranges(void **state)
{
	(void)state;
	RANGES(4, "1-4 7-7 ", { 8, true }, { 7, false }, { 5, true },
	       { 1, false });
	/* upwards, and in no order */
	RANGES(4, "1-4 7-7 ", { 1, false }, { 5, true }, { 7, false },
	       { 8, true });
	RANGES(4, "1-4 7-7 ", { 5, true }, { 8, true }, { 1, false },
	       { 7, false });
	/* nft's null element */
	RANGES(4, "3-4 ", { 5, true }, { 3, false }, { 0, true });
	RANGES(4, "", { 0, true });
	/* touching ranges stay apart */
	RANGES(4, "1-4 5-6 ", { 7, true }, { 5, false }, { 5, true },
	       { 1, false });
	/* up to the top */
	RANGES(4, "9-ffffffff ", { 9, false });
	RANGES(4, "1-4 fffffff0-ffffffff ", { 0xfffffff0, false }, { 5, true },
	       { 1, false });
	RANGES(4, "0-ffffffff ", { 0, false });
	/* a start without an end, as in constant sets */
	RANGES(4, "1-4 5-8 ", { 9, true }, { 5, false }, { 1, false });
	RANGES(4, "0-4 5-8 ", { 9, true }, { 5, false }, { 0, false });
	RANGES(4, "0-8 ", { 9, true }, { 0, false }, { 0, false });
}

static void round_trip(const struct nft_span *span)
{
	struct nft_edges edges = { 0 };
	struct nft_list list = { 0 };
	size_t at = 0;

	while (at < span->count) {
		struct nft_txn txn = txn_of(ROOM);

		at = nft_set_put(&txn, NFT_MSG_NEWSETELEM, "t", "s", span, at);
		assert_true(
			nft_edges_parse(txn.last, span->family, &edges, NULL));
	}
	assert_true(nft_edges_ranges(&edges, span->family, &list, NULL));
	assert_int_equal(list.count, span->count);
	for (size_t i = 0; i < list.count; i++) {
		struct range6 r = nft_span_at(span, i);

		assert_true(list.r[i].first == r.first &&
			    list.r[i].last == r.last);
	}
	free(edges.e);
	nft_list_clear(&list);
}

static void test_round_trip(void **state)
{
	struct iset set = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 3000; i++) {
		iset_add4(&set, i << 18, (i << 18) + 7 * i, NULL);
		iset_add6(&set, ADDR6(0x20010db8ull << 32 | i * 2, 0),
			  ADDR6(0x20010db8ull << 32 | i * 2, ~0ull), NULL);
	}
	iset_add4(&set, 0xfffffff0, ADDR4_MAX, NULL);
	iset_add6(&set, ADDR6_MAX - 5, ADDR6_MAX, NULL);
	assert_true(iset_normalise(&set, NULL));
	for (int family = 4; family <= 6; family += 2) {
		struct nft_span span = nft_span_of(&set, family);

		round_trip(&span);
	}
	iset_clear(&set);
}

/* An element with a time-out goes away by itself: not ours. */
static void test_strange_element(void **state)
{
	struct nft_txn txn = txn_of(ROOM);
	struct nlmsghdr *nlh = nft_txn_message(&txn, NFT_MSG_NEWSETELEM, 0);
	struct nlattr *list, *elem, *key;
	struct nft_edges edges = { 0 };
	struct error err = { 0 };

	(void)state;
	list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	elem = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	key = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);
	mnl_attr_put_u32(nlh, NFTA_DATA_VALUE, 1);
	mnl_attr_nest_end(nlh, key);
	mnl_attr_put_u64(nlh, NFTA_SET_ELEM_TIMEOUT, 1);
	mnl_attr_nest_end(nlh, elem);
	mnl_attr_nest_end(nlh, list);
	assert_false(nft_edges_parse(nlh, 4, &edges, &err));
	assert_int_equal(err.sys_errno, EILSEQ);
	free(edges.e);
}

/* ---- differences --------------------------------------------------------------- */

#define SPACE 512

static unsigned seed;

static unsigned next(unsigned below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % below;
}

/* Ranges as the kernel may have them: disjoint, some touch. */
static void random_ranges(struct nft_list *out, bool canonical)
{
	addr6_t at = next(4);

	out->count = 0;
	while (at < SPACE) {
		addr6_t last = at + next(12);

		assert_true(nft_list_add(out, at, last, NULL));
		at = last + 1 + next(6) + (canonical ? 1 : 0);
	}
}

static void fill(const struct nft_list *list, char map[2 * SPACE], char with)
{
	for (size_t i = 0; i < list->count; i++)
		for (addr6_t a = list->r[i].first; a <= list->r[i].last; a++)
			map[a] = with;
}

static bool has_range(const struct nft_list *list, struct range6 r)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->r[i].first == r.first && list->r[i].last == r.last)
			return true;
	return false;
}

static void check_diff(const struct nft_list *old, const struct nft_list *new)
{
	struct nft_list drop = { 0 }, add = { 0 }, keep = { 0 };
	struct nft_span a = nft_span_list(old, 6), b = nft_span_list(new, 6);
	char map[2 * SPACE] = { 0 }, want[2 * SPACE] = { 0 };
	char in_drop[2 * SPACE] = { 0 }, in_add[2 * SPACE] = { 0 };
	char in_keep[2 * SPACE] = { 0 };

	assert_true(nft_diff(&a, &b, &drop, &add, &keep, NULL));
	fill(old, map, 1);
	fill(&drop, map, 0);
	/* what is added never meets what stays: the kernel would refuse it */
	for (size_t i = 0; i < add.count; i++)
		for (addr6_t x = add.r[i].first; x <= add.r[i].last; x++)
			assert_int_equal(map[x], 0);
	fill(&add, map, 1);
	fill(new, want, 1);
	assert_memory_equal(map, want, sizeof(map));
	/* elements, not only addresses, become those of new */
	assert_int_equal(old->count - drop.count + add.count, new->count);
	for (size_t i = 0; i < drop.count; i++)
		assert_true(has_range(old, drop.r[i]) &&
			    !has_range(new, drop.r[i]));
	fill(&drop, in_drop, 1);
	fill(&add, in_add, 1);
	fill(&keep, in_keep, 1);
	for (size_t i = 0; i < sizeof(map); i++)
		assert_int_equal(in_keep[i], in_drop[i] & in_add[i]);
	/* pieces that touch are one */
	for (size_t i = 1; i < keep.count; i++)
		assert_true(keep.r[i - 1].last + 1 < keep.r[i].first);
	nft_list_clear(&drop);
	nft_list_clear(&add);
	nft_list_clear(&keep);
}

static void test_diff_random(void **state)
{
	const char *text = getenv("GEOBLOCK_TEST_SEED");
	struct nft_list old = { 0 }, new = { 0 };

	(void)state;
	seed = text ? (unsigned)strtoul(text, NULL, 0) : (unsigned)time(NULL);
	print_message("# seed %u\n", seed);
	for (int i = 0; i < 3000; i++) {
		random_ranges(&old, false);
		random_ranges(&new, true);
		check_diff(&old, &new);
		/* near relatives */
		new.count = 0;
		for (size_t j = 0; j < old.count; j++)
			if (next(8) != 0)
				assert_true(nft_list_add(&new, old.r[j].first,
							 old.r[j].last, NULL));
		check_diff(&old, &new);
		check_diff(&new, &old);
	}
	nft_list_clear(&old);
	nft_list_clear(&new);
}

static void test_diff_of_equals_is_empty(void **state)
{
	struct nft_list old = { 0 }, drop = { 0 }, add = { 0 }, keep = { 0 };
	struct nft_span span;

	(void)state;
	random_ranges(&old, true);
	span = nft_span_list(&old, 4);
	assert_true(nft_diff(&span, &span, &drop, &add, &keep, NULL));
	assert_int_equal(drop.count + add.count + keep.count, 0);
	nft_list_clear(&old);
}

/* The top of IPv6: last + 1 wraps to 0. */
static void test_diff_at_the_top(void **state)
{
	struct range6 a = { 5, ADDR6_MAX }, b = { 0, ADDR6_MAX };
	struct nft_span old = { .family = 6, .count = 1, .wide = &a };
	struct nft_span new = { .family = 6, .count = 1, .wide = &b };
	struct nft_list drop = { 0 }, add = { 0 }, keep = { 0 };

	(void)state;
	assert_true(nft_diff(&old, &new, &drop, &add, &keep, NULL));
	assert_int_equal(drop.count, 1);
	assert_int_equal(add.count, 1);
	assert_int_equal(keep.count, 1);
	assert_true(keep.r[0].first == 5 && keep.r[0].last == ADDR6_MAX);
	nft_list_clear(&drop);
	nft_list_clear(&add);
	nft_list_clear(&keep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_half_open),
		cmocka_unit_test(test_open_at_the_top),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_no_room_no_message),
		cmocka_unit_test(test_transaction_that_is_full_is_not_sent),
		cmocka_unit_test(test_edges_to_ranges),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_strange_element),
		cmocka_unit_test(test_diff_random),
		cmocka_unit_test(test_diff_of_equals_is_empty),
		cmocka_unit_test(test_diff_at_the_top),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
