// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <geoblock/words.h>

#include "daemon/mail.h"
#include "daemon/nflog.h"
#include "tools/tool.h"

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
	json_t *counters = answer_kernel(daemon), *value;
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
				stats[i].name, answer_asked[k],
				(unsigned long long)stats[i].asked[k]);
	metric(out, "mail_clients", "gauge",
	       "Mail programs that are connected, by protocol.");
	for (size_t i = 0; i < count; i++)
		if (stats[i].has_clients)
			labelled(out, "mail_clients", "protocol", stats[i].name,
				 stats[i].clients.now);
}

json_t *answer_metrics(struct daemon *daemon, const json_t *request)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	json_t *result;

	(void)request;
	if (!out)
		return answer_failure("out of memory");
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
