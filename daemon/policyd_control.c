// SPDX-License-Identifier: GPL-2.0-or-later
/* What geoblock-policyd's control socket answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "daemon/policyd.h"
#include "daemon/policyd_client.h"
#include "tools/tool.h"

const char *policyd_skip_name(enum policyd_skip skip)
{
	static const char *const names[] = {
		"none",    "state",           "sasl",
		"address", "no-country-data", "geoblockd-away"
	};

	return names[skip];
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *when(uint64_t seconds)
{
	char text[TOOL_TIME_MAX];

	return json_string(tool_time(seconds, text));
}

/* A counter for each of an enum's names. */
#define COUNTS(out, first, count, name, type, array)                           \
	do {                                                                   \
		for (int i_ = (first); i_ < (count); i_++)                     \
			json_object_set_new((out), name((type)i_),             \
					    number((array)[i_]));              \
	} while (0)

static json_t *counts_json(const struct policyd_counters *c)
{
	json_t *replies = json_object(), *skipped = json_object(),
	       *seen = json_object(), *greylist = json_object(),
	       *rdns = json_object(), *verdicts = json_object();

	COUNTS(replies, 0, POLICYD_ACTION_COUNT, policyd_action_name,
	       enum policyd_action, c->replies);
	COUNTS(skipped, 1, POLICYD_SKIP_COUNT, policyd_skip_name,
	       enum policyd_skip, c->skipped);
	COUNTS(seen, 0, POLICYD_SEEN_COUNT, policyd_seen_name,
	       enum policyd_seen, c->seen);
	COUNTS(greylist, 0, GREYLIST_ANSWER_COUNT, greylist_answer_name,
	       enum greylist_answer, c->greylist);
	COUNTS(rdns, 0, RDNS_CLASS_COUNT, rdns_class_name, enum rdns_class,
	       c->rdns);
	COUNTS(verdicts, 0, ACTION_COUNT, action_name, enum action,
	       c->verdicts.actions);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "replies", replies,
			 "not_judged", skipped, "syn", seen, "greylist",
			 greylist, "rdns", rdns, "verdicts", verdicts);
}

static json_t *delays_json(const struct policyd_counters *c)
{
	static const uint32_t bounds[] = POLICYD_DELAYS;
	json_t *buckets = json_array();
	uint64_t count = 0;

	for (size_t i = 0; i <= POLICYD_DELAYS_COUNT; i++) {
		count += c->delays[i];
		json_array_append_new(buckets,
				      json_pack("{s:o, s:o}", "us",
						i < POLICYD_DELAYS_COUNT
							? number(bounds[i])
							: json_null(),
						"count", number(c->delays[i])));
	}
	return json_pack("{s:o, s:o}", "mean_us",
			 number(count ? c->delays_us / count : 0), "buckets",
			 buckets);
}

static json_t *status(struct policyd *policyd)
{
	const struct policyd_counters *c = &policyd->counters;
	const struct snapshot *snapshot = policyd->snapshot;
	json_t *out = counts_json(c);

	json_object_set_new(out, "version", json_string(GEOBLOCK_VERSION));
	json_object_set_new(out, "pid", json_integer(getpid()));
	json_object_set_new(out, "started", when(policyd->started));
	json_object_set_new(out, "mode",
			    json_string(snapshot->conf->policy.audit
						? "audit"
						: "enforce"));
	json_object_set_new(out, "config", json_string(snapshot->conf->path));
	json_object_set_new(out, "loaded", when(snapshot->loaded));
	json_object_set_new(out, "image",
			    snapshot->image ? json_string(snapshot->digest)
					    : json_null());
	json_object_set_new(out, "geoblockd",
			    json_boolean(policyd_syn_here(policyd->syn)));
	json_object_set_new(
		out, "clients",
		json_pack("{s:o, s:o, s:o, s:o, s:o}", "connected",
			  number(policyd_clients_count(policyd->clients)),
			  "connections", number(c->connections), "too_many",
			  number(c->refused), "malformed", number(c->malformed),
			  "slow", number(c->slow)));
	json_object_set_new(out, "requests", number(c->requests));
	json_object_set_new(out, "delays", delays_json(c));
	json_object_set_new(out, "log_suppressed",
			    number(policyd->journal.suppressed_all));
	if (policyd->service.last_reload.time)
		json_object_set_new(
			out, "reload",
			json_pack("{s:o, s:b, s:s}", "time",
				  when(policyd->service.last_reload.time), "ok",
				  policyd->service.last_reload.ok, "text",
				  policyd->service.last_reload.text));
	return out;
}

/* ---- metrics ---------------------------------------------------------------- */

static void head(FILE *out, const char *name, const char *type,
		 const char *help)
{
	fprintf(out,
		"# HELP geoblock_policyd_%s %s\n# TYPE geoblock_policyd_%s "
		"%s\n",
		name, help, name, type);
}

static void one(FILE *out, const char *name, const char *type, const char *help,
		uint64_t value)
{
	head(out, name, type, help);
	fprintf(out, "geoblock_policyd_%s %llu\n", name,
		(unsigned long long)value);
}

/* One metric with a label; its values' names need no escapes. */
static void many(FILE *out, const char *name, const char *label,
		 const char *help, json_t *counts)
{
	const char *key;
	json_t *value;

	head(out, name, "counter", help);
	json_object_foreach(counts, key, value)
		fprintf(out, "geoblock_policyd_%s{%s=\"%s\"} %lld\n", name,
			label, key, (long long)json_integer_value(value));
}

static void delay_metrics(FILE *out, const struct policyd_counters *c)
{
	static const uint32_t bounds[] = POLICYD_DELAYS;
	uint64_t count = 0;

	head(out, "answer_seconds", "histogram",
	     "Time from a request to its answer.");
	for (size_t i = 0; i < POLICYD_DELAYS_COUNT; i++) {
		count += c->delays[i];
		fprintf(out,
			"geoblock_policyd_answer_seconds_bucket{le=\"%g\"} "
			"%llu\n",
			bounds[i] / 1e6, (unsigned long long)count);
	}
	count += c->delays[POLICYD_DELAYS_COUNT];
	fprintf(out,
		"geoblock_policyd_answer_seconds_bucket{le=\"+Inf\"} %llu\n"
		"geoblock_policyd_answer_seconds_sum %g\n"
		"geoblock_policyd_answer_seconds_count %llu\n",
		(unsigned long long)count, (double)c->delays_us / 1e6,
		(unsigned long long)count);
}

static void write_metrics(FILE *out, struct policyd *policyd)
{
	const struct policyd_counters *c = &policyd->counters;
	json_t *counts = counts_json(c);

	one(out, "requests_total", "counter", "Requests.", c->requests);
	one(out, "malformed_total", "counter",
	    "Connections that sent what is no request.", c->malformed);
	one(out, "connections_total", "counter", "Connections.",
	    c->connections);
	one(out, "connections", "gauge", "Connections that are open.",
	    policyd_clients_count(policyd->clients));
	one(out, "geoblockd_up", "gauge", "Whether geoblockd answers.",
	    policyd_syn_here(policyd->syn));
	many(out, "replies_total", "reply", "Answers to the mail server.",
	     json_object_get(counts, "replies"));
	many(out, "not_judged_total", "reason",
	     "Requests that were let through without a verdict.",
	     json_object_get(counts, "not_judged"));
	many(out, "verdicts_total", "action", "Verdicts, by action.",
	     json_object_get(counts, "verdicts"));
	many(out, "syn_total", "seen", "Senders, by the SYN known of them.",
	     json_object_get(counts, "syn"));
	many(out, "greylist_total", "answer", "Answers of the greylist.",
	     json_object_get(counts, "greylist"));
	many(out, "rdns_total", "class", "Senders, by reverse DNS.",
	     json_object_get(counts, "rdns"));
	delay_metrics(out, c);
	json_decref(counts);
}

static json_t *metrics(struct policyd *policyd)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	json_t *result;

	if (!out)
		return json_pack("{s:s}", "error", "out of memory");
	write_metrics(out, policyd);
	fclose(out);
	result = json_pack("{s:s#}", "text", text, len);
	free(text);
	return result;
}

/* ---- requests ------------------------------------------------------------- */

static char *dump(json_t *out)
{
	char *text = out ? json_dumps(out, JSON_COMPACT) : NULL;

	json_decref(out);
	return text;
}

static bool is(const char *command, const char *name)
{
	return command && strcmp(command, name) == 0;
}

char *policyd_control_answer(void *ctx, const char *line, size_t len,
			     enum control_later *later)
{
	struct policyd *policyd = ctx;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *command =
		json_string_value(json_object_get(request, "command"));
	struct error err = { 0 };
	char *text = NULL;

	*later = CONTROL_NOW;
	if (!json_is_object(request)) {
		text = dump(json_pack("{s:s}", "error",
				      "a request is one JSON object on one "
				      "line"));
	} else if (is(command, "status")) {
		text = dump(status(policyd));
	} else if (is(command, "metrics")) {
		text = dump(metrics(policyd));
	} else if (is(command, "log")) {
		*later = CONTROL_FOLLOWS;
	} else if (is(command, "reload")) {
		policyd_reload(policyd, &err);
		text = control_reload_text(&err,
					   policyd->service.last_reload.text);
	} else if (is(command, "list") || is(command, "forget") ||
		   is(command, "stats")) {
		text = greylist_command(policyd->greylist, line, len);
	} else {
		text = dump(json_pack("{s:s}", "error",
				      "\"command\" is status, metrics, log, "
				      "reload, list, forget or stats"));
	}
	json_decref(request);
	return text;
}
