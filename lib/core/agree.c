// SPDX-License-Identifier: GPL-2.0-or-later
/* The answer is one of the two opinions, never a third thing: a rule's `country`
 * then means under two sources what it means under one, and `allowed` and
 * `outside` stay each other's opposite. */
#include <geoblock/agree.h>

const char *agree_name(enum agree agree)
{
	static const char *const names[] = { "first", "either", "both" };

	return (unsigned)agree < AGREE_COUNT ? names[agree] : "";
}

country_t agree_country(enum agree agree, const struct country_set *allowed,
			country_t first, country_t second)
{
	if (second == COUNTRY_NONE || second == first || agree == AGREE_FIRST)
		return first;
	if (agree == AGREE_BOTH)
		return country_set_has(allowed, first) &&
				       !country_set_has(allowed, second)
			       ? second
			       : first;
	if (country_set_has(allowed, first))
		return first;
	return first == COUNTRY_NONE || country_set_has(allowed, second)
		       ? second
		       : first;
}
