// SPDX-License-Identifier: GPL-2.0-or-later
/* The fields of a signature:
 *
 *	version:ttl:ip_options:mss:window,scale:layout:quirks:payload
 *
 * A value is cut at ':' and ','; what is between is a span, and each kind of span has
 * a function that takes it or says what it should be. */
#include "lib/core/signature_span.h"

#include <string.h>

#include <geoblock/words.h>

static const char *const option_words[] = {
	[OPTION_EOL] = "eol", [OPTION_NOP] = "nop", [OPTION_MSS] = "mss",
	[OPTION_WS] = "ws",   [OPTION_SOK] = "sok", [OPTION_SACK] = "sack",
	[6] = NULL,           [7] = NULL,           [OPTION_TS] = "ts",
};

#define OPTION_WORDS (sizeof(option_words) / sizeof(*option_words))

const char *signature_option_word(uint8_t kind)
{
	return kind < OPTION_WORDS ? option_words[kind] : NULL;
}

bool span_bad(const struct place *p, const char *what, struct span found,
	      const char *want)
{
	char quoted[64];
	size_t n = 0;

	for (; n < found.len && n + 4 < sizeof(quoted); n++) {
		unsigned char c = (unsigned char)found.at[n];

		quoted[n] = c < ' ' || c == 0x7f ? '?' : (char)c;
	}
	if (n < found.len) {
		memcpy(quoted + n, "...", 3);
		n += 3;
	}
	return error_set(p->err, ERROR_MALFORMED, 0, "%s:%u: %s \"%.*s\": %s",
			 p->file, p->line, what, (int)n, quoted, want);
}

bool span_is(struct span s, const char *word)
{
	return s.len == strlen(word) && memcmp(s.at, word, s.len) == 0;
}

bool span_cut(struct span *rest, char at, struct span *out)
{
	const char *found;

	if (!rest->at)
		return false;
	found = memchr(rest->at, at, rest->len);
	out->at = rest->at;
	out->len = found ? (size_t)(found - rest->at) : rest->len;
	if (found) {
		rest->len -= out->len + 1;
		rest->at = found + 1;
	} else {
		*rest = (struct span){ NULL, 0 };
	}
	return true;
}

static bool take_prefix(struct span *s, const char *prefix)
{
	size_t len = strlen(prefix);

	if (s->len < len || memcmp(s->at, prefix, len) != 0)
		return false;
	s->at += len;
	s->len -= len;
	return true;
}

static bool number(struct span s, unsigned least, unsigned most, unsigned *out)
{
	unsigned value = 0;

	if (s.len == 0 || s.len > 5)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
		value = value * 10 + (unsigned)(s.at[i] - '0');
	}
	if (value < least || value > most)
		return false;
	*out = value;
	return true;
}

static bool take_version(const struct place *p, struct span s,
			 struct signature *sig)
{
	if (!span_is(s, "4") && !span_is(s, "6") && !span_is(s, "*"))
		return span_bad(p, "IP version", s, "4, 6 or *");
	sig->version = s.at[0] == '*' ? 0 : (uint8_t)(s.at[0] - '0');
	return true;
}

static bool take_ttl(const struct place *p, struct span s,
		     struct signature *sig)
{
	struct span first = s, hops;
	unsigned ttl, more = 0;

	if (s.len > 0 && s.at[s.len - 1] == '-') {
		sig->ttl_at_most = true;
		first.len--;
	} else if (memchr(s.at, '+', s.len)) {
		hops = s;
		span_cut(&hops, '+', &first);
		if (!number(hops, 0, 255, &more))
			return span_bad(p, "initial TTL", s,
					"behind + goes a number of hops");
	}
	if (!number(first, 1, 255, &ttl) || ttl + more > 255)
		return span_bad(p, "initial TTL", s,
				"1 to 255; n, n+hops or n- (at most n)");
	sig->ttl = (uint8_t)(ttl + more);
	return true;
}

static bool take_ip_options(const struct place *p, struct span s,
			    struct signature *sig)
{
	unsigned len;

	if (!number(s, 0, 255, &len))
		return span_bad(p, "length of IP options", s, "0 to 40 bytes");
	sig->ip_options = (uint8_t)len;
	return true;
}

static bool take_mss(const struct place *p, struct span s,
		     struct signature *sig)
{
	unsigned mss = 0;

	sig->has_mss = !span_is(s, "*");
	if (sig->has_mss && !number(s, 0, 65535, &mss))
		return span_bad(p, "MSS", s, "0 to 65535, or *");
	sig->mss = (uint16_t)mss;
	return true;
}

static bool take_window(const struct place *p, struct span s,
			struct signature *sig)
{
	struct span n = s;
	unsigned value = 0;
	bool ok;

	if (span_is(s, "*")) {
		sig->window_kind = WINDOW_ANY;
		ok = true;
	} else if (take_prefix(&n, "%")) {
		sig->window_kind = WINDOW_MODULO;
		ok = number(n, 2, 65535, &value);
	} else if (take_prefix(&n, "mss*")) {
		sig->window_kind = WINDOW_MSS;
		ok = number(n, 1, 1000, &value);
	} else if (take_prefix(&n, "mtu*")) {
		sig->window_kind = WINDOW_MTU;
		ok = number(n, 1, 1000, &value);
	} else {
		sig->window_kind = WINDOW_EXACT;
		ok = number(n, 0, 65535, &value);
	}
	if (!ok)
		return span_bad(
			p, "window", s,
			"0 to 65535, %n from 2, mss*n or mtu*n up to 1000, "
			"or *");
	sig->window = (uint16_t)value;
	return true;
}

static bool take_window_scale(const struct place *p, struct span s,
			      struct signature *sig)
{
	struct span window, scale = s;
	unsigned value = 0;

	span_cut(&scale, ',', &window);
	if (!scale.at)
		return span_bad(p, "window", s,
				"window,scale: the scale is missing");
	if (!take_window(p, window, sig))
		return false;
	sig->has_scale = !span_is(scale, "*");
	if (sig->has_scale && !number(scale, 0, 255, &value))
		return span_bad(p, "window scale", scale, "0 to 255, or *");
	sig->scale = (uint8_t)value;
	return true;
}

static bool take_option(const struct place *p, struct span s, bool last,
			struct signature *sig)
{
	struct span n = s;
	unsigned value;

	if (sig->layout_len == PACKET_OPTIONS_MAX)
		return span_bad(p, "TCP option", s,
				"one too many: a header has room for 40");
	if (take_prefix(&n, "eol+")) {
		if (!last)
			return span_bad(p, "TCP option", s,
					"eol is the last one");
		if (!number(n, 0, 255, &value))
			return span_bad(p, "TCP option", s,
					"eol+n, with n bytes behind it");
		sig->eol_pad = (uint8_t)value;
		sig->layout[sig->layout_len++] = OPTION_EOL;
		return true;
	}
	if (take_prefix(&n, "?")) {
		if (!number(n, 0, 255, &value))
			return span_bad(p, "TCP option", s,
					"?n, with n the kind, 0 to 255");
		sig->layout[sig->layout_len++] = (uint8_t)value;
		return true;
	}
	for (uint8_t kind = OPTION_NOP; kind < OPTION_WORDS; kind++)
		if (option_words[kind] && span_is(s, option_words[kind])) {
			sig->layout[sig->layout_len++] = kind;
			return true;
		}
	return span_bad(p, "TCP option", s,
			"eol+n, nop, mss, ws, sok, sack, ts or ?n");
}

static bool take_layout(const struct place *p, struct span s,
			struct signature *sig)
{
	struct span option;

	if (s.len == 0)
		return true; /* no options at all */
	while (span_cut(&s, ',', &option))
		if (!take_option(p, option, !s.at, sig))
			return false;
	return true;
}

static bool take_quirk(const struct place *p, struct span s,
		       struct signature *sig)
{
	static const uint32_t only4 =
		QUIRK_DF | QUIRK_ID_PLUS | QUIRK_ID_MINUS | QUIRK_ZERO_PLUS;
	const char *words[QUIRK_COUNT];
	char want[160];

	for (unsigned i = 0; i < QUIRK_COUNT; i++) {
		words[i] = quirk_word(i);
		if (!span_is(s, words[i]))
			continue;
		sig->quirks |= 1u << i;
		if (sig->version == 6 && (1u << i & only4))
			return span_bad(p, "quirk", s,
					"IPv6 has no such thing");
		if (sig->version == 4 && 1u << i == QUIRK_FLOW)
			return span_bad(p, "quirk", s,
					"IPv4 has no such thing");
		return true;
	}
	return span_bad(p, "quirk", s,
			words_join(words, QUIRK_COUNT, want, sizeof(want)));
}

static bool take_quirks(const struct place *p, struct span s,
			struct signature *sig)
{
	struct span quirk;

	if (s.len == 0)
		return true;
	while (span_cut(&s, ',', &quirk))
		if (!take_quirk(p, quirk, sig))
			return false;
	return true;
}

static bool take_payload(const struct place *p, struct span s,
			 struct signature *sig)
{
	if (!span_is(s, "0") && !span_is(s, "+") && !span_is(s, "*"))
		return span_bad(p, "payload", s, "0, + or *");
	sig->has_payload = s.at[0] != '*';
	sig->payload = s.at[0] == '+';
	return true;
}

bool signature_fields(const struct place *p, struct span s,
		      struct signature *sig)
{
	static bool (*const fields[])(const struct place *, struct span,
				      struct signature *) = {
		take_version,      take_ttl,    take_ip_options, take_mss,
		take_window_scale, take_layout, take_quirks,     take_payload,
	};
	enum { FIELDS = sizeof(fields) / sizeof(*fields) };
	struct span rest = s, field[FIELDS + 1];
	unsigned count = 0;

	while (count <= FIELDS && span_cut(&rest, ':', &field[count]))
		count++;
	if (count != FIELDS)
		return span_bad(p, "signature", s,
				"eight fields: version:ttl:ip options:mss:"
				"window,scale:layout:quirks:payload");
	for (unsigned i = 0; i < FIELDS; i++)
		if (!fields[i](p, field[i], sig))
			return false;
	return true;
}
