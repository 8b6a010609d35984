// SPDX-License-Identifier: GPL-2.0-or-later
/* How an answer of geoblock query is told: to programs as an object with every
 * detail, to people as a paragraph that begins with the verdict and its reason, or
 * as one line. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/cmd_query.h"
#include "tools/tool.h"

bool query_is_refusal(enum action action)
{
	return action == ACTION_DROP || action == ACTION_RESET ||
	       action == ACTION_REFUSE;
}

static void put_net(json_t *object, const char *key, const struct conf_net *net)
{
	char text[512];

	if (net)
		tool_put(object, key,
			 query_net_origin(net, text, sizeof(text)));
}

/* Two opinions that differ: then one of them decided. */
static bool is_disputed(const struct query *q, const struct query_answer *a)
{
	return q->second && a->hit.second != COUNTRY_NONE &&
	       a->hit.first != a->hit.second;
}

static bool second_decided(const struct query *q, const struct query_answer *a)
{
	return is_disputed(q, a) && query_country(a) == a->hit.second;
}

/* The registry's first file that will not have it any more. */
static uint32_t kept_until(const struct query *q, const struct query_answer *a)
{
	return geo_date(geo_days(a->hit.since) +
			(int32_t)(q->conf->grace_s / 86400));
}

static void put_opinions(const struct query *q, json_t *o,
			 const struct query_answer *a)
{
	char code[3], date[TOOL_DATE_MAX];

	if (a->has_mmdb && a->mmdb_country != COUNTRY_NONE)
		tool_put(o, "mmdb_country",
			 country_text(a->mmdb_country, code));
	if (is_disputed(q, a)) {
		if (a->hit.first != COUNTRY_NONE)
			tool_put(o, "first_country",
				 country_text(a->hit.first, code));
		tool_put(o, "agree", agree_name(q->conf->agree));
		tool_put(o, "decided",
			 second_decided(q, a) ? "second" : "first");
	}
	if (a->hit.since) {
		tool_put(o, "kept_since", tool_date(a->hit.since, date));
		tool_put(o, "kept_until", tool_date(kept_until(q, a), date));
	}
}

static void put_record(json_t *o, const struct query_answer *a)
{
	char code[3], date[TOOL_DATE_MAX];

	if (!a->hit.found)
		return;
	if (a->hit.record.country != COUNTRY_NONE)
		tool_put(o, "country",
			 country_text(a->hit.record.country, code));
	if (a->source) {
		tool_put(o, "source", geo_kind_name(a->source->kind));
		tool_put(o, "source_date", tool_date(a->source->date, date));
	}
	tool_put(o, "registry", geo_registry_name(a->hit.record.registry));
	tool_put(o, "status", geo_status_name(a->hit.record.status));
	tool_put(o, "date", tool_date(a->hit.record.date, date));
	tool_put(o, "range", a->range);
}

static const char *seen_text(const struct query_answer *a, const char *key)
{
	return json_string_value(json_object_get(a->seen, key));
}

static void put_seen(const struct query *q, json_t *o,
		     const struct query_answer *a)
{
	static const char *const keys[] = { "os",    "confidence", "signature",
					    "raw",   "first_seen", "last_seen",
					    "count", "alike" };

	if (q->has_os)
		tool_put(o, "os", os_class_name(q->os));
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		json_t *value = json_object_get(a->seen, keys[i]);

		/* --os is a question, and stays what it is */
		if (value && !json_object_get(o, keys[i]))
			json_object_set(o, keys[i], value);
	}
}

/* "2026-11-23T13:23:30Z, windows (98 %), greylist by "windows", 3 times" */
static void print_seen(const struct query *q, const struct query_answer *a)
{
	if (q->no_daemon.sys_errno == EACCES)
		printf("  last SYN cannot be asked for: %s\n",
		       q->no_daemon.text);
	if (!a->seen)
		return;
	printf("  last SYN %s, %s (%lld %%), %s by \"%s\", %lld seen since "
	       "%s\n",
	       seen_text(a, "last_seen"), seen_text(a, "os"),
	       (long long)json_integer_value(
		       json_object_get(a->seen, "confidence")),
	       seen_text(a, "verdict"),
	       seen_text(a, "rule") ? seen_text(a, "rule") : "?",
	       (long long)json_integer_value(json_object_get(a->seen, "count")),
	       seen_text(a, "first_seen"));
	if (json_is_true(json_object_get(a->seen, "alike")))
		printf("  alike    all IPv%d senders look alike: rules on os "
		       "are passed over\n",
		       a->addr.family);
}

/* What this answer could not know, and what to do about it. */
static void print_further(const struct query *q, const struct query_answer *a)
{
	const struct policy *policy = &q->conf->policy;
	const struct rule *rule =
		a->waits_rdns < 0 ? NULL : &policy->rules[a->waits_rdns];
	char text[1024], option[256];

	query_config(q, option, sizeof(option));
	if (rule && !q->dns &&
	    (a->subject.has_os || !(rule->has_os || rule->has_confidence)))
		printf("  rdns     not asked, and rule \"%s\" depends on it: "
		       "geoblock query%s --rdns %s\n",
		       rule->title, option, a->text);
	if (a->verdict.action == ACTION_GREYLIST)
		printf("  waiting  mail that comes again is let through: "
		       "geoblock greylist list%s %s\n",
		       option, a->text);
	if (query_mend(q, a, text, sizeof(text)))
		printf("  mend     %s\n", text);
}

json_t *query_json(const struct query *q, const struct query_answer *a)
{
	const struct policy *policy = &q->conf->policy;
	json_t *o = json_object();
	char reason[1024];

	tool_put(o, "address", a->text);
	json_object_set_new(o, "family", json_integer(a->addr.family));
	put_record(o, a);
	json_object_set_new(o, "allowed",
			    json_boolean(country_set_has(&policy->allowed,
							 query_country(a))));
	put_net(o, "exempt", a->exempt);
	put_net(o, "deny", a->denied);
	tool_put(o, "verdict", action_name(a->verdict.action));
	tool_put(o, "rule", rule_title(policy, a->verdict.rule));
	tool_put(o, "stage", stage_name(a->verdict.stage));
	if (policy->audit)
		tool_put(o, "mode", "audit");
	put_seen(q, o, a);
	put_opinions(q, o, a);
	if (a->has_live && a->live.table) {
		json_object_set_new(
			o, "live",
			json_boolean(a->live.found &&
				     strcmp(a->live.class_name, "allow") == 0));
		tool_put(o, "live_set", a->live.set);
	}
	if (q->dns)
		json_object_set_new(o, "rdns", query_rdns_json(&a->rdns));
	query_why(q, a, reason, sizeof(reason));
	tool_put(o, "why", reason);
	if (query_mend(q, a, reason, sizeof(reason)))
		tool_put(o, "mend", reason);
	return o;
}

static void print_opinions(const struct query *q, const struct query_answer *a)
{
	char code[3], first[3], since[TOOL_DATE_MAX], until[TOOL_DATE_MAX];

	if (a->hit.since)
		printf("  kept     in no file since %s; kept until %s has one "
		       "of %s\n",
		       tool_date(a->hit.since, since),
		       geo_registry_name(a->hit.record.registry),
		       tool_date(kept_until(q, a), until));
	if (!a->has_mmdb)
		return;
	printf("  mmdb     %s (%s)", country_text(a->mmdb_country, code),
	       q->second ? q->second->path : q->conf->mmdb);
	if (is_disputed(q, a))
		printf("; the source says %s; agree = %s: %s counts",
		       country_text(a->hit.first, first),
		       agree_name(q->conf->agree),
		       second_decided(q, a) ? code : first);
	putchar('\n');
}

static void print_record(const struct query *q, const struct query_answer *a)
{
	country_t cc = query_country(a);
	const char *name = country_name(cc);
	char code[3], date[TOOL_DATE_MAX], as_of[TOOL_DATE_MAX];

	if (!a->hit.found) {
		printf("  country  unknown: in no record; the gap is %s\n",
		       a->range);
		return;
	}
	printf("  country  %s%s%s\n", country_text(cc, code), name ? " " : "",
	       name ? name : "");
	printf("  record   %s", a->range);
	if (a->hit.record.registry != REGISTRY_NONE)
		printf(", %s %s", geo_registry_name(a->hit.record.registry),
		       geo_status_name(a->hit.record.status));
	if (a->hit.record.date != 0)
		printf(" %s", tool_date(a->hit.record.date, date));
	if (a->source)
		printf("; %s data of %s", geo_kind_name(a->source->kind),
		       a->source->date ? tool_date(a->source->date, as_of)
				       : "unknown date");
	putchar('\n');
	print_opinions(q, a);
}

static void print_live(const struct query *q, const struct query_answer *a)
{
	if (!a->has_live)
		return;
	if (!a->live.table)
		printf("  kernel   table inet %s is not there: nothing is "
		       "enforced; run geoblock-sync\n",
		       q->conf->table);
	else if (a->live.found)
		printf("  kernel   in set %s of table inet %s\n", a->live.set,
		       q->conf->table);
	else
		printf("  kernel   in no set of table inet %s\n",
		       q->conf->table);
}

/* "by rule "abroad"", "by the exempt list", "by default" */
static void print_by(const struct query *q, const struct query_answer *a)
{
	const char *title = rule_title(&q->conf->policy, a->verdict.rule);

	if (a->verdict.rule >= 0)
		printf("by rule \"%s\"", title);
	else if (a->verdict.rule == RULE_DEFAULT)
		printf("by default");
	else
		printf("by the %s list", title);
}

static void print_long(const struct query *q, const struct query_answer *a)
{
	char reason[1024];

	printf("%s  %s, ", a->text, action_name(a->verdict.action));
	print_by(q, a);
	printf(", %s stage%s\n", stage_name(a->verdict.stage),
	       q->conf->policy.audit && a->verdict.action != ACTION_ACCEPT
		       ? " (audit mode: counted, but let through)"
		       : "");
	query_why(q, a, reason, sizeof(reason));
	printf("  why      %s\n", reason);
	print_record(q, a);
	if (q->dns)
		query_rdns_print(&a->rdns);
	print_seen(q, a);
	print_live(q, a);
	print_further(q, a);
}

static void print_brief(const struct query *q, const struct query_answer *a)
{
	char code[3];

	printf("%s\t%s\t%s\t%s%s%s%s%s\n", a->text,
	       action_name(a->verdict.action),
	       country_text(query_country(a), code),
	       rule_title(&q->conf->policy, a->verdict.rule),
	       !q->dns ? "" : "\t",
	       !q->dns         ? ""
	       : a->rdns.known ? rdns_class_name(a->rdns.rdns)
			       : "-",
	       a->has_live ? "\t" : "",
	       !a->has_live     ? ""
	       : a->live.set[0] ? a->live.set
				: "-");
}

void query_print(const struct query *q, const struct query_answer *a)
{
	if (q->brief)
		print_brief(q, a);
	else
		print_long(q, a);
}
