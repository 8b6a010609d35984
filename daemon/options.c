// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/options.h"

#include <getopt.h>
#include <stdio.h>

#include <geoblock/log.h>

#include "tools/tool.h"

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

int options_read(const char *program, const char *help, const char **config,
		 int argc, char **argv)
{
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":c:vhV", options, NULL)) !=
	       -1) {
		switch (option) {
		case 'c':
			*config = optarg;
			break;
		case 'v':
			log_threshold(LOG_LEVEL_DEBUG);
			break;
		case 'h':
			fputs(help, stdout);
			return tool_flush() ? STATUS_OK : STATUS_UNABLE;
		case 'V':
			printf("%s %s\n", program, GEOBLOCK_VERSION);
			return tool_flush() ? STATUS_OK : STATUS_UNABLE;
		default:
			return tool_getopt_error(program, argv, option);
		}
	}
	if (optind < argc)
		return tool_usage(program, "there is no argument \"%s\"",
				  argv[optind]);
	return -1;
}
