/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_COUNTRY_H
#define GEOBLOCK_COUNTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/error.h>

/* A country code is its two characters in one number, 'U' << 8 | 'S'; 0 means
 * that none is known.  The first is A-Z, the second A-Z or 0-9 (location
 * databases have made-up codes such as A1).  ISO 3166-1 codes and the
 * registries' own EU and AP are known by name; any other pair is carried along
 * unharmed, because data may be newer than this table. */
typedef uint16_t country_t;

#define COUNTRY(a, b)   ((country_t)((a) << 8 | (b)))
#define COUNTRY_NONE    ((country_t)0)
#define COUNTRY_INDEXES (26 * 36) /* country_index() is below this */

/* country_parse - two characters, either case; false for anything else. "ZZ"
 * and "??" are what sources write for "none": true with COUNTRY_NONE. */
bool country_parse(const char *text, size_t len, country_t *out);

/* country_name - English short name, or NULL where the code is not known. */
const char *country_name(country_t cc);

/* country_text - "US", or "--" for COUNTRY_NONE.  buf has 3 bytes. */
const char *country_text(country_t cc, char buf[3]);

static inline unsigned country_index(country_t cc)
{
	unsigned second = cc & 0xff;

	return ((unsigned)(cc >> 8) - 'A') * 36 +
	       (second >= 'A' ? second - 'A' : second - '0' + 26);
}

/* A set of countries, and whether "no country known" belongs to it. */
struct country_set {
	uint64_t bits[(COUNTRY_INDEXES + 63) / 64];
	bool unknown;
};

/* COUNTRY_NONE stands for "no country known", in country_set_add() too. */
void country_set_add(struct country_set *set, country_t cc);
bool country_set_has(const struct country_set *set, country_t cc);
void country_set_fill(struct country_set *set); /* every country, and unknown */
void country_set_invert(struct country_set *set);
void country_set_union(struct country_set *set, const struct country_set *more);
unsigned country_set_count(const struct country_set *set); /* without unknown */

/* country_set_next - walk the members in alphabetical order: start with
 * COUNTRY_NONE, ends with COUNTRY_NONE. */
country_t country_set_next(const struct country_set *set, country_t after);

/* A named group, written "@eu". */
struct country_group {
	const char *name;   /* without the @, lower case */
	const char *title;  /* "European Union" */
	const char *source; /* what defines the membership, with its date */
	const char
		*members; /* "AT BE BG …", codes in order, one blank between */
};

/* country_groups - all of them, ended by one whose name is NULL. */
extern const struct country_group country_groups[];

/* country_set_add_word - one word of a configuration: an ISO code ("US"), a
 * region of the registries ("EU", "AP"), a group ("@eu") or "all".  False
 * with a text that says what would be right ("UK" → GB, a near group …). */
bool country_set_add_word(struct country_set *set, const char *word,
			  struct error *err);

#endif
