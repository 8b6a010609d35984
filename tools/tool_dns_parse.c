// SPDX-License-Identifier: GPL-2.0-or-later
/* What a DNS message answers to a question.
 *
 * c-ares' own parsers take every record of the right type, whoever it belongs
 * to.  Here the name counts: from the one that was asked along the answer's
 * CNAMEs to where they end, and only records of that name are taken.  Names are
 * unpacked by c-ares, which bounds the jumps of compressed ones. */
#include "tools/tool_dns.h"

#include <ares.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEADER_BYTES 12
#define CNAMES_MAX   8
#define TYPE_CNAME   5

struct message {
	const unsigned char *data;
	size_t len;
	size_t at;
	unsigned questions, answers;
};

/* One record; data lies in the message. */
struct record {
	char *owner;
	unsigned type, class;
	size_t data, len;
};

/* What is collected, with the preference that MX records are sorted by. */
struct taken {
	struct tool_dns_answer *answer;
	unsigned preference[TOOL_DNS_RECORDS_MAX];
};

static unsigned u16(const struct message *m, size_t at)
{
	return (unsigned)m->data[at] << 8 | m->data[at + 1];
}

static bool expand(const struct message *m, size_t at, char **name,
		   size_t *used)
{
	long len = 0;

	*name = NULL;
	if (at >= m->len || ares_expand_name(m->data + at, m->data, (int)m->len,
					     name, &len) != ARES_SUCCESS)
		return false;
	*used = (size_t)len;
	return true;
}

/* The record at m->at, which moves behind it.  The owner is to be freed with
 * ares_free_string() where that went well. */
static bool next_record(struct message *m, struct record *out)
{
	size_t used = 0;

	if (!expand(m, m->at, &out->owner, &used))
		return false;
	m->at += used;
	if (m->len - m->at >= 10) {
		out->type = u16(m, m->at);
		out->class = u16(m, m->at + 2);
		out->len = u16(m, m->at + 8);
		out->data = m->at + 10;
		m->at = out->data + out->len;
		if (m->at <= m->len)
			return true;
	}
	ares_free_string(out->owner);
	return false;
}

/* Past the question, which c-ares has compared with ours. */
static bool skip_questions(struct message *m)
{
	for (unsigned i = 0; i < m->questions; i++) {
		size_t used = 0;
		char *name;

		if (!expand(m, m->at, &name, &used))
			return false;
		ares_free_string(name);
		m->at += used + 4;
		if (m->at > m->len)
			return false;
	}
	return true;
}

/* A name that a host can have: what is given to people and to further
 * questions. */
static bool is_host(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > 253)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!strchr("-_.", name[i]) &&
		    !(name[i] >= '0' && name[i] <= '9') &&
		    !((name[i] | 32) >= 'a' && (name[i] | 32) <= 'z'))
			return false;
	return true;
}

static bool add_text(struct taken *t, char *text, unsigned preference)
{
	struct tool_dns_answer *a = t->answer;

	if (!text)
		return false;
	if (!a->texts)
		a->texts = calloc(TOOL_DNS_RECORDS_MAX, sizeof(*a->texts));
	if (!a->texts) {
		free(text);
		return false;
	}
	t->preference[a->count] = preference;
	a->texts[a->count++] = text;
	return true;
}

static bool take_name(struct taken *t, const struct message *m,
		      const struct record *r, size_t skip)
{
	unsigned preference = skip ? u16(m, r->data) : 0;
	size_t used = 0;
	bool ok = true;
	char *name;

	/* a name that leaves its record is no name */
	if (!expand(m, r->data + skip, &name, &used))
		return false;
	if (used != r->len - skip)
		ok = false;
	else if (is_host(name))
		ok = add_text(t, strdup(name), preference);
	ares_free_string(name);
	return ok;
}

/* RFC 1035 3.3.14: strings, each behind its length; RFC 7208 3.3 joins them. */
static bool take_txt(struct taken *t, const struct message *m,
		     const struct record *r)
{
	char *text = malloc(r->len + 1);
	size_t used = 0;

	if (!text)
		return false;
	for (size_t i = 0; i < r->len;) {
		size_t part = m->data[r->data + i++];

		if (part > r->len - i) {
			free(text);
			return false;
		}
		for (; part > 0; part--, i++) {
			char c = (char)m->data[r->data + i];

			text[used++] = c ? c : '\001';
		}
	}
	text[used] = '\0';
	return add_text(t, text, 0);
}

static bool take_addr(struct taken *t, const struct message *m,
		      const struct record *r, int family)
{
	struct tool_dns_answer *a = t->answer;
	struct addr addr = { .family = family };

	if (r->len != (family == 4 ? 4 : 16))
		return false;
	if (!a->addrs)
		a->addrs = calloc(TOOL_DNS_RECORDS_MAX, sizeof(*a->addrs));
	if (!a->addrs)
		return false;
	for (size_t i = 0; i < r->len; i++)
		addr.value = addr.value << 8 | m->data[r->data + i];
	a->addrs[a->count++] = addr;
	return true;
}

static bool take(struct taken *t, const struct message *m,
		 const struct record *r, enum tool_dns_type type)
{
	switch (type) {
	case TOOL_DNS_A:
		return take_addr(t, m, r, 4);
	case TOOL_DNS_AAAA:
		return take_addr(t, m, r, 6);
	case TOOL_DNS_TXT:
		return take_txt(t, m, r);
	case TOOL_DNS_MX:
		return r->len > 2 && take_name(t, m, r, 2);
	case TOOL_DNS_PTR:
		return take_name(t, m, r, 0);
	}
	return false;
}

/* One walk over the answers: records of `name` are taken; where there is a CNAME
 * of it, *alias (to be freed with ares_free_string()) is what it leads to.
 * False for a message that breaks off or makes no sense. */
static bool walk(struct message m, const char *name, enum tool_dns_type type,
		 struct taken *t, char **alias)
{
	bool ok = true;

	for (unsigned i = 0; ok && i < m.answers; i++) {
		struct record r;
		size_t used;
		bool ours;

		if (!next_record(&m, &r))
			return false;
		ours = r.class == 1 && strcasecmp(r.owner, name) == 0;
		ares_free_string(r.owner);
		if (ours && r.type == TYPE_CNAME && !*alias)
			ok = expand(&m, r.data, alias, &used);
		else if (ours && r.type == (unsigned)type &&
			 t->answer->count < TOOL_DNS_RECORDS_MAX)
			ok = take(t, &m, &r, type);
	}
	return ok;
}

static void sort_by_preference(struct taken *t)
{
	char **texts = t->answer->texts;

	for (size_t i = 1; texts && i < t->answer->count; i++)
		for (size_t j = i;
		     j > 0 && t->preference[j] < t->preference[j - 1]; j--) {
			unsigned number = t->preference[j];
			char *text = texts[j];

			t->preference[j] = t->preference[j - 1];
			t->preference[j - 1] = number;
			texts[j] = texts[j - 1];
			texts[j - 1] = text;
		}
}

static enum tool_dns_status fail(struct tool_dns_answer *out,
				 enum tool_dns_status status, const char *why)
{
	tool_dns_answer_clear(out);
	snprintf(out->why, sizeof(out->why), "%s", why);
	return status;
}

/* Along the CNAMEs, from `name` on. */
static enum tool_dns_status follow(const struct message *m, const char *name,
				   enum tool_dns_type type,
				   struct tool_dns_answer *out)
{
	struct taken t = { .answer = out };
	char *at = NULL, *alias = NULL;
	unsigned hops = 0;
	bool ok = walk(*m, name, type, &t, &alias);

	while (ok && alias && out->count == 0 && hops++ < CNAMES_MAX) {
		ares_free_string(at);
		at = alias;
		alias = NULL;
		ok = walk(*m, at, type, &t, &alias);
	}
	ares_free_string(at);
	ares_free_string(alias);
	if (!ok)
		return fail(out, TOOL_DNS_TROUBLE, "a damaged answer");
	if (hops > CNAMES_MAX)
		return fail(out, TOOL_DNS_TROUBLE, "too many CNAMEs");
	if (out->count == 0)
		return fail(out, TOOL_DNS_VOID, "no record of this type");
	sort_by_preference(&t);
	return TOOL_DNS_OK;
}

/* RFC 1035 4.1.1, RFC 2136 2.2 */
static const char *rcode_text(unsigned rcode)
{
	static const char *const texts[] = {
		"", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
	};

	return rcode < sizeof(texts) / sizeof(*texts) ? texts[rcode]
						      : "an error";
}

enum tool_dns_status tool_dns_parse(const unsigned char *message, size_t len,
				    const char *name, enum tool_dns_type type,
				    struct tool_dns_answer *out)
{
	struct message m = { .data = message, .len = len, .at = HEADER_BYTES };
	unsigned rcode;

	memset(out, 0, sizeof(*out));
	if (len < HEADER_BYTES || len > UINT16_MAX)
		return fail(out, TOOL_DNS_TROUBLE, "a damaged answer");
	rcode = m.data[3] & 15;
	m.questions = u16(&m, 4);
	m.answers = u16(&m, 6);
	if (rcode == 3)
		return fail(out, TOOL_DNS_VOID, "no such name");
	if (rcode != 0)
		return fail(out, TOOL_DNS_TROUBLE, rcode_text(rcode));
	if (m.data[2] & 2)
		return fail(out, TOOL_DNS_TROUBLE, "a truncated answer");
	if (m.questions > 1 || !skip_questions(&m))
		return fail(out, TOOL_DNS_TROUBLE, "a damaged answer");
	return follow(&m, name, type, out);
}
