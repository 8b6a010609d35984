// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "daemon/journal.h"

static struct policy policy;
static struct journal journal;

static int setup(void **state)
{
	(void)state;
	memset(&policy, 0, sizeof(policy));
	policy.rule_count = 2;
	snprintf(policy.rules[0].title, RULE_TITLE_MAX, "bot \"abroad\"");
	snprintf(policy.rules[1].title, RULE_TITLE_MAX, "back\\slash");
	journal_init(&journal);
	return 0;
}

static struct decision decision(int rule)
{
	return (struct decision){
		.time = 1767225600,
		.source = { .family = 4, .value = 0x052b001a },
		.sport = 40000,
		.dport = 25,
		.country = COUNTRY('P', 'T'),
		.os = OS_WINDOWS,
		.confidence = 98,
		.verdict = { .action = ACTION_DROP,
			     .rule = rule,
			     .stage = STAGE_SYN },
	};
}

static void test_format(void **state)
{
	struct decision d = decision(0);
	char buf[JOURNAL_LINE_MAX];
	json_t *o;

	(void)state;
	assert_string_equal(
		journal_format(&d, &policy, false, buf),
		"drop address=5.43.0.26 sport=40000 dport=25 country=PT "
		"os=windows confidence=98 rule=\"bot \\\"abroad\\\"\" "
		"stage=syn");
	d.rdns = "generic";
	d.greylist = "new";
	d.audit = true;
	assert_non_null(strstr(journal_format(&d, &policy, false, buf),
			       " stage=syn rdns=generic greylist=new "
			       "audit=yes"));
	d.rdns = d.greylist = NULL;
	d.country = COUNTRY_NONE;
	d.verdict.rule = 1;
	o = json_loads(journal_format(&d, &policy, true, buf), 0, NULL);
	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "time")),
			    "2026-01-01T00:00:00Z");
	assert_string_equal(json_string_value(json_object_get(o, "rule")),
			    "back\\slash");
	assert_string_equal(json_string_value(json_object_get(o, "country")),
			    "");
	assert_true(json_is_true(json_object_get(o, "audit")));
	json_decref(o);
	/* the longest there can be still fits */
	memset(policy.rules[1].title, '"', RULE_TITLE_MAX - 1);
	d.source = (struct addr){ .family = 6, .value = ADDR6_MAX };
	d.sport = d.dport = 65535;
	d.rdns = "mismatch";
	d.greylist = "unable";
	o = json_loads(journal_format(&d, &policy, true, buf), 0, NULL);
	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "greylist")),
			    "unable");
	json_decref(o);
}

static unsigned drained, told;
static char last_line[JOURNAL_LINE_MAX];

static void on_decision(void *ctx, const struct decision *d)
{
	(void)ctx;
	(void)d;
	drained++;
}

static void on_line(void *ctx, const char *line)
{
	(void)ctx;
	told++;
	snprintf(last_line, sizeof(last_line), "%s", line);
}

static unsigned drain(void)
{
	drained = 0;
	journal_drain(&journal, on_decision, NULL);
	return drained;
}

static void test_rate(void **state)
{
	struct decision d = decision(0), other = decision(RULE_DENY);

	(void)state;
	for (int i = 0; i < 1000; i++)
		journal_note(&journal, &d);
	/* one reason's flood leaves the others alone */
	journal_note(&journal, &other);
	assert_int_equal(drain(), JOURNAL_BURST + 1);
	assert_int_equal(drain(), 0);
	assert_int_equal(journal.suppressed_all, 1000 - JOURNAL_BURST);
	told = 0;
	for (int i = 0; i < JOURNAL_TELL_S - 1; i++)
		journal_tick(&journal, &policy, false, on_line, NULL);
	assert_int_equal(told, 0);
	journal_tick(&journal, &policy, false, on_line, NULL);
	assert_int_equal(told, 1);
	assert_string_equal(last_line,
			    "suppressed lines=950 rule=\"bot \\\"abroad\\\"\"");
	for (int i = 0; i < JOURNAL_TELL_S; i++)
		journal_tick(&journal, &policy, true, on_line, NULL);
	assert_int_equal(told, 1); /* told once */
	for (int i = 0; i < 1000; i++)
		journal_note(&journal, &d);
	assert_int_equal(drain(),
			 JOURNAL_BURST); /* and it never grows beyond */
}

static void test_full(void **state)
{
	(void)state;
	for (int round = 0; round < 100; round++) {
		for (size_t i = 0; i < REASONS_MAX; i++)
			journal.allowance[i] = JOURNAL_BURST;
		for (int i = 0; i < JOURNAL_BURST; i++) {
			struct decision d = decision(round % 60);

			journal_note(&journal, &d);
		}
	}
	assert_int_equal(drain(), JOURNAL_ROOM);
	assert_int_equal(journal.suppressed_all,
			 100 * JOURNAL_BURST - JOURNAL_ROOM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_format, setup),
		cmocka_unit_test_setup(test_rate, setup),
		cmocka_unit_test_setup(test_full, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
