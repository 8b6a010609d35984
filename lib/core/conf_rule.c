// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules, and those that are shipped. */
#include "conf_impl.h"

#include <stdlib.h>
#include <string.h>

#include <geoblock/words.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* Where confidence is not asked for: an action that can lose mail wants more.
 */
#define CONFIDENCE_SOFT 60
#define CONFIDENCE_HARD 80

static uint8_t default_confidence(enum action action)
{
	return action == ACTION_DROP || action == ACTION_RESET ||
			       action == ACTION_REFUSE
		       ? CONFIDENCE_HARD
		       : CONFIDENCE_SOFT;
}

bool conf_action(struct conf_reader *r, const struct conf_setting *setting,
		 enum action *out)
{
	const char *words[ACTION_COUNT];

	if (action_parse(setting->values[0].text, out))
		return true;
	for (int i = 0; i < ACTION_COUNT; i++)
		words[i] = action_name((enum action)i);
	conf_say_word(r, &setting->values[0], "action", words, ACTION_COUNT);
	return false;
}

/* ---- conditions ---- */

static void outside(struct country_set *set, const struct country_set *allowed)
{
	struct country_set others = *allowed;

	country_set_invert(&others);
	country_set_union(set, &others);
}

static void empty_list(struct conf_reader *r,
		       const struct conf_setting *setting)
{
	conf_fail(r, r->path, setting->line,
		  "an empty \"%s\" would never match; leave it out to match "
		  "always",
		  setting->option->name);
}

static void add_country(struct conf_reader *r, const struct conf_value *value)
{
	static const char *const words[] = { "allowed", "outside", "unknown" };
	const struct country_set *allowed = &r->conf->policy.allowed;
	struct country_set *set = &r->rule->country;
	const char *near;
	struct error err;

	switch (words_find(words, LENGTH(words), value->text)) {
	case 0:
		r->needs_countries = true;
		country_set_union(set, allowed);
		return;
	case 1:
		r->needs_countries = true;
		outside(set, allowed);
		return;
	case 2:
		set->unknown = true;
		return;
	}
	if (country_set_add_word(set, value->text, &err))
		return;
	near = words_nearest(words, LENGTH(words), value->text);
	if (near)
		conf_fail(r, r->path, value->line,
			  "\"%.80s\" is no country; did you mean \"%s\"?",
			  value->text, near);
	else
		conf_fail(r, r->path, value->line, "%s", err.text);
}

void conf_set_rule_country(struct conf_reader *r,
			   const struct conf_setting *setting)
{
	r->rule->has_country = true;
	if (setting->count == 0)
		empty_list(r, setting);
	for (size_t i = 0; i < setting->count; i++)
		add_country(r, &setting->values[i]);
}

void conf_set_rule_os(struct conf_reader *r, const struct conf_setting *setting)
{
	const char *words[OS_CLASS_COUNT];
	enum os_class os;

	for (int i = 0; i < OS_CLASS_COUNT; i++)
		words[i] = os_class_name((enum os_class)i);
	r->rule->has_os = true;
	if (setting->count == 0)
		empty_list(r, setting);
	for (size_t i = 0; i < setting->count; i++)
		if (os_class_parse(setting->values[i].text, &os))
			r->rule->os |= (uint16_t)(1u << os);
		else
			conf_say_word(r, &setting->values[i], "os", words,
				      OS_CLASS_COUNT);
}

void conf_set_rule_rdns(struct conf_reader *r,
			const struct conf_setting *setting)
{
	const char *words[RDNS_CLASS_COUNT];
	enum rdns_class rdns;

	for (int i = 0; i < RDNS_CLASS_COUNT; i++)
		words[i] = rdns_class_name((enum rdns_class)i);
	r->rule->has_rdns = true;
	if (setting->count == 0)
		empty_list(r, setting);
	for (size_t i = 0; i < setting->count; i++)
		if (rdns_class_parse(setting->values[i].text, &rdns))
			r->rule->rdns |= (uint8_t)(1u << rdns);
		else
			conf_say_word(r, &setting->values[i], "rdns", words,
				      RDNS_CLASS_COUNT);
}

void conf_set_rule_confidence(struct conf_reader *r,
			      const struct conf_setting *setting)
{
	const struct conf_value *value = &setting->values[0];
	unsigned long number;

	r->rule->has_confidence = true;
	if (conf_number(value->text, 0, 100, &number))
		r->rule->min_confidence = (uint8_t)number;
	else
		conf_fail(r, r->path, value->line,
			  "\"%.80s\" is no number from 0 to 100", value->text);
}

void conf_set_rule_action(struct conf_reader *r,
			  const struct conf_setting *setting)
{
	r->rule_has_action = true;
	conf_action(r, setting, &r->rule->action);
}

/* ---- one rule ---- */

static bool has_letter(const char *title)
{
	return strpbrk(title, "abcdefghijklmnopqrstuvwxyz"
			      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != NULL;
}

/* Counters are named after titles, so two may not come out the same. */
static void check_title(struct conf_reader *r, const struct rule *rule)
{
	static const int others[] = { RULE_DEFAULT, RULE_EXEMPT, RULE_DENY };
	const struct policy *policy = &r->conf->policy;
	int self = (int)(rule - policy->rules);
	char mine[RULE_COUNTER_MAX], other[RULE_COUNTER_MAX];

	rule_counter(policy, self, mine);
	for (size_t i = 0; i < LENGTH(others); i++)
		if (strcmp(mine, rule_counter(policy, others[i], other)) == 0)
			conf_fail(r, r->path, rule->line,
				  "a rule cannot be called \"%s\": its counter "
				  "\"%s\" is there already",
				  rule->title, mine);
	for (int i = 0; i < self; i++) {
		if (strcmp(policy->rules[i].title, rule->title) == 0)
			conf_fail(r, r->path, rule->line,
				  "rule \"%s\" is there already, in line %u",
				  rule->title, policy->rules[i].line);
		else if (strcmp(mine, rule_counter(policy, i, other)) == 0)
			conf_fail(
				r, r->path, rule->line,
				"rule \"%s\" and rule \"%s\" of line %u would "
				"share the counter \"%s\"; name one otherwise",
				rule->title, policy->rules[i].title,
				policy->rules[i].line, mine);
	}
}

static bool take_title(struct conf_reader *r,
		       const struct conf_section *section)
{
	size_t len;

	if (!section->title)
		return conf_fail(r, r->path, section->line,
				 "an empty rule; it needs an action at least");
	len = strlen(section->title);
	if (len >= RULE_TITLE_MAX)
		return conf_fail(r, r->path, section->line,
				 "a rule's title has at most %d bytes, not %zu",
				 RULE_TITLE_MAX - 1, len);
	if (!has_letter(section->title))
		return conf_fail(r, r->path, section->line,
				 "a rule's title needs a letter or digit to "
				 "name its counter by; this is \"%s\"",
				 section->title);
	memcpy(r->rule->title, section->title, len + 1);
	return true;
}

static void read_settings(struct conf_reader *r, const struct conf_tree *tree,
			  size_t section)
{
	unsigned first_line[CONF_OPTIONS_MAX] = { 0 };

	for (size_t i = 0; i < tree->setting_count; i++) {
		const struct conf_setting *setting = &tree->settings[i];

		if (setting->section == section &&
		    conf_once(r, setting, first_line))
			setting->option->set(r, setting);
	}
}

static void read_rule(struct conf_reader *r, const struct conf_tree *tree,
		      size_t section)
{
	struct policy *policy = &r->conf->policy;
	struct rule *rule = &policy->rules[policy->rule_count];
	bool titled;

	memset(rule, 0, sizeof(*rule));
	r->rule = rule;
	r->rule_has_action = false;
	rule->line = tree->sections[section].line;
	titled = take_title(r, &tree->sections[section]);
	read_settings(r, tree, section);
	if (!titled)
		return;
	if (!r->rule_has_action)
		conf_fail(
			r, r->path, rule->line,
			"rule \"%s\" has no action: accept, drop, reset, tag, "
			"greylist or refuse",
			rule->title);
	if (!rule->has_confidence)
		rule->min_confidence = default_confidence(rule->action);
	policy->rule_count++;
	check_title(r, rule);
}

/* ---- the rules that are shipped ---- */

static struct rule *ship(struct conf_reader *r, const char *title,
			 enum action action)
{
	struct policy *policy = &r->conf->policy;
	struct rule *rule = &policy->rules[policy->rule_count++];

	memcpy(rule->title, title, strlen(title) + 1);
	rule->action = action;
	rule->min_confidence = default_confidence(action);
	return rule;
}

static void ship_outside(struct conf_reader *r, struct rule *rule)
{
	rule->has_country = true;
	outside(&rule->country, &r->conf->policy.allowed);
}

static void ship_windows(struct rule *rule)
{
	rule->has_os = true;
	rule->os = 1u << OS_WINDOWS;
}

static void ship_rules(struct conf_reader *r)
{
	struct rule *rule;

	rule = ship(r, "bot abroad", ACTION_DROP);
	ship_outside(r, rule);
	ship_windows(rule);
	ship_outside(r, ship(r, "abroad", ACTION_RESET));
	rule = ship(r, "bot at home", ACTION_REFUSE);
	ship_windows(rule);
	rule->has_rdns = true;
	rule->rdns = 1u << RDNS_NONE | 1u << RDNS_GENERIC;
	ship_windows(ship(r, "windows", ACTION_GREYLIST));
	r->needs_countries = true;
}

void conf_rules(struct conf_reader *r, const struct conf_tree *tree)
{
	struct policy *policy = &r->conf->policy;
	bool any = false;

	for (size_t i = 0; i < tree->section_count; i++) {
		if (strcmp(tree->sections[i].name, "rule") != 0)
			continue;
		any = true;
		if (policy->rule_count == RULES_MAX) {
			conf_fail(r, r->path, tree->sections[i].line,
				  "more than %d rules", RULES_MAX);
			return;
		}
		read_rule(r, tree, i);
	}
	if (!any)
		ship_rules(r);
}
