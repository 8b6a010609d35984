// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/answer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <geoblock/log.h>

#include "daemon/mail.h"
#include "daemon/nflog.h"
#include "daemon/trial.h"
#include "tools/tool.h"

static json_t *queues_json(const struct daemon *daemon)
{
	json_t *list = json_array();

	for (size_t i = 0; i < daemon->queue_count; i++) {
		const struct queue_stats *stats =
			queue_stats(daemon->queues[i].queue);
		struct queue_kernel_stats kernel = { 0 };
		json_t *row =
			json_pack("{s:i, s:I, s:I, s:I, s:I, s:I}", "number",
				  daemon->queues[i].number, "packets",
				  (json_int_t)stats->packets, "overruns",
				  (json_int_t)stats->overruns, "malformed",
				  (json_int_t)stats->malformed, "errors",
				  (json_int_t)stats->errors, "buffer_bytes",
				  (json_int_t)stats->rcvbuf);

		if (queue_kernel_stats(daemon->queues[i].queue, &kernel)) {
			json_object_set_new(row, "waiting",
					    answer_number(kernel.waiting));
			json_object_set_new(row, "dropped_full",
					    answer_number(kernel.dropped_full));
			json_object_set_new(
				row, "dropped_unsent",
				answer_number(kernel.dropped_unsent));
		}
		json_array_append_new(list, row);
	}
	return list;
}

static json_t *actions_json(const struct counters *counters)
{
	json_t *out = json_object();

	for (int i = 0; i < ACTION_COUNT; i++)
		json_object_set_new(out, action_name((enum action)i),
				    answer_number(counters->actions[i]));
	return out;
}

static json_t *unreadable_json(const struct counters *counters)
{
	json_t *out = json_object();

	for (int i = PACKET_OK + 1; i < PACKET_STATUS_COUNT; i++)
		if (counters->unreadable[i])
			json_object_set_new(
				out, packet_status_name((enum packet_status)i),
				answer_number(counters->unreadable[i]));
	if (counters->not_syn)
		json_object_set_new(out, "not-syn",
				    answer_number(counters->not_syn));
	if (counters->unjudged)
		json_object_set_new(out, "no-country-data",
				    answer_number(counters->unjudged));
	return out;
}

static json_t *image_json(const struct snapshot *snapshot)
{
	if (!snapshot->image)
		return json_null();
	return json_pack("{s:o, s:I, s:I, s:I, s:s}", "built",
			 answer_when(snapshot->about.built), "ranges4",
			 (json_int_t)snapshot->about.ranges4, "ranges6",
			 (json_int_t)snapshot->about.ranges6, "bytes",
			 (json_int_t)snapshot->about.file_bytes, "digest",
			 snapshot->digest);
}

static json_t *hosts_json(const struct hosts *hosts)
{
	return json_pack("{s:I, s:I, s:I}", "remembered",
			 (json_int_t)hosts_count(hosts), "room",
			 (json_int_t)hosts_room(hosts), "evicted",
			 (json_int_t)hosts_evicted(hosts));
}

json_t *answer_kernel(struct daemon *daemon)
{
	static struct kernel_counter counters[KERNEL_CLASSES_MAX + 16];
	json_t *out = json_object();
	size_t count = 0;

	if (!daemon->kernel ||
	    !kernel_counters(daemon->kernel, daemon->snapshot->conf->table,
			     counters, sizeof(counters) / sizeof(*counters),
			     &count, NULL))
		return out;
	for (size_t i = 0; i < count; i++)
		json_object_set_new(out, counters[i].name,
				    answer_number(counters[i].packets));
	return out;
}

/* The words that status and metrics have for how a question went. */
static json_t *mail_json(const struct daemon *daemon)
{
	struct mail_stats stats[MAIL_PROTOCOLS];
	size_t count = mail_stats(daemon->mail, stats);
	json_t *out = json_object();

	for (size_t i = 0; i < count; i++) {
		json_t *row = json_object();

		for (int k = 0; k < ASKED_COUNT; k++)
			json_object_set_new(row, answer_asked[k],
					    answer_number(stats[i].asked[k]));
		if (stats[i].has_clients) {
			const struct clients_stats *c = &stats[i].clients;

			json_object_set_new(row, "clients",
					    answer_number(c->now));
			json_object_set_new(row, "accepted",
					    answer_number(c->accepted));
			json_object_set_new(row, "refused",
					    answer_number(c->refused));
			json_object_set_new(row, "evicted",
					    answer_number(c->evicted));
			json_object_set_new(row, "late",
					    answer_number(c->late));
		}
		json_object_set_new(out, stats[i].name, row);
	}
	return out;
}

/* Families whose senders all look alike; {} is as it should be. */
static json_t *alike_json(const struct path *path)
{
	json_t *out = json_object();
	char raw[SIGNATURE_TEXT_MAX];

	for (int i = 0; i < 2; i++) {
		const struct alike *alike = &path->alike[i];

		if (alike->on)
			json_object_set_new(
				out, i ? "ipv6" : "ipv4",
				json_pack("{s:o, s:I, s:s}", "since",
					  answer_when(alike->since), "networks",
					  (json_int_t)alike->networks, "raw",
					  signature_of_packet(&alike->example,
							      raw)));
	}
	return out;
}

json_t *answer_status(struct daemon *daemon, const json_t *request)
{
	const struct snapshot *snapshot = daemon->snapshot;
	const struct conf *conf = snapshot->conf;
	json_t *out = json_object();

	(void)request;
	json_object_set_new(out, "version", json_string(GEOBLOCK_VERSION));
	json_object_set_new(out, "pid", json_integer(getpid()));
	json_object_set_new(out, "started", answer_when(daemon->started));
	json_object_set_new(
		out, "mode",
		json_string(conf->policy.audit ? "audit" : "enforce"));
	json_object_set_new(out, "config", json_string(conf->path));
	json_object_set_new(out, "loaded", answer_when(snapshot->loaded));
	json_object_set_new(out, "table", json_string(conf->table));
	json_object_set_new(out, "healed", answer_number(daemon->healed));
	json_object_set_new(out, "image", image_json(snapshot));
	json_object_set_new(
		out, "signatures",
		answer_number(signatures_count(snapshot->signatures)));
	json_object_set_new(out, "queues", queues_json(daemon));
	if (daemon->nflog)
		json_object_set_new(
			out, "copies",
			json_pack(
				"{s:I, s:I}", "seen",
				(json_int_t)nflog_stats(daemon->nflog)->packets,
				"overruns",
				(json_int_t)nflog_stats(daemon->nflog)
					->overruns));
	json_object_set_new(out, "verdicts",
			    actions_json(&daemon->path.counters));
	json_object_set_new(out, "sent_again",
			    answer_number(daemon->path.counters.again));
	json_object_set_new(out, "not_judged",
			    unreadable_json(&daemon->path.counters));
	json_object_set_new(out, "alike", alike_json(&daemon->path));
	json_object_set_new(out, "hosts", hosts_json(daemon->path.hosts));
	json_object_set_new(out, "connections",
			    hosts_json(daemon->path.connections));
	if (daemon->mail)
		json_object_set_new(out, "asked", mail_json(daemon));
	json_object_set_new(out, "log_suppressed",
			    answer_number(daemon->path.journal.suppressed_all));
	json_object_set_new(out, "log_lost", answer_number(log_lost()));
	json_object_set_new(out, "kernel", answer_kernel(daemon));
	if (daemon->trial.before)
		json_object_set_new(
			out, "trial",
			json_pack("{s:o}", "until",
				  answer_when(daemon->trial.until)));
	if (daemon->service.last_reload.time)
		json_object_set_new(
			out, "reload",
			json_pack("{s:o, s:b, s:s}", "time",
				  answer_when(daemon->service.last_reload.time),
				  "ok", daemon->service.last_reload.ok, "text",
				  daemon->service.last_reload.text));
	return out;
}
