// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock top: who comes most. */
#include <stdio.h>
#include <string.h>

#include <geoblock/log.h>
#include <geoblock/words.h>

#include "tools/cmd.h"
#include "tools/tool.h"
#include "tools/tool_control.h"
#include "tools/tool_options.h"

#define NAME "geoblock top"

static const char help[] =
	"usage: geoblock top [OPTION…]\n"
	"\n"
	"  --by WHAT       country (default), os, net or reason\n"
	"  --json          as one JSON object\n"
	"  --config FILE   instead of " CONF_DEFAULT_PATH "\n"
	"  --help          this text\n"
	"\n"
	"Counts connection attempts that geoblockd judged since it started; by "
	"net\n"
	"(/24 and /64), those of the hosts that it remembers.\n";

static void print(const json_t *answer, const char *by)
{
	json_t *row;
	size_t i;

	printf("%-32s %12s %12s\n", by, "seen", "refused");
	json_array_foreach(json_object_get(answer, "rows"), i, row) printf(
		"%-32s %12lld %12lld\n",
		json_string_value(json_object_get(row, "key")),
		(long long)json_integer_value(json_object_get(row, "seen")),
		(long long)json_integer_value(json_object_get(row, "refused")));
}

static const char *take_by(void *ctx, const char *word)
{
	static const char *const words[] = { "country", "os", "net", "reason" };
	const char **by = ctx;
	int found = words_find(words, 4, word);

	if (found < 0)
		return "is not known; it is country, os, net or reason";
	*by = words[found];
	return NULL;
}

int cmd_top(int argc, char **argv)
{
	const char *by = "country";
	bool json = false;
	const struct tool_command command = {
		.name = NAME,
		.help = help,
		.config = &cmd_config,
		.json = &json,
		.ctx = &by,
		.options = { { "by", .take = take_by } },
	};
	struct error err = { 0 };
	struct conf *conf;
	json_t *answer;
	int status;

	conf = tool_options_conf(&command, argc, argv, &status);
	if (!conf)
		return status;
	answer = tool_control_ask(
		conf, json_pack("{s:s, s:s}", "command", "top", "by", by),
		&err);
	conf_free(conf);
	if (!answer) {
		log_err("%s", err.text);
		return STATUS_UNABLE;
	}
	if (json)
		return tool_json_line(answer) && tool_flush() ? STATUS_OK
							      : STATUS_UNABLE;
	print(answer, by);
	json_decref(answer);
	return tool_flush() ? STATUS_OK : STATUS_UNABLE;
}
