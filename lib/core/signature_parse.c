// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads the database language, line by line:
 *
 *	; comment
 *	[tcp:request]
 *	label = type:class:name:flavour
 *	sig   = version:ttl:ip_options:mss:window,scale:layout:quirks:payload
 *	sys   = ...                      (of tools; not needed here)
 *
 * A line is cut at '=' and a value at ':' and ','; what is between is a span,
 * and each kind of span has a function that takes it or says what it should
 * be.  Inside other sections nothing is looked at but the next "[". */
#include "lib/core/signature_impl.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <geoblock/words.h>

struct span {
	const char *at;
	size_t len;
};

/* Where we are, for messages. */
struct place {
	const char *file;
	unsigned line;
	struct error *err;
};

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

/* "file:line: what "found": want", with nothing that upsets a terminal. */
static bool bad(const struct place *p, const char *what, struct span found,
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

static bool is(struct span s, const char *word)
{
	return s.len == strlen(word) && memcmp(s.at, word, s.len) == 0;
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

/* Cuts off what is before the next `at`; false when nothing is left. */
static bool cut(struct span *rest, char at, struct span *out)
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

/* ---- the fields of a signature ------------------------------------------- */

static bool take_version(const struct place *p, struct span s,
			 struct signature *sig)
{
	if (!is(s, "4") && !is(s, "6") && !is(s, "*"))
		return bad(p, "IP version", s, "4, 6 or *");
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
		cut(&hops, '+', &first);
		if (!number(hops, 0, 255, &more))
			return bad(p, "initial TTL", s,
				   "behind + goes a number of hops");
	}
	if (!number(first, 1, 255, &ttl) || ttl + more > 255)
		return bad(p, "initial TTL", s,
			   "1 to 255; n, n+hops or n- (at most n)");
	sig->ttl = (uint8_t)(ttl + more);
	return true;
}

static bool take_ip_options(const struct place *p, struct span s,
			    struct signature *sig)
{
	unsigned len;

	if (!number(s, 0, 255, &len))
		return bad(p, "length of IP options", s, "0 to 40 bytes");
	sig->ip_options = (uint8_t)len;
	return true;
}

static bool take_mss(const struct place *p, struct span s,
		     struct signature *sig)
{
	unsigned mss = 0;

	sig->has_mss = !is(s, "*");
	if (sig->has_mss && !number(s, 0, 65535, &mss))
		return bad(p, "MSS", s, "0 to 65535, or *");
	sig->mss = (uint16_t)mss;
	return true;
}

static bool take_window(const struct place *p, struct span s,
			struct signature *sig)
{
	struct span n = s;
	unsigned value = 0;
	bool ok;

	if (is(s, "*")) {
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
		return bad(p, "window", s,
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

	cut(&scale, ',', &window);
	if (!scale.at)
		return bad(p, "window", s,
			   "window,scale: the scale is missing");
	if (!take_window(p, window, sig))
		return false;
	sig->has_scale = !is(scale, "*");
	if (sig->has_scale && !number(scale, 0, 255, &value))
		return bad(p, "window scale", scale, "0 to 255, or *");
	sig->scale = (uint8_t)value;
	return true;
}

static bool take_option(const struct place *p, struct span s, bool last,
			struct signature *sig)
{
	struct span n = s;
	unsigned value;

	if (sig->layout_len == PACKET_OPTIONS_MAX)
		return bad(p, "TCP option", s,
			   "one too many: a header has room for 40");
	if (take_prefix(&n, "eol+")) {
		if (!last)
			return bad(p, "TCP option", s, "eol is the last one");
		if (!number(n, 0, 255, &value))
			return bad(p, "TCP option", s,
				   "eol+n, with n bytes behind it");
		sig->eol_pad = (uint8_t)value;
		sig->layout[sig->layout_len++] = OPTION_EOL;
		return true;
	}
	if (take_prefix(&n, "?")) {
		if (!number(n, 0, 255, &value))
			return bad(p, "TCP option", s,
				   "?n, with n the kind, 0 to 255");
		sig->layout[sig->layout_len++] = (uint8_t)value;
		return true;
	}
	for (uint8_t kind = OPTION_NOP; kind < OPTION_WORDS; kind++)
		if (option_words[kind] && is(s, option_words[kind])) {
			sig->layout[sig->layout_len++] = kind;
			return true;
		}
	return bad(p, "TCP option", s,
		   "eol+n, nop, mss, ws, sok, sack, ts or ?n");
}

static bool take_layout(const struct place *p, struct span s,
			struct signature *sig)
{
	struct span option;

	if (s.len == 0)
		return true; /* no options at all */
	while (cut(&s, ',', &option))
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
		if (!is(s, words[i]))
			continue;
		sig->quirks |= 1u << i;
		if (sig->version == 6 && (1u << i & only4))
			return bad(p, "quirk", s, "IPv6 has no such thing");
		if (sig->version == 4 && 1u << i == QUIRK_FLOW)
			return bad(p, "quirk", s, "IPv4 has no such thing");
		return true;
	}
	return bad(p, "quirk", s,
		   words_join(words, QUIRK_COUNT, want, sizeof(want)));
}

static bool take_quirks(const struct place *p, struct span s,
			struct signature *sig)
{
	struct span quirk;

	if (s.len == 0)
		return true;
	while (cut(&s, ',', &quirk))
		if (!take_quirk(p, quirk, sig))
			return false;
	return true;
}

static bool take_payload(const struct place *p, struct span s,
			 struct signature *sig)
{
	if (!is(s, "0") && !is(s, "+") && !is(s, "*"))
		return bad(p, "payload", s, "0, + or *");
	sig->has_payload = s.at[0] != '*';
	sig->payload = s.at[0] == '+';
	return true;
}

static bool take_signature(const struct place *p, struct span s,
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

	while (count <= FIELDS && cut(&rest, ':', &field[count]))
		count++;
	if (count != FIELDS)
		return bad(p, "signature", s,
			   "eight fields: version:ttl:ip options:mss:"
			   "window,scale:layout:quirks:payload");
	for (unsigned i = 0; i < FIELDS; i++)
		if (!fields[i](p, field[i], sig))
			return false;
	return true;
}

/* ---- labels -------------------------------------------------------------- */

static const struct {
	const char *name; /* as p0f.fp and os.fp call it */
	enum os_class class;
} names[] = {
	{ "Windows", OS_WINDOWS }, { "Linux", OS_LINUX },
	{ "Android", OS_ANDROID }, { "macOS", OS_MACOS },
	{ "Mac OS X", OS_MACOS },  { "MacOS X", OS_MACOS },
	{ "Mac OS", OS_MACOS },    { "Darwin", OS_MACOS },
	{ "iOS", OS_IOS },         { "FreeBSD", OS_BSD },
	{ "OpenBSD", OS_BSD },     { "NetBSD", OS_BSD },
	{ "DragonFly", OS_BSD },   { "BSD", OS_BSD },
	{ "Solaris", OS_SOLARIS }, { "SunOS", OS_SOLARIS },
	{ "illumos", OS_SOLARIS }, { "p0f", OS_SCANNER },
};

static enum os_class class_of(struct span class, const struct signature *sig)
{
	if (is(class, "!"))
		return OS_SCANNER;
	/* p0f.fp files Android under Linux */
	if (strstr(sig->flavour, "Android"))
		return OS_ANDROID;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcasecmp(names[i].name, sig->name) == 0)
			return names[i].class;
	return is(class, "win") ? OS_WINDOWS : OS_OTHER;
}

/* Fills what the signatures below the label have in common.  Name and flavour
 * are made strings where they stand. */
static bool take_label(const struct place *p, char *value,
		       struct signature *label)
{
	struct span rest = { value, strlen(value) }, whole = rest;
	struct span type, class, name;

	if (!cut(&rest, ':', &type) || (!is(type, "s") && !is(type, "g")))
		return bad(p, "label", whole,
			   "begins with s: (specific) or g: (generic)");
	if (!cut(&rest, ':', &class) || class.len == 0)
		return bad(p, "label", whole,
			   "second comes the class: win, unix, other, or ! "
			   "for a tool");
	if (!cut(&rest, ':', &name) || name.len == 0)
		return bad(p, "label", whole,
			   "third comes the name, such as Windows or Linux");
	if (!rest.at)
		return bad(p, "label", whole,
			   "type:class:name:flavour: the last one, which may "
			   "be empty, is missing");
	value[name.at - value + (ptrdiff_t)name.len] = '\0';
	label->generic = is(type, "g");
	label->name = name.at;
	label->flavour = rest.at;
	label->class = class_of(class, label);
	return true;
}

/* ---- lines --------------------------------------------------------------- */

static char *trim(char *s)
{
	char *end;

	s += strspn(s, " \t\r");
	for (end = s + strlen(s); end > s && strchr(" \t\r", end[-1]); end--)
		;
	*end = '\0';
	return s;
}

/* One line of [tcp:request]. */
static bool take_line(const struct place *p, char *line, struct signatures *db,
		      struct signature *label)
{
	struct span whole = { line, strlen(line) };
	char *value = strchr(line, '=');
	struct signature sig;

	if (!value)
		return bad(p, "line", whole,
			   "word = value, a [section], or a ; comment");
	*value++ = '\0';
	line = trim(line);
	value = trim(value);
	if (strcmp(line, "label") == 0)
		return take_label(p, value, label);
	if (strcmp(line, "sys") == 0)
		return true;
	if (strcmp(line, "sig") != 0)
		return bad(p, "word", (struct span){ line, strlen(line) },
			   "label, sig or sys");
	whole = (struct span){ value, strlen(value) };
	if (!label->name)
		return bad(p, "signature", whole,
			   "a label has to go before it");
	sig = *label;
	sig.text = value;
	sig.line = p->line;
	return take_signature(p, whole, &sig) &&
	       signature_add(db, &sig, p->err);
}

bool signature_parse_text(struct signatures *db, const char *file, char *text,
			  struct error *err)
{
	struct place p = { file, 0, err };
	struct signature label = { .file = file };
	bool wanted = false;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		p.line++;
		line = trim(line);
		if (line[0] == '\0' || line[0] == ';')
			continue;
		if (line[0] == '[') {
			struct span whole = { line, strlen(line) };

			if (whole.at[whole.len - 1] != ']')
				return bad(&p, "section", whole, "ends with ]");
			wanted = is(whole, "[tcp:request]");
			label.name = NULL;
			continue;
		}
		if (wanted && !take_line(&p, line, db, &label))
			return false;
	}
	return true;
}
