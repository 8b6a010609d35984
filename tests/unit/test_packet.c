// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <geoblock/packet.h>

#include "syn.h"

#define DF    0x4000
#define DF_ID (QUIRK_DF | QUIRK_ID_PLUS)

/* Parses from a copy that ends where the packet does, so that a byte too many
 * is seen by ASan. */
static enum packet_status parse(const uint8_t *data, size_t len,
				struct packet *out)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum packet_status status;

	assert_non_null(copy);
	memcpy(copy, data, len);
	memset(out, 0xa5, sizeof(*out)); /* nothing may be left unwritten */
	status = packet_parse(copy, len, out);
	free(copy);
	return status;
}

static struct packet parse_syn(struct syn s)
{
	uint8_t buf[SYN_MAX];
	struct packet p;

	assert_int_equal(parse(buf, syn_build(&s, buf), &p), PACKET_OK);
	return p;
}

static void test_packet_fields4(void **state)
{
	struct packet p = parse_syn(
		(struct syn){ .version = 4,
			      .ttl = 117,
			      .tos = 0x28,
			      .ip_id = 0x1234,
			      .fragment = DF,
			      .sport = 49152,
			      .seq = 0x01020304,
			      .window = 64240,
			      .payload = 3,
			      .options = "020405b4 01 030308 01 01 0402" });
	static const uint8_t layout[] = { 2, 1, 3, 1, 1, 4 };

	(void)state;
	assert_int_equal(p.version, 4);
	assert_true(p.saddr == 0xc0000201 && p.daddr == 0xc6336419);
	assert_int_equal(p.ttl, 117);
	assert_int_equal(p.tos, 0x28);
	assert_int_equal(p.ip_id, 0x1234);
	assert_int_equal(p.sport, 49152);
	assert_int_equal(p.dport, 25);
	assert_int_equal(p.seq, 0x01020304);
	assert_int_equal(p.flags, PACKET_SYN);
	assert_int_equal(p.window, 64240);
	assert_int_equal(p.mss, 1460);
	assert_int_equal(p.scale, 8);
	assert_int_equal(p.headers, 52);
	assert_int_equal(p.payload, 3);
	assert_int_equal(p.tcp_options, 12);
	assert_int_equal(p.layout_len, sizeof(layout));
	assert_memory_equal(p.layout, layout, sizeof(layout));
	assert_int_equal(p.layout[sizeof(layout)], 0);
	assert_int_equal(p.quirks, DF_ID);
	assert_int_equal(p.ip_options, 0);
	assert_int_equal(p.eol_pad, 0);
	assert_false(p.fragment);
	assert_true(packet_is_syn(&p));
}

static void test_packet_fields6(void **state)
{
	struct packet p = parse_syn((struct syn){
		.version = 6,
		.ttl = 63,
		.tos = 0x20,
		.flow = 0xabcde,
		.window = 64800,
		.flags = PACKET_SYN,
		.options = "020405a0 0402 080a 00000007 00000000 01 030307" });
	struct addr a = packet_source(&p);
	char buf[ADDR_TEXT_MAX];

	(void)state;
	assert_int_equal(a.family, 6);
	assert_string_equal(addr_format(&a, buf), "2001:db8::1");
	a = packet_destination(&p);
	assert_string_equal(addr_format(&a, buf), "2001:db8::25");
	assert_int_equal(p.ttl, 63);
	assert_int_equal(p.tos, 0x20);
	assert_int_equal(p.ts_own, 7);
	assert_int_equal(p.mss, 1440);
	assert_int_equal(p.headers, 80);
	assert_int_equal(p.quirks, QUIRK_FLOW);
	assert_int_equal(p.ip_id, 0);
}

/* Every quirk alone: set where it belongs, and nothing else. */
static const struct {
	const char *name;
	struct syn syn;
	uint32_t want;
} quirks[] = {
	{ "none: IPID without DF", { .ip_id = 7 }, 0 },
	{ "df", { .fragment = DF }, QUIRK_DF },
	{ "df,id+", { .fragment = DF, .ip_id = 7 }, DF_ID },
	{ "id-", { .ip_id = 0 }, QUIRK_ID_MINUS },
	{ "ecn by ECT", { .ip_id = 7, .tos = 2 }, QUIRK_ECN },
	{ "ecn by CE", { .ip_id = 7, .tos = 3 }, QUIRK_ECN },
	{ "ecn by ECE and CWR", { .ip_id = 7, .flags = 0xc2 }, QUIRK_ECN },
	{ "ecn by NS", { .ip_id = 7, .flags = 0x102 }, QUIRK_ECN },
	{ "not ecn: DSCP", { .ip_id = 7, .tos = 0xfc }, 0 },
	{ "0+", { .ip_id = 7, .fragment = 0x8000 }, QUIRK_ZERO_PLUS },
	{ "flow", { .version = 6, .flow = 1 }, QUIRK_FLOW },
	{ "not flow: traffic class", { .version = 6, .tos = 0xfc }, 0 },
	{ "ecn in IPv6", { .version = 6, .tos = 1 }, QUIRK_ECN },
	{ "seq-", { .ip_id = 7, .seq = ZERO_SEQ }, QUIRK_SEQ_MINUS },
	{ "ack+", { .ip_id = 7, .ack = 0x02000000 }, QUIRK_ACK_PLUS },
	{ "not ack+: RST", { .ip_id = 7, .ack = 1, .flags = 4 }, 0 },
	{ "ack-", { .ip_id = 7, .flags = 0x12 }, QUIRK_ACK_MINUS },
	{ "not ack-", { .ip_id = 7, .ack = 1, .flags = 0x12 }, 0 },
	{ "uptr+", { .ip_id = 7, .urgent = 1 }, QUIRK_URG_PTR_PLUS },
	{ "urgf+",
	  { .ip_id = 7, .urgent = 1, .flags = 0x22 },
	  QUIRK_URG_FLAG_PLUS },
	{ "pushf+", { .ip_id = 7, .flags = 0x0a }, QUIRK_PUSH_PLUS },
	{ "ts1-",
	  { .ip_id = 7, .options = "080a0000000000000000 0101" },
	  QUIRK_TS_OWN_MINUS },
	{ "ts2+",
	  { .ip_id = 7, .options = "080a0000000100000001 0101" },
	  QUIRK_TS_PEER_PLUS },
	{ "not ts2+: SYN+ACK",
	  { .ip_id = 7,
	    .ack = 1,
	    .flags = 0x12,
	    .options = "080a0000000100000001 0101" },
	  0 },
	{ "opt+", { .ip_id = 7, .options = "00000100" }, QUIRK_OPT_PLUS },
	{ "opt+ in the last byte",
	  { .ip_id = 7, .options = "00000001" },
	  QUIRK_OPT_PLUS },
	{ "exws", { .ip_id = 7, .options = "03030f01" }, QUIRK_EXWS },
	{ "not exws", { .ip_id = 7, .options = "03030e01" }, 0 },
	{ "bad: MSS of 3 bytes",
	  { .ip_id = 7, .options = "020305b4" },
	  QUIRK_BAD },
	{ "bad: SACK too short",
	  { .ip_id = 7, .options = "05020101" },
	  QUIRK_BAD },
	{ "SACK", { .ip_id = 7, .options = "050a0000000000000000 0101" }, 0 },
	{ "bad: runs past the end",
	  { .ip_id = 7, .options = "01fe0500" },
	  QUIRK_BAD },
	{ "bad: one byte past the end",
	  { .ip_id = 7, .options = "fe050000" },
	  QUIRK_BAD },
	{ "bad: length 0", { .ip_id = 7, .options = "fe000101" }, QUIRK_BAD },
	{ "bad: length 1", { .ip_id = 7, .options = "fe010101" }, QUIRK_BAD },
	{ "bad: no room for the length",
	  { .ip_id = 7, .options = "010101fe" },
	  QUIRK_BAD },
	{ "bad: no room for SOK's length",
	  { .ip_id = 7, .options = "01010104" },
	  QUIRK_BAD },
	{ "bad: no room for WS",
	  { .ip_id = 7, .options = "01010303" },
	  QUIRK_BAD },
};

static void test_packet_quirks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(quirks) / sizeof(*quirks); i++) {
		struct syn s = quirks[i].syn;
		struct packet p;

		if (s.version == 0)
			s.version = 4;
		s.ttl = 64;
		p = parse_syn(s);
		if (p.quirks != quirks[i].want)
			fail_msg("%s: quirks %x, not %x", quirks[i].name,
				 p.quirks, quirks[i].want);
	}
}

static void test_packet_options(void **state)
{
	struct packet p;

	(void)state;
	/* EOL and what is behind it */
	p = parse_syn((struct syn){
		.version = 4, .ttl = 64, .options = "020405b4 0402 00 00" });
	assert_int_equal(p.layout_len, 3);
	assert_int_equal(p.eol_pad, 1);
	/* 40 NOPs: the most kinds there can be */
	p = parse_syn((struct syn){
		.version = 4,
		.ttl = 64,
		.options = "0101010101010101010101010101010101010101"
			   "0101010101010101010101010101010101010101" });
	assert_int_equal(p.layout_len, 40);
	assert_int_equal(p.layout[39], OPTION_NOP);
	/* what came before a broken option is kept */
	p = parse_syn((struct syn){
		.version = 4, .ttl = 64, .options = "020405b4 030308 fd" });
	assert_int_equal(p.mss, 1460);
	assert_int_equal(p.scale, 8);
	assert_int_equal(p.layout_len, 3);
	assert_int_equal(p.layout[2], 0xfd);
	/* the same option twice: the last one counts, both are seen */
	p = parse_syn((struct syn){
		.version = 4, .ttl = 64, .options = "020405b4 02040218" });
	assert_int_equal(p.mss, 536);
	assert_int_equal(p.layout_len, 2);
	/* none at all */
	p = parse_syn((struct syn){ .version = 4, .ttl = 64 });
	assert_int_equal(p.layout_len, 0);
	assert_int_equal(p.mss, 0);
	assert_int_equal(p.scale, 0);
}

static void test_packet_ip4_options(void **state)
{
	struct packet p = parse_syn((struct syn){ .version = 4,
						  .ttl = 64,
						  .ip_options = 40,
						  .options = "020405b4" });

	(void)state;
	assert_int_equal(p.ip_options, 40);
	assert_int_equal(p.headers, 84);
	assert_int_equal(p.mss, 1460);
}

/* Every shorter piece of a good packet is refused, and with the right word. */
static void test_packet_cut(void **state)
{
	static const struct syn syns[] = {
		{ .version = 4,
		  .ttl = 64,
		  .ip_options = 8,
		  .payload = 5,
		  .options = "020405b4 0402 080a 00000007 00000000 01 030307" },
		{ .version = 6,
		  .ttl = 64,
		  .payload = 5,
		  .options = "020405b4 0402 080a 00000007 00000000 01 030307" },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint8_t buf[SYN_MAX];
		size_t len = syn_build(&syns[i], buf);
		struct packet p;

		for (size_t cut = 0; cut < len - 5; cut++)
			assert_int_equal(parse(buf, cut, &p), PACKET_SHORT);
		/* the payload is not needed, and counts as the header says */
		for (size_t cut = len - 5; cut <= len; cut++) {
			assert_int_equal(parse(buf, cut, &p), PACKET_OK);
			assert_int_equal(p.payload, 5);
		}
		/* link padding is not payload */
		assert_int_equal(parse(buf, len + 6, &p), PACKET_OK);
		assert_int_equal(p.payload, 5);
	}
}

static void test_packet_lies(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t byte;
		enum packet_status want;
	} lies[] = {
		{ "version 5", 0, 0x55, PACKET_NOT_IP },
		{ "IHL 4", 0, 0x44, PACKET_BAD_IP },
		{ "IHL past the total length", 0, 0x4f, PACKET_BAD_IP },
		{ "total length 19", 3, 19, PACKET_BAD_IP },
		{ "total length without TCP", 3, 39, PACKET_BAD_TCP },
		{ "total length without the options", 3, 42, PACKET_BAD_TCP },
		{ "total length 0: offload", 3, 0, PACKET_OK },
		{ "total length beyond the capture", 2, 1, PACKET_OK },
		{ "UDP", 9, 17, PACKET_NOT_TCP },
		{ "fragment, not the first", 7, 1, PACKET_FRAGMENT },
		{ "data offset 4", 32, 0x40, PACKET_BAD_TCP },
		{ "data offset 0", 32, 0x00, PACKET_BAD_TCP },
		{ "data offset past the end", 32, 0xf0, PACKET_BAD_TCP },
	};
	struct syn s = { .version = 4, .ttl = 64, .options = "020405b4" };

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		uint8_t buf[SYN_MAX];
		size_t len = syn_build(&s, buf);
		struct packet p;
		enum packet_status got;

		buf[lies[i].at] = lies[i].byte;
		got = parse(buf, len, &p);
		if (got != lies[i].want)
			fail_msg("%s: %s, not %s", lies[i].name,
				 packet_status_name(got),
				 packet_status_name(lies[i].want));
	}
}

static void test_packet_first_fragment(void **state)
{
	struct syn s = { .version = 4,
			 .ttl = 64,
			 .fragment = 0x2000,
			 .options = "020405b4 01010402" };
	uint8_t buf[SYN_MAX];
	size_t len = syn_build(&s, buf);
	struct packet p;

	(void)state;
	assert_int_equal(parse(buf, len, &p), PACKET_OK);
	assert_true(p.fragment);
	buf[3] = 44; /* the rest of the options would be in the next one */
	assert_int_equal(parse(buf, len, &p), PACKET_FRAGMENT);
	buf[3] = 28;
	assert_int_equal(parse(buf, len, &p), PACKET_FRAGMENT);
}

/* IPv6: `chain` (hex) between the header and TCP. */
static enum packet_status parse_chain(uint8_t first, const char *chain,
				      struct packet *p)
{
	struct syn s = { .version = 6, .ttl = 64, .options = "020405a0" };
	uint8_t plain[SYN_MAX], buf[SYN_MAX * 2];
	size_t len = syn_build(&s, plain), more;

	memcpy(buf, plain, 40);
	more = unhex(chain, buf + 40);
	memcpy(buf + 40 + more, plain + 40, len - 40);
	put16(buf + 4, (uint32_t)(len - 40 + more));
	buf[6] = first;
	return parse(buf, len + more, p);
}

static void test_packet_ip6_chain(void **state)
{
	static const struct {
		const char *name;
		uint8_t first;
		const char *chain;
		enum packet_status want;
	} chains[] = {
		{ "none", 6, "", PACKET_OK },
		{ "hop-by-hop", 0, "0600050200000100", PACKET_OK },
		{ "routing", 43, "0600000000000000", PACKET_OK },
		{ "destination", 60, "0600010400000000", PACKET_OK },
		{ "destination, 16 bytes", 60,
		  "0601010c000000000000000000000000", PACKET_OK },
		{ "AH", 51,
		  "0604000000000100000000010000000000000000"
		  "00000000",
		  PACKET_OK },
		{ "mobility", 135, "0600000000000000", PACKET_OK },
		{ "atomic fragment", 44, "0600000000000001", PACKET_OK },
		{ "first fragment", 44, "0600000100000001", PACKET_OK },
		{ "later fragment", 44, "0600000800000001", PACKET_FRAGMENT },
		{ "all in a row", 0,
		  "2b00050200000100"
		  "2c00000000000000"
		  "3c00000100000001"
		  "0600010400000000",
		  PACKET_OK },
		{ "ESP", 50, "", PACKET_NOT_TCP },
		{ "no next header", 59, "", PACKET_NOT_TCP },
		{ "UDP behind routing", 43, "1100000000000000",
		  PACKET_NOT_TCP },
		{ "runs past the payload", 0, "06ff050200000100",
		  PACKET_BAD_CHAIN },
		{ "AH of 4 bytes has no header behind it", 51,
		  "06ff000000000000", PACKET_BAD_CHAIN },
		{ "first fragment without the rest of the chain", 44,
		  "3c00000100000001"
		  "06ff010400000000",
		  PACKET_FRAGMENT },
	};
	struct packet p;

	(void)state;
	for (size_t i = 0; i < sizeof(chains) / sizeof(*chains); i++) {
		enum packet_status got =
			parse_chain(chains[i].first, chains[i].chain, &p);

		if (got != chains[i].want)
			fail_msg("%s: %s, not %s", chains[i].name,
				 packet_status_name(got),
				 packet_status_name(chains[i].want));
		if (got == PACKET_OK) {
			assert_int_equal(p.mss, 1440);
			assert_int_equal(p.payload, 0);
			assert_int_equal(p.headers,
					 64 + strlen(chains[i].chain) / 2);
		}
	}
	assert_int_equal(parse_chain(44, "0600000100000001", &p), PACKET_OK);
	assert_true(p.fragment);
	assert_int_equal(parse_chain(44, "0600000000000001", &p), PACKET_OK);
	assert_false(p.fragment);
}

static void test_packet_ip6_chain_endless(void **state)
{
	char chain[17 * 16 + 1] = "";
	struct packet p;

	(void)state;
	for (int i = 0; i < 15; i++)
		strcat(chain, "3c00010400000000");
	strcat(chain, "0600010400000000");
	assert_int_equal(parse_chain(60, chain, &p), PACKET_OK);
	memcpy(chain + 15 * 16, "3c", 2);
	strcat(chain, "0600010400000000");
	assert_int_equal(parse_chain(60, chain, &p), PACKET_BAD_CHAIN);
}

static void test_packet_not_syn(void **state)
{
	struct packet p;

	(void)state;
	p = parse_syn((struct syn){ .version = 4, .flags = 0x12, .ack = 1 });
	assert_false(packet_is_syn(&p));
	p = parse_syn((struct syn){ .version = 4, .flags = 0x10, .ack = 1 });
	assert_false(packet_is_syn(&p));
	p = parse_syn((struct syn){ .version = 4, .flags = 0x03 });
	assert_true(packet_is_syn(&p));
}

static void test_packet_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PACKET_STATUS_COUNT; i++)
		assert_non_null(packet_status_name(i));
	assert_string_equal(quirk_word(0), "df");
	assert_string_equal(quirk_word(9), "uptr+");
	assert_string_equal(quirk_word(QUIRK_COUNT - 1), "bad");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packet_fields4),
		cmocka_unit_test(test_packet_fields6),
		cmocka_unit_test(test_packet_quirks),
		cmocka_unit_test(test_packet_options),
		cmocka_unit_test(test_packet_ip4_options),
		cmocka_unit_test(test_packet_cut),
		cmocka_unit_test(test_packet_lies),
		cmocka_unit_test(test_packet_first_fragment),
		cmocka_unit_test(test_packet_ip6_chain),
		cmocka_unit_test(test_packet_ip6_chain_endless),
		cmocka_unit_test(test_packet_not_syn),
		cmocka_unit_test(test_packet_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
