// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <geoblock/policy.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

#define US      COUNTRY('U', 'S')
#define PT      COUNTRY('P', 'T')
#define RDNS(x) (uint8_t)(1u << RDNS_##x)
#define OS(x)   (uint16_t)(1u << OS_##x)

static struct rule *add(struct policy *policy, const char *title,
			enum action action)
{
	struct rule *rule = &policy->rules[policy->rule_count++];

	snprintf(rule->title, sizeof(rule->title), "%s", title);
	rule->action = action;
	return rule;
}

static struct rule *add_outside(struct policy *policy, const char *title,
				enum action action)
{
	struct rule *rule = add(policy, title, action);

	rule->has_country = true;
	rule->country = policy->allowed;
	country_set_invert(&rule->country);
	return rule;
}

static void needs_os(struct rule *rule, unsigned os, uint8_t confidence)
{
	rule->has_os = true;
	rule->os = (uint16_t)os;
	rule->min_confidence = confidence;
}

/* The rules that are shipped, with the US at home. */
static void shipped(struct policy *policy)
{
	struct rule *rule;

	memset(policy, 0, sizeof(*policy));
	policy->deny_action = ACTION_RESET;
	country_set_add(&policy->allowed, US);
	needs_os(add_outside(policy, "bot abroad", ACTION_DROP), OS(WINDOWS),
		 80);
	add_outside(policy, "abroad", ACTION_RESET);
	rule = add(policy, "bot at home", ACTION_REFUSE);
	needs_os(rule, OS(WINDOWS), 80);
	rule->has_rdns = true;
	rule->rdns = RDNS(NONE) | RDNS(GENERIC);
	needs_os(add(policy, "windows", ACTION_GREYLIST), OS(WINDOWS), 60);
}

static void test_names(void **state)
{
	enum action action;
	enum rdns_class rdns;

	(void)state;
	for (int i = 0; i < ACTION_COUNT; i++) {
		assert_true(action_parse(action_name((enum action)i), &action));
		assert_int_equal(action, i);
	}
	for (int i = 0; i < RDNS_CLASS_COUNT; i++) {
		assert_true(rdns_class_parse(
			rdns_class_name((enum rdns_class)i), &rdns));
		assert_int_equal(rdns, i);
	}
	assert_false(action_parse("Drop", &action));
	assert_false(rdns_class_parse("", &rdns));
	assert_string_equal(stage_name(STAGE_KERNEL), "kernel");
	assert_string_equal(stage_name(STAGE_SYN), "syn");
	assert_string_equal(stage_name(STAGE_SMTP), "smtp");
}

static void test_rule_stage(void **state)
{
	struct rule rule = { 0 };

	(void)state;
	assert_int_equal(rule_stage(&rule), STAGE_KERNEL);
	rule.has_country = true;
	assert_int_equal(rule_stage(&rule), STAGE_KERNEL);
	rule.has_confidence = true;
	assert_int_equal(rule_stage(&rule), STAGE_SYN);
	rule.has_confidence = false;
	rule.has_os = true;
	assert_int_equal(rule_stage(&rule), STAGE_SYN);
	rule.has_rdns = true;
	assert_int_equal(rule_stage(&rule), STAGE_SMTP);
}

/* The shipped policy, subject by subject. */
static const struct {
	struct subject subject;
	const char *title;
	enum action action;
	enum stage stage;
} cases[] = {
	/* the address alone */
	{ { .country = US }, "default", ACTION_ACCEPT, STAGE_KERNEL },
	{ { .country = PT }, "abroad", ACTION_RESET, STAGE_KERNEL },
	{ { .country = COUNTRY_NONE }, "abroad", ACTION_RESET, STAGE_KERNEL },
	{ { .country = PT, .exempt = true },
	  "exempt",
	  ACTION_ACCEPT,
	  STAGE_KERNEL },
	{ { .country = US, .denied = true },
	  "deny",
	  ACTION_RESET,
	  STAGE_KERNEL },
	{ { .country = US, .denied = true, .exempt = true },
	  "exempt",
	  ACTION_ACCEPT,
	  STAGE_KERNEL },
	/* and the SYN */
	{ { .country = PT, .has_os = true, .os = OS_WINDOWS, .confidence = 80 },
	  "bot abroad",
	  ACTION_DROP,
	  STAGE_SYN },
	{ { .country = PT, .has_os = true, .os = OS_WINDOWS, .confidence = 79 },
	  "abroad",
	  ACTION_RESET,
	  STAGE_SYN },
	{ { .country = PT, .has_os = true, .os = OS_LINUX, .confidence = 99 },
	  "abroad",
	  ACTION_RESET,
	  STAGE_SYN },
	{ { .country = US, .has_os = true, .os = OS_WINDOWS, .confidence = 60 },
	  "windows",
	  ACTION_GREYLIST,
	  STAGE_SYN },
	{ { .country = US, .has_os = true, .os = OS_WINDOWS, .confidence = 59 },
	  "default",
	  ACTION_ACCEPT,
	  STAGE_SYN },
	{ { .country = US, .has_os = true, .os = OS_LINUX, .confidence = 90 },
	  "default",
	  ACTION_ACCEPT,
	  STAGE_SYN },
	/* and reverse DNS */
	{ { .country = US,
	    .has_os = true,
	    .os = OS_WINDOWS,
	    .confidence = 90,
	    .has_rdns = true,
	    .rdns = RDNS_GENERIC },
	  "bot at home",
	  ACTION_REFUSE,
	  STAGE_SMTP },
	{ { .country = US,
	    .has_os = true,
	    .os = OS_WINDOWS,
	    .confidence = 90,
	    .has_rdns = true,
	    .rdns = RDNS_OK },
	  "windows",
	  ACTION_GREYLIST,
	  STAGE_SMTP },
	/* settled by the SYN, whatever the name says */
	{ { .country = US,
	    .has_os = true,
	    .os = OS_LINUX,
	    .confidence = 90,
	    .has_rdns = true,
	    .rdns = RDNS_NONE },
	  "default",
	  ACTION_ACCEPT,
	  STAGE_SYN },
	{ { .country = US, .has_rdns = true, .rdns = RDNS_NONE },
	  "default",
	  ACTION_ACCEPT,
	  STAGE_KERNEL },
};

static void test_decide(void **state)
{
	struct policy policy;

	(void)state;
	shipped(&policy);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct verdict v = policy_decide(&policy, &cases[i].subject);

		if (strcmp(rule_title(&policy, v.rule), cases[i].title) != 0)
			fail_msg("case %zu: rule \"%s\", not \"%s\"", i,
				 rule_title(&policy, v.rule), cases[i].title);
		assert_int_equal(v.action, cases[i].action);
		if (v.stage != cases[i].stage)
			fail_msg("case %zu: stage %s", i, stage_name(v.stage));
	}
}

static void test_decide_no_condition(void **state)
{
	struct policy policy = { .default_action = ACTION_DROP };
	struct subject subject = { .country = PT };

	(void)state;
	assert_int_equal(policy_decide(&policy, &subject).action, ACTION_DROP);
	add(&policy, "everybody", ACTION_TAG);
	assert_int_equal(policy_decide(&policy, &subject).action, ACTION_TAG);
	assert_int_equal(policy_decide(&policy, &subject).rule, 0);
}

/* "unknown" is an answer of which there is no degree. */
static void test_decide_unknown_os(void **state)
{
	struct policy policy = { 0 };
	struct subject subject = { .has_os = true, .os = OS_UNKNOWN };
	struct rule *rule;

	(void)state;
	rule = add(&policy, "stranger", ACTION_DROP);
	needs_os(rule, OS(UNKNOWN) | OS(SCANNER), 80);
	assert_int_equal(policy_decide(&policy, &subject).rule, 0);
	subject.os = OS_SCANNER;
	assert_int_equal(policy_decide(&policy, &subject).rule, RULE_DEFAULT);
	subject.confidence = 80;
	assert_int_equal(policy_decide(&policy, &subject).rule, 0);

	/* min-confidence alone: some class, known well enough */
	rule->has_os = false;
	rule->has_confidence = true;
	assert_int_equal(policy_decide(&policy, &subject).rule, 0);
	subject.os = OS_UNKNOWN;
	assert_int_equal(policy_decide(&policy, &subject).rule, RULE_DEFAULT);
}

static const struct {
	const char *title, *want;
} counters[] = {
	{ "abroad", "abroad" },
	{ "bot abroad", "bot-abroad" },
	{ "  bot -- abroad! ", "bot-abroad" },
	{ "Bot_Abroad 2", "Bot_Abroad-2" },
	{ "2 many", "rule-2-many" },
	{ "_x", "_x" },
	{ "drop", "drop-rule" },
	{ "tcp", "tcp-rule" },
	{ "drop it", "drop-it" },
	{ "Drop", "Drop" },
	{ "caf\xc3\xa9 con leche", "caf-con-leche" },
	{ "...", "rule-1" },
	{ "a23456789 123456789 123456789 123456789",
	  "a23456789-123456789-123456789-1" },
	{ "a23456789 123456789 1234567890 23456789",
	  "a23456789-123456789-1234567890" },
	{ "123456789 123456789 123456789 123456789",
	  "rule-123456789-123456789-123456" },
};

static void test_counter(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(counters); i++) {
		struct policy policy = { 0 };
		char buf[RULE_COUNTER_MAX];

		add(&policy, counters[i].title, ACTION_DROP);
		assert_string_equal(rule_counter(&policy, 0, buf),
				    counters[i].want);
		assert_string_equal(rule_counter(&policy, RULE_DEFAULT, buf),
				    "default");
		assert_string_equal(rule_counter(&policy, RULE_EXEMPT, buf),
				    "exempt");
		assert_string_equal(rule_counter(&policy, RULE_DENY, buf),
				    "deny");
	}
}

static void test_split(void **state)
{
	struct policy policy;
	struct policy_split split;
	struct rule *rule;

	(void)state;
	shipped(&policy);
	policy_split(&policy, &split);
	/* "abroad" is the rest; at home is what the default accepts */
	assert_int_equal(split.rest.rule, 1);
	assert_int_equal(split.rest.action, ACTION_RESET);
	assert_true(split.rest_needs_syn);
	assert_true(split.classes[0].needs_syn);
	assert_int_equal(split.class_count, 1);
	assert_int_equal(split.classes[0].verdict.rule, RULE_DEFAULT);
	assert_int_equal(country_set_count(&split.classes[0].countries), 1);
	assert_true(country_set_has(&split.classes[0].countries, US));
	assert_false(split.classes[0].countries.unknown);

	/* classes come in the rules' order, whatever the alphabet says */
	memset(&policy, 0, sizeof(policy));
	rule = add(&policy, "z", ACTION_DROP);
	rule->has_country = true;
	country_set_add(&rule->country, COUNTRY('Z', 'A'));
	rule = add(&policy, "nobody", ACTION_DROP);
	rule->has_country = true;
	country_set_add(&rule->country, COUNTRY('Z', 'A'));
	rule = add(&policy, "a", ACTION_RESET);
	rule->has_country = true;
	country_set_add(&rule->country, COUNTRY('A', 'D'));
	rule = add(&policy, "unknown", ACTION_TAG);
	rule->has_country = true;
	rule->country.unknown = true;
	policy_split(&policy, &split);
	assert_int_equal(split.rest.rule, 3);
	assert_int_equal(split.class_count, 3);
	assert_int_equal(split.classes[0].verdict.rule, 0);
	assert_int_equal(split.classes[1].verdict.rule, 2);
	assert_int_equal(split.classes[2].verdict.rule, RULE_DEFAULT);
	assert_int_equal(country_set_count(&split.classes[2].countries),
			 COUNTRY_INDEXES - 2);
}

static uint64_t rng;

static unsigned below(unsigned bound)
{
	rng ^= rng << 13; /* Marsaglia's xorshift64 */
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned)(rng >> 33) % bound;
}

static void random_countries(struct country_set *set)
{
	static const uint8_t densities[] = { 1, 20, 200, 255 };
	unsigned density = densities[below(LENGTH(densities))];
	struct country_set every = { 0 };
	country_t cc = COUNTRY_NONE;

	country_set_fill(&every);
	while ((cc = country_set_next(&every, cc)))
		if (below(256) < density)
			country_set_add(set, cc);
	set->unknown = below(2);
}

static void random_policy(struct policy *policy)
{
	size_t count = below(3) ? below(6) : below(RULES_MAX + 1);

	memset(policy, 0, sizeof(*policy));
	policy->default_action = (enum action)below(ACTION_COUNT);
	for (size_t i = 0; i < count; i++) {
		struct rule *rule =
			add(policy, "r", (enum action)below(ACTION_COUNT));

		rule->has_country = below(8) != 0;
		rule->has_os = below(3) == 0;
		rule->has_rdns = below(4) == 0;
		rule->has_confidence = below(6) == 0;
		random_countries(&rule->country);
		rule->os = (uint16_t)below(1 << OS_CLASS_COUNT);
		rule->rdns = (uint8_t)below(1 << RDNS_CLASS_COUNT);
		rule->min_confidence = (uint8_t)below(101);
	}
}

/* What a country's verdict is, worked out the pedestrian way. */
static int naive(const struct policy *policy, country_t cc)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (rule->has_os || rule->has_confidence || rule->has_rdns)
			continue;
		if (!rule->has_country ||
		    (cc ? country_set_has(&rule->country, cc)
			: rule->country.unknown))
			return (int)i;
	}
	return RULE_DEFAULT;
}

/* The kernel's answer: its class of a country. */
static struct policy_class in_split(const struct policy_split *split,
				    country_t cc)
{
	struct policy_class found = { .verdict = split->rest,
				      .needs_syn = split->rest_needs_syn };
	int hits = 0;

	for (size_t i = 0; i < split->class_count; i++)
		if (cc && country_set_has(&split->classes[i].countries, cc)) {
			found = split->classes[i];
			hits++;
		}
	assert_true(hits <= 1); /* the classes are disjoint */
	return found;
}

/* Random policies, every country there can be: split = list.  GEOBLOCK_SEED
 * repeats a run. */
static void test_split_equals_list(void **state)
{
	const char *seed = getenv("GEOBLOCK_SEED");
	static struct policy policy;
	static struct policy_split split;
	struct country_set every = { 0 };

	(void)state;
	rng = seed ? strtoull(seed, NULL, 0) : 0x9e3779b97f4a7c15;
	country_set_fill(&every);
	for (int round = 0; round < 200; round++) {
		uint64_t before = rng;
		country_t cc = COUNTRY_NONE;

		random_policy(&policy);
		policy_split(&policy, &split);
		do {
			struct subject subject = { .country = cc };
			struct verdict v = policy_decide(&policy, &subject);

			if (in_split(&split, cc).verdict.rule != v.rule ||
			    naive(&policy, cc) != v.rule ||
			    v.stage != STAGE_KERNEL)
				fail_msg("GEOBLOCK_SEED=%#llx, country %d",
					 (unsigned long long)before, cc);
			cc = country_set_next(&every, cc);
		} while (cc);
		for (size_t i = 0; i < split.class_count; i++) {
			assert_true(country_set_count(
					    &split.classes[i].countries) > 0);
			assert_true(split.classes[i].verdict.rule !=
					    split.rest.rule ||
				    split.classes[i].verdict.action !=
					    split.rest.action ||
				    split.classes[i].needs_syn !=
					    split.rest_needs_syn);
		}
	}
}

static void random_subject(struct subject *subject)
{
	memset(subject, 0, sizeof(*subject));
	subject->country = below(4) ? COUNTRY('A' + below(26), 'A' + below(26))
				    : COUNTRY_NONE;
	subject->os = (enum os_class)below(OS_CLASS_COUNT);
	subject->confidence = (uint8_t)below(101);
	subject->rdns = (enum rdns_class)below(RDNS_CLASS_COUNT);
	subject->has_os = subject->has_rdns = true;
}

/* verdict.stage holds what it promises: forget every fact of later stages and
 * the verdict is the same; forget those of its own stage as well and the stage
 * cannot be the same. */
static void test_stage_is_enough(void **state)
{
	static struct policy policy;

	(void)state;
	rng = 0x2545f4914f6cdd1d;
	for (int round = 0; round < 2000; round++) {
		struct subject subject;
		struct verdict whole, early;

		random_policy(&policy);
		random_subject(&subject);
		whole = policy_decide(&policy, &subject);
		if (whole.stage < STAGE_SMTP)
			subject.has_rdns = false;
		if (whole.stage < STAGE_SYN)
			subject.has_os = false;
		early = policy_decide(&policy, &subject);
		assert_int_equal(early.rule, whole.rule);
		assert_int_equal(early.stage, whole.stage);
		subject.has_rdns = false;
		if (whole.stage <= STAGE_SYN)
			subject.has_os = false;
		early = policy_decide(&policy, &subject);
		assert_true(whole.stage == STAGE_KERNEL ||
			    early.stage < whole.stage);
	}
}

/* Which senders a rule holds back, and which need looking at. */
static void test_step(void **state)
{
	struct policy policy = { 0 };
	struct subject subject = { .country = PT };
	struct rule *rule;

	(void)state;
	country_set_add(&policy.allowed, US);
	rule = add(&policy, "known name", ACTION_ACCEPT);
	rule->has_rdns = true;
	rule->rdns = RDNS(OK);
	needs_os(rule, OS(LINUX), 60);
	add_outside(&policy, "abroad", ACTION_RESET);
	/* may yet be a Linux with a good name */
	assert_int_equal(policy_decide(&policy, &subject).action, ACTION_RESET);
	assert_int_equal(policy_step(&policy, &subject).action, ACTION_REFUSE);
	assert_int_equal(policy_step(&policy, &subject).rule, 1);
	assert_true(policy_needs_syn(&policy, &subject));
	subject.has_os = true;
	subject.os = OS_LINUX;
	subject.confidence = 60;
	assert_int_equal(policy_step(&policy, &subject).action, ACTION_REFUSE);
	/* no Linux: settled */
	subject.confidence = 59;
	assert_int_equal(policy_step(&policy, &subject).action, ACTION_RESET);
	/* the name is known */
	subject.confidence = 60;
	subject.has_rdns = true;
	subject.rdns = RDNS_NONE;
	assert_int_equal(policy_step(&policy, &subject).action, ACTION_RESET);
	subject.rdns = RDNS_OK;
	assert_int_equal(policy_step(&policy, &subject).action, ACTION_ACCEPT);
	/* behind the rule that decides nothing is asked any more */
	policy.rules[2] = policy.rules[0];
	policy.rules[0] = policy.rules[1];
	policy.rules[1] = policy.rules[2];
	subject = (struct subject){ .country = PT };
	assert_int_equal(policy_step(&policy, &subject).action, ACTION_RESET);
	assert_false(policy_needs_syn(&policy, &subject));
	subject.country = US;
	assert_true(policy_needs_syn(&policy, &subject));
	subject.denied = true;
	assert_false(policy_needs_syn(&policy, &subject));
}

static bool is_gone(const struct verdict *verdict)
{
	return verdict->action == ACTION_DROP ||
	       verdict->action == ACTION_RESET;
}

/* The three programs, each with what it can know: the kernel the address, the
 * daemon the SYN's looks of those it is shown, the policy service the name, and
 * the looks that the daemon remembers. */
static struct verdict composed(const struct policy *policy,
			       const struct policy_split *split,
			       const struct subject *facts)
{
	struct policy_class kernel = in_split(split, facts->country);
	struct verdict verdict = kernel.verdict;
	struct subject known = *facts;

	known.has_rdns = false;
	if (facts->exempt || facts->denied) {
		/* looked up first; never shown to the daemon */
		known.has_os = false;
		verdict = policy_step(policy, &known);
	} else if (kernel.needs_syn) {
		verdict = policy_step(policy, &known);
	} else {
		known.has_os = false;
	}
	if (is_gone(&verdict))
		return verdict;
	known.has_rdns = facts->has_rdns;
	return policy_decide(policy, &known);
}

static void test_stages_equal_list(void **state)
{
	const char *seed = getenv("GEOBLOCK_SEED");
	static struct policy policy;
	static struct policy_split split;
	unsigned held = 0, shown = 0, gone = 0;

	(void)state;
	rng = seed ? strtoull(seed, NULL, 0) : 0xd1b54a32d192ed03;
	for (int round = 0; round < 300; round++) {
		uint64_t before = rng;

		random_policy(&policy);
		policy_split(&policy, &split);
		for (int i = 0; i < 300; i++) {
			struct subject subject;
			struct verdict whole, got;

			random_subject(&subject);
			subject.exempt = below(20) == 0;
			subject.denied = below(20) == 0;
			whole = policy_decide(&policy, &subject);
			got = composed(&policy, &split, &subject);
			if (got.rule != whole.rule ||
			    got.action != whole.action)
				fail_msg("GEOBLOCK_SEED=%#llx: staged rule %d, "
					 "list %d",
					 (unsigned long long)before, got.rule,
					 whole.rule);
			got = in_split(&split, subject.country).verdict;
			gone += is_gone(&got);
			held += got.action == ACTION_REFUSE;
			shown += in_split(&split, subject.country).needs_syn;
		}
	}
	/* the cases that make it worth while were among them */
	assert_true(held > 1000 && shown > 1000 && gone > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_rule_stage),
		cmocka_unit_test(test_decide),
		cmocka_unit_test(test_decide_no_condition),
		cmocka_unit_test(test_decide_unknown_os),
		cmocka_unit_test(test_counter),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_split_equals_list),
		cmocka_unit_test(test_stage_is_enough),
		cmocka_unit_test(test_step),
		cmocka_unit_test(test_stages_equal_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
