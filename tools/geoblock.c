// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock: the administrator's command line.  One file a subcommand. */
#include <stdio.h>
#include <string.h>

#include <geoblock/log.h>
#include <geoblock/words.h>

#include "tools/cmd.h"
#include "tools/tool.h"

const char *cmd_config;

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *about;
} commands[] = {
	{ "query", cmd_query, "an address's verdict, and why" },
	{ "check", cmd_check, "validate the configuration" },
	{ "export", cmd_export, "write address lists for other programs" },
	{ "fingerprint", cmd_fingerprint, "the OS of each SYN in a capture" },
	{ "replay", cmd_replay, "the verdict of each SYN in a capture" },
	{ "status", cmd_status, "how geoblockd is" },
	{ "top", cmd_top, "who comes most, by country, os, net or reason" },
	{ "log", cmd_log, "decisions as they are made" },
	{ "reload", cmd_reload, "have geoblockd read everything anew" },
	{ "confirm", cmd_confirm, "keep what is on trial" },
	{ "metrics", cmd_metrics, "geoblockd's counters for Prometheus" },
	{ "greylist", cmd_greylist, "who was told to come again" },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(*commands))

static void help(FILE *to)
{
	fputs("usage: geoblock [--config FILE] COMMAND [ARGUMENT…]\n\n", to);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(to, "  %-12s %s\n", commands[i].name,
			commands[i].about);
	fputs("\n"
	      "  --config FILE   instead of " CONF_DEFAULT_PATH "\n"
	      "  --help          this text; geoblock COMMAND --help for more\n"
	      "  --version       which version this is\n"
	      "\n"
	      "Exit status: 0 ok, 1 no or refused, 2 usage or configuration "
	      "error,\n"
	      "3 cannot do it now.  Manual: geoblock(1), geoblock.conf(5).\n",
	      to);
}

static int unknown(const char *word)
{
	const char *names[COMMAND_COUNT], *near;

	for (size_t i = 0; i < COMMAND_COUNT; i++)
		names[i] = commands[i].name;
	near = words_nearest(names, COMMAND_COUNT, word);
	if (near)
		return tool_usage("geoblock",
				  "there is no command \"%s\"; did you mean "
				  "\"%s\"?",
				  word, near);
	return tool_usage("geoblock", "there is no command \"%s\"", word);
}

int main(int argc, char **argv)
{
	int at = 1;

	log_init("geoblock");
	for (; at < argc && argv[at][0] == '-'; at++) {
		if (strcmp(argv[at], "--help") == 0 ||
		    strcmp(argv[at], "-h") == 0) {
			help(stdout);
			return tool_flush() ? STATUS_OK : STATUS_UNABLE;
		}
		if (strcmp(argv[at], "--version") == 0) {
			puts("geoblock " GEOBLOCK_VERSION);
			return tool_flush() ? STATUS_OK : STATUS_UNABLE;
		}
		if (strncmp(argv[at], "--config=", 9) == 0)
			cmd_config = argv[at] + 9;
		else if (strcmp(argv[at], "--config") == 0 && at + 1 < argc)
			cmd_config = argv[++at];
		else
			return tool_usage("geoblock", "there is no option %s",
					  argv[at]);
	}
	if (at == argc) {
		help(stderr);
		return STATUS_USAGE;
	}
	if (strcmp(argv[at], "help") == 0) {
		if (at + 1 == argc) {
			help(stdout);
			return tool_flush() ? STATUS_OK : STATUS_UNABLE;
		}
		/* `geoblock help query` is `geoblock query --help` */
		argv[at] = argv[at + 1];
		argv[at + 1] = (char[]){ "--help" };
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(argv[at], commands[i].name) == 0)
			return commands[i].run(argc - at, argv + at);
	return unknown(argv[at]);
}
