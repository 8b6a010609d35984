// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock reload: have geoblockd read everything anew, and say how that went. */
#include <stdio.h>

#include <geoblock/log.h>

#include "tools/cmd.h"
#include "tools/tool.h"
#include "tools/tool_control.h"

static const char help[] =
	"usage: geoblock reload [OPTION…]\n"
	"\n"
	"  --json          the result as one JSON object\n"
	"  --config FILE   instead of " CONF_DEFAULT_PATH "\n"
	"  --help          this text\n"
	"\n"
	"Exit status: 0 done, 2 the configuration is wrong and what ran before "
	"goes\n"
	"on, 3 geoblockd does not run, or could not do it.\n";

static bool print(json_t *answer, int status, bool json)
{
	const char *text = json_string_value(json_object_get(answer, "text"));

	if (json)
		return tool_json_line(answer) && tool_flush();
	if (status == STATUS_OK)
		puts(text);
	else
		log_err("%s; what ran before goes on", text);
	json_decref(answer);
	return tool_flush();
}

int cmd_reload(int argc, char **argv)
{
	struct tool_control_options options = { .name = "geoblock reload",
						.help = help };
	struct error err = { 0 };
	struct conf *conf;
	json_t *answer;
	int status;

	conf = tool_control_options(&options, cmd_config, argc, argv, &status);
	if (!conf)
		return status;
	answer = tool_control_ask(conf, json_pack("{s:s}", "command", "reload"),
				  &err);
	conf_free(conf);
	if (!answer) {
		log_err("%s", err.text);
		return STATUS_UNABLE;
	}
	status = json_is_true(json_object_get(answer, "ok")) ? STATUS_OK
		 : json_is_true(json_object_get(answer, "configuration"))
			 ? STATUS_USAGE
			 : STATUS_UNABLE;
	return print(answer, status, options.json) ? status : STATUS_UNABLE;
}
