// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock log: each decision as it is made.  What was decided before is in the
 * system's log, where geoblockd writes the same lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <geoblock/log.h>

#include "tools/cmd.h"
#include "tools/tool.h"
#include "tools/tool_control.h"
#include "tools/tool_options.h"

#define NAME "geoblock log"

static const char help[] =
	"usage: geoblock log -f [OPTION…]\n"
	"\n"
	"  -f, --follow    each decision from now on, until interrupted\n"
	"  --json          one JSON object a line\n"
	"  --config FILE   instead of " CONF_DEFAULT_PATH "\n"
	"  --help          this text\n"
	"\n"
	"Earlier decisions: journalctl -u geoblockd\n";

static void print_value(const char *key, const json_t *value)
{
	char *quoted;

	if (strcmp(key, "rule") == 0) { /* the only one with spaces */
		quoted = json_dumps(value, JSON_ENCODE_ANY);
		printf(" %s=%s", key, quoted ? quoted : "?");
		free(quoted);
	} else if (json_is_string(value)) {
		printf(" %s=%s", key, json_string_value(value));
	} else if (json_is_integer(value)) {
		printf(" %s=%lld", key, (long long)json_integer_value(value));
	} else if (json_is_true(value)) {
		printf(" %s=yes", key);
	}
}

/* As the daemon writes it into the system's log, and in the same order. */
static void print(json_t *o)
{
	const char *verdict = json_string_value(json_object_get(o, "verdict"));
	const char *key;
	json_t *value;

	fputs(verdict ? verdict : "suppressed", stdout);
	json_object_foreach(o, key, value)
	{
		if (strcmp(key, "verdict") != 0 && strcmp(key, "time") != 0)
			print_value(key, value);
	}
	putchar('\n');
}

static int follow(struct tool_control *control, bool json)
{
	struct error err = { 0 };
	json_t *line;

	if (!tool_control_send(control, json_pack("{s:s}", "command", "log"),
			       &err)) {
		log_err("%s", err.text);
		return STATUS_UNABLE;
	}
	while ((line = tool_control_read(control, &err))) {
		bool ok = true;

		if (json)
			ok = tool_json_line(line);
		else
			print(line);
		if (!json)
			json_decref(line);
		if (!ok || !tool_flush())
			return STATUS_UNABLE;
	}
	log_err("%s",
		err.kind == ERROR_NONE ? "geoblockd went away" : err.text);
	return STATUS_UNABLE;
}

int cmd_log(int argc, char **argv)
{
	bool wanted = false, json = false;
	const struct tool_command command = {
		.name = NAME,
		.help = help,
		.config = &cmd_config,
		.json = &json,
		.options = { { "follow", 'f', .flag = &wanted } },
	};
	struct tool_control *control;
	struct error err = { 0 };
	struct conf *conf;
	int status;

	conf = tool_options_conf(&command, argc, argv, &status);
	if (!conf)
		return status;
	if (!wanted) {
		conf_free(conf);
		return tool_usage(NAME, "-f is needed: decisions from now on; "
					"earlier ones are in the system's log "
					"(journalctl -u geoblockd)");
	}
	if (!tool_control_open(&control, conf, 0, &err)) {
		log_err("%s", err.text);
		conf_free(conf);
		return STATUS_UNABLE;
	}
	status = follow(control, json);
	tool_control_close(control);
	conf_free(conf);
	return status;
}
