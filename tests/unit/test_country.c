// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <geoblock/country.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static country_t code(const char *text)
{
	return COUNTRY(text[0], text[1]);
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		country_t want;
	} cases[] = {
		{ "US", true, COUNTRY('U', 'S') },
		{ "us", true, COUNTRY('U', 'S') },
		{ "uS", true, COUNTRY('U', 'S') },
		{ "A1", true, COUNTRY('A', '1') },
		{ "XX", true, COUNTRY('X', 'X') },
		{ "ZZ", true, COUNTRY_NONE },
		{ "zz", true, COUNTRY_NONE },
		{ "??", true, COUNTRY_NONE },
		{ "1A", false, 0 },
		{ "U", false, 0 },
		{ "", false, 0 },
		{ "USA", false, 0 },
		{ "U ", false, 0 },
		{ "U?", false, 0 },
		{ "\xc3\x85", false, 0 },
		{ "--", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		country_t cc = 0x4242;

		assert_int_equal(country_parse(cases[i].text,
					       strlen(cases[i].text), &cc),
				 cases[i].ok);
		assert_int_equal(cc, cases[i].ok ? cases[i].want : 0x4242);
	}
}

static void test_text(void **state)
{
	char buf[3];

	(void)state;
	assert_string_equal(country_text(COUNTRY('U', 'S'), buf), "US");
	assert_string_equal(country_text(COUNTRY_NONE, buf), "--");
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(country_name(code("AD")), "Andorra");
	assert_string_equal(country_name(code("ZW")), "Zimbabwe");
	assert_string_equal(country_name(code("US")), "United States");
	assert_non_null(country_name(code("EU")));
	assert_non_null(country_name(code("AP")));
	assert_non_null(country_name(code("XK")));
	assert_null(country_name(code("UK")));
	assert_null(country_name(code("A1")));
	assert_null(country_name(code("ZZ")));
	assert_null(country_name(COUNTRY_NONE));
}

/* The zone database carries ISO 3166-1 on every Debian: the same codes? */
static void test_names_against_tzdata(void **state)
{
	FILE *f = fopen("/usr/share/zoneinfo/iso3166.tab", "r");
	struct country_set known = { 0 }, theirs = { 0 };
	char line[256];

	(void)state;
	if (!f)
		skip();
	for (int a = 'A'; a <= 'Z'; a++)
		for (int b = 'A'; b <= 'Z'; b++)
			if (country_name(COUNTRY(a, b)))
				country_set_add(&known, COUNTRY(a, b));
	while (fgets(line, sizeof(line), f))
		if (line[0] != '#')
			country_set_add(&theirs, code(line));
	fclose(f);
	assert_int_equal(country_set_count(&theirs), 249);
	country_set_add(&theirs, code("EU"));
	country_set_add(&theirs, code("AP"));
	country_set_add(&theirs, code("XK"));
	assert_memory_equal(&known, &theirs, sizeof(known));
}

/* Every index, once, in order: the set's order is the alphabet's for letters.
 */
static void test_walk(void **state)
{
	struct country_set all = { 0 }, back = { 0 };
	country_t last = COUNTRY_NONE;
	unsigned count = 0;

	(void)state;
	country_set_fill(&all);
	assert_true(all.unknown);
	assert_int_equal(country_set_count(&all), COUNTRY_INDEXES);
	for (country_t cc = country_set_next(&all, COUNTRY_NONE); cc;
	     cc = country_set_next(&all, cc)) {
		assert_int_equal(country_index(cc), count);
		count++;
		country_set_add(&back, cc);
		last = cc;
	}
	assert_int_equal(count, COUNTRY_INDEXES);
	assert_int_equal(last, COUNTRY('Z', '9'));
	assert_memory_equal(all.bits, back.bits, sizeof(all.bits));
}

static void test_set(void **state)
{
	struct country_set set = { 0 }, more = { 0 }, empty = { 0 };

	(void)state;
	assert_int_equal(country_set_next(&set, COUNTRY_NONE), COUNTRY_NONE);
	country_set_add(&set, code("US"));
	country_set_add(&set, code("AA"));
	country_set_add(&set, code("Z9"));
	assert_true(country_set_has(&set, code("US")));
	assert_false(country_set_has(&set, code("UT")));
	assert_false(country_set_has(&set, COUNTRY_NONE));
	assert_int_equal(country_set_count(&set), 3);
	assert_int_equal(country_set_next(&set, COUNTRY_NONE), code("AA"));
	assert_int_equal(country_set_next(&set, code("AA")), code("US"));
	assert_int_equal(country_set_next(&set, code("MM")), code("US"));
	assert_int_equal(country_set_next(&set, code("US")), code("Z9"));
	assert_int_equal(country_set_next(&set, code("Z9")), COUNTRY_NONE);

	country_set_invert(&set);
	assert_int_equal(country_set_count(&set), COUNTRY_INDEXES - 3);
	assert_true(set.unknown);
	assert_false(country_set_has(&set, code("US")));
	country_set_add(&more, code("US"));
	country_set_union(&set, &more);
	assert_true(country_set_has(&set, code("US")));
	assert_int_equal(country_set_count(&set), COUNTRY_INDEXES - 2);

	country_set_fill(&set);
	country_set_invert(&set);
	assert_memory_equal(&set, &empty, sizeof(set));
	country_set_add(&set, COUNTRY_NONE);
	assert_true(country_set_has(&set, COUNTRY_NONE));
	assert_int_equal(country_set_count(&set), 0);
	/* damaged data must not index past the bitmap */
	assert_false(country_set_has(&set, 0xffff));
	assert_false(country_set_has(&set, 1));
}

static unsigned group_size(const char *word)
{
	struct country_set set = { 0 };

	assert_true(country_set_add_word(&set, word, NULL));
	assert_false(set.unknown);
	return country_set_count(&set);
}

/* Counts that their treaties give; nobody else may be in @eea and @schengen
 * than what the names promise. */
static void test_groups(void **state)
{
	struct country_set eu = { 0 }, other = { 0 };

	(void)state;
	assert_int_equal(group_size("@eu"), 27);
	assert_int_equal(group_size("@eea"), 30);
	assert_int_equal(group_size("@efta"), 4);
	assert_int_equal(group_size("@schengen"), 29);
	assert_int_equal(group_size("@asean"), 11);
	assert_int_equal(group_size("@gcc"), 6);
	assert_int_equal(group_size("@G7"), 7);
	assert_int_equal(group_size("@mercosur"), 5);

	assert_true(country_set_add_word(&eu, "@eu", NULL));
	country_set_add(&eu, code("IS"));
	country_set_add(&eu, code("LI"));
	country_set_add(&eu, code("NO"));
	assert_true(country_set_add_word(&other, "@eea", NULL));
	assert_memory_equal(&eu, &other, sizeof(eu));

	/* Schengen and the two of the EU that are outside = EEA and CH */
	memset(&other, 0, sizeof(other));
	assert_true(country_set_add_word(&other, "@schengen", NULL));
	country_set_add(&other, code("CY"));
	country_set_add(&other, code("IE"));
	country_set_add(&eu, code("CH"));
	assert_memory_equal(&eu, &other, sizeof(eu));
}

/* "AT BE BG": known codes, ascending, one blank between. */
static void test_groups_form(void **state)
{
	(void)state;
	for (const struct country_group *g = country_groups; g->name; g++) {
		const char *p = g->members;
		country_t before = 0;

		assert_non_null(g->title);
		assert_non_null(g->source);
		for (;; p += 3) {
			assert_non_null(country_name(code(p)));
			assert_true(code(p) > before);
			before = code(p);
			if (p[2] == '\0')
				break;
			assert_int_equal(p[2], ' ');
		}
	}
}

static const struct {
	const char *word;
	const char *want; /* in the text; NULL: accepted */
} words[] = {
	{ "US", NULL },
	{ "us", NULL },
	{ "EU", NULL },
	{ "AP", NULL },
	{ "XK", NULL },
	{ "@eu", NULL },
	{ "@EU", NULL },
	{ "@Benelux", NULL },
	{ "all", NULL },
	{ "UK", "\"UK\" is not an ISO 3166-1 code; United Kingdom is \"GB\"" },
	{ "uk", "United Kingdom is \"GB\"" },
	{ "EL", "Greece is \"GR\"" },
	{ "USA", "United States is \"US\"" },
	{ "EUROPE", "did you mean \"@eu\"?" },
	{ "European Union", "did you mean \"@eu\"?" },
	{ "Canada", "did you mean \"CA\" (Canada)?" },
	{ "cnada", "did you mean \"CA\" (Canada)?" },
	{ "Turkey", "is \"TR\"" },
	{ "Turkiye", "did you mean \"TR\"" },
	{ "south korea", "did you mean \"KR\"" },
	{ "schengen", "written \"@schengen\"" },
	{ "@shengen", "did you mean \"@schengen\"?" },
	{ "@quux", "the groups are eu, eea, efta, schengen," },
	{ "@", "the groups are" },
	{ "", "neither" },
	{ "QQ", "neither" },
	{ "A1", "neither" },
	{ "ZZ", "neither" },
	{ "??", "neither" },
	{ "US ", "neither" },
	{ "U", "neither" },
	{ "everything there is and a good deal more than that", "neither" },
};

static void test_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(words); i++) {
		struct country_set set = { 0 }, empty = { 0 };
		struct error err = { 0 };
		bool ok = country_set_add_word(&set, words[i].word, &err);

		assert_int_equal(ok, words[i].want == NULL);
		if (ok)
			continue;
		assert_int_equal(err.kind, ERROR_MALFORMED);
		if (!strstr(err.text, words[i].want))
			fail_msg("%s: %s", words[i].word, err.text);
		assert_memory_equal(&set, &empty, sizeof(set));
	}
}

/* "EU" is the registries' region, not the Union. */
static void test_region_is_no_group(void **state)
{
	struct country_set set = { 0 };

	(void)state;
	assert_true(country_set_add_word(&set, "eu", NULL));
	assert_int_equal(country_set_count(&set), 1);
	assert_false(country_set_has(&set, code("DE")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_against_tzdata),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_groups_form),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_region_is_no_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
