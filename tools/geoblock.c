// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock: the administrator's command line.  One file a subcommand. */
#include <stdio.h>
#include <string.h>

#include <geoblock/log.h>
#include <geoblock/words.h>

#include "tools/cmd.h"
#include "tools/tool.h"
#include "tools/tool_options.h"

const char *cmd_config;

static const char help[] =
	"usage: geoblock [--config FILE] COMMAND [ARGUMENT…]\n"
	"\n"
	"  query        an address's verdict, and why\n"
	"  check        validate the configuration\n"
	"  export       write address lists for other programs\n"
	"  fingerprint  the OS of each SYN in a capture\n"
	"  replay       the verdict of each SYN in a capture\n"
	"  status       how geoblockd is\n"
	"  top          who comes most, by country, os, net or reason\n"
	"  log          decisions as they are made\n"
	"  reload       have geoblockd read everything anew\n"
	"  confirm      keep what is on trial\n"
	"  metrics      geoblockd's counters for Prometheus\n"
	"  greylist     who was told to come again\n"
	"\n"
	"  --config FILE   instead of " CONF_DEFAULT_PATH "\n"
	"  --help          this text; geoblock COMMAND --help for more\n"
	"  --version       which version this is\n"
	"\n"
	"Exit status: 0 ok, 1 no or refused, 2 usage or configuration error,\n"
	"3 cannot do it now.  Manual: geoblock(1), geoblock.conf(5).\n";

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "query", cmd_query },     { "check", cmd_check },
	{ "export", cmd_export },   { "fingerprint", cmd_fingerprint },
	{ "replay", cmd_replay },   { "status", cmd_status },
	{ "top", cmd_top },         { "log", cmd_log },
	{ "reload", cmd_reload },   { "confirm", cmd_confirm },
	{ "metrics", cmd_metrics }, { "greylist", cmd_greylist },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(*commands))

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
	static char help_option[] = "--help";
	const struct tool_command command = {
		.name = "geoblock",
		.help = help,
		.config = &cmd_config,
		.version = true,
		.arguments = true,
		.stops = true,
	};
	int status;

	log_init("geoblock");
	status = tool_options(&command, argc, argv);
	if (status != -1)
		return status;
	argc -= optind;
	argv += optind;
	if (argc == 0) {
		fputs(help, stderr);
		return STATUS_USAGE;
	}
	if (strcmp(argv[0], "help") == 0) {
		/* `geoblock help query` is `geoblock query --help` */
		if (argc == 1) {
			fputs(help, stdout);
			return tool_flush() ? STATUS_OK : STATUS_UNABLE;
		}
		argv[0] = argv[1];
		argv[1] = help_option;
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(argv[0], commands[i].name) == 0)
			return commands[i].run(argc, argv);
	return unknown(argv[0]);
}
