// SPDX-License-Identifier: GPL-2.0-or-later
/* A table of options for getopt_long(3).  Every option is known there by its place
 * in the table, so that a letter and a name come to the same. */
#include "tools/tool_options.h"

#include <assert.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/tool.h"

int tool_usage(const char *program, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", program);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "; see %s --help\n", program);
	return STATUS_USAGE;
}

#define COMMON_MAX 4
#define PLACE      256 /* no letter: option + PLACE is what getopt_long() gives */

/* The options of a command, the common ones among them, as getopt_long() wants
 * them. */
struct known {
	struct tool_option options[COMMON_MAX + TOOL_OPTIONS_MAX];
	struct option names[COMMON_MAX + TOOL_OPTIONS_MAX + 1];
	char letters[2 + 2 * (COMMON_MAX + TOOL_OPTIONS_MAX) + 1];
	int count, name_count, letter_count;
	bool help, version;
};

static void add(struct known *k, const struct tool_option *o)
{
	k->options[k->count] = *o;
	if (o->name)
		k->names[k->name_count++] =
			(struct option){ .name = o->name,
					 .has_arg = o->flag ? no_argument
							    : required_argument,
					 .val = PLACE + k->count };
	if (o->letter)
		k->letters[k->letter_count++] = o->letter;
	if (o->letter && !o->flag)
		k->letters[k->letter_count++] = ':';
	k->count++;
}

static void add_all(struct known *k, const struct tool_command *c)
{
	const struct tool_option *o = c->options;

	/* options end at the first argument; a missing value is told apart */
	if (c->stops)
		k->letters[k->letter_count++] = '+';
	k->letters[k->letter_count++] = ':';
	add(k, &(struct tool_option){ "help", 'h', .flag = &k->help });
	if (c->version)
		add(k, &(struct tool_option){ "version", .flag = &k->version });
	add(k, &(struct tool_option){ "config", .value = c->config });
	if (c->json)
		add(k, &(struct tool_option){ "json", .flag = c->json });
	for (; o->name || o->letter; o++) {
		assert(o < c->options + TOOL_OPTIONS_MAX - 1);
		add(k, o);
	}
}

/* What getopt_long() stumbled over. */
static int refuse(const struct tool_command *c, char **argv, int found)
{
	const char *word = optind > 0 ? argv[optind - 1] : "";

	if (found == ':')
		return tool_usage(c->name, "%s wants an argument", word);
	if (optopt >= PLACE)
		return tool_usage(c->name, "%s: this option takes no argument",
				  word);
	/* where more letters follow, `word` is still the one before */
	if (optopt != 0)
		return tool_usage(c->name, "there is no option -%c", optopt);
	return tool_usage(c->name, "there is no option %s", word);
}

static int take(const struct tool_command *c, const struct known *k, int found)
{
	const struct tool_option *o = k->options;
	const char *wrong;

	if (found >= PLACE)
		o += found - PLACE;
	else
		while (o->letter != found)
			o++;
	if (o->flag)
		*o->flag = true;
	if (o->value)
		*o->value = optarg;
	wrong = o->take ? o->take(c->ctx, optarg) : NULL;
	return wrong ? tool_usage(c->name, "--%s \"%s\" %s", o->name, optarg,
				  wrong)
		     : STATUS_OK;
}

int tool_options(const struct tool_command *command, int argc, char **argv)
{
	struct known k = { 0 };
	int found;

	add_all(&k, command);
	opterr = 0;
	optind = 0; /* glibc: anew, whoever read options before */
	while ((found = getopt_long(argc, argv, k.letters, k.names, NULL)) !=
	       -1) {
		if (found == ':' || found == '?')
			return refuse(command, argv, found);
		if (take(command, &k, found) != STATUS_OK)
			return STATUS_USAGE;
		if (!k.help && !k.version)
			continue;
		if (k.help)
			fputs(command->help, stdout);
		else
			printf("%s %s\n", command->name, GEOBLOCK_VERSION);
		return tool_flush() ? STATUS_OK : STATUS_UNABLE;
	}
	if (!command->arguments && optind < argc)
		return tool_usage(command->name, "there is no argument \"%s\"",
				  argv[optind]);
	return -1;
}

struct conf *tool_options_conf(const struct tool_command *command, int argc,
			       char **argv, int *status)
{
	*status = tool_options(command, argc, argv);
	if (*status != -1)
		return NULL;
	*status = STATUS_USAGE;
	return tool_conf(*command->config);
}
