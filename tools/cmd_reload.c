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
	"Asks geoblockd and, where it runs, geoblock-policyd.\n"
	"\n"
	"Exit status: 0 done, 2 the configuration is wrong and what ran before "
	"goes\n"
	"on, 3 geoblockd does not run, or one of them could not do it.\n";

/* The status that an answer means; NULL: there was none. */
static int status_of(const json_t *answer)
{
	if (json_is_true(json_object_get(answer, "ok")))
		return STATUS_OK;
	return json_is_true(json_object_get(answer, "configuration"))
		       ? STATUS_USAGE
		       : STATUS_UNABLE;
}

static void print(const char *service, const json_t *answer,
		  const struct error *err)
{
	const char *text = json_string_value(json_object_get(answer, "text"));

	if (!answer)
		log_err("%s", err->text);
	else if (status_of(answer) == STATUS_OK)
		printf("%s: %s\n", service, text);
	else
		log_err("%s: %s; what ran before goes on", service, text);
}

static json_t *request(void)
{
	return json_pack("{s:s}", "command", "reload");
}

int cmd_reload(int argc, char **argv)
{
	struct tool_control_options options = { .name = "geoblock reload",
						.help = help };
	struct error err = { 0 }, policyd_err = { 0 };
	json_t *answer, *policyd;
	struct conf *conf;
	int status;

	conf = tool_control_options(&options, cmd_config, argc, argv, &status);
	if (!conf)
		return status;
	answer = tool_control_ask(conf, request(), &err);
	policyd = tool_control_ask_policyd(conf, request(), &policyd_err);
	conf_free(conf);
	status = status_of(answer);
	if (!options.json || !answer)
		print("geoblockd", answer, &err);
	if (policyd || !tool_control_away(&policyd_err)) {
		if (!options.json || !policyd)
			print("geoblock-policyd", policyd, &policyd_err);
		if (status == STATUS_OK)
			status = status_of(policyd);
	}
	if (!options.json || !answer)
		json_decref(policyd);
	else if (policyd)
		json_object_set_new(answer, "policyd", policyd);
	if (options.json && answer && !tool_json_line(answer))
		return STATUS_UNABLE;
	if (!options.json)
		json_decref(answer);
	return tool_flush() ? status : STATUS_UNABLE;
}
