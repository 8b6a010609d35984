// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/answer.h"

#include <stdlib.h>
#include <string.h>

#include "tools/tool.h"

#define TOP_ROWS 20

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
	struct row rows[OS_CLASS_COUNT] = { 0 };

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
	struct row rows[TOP_ROWS] = { 0 };
	size_t count;

	if (nets.room == 0)
		return rows_json(rows, 0);
	nets.nets = calloc(nets.room, sizeof(*nets.nets));
	if (!nets.nets)
		return answer_failure("out of memory");
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

json_t *answer_top(struct daemon *daemon, const json_t *request)
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
	return answer_failure("\"by\" is country, os, net or reason");
}
