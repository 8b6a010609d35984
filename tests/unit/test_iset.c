// SPDX-License-Identifier: GPL-2.0-or-later
/* Interval sets: the edges by tables, everything else against a bitmap.
 *
 * The bitmap knows 4096 addresses; four placings put them where arithmetic
 * could go wrong: at the bottom, across the middle, at the top of the space,
 * and (IPv6) across a /64 border.  GEOBLOCK_TEST_SEED repeats a run,
 * GEOBLOCK_TEST_ROUNDS sets its length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <geoblock/iset.h>

#include "tests/unit/iset_equal.h"

/* ---- tables
 * -------------------------------------------------------------------- */

static void add(struct iset *set, const char *text)
{
	struct range r;

	assert_true(range_parse(text, strlen(text), &r, NULL));
	assert_true(iset_add(set, &r, NULL));
}

/* A set from words: "192.0.2.0/24 2001:db8::1". */
static struct iset set_of(const char *words)
{
	struct iset set = { 0 };
	char copy[512], *word, *rest = copy;

	snprintf(copy, sizeof(copy), "%s", words);
	while ((word = strsep(&rest, " ")))
		if (*word)
			add(&set, word);
	assert_true(iset_normalise(&set, NULL));
	return set;
}

static void assert_text(const struct iset *set, const char *want)
{
	char text[1024] = "", one[RANGE_TEXT_MAX];
	size_t used = 0;

	for (size_t i = 0; i < set->v4.count + set->v6.count; i++) {
		struct range r = { .family = 4 };

		if (i < set->v4.count) {
			r.first = set->v4.r[i].first;
			r.last = set->v4.r[i].last;
		} else {
			r.family = 6;
			r.first = set->v6.r[i - set->v4.count].first;
			r.last = set->v6.r[i - set->v4.count].last;
		}
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%s%s", i ? " " : "",
					 range_format(&r, one));
	}
	assert_string_equal(text, want);
}

#define TOP6 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

static const struct {
	const char *name, *in, *want;
} forms[] = {
	{ "empty", "", "" },
	{ "one", "192.0.2.1", "192.0.2.1" },
	{ "zero", "0.0.0.0", "0.0.0.0" },
	{ "zero twice", "0.0.0.0 0.0.0.0", "0.0.0.0" },
	{ "top", "255.255.255.255", "255.255.255.255" },
	{ "top twice", "255.255.255.255 255.255.255.255", "255.255.255.255" },
	{ "both ends", "255.255.255.255 0.0.0.0", "0.0.0.0 255.255.255.255" },
	{ "all", "0.0.0.0/0", "0.0.0.0/0" },
	{ "all and one", "0.0.0.0/0 192.0.2.1", "0.0.0.0/0" },
	{ "one and all", "192.0.2.1 0.0.0.0/0", "0.0.0.0/0" },
	{ "halves", "128.0.0.0/1 0.0.0.0/1", "0.0.0.0/0" },
	{ "touching", "10.0.0.0/24 10.0.1.0/24", "10.0.0.0/23" },
	{ "touching, turned", "10.0.1.0/24 10.0.0.0/24", "10.0.0.0/23" },
	{ "gap of one", "10.0.0.0 10.0.0.2", "10.0.0.0 10.0.0.2" },
	{ "gap filled", "10.0.0.0 10.0.0.2 10.0.0.1", "10.0.0.0-10.0.0.2" },
	{ "nested", "10.0.0.0/8 10.1.0.0/16 11.0.0.0/24",
	  "10.0.0.0-11.0.0.255" },
	{ "nested, then beyond", "10.0.0.0/8 10.1.0.0/16 10.255.0.0-11.0.0.0",
	  "10.0.0.0-11.0.0.0" },
	{ "same first", "10.0.0.0/24 10.0.0.0/16 10.0.0.0", "10.0.0.0/16" },
	{ "duplicates", "10.0.0.1 10.0.0.3 10.0.0.1 10.0.0.3",
	  "10.0.0.1 10.0.0.3" },
	{ "v6 zero", ":: ::", "::" },
	{ "v6 top", TOP6 " " TOP6, TOP6 },
	{ "v6 all", "::/1 8000::/1", "::/0" },
	{ "v6 across a /64", "2001:db8:0:1:: 2001:db8::/64",
	  "2001:db8::-2001:db8:0:1::" },
	{ "families apart", "::1 0.0.0.1 ::2 0.0.0.2",
	  "0.0.0.1-0.0.0.2 ::1-::2" },
};

static void test_canonical(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct iset set = set_of(forms[i].in);

		assert_text(&set, forms[i].want);
		iset_clear(&set);
	}
}

static const struct {
	const char *a, *b, *only_a;
} pairs[] = {
	{ "", "", "" },
	{ "10.0.0.0/8", "", "10.0.0.0/8" },
	{ "", "10.0.0.0/8", "" },
	{ "0.0.0.0/0", "0.0.0.0", "0.0.0.1-255.255.255.255" },
	{ "0.0.0.0/0", "255.255.255.255", "0.0.0.0-255.255.255.254" },
	{ "0.0.0.0/0", "0.0.0.0/0", "" },
	{ "10.0.0.0-10.0.0.4", "10.0.0.1 10.0.0.3",
	  "10.0.0.0 10.0.0.2 10.0.0.4" },
	{ "10.0.0.0 10.0.0.2 10.0.0.4", "10.0.0.1 10.0.0.3",
	  "10.0.0.0 10.0.0.2 10.0.0.4" },
	/* one range of b over several of a */
	{ "10.0.0.0 10.0.0.2 10.0.0.4-10.0.0.9", "10.0.0.1-10.0.0.5",
	  "10.0.0.0 10.0.0.6-10.0.0.9" },
	{ "::/0", "::", "::1-" TOP6 },
	{ "::/0", TOP6, "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe" },
	{ "10.0.0.1 ::1", "10.0.0.1 ::2", "::1" },
};

static void test_subtract(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct iset a = set_of(pairs[i].a), b = set_of(pairs[i].b);
		struct iset out = set_of("192.0.2.7 2001:db8::7");

		assert_true(iset_subtract(&out, &a, &b, NULL));
		assert_text(&out, pairs[i].only_a);
		iset_clear(&a);
		iset_clear(&b);
		iset_clear(&out);
	}
}

static const struct {
	const char *in;
	uint64_t addresses, networks;
} sizes[] = {
	{ "", 0, 0 },
	{ "0.0.0.0/0 ::/0", UINT64_C(1) << 32, UINT64_MAX },
	{ "0.0.0.0/1 ::/1", UINT64_C(1) << 31, UINT64_C(1) << 63 },
	{ "255.255.255.255 " TOP6, 1, 1 },
	{ "10.0.0.0/24 10.0.2.0/24 2001:db8::/32 2001:dba::/48", 512,
	  (UINT64_C(1) << 32) + 65536 },
	/* a /64 counts once, however its addresses are split */
	{ "2001:db8::1 2001:db8::3 2001:db8::5-2001:db8:0:1::5", 0, 2 },
	{ "::-ffff:ffff:ffff:ffff::", 0, UINT64_MAX },
	{ "::-ffff:ffff:ffff:fffe::", 0, UINT64_MAX },
	{ "::-ffff:ffff:ffff:fffd::", 0, UINT64_MAX - 1 },
};

static void test_sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct iset set = set_of(sizes[i].in);

		assert_true(iset_addresses4(&set) == sizes[i].addresses);
		assert_true(iset_networks6(&set) == sizes[i].networks);
		iset_clear(&set);
	}
}

/* The digest is a promise to other machines: computed once with sha256sum over
 * the bytes drawn in iset.h. */
static void test_digest(void **state)
{
	static const struct {
		const char *in, *hex;
	} known[] = {
		{ "", "374708fff7719dd5979ec875d56cd228"
		      "6f6d3cf7ec317a3b25632aab28ec37bb" },
		{ "192.0.2.0/24 2001:db8::/32",
		  "af0fcc97f2f6508b4291062a074e85e4"
		  "d2153e057288caaccd9c3be4be21dd8c" },
	};
	struct iset one = set_of("192.0.2.0/24 2001:db8::/32");
	struct iset same = set_of("2001:db8::/33 192.0.2.128/25 192.0.2.0/25 "
				  "2001:db8:8000::/33");
	struct iset other = set_of("192.0.2.0/24 2001:db8::/31");
	uint8_t a[ISET_DIGEST_SIZE], b[ISET_DIGEST_SIZE];
	char hex[2 * ISET_DIGEST_SIZE + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		struct iset set = set_of(known[i].in);

		iset_digest(&set, a);
		for (size_t j = 0; j < sizeof(a); j++)
			snprintf(hex + 2 * j, 3, "%02x", a[j]);
		assert_string_equal(hex, known[i].hex);
		iset_clear(&set);
	}
	iset_digest(&one, a);
	iset_digest(&same, b);
	assert_memory_equal(a, b, sizeof(a));
	iset_digest(&other, b);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_true(iset_equal(&one, &same));
	assert_false(iset_equal(&one, &other));
	iset_clear(&one);
	iset_clear(&same);
	iset_clear(&other);
}

/* ---- random sets against a bitmap
 * ---------------------------------------------- */

#define SPAN 4096u

struct bitmap {
	bool has[SPAN];
};

struct placing {
	int family;
	addr6_t base;
};

static const struct placing placings[] = {
	{ 4, 0 },
	{ 4, 0x7ffff800 },
	{ 4, 0xfffff000 },
	{ 6, 0 },
	{ 6, ADDR6(0x20010db800000000, UINT64_MAX - 2047) },
	{ 6, ADDR6_MAX - 4095 },
};

static uint64_t seed, rng_state;

/* splitmix64 */
static uint64_t rng(void)
{
	uint64_t z = rng_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void random_set(struct iset *set, struct bitmap *map,
		       const struct placing *at)
{
	size_t count = rng() % 200;
	uint32_t longest = 1 + (uint32_t)(rng() % 100), where = 0;
	bool ascending = rng() % 2;

	for (size_t i = 0; i < count; i++) {
		uint32_t first = (uint32_t)(rng() % SPAN);
		uint32_t last;
		struct range r = { .family = at->family };

		if (ascending && rng() % 16)
			first = where + (uint32_t)(rng() % 50);
		if (first >= SPAN)
			first = SPAN - 1;
		last = first + (uint32_t)(rng() % longest);
		if (last >= SPAN)
			last = SPAN - 1;
		where = last;
		r.first = at->base + first;
		r.last = at->base + last;
		assert_true(iset_add(set, &r, NULL));
		for (uint32_t j = first; j <= last; j++)
			map->has[j] = true;
	}
	assert_true(iset_normalise(set, NULL));
}

static size_t count_of(const struct iset *set, int family)
{
	return family == 4 ? set->v4.count : set->v6.count;
}

static void range_at(const struct iset *set, int family, size_t i,
		     addr6_t *first, addr6_t *last)
{
	*first = family == 4 ? set->v4.r[i].first : set->v6.r[i].first;
	*last = family == 4 ? set->v4.r[i].last : set->v6.r[i].last;
}

/* The set holds exactly the map's addresses, in canonical form. */
static void check(const struct iset *set, const struct bitmap *map,
		  const struct placing *at)
{
	size_t want = 0, got = count_of(set, at->family);

	assert_int_equal(count_of(set, 10 - at->family), 0);
	for (uint32_t i = 0; i < SPAN; i++) {
		addr6_t first, last;
		uint32_t j = i;

		if (!map->has[i])
			continue;
		while (j + 1 < SPAN && map->has[j + 1])
			j++;
		assert_true(want < got);
		range_at(set, at->family, want++, &first, &last);
		assert_true(first == at->base + i);
		assert_true(last == at->base + j);
		i = j;
	}
	assert_int_equal(want, got);
}

static void check_has(const struct iset *set, const struct bitmap *map,
		      const struct placing *at)
{
	for (uint32_t i = 0; i < SPAN; i++) {
		struct addr a = { .family = at->family, .value = at->base + i };

		assert_int_equal(iset_has(set, &a), map->has[i]);
	}
	/* the neighbours outside, where there are any */
	if (at->base != 0) {
		struct addr a = { .family = at->family, .value = at->base - 1 };

		assert_false(iset_has(set, &a));
	}
}

/* What iset_cidrs4 and 6 emit. */
struct cidrs {
	const struct bitmap *map;
	const struct placing *at;
	struct bitmap seen;
	addr6_t next; /* nothing may be emitted below */
	size_t count, limit;
};

static bool cidr(struct cidrs *c, addr6_t first, addr6_t size)
{
	if (c->count == c->limit)
		return false;
	assert_true((first & (size - 1)) == 0);
	assert_true(c->count == 0 || first >= c->next);
	for (addr6_t a = first; a != first + size; a++) {
		assert_true(a - c->at->base < SPAN);
		assert_true(c->map->has[a - c->at->base]);
		c->seen.has[a - c->at->base] = true;
	}
	c->next = first + size;
	c->count++;
	return true;
}

static bool cidr4(void *ctx, uint32_t first, unsigned len)
{
	return cidr(ctx, first, (addr6_t)1 << (32 - len));
}

static bool cidr6(void *ctx, addr6_t first, unsigned len)
{
	assert_true(len > 0);
	return cidr(ctx, first, (addr6_t)1 << (128 - len));
}

static bool emit_cidrs(const struct iset *set, struct cidrs *c)
{
	return c->at->family == 4 ? iset_cidrs4(set, cidr4, c)
				  : iset_cidrs6(set, cidr6, c);
}

/* The fewest aligned blocks that cover exactly what the map has in [i, i +
 * size): one for the whole, else those of both halves. */
static size_t fewest(const struct bitmap *map, uint32_t i, uint32_t size)
{
	uint32_t full = 0;

	for (uint32_t j = i; j < i + size; j++)
		full += map->has[j];
	if (full == 0 || full == size)
		return full != 0;
	return fewest(map, i, size / 2) + fewest(map, i + size / 2, size / 2);
}

static void check_cidrs(const struct iset *set, const struct bitmap *map,
			const struct placing *at)
{
	struct cidrs c = { .map = map, .at = at, .limit = SIZE_MAX };
	/* a placing is aligned to the span, or at least to half of it */
	uint32_t block = at->base & (SPAN - 1) ? SPAN / 2 : SPAN;
	size_t all = 0;

	for (uint32_t i = 0; i < SPAN; i += block)
		all += fewest(map, i, block);

	assert_true(emit_cidrs(set, &c));
	assert_int_equal(c.count, all);
	assert_memory_equal(&c.seen, map, sizeof(*map));
	if (all > 0) {
		c = (struct cidrs){ .map = map, .at = at, .limit = all / 2 };
		assert_false(emit_cidrs(set, &c));
		assert_int_equal(c.count, all / 2);
	}
}

static void one_round(const struct placing *at)
{
	struct iset a = { 0 }, b = { 0 }, out = { 0 };
	static struct bitmap ma, mb, want;

	memset(&ma, 0, sizeof(ma));
	memset(&mb, 0, sizeof(mb));
	random_set(&a, &ma, at);
	random_set(&b, &mb, at);
	check(&a, &ma, at);
	check(&b, &mb, at);
	check_has(&a, &ma, at);
	check_cidrs(&a, &ma, at);
	assert_true(iset_subtract(&out, &a, &b, NULL));
	for (size_t i = 0; i < SPAN; i++)
		want.has[i] = ma.has[i] && !mb.has[i];
	check(&out, &want, at);
	iset_clear(&a);
	iset_clear(&b);
	iset_clear(&out);
}

static void test_random(void **state)
{
	const char *rounds = getenv("GEOBLOCK_TEST_ROUNDS");
	long n = rounds ? strtol(rounds, NULL, 0) : 150;

	(void)state;
	for (long i = 0; i < n; i++)
		for (size_t p = 0; p < sizeof(placings) / sizeof(*placings);
		     p++) {
			rng_state = seed + (uint64_t)i * 8 + p;
			one_round(&placings[p]);
		}
}

/* Many runs, so that the merge takes many passes, with a count that is no power
 * of two. */
static void test_many_runs(void **state)
{
	struct iset set = { 0 };

	(void)state;
	rng_state = seed;
	for (uint32_t i = 0; i < 100001; i++) {
		uint32_t at = (uint32_t)((uint64_t)i * 7919 % 100001) * 2;

		assert_true(iset_add4(&set, at, at, NULL));
		assert_true(iset_add6(&set, ADDR6(at, 0), ADDR6(at, 9), NULL));
	}
	assert_true(iset_normalise(&set, NULL));
	assert_int_equal(set.v4.count, 100001);
	assert_int_equal(set.v6.count, 100001);
	for (uint32_t i = 0; i < 100001; i++) {
		assert_int_equal(set.v4.r[i].first, 2 * i);
		assert_int_equal(set.v4.r[i].last, 2 * i);
		assert_true(set.v6.r[i].first == ADDR6(2 * i, 0));
		assert_true(set.v6.r[i].last == ADDR6(2 * i, 9));
	}
	iset_clear(&set);
}

/* In order and touching: merged while adding, so that an update holds no more
 * than its result. */
static void test_add_merges(void **state)
{
	struct iset set = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		assert_true(iset_add4(&set, i * 10, i * 10 + 9, NULL));
		assert_true(iset_add6(&set, i, i, NULL));
	}
	assert_int_equal(set.v4.count, 1);
	assert_int_equal(set.v6.count, 1);
	assert_int_equal(set.v4.r[0].last, 9999);
	iset_clear(&set);
	assert_null(set.v4.r);
	assert_int_equal(set.v6.room, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_subtract),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_many_runs),
		cmocka_unit_test(test_add_merges),
	};
	const char *given = getenv("GEOBLOCK_TEST_SEED");

	seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	printf("# GEOBLOCK_TEST_SEED=%llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
