/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_AGREE_H
#define GEOBLOCK_AGREE_H

#include <geoblock/country.h>

/* Two sources, one country: `agree` of the configuration. */

enum agree {
	AGREE_FIRST,  /* the first source; the second is only shown */
	AGREE_EITHER, /* chosen where one of them names a chosen country */
	AGREE_BOTH,   /* chosen where both do; a second source that names no
	               * country has no say */
	AGREE_COUNT,
};

const char *agree_name(enum agree agree); /* "first", "either", "both" */

/* agree_country - the one country that every rule, set and answer goes by, out of
 * what two sources say (COUNTRY_NONE: no country).
 *
 * It is always one of the two.  FIRST: the first.  EITHER: the first that is in
 * `allowed`; where neither is, the first, or the second where the first names
 * none.  BOTH: the first that is not in `allowed`; where both are, the first.
 * So EITHER lets in whatever FIRST does, and FIRST whatever BOTH does. */
country_t agree_country(enum agree agree, const struct country_set *allowed,
			country_t first, country_t second);

#endif
