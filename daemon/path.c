// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/path.h"

#include <string.h>

bool path_renumber(const struct policy *from, const struct policy *to,
		   int8_t map[RULES_MAX])
{
	bool moved = false;

	for (size_t i = 0; i < RULES_MAX; i++) {
		map[i] = HOST_RULE_GONE;
		for (size_t j = 0; i < from->rule_count && j < to->rule_count;
		     j++)
			if (strcmp(from->rules[i].title, to->rules[j].title) ==
			    0)
				map[i] = (int8_t)j;
		if (i < from->rule_count && map[i] != (int8_t)i)
			moved = true;
	}
	return moved;
}

void path_swap(struct path *path, const struct snapshot *next)
{
	int8_t map[RULES_MAX];

	if (path_renumber(&path->snapshot->conf->policy, &next->conf->policy,
			  map)) {
		counters_move(&path->counters, map);
		hosts_renumber(path->hosts, map);
		hosts_renumber(path->connections, map);
		hosts_renumber(path->nets, map);
	}
	path->snapshot = next;
}

/* For who asks by a /64 only: its latest host, under the network's address. */
static void remember_net(struct path *path, const struct host *host)
{
	struct addr net = host_addr(host);
	struct host *latest;

	if (net.family != 6)
		return;
	net.value = ADDR6(ADDR6_HI(net.value), 0);
	latest = hosts_get(path->nets, &net, 0);
	*latest = *host;
	latest->addr = net.value;
}

/* The entries of a sender, brought up to date; true where this SYN was seen
 * before. */
static bool remember(struct path *path, const struct packet *packet,
		     const struct judgement *judged)
{
	struct host *hosts[2] = {
		hosts_get(path->connections, &judged->source, packet->sport),
		hosts_get(path->hosts, &judged->source, 0),
	};
	uint32_t now = (uint32_t)path->now;
	bool again = hosts[0]->count > 0 && hosts[0]->seq == packet->seq &&
		     now - hosts[0]->last <= PATH_AGAIN_S;

	for (int i = 0; i < 2; i++) {
		struct host *host = hosts[i];

		if (host->count == 0 || (i == 0 && !again))
			host->first = now;
		host->last = now;
		if (i == 0)
			host->count = 1; /* connections do not come back */
		else if (host->count == 0 ||
			 (!again && host->count < UINT32_MAX))
			host->count++;
		host_remember(host, packet, &judged->fingerprint);
		host->country = judged->country;
		host->rule = (int8_t)judged->verdict.rule;
		host->stage_action = (uint8_t)(judged->verdict.stage << 4 |
					       judged->verdict.action);
	}
	remember_net(path, hosts[1]);
	return again;
}

static void count(struct path *path, const struct judgement *judged)
{
	struct counters *counters = &path->counters;
	bool refused = is_refusal(judged->verdict.action);
	struct tally *country =
		&counters->countries[COUNTRY_SLOT(judged->country)];
	struct tally *os = &counters->os[judged->fingerprint.class];

	counters->actions[judged->verdict.action]++;
	counters->reasons[REASON_OF(judged->verdict.rule)]++;
	country->seen++;
	os->seen++;
	country->refused += refused;
	os->refused += refused;
}

static void note(struct path *path, const struct packet *packet,
		 const struct judgement *judged)
{
	struct decision decision = {
		.time = path->now,
		.source = judged->source,
		.sport = packet->sport,
		.dport = packet->dport,
		.country = judged->country,
		.os = judged->fingerprint.class,
		.confidence = judged->fingerprint.confidence,
		.verdict = judged->verdict,
		.audit = path->snapshot->conf->policy.audit,
	};

	journal_note(&path->journal, &decision);
}

/* Remembered, counted and logged, once for each attempt. */
static void record(struct path *path, const struct packet *syn,
		   const struct judgement *judged)
{
	if (remember(path, syn, judged)) {
		path->counters.again++;
		return;
	}
	count(path, judged);
	note(path, syn, judged);
	if (judged->verdict.rule != RULE_EXEMPT)
		alike_note(&path->alike[syn->version == 6], syn, path->now,
			   path->snapshot->conf->alike_after_s);
}

/* Where all senders look alike nobody's looks mean anything: the address decides,
 * and no system is named to those who ask. */
static void judge(const struct path *path, const struct packet *syn,
		  bool settled, struct judgement *out)
{
	bool alike = path->alike[syn->version == 6].on;

	if (settled || alike)
		judge_address(&path->snapshot->judge, syn, out);
	else
		judge_syn(&path->snapshot->judge, syn, out);
	if (alike)
		out->fingerprint = (struct fingerprint){
			.class = OS_UNKNOWN,
			.distance = out->fingerprint.distance,
			.name = "",
			.flavour = "",
		};
}

void path_copy(void *ctx, const void *payload, size_t len)
{
	struct path *path = ctx;
	struct judgement judged;
	struct packet syn;

	if (!path->snapshot->image ||
	    packet_parse(payload, len, &syn) != PACKET_OK ||
	    !packet_is_syn(&syn))
		return;
	judge(path, &syn, true, &judged);
	record(path, &syn, &judged);
}

void path_record(void *ctx)
{
	struct path *path = ctx;

	for (size_t i = 0; i < path->pending_count; i++)
		record(path, &path->pending[i].syn, &path->pending[i].judged);
	path->pending_count = 0;
}

struct queue_answer path_judge(void *ctx, const struct queue_packet *packet)
{
	const struct queue_answer go_on = { .drop = false };
	struct path *path = ctx;
	const struct snapshot *snapshot = path->snapshot;
	struct queue_answer answer;
	enum packet_status status;
	struct path_judged *next;

	if (path->pending_count == QUEUE_BATCH)
		path_record(path);
	next = &path->pending[path->pending_count];
	path->counters.packets++;
	status = packet_parse(packet->payload, packet->len, &next->syn);
	if (status != PACKET_OK) {
		path->counters.unreadable[status]++;
		return go_on;
	}
	if (!packet_is_syn(&next->syn)) {
		path->counters.not_syn++;
		return go_on;
	}
	if (!snapshot->image) {
		path->counters.unjudged++;
		return go_on;
	}
	judge(path, &next->syn, false, &next->judged);
	path->pending_count++;
	answer = snapshot->answers[next->judged.verdict.action];
	answer.mark |= packet->mark & ~snapshot->conf->mark;
	return answer;
}
