// SPDX-License-Identifier: GPL-2.0-or-later
/* An answer is put together by appending to the client's output: without printf,
 * as policyd asks for each message, and scripts in bulk. */
#include "daemon/text.h"

#include <assert.h>
#include <string.h>

#include <geoblock/signature.h>

#define NAME_MAX_BYTES 64 /* of a system's name, and of its flavour */

/* A line under way.  The longest of everything comes to less than
 * TEXT_ANSWER_MAX. */
struct line {
	char *start, *at, *end;
};

static void put(struct line *line, const char *text, size_t len)
{
	assert((size_t)(line->end - line->at) > len); /* and the LF */
	memcpy(line->at, text, len);
	line->at += len;
}

static void put_key(struct line *line, const char *key)
{
	if (line->at > line->start)
		put(line, " ", 1);
	put(line, key, strlen(key));
	put(line, "=", 1);
}

static void put_word(struct line *line, const char *key, const char *word)
{
	put_key(line, key);
	put(line, word, strlen(word));
}

static void put_number(struct line *line, const char *key, uint32_t number)
{
	char digits[10], *at = digits + sizeof(digits);

	do
		*--at = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	put_key(line, key);
	put(line, at, (size_t)(digits + sizeof(digits) - at));
}

/* In quotes; nothing at all where there is nothing. */
static void put_quoted(struct line *line, const char *key, const char *text,
		       size_t len)
{
	if (len == 0)
		return;
	put_key(line, key);
	put(line, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '"' || c == '\\')
			put(line, "\\", 1);
		if ((unsigned char)c < 0x20 || c == 0x7f)
			c = '?';
		put(line, &c, 1);
	}
	put(line, "\"", 1);
}

static size_t finish(struct line *line)
{
	*line->at++ = '\n';
	return (size_t)(line->at - line->start);
}

/* ---- requests ------------------------------------------------------------- */

struct request {
	struct addr addr;
	uint16_t port; /* 0: none */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool read_port(const char *text, size_t len, uint16_t *out)
{
	uint32_t port = 0;

	if (len == 0 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = port * 10 + (uint32_t)(text[i] - '0');
	}
	*out = (uint16_t)port;
	return port > 0 && port <= UINT16_MAX;
}

/* The reason why it is none, or NULL. */
static const char *read_request(const char *line, size_t len,
				struct request *out)
{
	const char *end = line + len, *port;

	memset(out, 0, sizeof(*out));
	while (end > line && (is_blank(end[-1]) || end[-1] == '\r'))
		end--;
	while (line < end && is_blank(*line))
		line++;
	if (line == end)
		return "the line is empty; a request is ADDR or ADDR PORT";
	for (port = line; port < end && !is_blank(*port);)
		port++;
	if (!addr_parse(line, (size_t)(port - line), &out->addr, NULL))
		return "the first word is no address";
	while (port < end && is_blank(*port))
		port++;
	if (port < end && !read_port(port, (size_t)(end - port), &out->port))
		return "what follows the address is no port from 1 to 65535";
	return NULL;
}

/* ---- answers -------------------------------------------------------------- */

static void put_verdict(struct line *line, const struct policy *policy,
			country_t country, const struct verdict *verdict)
{
	const char *title;
	char text[3];

	if (country)
		put_word(line, "country", country_text(country, text));
	if (!verdict)
		return;
	put_word(line, "verdict", action_name(verdict->action));
	if (verdict->rule > HOST_RULE_GONE &&
	    verdict->rule < (int)policy->rule_count) {
		title = rule_title(policy, verdict->rule);
		put_quoted(line, "rule", title, strlen(title));
	}
	put_word(line, "stage", stage_name(verdict->stage));
	put_word(line, "mode", policy->audit ? "audit" : "enforce");
}

static void put_seen(struct line *line, const struct path *path,
		     const struct host *host, const struct addr *addr,
		     bool exact)
{
	const struct host *all =
		exact ? hosts_find(path->hosts, addr, 0) : host;
	struct verdict verdict = { HOST_ACTION(host), host->rule,
				   HOST_STAGE(host) };
	char raw[SIGNATURE_TEXT_MAX];
	struct looks looks;

	looks_of(path, host, &looks);
	put_word(line, "seen", exact ? "connection" : "address");
	put_word(line, "os", os_class_name((enum os_class)host->os));
	put_quoted(line, "name", looks.name,
		   strnlen(looks.name, NAME_MAX_BYTES));
	put_quoted(line, "flavour", looks.flavour,
		   strnlen(looks.flavour, NAME_MAX_BYTES));
	put_number(line, "confidence", host->confidence);
	put_word(line, "match",
		 fingerprint_match_name((enum fingerprint_match)host->match));
	put_number(line, "distance", host->distance);
	put_verdict(line, &path->snapshot->conf->policy, host->country,
		    &verdict);
	if (path->alike[addr->family == 6].on)
		put_word(line, "alike", "yes");
	/* the address may have been forgotten before this connection */
	put_number(line, "count", all ? all->count : 1);
	put_number(line, "first-seen", all ? all->first : host->first);
	put_number(line, "last-seen", host->last);
	if (looks.has_packet)
		put_quoted(
			line, "raw", raw,
			(size_t)(signature_append(&looks.packet, raw) - raw));
}

/* What the address alone says of a sender that nobody saw. */
static void put_unseen(struct line *line, const struct path *path,
		       const struct addr *addr)
{
	const struct snapshot *snapshot = path->snapshot;
	struct subject subject = { 0 };
	struct verdict verdict;

	put_word(line, "seen", "no");
	if (!snapshot->image) {
		put_verdict(line, snapshot->judge.policy, COUNTRY_NONE, NULL);
		return;
	}
	judge_sender(&snapshot->judge, addr, &subject);
	verdict = policy_step(snapshot->judge.policy, &subject);
	put_verdict(line, snapshot->judge.policy, subject.country, &verdict);
}

enum asked text_answer(const struct path *path, const char *request, size_t len,
		       char *out, size_t *len_out)
{
	struct line line = { out, out, out + TEXT_ANSWER_MAX };
	const struct host *host;
	struct request asks;
	const char *wrong = read_request(request, len, &asks);
	enum asked asked = ASKED_BAD;
	bool exact;

	if (!wrong) {
		host = looks_find(path, &asks.addr, asks.port, &exact);
		asked = host ? ASKED_FOUND : ASKED_UNKNOWN;
		if (host)
			put_seen(&line, path, host, &asks.addr, exact);
		else
			put_unseen(&line, path, &asks.addr);
	}
	if (wrong)
		put_quoted(&line, "error", wrong, strlen(wrong));
	*len_out = finish(&line);
	return asked;
}

/* ---- the stream ----------------------------------------------------------- */

static enum clients_step step(void *ctx, const char *in, size_t len, bool ended,
			      size_t *used, char *out, size_t *answer_len)
{
	static const char too_long[] = "error=\"the line is too long\"\n";
	struct text *text = ctx;
	size_t most = len < TEXT_LINE_MAX ? len : TEXT_LINE_MAX;
	const char *end = memchr(in, '\n', most);

	if (!end && len < TEXT_LINE_MAX && !ended)
		return CLIENTS_MORE;
	if (!end && len >= TEXT_LINE_MAX) {
		*used = len;
		*answer_len = sizeof(too_long) - 1;
		memcpy(out, too_long, *answer_len);
		text->asked[ASKED_BAD]++;
		return CLIENTS_HANG_UP;
	}
	most = end ? (size_t)(end - in) : len;
	*used = most + (end != NULL);
	text->asked[text_answer(text->path, in, most, out, answer_len)]++;
	return CLIENTS_ANSWERED;
}

const struct clients_protocol text_protocol = {
	.request_max = TEXT_LINE_MAX,
	.answer_max = TEXT_ANSWER_MAX,
	.answer = step,
};
