// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/policyd_answer.h"
#include "daemon/policyd_request.h"
#include "daemon/policyd_syn.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define TYPE      "request=smtpd_access_policy\n"

/* ---- the request ------------------------------------------------------------- */

static void test_outcomes(void **state)
{
	static const struct {
		const char *text;
		size_t len; /* 0: strlen() */
		enum policyd_parsed want;
		size_t used; /* 0: all */
	} rows[] = {
		{ TYPE "\n", 0, POLICYD_DONE, 0 },
		{ TYPE "\n" TYPE "\n", 0, POLICYD_DONE, sizeof(TYPE) },
		{ TYPE, 0, POLICYD_MORE, 0 },
		{ "", 0, POLICYD_MORE, 0 },
		{ TYPE "sender=", 0, POLICYD_MORE, 0 },
		{ TYPE "sender=\n\n", 0, POLICYD_DONE, 0 },
		{ TYPE "a===\n\n", 0, POLICYD_DONE, 0 },
		{ "sender=a\n" TYPE "\n", 0, POLICYD_DONE, 0 },
		{ "request=x\n" TYPE "\n", 0, POLICYD_DONE, 0 },
		{ TYPE "request=x\n\n", 0, POLICYD_BAD, 0 },
		{ "request=smtpd_access_policy2\n\n", 0, POLICYD_BAD, 0 },
		{ "sender=a\n\n", 0, POLICYD_BAD, 0 },
		{ "\n", 0, POLICYD_BAD, 0 },
		{ TYPE "sender\n\n", 0, POLICYD_BAD, sizeof(TYPE) + 6 },
		{ TYPE "=a\n\n", 0, POLICYD_BAD, sizeof(TYPE) },
		{ TYPE "sender=\0\n\n", sizeof(TYPE) + 9, POLICYD_BAD,
		  sizeof(TYPE) + 7 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		size_t len = rows[i].len ? rows[i].len : strlen(rows[i].text);
		struct policyd_parser parser;
		const char *why = NULL;
		size_t used;

		policyd_parser_reset(&parser);
		print_message("%s\n", rows[i].text);
		assert_int_equal(
			policyd_parse(&parser, rows[i].text, len, &used, &why),
			rows[i].want);
		assert_int_equal(used, rows[i].used ? rows[i].used : len);
		assert_int_equal(why != NULL, rows[i].want == POLICYD_BAD);
	}
}

static void test_fields(void **state)
{
	static const char text[] =
		"client_port=1\nhelo_name=h\n" TYPE
		"protocol_state=RCPT\nclient_address=192.0.2.1\n"
		"client_name=a.example\nserver_port=25\n"
		"reverse_client_name=unknown\nsender=\nrecipient=b=c@example\n"
		"instance=1.2\nsasl_username=bob\nclient_port=40000\n\n";
	struct policyd_parser parser;
	const struct policyd_request *r = &parser.request;
	const char *why;
	size_t used;

	(void)state;
	policyd_parser_reset(&parser);
	assert_int_equal(
		policyd_parse(&parser, text, strlen(text), &used, &why),
		POLICYD_DONE);
	assert_string_equal(r->protocol_state, "RCPT");
	assert_string_equal(r->client_address, "192.0.2.1");
	assert_string_equal(r->client_port, "40000");
	assert_string_equal(r->server_port, "25");
	assert_string_equal(r->client_name, "a.example");
	assert_string_equal(r->reverse_client_name, "unknown");
	assert_string_equal(r->sender, "");
	assert_string_equal(r->recipient, "b=c@example");
	assert_string_equal(r->instance, "1.2");
	assert_string_equal(r->sasl_username, "b");
	assert_int_equal(r->given,
			 POLICYD_CLIENT_NAME | POLICYD_REVERSE_CLIENT_NAME);
}

/* Each field takes what fits, and leaves its neighbours alone. */
static void test_cut(void **state)
{
	static const char *const names[] = {
		"protocol_state", "client_address", "client_port",
		"server_port",    "client_name",    "reverse_client_name",
		"sender",         "recipient",      "instance",
		"sasl_username",
	};
	struct policyd_request *r;
	struct policyd_parser parser;
	char *text = malloc(100000);
	const char *why;
	size_t len, used;

	(void)state;
	len = (size_t)sprintf(text, TYPE);
	for (size_t i = 0; i < LENGTH(names); i++) {
		len += (size_t)sprintf(text + len, "%s=", names[i]);
		memset(text + len, 'x', 5000);
		len += 5000;
		text[len++] = '\n';
	}
	text[len++] = '\n';
	policyd_parser_reset(&parser);
	assert_int_equal(policyd_parse(&parser, text, len, &used, &why),
			 POLICYD_DONE);
	r = &parser.request;
	assert_int_equal(strlen(r->sender), sizeof(r->sender) - 1);
	assert_int_equal(strlen(r->recipient), sizeof(r->recipient) - 1);
	assert_int_equal(strlen(r->client_name), sizeof(r->client_name) - 1);
	assert_int_equal(strlen(r->instance), sizeof(r->instance) - 1);
	assert_int_equal(strlen(r->sasl_username), 1);
	assert_string_equal(r->request, "smtpd_access_policy");
	/* a shorter value that comes later leaves nothing of the longer one */
	policyd_parser_reset(&parser);
	sprintf(text, TYPE "sender=longer\nsender=s\n\n");
	assert_int_equal(
		policyd_parse(&parser, text, strlen(text), &used, &why),
		POLICYD_DONE);
	assert_string_equal(parser.request.sender, "s");
	free(text);
}

static void test_too_long(void **state)
{
	struct policyd_parser parser;
	const char *why = "";
	char block[4096];
	size_t used, total = 0;
	enum policyd_parsed parsed = POLICYD_MORE;

	(void)state;
	memset(block, 'x', sizeof(block));
	policyd_parser_reset(&parser);
	while (parsed == POLICYD_MORE && total < 10 * POLICYD_REQUEST_MAX) {
		parsed = policyd_parse(&parser, block, sizeof(block), &used,
				       &why);
		total += used;
	}
	assert_int_equal(parsed, POLICYD_BAD);
	assert_int_equal(total, POLICYD_REQUEST_MAX + 1);
	assert_string_equal(why, "a request that is too long");
}

/* ---- what geoblockd says ------------------------------------------------------ */

static void test_looks(void **state)
{
	static const struct {
		const char *line;
		bool ok;
		enum policyd_seen seen;
		enum os_class os;
		unsigned confidence;
	} rows[] = {
		{ "seen=connection os=windows name=\"Windows\" confidence=93 "
		  "raw=\"4:128\"",
		  true, POLICYD_SEEN_CONNECTION, OS_WINDOWS, 93 },
		{ "seen=address os=linux confidence=100", true,
		  POLICYD_SEEN_ADDRESS, OS_LINUX, 100 },
		{ "seen=connection os=unknown confidence=0", true,
		  POLICYD_SEEN_CONNECTION, OS_UNKNOWN, 0 },
		{ "seen=no verdict=reset", true, POLICYD_UNSEEN, 0, 0 },
		{ "seen=perhaps os=linux confidence=9", false, 0, 0, 0 },
		{ "seen=connection", false, 0, 0, 0 },
		{ "seen=connection os=linux", false, 0, 0, 0 },
		{ "seen=connection os=beos confidence=9", false, 0, 0, 0 },
		{ "seen=connection os=linux confidence=101", false, 0, 0, 0 },
		{ "seen=connection os=linux confidence=", false, 0, 0, 0 },
		{ "seen=connection os=linux confidence=-1", false, 0, 0, 0 },
		{ "seen=connection os=linux confidence=356", false, 0, 0, 0 },
		{ "error=\"no address\"", false, 0, 0, 0 },
		{ "", false, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct policyd_looks looks;

		print_message("%s\n", rows[i].line);
		assert_int_equal(policyd_looks_read(rows[i].line, &looks),
				 rows[i].ok);
		assert_int_equal(looks.seen, rows[i].seen);
		assert_int_equal(looks.os, rows[i].os);
		assert_int_equal(looks.confidence, rows[i].confidence);
		assert_false(looks.alike);
	}
}

static void test_looks_alike(void **state)
{
	struct policyd_looks looks;

	(void)state;
	assert_true(policyd_looks_read("seen=connection os=windows "
				       "confidence=93 alike=yes",
				       &looks));
	assert_true(looks.alike);
}

/* ---- the answer ----------------------------------------------------------------- */

static struct conf conf;

static int setup(void **state)
{
	static char contact[] = "https://mail.example.com/blocked";
	struct policy *policy = &conf.policy;

	(void)state;
	memset(&conf, 0, sizeof(conf));
	conf.contact = contact;
	conf.policyd_header = true;
	policy->rule_count = 2;
	snprintf(policy->rules[0].title, RULE_TITLE_MAX, "bot \"abroad\"");
	policy->rules[0].has_os = true;
	policy->rules[0].os = 1 << OS_WINDOWS;
	policy->rules[0].min_confidence = 80;
	policy->rules[0].action = ACTION_DROP;
	snprintf(policy->rules[1].title, RULE_TITLE_MAX, "doubtful");
	policy->rules[1].has_rdns = true;
	policy->rules[1].rdns = 1 << RDNS_GENERIC;
	policy->rules[1].action = ACTION_GREYLIST;
	return 0;
}

static struct policyd_ruling ruling_of(enum os_class os, enum rdns_class rdns)
{
	struct policyd_ruling ruling = {
		.client = { .family = 4, .value = 0x052b001a },
		.subject = { .country = COUNTRY('P', 'T'),
			     .has_os = true,
			     .os = os,
			     .confidence = 93,
			     .has_rdns = true,
			     .rdns = rdns },
		.greylist = { .answer = GREYLIST_NEW, .wait_s = 300 },
	};

	ruling.verdict = policyd_decide(&conf.policy, &ruling.subject);
	return ruling;
}

static const char *reply_to(const struct policyd_ruling *ruling)
{
	static char buf[POLICYD_REPLY_MAX];
	size_t len = policyd_reply(&conf, ruling, policyd_action(&conf, ruling),
				   buf);

	assert_int_equal(len, strlen(buf));
	return buf;
}

static void test_replies(void **state)
{
	struct policyd_ruling ruling = ruling_of(OS_WINDOWS, RDNS_NONE);

	(void)state;
	/* a drop is refused here, as there is no silence left to give */
	assert_string_equal(
		reply_to(&ruling),
		"action=REJECT 5.7.1 No mail is accepted here from 5.43.0.26: "
		"country PT (Portugal), system windows, no reverse DNS, rule "
		"\"bot \"abroad\"\"; see https://mail.example.com/blocked\n\n");
	ruling = ruling_of(OS_LINUX, RDNS_GENERIC);
	assert_string_equal(
		reply_to(&ruling),
		"action=DEFER_IF_PERMIT 4.7.1 Greylisted, try again in 300 s: "
		"5.43.0.26, country PT (Portugal), system linux, a generic "
		"name in reverse DNS, rule \"doubtful\"; see "
		"https://mail.example.com/blocked\n\n");
	ruling.greylist.answer = GREYLIST_PASSED;
	assert_string_equal(reply_to(&ruling),
			    "action=PREPEND X-Geoblock: country=PT; os=linux; "
			    "confidence=93; rdns=generic; rule=\"doubtful\"; "
			    "verdict=greylist; greylist=passed\n\n");
	ruling.greylist.answer = GREYLIST_UNABLE;
	assert_int_equal(policyd_action(&conf, &ruling), POLICYD_PREPEND);
	conf.policy.audit = true;
	ruling = ruling_of(OS_WINDOWS, RDNS_OK);
	assert_string_equal(
		reply_to(&ruling),
		"action=PREPEND X-Geoblock: country=PT; os=windows; "
		"confidence=93; rdns=ok; rule=\"bot \\\"abroad\\\"\"; "
		"verdict=refuse; audit=yes\n\n");
	ruling.greylist.answer = GREYLIST_NEW;
	conf.policyd_header = false;
	assert_string_equal(reply_to(&ruling), "action=DUNNO\n\n");
}

static void test_unknown(void **state)
{
	struct policyd_ruling ruling = { .client = { .family = 6,
						     .value = 1 } };

	(void)state;
	ruling.verdict = policyd_decide(&conf.policy, &ruling.subject);
	assert_string_equal(reply_to(&ruling),
			    "action=PREPEND X-Geoblock: rule=\"default\"; "
			    "verdict=accept\n\n");
	ruling.subject.exempt = true;
	ruling.verdict = policyd_decide(&conf.policy, &ruling.subject);
	assert_string_equal(reply_to(&ruling), "action=DUNNO\n\n");
	ruling.subject.exempt = false;
	conf.policy.default_action = ACTION_TAG;
	conf.policyd_header = false;
	ruling.verdict = policyd_decide(&conf.policy, &ruling.subject);
	assert_int_equal(policyd_action(&conf, &ruling), POLICYD_PREPEND);
	conf.policy.default_action = ACTION_RESET;
	conf.contact = NULL;
	ruling.verdict = policyd_decide(&conf.policy, &ruling.subject);
	assert_string_equal(reply_to(&ruling),
			    "action=REJECT 5.7.1 No mail is accepted here from "
			    "::1: country unknown, rule \"default\"\n\n");
}

/* The longest of everything, in bytes that no reply may have. */
static void test_longest(void **state)
{
	static char contact[201];
	struct policyd_ruling ruling;
	const char *reply;

	(void)state;
	memset(contact, 'c', sizeof(contact) - 1);
	conf.contact = contact;
	memset(conf.policy.rules[0].title, 0xc3, RULE_TITLE_MAX - 1);
	ruling = ruling_of(OS_WINDOWS, RDNS_MISMATCH);
	ruling.client = (struct addr){ .family = 6, .value = ADDR6_MAX };
	reply = reply_to(&ruling);
	assert_true(strlen(reply) < POLICYD_REPLY_MAX);
	assert_ptr_equal(strchr(reply, '\n'), reply + strlen(reply) - 2);
	for (const char *p = reply; *p != '\n'; p++)
		assert_in_range(*p, 0x20, 0x7e);
	assert_non_null(strstr(reply, contact));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_looks),
		cmocka_unit_test(test_looks_alike),
		cmocka_unit_test_setup(test_replies, setup),
		cmocka_unit_test_setup(test_unknown, setup),
		cmocka_unit_test_setup(test_longest, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
