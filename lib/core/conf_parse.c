// SPDX-License-Identifier: GPL-2.0-or-later
/* libconfuse, the one place that knows it.
 *
 * Every option is declared to it as a list of strings, so that it has nothing
 * to convert and nothing to fail at but syntax: a callback notes each value
 * with the line it stands in, and our own code judges them afterwards, all of
 * them.  The callbacks have no argument of ours, and libconfuse's scanner is
 * one for the process anyway, so the parse under way is a variable of this
 * file.
 *
 * A name that libconfuse does not know ends its parse.  That name is said,
 * taken out of the text (conf_text_forget), and the parse begun anew, so that
 * one run finds every such mistake. */
#include "conf_impl.h"

#include <assert.h>
#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <geoblock/words.h>

#define UNKNOWN_MAX 32 /* names that are not known, before we give up */

/* "" is the top; the others in the order of the manual */
static const char *const section_names[] = { "",         "geo", "exempt",
					     "deny",     "p0f", "policyd",
					     "greylist", "rule" };
#define SECTION_NAMES (sizeof(section_names) / sizeof(*section_names))

static struct {
	struct conf_reader *r;
	const struct conf_text *text;
	struct conf_tree *tree;
	size_t begun, ended; /* sections of the text */
	const char *unknown_section;
	char unknown[80];
	unsigned unknown_line; /* 0: there is none */
} parse;

void conf_tree_clear(struct conf_tree *tree)
{
	for (size_t i = 0; i < tree->setting_count; i++) {
		for (size_t j = 0; j < tree->settings[i].count; j++)
			free(tree->settings[i].values[j].text);
		free(tree->settings[i].values);
	}
	for (size_t i = 0; i < tree->section_count; i++)
		free(tree->sections[i].title);
	free(tree->settings);
	free(tree->sections);
	memset(tree, 0, sizeof(*tree));
}

/* Room for one more of size bytes; the new one is zero. */
static void *grow(void *array, size_t *count, size_t *room, size_t size)
{
	if (*count == *room) {
		size_t more = *room * 2 + 8;
		void *grown = reallocarray(array, more, size);

		if (!grown)
			return NULL;
		array = grown;
		*room = more;
	}
	memset((char *)array + *count * size, 0, size);
	return array;
}

static bool add_section(const char *name, const char *title, unsigned line)
{
	struct conf_tree *tree = parse.tree;
	struct conf_section *section, *grown;

	grown = grow(tree->sections, &tree->section_count, &tree->section_room,
		     sizeof(*grown));
	if (!grown)
		return conf_no_memory(parse.r);
	tree->sections = grown;
	section = &grown[tree->section_count];
	section->name = name;
	section->line = line;
	section->title = title ? strdup(title) : NULL;
	if (title && !section->title)
		return conf_no_memory(parse.r);
	tree->section_count++;
	return true;
}

static const char *section_name(const cfg_t *cfg)
{
	for (size_t i = 1; i < SECTION_NAMES; i++)
		if (strcmp(section_names[i], cfg->name) == 0)
			return section_names[i];
	return section_names[0];
}

/* The line that prepare() saw the section begin in. */
static unsigned section_line(const cfg_t *cfg)
{
	return parse.ended < parse.text->section_count
		       ? parse.text->sections[parse.ended]
		       : (unsigned)cfg->line;
}

/* The tree's section that cfg is, made at the first thing in it. */
static bool enter(const cfg_t *cfg, size_t *section)
{
	const char *name = section_name(cfg);

	*section = 0;
	if (name[0] == '\0')
		return true;
	if (parse.begun == parse.ended) {
		if (!add_section(name, cfg->title, section_line(cfg)))
			return false;
		parse.begun++;
	}
	*section = parse.tree->section_count - 1;
	return true;
}

static const struct conf_option *find_option(const char *section,
					     const char *name)
{
	for (size_t i = 0; i < conf_option_count; i++)
		if (strcmp(conf_options[i].section, section) == 0 &&
		    strcmp(conf_options[i].name, name) == 0)
			return &conf_options[i];
	return NULL;
}

static struct conf_setting *add_setting(const struct conf_option *option,
					size_t section, unsigned line)
{
	struct conf_tree *tree = parse.tree;
	struct conf_setting *grown;

	grown = grow(tree->settings, &tree->setting_count, &tree->setting_room,
		     sizeof(*grown));
	if (!grown)
		return NULL;
	tree->settings = grown;
	grown += tree->setting_count++;
	grown->option = option;
	grown->section = section;
	grown->line = line;
	return grown;
}

static bool add_value(struct conf_setting *setting, const char *text,
		      unsigned line)
{
	struct conf_value *grown;

	if (setting->count == CONF_VALUES_MAX)
		return conf_fail(parse.r, parse.r->path, line,
				 "more than %d values; put them into a file of "
				 "their own",
				 CONF_VALUES_MAX);
	if (strlen(text) >= CONF_VALUE_MAX)
		return conf_fail(parse.r, parse.r->path, line,
				 "a value of more than %d bytes",
				 CONF_VALUE_MAX - 1);
	grown = grow(setting->values, &setting->count, &setting->room,
		     sizeof(*grown));
	if (!grown)
		return conf_no_memory(parse.r);
	setting->values = grown;
	grown += setting->count;
	grown->line = line;
	grown->text = strdup(text);
	if (!grown->text)
		return conf_no_memory(parse.r);
	setting->count++;
	return true;
}

/* libconfuse has read one value.  It has made room for it in opt already: the
 * first one of an assignment is number 1. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const struct conf_option *option;
	struct conf_tree *tree = parse.tree;
	struct conf_setting *setting;
	unsigned line = (unsigned)cfg->line;
	size_t section;

	*(const char **)result = value;
	if (!enter(cfg, &section))
		return -1;
	option = find_option(section_name(cfg), opt->name);
	if (!option && strcmp(opt->name, CONF_UNKNOWN) == 0)
		return 0;
	if (!option) { /* libconfuse finds "geo|mmdb" from anywhere */
		conf_fail(parse.r, parse.r->path, line,
			  "option \"%s\" is named by a path; write it into its "
			  "section",
			  opt->name);
		return -1;
	}
	if (opt->nvalues == 1)
		setting = add_setting(option, section, line);
	else
		setting = &tree->settings[tree->setting_count - 1];
	if (!setting) {
		conf_no_memory(parse.r);
		return -1;
	}
	assert(setting->option == option);
	if (strcmp(value, CONF_EMPTY) == 0)
		return 0;
	return add_value(setting, value, line) ? 0 : -1;
}

/* libconfuse has read a section to its end. */
static int on_section(cfg_t *cfg, cfg_opt_t *opt)
{
	/* an empty rule: libconfuse does not tell us which */
	if (parse.begun == parse.ended) {
		if (strcmp(opt->name, "rule") == 0 &&
		    !add_section("rule", NULL, section_line(cfg)))
			return -1;
		parse.begun++;
	}
	parse.ended++;
	return 0;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* libconfuse's own words, and ours where we know more. */
static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	unsigned line = (unsigned)cfg->line;
	char text[200];

	if (begins(fmt, "no such option")) {
		snprintf(parse.unknown, sizeof(parse.unknown), "%s",
			 va_arg(ap, const char *));
		parse.unknown_section = section_name(cfg);
		parse.unknown_line = line;
	} else if (begins(fmt, "missing equal sign")) {
		conf_fail(parse.r, parse.r->path, line,
			  "\"=\" is missing after \"%s\"",
			  va_arg(ap, const char *));
	} else if (begins(fmt, "missing opening brace")) {
		conf_fail(parse.r, parse.r->path, line,
			  "\"{\" is missing: %s is a section",
			  va_arg(ap, const char *));
	} else if (begins(fmt, "missing title")) {
		conf_fail(parse.r, parse.r->path, line,
			  "a rule has a title: rule \"title\" { … }");
	} else {
		vsnprintf(text, sizeof(text), fmt, ap);
		conf_fail(parse.r, parse.r->path, line, "%s", text);
	}
}

/* The options of a section; returns what is behind them. */
static cfg_opt_t *declare(cfg_opt_t *opt, const char *section)
{
	for (size_t i = 0; i < conf_option_count; i++)
		if (strcmp(conf_options[i].section, section) == 0)
			*opt++ = (cfg_opt_t)CFG_STR_LIST_CB(
				conf_options[i].name, NULL, CFGF_NONE,
				on_value);
	*opt++ = (cfg_opt_t)CFG_STR_LIST_CB(CONF_UNKNOWN, NULL, CFGF_NONE,
					    on_value);
	return opt;
}

/* The grammar, one section after another in one array; the top comes first.  A
 * section whose name is nowhere in the text need not be known: for a short file
 * libconfuse's copies of all of them are most of the work. */
static void declare_all(cfg_opt_t *opts, const char *text)
{
	cfg_opt_t *top = declare(opts, section_names[0]);
	cfg_opt_t *opt = top + SECTION_NAMES; /* the sections, and the end */

	for (size_t s = 1; s < SECTION_NAMES; s++) {
		bool rule = strcmp(section_names[s], "rule") == 0;

		if (!strstr(text, section_names[s]))
			continue;
		*top = (cfg_opt_t)CFG_SEC(section_names[s], opt,
					  rule ? CFGF_MULTI | CFGF_TITLE
					       : CFGF_NONE);
		top++->validcb = on_section;
		opt = declare(opt, section_names[s]);
		*opt++ = (cfg_opt_t)CFG_END();
	}
	*top = (cfg_opt_t)CFG_END();
}

static bool run(struct conf_reader *r, struct conf_text *text,
		struct conf_tree *tree)
{
	/* of each section also its own entry, CONF_UNKNOWN and the end */
	cfg_opt_t opts[CONF_OPTIONS_MAX + 3 * SECTION_NAMES];
	FILE *f = fmemopen(text->data, text->len, "r");
	cfg_t *cfg;
	bool ok;

	if (!f)
		return conf_no_memory(r);
	declare_all(opts, text->data);
	memset(&parse, 0, sizeof(parse));
	parse.r = r;
	parse.text = text;
	parse.tree = tree;
	cfg = cfg_init(opts, CFGF_NONE);
	if (!cfg) {
		fclose(f);
		return conf_no_memory(r);
	}
	cfg_set_error_function(cfg, on_error);
	ok = add_section("", NULL, 1) && cfg_parse_fp(cfg, f) == CFG_SUCCESS;
	cfg_free(cfg);
	fclose(f);
	return ok;
}

/* Sections and, where in_section is one of them, its options. */
static size_t known_names(const char *in_section, bool sections,
			  const char *names[CONF_OPTIONS_MAX])
{
	size_t count = 0;

	for (size_t i = 1; sections && i < SECTION_NAMES; i++)
		names[count++] = section_names[i];
	for (size_t i = 0; !sections && i < conf_option_count; i++)
		if (strcmp(conf_options[i].section, in_section) == 0)
			names[count++] = conf_options[i].name;
	return count;
}

/* The section that does know such an option, or NULL. */
static const char *at_home(const char *name)
{
	for (size_t i = 0; i < conf_option_count; i++)
		if (strcmp(conf_options[i].name, name) == 0)
			return conf_options[i].section;
	return NULL;
}

static void say_unknown(struct conf_reader *r, bool section)
{
	const char *names[CONF_OPTIONS_MAX], *near, *home, *in;
	char list[400], where[40] = "";
	size_t count;

	in = parse.unknown_section;
	if (in[0])
		snprintf(where, sizeof(where), " in %s", in);
	count = known_names(in, section, names);
	near = words_nearest(names, count, parse.unknown);
	home = section ? NULL : at_home(parse.unknown);
	if (near)
		conf_fail(r, r->path, parse.unknown_line,
			  "there is no %s \"%s\"%s; did you mean \"%s\"?",
			  section ? "section" : "option", parse.unknown, where,
			  near);
	else if (home)
		conf_fail(r, r->path, parse.unknown_line,
			  "option \"%s\" does not belong %s%s but %s%s",
			  parse.unknown, in[0] ? "into " : "at the top level",
			  in, home[0] ? "into " : "at the top level", home);
	else
		conf_fail(r, r->path, parse.unknown_line,
			  "there is no %s \"%s\"%s; it may be %s",
			  section ? "section" : "option", parse.unknown, where,
			  words_join(names, count, list, sizeof(list)));
}

bool conf_parse(struct conf_reader *r, struct conf_text *text,
		struct conf_tree *tree)
{
	for (unsigned tries = 0; tries < UNKNOWN_MAX; tries++) {
		unsigned errors = r->errors;
		enum conf_found found;

		conf_tree_clear(tree);
		if (run(r, text, tree))
			return true;
		if (parse.unknown_line == 0) {
			if (r->errors == errors)
				conf_fail(r, r->path, 0,
					  "libconfuse cannot read it");
			return false;
		}
		found = conf_text_forget(text, parse.unknown_line,
					 parse.unknown);
		say_unknown(r, found == CONF_FOUND_SECTION);
		if (found == CONF_FOUND_NOTHING || !conf_text_prepare(r, text))
			return false;
	}
	return false;
}
