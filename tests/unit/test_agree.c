// SPDX-License-Identifier: GPL-2.0-or-later
/* Two opinions: every pair of a few countries and none, under every list of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <geoblock/agree.h>

static const country_t some[] = { COUNTRY_NONE, COUNTRY('U', 'S'),
				  COUNTRY('P', 'T'), COUNTRY('A', '1') };
#define SOME (sizeof(some) / sizeof(*some))

/* The list that has the countries of the mask's bits; bit 0 is "unknown". */
static struct country_set list(unsigned mask)
{
	struct country_set set = { 0 };

	set.unknown = mask & 1;
	for (unsigned i = 1; i < SOME; i++)
		if (mask >> i & 1)
			country_set_add(&set, some[i]);
	return set;
}

static bool in(const struct country_set *set, country_t cc)
{
	return country_set_has(set, cc);
}

static void check(const struct country_set *set, country_t a, country_t b)
{
	country_t first = agree_country(AGREE_FIRST, set, a, b);
	country_t either = agree_country(AGREE_EITHER, set, a, b);
	country_t both = agree_country(AGREE_BOTH, set, a, b);

	assert_int_equal(first, a);
	assert_true(either == a || either == b);
	assert_true(both == a || both == b);
	if (b == COUNTRY_NONE) {
		assert_int_equal(either, a);
		assert_int_equal(both, a);
		return;
	}
	assert_int_equal(in(set, both), in(set, a) && in(set, b));
	assert_int_equal(in(set, either), in(set, a) || in(set, b));
}

static void every_pair(void **state)
{
	(void)state;
	for (unsigned mask = 0; mask < 1u << SOME; mask++) {
		struct country_set set = list(mask);

		for (size_t i = 0; i < SOME; i++)
			for (size_t j = 0; j < SOME; j++)
				check(&set, some[i], some[j]);
	}
}

static void by_hand(void **state)
{
	static const struct {
		enum agree agree;
		const char *first, *second, *want;
	} cases[] = {
		/* US is chosen */
		{ AGREE_FIRST, "US", "PT", "US" },
		{ AGREE_FIRST, "PT", "US", "PT" },
		{ AGREE_FIRST, "ZZ", "US", "ZZ" },
		{ AGREE_EITHER, "US", "PT", "US" },
		{ AGREE_EITHER, "PT", "US", "US" },
		{ AGREE_EITHER, "PT", "BR", "PT" },
		{ AGREE_EITHER, "ZZ", "US", "US" },
		{ AGREE_EITHER, "ZZ", "BR", "BR" },
		{ AGREE_EITHER, "US", "ZZ", "US" },
		{ AGREE_BOTH, "US", "PT", "PT" },
		{ AGREE_BOTH, "PT", "US", "PT" },
		{ AGREE_BOTH, "US", "US", "US" },
		{ AGREE_BOTH, "PT", "BR", "PT" },
		{ AGREE_BOTH, "US", "ZZ", "US" },
		{ AGREE_BOTH, "ZZ", "US", "ZZ" },
	};
	struct country_set us = { 0 };

	(void)state;
	country_set_add(&us, COUNTRY('U', 'S'));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		country_t first, second, want;

		country_parse(cases[i].first, 2, &first);
		country_parse(cases[i].second, 2, &second);
		country_parse(cases[i].want, 2, &want);
		assert_int_equal(
			agree_country(cases[i].agree, &us, first, second),
			want);
	}
	assert_string_equal(agree_name(AGREE_BOTH), "both");
	assert_string_equal(agree_name(AGREE_COUNT), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair),
		cmocka_unit_test(by_hand),
	};

	return cmocka_run_group_tests_name("agree", tests, NULL, NULL);
}
