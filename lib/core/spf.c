// SPDX-License-Identifier: GPL-2.0-or-later
/* The grammar of an SPF record: RFC 7208 section 12, one function a production
 * where that reads well.  A record is text from anybody's DNS: a NUL ends it,
 * any other byte may be in it. */
#include <geoblock/spf.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VERSION     "v=spf1"
#define VERSION_LEN (sizeof(VERSION) - 1)
#define QUOTED      60 /* bytes of a term in a message */

static const char *const kind_names[] = {
	[SPF_ALL] = "all",
	[SPF_INCLUDE] = "include",
	[SPF_A] = "a",
	[SPF_MX] = "mx",
	[SPF_PTR] = "ptr",
	[SPF_IP4] = "ip4",
	[SPF_IP6] = "ip6",
	[SPF_EXISTS] = "exists",
	[SPF_REDIRECT] = "redirect",
	[SPF_EXP] = "exp",
};
#define KINDS (sizeof(kind_names) / sizeof(*kind_names))

/* Bytes of a term under way. */
struct text {
	const char *p;
	size_t len;
};

static bool is_alpha(char c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_alpha(c) || is_digit(c);
}

/* A term for a message: what is no visible ASCII as "?". */
static bool fail(struct error *err, const struct text *term, const char *what)
{
	char quoted[QUOTED + 1];
	size_t len = term->len < QUOTED ? term->len : QUOTED;

	for (size_t i = 0; i < len; i++)
		quoted[i] = term->p[i] > 0x20 && term->p[i] < 0x7f ? term->p[i]
								   : '?';
	quoted[len] = '\0';
	return error_set(err, ERROR_MALFORMED, 0, "\"%s\" %s", quoted, what);
}

bool spf_is_record(const char *text)
{
	return strncasecmp(text, VERSION, VERSION_LEN) == 0 &&
	       (text[VERSION_LEN] == ' ' || text[VERSION_LEN] == '\0');
}

/* ---- domain-spec ---- */

/* macro-expand (7.1): "%{" letter digits ["r"] delimiters "}", "%%", "%_", "%-".
 * Its length, 0 where there is none. */
static size_t macro_length(const char *p, size_t len)
{
	size_t i = 3;

	if (len >= 2 && strchr("%_-", p[1]) && p[1])
		return 2;
	if (len < 4 || p[1] != '{' || !p[2] ||
	    !strchr("slodiphcrtvSLODIPHCRTV", p[2]))
		return 0;
	while (i < len && is_digit(p[i]))
		i++;
	if (i < len && (p[i] | 32) == 'r')
		i++;
	while (i < len && p[i] && strchr(".-+,/_=", p[i]))
		i++;
	return i < len && p[i] == '}' ? i + 1 : 0;
}

/* macro-string; *macros counts those in it, *ends tells whether one is last. */
static bool macro_string(const struct text *s, size_t *macros, bool *ends)
{
	size_t len;

	*macros = 0;
	*ends = false;
	for (size_t i = 0; i < s->len; i += len) {
		len = 1;
		*ends = s->p[i] == '%';
		if (*ends) {
			len = macro_length(s->p + i, s->len - i);
			++*macros;
		}
		if (len == 0)
			return false;
	}
	return true;
}

/* toplabel: letters, digits, inner hyphens, not digits alone; behind a dot. */
static bool has_toplabel(const struct text *s)
{
	size_t last = s->len, first;
	bool other = false;

	if (last > 0 && s->p[last - 1] == '.')
		last--;
	for (first = last; first > 0 && s->p[first - 1] != '.'; first--) {
		char c = s->p[first - 1];

		if (!is_alnum(c) && c != '-')
			return false;
		other |= !is_digit(c);
	}
	return first > 0 && first < last && other && s->p[first] != '-' &&
	       s->p[last - 1] != '-';
}

/* domain-spec: a macro-string that ends in a macro or in a toplabel. */
static bool domain_spec(const struct text *s, struct spf_term *out)
{
	size_t macros, len = s->len;
	bool ends;

	if (len == 0 || !macro_string(s, &macros, &ends))
		return false;
	out->macro = macros > 0;
	if (!ends && !has_toplabel(s))
		return false;
	if (out->macro)
		return true;
	if (s->p[len - 1] == '.')
		len--;
	if (len >= sizeof(out->domain))
		return false;
	for (size_t i = 0; i < len; i++)
		out->domain[i] =
			(char)(s->p[i] >= 'A' && s->p[i] <= 'Z' ? s->p[i] | 32
								: s->p[i]);
	out->domain[len] = '\0';
	return true;
}

bool spf_domain(const char *text, size_t len, char *out, struct error *err)
{
	struct text s = { text, len };
	struct spf_term term = { .macro = false };
	size_t label = 0;
	bool ok = len > 0 && domain_spec(&s, &term) && !term.macro;

	for (const char *p = term.domain; ok && *p; p++) {
		label = *p == '.' ? 0 : label + 1;
		ok = label <= 63 &&
		     (label > 0 || (p > term.domain && p[1] != '.')) &&
		     (is_alnum(*p) || strchr("-_.", *p));
	}
	if (!ok)
		return fail(err, &s, "is no domain name");
	memcpy(out, term.domain, strlen(term.domain) + 1);
	return true;
}

/* ---- cidr-length ---- */

/* Takes "/NUMBER" off the end of s, where it is there: 0 to max, no leading
 * zero.  False where it is there and wrong. */
static bool take_length(struct text *s, unsigned max, unsigned *out)
{
	size_t digits = 0, slash;
	unsigned value = 0;

	while (digits < s->len && is_digit(s->p[s->len - 1 - digits]))
		digits++;
	if (digits == s->len || s->p[s->len - 1 - digits] != '/')
		return true;
	slash = s->len - 1 - digits;
	if (digits == 0 || digits > 3 || (digits > 1 && s->p[slash + 1] == '0'))
		return false;
	for (size_t i = slash + 1; i < s->len; i++)
		value = value * 10 + (unsigned)(s->p[i] - '0');
	if (value > max)
		return false;
	*out = value;
	s->len = slash;
	return true;
}

/* dual-cidr-length: ["/" ip4] ["//" ip6] */
static bool take_lengths(struct text *s, unsigned *cidr4, unsigned *cidr6)
{
	size_t digits = 0;

	while (digits < s->len && is_digit(s->p[s->len - 1 - digits]))
		digits++;
	if (digits + 2 <= s->len && s->p[s->len - 1 - digits] == '/' &&
	    s->p[s->len - 2 - digits] == '/') {
		if (!take_length(s, 128, cidr6))
			return false;
		s->len--;
	}
	return take_length(s, 32, cidr4);
}

/* ---- mechanisms ---- */

/* qnum has no leading zero. */
static bool has_leading_zero(const struct text *s)
{
	for (size_t i = 0; i + 1 < s->len; i++)
		if (s->p[i] == '0' && is_digit(s->p[i + 1]) &&
		    (i == 0 || s->p[i - 1] == '.'))
			return true;
	return false;
}

static bool ip4(struct text s, struct spf_term *out)
{
	unsigned len = 32;
	uint32_t addr, mask;

	if (!take_length(&s, 32, &len) || has_leading_zero(&s) ||
	    !addr4_parse(s.p, s.len, &addr))
		return false;
	mask = len ? UINT32_MAX << (32 - len) : 0;
	out->range.family = 4;
	out->range.first = addr & mask;
	out->range.last = addr | (uint32_t)~mask;
	return true;
}

static bool ip6(struct text s, struct spf_term *out)
{
	unsigned len = 128;
	addr6_t addr, mask;

	if (!take_length(&s, 128, &len) || !addr6_parse(s.p, s.len, &addr))
		return false;
	mask = len ? ADDR6_MAX << (128 - len) : 0;
	out->range.family = 6;
	out->range.first = addr & mask;
	out->range.last = addr | ~mask;
	return true;
}

/* What stands behind a mechanism's name: nothing, ":…" or "/…". */
static bool mechanism(struct text rest, struct spf_term *out)
{
	bool colon = rest.len > 0 && rest.p[0] == ':';

	if (out->kind == SPF_A || out->kind == SPF_MX)
		if (!take_lengths(&rest, &out->cidr4, &out->cidr6))
			return false;
	if (colon && rest.len > 0) {
		rest.p++;
		rest.len--;
	}
	switch (out->kind) {
	case SPF_ALL:
		return !colon && rest.len == 0;
	case SPF_A:
	case SPF_MX:
	case SPF_PTR:
		return colon ? domain_spec(&rest, out) : rest.len == 0;
	case SPF_IP4:
		return colon && ip4(rest, out);
	case SPF_IP6:
		return colon && ip6(rest, out);
	default:
		return colon && domain_spec(&rest, out);
	}
}

static bool modifier(struct text value, struct spf_term *out)
{
	size_t macros;
	bool ends;

	if (out->kind == SPF_OTHER)
		return macro_string(&value, &macros, &ends);
	return domain_spec(&value, out);
}

static enum spf_kind kind_of(const struct text *name, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (strlen(kind_names[i]) == name->len &&
		    strncasecmp(kind_names[i], name->p, name->len) == 0)
			return (enum spf_kind)i;
	return SPF_OTHER;
}

/* term = directive / modifier */
static bool parse_term(const struct text *term, struct spf_term *out,
		       struct error *err)
{
	struct text name = *term, rest;

	*out = (struct spf_term){
		.cidr4 = 32, .cidr6 = 128, .text = term->p, .len = term->len
	};
	if (strchr("+-~?", name.p[0])) {
		out->qualifier = *name.p++;
		name.len--;
	}
	rest = name;
	while (rest.len > 0 && (is_alnum(*rest.p) || strchr("-_.", *rest.p))) {
		rest.p++;
		rest.len--;
	}
	name.len -= rest.len;
	if (name.len == 0 || !is_alpha(name.p[0]))
		return fail(err, term, "is no term of SPF");
	if (rest.len > 0 && rest.p[0] == '=') {
		out->kind = kind_of(&name, SPF_REDIRECT, KINDS);
		rest.p++;
		rest.len--;
		if (out->qualifier || !modifier(rest, out))
			return fail(err, term, "is no modifier of SPF");
		return true;
	}
	out->kind = kind_of(&name, 0, SPF_REDIRECT);
	if (out->kind == SPF_OTHER)
		return fail(err, term, "is no mechanism of SPF");
	if (!out->qualifier)
		out->qualifier = '+';
	return mechanism(rest, out) ||
	       fail(err, term, "has something wrong behind its name");
}

bool spf_next(const char **at, struct spf_term *out, struct error *err)
{
	const char *p = *at;
	struct text term;

	if (err)
		err->kind = ERROR_NONE;
	if (spf_is_record(p)) /* the beginning */
		p += VERSION_LEN;
	p += strspn(p, " ");
	term = (struct text){ p, strcspn(p, " ") };
	*at = p + term.len;
	if (term.len == 0)
		return false;
	for (size_t i = 0; i < term.len; i++)
		if (p[i] < 0x21 || p[i] > 0x7e)
			return fail(err, &term, "is not all visible ASCII");
	return parse_term(&term, out, err);
}

bool spf_check(const char *record, struct error *err)
{
	struct error local = { 0 };
	struct spf_term term = { .kind = SPF_OTHER };
	unsigned redirects = 0, exps = 0;

	while (spf_next(&record, &term, &local)) {
		redirects += term.kind == SPF_REDIRECT;
		exps += term.kind == SPF_EXP;
	}
	if (local.kind != ERROR_NONE) {
		if (err)
			*err = local;
		return false;
	}
	if (redirects > 1 || exps > 1)
		return error_set(err, ERROR_MALFORMED, 0,
				 "\"%s\" stands there twice",
				 redirects > 1 ? "redirect=" : "exp=");
	return true;
}
