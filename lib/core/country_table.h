/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_CORE_COUNTRY_TABLE_H
#define GEOBLOCK_CORE_COUNTRY_TABLE_H

#include <stddef.h>

#include <geoblock/country.h>

/* The data behind country.c; country_groups is in the public header. */

#define COUNTRY_ENTRIES_MAX 256
#define COUNTRY_GROUPS_MAX  32

struct country_entry {
	country_t code;
	const char *name;
};

extern const struct country_entry country_entries[]; /* sorted by code */
extern const size_t country_entry_count;

/* What people write for a country or a group, lower case, and the word that the
 * configuration has for it. */
struct country_habit {
	const char *word, *meant;
};

extern const struct country_habit country_habits[];
extern const size_t country_habit_count;

#endif
