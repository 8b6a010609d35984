// SPDX-License-Identifier: GPL-2.0-or-later
/* What the image has to remember of yesterday, and of a second source: ranges that
 * are in no file any more, opinions beside opinions.  Small tables by hand, and
 * random ones beside one step after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>
#include <unistd.h>

#include <geoblock/image.h>

#include "lib/geo/image_build.h"
#include "lib/geo/image_format.h"
#include "tests/unit/image_table.h"

static uint64_t rng_state = 42;

/* splitmix64 */
static uint64_t rng(void)
{
	uint64_t z = rng_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static struct image *make(const struct geo_table *t)
{
	struct error err = { 0 };
	struct image *image;

	if (!image_make(&image, t, 1767225600, &err))
		fail_msg("%s", err.text);
	return image;
}

static struct addr addr(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, strlen(text), &a, NULL));
	return a;
}

static struct image_hit find(const struct image *image, const char *text)
{
	struct addr a = addr(text);
	struct image_hit hit = image_find(image, &a);

	assert_false(hit.damaged);
	return hit;
}

/* ---- grace ---------------------------------------------------------------- */

/* "192.0.2.0/24 US 3": range, country, registry; a country "--" is reserved
 * space.  The sources are those of the registries named, of that date. */
static struct geo_table rir(uint32_t date, const char *const *lines)
{
	struct geo_table t = { .finished = true };
	bool seen[REGISTRY_COUNT] = { false };

	for (; *lines; lines++) {
		const char *blank = strchr(*lines, ' ');
		struct geo_record record = {
			.country = COUNTRY(blank[1], blank[2]),
			.registry = (uint8_t)(blank[4] - '0'),
			.status = STATUS_ALLOCATED,
			.date = 20200101
		};
		struct range r;

		if (blank[1] == '-') {
			record.country = COUNTRY_NONE;
			record.status = STATUS_RESERVED;
		}
		assert_true(range_parse(*lines, (size_t)(blank - *lines), &r,
					NULL));
		table_add(&t, &r, &record);
		seen[record.registry] = true;
	}
	for (uint8_t i = 1; i < REGISTRY_COUNT; i++)
		if (seen[i]) {
			table_source(&t, "file", i);
			t.sources[t.source_count - 1].registry = i;
			t.sources[t.source_count - 1].date = date;
		}
	return t;
}

#define RIR(date, ...) rir(date, (const char *const[]){ __VA_ARGS__, NULL })

/* The image after one more day: `table` is cleared. */
static struct image *next_day(struct image *image, struct geo_table table,
			      unsigned days, struct image_graced *graced)
{
	struct error err = { 0 };
	struct image *next;

	if (!image_grace(image, &table, days, graced, &err))
		fail_msg("%s", err.text);
	next = make(&table);
	geo_table_clear(&table);
	image_close(image);
	return next;
}

static struct image *first_day(struct geo_table table)
{
	struct image *image = make(&table);

	geo_table_clear(&table);
	return image;
}

#define BLOCK "198.51.100.0/24 US 3"
#define OTHER "203.0.113.0/24 DE 5"

static void test_missing_is_kept(void **state)
{
	struct image *image =
		first_day(RIR(20260101, BLOCK, OTHER, "2001:db8::/32 US 3"));
	struct image_graced graced;
	struct image_about about;
	struct image_hit hit;

	(void)state;
	image = next_day(image, RIR(20260102, "192.0.2.0/24 US 3", OTHER), 3,
			 &graced);
	assert_int_equal(graced.ranges4, 1);
	assert_int_equal(graced.ranges6, 1);
	assert_int_equal(graced.addresses4, 256);
	image_about(image, &about);
	assert_int_equal(about.kept4, 1);
	assert_int_equal(about.kept6, 1);
	hit = find(image, "198.51.100.9");
	assert_int_equal(hit.record.country, COUNTRY('U', 'S'));
	assert_int_equal(hit.record.registry, REGISTRY_ARIN);
	assert_int_equal(hit.since, 20260102);
	assert_int_equal(find(image, "2001:db8::1").since, 20260102);
	assert_int_equal(find(image, "203.0.113.1").since, 0);

	/* the date of the first file without it stays; the third day is the
	 * last */
	image = next_day(image, RIR(20260104, "192.0.2.0/24 US 3", OTHER), 3,
			 &graced);
	assert_int_equal(find(image, "198.51.100.9").since, 20260102);
	/* the same file again: not one day older */
	image = next_day(image, RIR(20260104, "192.0.2.0/24 US 3", OTHER), 3,
			 &graced);
	assert_int_equal(graced.ranges4, 1);
	image = next_day(image, RIR(20260105, "192.0.2.0/24 US 3", OTHER), 3,
			 &graced);
	assert_int_equal(graced.ranges4, 0);
	assert_int_equal(graced.expired4, 1);
	assert_int_equal(graced.expired6, 1);
	assert_false(find(image, "198.51.100.9").found);
	image_close(image);
}

static void test_what_is_not_missing(void **state)
{
	static const struct {
		const char *now, *why;
		country_t country;
		bool kept;
	} cases[] = {
		{ "198.51.100.0/24 FR 5", "it has moved", COUNTRY('F', 'R'),
		  false },
		{ "198.51.100.0/24 -- 3", "it was taken back", COUNTRY_NONE,
		  false },
		{ "198.51.100.0/25 FR 5", "half of it has moved",
		  COUNTRY('F', 'R'), true },
		{ "198.51.99.0-198.51.100.9 FR 5", "moved with more",
		  COUNTRY('F', 'R'), true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct image *image = first_day(RIR(20260101, BLOCK, OTHER));
		struct image_graced graced;

		print_message("%s\n", cases[i].why);
		image = next_day(
			image,
			RIR(20260102, "192.0.2.0/24 US 3", cases[i].now, OTHER),
			3, &graced);
		assert_int_equal(find(image, "198.51.100.1").record.country,
				 cases[i].country);
		assert_int_equal(find(image, "198.51.100.200").since != 0,
				 cases[i].kept);
		image_close(image);
	}
}

static void test_no_grace(void **state)
{
	struct image *image = first_day(RIR(20260101, BLOCK, OTHER));
	struct image_graced graced;

	(void)state;
	/* without a word from its registry nothing is missing: image_keep()'s
	 * business */
	image = next_day(image, RIR(20260102, OTHER), 3, &graced);
	assert_int_equal(graced.ranges4, 0);
	image_close(image);
	image = first_day(RIR(20260101, BLOCK, OTHER));
	image = next_day(image, RIR(20260102, "192.0.2.0/24 US 3"), 0, &graced);
	assert_int_equal(graced.ranges4, 0);
	image_close(image);
	/* a file without a date */
	image = first_day(RIR(20260101, BLOCK, OTHER));
	image = next_day(image, RIR(0, "192.0.2.0/24 US 3"), 3, &graced);
	assert_int_equal(graced.ranges4, 0);
	image_close(image);
}

/* A file dated 2099 was believed for a day: what it missed is not kept until
 * then. */
static void test_date_to_come(void **state)
{
	struct image *image = first_day(RIR(20260101, BLOCK, OTHER));
	struct image_graced graced;

	(void)state;
	image = next_day(image, RIR(20990101, "192.0.2.0/24 US 3", OTHER), 3,
			 &graced);
	assert_int_equal(find(image, "198.51.100.1").since, 20990101);
	image = next_day(image, RIR(20260103, "192.0.2.0/24 US 3", OTHER), 3,
			 &graced);
	assert_int_equal(find(image, "198.51.100.1").since, 20260103);
	image = next_day(image, RIR(20260106, "192.0.2.0/24 US 3", OTHER), 3,
			 &graced);
	assert_false(find(image, "198.51.100.1").found);
	image_close(image);
}

/* The registry's next file cannot be used: its records are carried over, and what
 * was in grace stays there, as of the same day. */
static void test_kept_file_and_grace(void **state)
{
	struct geo_table table = { 0 };
	struct image_graced graced;
	struct error err = { 0 };
	struct image *image = first_day(RIR(20260101, BLOCK, OTHER));

	(void)state;
	image = next_day(image, RIR(20260102, "192.0.2.0/24 US 3", OTHER), 3,
			 &graced);
	assert_true(image_keep(image, REGISTRY_ARIN, &table, &err));
	assert_int_equal(table.count4, 1);
	assert_int_equal(table.sources[0].date, 20260102);
	assert_true(image_keep(image, REGISTRY_RIPENCC, &table, &err));
	assert_true(geo_table_finish(&table, NULL, NULL, NULL, &err));
	image = next_day(image, table, 3, &graced);
	assert_int_equal(find(image, "198.51.100.1").since, 20260102);
	image_close(image);
}

static void test_days(void **state)
{
	time_t t = -2208988800; /* 1900-01-01 */
	struct tm tm;

	(void)state;
	for (; t < (time_t)9e9; t += 86400) {
		uint32_t date;

		gmtime_r(&t, &tm);
		date = (uint32_t)(tm.tm_year + 1900) * 10000u +
		       (uint32_t)(tm.tm_mon + 1) * 100u + (uint32_t)tm.tm_mday;
		assert_int_equal(geo_days(date), t / 86400);
		assert_int_equal(geo_date((int32_t)(t / 86400)), date);
	}
	geo_days(0); /* whatever a damaged file has: no trap */
	geo_days(UINT32_MAX);
}

/* ---- second opinions -------------------------------------------------------- */

static const country_t codes[] = { COUNTRY_NONE, COUNTRY('U', 'S'),
				   COUNTRY('D', 'E'), COUNTRY('P', 'T') };

/* Ranges among the first 200 addresses of the family, and at its very end. */
static struct geo_table random_table(int family, bool gaps)
{
	struct geo_table t = { .finished = true };
	addr6_t at = rng() % 2, top = family == 4 ? ADDR4_MAX : ADDR6_MAX;

	while (at < 200) {
		struct range r = { family, at, at + rng() % 16 };
		struct geo_record record = { .country = codes[rng() % 4],
					     .registry = REGISTRY_ARIN,
					     .status = STATUS_ALLOCATED,
					     .date = 20200101 };

		table_add(&t, &r, &record);
		at = r.last + 1 + (gaps ? rng() % 8 : 0);
	}
	if (rng() % 2) {
		struct range r = { family, top - rng() % 4, top };

		table_add(&t, &r,
			  &(struct geo_record){ .country = codes[1],
						.registry = REGISTRY_ARIN });
	}
	table_source(&t, "random", 1);
	return t;
}

/* The plain list's word on one address. */
static country_t plain(const struct geo_table *t, const struct addr *a,
		       bool *found, struct range *range)
{
	size_t n = a->family == 4 ? t->count4 : t->count6;

	for (size_t i = 0; i < n; i++) {
		addr6_t first =
			a->family == 4 ? t->v4[i].first : t->v6[i].first;
		addr6_t last = a->family == 4 ? t->v4[i].last : t->v6[i].last;

		if (first <= a->value && a->value <= last) {
			*found = true;
			*range = (struct range){ a->family, first, last };
			return a->family == 4 ? t->v4[i].record.country
					      : t->v6[i].record.country;
		}
	}
	*found = false;
	return COUNTRY_NONE;
}

static void compare(struct image *image, const struct geo_table *a,
		    const struct geo_table *b, const struct addr *at,
		    enum agree agree, const struct country_set *allowed)
{
	struct image_hit hit = image_find(image, at);
	struct range record, other;
	bool found_a, found_b;
	country_t first = plain(a, at, &found_a, &record);
	country_t second = plain(b, at, &found_b, &other);
	country_t want = agree_country(agree, allowed, first, second);

	assert_false(hit.damaged);
	assert_int_equal(hit.first, first);
	assert_int_equal(hit.second, second);
	assert_int_equal(hit.found, found_a || second != COUNTRY_NONE);
	assert_int_equal(hit.record.country, want);
	if (found_a) /* whole, whatever the second source cuts it into */
		assert_true(hit.range.first == record.first &&
			    hit.range.last == record.last);
	assert_int_equal(hit.record.registry,
			 found_a ? REGISTRY_ARIN : REGISTRY_NONE);
	assert_int_equal(at->family == 4
				 ? image_country4(image, (uint32_t)at->value)
				 : image_country6(image, at->value),
			 want);
}

/* The sets that the kernel gets hold exactly what look-ups call allowed. */
static void compare_set(struct image *image, const struct country_set *allowed,
			int family)
{
	addr6_t top = family == 4 ? ADDR4_MAX : ADDR6_MAX;
	struct iset set = { 0 };

	assert_true(image_ranges(image, allowed, &set, NULL));
	for (unsigned i = 0; i < 240; i++) {
		struct addr a = { family, i < 230 ? i : top - (i - 230) };
		country_t cc = image_find(image, &a).record.country;

		assert_int_equal(iset_has(&set, &a),
				 cc != COUNTRY_NONE &&
					 country_set_has(allowed, cc));
	}
	iset_clear(&set);
}

static void test_random_opinions(void **state)
{
	(void)state;
	for (int round = 0; round < 300; round++) {
		int family = round % 2 ? 4 : 6;
		addr6_t top = family == 4 ? ADDR4_MAX : ADDR6_MAX;
		struct geo_table a = random_table(family, round % 3);
		struct geo_table b = random_table(family, round % 5);
		struct geo_table copy = a;
		struct country_set allowed = { 0 };
		struct error err = { 0 };
		struct image *image;

		country_set_add(&allowed, codes[1 + rng() % 3]);
		/* a is wanted for the comparison */
		copy.sources = malloc(sizeof(*copy.sources));
		copy.sources[0] = a.sources[0];
		copy.source_room = 1;
		copy.v4 = a.count4 ? malloc(a.count4 * sizeof(*a.v4)) : NULL;
		copy.v6 = a.count6 ? malloc(a.count6 * sizeof(*a.v6)) : NULL;
		if (copy.v4)
			memcpy(copy.v4, a.v4, a.count4 * sizeof(*a.v4));
		if (copy.v6)
			memcpy(copy.v6, a.v6, a.count6 * sizeof(*a.v6));
		assert_true(geo_table_second(&copy, &b, &err));
		assert_int_equal(copy.second, 2);
		image = make(&copy);
		for (enum agree g = AGREE_FIRST; g < AGREE_COUNT; g++) {
			assert_true(image_agree(image, g, &allowed, &err));
			for (unsigned i = 0; i < 240; i++) {
				struct addr at = { family,
						   i < 230 ? i
							   : top - (i - 230) };

				compare(image, &a, &b, &at, g, &allowed);
			}
			compare_set(image, &allowed, family);
		}
		image_close(image);
		geo_table_clear(&copy);
		table_free(&a);
		table_free(&b);
	}
}

static struct geo_table second_of(const char *const *lines)
{
	struct geo_table t = table_of(lines);

	t.sources[0].kind = GEO_MMDB;
	t.sources[0].registry = REGISTRY_NONE;
	return t;
}

#define LINES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static bool count_dispute(void *ctx, const struct image_dispute *d)
{
	unsigned *count = ctx;

	(*count)++;
	if (d->range.family == 4) {
		assert_true(d->range.last - d->range.first == 511);
		assert_int_equal(d->first, COUNTRY('U', 'S'));
		assert_int_equal(d->second, COUNTRY('P', 'T'));
		assert_int_equal(d->country, COUNTRY('P', 'T'));
	}
	return true;
}

/* A second source that cannot be read: its opinions come out of the image again,
 * and the registry's records whole, not cut where opinions change. */
static void test_keep_second(void **state)
{
	struct geo_table t =
		table_of(LINES("192.0.2.0/24 US", "198.51.100.0/24 US",
			       "198.51.101.0/24 US", "2001:db8::/32 DE"));
	struct geo_table second =
		second_of(LINES("192.0.2.128/25 US", "198.51.100.0/23 PT",
				"203.0.113.0/24 FR", "2001:db8:8000::/33 AT"));
	struct geo_table again = { 0 }, records = { 0 };
	struct country_set us = { 0 };
	struct image *image, *image_again;
	struct image_about a, b;
	struct error err = { 0 };
	unsigned disputes = 0;

	(void)state;
	/* one registry, one date: neighbours may join */
	for (size_t i = 0; i < t.count4; i++)
		t.v4[i].record = t.v4[0].record;
	t.v4[2].record.date++;
	t.sources[0].registry = REGISTRY_AFRINIC;
	t.source_room = t.source_count;
	assert_true(geo_table_second(&t, &second, &err));
	image = make(&t);
	image_about(image, &a);
	assert_non_null(a.second);
	assert_int_equal(a.second->kind, GEO_MMDB);
	assert_true(image_keep_second(image, &again, &err));
	assert_int_equal(again.count4, 3);
	assert_int_equal(again.count6, 1);
	assert_true(image_keep(image, REGISTRY_AFRINIC, &records, &err));
	assert_int_equal(records.count4, 3);
	assert_true(records.v4[0].last - records.v4[0].first == 255);
	assert_int_equal(records.source_count, 1);
	geo_table_clear(&records);

	country_set_add(&us, COUNTRY('U', 'S'));
	assert_true(image_agree(image, AGREE_BOTH, &us, &err));
	assert_true(image_each_dispute(image, count_dispute, &disputes));
	assert_int_equal(disputes, 2);
	assert_int_equal(find(image, "203.0.113.1").record.country,
			 COUNTRY_NONE);
	assert_int_equal(find(image, "192.0.2.1").record.country,
			 COUNTRY('U', 'S'));

	/* the same opinions over the same records: the same image */
	geo_table_clear(&t);
	t = table_of(LINES("192.0.2.0/24 US", "198.51.100.0/24 US",
			   "198.51.101.0/24 US", "2001:db8::/32 DE"));
	for (size_t i = 0; i < t.count4; i++)
		t.v4[i].record = t.v4[0].record;
	t.v4[2].record.date++;
	t.sources[0].registry = REGISTRY_AFRINIC;
	t.source_room = t.source_count;
	assert_true(geo_table_second(&t, &again, &err));
	image_again = make(&t);
	image_about(image_again, &b);
	assert_memory_equal(a.digest, b.digest, sizeof(a.digest));
	image_close(image_again);
	image_close(image);
	geo_table_clear(&t);
	geo_table_clear(&again);
	table_free(&second);
}

/* ---- hostile ------------------------------------------------------------------ */

static const struct {
	enum image_section section;
	size_t offset, bytes;
	uint64_t value;
} hostile[] = {
	{ SECTION_SECOND4, 2, 2, 0xffff },
	{ SECTION_SECOND4, 0, 2, 0x5553 }, /* of a gap */
	{ SECTION_SECOND6, 2, 2, 0x0041 },
	{ SECTION_ORIGIN4, 2, 2, IMAGE_CUT | 0x0101 }, /* behind a gap */
	{ SECTION_KEPT4, 0, 4, 99 },
	{ SECTION_KEPT4, 0, 4, UINT32_MAX },
	{ SECTION_KEPT4, 0, 4, 0 }, /* a gap */
	{ SECTION_KEPT4, 4, 4, 0 },
	{ SECTION_KEPT4, 8, 4, 1 }, /* not ascending */
};

static void store(const char *path, const uint8_t *bytes, size_t size)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	fclose(f);
}

static void test_hostile(void **state)
{
	struct geo_table t = table_of(LINES(
		"192.0.2.0/24 US", "198.51.100.0/24 US", "2001:db8::/32 DE"));
	struct geo_table second =
		second_of(LINES("192.0.2.0/24 PT", "2001:db8::/32 DE"));
	char path[] = "/tmp/test-trust-XXXXXX";
	struct error err = { 0 };
	struct image_header h;
	struct image_layout l;
	struct image *image;
	uint8_t *bytes, *copy;
	size_t size;

	(void)state;
	close(mkstemp(path));
	t.source_room = t.source_count;
	assert_true(geo_table_second(&t, &second, &err));
	t.since4[0] = t.since4[1] = 20260101;
	assert_true(image_compile(&t, 1, &bytes, &size, &err));
	memcpy(&h, bytes, sizeof(h));
	assert_true(image_layout(&h, &l));
	store(path, bytes, size);
	assert_true(image_open(&image, path, IMAGE_CHECK_ALL, &err));
	assert_int_equal(find(image, "198.51.100.1").since, 20260101);
	image_close(image);
	copy = malloc(size);
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		memcpy(copy, bytes, size);
		memcpy(copy + l.at[hostile[i].section] + hostile[i].offset,
		       &hostile[i].value, hostile[i].bytes);
		assert_true(image_seal(copy, size));
		store(path, copy, size);
		if (image_open(&image, path, IMAGE_CHECK_ALL, &err))
			fail_msg("hostile %zu was taken", i);
		assert_non_null(strstr(err.text, "damaged: wrong record"));
	}
	unlink(path);
	free(copy);
	free(bytes);
	geo_table_clear(&t);
	table_free(&second);
}

static void test_drop(void **state)
{
	struct geo_table t =
		RIR(20260101, "192.0.2.0/24 US 3", "198.51.100.0/24 CN 2",
		    "203.0.113.0/24 DE 5", "2001:db8::/32 DE 5");

	(void)state;
	t.v4[0].source = 1; /* apnic, arin, ripencc */
	t.v4[2].source = t.v6[0].source = 2;
	geo_table_drop(&t, 1);
	assert_int_equal(t.source_count, 2);
	assert_int_equal(t.count4, 2);
	assert_int_equal(t.v4[0].record.country, COUNTRY('C', 'N'));
	assert_int_equal(t.v4[0].source, 0);
	assert_int_equal(t.v4[1].source, 1);
	assert_int_equal(t.v6[0].source, 1);
	assert_int_equal(t.sources[1].registry, REGISTRY_RIPENCC);
	geo_table_clear(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing_is_kept),
		cmocka_unit_test(test_what_is_not_missing),
		cmocka_unit_test(test_no_grace),
		cmocka_unit_test(test_date_to_come),
		cmocka_unit_test(test_kept_file_and_grace),
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_random_opinions),
		cmocka_unit_test(test_keep_second),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_drop),
	};

	return cmocka_run_group_tests_name("trust", tests, NULL, NULL);
}
