// SPDX-License-Identifier: GPL-2.0-or-later
/* check -v, for people: lines of at most 78 columns. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/cmd_check.h"
#include "tools/tool.h"

#define COLUMNS   78
#define LABEL     12 /* columns in front of a value */
#define TITLE_MAX 24 /* columns of a rule's title; a longer one pushes on */

/* Words under way to standard output, broken where a line is full.  The bytes of
 * KEEP are blanks at which no line is broken. */
#define KEEP '\037'
struct text {
	char bytes[8192]; /* every country with its name takes about 4000 */
	size_t used;
};

static void __attribute__((format(printf, 2, 3)))
add(struct text *text, const char *fmt, ...)
{
	size_t room = sizeof(text->bytes) - text->used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text->bytes + text->used, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		text->used += (size_t)n < room ? (size_t)n : room - 1;
}

/* Columns of UTF-8 text, near enough: letters that are wide or combine are rare
 * here. */
static unsigned width(const char *bytes, size_t len)
{
	unsigned columns = 0;

	for (size_t i = 0; i < len; i++)
		columns += ((unsigned char)bytes[i] & 0xc0) != 0x80;
	return columns;
}

static void pad(unsigned columns)
{
	while (columns-- > 0)
		putchar(' ');
}

/* The text as a paragraph behind `at` columns that are printed already, indented
 * by `indent`. */
static void paragraph(const struct text *text, unsigned at, unsigned indent)
{
	const char *p = text->bytes, *end = p + text->used;

	while (p < end) {
		size_t len = strcspn(p, " ");
		unsigned columns = width(p, len);

		if (at > indent && at + 1 + columns > COLUMNS) {
			putchar('\n');
			pad(indent);
			at = indent;
		} else if (at > indent) {
			putchar(' ');
			at++;
		}
		for (size_t i = 0; i < len; i++)
			putchar(p[i] == KEEP ? ' ' : p[i]);
		at += columns;
		p += len + (p[len] == ' ');
	}
	putchar('\n');
}

/* "label       text" */
static void entry(const char *label, const struct text *text)
{
	unsigned used = width(label, strlen(label));

	fputs(label, stdout);
	pad(used < LABEL ? LABEL - used : 1);
	paragraph(text, used < LABEL ? LABEL : used + 1, LABEL);
}

static void line(const char *label, const char *words)
{
	struct text text = { .used = 0 };

	add(&text, "%s", words);
	entry(label, &text);
}

/* "AT, CH", or with names "AT Austria, CH Switzerland". */
static void add_codes(struct text *text, const struct country_set *set,
		      bool names)
{
	country_t cc = country_set_next(set, COUNTRY_NONE);
	const char *between = "";
	char code[3];

	for (; cc; cc = country_set_next(set, cc)) {
		const char *name = names ? country_name(cc) : NULL;

		add(text, "%s%s", between, country_text(cc, code));
		if (name)
			add(text, "%c", KEEP);
		for (; name && *name; name++)
			add(text, "%c", *name == ' ' ? KEEP : *name);
		between = ", ";
	}
}

static void add_countries(struct text *text, const struct check_set *set)
{
	bool any = set->word || set->except || country_set_count(&set->codes);

	if (set->word)
		add(text, "%s", set->word);
	else if (set->except)
		add(text, "every country but ");
	if (!set->word)
		add_codes(text, &set->codes, false);
	if (set->unknown)
		add(text, "%swhere no country is known", any ? ", and " : "");
	else if (!any)
		add(text, "no country");
}

/* ---- the parts ---- */

static void print_countries(const struct conf *conf)
{
	const struct country_set *allowed = &conf->policy.allowed;
	struct country_set none = { 0 };
	struct check_set set = check_describe(allowed, &none);
	struct text text = { .used = 0 };

	for (size_t i = 0; i < conf->country_word_count; i++)
		add(&text, "%s%s", i ? ", " : "", conf->country_words[i]);
	if (text.used == 0)
		add(&text, "none");
	entry("countries", &text);
	if (conf->country_word_count == 0)
		return;
	text.used = 0;
	if (set.word || set.except) {
		add_countries(&text, &set);
	} else {
		add(&text, "%u: ", country_set_count(allowed));
		add_codes(&text, allowed, true);
	}
	entry("", &text);
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
		add(&text, "%s: %s", group->title, group->members);
		entry(name, &text);
		line("", group->source);
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
			add(text, "%s%s", name(i),
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
		add(text, "%sos ", text->used ? "; " : "");
	if (rule->has_os)
		add_or(text, OS_CLASS_COUNT, rule->os, os_name);
	else if (rule->has_confidence)
		add(text, "known");
	if (rule->has_os || rule->has_confidence)
		add(text, " (%u%c%%)", rule->min_confidence, KEEP);
	if (rule->has_rdns) {
		add(text, "%srdns ", text->used ? "; " : "");
		add_or(text, RDNS_CLASS_COUNT, rule->rdns, rdns_name);
	}
	if (text->used == 0)
		add(text, "always");
}

/* Columns that the titles of this policy take. */
static unsigned title_columns(const struct policy *policy)
{
	unsigned most = width("default", 7);

	for (size_t i = 0; i < policy->rule_count; i++) {
		const char *title = policy->rules[i].title;
		unsigned one = width(title, strlen(title));

		if (one > most && one <= TITLE_MAX)
			most = one;
	}
	return most;
}

/* "   1  title    action    stage   text" */
static void row(unsigned columns, const char *number, const char *title,
		enum action action, const char *stage, const struct text *text)
{
	unsigned used = width(title, strlen(title)), at = 6 + columns + 12;

	printf("%4s  %s", number, title);
	if (used > columns) {
		putchar('\n');
		pad(6 + columns);
	} else {
		pad(columns - used);
	}
	printf("  %-8s  ", action_name(action));
	if (stage) {
		printf("%-6s  ", stage);
		at += 8;
	}
	paragraph(text, at, at);
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
	add(&text, policy->rule_count ? "where none matches" : "always");
	row(columns, "", "default", policy->default_action,
	    stage_name(STAGE_KERNEL), &text);
	if (last == STAGE_KERNEL)
		return;
	printf("\n");
	line("  syn", "needs the looks of the SYN: geoblockd decides");
	if (last == STAGE_SMTP)
		line("  smtp",
		     "needs reverse DNS, too: geoblock-policyd decides");
	line("", "Where they do not run, these rules are passed over.");
}

static void print_nets(const char *label, const struct conf_nets *nets,
		       enum action action, unsigned columns)
{
	struct text text = { .used = 0 };
	size_t built_in = check_count(nets, NULL);
	size_t ours = nets->count - built_in;

	if (nets->count == 0)
		add(&text, "nothing");
	if (ours)
		add(&text, "%zu network%s", ours, ours == 1 ? "" : "s");
	if (built_in)
		add(&text, ours ? ", and what is private"
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
		add(&text, "all others, and where no country is known");
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

static void print_list(const char **label, const char *file, size_t count)
{
	struct text text = { .used = 0 };

	add(&text, "%zu%c%s in %s", count, KEEP,
	    count == 1 ? "network" : "networks", file);
	entry(*label, &text);
	*label = "";
}

static void print_lists(const char *label, const struct conf *conf,
			const struct conf_nets *nets)
{
	size_t here = check_count(nets, conf->path);

	if (here)
		print_list(&label, conf->path, here);
	for (size_t i = 0; i < nets->file_count; i++)
		print_list(&label, nets->files[i],
			   check_count(nets, nets->files[i]));
}

/* "_spf.example.com (12 networks of 2026-01-31T04:00:00Z)" */
static void add_domain(struct text *text, const struct conf *conf,
		       const char *domain)
{
	const struct spf_entry *answer =
		spf_store_find(&conf->spf_answers, domain);
	char time[TOOL_TIME_MAX];

	add(text, "%s ", domain);
	if (!answer || answer->answered == 0)
		add(text, "(no answer yet: run geoblock-sync)");
	else
		add(text, "(%zu network%s of %s%s%s)", answer->nets.count,
		    answer->nets.count == 1 ? "" : "s",
		    tool_time(answer->answered, time),
		    answer->failed ? "; since then " : "",
		    answer->failed ? answer->failed : "");
}

static void print_passed_over(const struct conf *conf, const char *domain)
{
	const struct spf_entry *answer =
		spf_store_find(&conf->spf_answers, domain);

	for (size_t i = 0; answer && i < answer->nets.note_count; i++) {
		struct text text = { .used = 0 };

		add(&text, "passed over: %s", answer->nets.notes[i]);
		entry("", &text);
	}
}

static void print_spf(const struct conf *conf)
{
	for (size_t i = 0; i < conf->spf_count; i++) {
		const struct conf_spf *spf = &conf->spf[i];
		const char *const *domains =
			spf->provider ? spf->provider->domains
				      : (const char *[]){ spf->word, NULL };
		struct text text = { .used = 0 };

		if (spf->provider)
			add(&text, "%s = %s: ", spf->word,
			    spf->provider->title);
		for (size_t d = 0; domains[d]; d++) {
			add(&text, "%s", d ? ", " : "");
			add_domain(&text, conf, domains[d]);
		}
		entry(i ? "" : "spf", &text);
		for (size_t d = 0; domains[d]; d++)
			print_passed_over(conf, domains[d]);
	}
	if (conf->spf_problem)
		line("", conf->spf_problem);
}

static void print_places(const struct conf *conf)
{
	char text[80];

	printf("\n");
	line("source", geo_kind_name(conf->source));
	for (size_t i = 0; i < conf->url_count; i++)
		line(i ? "" : "urls", conf->urls[i]);
	for (size_t i = 0; i < conf->image_key_count; i++) {
		char key[MANIFEST_KEY_TEXT];

		line(i ? "" : "key",
		     manifest_key_text(&conf->image_keys[i], key));
	}
	if (conf->mmdb)
		line("mmdb", conf->mmdb);
	if (conf->agree != AGREE_FIRST)
		line("agree", agree_name(conf->agree));
	print_lists("exempt", conf, &conf->exempt);
	print_spf(conf);
	print_lists("deny", conf, &conf->deny);
	line("state-dir", conf->state_dir);
	line("run-dir", conf->run_dir);
	snprintf(text, sizeof(text), "inet %s, mark 0x%x", conf->table,
		 conf->mark);
	line("table", text);
}

void check_text(const struct conf *conf, const struct policy_split *split,
		const struct check_notes *notes)
{
	unsigned columns = title_columns(&conf->policy);
	struct text text = { .used = 0 };

	for (size_t i = 0; i < notes->count; i++)
		line("note", notes->text[i]);
	printf("\n");
	line("mode", conf->policy.audit
			     ? "audit: refuses nothing, counts what it would"
			     : "enforce");
	for (size_t i = 0; i < conf->port_count; i++)
		add(&text, "%s%u", i ? ", " : "", conf->ports[i]);
	entry("ports", &text);
	print_countries(conf);
	print_groups(conf);
	if (conf->contact)
		line("contact", conf->contact);
	print_rules(conf, columns);
	print_split(conf, split, columns);
	print_places(conf);
}
