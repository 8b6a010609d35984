// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock reload: have geoblockd read everything anew, and say how that went. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <geoblock/log.h>

#include "tools/cmd.h"
#include "tools/tool.h"
#include "tools/tool_ask.h"
#include "tools/tool_confirm.h"
#include "tools/tool_control.h"
#include "tools/tool_options.h"

static const char help[] =
	"usage: geoblock reload [OPTION…]\n"
	"\n"
	"  --confirm TIME  go back to what ran before, unless it is confirmed "
	"within TIME\n"
	"                  (60s, 5m): by Enter here, or by `geoblock confirm`\n"
	"  --json          the result as one JSON object\n"
	"  --config FILE   instead of " CONF_DEFAULT_PATH "\n"
	"  --help          this text\n"
	"\n"
	"Asks geoblockd and, where it runs, geoblock-policyd.\n"
	"\n"
	"Exit status: 0 done, 1 not confirmed, 2 the configuration is wrong "
	"and what ran before "
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

/* ---- on trial ------------------------------------------------------------------ */

#define LOOK_MS 200 /* between two questions to the daemon */

static json_t *say(const struct conf *conf, enum tool_word word)
{
	json_t *request = json_pack("{s:s}", "command", "confirm");
	struct error err;

	if (word != TOOL_WORD_NONE)
		json_object_set_new(request, "answer",
				    json_boolean(word == TOOL_WORD_YES));
	return tool_control_ask(conf, request, &err);
}

/* Until the daemon has an end of it: "confirmed" or "reverted"; NULL where the
 * daemon is gone.  It keeps the time itself, whatever becomes of us. */
static const char *wait_for_it(const struct conf *conf, unsigned seconds)
{
	tool_ask_start("geoblock reload", seconds);
	for (;;) {
		json_t *answer = say(conf, tool_ask(LOOK_MS));
		const char *result =
			json_string_value(json_object_get(answer, "result"));
		bool confirmed = result && strcmp(result, "confirmed") == 0;
		bool gone = !answer;

		json_decref(answer);
		if (gone)
			return NULL;
		if (result)
			return confirmed ? "confirmed" : "reverted";
	}
}

static int end_of_trial(const struct conf *conf, unsigned seconds,
			json_t *answer)
{
	const char *end = wait_for_it(conf, seconds);
	bool confirmed = end && strcmp(end, "confirmed") == 0;

	json_object_set_new(answer, "confirmed", json_boolean(confirmed));
	if (confirmed)
		return STATUS_OK;
	json_object_set_new(answer, "ok", json_false());
	json_object_set_new(
		answer, "text",
		json_string(end ? "not confirmed" : "geoblockd is gone"));
	return end ? STATUS_NO : STATUS_UNABLE;
}

/* ---- the command --------------------------------------------------------------- */

static json_t *request(unsigned confirm)
{
	json_t *o = json_pack("{s:s}", "command", "reload");

	if (confirm)
		json_object_set_new(o, "confirm", json_integer(confirm));
	return o;
}

/* geoblockd's part: its answer, to be given back, or NULL. */
static json_t *reload(const struct conf *conf, unsigned confirm, int *status,
		      struct error *err)
{
	json_t *answer;

	/* who is interrupted before the trial has begun says no to it, too */
	if (confirm)
		tool_ask_catch();
	answer = tool_control_ask(conf, request(confirm), err);
	*status = status_of(answer);
	if (*status == STATUS_OK && confirm)
		*status = end_of_trial(conf, confirm, answer);
	return answer;
}

int cmd_reload(int argc, char **argv)
{
	unsigned confirm = 0;
	bool json = false;
	const struct tool_command command = {
		.name = "geoblock reload",
		.help = help,
		.config = &cmd_config,
		.json = &json,
		.ctx = &confirm,
		.options = { { "confirm", .take = tool_confirm_take } },
	};
	struct error err = { 0 }, policyd_err = { .sys_errno = ENOENT };
	json_t *answer, *policyd = NULL;
	struct conf *conf;
	int status;

	conf = tool_options_conf(&command, argc, argv, &status);
	if (!conf)
		return status;
	answer = reload(conf, confirm, &status, &err);
	if (status == STATUS_OK || !confirm)
		policyd = tool_control_ask_policyd(conf, request(0),
						   &policyd_err);
	conf_free(conf);
	if (!json || !answer)
		print("geoblockd", answer, &err);
	if (policyd || !tool_control_away(&policyd_err)) {
		if (!json || !policyd)
			print("geoblock-policyd", policyd, &policyd_err);
		if (status == STATUS_OK)
			status = status_of(policyd);
	}
	if (!json || !answer)
		json_decref(policyd);
	else if (policyd)
		json_object_set_new(answer, "policyd", policyd);
	if (json && answer && !tool_json_line(answer))
		return STATUS_UNABLE;
	if (!json)
		json_decref(answer);
	return tool_flush() ? status : STATUS_UNABLE;
}
