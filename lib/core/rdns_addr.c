// SPDX-License-Identifier: GPL-2.0-or-later
/* A sender's address within its own name.
 *
 * Nothing is searched for by pattern: the name's numbers are read, whatever stands
 * between them, and compared with the address, of which we know what it is.  So the
 * many ways in which providers write it (forwards, turned round, in pairs, padded,
 * with words in between) are a few comparisons, and a name with other numbers in it
 * is no match, however much it looks like one.
 *
 * IPv4 in decimal: a name's numbers up to 255 in their order; digits without a
 * separator count as padded octets ("203000113005").  Four in a row that are the
 * address's octets in any order are the address; three in a row have to be in
 * order, two have to be the last two and neighbours.  In hex: the four octets as
 * eight digits, or one by one.  IPv6: the 32 digits with or without separators, or
 * groups without their zeros, so that "2001-db8--25" and "2001.db8.0.0.0.0.0.25"
 * are the same. */
#include "rdns_impl.h"

#include <stdio.h>
#include <string.h>

#define NUMBERS_MAX 128

/* A number of a name, and where it begins and ends. */
struct number {
	uint8_t value;
	uint8_t first, last;
};

struct numbers {
	struct number list[NUMBERS_MAX];
	size_t count;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void add(struct numbers *n, unsigned value, size_t first, size_t last)
{
	if (n->count < NUMBERS_MAX)
		n->list[n->count++] =
			(struct number){ (uint8_t)value, (uint8_t)first,
					 (uint8_t)last };
}

/* One run of digits: up to three are an octet; six, nine and twelve are padded
 * ones.  Anything else is no octet, and keeps its neighbours apart. */
static void add_digits(struct numbers *n, const char *text, size_t at,
		       size_t len)
{
	size_t width = len <= 3 ? len : 3;
	unsigned values[4];

	if (len > 12 || len % width != 0)
		return;
	for (size_t i = 0; i < len / width; i++) {
		values[i] = 0;
		for (size_t j = 0; j < width; j++)
			values[i] = values[i] * 10 +
				    (unsigned)(text[at + i * width + j] - '0');
		if (values[i] > 255)
			return;
	}
	for (size_t i = 0; i < len / width; i++)
		add(n, values[i], at + i * width, at + (i + 1) * width - 1);
}

static void read_decimal(struct numbers *n, const struct rdns_name *name)
{
	n->count = 0;
	for (size_t i = 0; i < name->len;) {
		size_t from = i;

		while (i < name->len && is_digit(name->text[i]))
			i++;
		if (i > from)
			add_digits(n, name->text, from, i - from);
		else
			i++;
	}
}

/* Runs of one or two hex digits, each an octet. */
static void read_hex(struct numbers *n, const struct rdns_name *name)
{
	n->count = 0;
	for (size_t i = 0; i < name->run_count; i++) {
		const struct rdns_run *run = &name->runs[i];
		const char *p = name->text + run->at;
		int high = hex_value(p[0]);
		int low = run->len > 1 ? hex_value(p[1]) : 0;

		if (run->len <= 2 && high >= 0 && low >= 0)
			add(n,
			    (unsigned)(run->len > 1 ? high * 16 + low : high),
			    run->at, run->at + run->len - 1u);
	}
}

/* The same octets, in whatever order. */
static bool same_set(const struct number *list, const uint8_t octets[4])
{
	unsigned used = 0;

	for (size_t i = 0; i < 4; i++) {
		size_t j = 0;

		while (j < 4 && (octets[j] != list[i].value || used >> j & 1))
			j++;
		if (j == 4)
			return false;
		used |= 1u << j;
	}
	return true;
}

/* count octets from octets[first] on, upwards or downwards. */
static bool in_order(const struct number *list, size_t count,
		     const uint8_t octets[4], size_t first)
{
	bool up = true, down = true;

	for (size_t i = 0; i < count; i++) {
		up &= list[i].value == octets[first + i];
		down &= list[i].value == octets[first + count - 1 - i];
	}
	return up || down;
}

static enum rdns_told told_by(const struct numbers *n, const uint8_t octets[4])
{
	enum rdns_told best = RDNS_TOLD_NOTHING;

	for (size_t i = 0; i < n->count; i++) {
		const struct number *list = &n->list[i];
		size_t left = n->count - i;

		if (left >= 4 && same_set(list, octets))
			return RDNS_TOLD_WHOLE;
		if (left >= 3 && (in_order(list, 3, octets, 0) ||
				  in_order(list, 3, octets, 1)))
			best = RDNS_TOLD_NET;
		else if (left >= 2 && best == RDNS_TOLD_NOTHING &&
			 list[1].first - list[0].last <= 2 &&
			 in_order(list, 2, octets, 2))
			best = RDNS_TOLD_HALF;
	}
	return best;
}

static bool has(const struct rdns_name *name, const char *text)
{
	return strstr(name->text, text) != NULL;
}

/* A run of digits that is the address as one number, or its octets without padding
 * or separator, from seven digits on. */
static bool told_in_one(const struct rdns_name *name, const uint8_t o[4])
{
	char wanted[3][16];
	size_t at = 0;

	snprintf(wanted[0], sizeof(wanted[0]), "%u%u%u%u", o[0], o[1], o[2],
		 o[3]);
	snprintf(wanted[1], sizeof(wanted[1]), "%u%u%u%u", o[3], o[2], o[1],
		 o[0]);
	snprintf(wanted[2], sizeof(wanted[2]), "%u",
		 (unsigned)o[0] << 24 | (unsigned)o[1] << 16 |
			 (unsigned)o[2] << 8 | o[3]);
	while (at < name->len) {
		size_t len = strspn(name->text + at, "0123456789");

		for (size_t i = 0; len >= 7 && i < 3; i++)
			if (strlen(wanted[i]) == len &&
			    memcmp(wanted[i], name->text + at, len) == 0)
				return true;
		at += len + 1;
	}
	return false;
}

static enum rdns_told told4(const struct rdns_name *name, uint32_t value,
			    const char **form)
{
	const uint8_t o[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16),
			       (uint8_t)(value >> 8), (uint8_t)value };
	struct numbers numbers;
	enum rdns_told told;
	char hex[9];

	read_decimal(&numbers, name);
	told = told_by(&numbers, o);
	*form = "in decimal";
	if (told == RDNS_TOLD_WHOLE)
		return told;
	if (told_in_one(name, o))
		return RDNS_TOLD_WHOLE;
	snprintf(hex, sizeof(hex), "%02x%02x%02x%02x", o[0], o[1], o[2], o[3]);
	*form = "in hex";
	if (has(name, hex))
		return RDNS_TOLD_WHOLE;
	snprintf(hex, sizeof(hex), "%02x%02x%02x%02x", o[3], o[2], o[1], o[0]);
	if (has(name, hex))
		return RDNS_TOLD_WHOLE;
	read_hex(&numbers, name);
	if (told_by(&numbers, o) == RDNS_TOLD_WHOLE)
		return RDNS_TOLD_WHOLE;
	*form = "in decimal";
	return told;
}

/* ---- IPv6 ---- */

#define GROUPS 8

/* The groups that are not zero, in order. */
static size_t groups_of(addr6_t value, uint16_t out[GROUPS])
{
	size_t count = 0;

	for (unsigned i = 0; i < GROUPS; i++) {
		uint16_t group = (uint16_t)(value >> (112 - 16 * i));

		if (group)
			out[count++] = group;
	}
	return count;
}

static size_t groups_of_name(const struct rdns_name *name,
			     uint16_t out[RDNS_RUNS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < name->run_count; i++) {
		const struct rdns_run *run = &name->runs[i];
		unsigned value = 0;

		if (run->len > 4)
			continue;
		for (size_t j = 0; j < run->len; j++) {
			int digit = hex_value(name->text[run->at + j]);

			if (digit < 0) {
				value = 0;
				break;
			}
			value = value * 16 + (unsigned)digit;
		}
		if (value)
			out[count++] = (uint16_t)value;
	}
	return count;
}

/* All groups, three or more, or any four in a row. */
static bool told_groups(const struct rdns_name *name, addr6_t value)
{
	uint16_t want[GROUPS], found[RDNS_RUNS_MAX];
	size_t wanted = groups_of(value, want);
	size_t count = groups_of_name(name, found);
	size_t enough = wanted == 3 ? 3 : 4;

	for (size_t i = 0; i + enough <= count; i++)
		for (size_t j = 0; j + enough <= wanted; j++)
			if (memcmp(&found[i], &want[j],
				   enough * sizeof(*want)) == 0)
				return true;
	return false;
}

/* The digits without what stands between them. */
static void squeeze(const struct rdns_name *name, char out[RDNS_NAME_MAX])
{
	size_t len = 0;

	for (size_t i = 0; i < name->run_count; i++) {
		const struct rdns_run *run = &name->runs[i];

		memcpy(out + len, name->text + run->at, run->len);
		len += run->len;
	}
	out[len] = '\0';
}

/* count digits of the address from digit `first` on, upwards or downwards.  Where
 * nearly all are zero they prove nothing, unless they are all there are. */
static bool told_digits(const char *squeezed, addr6_t value, unsigned first,
			unsigned count)
{
	char up[33], down[33];
	unsigned zeros = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned digit =
			(unsigned)(value >> (124 - 4 * (first + i))) & 15;

		up[i] = down[count - 1 - i] = "0123456789abcdef"[digit];
		zeros += digit == 0;
	}
	up[count] = down[count] = '\0';
	if (count < 32 && zeros > count - 4)
		return false;
	return strstr(squeezed, up) || strstr(squeezed, down);
}

static enum rdns_told told6(const struct rdns_name *name, addr6_t value,
			    const char **form)
{
	char squeezed[RDNS_NAME_MAX];

	*form = "in groups";
	if (told_groups(name, value))
		return RDNS_TOLD_WHOLE;
	*form = "digit by digit";
	squeeze(name, squeezed);
	if (told_digits(squeezed, value, 0, 32))
		return RDNS_TOLD_WHOLE;
	if (told_digits(squeezed, value, 0, 16) ||
	    told_digits(squeezed, value, 16, 16))
		return RDNS_TOLD_NET;
	return RDNS_TOLD_NOTHING;
}

enum rdns_told rdns_told(const struct rdns_name *name, const struct addr *addr,
			 const char **form)
{
	if (addr->family == 4)
		return told4(name, (uint32_t)addr->value, form);
	return told6(name, addr->value, form);
}
