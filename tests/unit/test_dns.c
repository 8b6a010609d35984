// SPDX-License-Identifier: GPL-2.0-or-later
/* What messages answer, whole ones and others.  The asking is tested against
 * real servers: tests/net/test_spf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/tool_dns.h"

static unsigned char packet[4096];
static size_t used;

static void bytes(const void *data, size_t len)
{
	memcpy(packet + used, data, len);
	used += len;
}

static void number(unsigned n)
{
	packet[used++] = (unsigned char)(n >> 8);
	packet[used++] = (unsigned char)n;
}

static void name(const char *text)
{
	while (*text) {
		size_t len = strcspn(text, ".");

		packet[used++] = (unsigned char)len;
		bytes(text, len);
		text += len + (text[len] == '.');
	}
	packet[used++] = 0;
}

static void begin(unsigned flags, unsigned answers, const char *asked,
		  unsigned type)
{
	used = 0;
	number(1234);
	number(flags);
	number(1);
	number(answers);
	number(0);
	number(0);
	name(asked);
	number(type);
	number(1);
}

static void record(const char *owner, unsigned type, const void *data,
		   size_t len)
{
	name(owner);
	number(type);
	number(1);
	number(0);
	number(300);
	number((unsigned)len);
	bytes(data, len);
}

/* A record whose data is a name, behind an MX preference where that is not 0. */
static void record_name(const char *owner, unsigned type, unsigned preference,
			const char *target)
{
	size_t at;

	record(owner, type, "", 0);
	at = used;
	if (preference)
		number(preference);
	name(target);
	packet[at - 2] = (unsigned char)((used - at) >> 8);
	packet[at - 1] = (unsigned char)(used - at);
}

static enum tool_dns_status parse(const char *asked, enum tool_dns_type type,
				  struct tool_dns_answer *answer)
{
	return tool_dns_parse(packet, used, asked, type, answer);
}

static void test_addresses(void **state)
{
	struct tool_dns_answer a;

	(void)state;
	begin(0x8180, 2, "mail.example.com", TOOL_DNS_A);
	record("MAIL.example.com", 1, "\xc0\0\2\1", 4);
	record("mail.example.com", 1, "\xc0\0\2\2", 4);
	assert_int_equal(parse("mail.example.com", TOOL_DNS_A, &a),
			 TOOL_DNS_OK);
	assert_int_equal(a.count, 2);
	assert_int_equal(a.addrs[0].family, 4);
	assert_true(a.addrs[1].value == 0xc0000202);
	tool_dns_answer_clear(&a);
	begin(0x8180, 1, "v6.example.com", TOOL_DNS_AAAA);
	record("v6.example.com", 28, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1",
	       16);
	assert_int_equal(parse("v6.example.com", TOOL_DNS_AAAA, &a),
			 TOOL_DNS_OK);
	assert_true(a.addrs[0].value == ADDR6(0x20010db800000000, 1));
	tool_dns_answer_clear(&a);
}

static void test_texts(void **state)
{
	struct tool_dns_answer a;

	(void)state;
	begin(0x8180, 2, "example.com", TOOL_DNS_TXT);
	record("example.com", 16, "\7v=spf1 \4-all", 13);
	record("example.com", 16, "\3a\0b", 4);
	assert_int_equal(parse("example.com", TOOL_DNS_TXT, &a), TOOL_DNS_OK);
	assert_string_equal(a.texts[0], "v=spf1 -all");
	assert_string_equal(a.texts[1], "a\001b");
	tool_dns_answer_clear(&a);
}

static void test_mx(void **state)
{
	struct tool_dns_answer a;

	(void)state;
	begin(0x8180, 3, "example.com", TOOL_DNS_MX);
	record_name("example.com", 15, 20, "second.example.com");
	record_name("example.com", 15, 10, "first.example.com");
	record_name("example.com", 15, 30, "no host.example.com");
	assert_int_equal(parse("example.com", TOOL_DNS_MX, &a), TOOL_DNS_OK);
	assert_int_equal(a.count, 2);
	assert_string_equal(a.texts[0], "first.example.com");
	assert_string_equal(a.texts[1], "second.example.com");
	tool_dns_answer_clear(&a);
}

/* CNAMEs in any order; what belongs to nobody who was asked is left out. */
static void test_cname(void **state)
{
	struct tool_dns_answer a;

	(void)state;
	begin(0x8180, 4, "www.example.com", TOOL_DNS_A);
	record("other.example.net", 1, "\xc0\0\2\11", 4);
	record("end.example.org", 1, "\xc0\0\2\1", 4);
	record_name("mid.example.org", 5, 0, "end.example.org");
	record_name("www.example.com", 5, 0, "mid.example.org");
	assert_int_equal(parse("www.example.com", TOOL_DNS_A, &a), TOOL_DNS_OK);
	assert_int_equal(a.count, 1);
	assert_true(a.addrs[0].value == 0xc0000201);
	tool_dns_answer_clear(&a);

	begin(0x8180, 1, "www.example.com", TOOL_DNS_A);
	record("other.example.net", 1, "\xc0\0\2\11", 4);
	assert_int_equal(parse("www.example.com", TOOL_DNS_A, &a),
			 TOOL_DNS_VOID);

	begin(0x8180, 2, "a.example.com", TOOL_DNS_A);
	record_name("a.example.com", 5, 0, "b.example.com");
	record_name("b.example.com", 5, 0, "a.example.com");
	assert_int_equal(parse("a.example.com", TOOL_DNS_A, &a),
			 TOOL_DNS_TROUBLE);
	assert_string_equal(a.why, "too many CNAMEs");
}

static void test_refused(void **state)
{
	static const struct {
		unsigned flags;
		enum tool_dns_status want;
		const char *why;
	} cases[] = {
		{ 0x8180, TOOL_DNS_VOID, "no record of this type" },
		{ 0x8183, TOOL_DNS_VOID, "no such name" },
		{ 0x8182, TOOL_DNS_TROUBLE, "SERVFAIL" },
		{ 0x8185, TOOL_DNS_TROUBLE, "REFUSED" },
		{ 0x818f, TOOL_DNS_TROUBLE, "an error" },
		{ 0x8380, TOOL_DNS_TROUBLE, "a truncated answer" },
	};
	struct tool_dns_answer a;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin(cases[i].flags, 0, "example.com", TOOL_DNS_A);
		assert_int_equal(parse("example.com", TOOL_DNS_A, &a),
				 cases[i].want);
		assert_string_equal(a.why, cases[i].why);
		assert_int_equal(a.count, 0);
	}
}

static void test_damaged(void **state)
{
	struct tool_dns_answer a;

	(void)state;
	begin(0x8180, 1, "example.com", TOOL_DNS_TXT);
	record("example.com", 16, "\7v=spf1 \4-all", 13);
	/* cut anywhere */
	for (size_t len = 0; len < used; len++) {
		assert_int_equal(tool_dns_parse(packet, len, "example.com",
						TOOL_DNS_TXT, &a),
				 TOOL_DNS_TROUBLE);
		assert_int_equal(a.count, 0);
	}
	/* a string that is longer than its record */
	begin(0x8180, 1, "example.com", TOOL_DNS_TXT);
	record("example.com", 16, "\40v=spf1 -all", 12);
	assert_int_equal(parse("example.com", TOOL_DNS_TXT, &a),
			 TOOL_DNS_TROUBLE);
	/* an address of three bytes */
	begin(0x8180, 1, "example.com", TOOL_DNS_A);
	record("example.com", 1, "\xc0\0\2", 3);
	assert_int_equal(parse("example.com", TOOL_DNS_A, &a),
			 TOOL_DNS_TROUBLE);
	/* a name that jumps to itself */
	begin(0x8180, 1, "example.com", TOOL_DNS_PTR);
	record("example.com", 12, "\xc0\x28", 2);
	packet[used - 1] = (unsigned char)(used - 2);
	assert_int_equal(parse("example.com", TOOL_DNS_PTR, &a),
			 TOOL_DNS_TROUBLE);
	/* more answers than there are */
	begin(0x8180, 65535, "example.com", TOOL_DNS_A);
	record("example.com", 1, "\xc0\0\2\1", 4);
	assert_int_equal(parse("example.com", TOOL_DNS_A, &a),
			 TOOL_DNS_TROUBLE);
}

static void test_many(void **state)
{
	static unsigned char big[65535];
	struct tool_dns_answer a;
	unsigned count = 0;
	size_t at;

	(void)state;
	begin(0x8180, 0, "x", TOOL_DNS_A);
	memcpy(big, packet, used);
	at = used;
	used = 0;
	record("x", 1, "\xc0\0\2\1", 4);
	for (; at + used <= sizeof(big); at += used, count++)
		memcpy(big + at, packet, used);
	big[6] = (unsigned char)(count >> 8);
	big[7] = (unsigned char)count;
	assert_int_equal(tool_dns_parse(big, at, "x", TOOL_DNS_A, &a),
			 TOOL_DNS_OK);
	assert_int_equal(a.count, TOOL_DNS_RECORDS_MAX);
	tool_dns_answer_clear(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_mx),
		cmocka_unit_test(test_cname),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
