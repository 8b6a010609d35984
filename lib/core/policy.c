// SPDX-License-Identifier: GPL-2.0-or-later
/* The policy as a plain list, and what of it the address alone decides.
 *
 * policy_decide() is the reference: it walks the list once with whatever facts
 * there are.  A rule that needs a fact nobody knows yet does not match, so the
 * same walk serves the kernel's view (the country), the daemon's (and the SYN's
 * looks) and the policy service's (and reverse DNS).  policy_split() is that
 * walk for every country there can be; there is no second evaluation to keep in
 * step.  What the walk cannot see is that a rule it passed over may match once
 * more is known: policy_step() and policy_needs_syn() look at those. */
#include <geoblock/policy.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <geoblock/words.h>

#include "nft_name.h"

static const char *const action_names[ACTION_COUNT] = {
	[ACTION_ACCEPT] = "accept",     [ACTION_DROP] = "drop",
	[ACTION_RESET] = "reset",       [ACTION_TAG] = "tag",
	[ACTION_GREYLIST] = "greylist", [ACTION_REFUSE] = "refuse",
};

static const char *const stage_names[STAGE_COUNT] = {
	[STAGE_KERNEL] = "kernel",
	[STAGE_SYN] = "syn",
	[STAGE_SMTP] = "smtp",
};

static const char *const rdns_names[RDNS_CLASS_COUNT] = {
	[RDNS_NONE] = "none",
	[RDNS_GENERIC] = "generic",
	[RDNS_MISMATCH] = "mismatch",
	[RDNS_OK] = "ok",
};

const char *action_name(enum action action)
{
	assert((unsigned)action < ACTION_COUNT);
	return action_names[action];
}

bool action_parse(const char *word, enum action *out)
{
	int found = words_find(action_names, ACTION_COUNT, word);

	if (found < 0)
		return false;
	*out = (enum action)found;
	return true;
}

const char *stage_name(enum stage stage)
{
	assert((unsigned)stage < STAGE_COUNT);
	return stage_names[stage];
}

const char *rdns_class_name(enum rdns_class rdns)
{
	assert((unsigned)rdns < RDNS_CLASS_COUNT);
	return rdns_names[rdns];
}

bool rdns_class_parse(const char *word, enum rdns_class *out)
{
	int found = words_find(rdns_names, RDNS_CLASS_COUNT, word);

	if (found < 0)
		return false;
	*out = (enum rdns_class)found;
	return true;
}

enum stage rule_stage(const struct rule *rule)
{
	if (rule->has_rdns)
		return STAGE_SMTP;
	if (rule->has_os || rule->has_confidence)
		return STAGE_SYN;
	return STAGE_KERNEL;
}

/* Confidence is how sure we are of the class named; where none could be named
 * there is nothing to be sure of. */
static bool looks_match(const struct rule *rule, const struct subject *subject)
{
	if (rule->has_os && !(rule->os >> subject->os & 1))
		return false;
	return subject->os == OS_UNKNOWN
		       ? rule->has_os
		       : subject->confidence >= rule->min_confidence;
}

/* Does the rule match on what is known?  *stage is raised to the stage that the
 * answer rested on. */
static bool rule_matches(const struct rule *rule, const struct subject *subject,
			 enum stage *stage)
{
	if (rule->has_country &&
	    !country_set_has(&rule->country, subject->country))
		return false;
	if (rule->has_os || rule->has_confidence) {
		if (!subject->has_os)
			return false;
		if (*stage < STAGE_SYN)
			*stage = STAGE_SYN;
		if (!looks_match(rule, subject))
			return false;
	}
	if (rule->has_rdns) {
		if (!subject->has_rdns)
			return false;
		*stage = STAGE_SMTP;
		if (!(rule->rdns >> subject->rdns & 1))
			return false;
	}
	return true;
}

struct verdict policy_decide(const struct policy *policy,
			     const struct subject *subject)
{
	struct verdict verdict = { .stage = STAGE_KERNEL };

	if (subject->exempt) {
		verdict.action = ACTION_ACCEPT;
		verdict.rule = RULE_EXEMPT;
		return verdict;
	}
	if (subject->denied) {
		verdict.action = policy->deny_action;
		verdict.rule = RULE_DENY;
		return verdict;
	}
	for (size_t i = 0; i < policy->rule_count; i++)
		if (rule_matches(&policy->rules[i], subject, &verdict.stage)) {
			verdict.action = policy->rules[i].action;
			verdict.rule = (int)i;
			return verdict;
		}
	verdict.action = policy->default_action;
	verdict.rule = RULE_DEFAULT;
	return verdict;
}

/* The rules that stand before the verdict's. */
static size_t rules_before(const struct policy *policy,
			   const struct verdict *verdict)
{
	switch (verdict->rule) {
	case RULE_EXEMPT:
	case RULE_DENY:
		return 0;
	case RULE_DEFAULT:
		return policy->rule_count;
	}
	return (size_t)verdict->rule;
}

/* A rule that waits for reverse DNS only, or for the SYN's looks as well. */
static bool may_match(const struct rule *rule, const struct subject *subject)
{
	if (!rule->has_rdns || subject->has_rdns)
		return false;
	if (rule->has_country &&
	    !country_set_has(&rule->country, subject->country))
		return false;
	return !(rule->has_os || rule->has_confidence) || !subject->has_os ||
	       looks_match(rule, subject);
}

int policy_waits_rdns(const struct policy *policy,
		      const struct subject *subject,
		      const struct verdict *verdict)
{
	size_t before = rules_before(policy, verdict);

	for (size_t i = 0; i < before; i++)
		if (may_match(&policy->rules[i], subject))
			return (int)i;
	return -1;
}

struct verdict policy_step(const struct policy *policy,
			   const struct subject *subject)
{
	struct verdict verdict = policy_decide(policy, subject);

	if ((verdict.action == ACTION_DROP || verdict.action == ACTION_RESET) &&
	    policy_waits_rdns(policy, subject, &verdict) >= 0)
		verdict.action = ACTION_REFUSE;
	return verdict;
}

bool policy_needs_syn(const struct policy *policy,
		      const struct subject *subject)
{
	struct subject address = *subject;
	struct verdict verdict;
	size_t before;

	address.has_os = address.has_rdns = false;
	verdict = policy_decide(policy, &address);
	before = rules_before(policy, &verdict);
	for (size_t i = 0; i < before; i++) {
		const struct rule *rule = &policy->rules[i];

		if ((rule->has_os || rule->has_confidence) &&
		    (!rule->has_country ||
		     country_set_has(&rule->country, subject->country)))
			return true;
	}
	return false;
}

const char *rule_title(const struct policy *policy, int rule)
{
	switch (rule) {
	case RULE_DEFAULT:
		return "default";
	case RULE_EXEMPT:
		return "exempt";
	case RULE_DENY:
		return "deny";
	}
	assert(rule >= 0 && (size_t)rule < policy->rule_count);
	return policy->rules[rule].title;
}

static bool is_part(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

/* Runs of anything but letters, digits and '_' become one '-', none at the
 * ends. */
static size_t sanitise(const char *title, char *out, size_t size)
{
	size_t used = 0;
	bool gap = false;

	for (const char *p = title; *p && used + 1 < size; p++) {
		if (!is_part(*p)) {
			gap = used > 0;
			continue;
		}
		if (gap && used + 2 >= size)
			break;
		if (gap)
			out[used++] = '-';
		gap = false;
		out[used++] = *p;
	}
	out[used] = '\0';
	return used;
}

const char *rule_counter(const struct policy *policy, int rule,
			 char buf[RULE_COUNTER_MAX])
{
	char name[RULE_COUNTER_MAX];
	size_t used = sanitise(rule_title(policy, rule), name, sizeof(name));

	if (used == 0)
		snprintf(buf, RULE_COUNTER_MAX, "rule-%d", rule + 1);
	else if (!nft_name_valid(name, sizeof(name)))
		snprintf(buf, RULE_COUNTER_MAX, "rule-%.26s", name);
	else if (nft_name_reserved(name))
		snprintf(buf, RULE_COUNTER_MAX, "%.26s-rule", name);
	else
		memcpy(buf, name, used + 1);
	return buf;
}

/* Rules in their order, the default (-1) behind them all; of one rule, what is
 * settled before what is held back, and what needs the SYN last. */
static unsigned rank(const struct verdict *verdict, bool needs_syn)
{
	unsigned rule = verdict->rule == RULE_DEFAULT ? RULES_MAX
						      : (unsigned)verdict->rule;

	return (rule * ACTION_COUNT + verdict->action) * 2 + needs_syn;
}

/* The class of that verdict, made in its place where it is not there yet. */
static struct policy_class *class_of(struct policy_split *split,
				     const struct verdict *verdict,
				     bool needs_syn)
{
	struct policy_class *found = split->classes;
	struct policy_class *end = found + split->class_count;
	unsigned wanted = rank(verdict, needs_syn);

	while (found < end && rank(&found->verdict, found->needs_syn) < wanted)
		found++;
	if (found < end && rank(&found->verdict, found->needs_syn) == wanted)
		return found;
	assert(split->class_count < POLICY_CLASSES_MAX);
	memmove(found + 1, found, (size_t)(end - found) * sizeof(*found));
	memset(found, 0, sizeof(*found));
	found->verdict = *verdict;
	found->needs_syn = needs_syn;
	split->class_count++;
	return found;
}

void policy_split(const struct policy *policy, struct policy_split *out)
{
	struct subject subject = { .country = COUNTRY_NONE };
	struct country_set every = { 0 };
	unsigned rest;

	memset(out, 0, sizeof(*out));
	country_set_fill(&every);
	out->rest = policy_step(policy, &subject);
	out->rest_needs_syn = policy_needs_syn(policy, &subject);
	rest = rank(&out->rest, out->rest_needs_syn);
	while ((subject.country = country_set_next(&every, subject.country))) {
		struct verdict verdict = policy_step(policy, &subject);
		bool needs_syn = policy_needs_syn(policy, &subject);

		if (rank(&verdict, needs_syn) != rest)
			country_set_add(
				&class_of(out, &verdict, needs_syn)->countries,
				subject.country);
	}
}
