// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <geoblock/words.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static const char *const words[] = { "accept", "drop", "reset", "geo",
				     "countries" };

static void test_find(void **state)
{
	(void)state;
	assert_int_equal(words_find(words, LENGTH(words), "accept"), 0);
	assert_int_equal(words_find(words, LENGTH(words), "countries"), 4);
	assert_int_equal(words_find(words, LENGTH(words), "Drop"), -1);
	assert_int_equal(words_find(words, LENGTH(words), ""), -1);
	assert_int_equal(words_find(words, 0, "drop"), -1);
}

static void test_nearest(void **state)
{
	static const struct {
		const char *word, *want;
	} cases[] = {
		{ "drop", "drop" },
		{ "dorp", "drop" }, /* swapped */
		{ "rdop", "drop" },
		{ "drpo", "drop" },
		{ "dop", "drop" },   /* less */
		{ "droop", "drop" }, /* more */
		{ "drip", "drop" },  /* other */
		{ "goe", "geo" },
		{ "ego", "geo" },
		{ "egg", NULL },
		{ "contries", "countries" },
		{ "cuontreis", "countries" }, /* swapped twice */
		{ "county", NULL },
		{ "acept", "accept" },
		{ "xyzzy", NULL },
		{ "", NULL },
		{ "d", NULL },
		{ "a word that is longer than anything we would compare with",
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const char *got =
			words_nearest(words, LENGTH(words), cases[i].word);

		if (!got != !cases[i].want ||
		    (got && strcmp(got, cases[i].want) != 0))
			fail_msg("%s: %s", cases[i].word, got ? got : "none");
	}
}

/* The bound is WORD_MAX bytes: one more and there is no distance. */
static void test_nearest_long(void **state)
{
	static const char *const longest[] = {
		"abcdefghijklmnopqrstuvwxyzabcdef"
	};

	(void)state;
	assert_non_null(
		words_nearest(longest, 1, "abcdefghijklmnopqrstuvwxyzabcdeg"));
	assert_null(
		words_nearest(longest, 1, "abcdefghijklmnopqrstuvwxyzabcdefg"));
}

static void test_join(void **state)
{
	char buf[64], small[8];

	(void)state;
	assert_string_equal(words_join(words, 0, buf, sizeof(buf)), "");
	assert_string_equal(words_join(words, 1, buf, sizeof(buf)), "accept");
	assert_string_equal(words_join(words, 2, buf, sizeof(buf)),
			    "accept or drop");
	assert_string_equal(words_join(words, 3, buf, sizeof(buf)),
			    "accept, drop or reset");
	assert_string_equal(words_join(words, 3, small, sizeof(small)),
			    "accept,");
	words_join(words, 3, small, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_nearest_long),
		cmocka_unit_test(test_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
