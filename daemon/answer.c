// SPDX-License-Identifier: GPL-2.0-or-later
/* What the control socket answers, command by command. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include <geoblock/log.h>
#include <geoblock/words.h>

#include "daemon/control.h"
#include "daemon/daemon.h"
#include "daemon/mail.h"
#include "daemon/nflog.h"
#include "daemon/trial.h"
#include "tools/tool.h"
#include "tools/tool_confirm.h"

#define TOP_ROWS 20

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *when(uint64_t seconds)
{
	char text[TOOL_TIME_MAX];

	return json_string(tool_time(seconds, text));
}

static json_t *failure(const char *text)
{
	return json_pack("{s:s}", "error", text);
}

/* ---- status -------------------------------------------------------------- */

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
					    number(kernel.waiting));
			json_object_set_new(row, "dropped_full",
					    number(kernel.dropped_full));
			json_object_set_new(row, "dropped_unsent",
					    number(kernel.dropped_unsent));
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
				    number(counters->actions[i]));
	return out;
}

static json_t *unreadable_json(const struct counters *counters)
{
	json_t *out = json_object();

	for (int i = PACKET_OK + 1; i < PACKET_STATUS_COUNT; i++)
		if (counters->unreadable[i])
			json_object_set_new(
				out, packet_status_name((enum packet_status)i),
				number(counters->unreadable[i]));
	if (counters->not_syn)
		json_object_set_new(out, "not-syn", number(counters->not_syn));
	if (counters->unjudged)
		json_object_set_new(out, "no-country-data",
				    number(counters->unjudged));
	return out;
}

static json_t *image_json(const struct snapshot *snapshot)
{
	if (!snapshot->image)
		return json_null();
	return json_pack("{s:o, s:I, s:I, s:I, s:s}", "built",
			 when(snapshot->about.built), "ranges4",
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

/* The kernel's own counters; absent where they cannot be read. */
static json_t *kernel_json(struct daemon *daemon)
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
				    number(counters[i].packets));
	return out;
}

/* The words that status and metrics have for how a question went. */
static const char *const asked_words[ASKED_COUNT] = {
	[ASKED_FOUND] = "found",
	[ASKED_UNKNOWN] = "unknown",
	[ASKED_BAD] = "bad",
};

static json_t *mail_json(const struct daemon *daemon)
{
	struct mail_stats stats[MAIL_PROTOCOLS];
	size_t count = mail_stats(daemon->mail, stats);
	json_t *out = json_object();

	for (size_t i = 0; i < count; i++) {
		json_t *row = json_object();

		for (int k = 0; k < ASKED_COUNT; k++)
			json_object_set_new(row, asked_words[k],
					    number(stats[i].asked[k]));
		if (stats[i].has_clients) {
			const struct clients_stats *c = &stats[i].clients;

			json_object_set_new(row, "clients", number(c->now));
			json_object_set_new(row, "accepted",
					    number(c->accepted));
			json_object_set_new(row, "refused", number(c->refused));
			json_object_set_new(row, "evicted", number(c->evicted));
			json_object_set_new(row, "late", number(c->late));
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
					  when(alike->since), "networks",
					  (json_int_t)alike->networks, "raw",
					  signature_of_packet(&alike->example,
							      raw)));
	}
	return out;
}

static json_t *do_status(struct daemon *daemon, const json_t *request)
{
	const struct snapshot *snapshot = daemon->snapshot;
	const struct conf *conf = snapshot->conf;
	json_t *out = json_object();

	(void)request;
	json_object_set_new(out, "version", json_string(GEOBLOCK_VERSION));
	json_object_set_new(out, "pid", json_integer(getpid()));
	json_object_set_new(out, "started", when(daemon->started));
	json_object_set_new(
		out, "mode",
		json_string(conf->policy.audit ? "audit" : "enforce"));
	json_object_set_new(out, "config", json_string(conf->path));
	json_object_set_new(out, "loaded", when(snapshot->loaded));
	json_object_set_new(out, "table", json_string(conf->table));
	json_object_set_new(out, "healed", number(daemon->healed));
	json_object_set_new(out, "image", image_json(snapshot));
	json_object_set_new(out, "signatures",
			    number(signatures_count(snapshot->signatures)));
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
			    number(daemon->path.counters.again));
	json_object_set_new(out, "not_judged",
			    unreadable_json(&daemon->path.counters));
	json_object_set_new(out, "alike", alike_json(&daemon->path));
	json_object_set_new(out, "hosts", hosts_json(daemon->path.hosts));
	json_object_set_new(out, "connections",
			    hosts_json(daemon->path.connections));
	if (daemon->mail)
		json_object_set_new(out, "asked", mail_json(daemon));
	json_object_set_new(out, "log_suppressed",
			    number(daemon->path.journal.suppressed_all));
	json_object_set_new(out, "log_lost", number(log_lost()));
	json_object_set_new(out, "kernel", kernel_json(daemon));
	if (daemon->trial.before)
		json_object_set_new(
			out, "trial",
			json_pack("{s:o}", "until", when(daemon->trial.until)));
	if (daemon->reload.time)
		json_object_set_new(out, "reload",
				    json_pack("{s:o, s:b, s:s}", "time",
					      when(daemon->reload.time), "ok",
					      daemon->reload.ok, "text",
					      daemon->reload.text));
	return out;
}

/* ---- top ------------------------------------------------------------------ */

struct row {
	char key[RULE_TITLE_MAX];
	uint64_t seen, refused;
};

struct net {
	addr6_t first; /* IPv4 as ::ffff:a.b.c.0 */
	uint64_t seen, refused;
};

static int by_seen(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->seen != y->seen ? (x->seen < y->seen) - (x->seen > y->seen)
				  : strcmp(x->key, y->key);
}

static json_t *rows_json(struct row *rows, size_t count)
{
	json_t *list = json_array();

	qsort(rows, count, sizeof(*rows), by_seen);
	for (size_t i = 0; i < count && i < TOP_ROWS && rows[i].seen; i++)
		json_array_append_new(
			list,
			json_pack("{s:s, s:I, s:I}", "key", rows[i].key, "seen",
				  (json_int_t)rows[i].seen, "refused",
				  (json_int_t)rows[i].refused));
	return json_pack("{s:o}", "rows", list);
}

static json_t *top_country(struct daemon *daemon)
{
	static struct row rows[COUNTRY_SLOTS];
	struct country_set every = { 0 };
	country_t cc = COUNTRY_NONE;
	size_t count = 0;

	country_set_fill(&every);
	do {
		const struct tally *tally =
			&daemon->path.counters.countries[COUNTRY_SLOT(cc)];
		struct row *row = &rows[count++];

		country_text(cc, row->key);
		row->seen = tally->seen;
		row->refused = tally->refused;
		cc = country_set_next(&every, cc);
	} while (cc && count < COUNTRY_SLOTS);
	return rows_json(rows, count);
}

static json_t *top_os(struct daemon *daemon)
{
	struct row rows[OS_CLASS_COUNT];

	for (size_t i = 0; i < OS_CLASS_COUNT; i++) {
		snprintf(rows[i].key, sizeof(rows[i].key), "%s",
			 os_class_name((enum os_class)i));
		rows[i].seen = daemon->path.counters.os[i].seen;
		rows[i].refused = daemon->path.counters.os[i].refused;
	}
	return rows_json(rows, OS_CLASS_COUNT);
}

/* A rule refuses all that it is the reason for, or nothing. */
static enum action reason_action(const struct policy *policy, int rule)
{
	switch (rule) {
	case RULE_EXEMPT:
		return ACTION_ACCEPT;
	case RULE_DENY:
		return policy->deny_action;
	case RULE_DEFAULT:
		return policy->default_action;
	}
	return policy->rules[rule].action;
}

static json_t *top_reason(struct daemon *daemon)
{
	const struct policy *policy = &daemon->snapshot->conf->policy;
	struct row rows[REASONS_MAX];
	size_t count = 0;

	for (unsigned i = 0; i < REASONS_MAX; i++) {
		int rule = REASON_RULE(i);
		struct row *row = &rows[count];

		if (rule >= (int)policy->rule_count)
			break;
		count++;
		snprintf(row->key, sizeof(row->key), "%s",
			 rule_title(policy, rule));
		row->seen = daemon->path.counters.reasons[i];
		row->refused =
			is_refusal(reason_action(policy, rule)) ? row->seen : 0;
	}
	return rows_json(rows, count);
}

struct nets {
	struct net *nets;
	size_t count, room;
};

static bool collect(void *ctx, const struct host *host)
{
	struct nets *nets = ctx;
	struct addr addr = host_addr(host);
	unsigned host_bits = addr.family == 4 ? 8 : 64;
	struct net *net = &nets->nets[nets->count];

	net->first = host->addr >> host_bits << host_bits;
	net->seen = host->count;
	net->refused = is_refusal(HOST_ACTION(host)) ? host->count : 0;
	return ++nets->count < nets->room;
}

static int by_first(const void *a, const void *b)
{
	const struct net *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static int net_by_seen(const void *a, const void *b)
{
	const struct net *x = a, *y = b;

	return (x->seen < y->seen) - (x->seen > y->seen);
}

static size_t merge_nets(struct net *nets, size_t count)
{
	size_t kept = 0;

	qsort(nets, count, sizeof(*nets), by_first);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || nets[kept - 1].first != nets[i].first) {
			nets[kept++] = nets[i];
			continue;
		}
		nets[kept - 1].seen += nets[i].seen;
		nets[kept - 1].refused += nets[i].refused;
	}
	qsort(nets, kept, sizeof(*nets), net_by_seen);
	return kept;
}

static json_t *top_net(struct daemon *daemon)
{
	struct nets nets = { .room = hosts_count(daemon->path.hosts) };
	struct row rows[TOP_ROWS];
	size_t count;

	if (nets.room == 0)
		return rows_json(rows, 0);
	nets.nets = calloc(nets.room, sizeof(*nets.nets));
	if (!nets.nets)
		return failure("out of memory");
	hosts_each(daemon->path.hosts, collect, &nets);
	count = merge_nets(nets.nets, nets.count);
	if (count > TOP_ROWS)
		count = TOP_ROWS;
	for (size_t i = 0; i < count; i++) {
		const struct host as_host = { .addr = nets.nets[i].first };
		struct addr addr = host_addr(&as_host);
		char text[ADDR_TEXT_MAX];

		snprintf(rows[i].key, sizeof(rows[i].key), "%s/%d",
			 addr_format(&addr, text), addr.family == 4 ? 24 : 64);
		rows[i].seen = nets.nets[i].seen;
		rows[i].refused = nets.nets[i].refused;
	}
	free(nets.nets);
	return rows_json(rows, count);
}

static json_t *do_top(struct daemon *daemon, const json_t *request)
{
	const char *by = json_string_value(json_object_get(request, "by"));

	if (!by || strcmp(by, "country") == 0)
		return top_country(daemon);
	if (strcmp(by, "os") == 0)
		return top_os(daemon);
	if (strcmp(by, "net") == 0)
		return top_net(daemon);
	if (strcmp(by, "reason") == 0)
		return top_reason(daemon);
	return failure("\"by\" is country, os, net or reason");
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
	json_object_set_new(out, "first_seen", when(host->first));
	json_object_set_new(out, "last_seen", when(host->last));
	json_object_set_new(out, "count", number(host->count));
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
	set_looks(out, daemon, host);
	return out;
}

static json_t *do_host(struct daemon *daemon, const json_t *request)
{
	const json_t *address = json_object_get(request, "address");
	const char *text = json_string_value(address);
	json_int_t port = json_integer_value(json_object_get(request, "port"));
	const struct host *host;
	struct error err;
	struct addr addr;

	if (!text)
		return failure("\"address\" is missing");
	if (!addr_parse(text, json_string_length(address), &addr, &err))
		return failure(err.text);
	if (port < 0 || port > UINT16_MAX)
		return failure("\"port\" is no port");
	host = hosts_find(port ? daemon->path.connections : daemon->path.hosts,
			  &addr, (uint16_t)port);
	if (!host)
		return json_pack("{s:b}", "seen", false);
	return host_json(daemon, host);
}

/* ---- metrics ---------------------------------------------------------------- */

static void metric(FILE *out, const char *name, const char *type,
		   const char *help)
{
	fprintf(out, "# HELP geoblock_%s %s\n# TYPE geoblock_%s %s\n", name,
		help, name, type);
}

/* A label's value: the three characters that the format escapes. */
static void labelled(FILE *out, const char *name, const char *label,
		     const char *value, uint64_t count)
{
	fprintf(out, "geoblock_%s{%s=\"", name, label);
	for (; *value; value++)
		if (*value == '"' || *value == '\\')
			fprintf(out, "\\%c", *value);
		else if (*value == '\n')
			fputs("\\n", out);
		else
			fputc(*value, out);
	fprintf(out, "\"} %llu\n", (unsigned long long)count);
}

static void plain(FILE *out, const char *name, const char *type,
		  const char *help, uint64_t value)
{
	metric(out, name, type, help);
	fprintf(out, "geoblock_%s %llu\n", name, (unsigned long long)value);
}

static void country_metrics(FILE *out, const struct counters *counters)
{
	struct country_set every = { 0 };
	country_t cc = COUNTRY_NONE;
	char text[3];

	country_set_fill(&every);
	metric(out, "country_syns_total", "counter",
	       "SYNs judged by the daemon, by country.");
	do {
		uint64_t seen = counters->countries[COUNTRY_SLOT(cc)].seen;

		if (seen)
			labelled(out, "country_syns_total", "country",
				 country_text(cc, text), seen);
		cc = country_set_next(&every, cc);
	} while (cc);
}

static void verdict_metrics(FILE *out, const struct daemon *daemon)
{
	const struct policy *policy = &daemon->snapshot->conf->policy;
	const struct counters *counters = &daemon->path.counters;

	metric(out, "verdicts_total", "counter",
	       "SYNs judged by the daemon, by action.");
	for (int i = 0; i < ACTION_COUNT; i++)
		labelled(out, "verdicts_total", "action",
			 action_name((enum action)i), counters->actions[i]);
	metric(out, "reasons_total", "counter",
	       "SYNs judged by the daemon, by the rule that decided.");
	for (unsigned i = 0; i < REASONS_MAX; i++)
		if (REASON_RULE(i) < (int)policy->rule_count)
			labelled(out, "reasons_total", "rule",
				 rule_title(policy, REASON_RULE(i)),
				 counters->reasons[i]);
	metric(out, "os_syns_total", "counter",
	       "SYNs judged by the daemon, by operating system.");
	for (int i = 0; i < OS_CLASS_COUNT; i++)
		labelled(out, "os_syns_total", "os",
			 os_class_name((enum os_class)i), counters->os[i].seen);
}

static void kernel_metrics(FILE *out, struct daemon *daemon)
{
	json_t *counters = kernel_json(daemon), *value;
	const char *name;

	metric(out, "kernel_packets_total", "counter",
	       "Packets by the counters of the kernel's table.");
	json_object_foreach(counters, name, value)
		labelled(out, "kernel_packets_total", "counter", name,
			 (uint64_t)json_integer_value(value));
	json_decref(counters);
}

static void daemon_metrics(FILE *out, const struct daemon *daemon)
{
	uint64_t overruns = 0;

	for (size_t i = 0; i < daemon->queue_count; i++)
		overruns += queue_stats(daemon->queues[i].queue)->overruns;
	plain(out, "queue_packets_total", "counter",
	      "Packets out of the queue.", daemon->path.counters.packets);
	plain(out, "queue_overruns_total", "counter",
	      "Times that the queue's socket overran.", overruns);
	plain(out, "sent_again_total", "counter",
	      "SYNs of an attempt that was judged already.",
	      daemon->path.counters.again);
	metric(out, "alike", "gauge",
	       "1 where all senders look alike: none is judged by system.");
	labelled(out, "alike", "family", "ipv4", daemon->path.alike[0].on);
	labelled(out, "alike", "family", "ipv6", daemon->path.alike[1].on);
	plain(out, "hosts", "gauge", "Hosts remembered.",
	      hosts_count(daemon->path.hosts));
	plain(out, "hosts_evicted_total", "counter",
	      "Hosts forgotten to make room.",
	      hosts_evicted(daemon->path.hosts));
	plain(out, "healed_total", "counter",
	      "Times that the kernel's table was put right.", daemon->healed);
	plain(out, "image_built_seconds", "gauge",
	      "When the country data was compiled, seconds since 1970.",
	      daemon->snapshot->about.built);
	plain(out, "start_time_seconds", "gauge",
	      "When the daemon started, seconds since 1970.", daemon->started);
}

static void mail_metrics(FILE *out, const struct daemon *daemon)
{
	struct mail_stats stats[MAIL_PROTOCOLS];
	size_t count = daemon->mail ? mail_stats(daemon->mail, stats) : 0;

	metric(out, "mail_queries_total", "counter",
	       "Questions of mail programs, by protocol and how they went.");
	for (size_t i = 0; i < count; i++)
		for (int k = 0; k < ASKED_COUNT; k++)
			fprintf(out,
				"geoblock_mail_queries_total{protocol=\"%s\","
				"status=\"%s\"} %llu\n",
				stats[i].name, asked_words[k],
				(unsigned long long)stats[i].asked[k]);
	metric(out, "mail_clients", "gauge",
	       "Mail programs that are connected, by protocol.");
	for (size_t i = 0; i < count; i++)
		if (stats[i].has_clients)
			labelled(out, "mail_clients", "protocol", stats[i].name,
				 stats[i].clients.now);
}

static json_t *do_metrics(struct daemon *daemon, const json_t *request)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	json_t *result;

	(void)request;
	if (!out)
		return failure("out of memory");
	verdict_metrics(out, daemon);
	country_metrics(out, &daemon->path.counters);
	daemon_metrics(out, daemon);
	mail_metrics(out, daemon);
	kernel_metrics(out, daemon);
	fclose(out);
	result = json_pack("{s:s#}", "text", text, len);
	free(text);
	return result;
}

/* ---- requests ------------------------------------------------------------- */

static json_t *do_reload(struct daemon *daemon, const json_t *request)
{
	const json_t *confirm = json_object_get(request, "confirm");
	json_int_t seconds = json_integer_value(confirm);

	if (!daemon->worker)
		return failure("not started yet");
	if (confirm && (seconds < 1 || seconds > TOOL_CONFIRM_MAX_S))
		return failure("\"confirm\" is 1 to 3600 seconds");
	if (daemon->trial.before || daemon->trial.asked_s)
		return failure("a reload waits for its confirmation: geoblock "
			       "confirm, or geoblock confirm --no");
	daemon->trial.asked_s = (unsigned)seconds;
	worker_ask(daemon->worker, WORKER_RELOAD);
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
		json_object_set_new(out, "until", when(trial->until));
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
	{ "status", do_status, CONTROL_NOW },
	{ "top", do_top, CONTROL_NOW },
	{ "host", do_host, CONTROL_NOW },
	{ "metrics", do_metrics, CONTROL_NOW },
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
	return failure("\"command\" is status, top, host, metrics, reload, "
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
		      : failure("a request is one JSON object on one line");
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
