// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/policyd_answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <geoblock/country.h>
#include <geoblock/os.h>

const char *policyd_action_name(enum policyd_action action)
{
	static const char *const names[] = { "dunno", "prepend", "defer",
					     "reject" };

	return names[action];
}

struct verdict policyd_decide(const struct policy *policy,
			      const struct subject *subject)
{
	struct verdict verdict = policy_decide(policy, subject);

	if (verdict.action == ACTION_DROP || verdict.action == ACTION_RESET)
		verdict.action = ACTION_REFUSE;
	verdict.stage = STAGE_SMTP;
	return verdict;
}

static bool must_wait(const struct policyd_ruling *ruling)
{
	return ruling->greylist.answer == GREYLIST_NEW ||
	       ruling->greylist.answer == GREYLIST_EARLY;
}

enum policyd_action policyd_action(const struct conf *conf,
				   const struct policyd_ruling *ruling)
{
	enum action action = ruling->verdict.action;

	if (ruling->verdict.rule == RULE_EXEMPT)
		return POLICYD_DUNNO;
	if (!conf->policy.audit) {
		if (action == ACTION_REFUSE)
			return POLICYD_REJECT;
		if (action == ACTION_GREYLIST && must_wait(ruling))
			return POLICYD_DEFER;
		if (action == ACTION_TAG)
			return POLICYD_PREPEND;
	}
	return conf->policyd_header ? POLICYD_PREPEND : POLICYD_DUNNO;
}

/* ---- texts ------------------------------------------------------------------ */

struct text {
	char *buf;
	size_t len, size; /* size leaves room for the end */
};

/* Cut where it does not fit; what is no printable ASCII becomes "?". */
static void add(struct text *text, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *fmt, ...)
{
	char piece[POLICYD_REPLY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(piece, sizeof(piece), fmt, ap);
	va_end(ap);
	for (const char *p = piece; *p && text->len < text->size; p++)
		text->buf[text->len++] = *p >= 0x20 && *p <= 0x7e ? *p : '?';
}

/* RFC 5322 3.2.4, as in the log */
static void add_quoted(struct text *text, const char *title)
{
	add(text, "\"");
	for (; *title; title++)
		add(text, *title == '"' || *title == '\\' ? "\\%c" : "%c",
		    *title);
	add(text, "\"");
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

static void add_country(struct text *text, country_t cc)
{
	const char *name = country_name(cc);
	char code[3];

	if (cc == COUNTRY_NONE)
		add(text, "country unknown");
	else if (name && is_ascii(name))
		add(text, "country %s (%s)", country_text(cc, code), name);
	else
		add(text, "country %s", country_text(cc, code));
}

/* Why, for people: "country PT (Portugal), system windows, no reverse DNS, rule
 * "bot at home"". */
static void add_reason(struct text *text, const struct conf *conf,
		       const struct policyd_ruling *ruling)
{
	static const char *const rdns[] = {
		[RDNS_NONE] = "no reverse DNS",
		[RDNS_GENERIC] = "a generic name in reverse DNS",
		[RDNS_MISMATCH] = "reverse DNS that does not lead back",
		[RDNS_OK] = NULL,
	};
	const struct subject *subject = &ruling->subject;

	add_country(text, subject->country);
	if (subject->has_os)
		add(text, ", system %s", os_class_name(subject->os));
	if (subject->has_rdns && rdns[subject->rdns])
		add(text, ", %s", rdns[subject->rdns]);
	add(text, ", rule \"%s\"",
	    rule_title(&conf->policy, ruling->verdict.rule));
	if (conf->contact)
		add(text, "; see %s", conf->contact);
}

static void add_header(struct text *text, const struct conf *conf,
		       const struct policyd_ruling *ruling)
{
	const struct subject *subject = &ruling->subject;
	char code[3];

	if (subject->country)
		add(text, "country=%s; ", country_text(subject->country, code));
	if (subject->has_os)
		add(text, "os=%s; confidence=%u; ", os_class_name(subject->os),
		    subject->confidence);
	if (subject->has_rdns)
		add(text, "rdns=%s; ", rdns_class_name(subject->rdns));
	add(text, "rule=");
	add_quoted(text, rule_title(&conf->policy, ruling->verdict.rule));
	add(text, "; verdict=%s", action_name(ruling->verdict.action));
	if (conf->policy.audit)
		add(text, "; audit=yes");
	else if (ruling->verdict.action == ACTION_GREYLIST)
		add(text, "; greylist=%s",
		    greylist_answer_name(ruling->greylist.answer));
}

size_t policyd_reply(const struct conf *conf,
		     const struct policyd_ruling *ruling,
		     enum policyd_action action, char *buf)
{
	struct text text = { .buf = buf, .size = POLICYD_REPLY_MAX - 3 };
	char addr[ADDR_TEXT_MAX];

	addr_format(&ruling->client, addr);
	switch (action) {
	case POLICYD_PREPEND:
		add(&text, "action=PREPEND X-Geoblock: ");
		add_header(&text, conf, ruling);
		break;
	case POLICYD_DEFER:
		add(&text,
		    "action=DEFER_IF_PERMIT 4.7.1 Greylisted, try again in "
		    "%u s: %s, ",
		    ruling->greylist.wait_s, addr);
		add_reason(&text, conf, ruling);
		break;
	case POLICYD_REJECT:
		add(&text,
		    "action=REJECT 5.7.1 No mail is accepted here from %s: ",
		    addr);
		add_reason(&text, conf, ruling);
		break;
	default:
		add(&text, "action=DUNNO");
	}
	memcpy(buf + text.len, "\n\n", 3);
	return text.len + 2;
}
