// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock metrics: the services' counters in Prometheus's text format, for a
 * textfile collector or a small script behind a web server. */
#include <stdio.h>

#include <geoblock/log.h>

#include "tools/cmd.h"
#include "tools/tool.h"
#include "tools/tool_control.h"
#include "tools/tool_options.h"

static const char help[] =
	"usage: geoblock metrics [OPTION…]\n"
	"\n"
	"  --json          as one JSON object: {\"text\": …}\n"
	"  --config FILE   instead of " CONF_DEFAULT_PATH "\n"
	"  --help          this text\n";

static const char *text(const json_t *answer)
{
	const char *found = json_string_value(json_object_get(answer, "text"));

	return found ? found : "";
}

/* What both services count, one after the other; either may be NULL.  Both are given
 * back. */
static bool print(json_t *answer, json_t *policyd, bool json)
{
	json_t *both =
		json ? json_pack("{s:s+}", "text", text(answer), text(policyd))
		     : NULL;

	if (!json)
		printf("%s%s", text(answer), text(policyd));
	json_decref(answer);
	json_decref(policyd);
	return !json || tool_json_line(both);
}

int cmd_metrics(int argc, char **argv)
{
	bool json = false;
	const struct tool_command command = { .name = "geoblock metrics",
					      .help = help,
					      .config = &cmd_config,
					      .json = &json };
	struct error err = { 0 };
	json_t *answer, *policyd;
	struct conf *conf;
	int status;

	conf = tool_options_conf(&command, argc, argv, &status);
	if (!conf)
		return status;
	answer = tool_control_ask_both(conf, "metrics", &policyd, &err);
	conf_free(conf);
	if (!answer && (!policyd || !tool_control_away(&err)))
		log_err("%s", err.text);
	if (!answer && !policyd)
		return STATUS_UNABLE;
	return print(answer, policyd, json) && tool_flush() ? STATUS_OK
							    : STATUS_UNABLE;
}
