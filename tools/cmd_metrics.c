// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock metrics: geoblockd's counters in Prometheus's text format, for a
 * textfile collector or a small script behind a web server. */
#include <stdio.h>

#include <geoblock/log.h>

#include "tools/cmd.h"
#include "tools/tool.h"
#include "tools/tool_control.h"

static const char help[] =
	"usage: geoblock metrics [OPTION…]\n"
	"\n"
	"  --json          as one JSON object: {\"text\": …}\n"
	"  --config FILE   instead of " CONF_DEFAULT_PATH "\n"
	"  --help          this text\n";

int cmd_metrics(int argc, char **argv)
{
	struct tool_control_options options = { .name = "geoblock metrics",
						.help = help };
	struct error err = { 0 };
	struct conf *conf;
	json_t *answer;
	int status;

	conf = tool_control_options(&options, cmd_config, argc, argv, &status);
	if (!conf)
		return status;
	answer = tool_control_ask(
		conf, json_pack("{s:s}", "command", "metrics"), &err);
	conf_free(conf);
	if (!answer) {
		log_err("%s", err.text);
		return STATUS_UNABLE;
	}
	if (options.json)
		return tool_json_line(answer) && tool_flush() ? STATUS_OK
							      : STATUS_UNABLE;
	fputs(json_string_value(json_object_get(answer, "text")), stdout);
	json_decref(answer);
	return tool_flush() ? STATUS_OK : STATUS_UNABLE;
}
