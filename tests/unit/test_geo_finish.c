// SPDX-License-Identifier: GPL-2.0-or-later
/* geo_table_finish(): what several files say of one address, settled. */
#include "geo_files.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* One entry: source, first, last, country, status, date. */
struct entry {
	unsigned source;
	uint32_t first, last;
	const char *cc; /* "": none */
	enum geo_status status;
	uint32_t date;
};

static void fill(struct geo_table *t, const struct entry *e, size_t n,
		 const uint32_t *dates, size_t sources)
{
	memset(t, 0, sizeof(*t));
	t->sources = calloc(sources, sizeof(*t->sources));
	t->source_count = t->source_room = sources;
	for (size_t i = 0; i < sources; i++) {
		t->sources[i].date = dates[i];
		snprintf(t->sources[i].path, GEO_PATH_MAX, "file%zu", i);
	}
	t->v4 = calloc(n ? n : 1, sizeof(*t->v4));
	t->v6 = calloc(n ? n : 1, sizeof(*t->v6));
	t->count4 = t->room4 = t->count6 = t->room6 = n;
	for (size_t i = 0; i < n; i++) {
		struct geo_record record = {
			.country = e[i].cc[0] ? COUNTRY(e[i].cc[0], e[i].cc[1])
					      : COUNTRY_NONE,
			.status = (uint8_t)e[i].status,
			.date = e[i].date,
		};

		t->v4[i] = (struct geo_range4){ e[i].first, e[i].last, record,
						(uint32_t)i + 1, e[i].source };
		/* the same in IPv6, up to the top of the space */
		t->v6[i] = (struct geo_range6){ e[i].first, e[i].last, record,
						(uint32_t)i + 1, e[i].source };
		t->v6[i].first |= ADDR6_MAX << 32;
		t->v6[i].last |= ADDR6_MAX << 32;
	}
}

static country_t remembered;

static country_t previous(void *ctx, const struct addr *addr)
{
	(void)addr;
	++*(unsigned *)ctx;
	return remembered;
}

static const struct {
	const char *name;
	struct entry e[6];
	const char *previous;
	const char *want;    /* "first-last CC/line …" */
	const char *warning; /* the IPv4 one; NULL: none */
} cases[] = {
	{ "nothing to settle, in no order",
	  { { 0, 20, 29, "DE", STATUS_ALLOCATED, 0 },
	    { 0, 0, 9, "FR", STATUS_ALLOCATED, 0 },
	    { 1, 10, 19, "US", STATUS_NONE, 0 } },
	  NULL,
	  "0-9 FR/2 10-19 US/3 20-29 DE/1",
	  NULL },
	{ "delegated wins over reserved, which keeps the rest",
	  { { 0, 0, 99, "", STATUS_RESERVED, 0 },
	    { 1, 10, 19, "US", STATUS_ALLOCATED, 20200101 } },
	  NULL,
	  "0-9 --/1 10-19 US/2 20-99 --/1",
	  NULL },
	{ "delegated without a country wins over available",
	  { { 0, 0, 99, "", STATUS_AVAILABLE, 0 },
	    { 1, 0, 99, "", STATUS_ASSIGNED, 20200101 } },
	  NULL,
	  "0-99 --/2",
	  NULL },
	{ "a country wins over none known",
	  { { 0, 0, 99, "", STATUS_ASSIGNED, 20260101 },
	    { 1, 50, 59, "DE", STATUS_NONE, 0 } },
	  NULL,
	  "0-49 --/1 50-59 DE/2 60-99 --/1",
	  NULL },
	{ "the later record",
	  { { 0, 0, 99, "DE", STATUS_ALLOCATED, 20200101 },
	    { 1, 0, 99, "FR", STATUS_ALLOCATED, 20210101 } },
	  NULL,
	  "0-99 FR/2",
	  "file1:2: 0.0.0.0-0.0.0.99 is FR, but DE in file0:1; kept FR, the "
	  "later record\n" },
	{ "else the later file",
	  { { 0, 0, 99, "DE", STATUS_ALLOCATED, 20200101 },
	    { 2, 0, 99, "FR", STATUS_ALLOCATED, 20200101 } },
	  NULL,
	  "0-99 FR/2",
	  "file2:2: 0.0.0.0-0.0.0.99 is FR, but DE in file0:1; kept FR, of the "
	  "later file\n" },
	{ "else the file read first, whatever the order of the entries",
	  { { 1, 0, 99, "DE", STATUS_ALLOCATED, 20200101 },
	    { 0, 0, 99, "FR", STATUS_ALLOCATED, 20200101 } },
	  NULL,
	  "0-99 FR/2",
	  "file0:2: 0.0.0.0-0.0.0.99 is FR, but DE in file1:1; kept FR, of the "
	  "file read first\n" },
	{ "what it was before, against later records",
	  { { 0, 0, 99, "DE", STATUS_ALLOCATED, 20200101 },
	    { 1, 0, 99, "FR", STATUS_ALLOCATED, 20210101 } },
	  "DE",
	  "0-99 DE/1",
	  "file0:1: 0.0.0.0-0.0.0.99 is DE, but FR in file1:2; kept DE, as it "
	  "was before\n" },
	{ "but not a country that neither names",
	  { { 0, 0, 99, "DE", STATUS_ALLOCATED, 20200101 },
	    { 1, 0, 99, "FR", STATUS_ALLOCATED, 20210101 } },
	  "US",
	  "0-99 FR/2",
	  "file1:2: 0.0.0.0-0.0.0.99 is FR, but DE in file0:1; kept FR, the "
	  "later record\n" },
	{ "two that agree: the better record, without a word",
	  { { 0, 0, 99, "DE", STATUS_ALLOCATED, 20200101 },
	    { 1, 50, 149, "DE", STATUS_ASSIGNED, 20210101 } },
	  "FR",
	  "0-49 DE/1 50-149 DE/2",
	  NULL },
	{ "three: of those that the past agrees with, the better",
	  { { 0, 0, 9, "DE", STATUS_ALLOCATED, 20200101 },
	    { 1, 0, 9, "DE", STATUS_ALLOCATED, 20210101 },
	    { 2, 0, 9, "FR", STATUS_ALLOCATED, 20220101 } },
	  "DE",
	  "0-9 DE/2",
	  "file1:2: 0.0.0.0-0.0.0.9 is DE, but FR in file2:3; kept DE, as it "
	  "was "
	  "before\n" },
	{ "a hole in the middle, and one conflict told once",
	  { { 0, 0, 99, "DE", STATUS_ALLOCATED, 20200101 },
	    { 1, 20, 39, "FR", STATUS_ALLOCATED, 20210101 },
	    { 1, 99, 120, "DE", STATUS_ALLOCATED, 20210101 } },
	  NULL,
	  "0-19 DE/1 20-39 FR/2 40-98 DE/1 99-120 DE/3",
	  "file1:2: 0.0.0.20-0.0.0.39 is FR, but DE in file0:1; kept FR, the "
	  "later record\n" },
	{ "to the top of the space",
	  { { 0, 0, UINT32_MAX, "DE", STATUS_ALLOCATED, 20200101 },
	    { 1, UINT32_MAX, UINT32_MAX, "FR", STATUS_ALLOCATED, 20210101 } },
	  NULL,
	  "0-4294967294 DE/1 4294967295-4294967295 FR/2",
	  "file1:2: 255.255.255.255 is FR, but DE in file0:1; kept FR, the "
	  "later "
	  "record\n" },
};

static const char *tell4(const struct geo_table *t, char *buf, size_t size)
{
	size_t used = 0;
	char cc[3];

	for (size_t i = 0; i < t->count4; i++)
		used += (size_t)snprintf(
			buf + used, size - used, "%s%u-%u %s/%u", i ? " " : "",
			t->v4[i].first, t->v4[i].last,
			country_text(t->v4[i].record.country, cc),
			t->v4[i].line);
	return buf;
}

static void same_in_both(const struct geo_table *t)
{
	assert_int_equal(t->count4, t->count6);
	for (size_t i = 0; i < t->count4; i++) {
		assert_int_equal((uint32_t)t->v6[i].first, t->v4[i].first);
		assert_int_equal((uint32_t)t->v6[i].last, t->v4[i].last);
		assert_true(t->v6[i].first >> 32 == ADDR6_MAX >> 32);
		assert_true(t->v6[i].last >> 32 == ADDR6_MAX >> 32);
		assert_int_equal(t->v6[i].line, t->v4[i].line);
		assert_int_equal(t->v6[i].source, t->v4[i].source);
		assert_memory_equal(&t->v6[i].record, &t->v4[i].record,
				    sizeof(t->v4[i].record));
	}
}

static void test_cases(void **state)
{
	static const uint32_t dates[] = { 20260101, 20260101, 20260102 };

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct geo_table t;
		struct heard heard = { 0 };
		struct geo_warn warn = { hear, &heard };
		struct error err = { 0 };
		unsigned asked = 0;
		size_t n = 0;
		char buf[512];

		while (n < 6 && cases[i].e[n].cc)
			n++;
		fill(&t, cases[i].e, n, dates, 3);
		remembered = cases[i].previous ? COUNTRY(cases[i].previous[0],
							 cases[i].previous[1])
					       : COUNTRY_NONE;
		assert_true(geo_table_finish(
			&t, cases[i].previous ? previous : NULL, &asked, &warn,
			&err));
		assert_true(t.finished);
		assert_string_equal(tell4(&t, buf, sizeof(buf)), cases[i].want);
		same_in_both(&t);
		/* the IPv4 warning, then the same of IPv6 */
		if (cases[i].warning) {
			assert_memory_equal(heard.text, cases[i].warning,
					    strlen(cases[i].warning));
			assert_int_equal(heard.count, 2);
		} else {
			assert_int_equal(heard.count, 0);
			assert_int_equal(asked, 0);
		}
		/* once more changes nothing */
		assert_true(geo_table_finish(&t, NULL, NULL, &warn, &err));
		assert_string_equal(tell4(&t, buf, sizeof(buf)), cases[i].want);
		geo_table_clear(&t);
	}
}

static void test_empty(void **state)
{
	struct geo_table t = { 0 };

	(void)state;
	assert_true(geo_table_finish(&t, NULL, NULL, NULL, NULL));
	assert_true(t.finished);
	geo_table_clear(&t);
}

static uint32_t seed;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)seed * below >> 32);
}

#define SPACE   200
#define SOURCES 5

/* Random entries, disjoint within each source, in random order. */
static size_t random_entries(struct entry *e)
{
	static const char *const countries[] = { "", "DE", "FR", "US" };
	size_t n = 0;

	for (unsigned source = 0; source < SOURCES; source++) {
		uint32_t at = rnd(30);

		while (at < SPACE) {
			uint32_t last = at + rnd(25);
			unsigned status = rnd(STATUS_COUNT);

			e[n++] =
				(struct entry){ source,
						at,
						last < SPACE ? last : SPACE - 1,
						status >= STATUS_AVAILABLE
							? ""
							: countries[rnd(4)],
						(enum geo_status)status,
						20200101 + rnd(2) };
			at = last + 1 + rnd(2) * rnd(30);
		}
	}
	for (size_t i = n; i > 1; i--) {
		size_t other = rnd((uint32_t)i);
		struct entry swap = e[i - 1];

		e[i - 1] = e[other];
		e[other] = swap;
	}
	return n;
}

static int knows(const struct entry *e)
{
	return e->cc[0] ? 2 : e->status < STATUS_AVAILABLE;
}

/* The rule of geo.h, for one address, the slow way. */
static const struct entry *reference(const struct entry *e, size_t n,
				     const uint32_t *dates, uint32_t at,
				     const char *before)
{
	const struct entry *best = NULL;
	bool conflict = false, past = false;

	for (size_t i = 0; i < n; i++) {
		if (at < e[i].first || at > e[i].last)
			continue;
		past |= before && strcmp(e[i].cc, before) == 0;
		for (size_t k = 0; k < n; k++)
			conflict |= at >= e[k].first && at <= e[k].last &&
				    e[i].cc[0] && e[k].cc[0] &&
				    strcmp(e[i].cc, e[k].cc) != 0;
	}
	for (size_t i = 0; i < n; i++) {
		const struct entry *a = &e[i];

		if (at < a->first || at > a->last)
			continue;
		if (conflict && past && strcmp(a->cc, before) != 0)
			continue;
		if (!best || knows(a) > knows(best) ||
		    (knows(a) == knows(best) &&
		     (a->date > best->date ||
		      (a->date == best->date &&
		       (dates[a->source] > dates[best->source] ||
			(dates[a->source] == dates[best->source] &&
			 a->source < best->source))))))
			best = a;
	}
	return best;
}

static void test_random(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 3000; round++) {
		struct entry e[SOURCES * SPACE];
		uint32_t dates[SOURCES], next = 0;
		struct geo_table t;
		unsigned asked = 0;
		const char *before = round % 3 == 1   ? "DE"
				     : round % 3 == 2 ? "US"
						      : NULL;
		size_t n, at = 0;

		seed = round;
		n = random_entries(e);
		for (int i = 0; i < SOURCES; i++)
			dates[i] = 20260101 + rnd(3);
		fill(&t, e, n, dates, SOURCES);
		remembered = before ? COUNTRY(before[0], before[1]) : 0;
		assert_true(geo_table_finish(&t, before ? previous : NULL,
					     &asked, NULL, NULL));
		same_in_both(&t);
		for (uint32_t a = 0; a < SPACE; a++) {
			const struct entry *want =
				reference(e, n, dates, a, before);
			const struct geo_range4 *got;

			while (at < t.count4 && t.v4[at].last < a)
				at++;
			got = at < t.count4 && t.v4[at].first <= a ? &t.v4[at]
								   : NULL;
			if (!got != !want ||
			    (got && got->line != (uint32_t)(want - e) + 1))
				fail_msg("seed %u, address %u", round, a);
		}
		for (size_t i = 0; i < t.count4; i++) {
			assert_true(t.v4[i].first >= next);
			assert_true(t.v4[i].last >= t.v4[i].first);
			next = t.v4[i].last + 1;
		}
		geo_table_clear(&t);
	}
}

/* Sorting: every order of runs, equal keys stay in their order. */
static void test_sort(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 300; round++) {
		size_t n = round < 20 ? round : 1 + rnd(5000);
		struct entry *e = calloc(n + 1, sizeof(*e));
		uint32_t date = 20260101, runs = 1 + rnd(40);
		struct geo_table t;

		seed = round;
		for (size_t i = 0; i < n; i++) {
			/* runs, descending, and without any order; each
			 * address once */
			uint32_t k = (uint32_t)i;
			uint32_t at = round % 3 == 0 ? k * 7 % runs * 10000 + k
				      : round % 3 == 1 ? (uint32_t)n - k
						       : k * 40503 % 65537;

			e[i] = (struct entry){ 0,    at * 2,      at * 2,
					       "DE", STATUS_NONE, 0 };
		}
		fill(&t, e, n, &date, 1);
		assert_true(geo_table_finish(&t, NULL, NULL, NULL, NULL));
		for (size_t i = 1; i < t.count4; i++)
			assert_true(t.v4[i - 1].last < t.v4[i].first);
		same_in_both(&t);
		geo_table_clear(&t);
		free(e);
	}
}

/* Two sources that agree in nothing: told a few times, then counted. */
static void test_conflicts_are_bounded(void **state)
{
	static const uint32_t dates[] = { 20260101, 20260101 };
	struct entry e[2000];
	struct heard heard = { 0 };
	struct geo_warn warn = { hear, &heard };
	struct geo_table t;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		e[i] = (struct entry){ 0, i * 2, i * 2, "DE", STATUS_NONE, 0 };
		e[1000 + i] = (struct entry){ 1,    i * 2,       i * 2 + 1,
					      "FR", STATUS_NONE, 0 };
	}
	fill(&t, e, 2000, dates, 2);
	assert_true(geo_table_finish(&t, NULL, NULL, &warn, NULL));
	assert_int_equal(heard.count, 2 * 21);
	assert_non_null(strstr(heard.text,
			       "IPv4: 980 more ranges have different "
			       "countries in different files\n"));
	geo_table_clear(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_conflicts_are_bounded),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
