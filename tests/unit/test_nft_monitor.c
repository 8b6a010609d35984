// SPDX-License-Identifier: GPL-2.0-or-later
/* What is made of notifications.  That the kernel sends them like this is
 * tests/net/test_monitor's business; here are the orders of events that cannot be
 * brought about at will. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "nft/nft_monitor.h"

#define OWN     4711
#define FOREIGN 815

static struct {
	_Alignas(struct nlmsghdr) char data[4096];
	size_t len;
	struct nft_watch watch;
	struct kernel_change change;
} self;

static int begin(void **state)
{
	(void)state;
	memset(&self, 0, sizeof(self));
	self.watch = (struct nft_watch){ .table = "geoblock", .own = OWN };
	return 0;
}

static struct nlmsghdr *put(uint8_t type, uint8_t family, uint32_t port)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(self.data + self.len);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | type;
	nlh->nlmsg_pid = port;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	return nlh;
}

static void took(const struct nlmsghdr *nlh)
{
	self.len += MNL_ALIGN(nlh->nlmsg_len);
}

static void object(uint8_t type, const char *table, uint16_t attr,
		   const char *name, uint32_t port)
{
	struct nlmsghdr *nlh = put(type, NFPROTO_INET, port);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table);
	if (name)
		mnl_attr_put_strz(nlh, attr, name);
	took(nlh);
}

static void end(const char *by, uint32_t pid, uint32_t port)
{
	struct nlmsghdr *nlh = put(NFT_MSG_NEWGEN, AF_UNSPEC, port);

	mnl_attr_put_u32(nlh, NFTA_GEN_ID, htonl(9));
	mnl_attr_put_u32(nlh, NFTA_GEN_PROC_PID, htonl(pid));
	mnl_attr_put_strz(nlh, NFTA_GEN_PROC_NAME, by);
	took(nlh);
}

static void hear(void)
{
	nft_watch_hear(&self.watch, self.data, self.len, &self.change);
	self.len = 0;
}

static void test_foreign_is_told(void **state)
{
	(void)state;
	object(NFT_MSG_DELRULE, "geoblock", NFTA_RULE_CHAIN, "syn", FOREIGN);
	object(NFT_MSG_NEWSETELEM, "geoblock", NFTA_SET_ELEM_LIST_SET, "a4.1",
	       FOREIGN);
	end("nft", 77, FOREIGN);
	hear();
	assert_true(self.change.changed);
	assert_false(self.change.gone);
	assert_string_equal(self.change.what, "deleted rule of syn");
	assert_string_equal(self.change.by, "nft");
	assert_int_equal(self.change.pid, 77);
}

static void test_own_is_not(void **state)
{
	(void)state;
	object(NFT_MSG_DELTABLE, "geoblock", 0, NULL, OWN);
	end("geoblockd", 1, OWN);
	hear();
	assert_false(self.change.changed);
	/* and leaves nothing behind for the next commit */
	end("nft", 77, FOREIGN);
	hear();
	assert_false(self.change.changed);
}

static void test_other_tables_are_not(void **state)
{
	struct nlmsghdr *nlh;

	(void)state;
	object(NFT_MSG_DELTABLE, "geoblock2", 0, NULL, FOREIGN);
	nlh = put(NFT_MSG_DELTABLE, NFPROTO_IPV4, FOREIGN);
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, "geoblock");
	took(nlh);
	end("nft", 77, FOREIGN);
	hear();
	assert_false(self.change.changed);
}

static void test_nothing_before_the_end(void **state)
{
	(void)state;
	object(NFT_MSG_DELTABLE, "geoblock", 0, NULL, FOREIGN);
	hear();
	assert_false(self.change.changed);
	end("nft", 77, FOREIGN);
	hear();
	assert_true(self.change.changed);
	assert_true(self.change.gone);
}

static void test_the_worst_is_named(void **state)
{
	(void)state;
	object(NFT_MSG_NEWSET, "geoblock", NFTA_SET_NAME, "x", FOREIGN);
	end("first", 1, FOREIGN);
	object(NFT_MSG_DELCHAIN, "geoblock", NFTA_CHAIN_NAME, "syn", FOREIGN);
	object(NFT_MSG_DELTABLE, "geoblock", 0, NULL, FOREIGN);
	end("second", 2, FOREIGN);
	object(NFT_MSG_NEWOBJ, "other", NFTA_OBJ_NAME, "x", FOREIGN);
	end("third", 3, FOREIGN);
	hear();
	assert_string_equal(self.change.what, "deleted table");
	assert_string_equal(self.change.by, "second");
	assert_int_equal(self.change.pid, 2);
	assert_true(self.change.gone);
}

static void test_mended_meanwhile(void **state)
{
	(void)state;
	object(NFT_MSG_DELTABLE, "geoblock", 0, NULL, FOREIGN);
	end("nft", 77, FOREIGN);
	object(NFT_MSG_NEWTABLE, "geoblock", 0, NULL, OWN);
	end("geoblockd", 1, OWN);
	hear();
	assert_true(self.change.changed);
	assert_false(self.change.gone);
}

static void test_names_from_strangers(void **state)
{
	(void)state;
	object(NFT_MSG_NEWCHAIN, "geoblock", NFTA_CHAIN_NAME, NULL, FOREIGN);
	end("a\nb\x1b[1m\xc3\xa4 and far too long", 77, FOREIGN);
	hear();
	assert_string_equal(self.change.what, "changed chain ?");
	assert_string_equal(self.change.by, "a?b?[1m???and?fa");
}

static void test_cut_messages(void **state)
{
	size_t whole;

	(void)state;
	object(NFT_MSG_DELTABLE, "geoblock", 0, NULL, FOREIGN);
	end("nft", 77, FOREIGN);
	whole = self.len;
	for (size_t len = 0; len < whole; len++) {
		struct kernel_change change = { 0 };

		nft_watch_hear(&self.watch, self.data, len, &change);
		assert_false(change.changed);
		self.watch.touched = false;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_foreign_is_told, begin),
		cmocka_unit_test_setup(test_own_is_not, begin),
		cmocka_unit_test_setup(test_other_tables_are_not, begin),
		cmocka_unit_test_setup(test_nothing_before_the_end, begin),
		cmocka_unit_test_setup(test_the_worst_is_named, begin),
		cmocka_unit_test_setup(test_mended_meanwhile, begin),
		cmocka_unit_test_setup(test_names_from_strangers, begin),
		cmocka_unit_test_setup(test_cut_messages, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
