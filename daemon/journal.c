// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/journal.h"

#include <stdio.h>
#include <string.h>

#include "tools/tool.h"

void journal_init(struct journal *journal)
{
	memset(journal, 0, sizeof(*journal));
	for (size_t i = 0; i < REASONS_MAX; i++)
		journal->allowance[i] = JOURNAL_BURST;
}

void journal_note(struct journal *journal, const struct decision *decision)
{
	unsigned reason = REASON_OF(decision->verdict.rule);

	if (journal->allowance[reason] == 0 || journal->count == JOURNAL_ROOM) {
		journal->suppressed[reason]++;
		journal->suppressed_all++;
		return;
	}
	journal->allowance[reason]--;
	journal->ring[journal->count++] = *decision;
}

void journal_drain(struct journal *journal,
		   void (*each)(void *ctx, const struct decision *decision),
		   void *ctx)
{
	for (size_t i = 0; i < journal->count; i++)
		each(ctx, &journal->ring[i]);
	journal->count = 0;
}

/* A title in quotes: both forms escape alike.  Titles come from the
 * configuration, which takes no control characters. */
static const char *quoted(const char *title, char *buf)
{
	char *p = buf;

	*p++ = '"';
	for (; *title; title++) {
		if (*title == '"' || *title == '\\')
			*p++ = '\\';
		*p++ = *title;
	}
	*p++ = '"';
	*p = '\0';
	return buf;
}

#define QUOTED_MAX (2 * RULE_TITLE_MAX + 3)

/* What only some decisions have: `key=value`, or JSON's form of it. */
static void add_optional(char *buf, bool json, const char *key,
			 const char *value)
{
	size_t len = strlen(buf);

	if (value)
		snprintf(buf + len, JOURNAL_LINE_MAX - len,
			 json ? ",\"%s\":\"%s\"" : " %s=%s", key, value);
}

static void format_json(const struct decision *d, const char *title,
			const char *addr, const char *country, char *buf)
{
	char when[TOOL_TIME_MAX];
	size_t len;

	snprintf(buf, JOURNAL_LINE_MAX,
		 "{\"time\":\"%s\",\"verdict\":\"%s\",\"address\":\"%s\","
		 "\"sport\":%u,\"dport\":%u,\"country\":\"%s\",\"os\":\"%s\","
		 "\"confidence\":%u,\"rule\":%s,\"stage\":\"%s\",\"audit\":%s",
		 tool_time(d->time, when), action_name(d->verdict.action), addr,
		 d->sport, d->dport, d->country ? country : "",
		 os_class_name(d->os), d->confidence, title,
		 stage_name(d->verdict.stage), d->audit ? "true" : "false");
	add_optional(buf, true, "rdns", d->rdns);
	add_optional(buf, true, "greylist", d->greylist);
	len = strlen(buf);
	snprintf(buf + len, JOURNAL_LINE_MAX - len, "}");
}

const char *journal_format(const struct decision *d,
			   const struct policy *policy, bool json, char *buf)
{
	char addr[ADDR_TEXT_MAX], country[3], title[QUOTED_MAX];

	addr_format(&d->source, addr);
	country_text(d->country, country);
	quoted(rule_title(policy, d->verdict.rule), title);
	if (json) {
		format_json(d, title, addr, country, buf);
		return buf;
	}
	snprintf(buf, JOURNAL_LINE_MAX,
		 "%s address=%s sport=%u dport=%u country=%s os=%s "
		 "confidence=%u rule=%s stage=%s",
		 action_name(d->verdict.action), addr, d->sport, d->dport,
		 country, os_class_name(d->os), d->confidence, title,
		 stage_name(d->verdict.stage));
	add_optional(buf, false, "rdns", d->rdns);
	add_optional(buf, false, "greylist", d->greylist);
	add_optional(buf, false, "audit", d->audit ? "yes" : NULL);
	return buf;
}

static void tell(uint64_t count, const char *title, bool json,
		 void (*line)(void *ctx, const char *text), void *ctx)
{
	char buf[JOURNAL_LINE_MAX], name[QUOTED_MAX];

	snprintf(buf, sizeof(buf),
		 json ? "{\"suppressed\":%llu,\"rule\":%s}"
		      : "suppressed lines=%llu rule=%s",
		 (unsigned long long)count, quoted(title, name));
	line(ctx, buf);
}

void journal_tick(struct journal *journal, const struct policy *policy,
		  bool json, void (*line)(void *ctx, const char *text),
		  void *ctx)
{
	bool due = ++journal->ticks % JOURNAL_TELL_S == 0;

	for (unsigned i = 0; i < REASONS_MAX; i++) {
		int rule = REASON_RULE(i);

		journal->allowance[i] += JOURNAL_RATE;
		if (journal->allowance[i] > JOURNAL_BURST)
			journal->allowance[i] = JOURNAL_BURST;
		if (!due || journal->suppressed[i] == 0)
			continue;
		tell(journal->suppressed[i],
		     rule < (int)policy->rule_count ? rule_title(policy, rule)
						    : "",
		     json, line, ctx);
		journal->suppressed[i] = 0;
	}
}
