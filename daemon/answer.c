// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/answer.h"

#include <string.h>

#include "daemon/control.h"
#include "daemon/trial.h"
#include "tools/tool.h"
#include "tools/tool_confirm.h"

const char *const answer_asked[ASKED_COUNT] = {
	[ASKED_FOUND] = "found",
	[ASKED_UNKNOWN] = "unknown",
	[ASKED_BAD] = "bad",
};

json_t *answer_number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

json_t *answer_when(uint64_t seconds)
{
	char text[TOOL_TIME_MAX];

	return json_string(tool_time(seconds, text));
}

json_t *answer_failure(const char *text)
{
	return json_pack("{s:s}", "error", text);
}

/* ---- host ----------------------------------------------------------------- */

static void set_text(json_t *out, const char *key, const char *text)
{
	if (text && *text)
		json_object_set_new(out, key, json_string(text));
}

/* What the database that is loaded now says of the looks remembered. */
static void set_looks(json_t *out, const struct daemon *daemon,
		      const struct host *host)
{
	struct fingerprint fingerprint;
	char raw[SIGNATURE_TEXT_MAX];
	struct packet packet;

	if (!host_packet(host, &packet))
		return;
	fingerprint_of(daemon->snapshot->signatures, &packet, &fingerprint);
	set_text(out, "name", fingerprint.name);
	set_text(out, "flavour", fingerprint.flavour);
	if (fingerprint.signature)
		set_text(out, "signature", fingerprint.signature->text);
	set_text(out, "raw", signature_of_packet(&packet, raw));
}

static json_t *host_json(const struct daemon *daemon, const struct host *host)
{
	const struct policy *policy = &daemon->snapshot->conf->policy;
	struct addr addr = host_addr(host);
	char text[ADDR_TEXT_MAX], country[3];
	json_t *out = json_object();

	set_text(out, "address", addr_format(&addr, text));
	json_object_set_new(out, "first_seen", answer_when(host->first));
	json_object_set_new(out, "last_seen", answer_when(host->last));
	json_object_set_new(out, "count", answer_number(host->count));
	if (host->country)
		set_text(out, "country", country_text(host->country, country));
	set_text(out, "os", os_class_name((enum os_class)host->os));
	json_object_set_new(out, "confidence", json_integer(host->confidence));
	set_text(out, "match",
		 fingerprint_match_name((enum fingerprint_match)host->match));
	json_object_set_new(out, "distance", json_integer(host->distance));
	set_text(out, "verdict", action_name(HOST_ACTION(host)));
	set_text(out, "stage", stage_name(HOST_STAGE(host)));
	if (host->rule > HOST_RULE_GONE && host->rule < (int)policy->rule_count)
		set_text(out, "rule", rule_title(policy, host->rule));
	if (daemon->path.alike[addr.family == 6].on)
		json_object_set_new(out, "alike", json_true());
	set_looks(out, daemon, host);
	return out;
}

json_t *answer_host(struct daemon *daemon, const json_t *request)
{
	const json_t *address = json_object_get(request, "address");
	const char *text = json_string_value(address);
	json_int_t port = json_integer_value(json_object_get(request, "port"));
	const struct host *host;
	struct error err;
	struct addr addr;

	if (!text)
		return answer_failure("\"address\" is missing");
	if (!addr_parse(text, json_string_length(address), &addr, &err))
		return answer_failure(err.text);
	if (port < 0 || port > UINT16_MAX)
		return answer_failure("\"port\" is no port");
	host = hosts_find(port ? daemon->path.connections : daemon->path.hosts,
			  &addr, (uint16_t)port);
	if (!host)
		return json_pack("{s:b}", "seen", false);
	return host_json(daemon, host);
}

/* ---- requests ------------------------------------------------------------- */

static json_t *do_reload(struct daemon *daemon, const json_t *request)
{
	const json_t *confirm = json_object_get(request, "confirm");
	json_int_t seconds = json_integer_value(confirm);
	uint64_t number;

	if (!daemon->worker)
		return answer_failure("not started yet");
	if (confirm && (seconds < 1 || seconds > TOOL_CONFIRM_MAX_S))
		return answer_failure("\"confirm\" is 1 to 3600 seconds");
	if (daemon->trial.before || daemon->trial.asked_s)
		return answer_failure(
			"a reload waits for its confirmation: geoblock "
			"confirm, or geoblock confirm --no");
	number = worker_ask(daemon->worker, WORKER_RELOAD);
	daemon->trial.asked_s = (unsigned)seconds;
	daemon->trial.number = number;
	control_asked(daemon->service.control, number);
	return NULL;
}

/* {"command":"confirm"[,"answer":true|false]} */
static json_t *do_confirm(struct daemon *daemon, const json_t *request)
{
	const json_t *answer = json_object_get(request, "answer");
	const struct trial *trial = &daemon->trial;
	json_t *out = json_object();

	if (json_is_boolean(answer))
		json_object_set_new(
			out, "done",
			json_boolean(trial_end(daemon, json_is_true(answer))));
	json_object_set_new(out, "waits", json_boolean(trial->before));
	if (trial->before)
		json_object_set_new(out, "until", answer_when(trial->until));
	if (trial->result)
		json_object_set_new(out, "result", json_string(trial->result));
	return out;
}

static json_t *do_log(struct daemon *daemon, const json_t *request)
{
	(void)daemon;
	(void)request;
	return NULL;
}

static const struct {
	const char *name;
	json_t *(*run)(struct daemon *daemon, const json_t *request);
	enum control_later later;
} commands[] = {
	{ "status", answer_status, CONTROL_NOW },
	{ "top", answer_top, CONTROL_NOW },
	{ "host", answer_host, CONTROL_NOW },
	{ "metrics", answer_metrics, CONTROL_NOW },
	{ "reload", do_reload, CONTROL_RELOADS },
	{ "confirm", do_confirm, CONTROL_NOW },
	{ "log", do_log, CONTROL_FOLLOWS },
};

static json_t *run(struct daemon *daemon, const json_t *request,
		   enum control_later *later)
{
	const char *name =
		json_string_value(json_object_get(request, "command"));

	for (size_t i = 0; name && i < sizeof(commands) / sizeof(*commands);
	     i++)
		if (strcmp(commands[i].name, name) == 0) {
			*later = commands[i].later;
			return commands[i].run(daemon, request);
		}
	return answer_failure(
		"\"command\" is status, top, host, metrics, reload, "
		"confirm or log");
}

char *control_answer(void *daemon, const char *line, size_t len,
		     enum control_later *later)
{
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	json_t *out;
	char *text = NULL;

	*later = CONTROL_NOW;
	out = json_is_object(request)
		      ? run(daemon, request, later)
		      : answer_failure(
				"a request is one JSON object on one line");
	if (out)
		text = json_dumps(out, JSON_COMPACT);
	json_decref(out);
	json_decref(request);
	return text;
}

char *control_reload_text(const struct error *err, const char *text)
{
	json_t *out = json_pack("{s:b, s:b, s:s}", "ok",
				err->kind == ERROR_NONE, "configuration",
				err->kind == ERROR_MALFORMED, "text", text);
	char *line = out ? json_dumps(out, JSON_COMPACT) : NULL;

	json_decref(out);
	return line;
}
