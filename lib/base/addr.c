// SPDX-License-Identifier: GPL-2.0-or-later
#include <geoblock/addr.h>

#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

/* ::ffff:0:0/96, RFC 4291 2.5.5.2 */
#define MAPPED_FIRST ADDR6(0, 0x0000ffff00000000)
#define MAPPED_LAST  ADDR6(0, 0x0000ffffffffffff)

bool addr4_parse(const char *text, size_t len, uint32_t *out)
{
	const char *p = text, *end = text + len;
	uint32_t value = 0;

	for (int octets = 1;; octets++) {
		unsigned octet = 0, digits = 0;

		while (p < end && (unsigned)(*p - '0') < 10 && digits < 4) {
			octet = octet * 10 + (unsigned)(*p++ - '0');
			digits++;
		}
		/* a leading zero is octal to some programs: say no, not maybe
		 */
		if (digits == 0 || octet > 255 ||
		    (digits > 1 && p[-(int)digits] == '0'))
			return false;
		value = value << 8 | octet;
		if (octets == 4)
			break;
		if (p == end || *p++ != '.')
			return false;
	}
	if (p != end)
		return false;
	*out = value;
	return true;
}

/* 16 or more for what is no hexadecimal digit */
static unsigned hex_value(char c)
{
	unsigned digit = (unsigned)(c - '0'),
		 letter = (unsigned)((c | 0x20) - 'a');

	return digit < 10 ? digit : letter < 6 ? letter + 10 : 16;
}

/* The groups read, with "::" after the first `gap` of them. */
static addr6_t fill_gap(addr6_t value, unsigned groups, unsigned gap)
{
	unsigned after = 16 * (groups - gap); /* bits */
	addr6_t head = value >> after;

	value &= ((addr6_t)1 << after) - 1;
	return gap == 0 ? value : head << 16 * (8 - gap) | value;
}

/* By hand, as inet_pton() takes longer than all else that is done to a line of
 * a big file; the tests compare the two. */
bool addr6_parse(const char *text, size_t len, addr6_t *out)
{
	const char *p = text, *end = text + len;
	unsigned groups = 0, gap = 8; /* 8: no "::" yet */
	addr6_t value = 0;

	if (len >= 2 && p[0] == ':' && p[1] == ':') {
		gap = 0;
		p += 2;
	}
	while (p < end) {
		const char *start = p;
		unsigned group = 0, digit;
		uint32_t v4;

		for (; p < end && p < start + 4; p++) {
			digit = hex_value(*p);
			if (digit > 15)
				break;
			group = group << 4 | digit;
		}
		if (p < end && *p == '.') { /* 64:ff9b::192.0.2.33 */
			if (!addr4_parse(start, (size_t)(end - start), &v4))
				return false;
			value = value << 32 | v4;
			groups += 2;
			break;
		}
		if (p == start || groups == 8)
			return false;
		value = value << 16 | group;
		groups++;
		if (p == end)
			break;
		if (*p++ != ':' || p == end)
			return false;
		if (*p == ':') {
			if (gap != 8 || groups == 8)
				return false;
			gap = groups;
			p++;
		}
	}
	if (gap == 8 ? groups != 8 : groups > 7)
		return false;
	*out = gap == 8 ? value : fill_gap(value, groups, gap);
	return true;
}

/* What a message quotes: bounded, and nothing that upsets a terminal. */
static const char *quote(const char *text, size_t len, char *buf, size_t size)
{
	size_t i;

	for (i = 0; i < len && i + 1 < size; i++)
		buf[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
	buf[i] = '\0';
	return buf;
}

static bool parse(const char *text, size_t len, struct addr *out)
{
	uint32_t v4;
	addr6_t v6;

	if (addr4_parse(text, len, &v4)) {
		*out = (struct addr){ .family = 4, .value = v4 };
		return true;
	}
	if (addr6_parse(text, len, &v6)) {
		*out = (struct addr){ .family = 6, .value = v6 };
		return true;
	}
	return false;
}

bool addr_parse(const char *text, size_t len, struct addr *out,
		struct error *err)
{
	char buf[80];

	if (!parse(text, len, out))
		return error_set(err, ERROR_MALFORMED, 0,
				 "\"%s\" is not an IPv4 or IPv6 address",
				 quote(text, len, buf, sizeof(buf)));
	if (out->family == 6 && out->value >= MAPPED_FIRST &&
	    out->value <= MAPPED_LAST)
		*out = (struct addr){ .family = 4,
				      .value = (uint32_t)out->value };
	return true;
}

/* A prefix length in decimal, at most `max`. */
static bool length_parse(const char *text, size_t len, unsigned max,
			 unsigned *out)
{
	unsigned value = 0;

	if (len == 0 || len > 3)
		return false;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned)(text[i] - '0') > 9)
			return false;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	if (value > max)
		return false;
	*out = value;
	return true;
}

static bool prefix_parse(const char *text, size_t len, const char *slash,
			 struct range *out, struct error *err)
{
	struct addr base;
	unsigned bits, length;
	addr6_t host;
	char buf[80], right[ADDR_TEXT_MAX];

	if (!parse(text, (size_t)(slash - text), &base))
		return error_set(err, ERROR_MALFORMED, 0,
				 "\"%s\" does not begin with an address",
				 quote(text, len, buf, sizeof(buf)));
	bits = base.family == 4 ? 32 : 128;
	if (!length_parse(slash + 1, len - (size_t)(slash + 1 - text), bits,
			  &length))
		return error_set(err, ERROR_MALFORMED, 0,
				 "\"%s\": the prefix length is not a number "
				 "from 0 to %u",
				 quote(text, len, buf, sizeof(buf)), bits);
	host = bits == length ? 0 : ADDR6_MAX >> (128 - bits + length);
	if (base.value & host) {
		base.value &= ~host;
		return error_set(
			err, ERROR_MALFORMED, 0,
			"\"%s\" has bits set beyond its prefix; did you "
			"mean %s/%u?",
			quote(text, len, buf, sizeof(buf)),
			addr_format(&base, right), length);
	}
	*out = (struct range){ .family = base.family,
			       .first = base.value,
			       .last = base.value | host };
	return true;
}

bool range_parse(const char *text, size_t len, struct range *out,
		 struct error *err)
{
	const char *slash = memchr(text, '/', len);
	const char *dash = memchr(text, '-', len);
	struct addr first, last;
	char buf[80];

	if (slash)
		return prefix_parse(text, len, slash, out, err);
	if (!dash) {
		if (!parse(text, len, &first))
			goto malformed;
		last = first;
	} else if (!parse(text, (size_t)(dash - text), &first) ||
		   !parse(dash + 1, len - (size_t)(dash + 1 - text), &last)) {
		goto malformed;
	}
	if (first.family != last.family || first.value > last.value)
		return error_set(err, ERROR_MALFORMED, 0,
				 "\"%s\": a range is its first address, a dash "
				 "and its last",
				 quote(text, len, buf, sizeof(buf)));
	*out = (struct range){ .family = first.family,
			       .first = first.value,
			       .last = last.value };
	return true;
malformed:
	return error_set(err, ERROR_MALFORMED, 0,
			 "\"%s\" is no address, prefix (192.0.2.0/24) or range "
			 "(192.0.2.1-192.0.2.9)",
			 quote(text, len, buf, sizeof(buf)));
}

const char *addr4_format(uint32_t a, char *buf)
{
	snprintf(buf, ADDR_TEXT_MAX, "%u.%u.%u.%u", a >> 24, a >> 16 & 255,
		 a >> 8 & 255, a & 255);
	return buf;
}

const char *addr6_format(addr6_t a, char *buf)
{
	uint64_t hi = htobe64(ADDR6_HI(a)), lo = htobe64(ADDR6_LO(a));
	struct in6_addr in;

	memcpy(in.s6_addr, &hi, sizeof(hi));
	memcpy(in.s6_addr + 8, &lo, sizeof(lo));
	inet_ntop(AF_INET6, &in, buf, ADDR_TEXT_MAX);
	return buf;
}

const char *addr_format(const struct addr *a, char *buf)
{
	return a->family == 4 ? addr4_format((uint32_t)a->value, buf)
			      : addr6_format(a->value, buf);
}

const char *range_format(const struct range *r, char *buf)
{
	struct addr first = { .family = r->family, .value = r->first };
	struct addr last = { .family = r->family, .value = r->last };
	unsigned bits = r->family == 4 ? 32 : 128;
	unsigned len = r->family == 4 ? addr4_prefix((uint32_t)r->first,
						     (uint32_t)r->last)
				      : addr6_prefix(r->first, r->last);
	addr6_t host = len == bits ? 0 : ADDR6_MAX >> (128 - bits + len);
	char text[ADDR_TEXT_MAX];
	size_t used;

	addr_format(&first, buf);
	if (r->first == r->last)
		return buf;
	used = strlen(buf);
	if ((r->first | host) == r->last)
		snprintf(buf + used, RANGE_TEXT_MAX - used, "/%u", len);
	else
		snprintf(buf + used, RANGE_TEXT_MAX - used, "-%s",
			 addr_format(&last, text));
	return buf;
}

unsigned addr4_prefix(uint32_t first, uint32_t last)
{
	/* as many low bits as first has zeros, and as last leaves room for */
	unsigned zeros = first == 0 ? 32 : (unsigned)__builtin_ctz(first);
	uint64_t size = (uint64_t)last - first + 1;
	unsigned room = 63 - (unsigned)__builtin_clzll(size);

	return 32 - (zeros < room ? zeros : room);
}

static unsigned zeros6(addr6_t a)
{
	if (ADDR6_LO(a) != 0)
		return (unsigned)__builtin_ctzll(ADDR6_LO(a));
	return ADDR6_HI(a) != 0 ? 64 + (unsigned)__builtin_ctzll(ADDR6_HI(a))
				: 128;
}

unsigned addr6_prefix(addr6_t first, addr6_t last)
{
	addr6_t size = last - first + 1; /* 0 stands for 2^128 */
	unsigned zeros = zeros6(first), room = 128;

	if (size != 0)
		room = ADDR6_HI(size) != 0
			       ? 127 - (unsigned)__builtin_clzll(ADDR6_HI(size))
			       : 63 - (unsigned)__builtin_clzll(ADDR6_LO(size));
	return 128 - (zeros < room ? zeros : room);
}
