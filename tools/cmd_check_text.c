// SPDX-License-Identifier: GPL-2.0-or-later
/* check -v, for people. */
#include <stdio.h>
#include <string.h>

#include "tools/cmd_check.h"
#include "tools/cmd_text.h"
#include "tools/tool.h"

#define TITLE_MAX 24 /* columns of a rule's title; a longer one pushes on */

/* "AT, CH", or with names "AT Austria, CH Switzerland". */
static void add_codes(struct text *text, const struct country_set *set,
		      bool names)
{
	country_t cc = country_set_next(set, COUNTRY_NONE);
	const char *between = "";
	char code[3];

	for (; cc; cc = country_set_next(set, cc)) {
		const char *name = names ? country_name(cc) : NULL;

		text_add(text, "%s%s", between, country_text(cc, code));
		if (name)
			text_add(text, "%c", TEXT_KEEP);
		for (; name && *name; name++)
			text_add(text, "%c", *name == ' ' ? TEXT_KEEP : *name);
		between = ", ";
	}
}

static void add_countries(struct text *text, const struct check_set *set)
{
	bool any = set->word || set->except || country_set_count(&set->codes);

	if (set->word)
		text_add(text, "%s", set->word);
	else if (set->except)
		text_add(text, "every country but ");
	if (!set->word)
		add_codes(text, &set->codes, false);
	if (set->unknown)
		text_add(text, "%swhere no country is known",
			 any ? ", and " : "");
	else if (!any)
		text_add(text, "no country");
}

/* ---- the parts ---- */

static void print_countries(const struct conf *conf)
{
	const struct country_set *allowed = &conf->policy.allowed;
	struct country_set none = { 0 };
	struct check_set set = check_describe(allowed, &none);
	struct text text = { .used = 0 };

	for (size_t i = 0; i < conf->country_word_count; i++)
		text_add(&text, "%s%s", i ? ", " : "", conf->country_words[i]);
	if (text.used == 0)
		text_add(&text, "none");
	text_entry("countries", &text);
	if (conf->country_word_count == 0)
		return;
	text.used = 0;
	if (set.word || set.except) {
		add_countries(&text, &set);
	} else {
		text_add(&text, "%u: ", country_set_count(allowed));
		add_codes(&text, allowed, true);
	}
	text_entry("", &text);
}

static const struct country_group *group_of(const char *word)
{
	if (word[0] != '@')
		return NULL;
	for (const struct country_group *g = country_groups; g->name; g++)
		if (strcasecmp(g->name, word + 1) == 0)
			return g;
	return NULL;
}

static void print_groups(const struct conf *conf)
{
	for (size_t i = 0; i < conf->country_word_count; i++) {
		const char *name = conf->country_words[i];
		const struct country_group *group = group_of(name);
		struct text text = { .used = 0 };

		if (!group)
			continue;
		text_add(&text, "%s: %s", group->title, group->members);
		text_entry(name, &text);
		text_line("", group->source);
	}
}

/* "a, b or c" */
static void add_or(struct text *text, size_t count, unsigned bits,
		   const char *(*name)(unsigned))
{
	unsigned left = (unsigned)__builtin_popcount(bits);

	for (unsigned i = 0; i < count; i++)
		if (bits >> i & 1) {
			left--;
			text_add(text, "%s%s", name(i),
				 left > 1    ? ", "
				 : left == 1 ? " or "
					     : "");
		}
}

static const char *os_name(unsigned os)
{
	return os_class_name((enum os_class)os);
}

static const char *rdns_name(unsigned rdns)
{
	return rdns_class_name((enum rdns_class)rdns);
}

static void add_conditions(struct text *text, const struct conf *conf,
			   const struct rule *rule)
{
	struct check_set set =
		check_describe(&rule->country, &conf->policy.allowed);

	if (rule->has_country)
		add_countries(text, &set);
	if (rule->has_os || rule->has_confidence)
		text_add(text, "%sos ", text->used ? "; " : "");
	if (rule->has_os)
		add_or(text, OS_CLASS_COUNT, rule->os, os_name);
	else if (rule->has_confidence)
		text_add(text, "known");
	if (rule->has_os || rule->has_confidence)
		text_add(text, " (%u%c%%)", rule->min_confidence, TEXT_KEEP);
	if (rule->has_rdns) {
		text_add(text, "%srdns ", text->used ? "; " : "");
		add_or(text, RDNS_CLASS_COUNT, rule->rdns, rdns_name);
	}
	if (text->used == 0)
		text_add(text, "always");
}

/* Columns that the titles of this policy take. */
static unsigned title_columns(const struct policy *policy)
{
	unsigned most = text_width("default", 7);

	for (size_t i = 0; i < policy->rule_count; i++) {
		const char *title = policy->rules[i].title;
		unsigned one = text_width(title, strlen(title));

		if (one > most && one <= TITLE_MAX)
			most = one;
	}
	return most;
}

/* "   1  title    action    stage   text" */
static void row(unsigned columns, const char *number, const char *title,
		enum action action, const char *stage, const struct text *text)
{
	unsigned used = text_width(title, strlen(title)), at = 6 + columns + 12;

	printf("%4s  %s", number, title);
	if (used > columns) {
		putchar('\n');
		text_pad(6 + columns);
	} else {
		text_pad(columns - used);
	}
	printf("  %-8s  ", action_name(action));
	if (stage) {
		printf("%-6s  ", stage);
		at += 8;
	}
	text_paragraph(text, at, at);
}

static void print_rules(const struct conf *conf, unsigned columns)
{
	const struct policy *policy = &conf->policy;
	enum stage last = STAGE_KERNEL;
	struct text text = { .used = 0 };
	char number[24];

	printf("\nrules: the first that matches decides\n");
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];
		enum stage stage = rule_stage(rule);

		text.used = 0;
		add_conditions(&text, conf, rule);
		snprintf(number, sizeof(number), "%zu", i + 1);
		row(columns, number, rule->title, rule->action,
		    stage_name(stage), &text);
		last = stage > last ? stage : last;
	}
	text.used = 0;
	text_add(&text, policy->rule_count ? "where none matches" : "always");
	row(columns, "", "default", policy->default_action,
	    stage_name(STAGE_KERNEL), &text);
	if (last == STAGE_KERNEL)
		return;
	printf("\n");
	text_line("  syn", "needs the looks of the SYN: geoblockd decides");
	if (last == STAGE_SMTP)
		text_line("  smtp",
			  "needs reverse DNS, too: geoblock-policyd decides");
	text_line("", "Where they do not run, these rules are passed over.");
}

static void print_nets(const char *label, const struct conf_nets *nets,
		       enum action action, unsigned columns)
{
	struct text text = { .used = 0 };
	size_t built_in = check_count(nets, NULL);
	size_t ours = nets->count - built_in;

	if (nets->count == 0)
		text_add(&text, "nothing");
	if (ours)
		text_add(&text, "%zu network%s", ours, ours == 1 ? "" : "s");
	if (built_in)
		text_add(&text, ours ? ", and what is private"
				     : "what is private: RFC 1918, fc00::/7, "
				       "link-local, loopback");
	row(columns, "", label, action, NULL, &text);
}

static void print_class(const struct conf *conf, const struct verdict *verdict,
			bool needs_syn, const struct check_set *set,
			unsigned columns)
{
	struct text text = { .used = 0 };

	if (set)
		add_countries(&text, set);
	else
		text_add(&text, "all others, and where no country is known");
	row(columns, needs_syn ? "*" : "",
	    rule_title(&conf->policy, verdict->rule), verdict->action, NULL,
	    &text);
}

static void print_split(const struct conf *conf,
			const struct policy_split *split, unsigned columns)
{
	bool needs_syn = split->rest_needs_syn;

	printf("\nby the address alone, in the kernel\n");
	print_nets("exempt", &conf->exempt, ACTION_ACCEPT, columns);
	print_nets("deny", &conf->deny, conf->policy.deny_action, columns);
	for (size_t i = 0; i < split->class_count; i++) {
		const struct policy_class *class = &split->classes[i];
		struct country_set none = { 0 };
		struct check_set set = check_describe(&class->countries, &none);

		print_class(conf, &class->verdict, class->needs_syn, &set,
			    columns);
		needs_syn |= class->needs_syn;
	}
	print_class(conf, &split->rest, split->rest_needs_syn, NULL, columns);
	if (needs_syn)
		printf("\n  *         geoblockd, where it runs, looks at the "
		       "SYN first\n");
}

void check_text(const struct conf *conf, const struct policy_split *split,
		const struct check_notes *notes)
{
	unsigned columns = title_columns(&conf->policy);
	struct text text = { .used = 0 };

	for (size_t i = 0; i < notes->count; i++)
		text_line("note", notes->text[i]);
	printf("\n");
	text_line("mode",
		  conf->policy.audit
			  ? "audit: refuses nothing, counts what it would"
			  : "enforce");
	for (size_t i = 0; i < conf->port_count; i++)
		text_add(&text, "%s%u", i ? ", " : "", conf->ports[i]);
	text_entry("ports", &text);
	print_countries(conf);
	print_groups(conf);
	if (conf->contact)
		text_line("contact", conf->contact);
	print_rules(conf, columns);
	print_split(conf, split, columns);
	check_places(conf);
	check_services(conf);
}
