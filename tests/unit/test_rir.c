// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <geoblock/rir.h>

/* What a line says, in words; an error is its text. */
static const char *told(const char *text, size_t len, char *buf, size_t size)
{
	struct rir_line l;
	struct error err = { 0 };
	struct range range;
	char cc[3], at[RANGE_TEXT_MAX];
	/* a copy of just that size: ASan sees a byte too many */
	char *copy = malloc(len + RIR_PADDING);

	memcpy(copy, text, len);
	memset(copy + len, 0xa5, RIR_PADDING);
	memset(&l, 0xa5, sizeof(l));
	if (!rir_line(copy, len, &l, &err)) {
		assert_int_equal(err.kind, ERROR_MALFORMED);
		snprintf(buf, size, "error: %s", err.text);
		free(copy);
		return buf;
	}
	free(copy);
	switch (l.kind) {
	case RIR_SKIP:
		return "skip";
	case RIR_VERSION:
		snprintf(buf, size,
			 "version %s serial %llu count %llu end %u%s",
			 geo_registry_name(l.registry),
			 (unsigned long long)l.serial,
			 (unsigned long long)l.count, l.end_date,
			 l.odd_date ? " odd" : "");
		return buf;
	case RIR_SUMMARY:
		snprintf(buf, size, "summary %s %d count %llu",
			 geo_registry_name(l.registry), (int)l.counted,
			 (unsigned long long)l.count);
		return buf;
	case RIR_ASN:
		snprintf(buf, size, "asn %s", geo_registry_name(l.registry));
		return buf;
	case RIR_OTHER:
		return "other";
	default:
		break;
	}
	range = (struct range){ l.kind == RIR_IPV4 ? 4 : 6, l.first, l.last };
	assert_int_equal(l.registry, l.record.registry);
	snprintf(buf, size, "%s %s %s %s %u%s",
		 geo_registry_name(l.record.registry),
		 country_text(l.record.country, cc), range_format(&range, at),
		 geo_status_name(l.record.status), l.record.date,
		 l.odd_date ? " odd" : "");
	return buf;
}

static const struct {
	const char *line;
	const char *want;
} cases[] = {
	/* plain and extended, all five */
	{ "apnic|AU|ipv4|1.0.0.0|256|20110811|assigned",
	  "apnic AU 1.0.0.0/24 assigned 20110811" },
	{ "ripencc|FR|ipv4|2.0.0.0|1048576|20100712|allocated",
	  "ripencc FR 2.0.0.0/12 allocated 20100712" },
	{ "arin|US|ipv4|3.0.0.0|8388608|19880223|allocated|"
	  "5a6c8e4f7d9b0a1c2e3f4a5b6c7d8e9f",
	  "arin US 3.0.0.0/9 allocated 19880223" },
	{ "lacnic|BR|ipv6|2001:1280::|32|20050128|allocated|27",
	  "lacnic BR 2001:1280::/32 allocated 20050128" },
	{ "afrinic|ZA|ipv4|41.0.0.0|2097152|20071126|allocated|F36B9F4B",
	  "afrinic ZA 41.0.0.0/11 allocated 20071126" },
	{ "iana|ZZ|ipv4|1.0.0.0|256|20110811|allocated|apnic|iana",
	  "error: registry \"iana\": its file names no countries of its own; "
	  "those of afrinic, apnic, arin, lacnic and ripencc do" },
	/* ranges that are no prefix, for either reason */
	{ "ripencc|GB|ipv4|87.116.83.0|2304|20060803|allocated",
	  "ripencc GB 87.116.83.0-87.116.91.255 allocated 20060803" },
	{ "afrinic|ZA|ipv4|168.209.0.0|131072|19940101|allocated",
	  "afrinic ZA 168.209.0.0-168.210.255.255 allocated 19940101" },
	{ "ripencc|DE|ipv4|193.0.0.8|8|19940101|assigned",
	  "ripencc DE 193.0.0.8/29 assigned 19940101" },
	{ "arin|US|ipv4|192.0.2.7|1|19940101|assigned",
	  "arin US 192.0.2.7 assigned 19940101" },
	/* to the end of the space and not past it */
	{ "arin|US|ipv4|255.255.255.0|256|19940101|assigned",
	  "arin US 255.255.255.0/24 assigned 19940101" },
	{ "arin|US|ipv4|0.0.0.0|4294967296|19940101|assigned",
	  "arin US 0.0.0.0/0 assigned 19940101" },
	{ "arin|US|ipv4|255.255.255.0|257|19940101|assigned",
	  "error: ipv4 count \"257\": runs past 255.255.255.255; from "
	  "255.255.255.0 at most 256 are left" },
	{ "arin|US|ipv4|1.0.0.0|4294967296|19940101|assigned",
	  "error: ipv4 count \"4294967296\": runs past 255.255.255.255; from "
	  "1.0.0.0 at most 4278190080 are left" },
	{ "arin|US|ipv4|1.0.0.0|18446744073709551616|19940101|assigned",
	  "error: ipv4 count \"18446744073709551616\": not a number of "
	  "addresses" },
	{ "arin|US|ipv4|0.0.0.1|18446744073709551615|19940101|assigned",
	  "error: ipv4 count \"18446744073709551615\": runs past "
	  "255.255.255.255; from 0.0.0.1 at most 4294967295 are left" },
	{ "arin|US|ipv4|1.0.0.0|0|19940101|assigned",
	  "error: ipv4 count \"0\": a record has at least one address" },
	{ "arin|US|ipv4|1.0.0.0||19940101|assigned",
	  "error: ipv4 count \"\": not a number of addresses" },
	{ "arin|US|ipv4|1.0.0.0|-1|19940101|assigned",
	  "error: ipv4 count \"-1\": not a number of addresses" },
	{ "arin|US|ipv4|1.0.0.0|2 56|19940101|assigned",
	  "error: ipv4 count \"2 56\": not a number of addresses" },
	{ "arin|US|ipv4|1.0.0.0|0000000000256|19940101|assigned",
	  "arin US 1.0.0.0/24 assigned 19940101" },
	{ "arin|US|ipv4|1.0.0|256|19940101|assigned",
	  "error: ipv4 start \"1.0.0\": not an IPv4 address" },
	{ "arin|US|ipv4|1.0.0.256|256|19940101|assigned",
	  "error: ipv4 start \"1.0.0.256\": not an IPv4 address" },
	{ "arin|US|ipv4||256|19940101|assigned",
	  "error: ipv4 start \"\": not an IPv4 address" },
	{ "arin|US|ipv4|2001:db8::|32|19940101|assigned",
	  "error: ipv4 start \"2001:db8::\": not an IPv4 address" },
	/* IPv6 */
	{ "apnic||ipv6|2001:de3::|48|20250703|assigned",
	  "apnic -- 2001:de3::/48 assigned 20250703" },
	{ "arin|US|ipv6|::|0|20250703|allocated",
	  "arin US ::/0 allocated 20250703" },
	{ "arin|US|ipv6|2001:db8:1:2:3:4:5:6|128|20250703|allocated",
	  "arin US 2001:db8:1:2:3:4:5:6 allocated 20250703" },
	{ "arin|US|ipv6|2001:0DB8:0:0::|32|20250703|allocated",
	  "arin US 2001:db8::/32 allocated 20250703" },
	{ "arin|US|ipv6|2001:db8::|129|20250703|allocated",
	  "error: ipv6 prefix length \"129\": not a number from 0 to 128" },
	{ "arin|US|ipv6|2001:db8::||20250703|allocated",
	  "error: ipv6 prefix length \"\": not a number from 0 to 128" },
	{ "arin|US|ipv6|2001:db8::1|32|20250703|allocated",
	  "error: ipv6 start \"2001:db8::1\": has bits set beyond its prefix "
	  "length 32; did you mean 2001:db8::?" },
	{ "arin|US|ipv6|8000::|0|20250703|allocated",
	  "error: ipv6 start \"8000::\": has bits set beyond its prefix "
	  "length 0; did you mean ::?" },
	{ "arin|US|ipv6|10.0.0.0|8|20250703|allocated",
	  "error: ipv6 start \"10.0.0.0\": not an IPv6 address" },
	/* what is not delegated has no country, whatever stands there */
	{ "arin||ipv4|23.128.1.0|768||reserved|",
	  "arin -- 23.128.1.0-23.128.3.255 reserved 0" },
	{ "lacnic||ipv6|2001:1200::|23||available",
	  "lacnic -- 2001:1200::/23 available 0" },
	{ "afrinic|ZZ|ipv6|2001:4200::|23||available|",
	  "afrinic -- 2001:4200::/23 available 0" },
	{ "arin|US|ipv4|23.128.1.0|256||reserved|",
	  "arin -- 23.128.1.0/24 reserved 0" },
	{ "arin|US|ipv6|2001:db8::|32||available|",
	  "arin -- 2001:db8::/32 available 0" },
	/* codes that are no countries, and one newer than our table */
	{ "ripencc|EU|ipv4|139.191.0.0|65536|19900410|assigned",
	  "ripencc EU 139.191.0.0/16 assigned 19900410" },
	{ "apnic|AP|ipv4|1.0.0.0|256|19900410|assigned",
	  "apnic AP 1.0.0.0/24 assigned 19900410" },
	{ "apnic|QZ|ipv4|1.0.0.0|256|19900410|assigned",
	  "apnic QZ 1.0.0.0/24 assigned 19900410" },
	{ "apnic|USA|ipv4|1.0.0.0|256|19900410|assigned",
	  "error: country \"USA\": want two letters, ZZ or nothing" },
	{ "apnic|A|ipv4|1.0.0.0|256|19900410|assigned",
	  "error: country \"A\": want two letters, ZZ or nothing" },
	{ "apnic|*|ipv4|1.0.0.0|256|19900410|assigned",
	  "error: country \"*\": want two letters, ZZ or nothing" },
	{ "apnic|\xc3\x9c|ipv4|1.0.0.0|256|19900410|assigned",
	  "error: country \"\?\?\": want two letters, ZZ or nothing" },
	/* dates */
	{ "arin|US|ipv4|1.0.0.0|256|00000000|allocated",
	  "arin US 1.0.0.0/24 allocated 0" },
	{ "arin|US|ipv4|1.0.0.0|256||allocated",
	  "arin US 1.0.0.0/24 allocated 0" },
	{ "arin|US|ipv4|1.0.0.0|256|20251301|allocated",
	  "arin US 1.0.0.0/24 allocated 0 odd" },
	{ "arin|US|ipv4|1.0.0.0|256|20250001|allocated",
	  "arin US 1.0.0.0/24 allocated 0 odd" },
	{ "arin|US|ipv4|1.0.0.0|256|20250132|allocated",
	  "arin US 1.0.0.0/24 allocated 0 odd" },
	{ "arin|US|ipv4|1.0.0.0|256|2025-01-01|allocated",
	  "arin US 1.0.0.0/24 allocated 0 odd" },
	{ "arin|US|ipv4|1.0.0.0|256|summary|allocated",
	  "arin US 1.0.0.0/24 allocated 0 odd" },
	{ "arin|US|ipv4|1.0.0.0|256|18991231|allocated",
	  "arin US 1.0.0.0/24 allocated 0 odd" },
	/* statuses */
	{ "arin|US|ipv4|1.0.0.0|256|20250101|legacy",
	  "error: status \"legacy\": want allocated, assigned, available or "
	  "reserved" },
	{ "arin|US|ipv4|1.0.0.0|256|20250101|",
	  "error: status \"\": want allocated, assigned, available or "
	  "reserved" },
	{ "arin|US|ipv4|1.0.0.0|256|20250101|allocate",
	  "error: status \"allocate\": want allocated, assigned, available or "
	  "reserved" },
	{ "arin|US|ipv4|1.0.0.0|256|20250101|availabl",
	  "error: status \"availabl\": want allocated, assigned, available or "
	  "reserved" },
	{ "arin|US|ipv4|1.0.0.0|256|20250101|availablex",
	  "error: status \"availablex\": want allocated, assigned, available "
	  "or "
	  "reserved" },
	{ "arin|US|ipv4|1.0.0.0|256|20250101|reservedx",
	  "error: status \"reservedx\": want allocated, assigned, available or "
	  "reserved" },
	{ "arin|US|ipv4|1.0.0.0|256|20250101|assigne",
	  "error: status \"assigne\": want allocated, assigned, available or "
	  "reserved" },
	{ "arin|US|ipv4|1.0.0.0|256|20250101|allocatee",
	  "error: status \"allocatee\": want allocated, assigned, available or "
	  "reserved" },
	/* letters of either case, ends of lines */
	{ "APNIC|au|IPV4|1.0.0.0|256|20110811|Assigned",
	  "apnic AU 1.0.0.0/24 assigned 20110811" },
	{ "RIPENCC|de|Ipv6|2001:DB8::|32|20110811|ALLOCATED",
	  "ripencc DE 2001:db8::/32 allocated 20110811" },
	{ "apnic|AU|ipv4|1.0.0.0|256|20110811|assigned\r",
	  "apnic AU 1.0.0.0/24 assigned 20110811" },
	{ "apnic|AU|ipv4|1.0.0.0|256|20110811|assigned \t\r",
	  "apnic AU 1.0.0.0/24 assigned 20110811" },
	{ "apnic|AU|ipv4|1.0.0.0|256|20110811|assigned|a|b|c|d||||",
	  "apnic AU 1.0.0.0/24 assigned 20110811" },
	/* AS numbers are counted, no more */
	{ "apnic|JP|asn|173|1|20020801|allocated", "asn apnic" },
	{ "ripencc|EU|asn|7|1|19930901|allocated|7b5f", "asn ripencc" },
	{ "apnic|JP|asn|nonsense||20020801|", "asn apnic" },
	{ "apnic|JP|ipx|1|1|20020801|allocated", "other" },
	{ "apnic|JP|ipv44|1|1|20020801|allocated", "other" },
	{ "nonsense|JP|asn|1|1|20020801|allocated", "asn " },
	/* no records */
	{ "", "skip" },
	{ " ", "skip" },
	{ "\r", "skip" },
	{ "#", "skip" },
	{ "# apnic|AU|ipv4|1.0.0.0|256|20110811|assigned", "skip" },
	/* records cut short or of another kind */
	{ "apnic|AU|ipv4|1.0.0.0|256|20110811",
	  "error: \"apnic|AU|ipv4|1.0.0.0|256|20110811\": 6 fields, want 7 or "
	  "more: registry|country|type|start|value|date|status" },
	{ "apnic", "error: \"apnic\": 1 fields, want 7 or more: "
		   "registry|country|type|start|value|date|status" },
	{ "|3|19990401|arin",
	  "error: \"|3|19990401|arin\": 4 fields, want 7 or "
	  "more: registry|country|type|start|value|date|"
	  "status" },
	{ "<html>", "error: \"<html>\": 1 fields, want 7 or more: "
		    "registry|country|type|start|value|date|status" },
	{ "|||||||", "other" },
	{ "|AU|ipv4|1.0.0.0|256|20110811|assigned",
	  "error: registry \"\": the five are afrinic, apnic, arin, lacnic and "
	  "ripencc" },
	{ "apnicc|AU|ipv4|1.0.0.0|256|20110811|assigned",
	  "error: registry \"apnicc\": the five are afrinic, apnic, arin, "
	  "lacnic and ripencc" },
	/* summaries */
	{ "apnic|*|asn|*|13442|summary", "summary apnic 3 count 13442" },
	{ "apnic|*|ipv4|*|53944|summary", "summary apnic 4 count 53944" },
	{ "apnic|*|ipv6|*|0|SUMMARY\r", "summary apnic 5 count 0" },
	{ "apnic|*|ipv8|*|0|summary", "summary apnic 6 count 0" },
	{ "apnic|*|ipv4|*||summary",
	  "error: summary count \"\": not a number" },
	{ "apnic|*|ipv4|*|99999999999999999999|summary",
	  "error: summary count \"99999999999999999999\": not a number" },
	{ "iana|*|ipv4|*|1|summary",
	  "error: registry \"iana\": its file names no countries of its own; "
	  "those of afrinic, apnic, arin, lacnic and ripencc do" },
	{ "apnic|*|ipv4|*|53944|summar",
	  "error: \"apnic|*|ipv4|*|53944|summar\": 6 fields, want 7 or more: "
	  "registry|country|type|start|value|date|status" },
	/* version lines */
	{ "2|apnic|20260131|84069|19830613|20260130|+1000",
	  "version apnic serial 20260131 count 84069 end 20260130" },
	{ "2.3|arin|1567951216119|300|19700101|20190908|-0400",
	  "version arin serial 1567951216119 count 300 end 20190908" },
	{ "2.3|apnic|20190909|300||20190906|+1000",
	  "version apnic serial 20190909 count 300 end 20190906" },
	{ "2|afrinic|20260130|9582|00000000|20260130|00000",
	  "version afrinic serial 20260130 count 9582 end 20260130" },
	{ "2|RIPENCC|18446744073709551615|1|||",
	  "version ripencc serial 18446744073709551615 count 1 end 0" },
	{ "2|ripencc||1||20261340|",
	  "version ripencc serial 0 count 1 end 0 odd" },
	{ "2|ripencc|18446744073709551616|1|||",
	  "error: serial \"18446744073709551616\": not a number of 64 bits" },
	{ "2|ripencc|1|many|||", "error: record count \"many\": not a number" },
	{ "2|ripencc|1|1||20260101",
	  "error: version line of 6 fields, want 7: version|registry|serial|"
	  "records|start|end|offset" },
	{ "3|ripencc|1|1|||", "error: version \"3\" of the delegation format: "
			      "2 and 2.x are known" },
	{ "20|ripencc|1|1|||",
	  "error: version \"20\" of the delegation format: "
	  "2 and 2.x are known" },
	{ "2|iana|20190911|973|19830101|20190612|+0000",
	  "error: registry \"iana\": its file names no countries of its own; "
	  "those of afrinic, apnic, arin, lacnic and ripencc do" },
	{ "2|nro|20240101|1|19830101|20240101|+0000",
	  "error: registry \"nro\": its file names no countries of its own; "
	  "those of afrinic, apnic, arin, lacnic and ripencc do" },
	{ "2", "error: version line of 1 fields, want 7: version|registry|"
	       "serial|records|start|end|offset" },
};

static void test_lines(void **state)
{
	char buf[600];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(told(cases[i].line, strlen(cases[i].line),
					 buf, sizeof(buf)),
				    cases[i].want);
}

/* Bytes that a terminal would obey are not passed on, nor is a whole page. */
static void test_quotes(void **state)
{
	static const char escape[] = "a\033[2J\0b|AU|ipv4";
	char buf[600], page[4096];

	(void)state;
	assert_string_equal(told(escape, sizeof(escape) - 1, buf, sizeof(buf)),
			    "error: \"a?[2J?b|AU|ipv4\": 3 fields, want 7 or "
			    "more: registry|country|type|start|value|date|"
			    "status");
	memset(page, 'x', sizeof(page));
	told(page, sizeof(page), buf, sizeof(buf));
	assert_non_null(strstr(buf, "xxxx...\": 1 fields"));
	assert_true(strlen(buf) < 200);
}

/* Every cut of a line that ends before its status is noticed. */
static void test_truncated(void **state)
{
	static const char line[] =
		"ripencc|DE|ipv4|193.0.0.0|2048|19940101|allocated";
	char buf[600];

	(void)state;
	for (size_t len = 1; len < strlen(line); len++)
		assert_memory_equal(told(line, len, buf, sizeof(buf)),
				    "error: ", 7);
}

/* Fields that begin and end at every place of a word and of a block. */
static void test_alignment(void **state)
{
	char line[400], want[200], buf[600];

	(void)state;
	for (int zeros = 0; zeros < 150; zeros++) {
		snprintf(line, sizeof(line),
			 "apnic|AU|ipv4|1.0.0.0|%0*d|20110811|assigned|%0*d",
			 zeros + 3, 256, zeros + 1, 7);
		snprintf(want, sizeof(want),
			 "apnic AU 1.0.0.0/24 assigned 20110811");
		assert_string_equal(told(line, strlen(line), buf, sizeof(buf)),
				    want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_alignment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
