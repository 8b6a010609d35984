// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <geoblock/addr.h>

static const struct {
	const char *text;
	const char *want; /* NULL: refused */
} ranges[] = {
	{ "192.0.2.1", "192.0.2.1" },
	{ "192.0.2.0/24", "192.0.2.0/24" },
	{ "192.0.2.0-192.0.2.255", "192.0.2.0/24" },
	{ "192.0.2.1-192.0.2.9", "192.0.2.1-192.0.2.9" },
	{ "0.0.0.0/0", "0.0.0.0/0" },
	{ "255.255.255.255/32", "255.255.255.255" },
	{ "::/0", "::/0" },
	{ "2001:DB8::/32", "2001:db8::/32" },
	{ "2001:db8::1-2001:db8::2", "2001:db8::1-2001:db8::2" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ "", NULL },
	{ "1.2.3", NULL },
	{ "1.2.3.4.5", NULL },
	{ "1.2.3.256", NULL },
	{ "1.2.3.04", NULL },
	{ "1.2.3.4/33", NULL },
	{ "1.2.3.4/", NULL },
	{ "1.2.3.4/24", NULL },
	{ "2001:db8::1/32", NULL },
	{ "2001:db8::/129", NULL },
	{ "1.2.3.4-1.2.3.3", NULL },
	{ "1.2.3.4-::1", NULL },
	{ "1.2.3.4 ", NULL },
	{ "example.com", NULL },
};

static void test_range_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		struct error err = { 0 };
		struct range r;
		char buf[RANGE_TEXT_MAX];
		bool ok = range_parse(ranges[i].text, strlen(ranges[i].text),
				      &r, &err);

		if (!ranges[i].want) {
			assert_false(ok);
			assert_int_equal(err.kind, ERROR_MALFORMED);
			assert_non_null(strstr(err.text, ranges[i].text));
			continue;
		}
		assert_true(ok);
		assert_string_equal(range_format(&r, buf), ranges[i].want);
	}
}

static void test_range_parse_proposes(void **state)
{
	struct error err = { 0 };
	struct range r;

	(void)state;
	assert_false(range_parse("172.16.1.3/21", 13, &r, &err));
	assert_non_null(strstr(err.text, "did you mean 172.16.0.0/21?"));
}

static void test_addr_mapped(void **state)
{
	struct addr a;

	(void)state;
	assert_true(addr_parse("::ffff:192.0.2.1", 16, &a, NULL));
	assert_int_equal(a.family, 4);
	assert_true(a.value == 0xc0000201);
	assert_true(addr_parse("::fffe:192.0.2.1", 16, &a, NULL));
	assert_int_equal(a.family, 6);
}

static void test_addr_control_bytes(void **state)
{
	struct error err = { 0 };
	struct addr a;

	(void)state;
	assert_false(addr_parse("\033[2J\0x", 6, &a, &err));
	assert_null(strchr(err.text, '\033'));
}

static void test_prefixes(void **state)
{
	(void)state;
	assert_int_equal(addr4_prefix(0, UINT32_MAX), 0);
	assert_int_equal(addr4_prefix(UINT32_MAX, UINT32_MAX), 32);
	assert_int_equal(addr4_prefix(0x0a000001, 0x0affffff), 32);
	assert_int_equal(addr4_prefix(0x0a000000, 0x0a0000fe), 25);
	assert_int_equal(addr6_prefix(0, ADDR6_MAX), 0);
	assert_int_equal(addr6_prefix(ADDR6_MAX, ADDR6_MAX), 128);
	assert_int_equal(addr6_prefix(ADDR6(1, 0), ADDR6(1, UINT64_MAX)), 64);
	assert_int_equal(addr6_prefix(ADDR6(2, 0), ADDR6(4, 0)), 63);
}

/* The same answer as inet_pton(), for addresses and for what almost is one. */
static void check_pton(const char *text)
{
	struct in6_addr in;
	addr6_t got = 0, want = 0;
	bool ok = inet_pton(AF_INET6, text, &in) == 1;

	for (int i = 0; ok && i < 16; i++)
		want = want << 8 | in.s6_addr[i];
	if (addr6_parse(text, strlen(text), &got) != ok || got != want)
		fail_msg("\"%s\": inet_pton says %s", text, ok ? "yes" : "no");
}

static void test_addr6_pton(void **state)
{
	static const char *const seeds[] = {
		"::",
		"::1",
		"1::",
		"2001:db8::",
		"2001:db8:1:2:3:4:5:6",
		"2001:db8:1:2:3:4:5::",
		"::2:3:4:5:6:7:8",
		"1::3:4:5:6:7:8",
		"1:2:3:4:5:6:7::8",
		"::1:2:3:4:5:6:7:8",
		"64:ff9b::192.0.2.33",
		"1:2:3:4:5:6:192.0.2.33",
		"1:2:3:4:5:6:7:192.0.2.33",
		"::192.0.2.33",
		"::1:192.0.2.33:1",
		"ABCD:EF01:2345:6789:abcd:ef01:2345:6789",
		"1::2::3",
		":1",
		"1:",
		":::",
		"12345::",
		"::12345",
		"::g",
		"",
		":",
	};
	static const char alphabet[] = ":::0123456789abcdefF..g";
	unsigned rnd = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(seeds) / sizeof(*seeds); i++) {
		check_pton(seeds[i]);
		for (unsigned n = 0; n < 20000; n++) {
			char text[48];
			size_t len = strlen(seeds[i]), at;

			memcpy(text, seeds[i], len + 1);
			for (unsigned k = 0; k <= n % 3; k++) {
				rnd = rnd * 1664525 + 1013904223;
				at = (rnd >> 8) % (len + 1);
				if (at < len && rnd & 1)
					text[at] = alphabet[(rnd >> 24) % 23];
				else if (rnd & 2 && len + 1 < sizeof(text)) {
					memmove(text + at + 1, text + at,
						len++ - at + 1);
					text[at] = alphabet[(rnd >> 24) % 23];
				} else if (at < len) {
					memmove(text + at, text + at + 1,
						len-- - at);
				}
			}
			check_pton(text);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_range_parse),
		cmocka_unit_test(test_range_parse_proposes),
		cmocka_unit_test(test_addr_mapped),
		cmocka_unit_test(test_addr_control_bytes),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_addr6_pton),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
