/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_TOOL_OPTIONS_H
#define TOOLS_TOOL_OPTIONS_H

#include <stdbool.h>
#include <unistd.h> /* optind */

#include <geoblock/conf.h>

/* The command line of every program and every subcommand. */

/* An option, and where what it says goes: to one of the three. */
struct tool_option {
	const char *name;   /* "live": --live; NULL: has a letter only */
	char letter;        /* 'l': -l; 0: has a name only */
	bool *flag;         /* it takes no value; set where it is given */
	const char **value; /* the last one given */
	/* each one given, with tool_command.ctx; what is wrong with it ("is no
	 * class"), else NULL */
	const char *(*take)(void *ctx, const char *value);
};

#define TOOL_OPTIONS_MAX 20

struct tool_command {
	const char *name;    /* "geoblock query" */
	const char *help;    /* --help and -h print it */
	const char **config; /* --config FILE */
	bool *json;          /* --json; NULL: has none */
	bool version;        /* --version prints name and version */
	bool arguments;      /* takes some */
	bool stops;          /* at the first: what follows is another's */
	void *ctx;           /* of take() */
	struct tool_option options[TOOL_OPTIONS_MAX]; /* more, and one empty */
};

/* tool_options - reads the command line.  -1: go on with argv[optind…]; else the
 * status to exit with: what was asked for (--help) is printed, or what is wrong is
 * said. */
int tool_options(const struct tool_command *command, int argc, char **argv);

/* tool_options_conf - the same, then the configuration.  NULL: exit with *status. */
struct conf *tool_options_conf(const struct tool_command *command, int argc,
			       char **argv, int *status);

/* tool_usage - print "PROGRAM: message" and where the help is, return
 * STATUS_USAGE. */
int tool_usage(const char *program, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
