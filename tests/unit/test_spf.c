// SPDX-License-Identifier: GPL-2.0-or-later
/* SPF: the grammar of RFC 7208 section 12, case by case; the walk over zones of
 * our own; what is kept of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <geoblock/spf.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* ---- the grammar ---- */

static void test_version(void **state)
{
	static const struct {
		const char *text;
		bool want;
	} cases[] = {
		{ "v=spf1", true },
		{ "v=spf1 -all", true },
		{ "V=SPF1 -all", true },
		{ "v=spf10 -all", false },
		{ "v=spf1-all", false },
		{ " v=spf1", false },
		{ "v=spf2.0/pra", false },
		{ "v=spf1\t-all", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++)
		assert_int_equal(spf_is_record(cases[i].text), cases[i].want);
}

static void test_syntax(void **state)
{
	static const char *const good[] = {
		"v=spf1",
		"v=spf1    ",
		"v=spf1 -ALL",
		"v=spf1 a mx ptr ~all",
		"v=spf1 A:Example.COM MX/24//64 Ip4:192.0.2.1",
		"v=spf1 a/0 a//0 a/24//128 a:example.com/24",
		"v=spf1 a:example.com. include:_spf.example.com",
		"v=spf1 a:foo:bar/baz.example.com",
		"v=spf1 a:a-b.xn--p1ai a:example.c-m",
		"v=spf1 ip4:1.2.3.4/32 ip4:0.0.0.0/0 ip6:::1 ip6:::/0",
		"v=spf1 ip6:2001:db8::1/64 ip6:::ffff:192.0.2.1",
		"v=spf1 exists:%{i}.example.com",
		"v=spf1 exists:%{ir}.%{v}._spf.%{d2}",
		"v=spf1 exists:%{l1r+-}.%%.%_.%-.example.com",
		"v=spf1 a:%{H}/24 include:%{d}",
		"v=spf1 redirect=_spf.example.com",
		"v=spf1 -all redirect=_spf.example.com exp=why.example.com",
		"v=spf1 moo=bar/:=%{i} -all",
		"v=spf1 unknown-m.o_d=",
		"v=spf1 default=pass mx:mail.example.com",
	};
	static const char *const bad[] = {
		"v=spf1 all:example.com",
		"v=spf1 all/8",
		"v=spf1 -all.",
		"v=spf1 moo",
		"v=spf1 -moo:bar -all",
		"v=spf1 a\tmx",
		"v=spf1 +-all",
		"v=spf1 a:",
		"v=spf1 a:museum a:museum.",
		"v=spf1 a:museum",
		"v=spf1 a:abc.123",
		"v=spf1 a:abc.-com",
		"v=spf1 a:abc.com-",
		"v=spf1 a:example.com:8080",
		"v=spf1 a:example.com/33",
		"v=spf1 a:example.com//129",
		"v=spf1 a/024",
		"v=spf1 a/ mx",
		"v=spf1 a//",
		"v=spf1 a:/24",
		"v=spf1 include",
		"v=spf1 include:",
		"v=spf1 include/24",
		"v=spf1 include:example.com/24",
		"v=spf1 ip4",
		"v=spf1 ip4:",
		"v=spf1 ip4:1.2.3",
		"v=spf1 ip4:1.2.3.4.5",
		"v=spf1 ip4:1.2.3.256",
		"v=spf1 ip4:1.2.3.04",
		"v=spf1 ip4:1.2.3.4/33",
		"v=spf1 ip4:1.2.3.4//32",
		"v=spf1 ip4:1.2.3.4/+1",
		"v=spf1 ip4:2001:db8::1",
		"v=spf1 ip6:192.0.2.1",
		"v=spf1 ip6:2001:db8::1/129",
		"v=spf1 ip6:2001:db8:::1",
		"v=spf1 exists",
		"v=spf1 exists:",
		"v=spf1 exists:%{x}.example.com",
		"v=spf1 exists:%(ir).example.com",
		"v=spf1 exists:foobar%",
		"v=spf1 exists:%{i.example.com",
		"v=spf1 exists:%{i}x",
		"v=spf1 ptr/24",
		"v=spf1 ptr:",
		"v=spf1 redirect=",
		"v=spf1 redirect=example",
		"v=spf1 +redirect=example.com",
		"v=spf1 redirect:example.com",
		"v=spf1 redirect=a.example redirect=b.example",
		"v=spf1 exp=a.example exp=b.example",
		"v=spf1 exp=",
		"v=spf1 moo=%{",
		"v=spf1 =foo",
		"v=spf1 1=foo",
		("v=spf1 \xe2\x88\x92"
		 "all"),
		"v=spf1 a:m\xc3\xbcller.example",
		"v=spf1 a\001b=c",
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < LENGTH(good); i++)
		if (!spf_check(good[i], &err))
			fail_msg("%s: %s", good[i], err.text);
	for (size_t i = 0; i < LENGTH(bad); i++)
		if (spf_check(bad[i], &err))
			fail_msg("%s: taken", bad[i]);
}

static void test_terms(void **state)
{
	const char *at = "v=spf1 ?MX:Mail.Example.com./24//48 "
			 "-ip4:192.0.2.77/24 ip6:2001:DB8::9/32 "
			 "a:%{d}/30 redirect=B.example.";
	struct spf_term t;
	struct error err;

	(void)state;
	assert_true(spf_next(&at, &t, &err));
	assert_int_equal(t.kind, SPF_MX);
	assert_int_equal(t.qualifier, '?');
	assert_string_equal(t.domain, "mail.example.com");
	assert_int_equal(t.cidr4, 24);
	assert_int_equal(t.cidr6, 48);
	assert_int_equal(t.len, strlen("?MX:Mail.Example.com./24//48"));
	assert_true(spf_next(&at, &t, &err));
	assert_int_equal(t.qualifier, '-');
	assert_true(t.range.first == 0xc0000200 && t.range.last == 0xc00002ff);
	assert_true(spf_next(&at, &t, &err));
	assert_int_equal(t.qualifier, '+');
	assert_true(t.range.first == ADDR6(0x20010db800000000, 0));
	assert_true(t.range.last == (ADDR6(0x20010db9ull << 32, 0) - 1));
	assert_true(spf_next(&at, &t, &err));
	assert_true(t.macro && t.domain[0] == '\0' && t.cidr4 == 30);
	assert_true(spf_next(&at, &t, &err));
	assert_int_equal(t.kind, SPF_REDIRECT);
	assert_string_equal(t.domain, "b.example");
	assert_false(spf_next(&at, &t, &err));
	assert_int_equal(err.kind, ERROR_NONE);
}

static void test_domain(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
	} cases[] = {
		{ "Example.COM.", "example.com" },
		{ "_spf.example.com", "_spf.example.com" },
		{ "example", NULL },
		{ "a..example", NULL },
		{ ".example.com", NULL },
		{ "a b.example", NULL },
		{ "a/b.example", NULL },
		{ "%{d}.example", NULL },
		{ "m\xc3\xbcller.example", NULL },
		{ "", NULL },
		{ "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij"
		  "abcd.example",
		  NULL },
	};
	char out[SPF_DOMAIN_MAX];
	struct error err;

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		bool ok = spf_domain(cases[i].text, strlen(cases[i].text), out,
				     &err);

		assert_int_equal(ok, cases[i].want != NULL);
		if (ok)
			assert_string_equal(out, cases[i].want);
	}
}

/* ---- the walk ---- */

struct record {
	const char *name;
	enum spf_question type;
	const char *data; /* NULL: trouble */
};

static const struct record zone[] = {
	{ "plain.example", SPF_ASK_TXT,
	  "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/48 -all" },
	{ "plain.example", SPF_ASK_TXT, "some-verification=abc" },
	{ "quals.example", SPF_ASK_TXT,
	  "v=spf1 ?ip4:192.0.2.0/24 ~ip4:192.0.3.0/24 -ip4:198.51.100.128/25 "
	  "+ip4:198.51.100.0/24 ip4:192.0.2.7 -all" },
	{ "inc.example", SPF_ASK_TXT,
	  "v=spf1 ip4:203.0.113.1 include:quals.example ?include:plain.example"
	  " -all" },
	{ "all.example", SPF_ASK_TXT, "v=spf1 +all ip4:192.0.2.1" },
	{ "incall.example", SPF_ASK_TXT,
	  "v=spf1 include:all.example ip4:192.0.2.9 -all" },
	{ "wide.example", SPF_ASK_TXT,
	  "v=spf1 ip4:0.0.0.0/0 ip4:10.0.0.0/7 ip6:::/0 ip4:9.0.0.0/8 a/0" },
	{ "wide.example", SPF_ASK_A, "192.0.2.1" },
	{ "sum.example", SPF_ASK_TXT,
	  "v=spf1 ip4:1.0.0.0/8 ip4:2.0.0.0/8 ip4:3.0.0.0/8" },
	{ "redir.example", SPF_ASK_TXT,
	  "v=spf1 redirect=plain.example ip4:203.0.113.5" },
	{ "noredir.example", SPF_ASK_TXT,
	  "v=spf1 redirect=plain.example -all" },
	{ "rnone.example", SPF_ASK_TXT, "v=spf1 redirect=none.example" },
	{ "incnone.example", SPF_ASK_TXT, "v=spf1 include:none.example -all" },
	{ "host.example", SPF_ASK_TXT,
	  "v=spf1 a mx/30 a:two.example//64 -all" },
	{ "host.example", SPF_ASK_A, "192.0.2.80" },
	{ "host.example", SPF_ASK_MX, "m1.example" },
	{ "host.example", SPF_ASK_MX, "m2.example" },
	{ "m1.example", SPF_ASK_A, "192.0.2.5" },
	{ "m2.example", SPF_ASK_AAAA, "2001:db8::25" },
	{ "two.example", SPF_ASK_AAAA, "2001:db8:5:6::1" },
	{ "loop1.example", SPF_ASK_TXT, "v=spf1 include:loop2.example" },
	{ "loop2.example", SPF_ASK_TXT, "v=spf1 include:loop1.example" },
	{ "self.example", SPF_ASK_TXT, "v=spf1 redirect=self.example" },
	{ "two-records.example", SPF_ASK_TXT, "v=spf1 -all" },
	{ "two-records.example", SPF_ASK_TXT, "v=spf1 ip4:192.0.2.1" },
	{ "bad.example", SPF_ASK_TXT, "v=spf1 ip4:192.0.2.1 moo" },
	{ "incbad.example", SPF_ASK_TXT,
	  "v=spf1 ip4:192.0.2.1 include:bad.example" },
	{ "trouble.example", SPF_ASK_TXT, NULL },
	{ "inctrouble.example", SPF_ASK_TXT,
	  "v=spf1 ip4:192.0.2.1 include:trouble.example" },
	{ "macro.example", SPF_ASK_TXT,
	  "v=spf1 exists:%{i}.x.example ptr a:%{d} ip4:192.0.2.1 -all" },
	{ "ten.example", SPF_ASK_TXT,
	  "v=spf1 ptr ptr ptr ptr ptr ptr ptr ptr ptr ptr ip4:192.0.2.1" },
	{ "eleven.example", SPF_ASK_TXT,
	  "v=spf1 ptr ptr ptr ptr ptr ptr ptr ptr ptr ptr ptr ip4:192.0.2.1" },
	{ "void2.example", SPF_ASK_TXT,
	  "v=spf1 a:n1.example mx:n2.example ip4:192.0.2.1" },
	{ "void3.example", SPF_ASK_TXT,
	  "v=spf1 a:n1.example mx:n2.example a:n3.example ip4:192.0.2.1" },
	{ "mxmany.example", SPF_ASK_TXT, "v=spf1 mx -all" },
};

static const char *zone_mx_many(size_t i)
{
	static char name[11][32];

	snprintf(name[i], sizeof(name[i]), "m%zu.many.example", i);
	return name[i];
}

static unsigned asked;

static enum spf_status answer_text(struct spf_answer *out, const char *text)
{
	out->texts =
		reallocarray(out->texts, out->count + 1, sizeof(*out->texts));
	assert_non_null(out->texts);
	out->texts[out->count++] = strdup(text);
	return SPF_ANSWERED;
}

static enum spf_status answer_addr(struct spf_answer *out, const char *text)
{
	out->addrs =
		reallocarray(out->addrs, out->count + 1, sizeof(*out->addrs));
	assert_non_null(out->addrs);
	assert_true(addr_parse(text, strlen(text), &out->addrs[out->count++],
			       NULL));
	return SPF_ANSWERED;
}

static enum spf_status ask(void *ctx, enum spf_question question,
			   const char *name, struct spf_answer *out)
{
	enum spf_status status = SPF_VOID;

	(void)ctx;
	asked++;
	for (size_t i = 0; i < LENGTH(zone); i++) {
		const struct record *r = &zone[i];

		if (r->type != question || strcmp(r->name, name) != 0)
			continue;
		if (!r->data) {
			snprintf(out->why, sizeof(out->why), "SERVFAIL");
			return SPF_TROUBLE;
		}
		status = question == SPF_ASK_TXT || question == SPF_ASK_MX
				 ? answer_text(out, r->data)
				 : answer_addr(out, r->data);
	}
	if (question == SPF_ASK_MX && strcmp(name, "mxmany.example") == 0)
		for (size_t i = 0; i < 11; i++)
			status = answer_text(out, zone_mx_many(i));
	return status;
}

static void test_walk(void **state)
{
	static const struct {
		const char *domain;
		const char *want; /* networks, or "error: " and a part of it */
		unsigned notes;
	} cases[] = {
		{ "plain.example", "192.0.2.0/24 2001:db8::/48 ", 0 },
		{ "quals.example", "198.51.100.0/25 ", 0 },
		{ "inc.example", "203.0.113.1 198.51.100.0/25 ", 0 },
		{ "all.example", "", 1 },
		{ "incall.example", "192.0.2.9 ", 1 },
		{ "wide.example", "9.0.0.0/8 ", 4 },
		{ "sum.example", "error: more than one provider", 0 },
		{ "redir.example", "203.0.113.5 192.0.2.0/24 2001:db8::/48 ",
		  0 },
		{ "noredir.example", "", 0 },
		{ "rnone.example", "error: none.example: has no SPF", 0 },
		{ "incnone.example", "error: none.example: has no SPF", 0 },
		{ "none.example", "error: none.example: has no SPF", 0 },
		{ "host.example",
		  "192.0.2.80 192.0.2.4/30 2001:db8::25 2001:db8:5:6::/64 ",
		  0 },
		{ "loop1.example", "error: leads back to itself", 0 },
		{ "self.example", "error: leads back to itself", 0 },
		{ "two-records.example", "error: more than one SPF", 0 },
		{ "bad.example", "error: bad.example: \"moo\"", 0 },
		{ "incbad.example", "error: bad.example: \"moo\"", 0 },
		{ "trouble.example", "error: SERVFAIL", 0 },
		{ "inctrouble.example", "error: SERVFAIL", 0 },
		{ "macro.example", "192.0.2.1 ", 3 },
		{ "ten.example", "192.0.2.1 ", 1 },
		{ "eleven.example", "error: more than 10 look-ups", 0 },
		{ "void2.example", "192.0.2.1 ", 0 },
		{ "void3.example", "error: find nothing", 0 },
		{ "mxmany.example", "error: has 11 MX hosts", 0 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char got[1024] = "", range[RANGE_TEXT_MAX];
		struct error err = { 0 };
		struct spf_nets nets;
		size_t used = 0;

		asked = 0;
		if (!spf_walk(cases[i].domain, ask, NULL, &nets, &err)) {
			assert_int_equal(nets.count + nets.note_count, 0);
			if (strncmp(cases[i].want, "error: ", 7) != 0 ||
			    !strstr(err.text, cases[i].want + 7))
				fail_msg("%s: %s", cases[i].domain, err.text);
			continue;
		}
		for (size_t n = 0; n < nets.count; n++)
			used += (size_t)snprintf(
				got + used, sizeof(got) - used, "%s ",
				range_format(&nets.nets[n].range, range));
		if (strcmp(got, cases[i].want) != 0 ||
		    nets.note_count != cases[i].notes)
			fail_msg("%s: \"%s\", %zu notes", cases[i].domain, got,
				 nets.note_count);
		assert_true(asked < 40);
		spf_nets_clear(&nets);
	}
}

static void test_provenance(void **state)
{
	struct spf_nets nets;
	struct error err;

	(void)state;
	assert_true(spf_walk("inc.example", ask, NULL, &nets, &err));
	assert_string_equal(nets.nets[0].via, "inc.example");
	assert_string_equal(nets.nets[0].term, "ip4:203.0.113.1");
	assert_string_equal(nets.nets[1].via, "quals.example");
	assert_string_equal(nets.nets[1].term, "+ip4:198.51.100.0/24");
	spf_nets_clear(&nets);
}

/* ---- providers ---- */

static void test_providers(void **state)
{
	char domain[SPF_DOMAIN_MAX];

	(void)state;
	for (size_t i = 0; spf_providers[i].name; i++) {
		const struct spf_provider *p = &spf_providers[i];

		assert_ptr_equal(spf_provider_find(p->name), p);
		assert_null(strchr(p->name, '.'));
		assert_non_null(p->domains[0]);
		for (size_t d = 0; p->domains[d]; d++) {
			assert_true(spf_domain(p->domains[d],
					       strlen(p->domains[d]), domain,
					       NULL));
			assert_string_equal(p->domains[d], domain);
		}
		if (i > 0) /* in the order of the manual */
			assert_true(strcmp(spf_providers[i - 1].name, p->name) <
				    0);
	}
	assert_non_null(spf_provider_find("Microsoft365"));
	assert_null(spf_provider_find("yahoo"));
	assert_string_equal(spf_provider_nearest("microsft365"),
			    "microsoft365");
	assert_null(spf_provider_nearest("example"));
}

/* ---- the store ---- */

static void test_store(void **state)
{
	struct spf_store store = { 0 }, again;
	struct spf_entry *entry;
	struct error err;
	char *text, *text2;
	size_t len, len2;

	(void)state;
	entry = spf_store_add(&store, "host.example", &err);
	entry->asked = entry->answered = 1764000000;
	assert_true(spf_walk("host.example", ask, NULL, &entry->nets, &err));
	entry = spf_store_add(&store, "macro.example", &err);
	entry->asked = 1764000000;
	entry->failed = strdup("SERVFAIL \xc3\xbc\n");
	assert_true(spf_walk("macro.example", ask, NULL, &entry->nets, &err));
	text = spf_store_text(&store, &len);
	assert_non_null(text);
	assert_true(spf_store_read(text, len, &again, &err));
	assert_int_equal(again.count, 2);
	entry = spf_store_find(&again, "macro.example");
	assert_string_equal(entry->failed, "SERVFAIL ???");
	assert_int_equal(entry->answered, 0);
	assert_int_equal(entry->nets.note_count, 3);
	assert_int_equal(again.entries[0].nets.count, 4);
	assert_string_equal(again.entries[0].nets.nets[1].term, "mx/30");
	text2 = spf_store_text(&again, &len2);
	assert_int_equal(len, len2);
	assert_memory_equal(text, text2, len);
	/* cut anywhere, it is no store */
	for (size_t i = 0; i < len; i++) {
		struct spf_store cut;

		assert_false(spf_store_read(text, i, &cut, &err));
		assert_int_equal(cut.count, 0);
	}
	free(text);
	free(text2);
	spf_store_clear(&again);
	spf_store_clear(&store);
}

static void test_store_refused(void **state)
{
#define FIRST  "geoblock-spf 1\n"
#define DOMAIN "domain a.example asked 1 answered 1\n"
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "line 1" },
		{ "geoblock-spf 2\nend 0\n", "line 1" },
		{ FIRST "end 1\n", "line 2" },
		{ FIRST "end 0\nmore\n", "line 2" },
		{ FIRST "192.0.2.1 a.example a\nend 1\n", "no domain" },
		{ FIRST DOMAIN DOMAIN "end 2\n", "twice" },
		{ FIRST "domain A.example asked 1 answered 1\nend 1\n",
		  "line 2" },
		{ FIRST "domain example asked 1 answered 1\nend 1\n",
		  "line 2" },
		{ FIRST "domain a.example asked x answered 1\nend 1\n",
		  "asked" },
		{ FIRST "domain a.example answered 1 asked 1\nend 1\n",
		  "asked" },
		{ FIRST DOMAIN "0.0.0.0/0 a.example all\nend 2\n", "too wide" },
		{ FIRST DOMAIN "::/0 a.example all\nend 2\n", "too wide" },
		{ FIRST DOMAIN "1.0.0.0/8 a.example x\n2.0.0.0/8 a.example x\n"
			       "3.0.0.0/8 a.example x\nend 4\n",
		  "more than one provider" },
		{ FIRST DOMAIN "192.0.2.1/24 a.example x\nend 2\n", "line 3" },
		{ FIRST DOMAIN "192.0.2.1 a.example\nend 2\n", "line 3" },
		{ FIRST DOMAIN "192.0.2.1 a.example x y\nend 2\n", "line 3" },
		{ FIRST DOMAIN "192.0.2.1 a.example \x1b[2J\nend 2\n",
		  "ASCII" },
		{ FIRST DOMAIN "failed a\nfailed b\nend 3\n", "twice" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct spf_store store;
		struct error err = { 0 };

		if (spf_store_read(cases[i].text, strlen(cases[i].text), &store,
				   &err) ||
		    !strstr(err.text, cases[i].why))
			fail_msg("case %zu: %s", i, err.text);
		assert_int_equal(store.count, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_terms),
		cmocka_unit_test(test_domain),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_provenance),
		cmocka_unit_test(test_providers),
		cmocka_unit_test(test_store),
		cmocka_unit_test(test_store_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
