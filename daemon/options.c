// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/options.h"

#include <geoblock/log.h>

#include "tools/tool_options.h"

int options_read(const char *program, const char *help, const char **config,
		 int argc, char **argv)
{
	bool verbose = false;
	const struct tool_command command = {
		.name = program,
		.help = help,
		.config = config,
		.version = true,
		.options = { { "verbose", 'v', .flag = &verbose } },
	};
	int status = tool_options(&command, argc, argv);

	if (verbose)
		log_threshold(LOG_LEVEL_DEBUG);
	return status;
}
