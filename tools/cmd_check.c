// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock check: is the configuration right, and what does it come to?
 *
 * Errors go to stderr as "file:line: …" with nothing in front, the way compilers
 * write them, so that editors find the place. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <geoblock/log.h>

#include "tools/cmd.h"
#include "tools/cmd_check.h"
#include "tools/tool.h"
#include "tools/tool_options.h"

#define NAME "geoblock check"

static const char help[] =
	"usage: geoblock check [OPTION…] [FILE]\n"
	"\n"
	"  -v, --verbose   show the policy: countries, rules, who decides "
	"what\n"
	"  --json          the same, or the errors, as one JSON object\n"
	"  --config FILE   instead of " CONF_DEFAULT_PATH "\n"
	"  --help          this text\n"
	"\n"
	"Exit status: 0 the configuration is right, 2 it is not; its errors "
	"are "
	"on\n"
	"standard error, one a line, with file and line.\n";

/* ---- what there is to say ---- */

/* Codes without a name: no word but "outside" and the like brings them in, and
 * that brings all of them. */
static bool has_nameless(const struct country_set *set)
{
	return country_set_has(set, COUNTRY('Z', '9'));
}

static bool same(const struct country_set *a, const struct country_set *b)
{
	return memcmp(a->bits, b->bits, sizeof(a->bits)) == 0;
}

struct check_set check_describe(const struct country_set *set,
				const struct country_set *allowed)
{
	struct check_set out = { .unknown = set->unknown };
	struct country_set outside = *allowed;

	country_set_invert(&outside);
	out.codes = *set;
	if (allowed->unknown == false && country_set_count(allowed) > 0) {
		if (same(set, allowed) && !set->unknown)
			out.word = "allowed";
		if (same(set, &outside) && set->unknown)
			out.word = "outside";
	}
	if (out.word) {
		out.unknown = false;
	} else if (has_nameless(set)) {
		country_set_invert(&out.codes);
		out.except = true;
		if (country_set_count(&out.codes) == 0)
			out.word = "every country";
	}
	return out;
}

size_t check_count(const struct conf_nets *nets, const char *file)
{
	size_t count = 0;

	for (size_t i = 0; i < nets->count; i++)
		count += nets->nets[i].file == file; /* one string a file */
	return count;
}

static void __attribute__((format(printf, 2, 3)))
add_note(struct check_notes *notes, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = notes->count < CHECK_NOTES_MAX ? vasprintf(&text, fmt, ap) : -1;
	va_end(ap);
	if (n >= 0)
		notes->text[notes->count++] = text;
}

/* "EU" next to no "@eu": most likely the Union was meant. */
static bool means_region(const struct conf *conf)
{
	bool region = false;

	for (size_t i = 0; i < conf->country_word_count; i++) {
		const char *word = conf->country_words[i];

		if (strcasecmp(word, "@eu") == 0)
			return false;
		region |= strcasecmp(word, "eu") == 0;
	}
	return region;
}

/* What becomes of a rule that the address alone decides. */
static void note_rule(struct check_notes *notes, const struct policy *policy,
		      const struct policy_split *split, int rule)
{
	const struct rule *it = &policy->rules[rule];
	bool reached = split->rest.rule == rule, held = false;

	if (rule_stage(it) != STAGE_KERNEL)
		return;
	if (reached)
		held = split->rest.action != it->action;
	for (size_t i = 0; i < split->class_count; i++) {
		const struct verdict *verdict = &split->classes[i].verdict;

		if (verdict->rule != rule)
			continue;
		reached = true;
		held |= verdict->action != it->action;
	}
	if (!reached)
		add_note(notes,
			 "rule \"%s\" never decides: no country is left for it",
			 it->title);
	if (held)
		add_note(
			notes,
			"rule \"%s\" says %s, but a rule on reverse DNS stands "
			"before it: such senders pass, marked, and "
			"geoblock-policyd decides",
			it->title, action_name(it->action));
}

void check_notes(const struct conf *conf, const struct policy_split *split,
		 struct check_notes *notes)
{
	const struct policy *policy = &conf->policy;
	bool shipped = policy->rule_count > 0 && policy->rules[0].line == 0;

	if (!conf->mode_given)
		add_note(notes, "\"mode\" is not set, which means %s",
			 policy->audit ? "audit, as no country is named"
				       : "enforce");
	if (conf->country_word_count == 0 && shipped)
		add_note(notes, "no countries are named yet: all the world is "
				"outside");
	if (shipped)
		add_note(notes, "the file has no rule: these are the ones that "
				"are shipped");
	if (means_region(conf))
		add_note(notes,
			 "\"EU\" is what registries write for networks of no "
			 "single country; the European Union is \"@eu\"");
	for (size_t i = 0; i < policy->rule_count; i++)
		note_rule(notes, policy, split, (int)i);
	if (conf->mmdb && access(conf->mmdb, R_OK) < 0)
		add_note(notes, "mmdb = %s: %s", conf->mmdb, strerror(errno));
}

void check_notes_clear(struct check_notes *notes)
{
	for (size_t i = 0; i < notes->count; i++)
		free(notes->text[i]);
	notes->count = 0;
}

/* ---- the command ---- */

struct check {
	const char *path;
	bool json, verbose;
	json_t *errors; /* with --json */
};

/* The configuration is UTF-8 text, but a message that was cut to fit may end in
 * half a letter. */
static json_t *text_json(const char *text)
{
	json_t *string = json_string(text);
	char ascii[1024];
	size_t i;

	if (string)
		return string;
	for (i = 0; text[i] && i + 1 < sizeof(ascii); i++)
		ascii[i] = isascii((unsigned char)text[i]) ? text[i] : '?';
	ascii[i] = '\0';
	return json_string(ascii);
}

static void say(void *ctx, const char *text)
{
	struct check *check = ctx;

	if (check->json)
		json_array_append_new(check->errors, text_json(text));
	else
		fprintf(stderr, "%s\n", text);
}

static int refused(struct check *check)
{
	json_t *o;

	if (!check->json)
		return STATUS_USAGE;
	o = json_object();
	json_object_set_new(o, "file", text_json(check->path));
	json_object_set_new(o, "ok", json_false());
	json_object_set(o, "errors", check->errors);
	return tool_json_line(o) && tool_flush() ? STATUS_USAGE : STATUS_UNABLE;
}

static int accepted(const struct check *check, const struct conf *conf)
{
	struct policy_split *split = malloc(sizeof(*split));
	struct check_notes notes = { .count = 0 };
	bool ok = true;

	if (!split) {
		log_err("out of memory");
		return STATUS_UNABLE;
	}
	policy_split(&conf->policy, split);
	check_notes(conf, split, &notes);
	if (check->json)
		ok = tool_json_line(check_json(conf, split, &notes));
	else
		printf("%s: ok\n", conf->path);
	if (!check->json && check->verbose)
		check_text(conf, split, &notes);
	check_notes_clear(&notes);
	free(split);
	return ok && tool_flush() ? STATUS_OK : STATUS_UNABLE;
}

static int run(struct check *check)
{
	struct error err = { 0 };
	struct conf *conf;
	int status;

	check->errors = json_array();
	status = conf_read(&conf, check->path, say, check, &err)
			 ? accepted(check, conf)
			 : refused(check);
	json_decref(check->errors);
	conf_free(conf);
	return status;
}

int cmd_check(int argc, char **argv)
{
	struct check check = { 0 };
	const struct tool_command command = {
		.name = NAME,
		.help = help,
		.config = &cmd_config,
		.json = &check.json,
		.arguments = true,
		.options = { { "verbose", 'v', .flag = &check.verbose } },
	};
	int status = tool_options(&command, argc, argv);

	if (status != -1)
		return status;
	if (argc - optind > 1)
		return tool_usage(NAME, "one file at a time, not %d",
				  argc - optind);
	check.path = optind < argc ? argv[optind]
		     : cmd_config  ? cmd_config
				   : CONF_DEFAULT_PATH;
	return run(&check);
}
