// SPDX-License-Identifier: GPL-2.0-or-later
/* Why an address meets its verdict, and what would change that.  The sentence names the
 * facts that the deciding rule asks for, and the remedy is one line that can be pasted:
 * an entry in a list that the configuration already reads. */
#include <stdio.h>
#include <string.h>

#include "tools/cmd_query.h"

country_t query_country(const struct query_answer *a)
{
	return a->hit.found ? a->hit.record.country : COUNTRY_NONE;
}

const char *query_net_origin(const struct conf_net *net, char *buf, size_t size)
{
	char range[RANGE_TEXT_MAX];

	range_format(&net->range, range);
	if (net->spf)
		snprintf(buf, size, "spf %s", net->note);
	else if (net->file)
		snprintf(buf, size, "%s (%s:%u%s%s)", range, net->file,
			 net->line, net->note ? ": " : "",
			 net->note ? net->note : "");
	else
		snprintf(buf, size, "%s (%s)", range,
			 net->note ? net->note : "built in");
	return buf;
}

static void countries_text(const struct conf *conf, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < conf->country_word_count && used < size; i++) {
		int n = snprintf(buf + used, size - used, "%s%s", i ? ", " : "",
				 conf->country_words[i]);

		if (n < 0)
			break;
		used += (size_t)n;
	}
}

static const struct rule *rule_of(const struct query *q,
				  const struct query_answer *a)
{
	return a->verdict.rule < 0 ? NULL
				   : &q->conf->policy.rules[a->verdict.rule];
}

static bool same_countries(const struct country_set *a,
			   const struct country_set *b)
{
	return memcmp(a->bits, b->bits, sizeof(a->bits)) == 0 &&
	       a->unknown == b->unknown;
}

/* Whether a rule has countries of its own, neither `allowed` nor `outside`. */
static bool has_own_countries(const struct policy *policy,
			      const struct rule *rule)
{
	struct country_set outside = policy->allowed;

	country_set_invert(&outside);
	return rule && rule->has_country &&
	       !same_countries(&rule->country, &policy->allowed) &&
	       !same_countries(&rule->country, &outside);
}

/* What the rule found besides the country. */
static void why_more(const struct query *q, const struct query_answer *a,
		     char *buf, size_t size)
{
	const struct rule *rule = rule_of(q, a);
	size_t used = strlen(buf);

	if (rule && (rule->has_os || rule->has_confidence))
		used += (size_t)snprintf(buf + used, size - used,
					 "; its SYN looks like %s (%u %%)",
					 os_class_name(a->subject.os),
					 a->subject.confidence);
	if (rule && rule->has_rdns && used < size)
		snprintf(buf + used, size - used, "; reverse DNS is %s",
			 rdns_class_name(a->subject.rdns));
}

void query_why(const struct query *q, const struct query_answer *a, char *buf,
	       size_t size)
{
	const struct policy *policy = &q->conf->policy;
	const char *title = rule_title(policy, a->verdict.rule);
	country_t cc = query_country(a);
	char code[3], list[256], net[512];

	country_text(cc, code);
	countries_text(q->conf, list, sizeof(list));
	if (a->exempt) {
		snprintf(buf, size, "exempt: %s",
			 query_net_origin(a->exempt, net, sizeof(net)));
	} else if (a->denied) {
		snprintf(buf, size, "denied: %s",
			 query_net_origin(a->denied, net, sizeof(net)));
	} else if (a->hit.found && cc == COUNTRY_NONE &&
		   a->hit.record.status >= STATUS_AVAILABLE) {
		snprintf(buf, size,
			 "%s by %s: delegated to nobody, so in no "
			 "country; rule \"%s\"",
			 geo_status_name(a->hit.record.status),
			 geo_registry_name(a->hit.record.registry), title);
	} else if (cc == COUNTRY_NONE) {
		snprintf(buf, size, "no country is known for it; rule \"%s\"",
			 title);
	} else if (has_own_countries(policy, rule_of(q, a))) {
		snprintf(buf, size, "%s is among the countries of rule \"%s\"",
			 code, title);
	} else if (!list[0]) {
		snprintf(buf, size, "%s; no countries are chosen", code);
	} else {
		snprintf(buf, size, "%s is %samong countries = %s", code,
			 country_set_has(&policy->allowed, cc) ? "" : "not ",
			 list);
	}
	why_more(q, a, buf, size);
}

/* Whether a file's name can stand in a command as it is. */
static bool is_plain(const char *path)
{
	return path[strspn(path, "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789/._-")] == '\0';
}

/* Whether it can stand between single quotes. */
static bool is_quotable(const char *path)
{
	const unsigned char *p = (const unsigned char *)path;

	while (*p >= 0x20 && *p != 0x7f && *p != '\'')
		p++;
	return *p == '\0';
}

/* The list that an exemption goes to: the first pattern of exempt.files, with a word for
 * its "*".  False where there is none that is one. */
static bool exempt_list(const struct conf *conf, char *buf, size_t size)
{
	const char *pattern = conf->exempt.pattern;
	const char *star = pattern ? strchr(pattern, '*') : NULL;
	int n;

	if (!pattern)
		return false;
	if (star)
		n = snprintf(buf, size, "%.*slocal%s", (int)(star - pattern),
			     pattern, star + 1);
	else
		n = snprintf(buf, size, "%s", pattern);
	return n > 0 && (size_t)n < size && is_plain(buf);
}

/* " --config FILE" for a command to be pasted; nothing for the default's. */
const char *query_config(const struct query *q, char *buf, size_t size)
{
	const char *path = q->conf->path;
	const char *quote = path && is_plain(path) ? "" : "'";
	int n;

	buf[0] = '\0';
	if (!path || strcmp(path, CONF_DEFAULT_PATH) == 0)
		return buf;
	n = snprintf(buf, size, " --config %s%s%s", quote, path, quote);
	/* without the option it would be another configuration's command */
	if (n < 0 || (size_t)n >= size || !is_quotable(path))
		snprintf(buf, size, " --config FILE");
	return buf;
}

bool query_mend(const struct query *q, const struct query_answer *a, char *buf,
		size_t size)
{
	const char *load =
		q->daemon ? "geoblock reload" : "geoblock-sync --offline";
	char list[256], option[256];

	if (a->verdict.action == ACTION_ACCEPT ||
	    a->verdict.action == ACTION_TAG)
		return false;
	if (exempt_list(q->conf, list, sizeof(list)))
		snprintf(buf, size,
			 "echo '%s  # who asked, and why' >>%s && %s%s",
			 a->text, list, load,
			 query_config(q, option, sizeof(option)));
	else
		snprintf(buf, size,
			 "exempt { networks = {\"%s\"} } in %s, and %s%s",
			 a->text,
			 q->conf->path ? q->conf->path : CONF_DEFAULT_PATH,
			 load, query_config(q, option, sizeof(option)));
	return true;
}
