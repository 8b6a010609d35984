// SPDX-License-Identifier: GPL-2.0-or-later
/* What IPFire's text and CIDR lists have in common: entries of a line each,
 * comments, and somewhere in these the day on which they were made. */
#include <ctype.h>
#include <string.h>

#include "reader.h"

const char *text_quote(const struct text *text, char buf[TEXT_QUOTE_MAX])
{
	size_t i;

	for (i = 0; i < text->len && i + 1 < TEXT_QUOTE_MAX; i++)
		buf[i] = text->p[i] >= 0x20 && text->p[i] < 0x7f ? text->p[i]
								 : '?';
	if (i < text->len)
		memcpy(buf + i - 3, "...", 3);
	buf[i] = '\0';
	return buf;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void trim(struct text *t)
{
	while (t->len != 0 && blank(t->p[0])) {
		t->p++;
		t->len--;
	}
	while (t->len != 0 && blank(t->p[t->len - 1]))
		t->len--;
}

static unsigned number(const struct text *t)
{
	unsigned value = 0;

	for (size_t i = 0; i < t->len; i++) {
		if (t->p[i] < '0' || t->p[i] > '9' || value > 9999)
			return 0;
		value = value * 10 + (unsigned)(t->p[i] - '0');
	}
	return value;
}

static unsigned month(const struct text *t)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	if (t->len == 3)
		for (unsigned i = 0; i < 12; i++)
			if (memcmp(names + (size_t)i * 3, t->p, 3) == 0)
				return i + 1;
	return 0;
}

/* The date in "Thu, 25 Jun 2026 04:33:59 GMT" or
 * "Sun Oct  8 12:07:27 UTC 2017" as YYYYMMDD; 0 if there is none. */
static uint32_t text_date(const struct text *text)
{
	const char *p = text->p, *end = p + text->len;
	unsigned y = 0, m = 0, d = 0;

	while (p < end) {
		struct text word = { p, 0 };

		while (p < end && *p != ' ' && *p != ',')
			p++;
		word.len = (size_t)(p - word.p);
		if (m == 0)
			m = month(&word);
		if (word.len == 4 && y == 0)
			y = number(&word);
		else if (word.len <= 2 && d == 0)
			d = number(&word);
		while (p < end && (*p == ' ' || *p == ','))
			p++;
	}
	if (y < 1970 || y > 2999 || m == 0 || d < 1 || d > 31)
		return 0;
	return y * 10000 + m * 100 + d;
}

static void comment(struct reader *r, const char *dated, struct text t)
{
	size_t len = strlen(dated);

	t.p++;
	t.len--;
	trim(&t);
	if (r->source.date != 0 || t.len < len || memcmp(t.p, dated, len) != 0)
		return;
	r->source.date = text_date(&(struct text){ t.p + len, t.len - len });
}

bool text_entry(struct reader *r, const char *dated, struct text *entry,
		struct error *err)
{
	struct text t;
	const char *hash;

	for (;;) {
		if (!input_line(&r->in, &t.p, &t.len, err))
			return false;
		if (!t.p)
			break;
		trim(&t);
		if (t.len == 0)
			continue;
		if (t.p[0] == '#') {
			comment(r, dated, t);
			continue;
		}
		hash = memchr(t.p, '#', t.len);
		if (hash) {
			t.len = (size_t)(hash - t.p);
			trim(&t);
		}
		break;
	}
	*entry = t;
	return true;
}
