// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock confirm: yes, or no, to what is on trial, from another session. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <geoblock/log.h>

#include "tools/cmd.h"
#include "tools/tool.h"
#include "tools/tool_confirm.h"
#include "tools/tool_control.h"
#include "tools/tool_options.h"

static const char help[] =
	"usage: geoblock confirm [OPTION…]\n"
	"\n"
	"Keeps what geoblock-sync or geoblock reload has put on trial.\n"
	"\n"
	"  --no            put back what was before, now\n"
	"  --json          the result as one JSON object\n"
	"  --config FILE   instead of " CONF_DEFAULT_PATH "\n"
	"  --help          this text\n"
	"\n"
	"Exit status: 0 done, 1 nothing waits for it, 2 usage or configuration "
	"error,\n"
	"3 not allowed to.\n";

/* Each: 1 done, 0 nothing waits, -1 it does but may not be told. */
static int tell_sync(const struct conf *conf, bool yes)
{
	if (!tool_confirm_waits(conf->state_dir, NULL))
		return 0;
	if (tool_confirm_decide(conf->state_dir, yes))
		return 1;
	if (errno == ENOENT) /* just in time decided */
		return 0;
	log_err("%s: %s", conf->state_dir, strerror(errno));
	return -1;
}

static int tell_daemon(const struct conf *conf, bool yes)
{
	struct error err = { 0 };
	json_t *answer = tool_control_ask(
		conf,
		json_pack("{s:s, s:b}", "command", "confirm", "answer", yes),
		&err);
	bool done = json_is_true(json_object_get(answer, "done"));

	if (!answer && !tool_control_away(&err))
		log_warn("%s", err.text);
	json_decref(answer);
	return done;
}

int cmd_confirm(int argc, char **argv)
{
	bool no = false, json = false;
	const struct tool_command command = {
		.name = "geoblock confirm",
		.help = help,
		.config = &cmd_config,
		.json = &json,
		.options = { { "no", .flag = &no } },
	};
	struct conf *conf;
	int status, sync, daemon;

	conf = tool_options_conf(&command, argc, argv, &status);
	if (!conf)
		return status;
	sync = tell_sync(conf, !no);
	daemon = tell_daemon(conf, !no);
	conf_free(conf);
	status = sync < 0               ? STATUS_UNABLE
		 : sync == 0 && !daemon ? STATUS_NO
					: STATUS_OK;
	if (json)
		return tool_json_line(json_pack("{s:b, s:b, s:s}", "sync",
						sync > 0, "reload", daemon > 0,
						"answer", no ? "no" : "yes")) &&
				       tool_flush()
			       ? status
			       : STATUS_UNABLE;
	if (status == STATUS_NO)
		log_err("nothing waits for a confirmation");
	else if (status == STATUS_OK)
		puts(no ? "what was before comes back" : "confirmed");
	return tool_flush() ? status : STATUS_UNABLE;
}
