// SPDX-License-Identifier: GPL-2.0-or-later
/* Countries and sets of them.  A set is a bitmap over every pair that
 * country_index() can number, so that a code which our table does not know yet
 * is carried along like any other. */
#include <geoblock/country.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <geoblock/words.h>

#include "country_table.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool country_parse(const char *text, size_t len, country_t *out)
{
	char a, b;

	if (len != 2)
		return false;
	a = upper(text[0]);
	b = upper(text[1]);
	if ((a == 'Z' && b == 'Z') || (a == '?' && b == '?')) {
		*out = COUNTRY_NONE;
		return true;
	}
	if (a < 'A' || a > 'Z' ||
	    !((b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9')))
		return false;
	*out = COUNTRY(a, b);
	return true;
}

static int by_code(const void *key, const void *entry)
{
	return *(const country_t *)key -
	       ((const struct country_entry *)entry)->code;
}

const char *country_name(country_t cc)
{
	const struct country_entry *found =
		bsearch(&cc, country_entries, country_entry_count,
			sizeof(country_entries[0]), by_code);

	return found ? found->name : NULL;
}

const char *country_text(country_t cc, char buf[3])
{
	buf[0] = cc ? (char)(cc >> 8) : '-';
	buf[1] = cc ? (char)(cc & 0xff) : '-';
	buf[2] = '\0';
	return buf;
}

static country_t from_index(unsigned index)
{
	unsigned second = index % 36;

	return COUNTRY('A' + index / 36,
		       second < 26 ? 'A' + second : '0' + second - 26);
}

void country_set_add(struct country_set *set, country_t cc)
{
	unsigned index = country_index(cc);

	if (cc == COUNTRY_NONE) {
		set->unknown = true;
		return;
	}
	assert(index < COUNTRY_INDEXES);
	set->bits[index / 64] |= (uint64_t)1 << index % 64;
}

bool country_set_has(const struct country_set *set, country_t cc)
{
	unsigned index = country_index(cc);

	if (cc == COUNTRY_NONE)
		return set->unknown;
	return index < COUNTRY_INDEXES &&
	       (set->bits[index / 64] >> index % 64 & 1);
}

/* Bits past the last index stay zero, so that equal sets are equal bytes. */
static void cut(struct country_set *set)
{
	set->bits[COUNTRY_INDEXES / 64] &=
		((uint64_t)1 << COUNTRY_INDEXES % 64) - 1;
}
_Static_assert(COUNTRY_INDEXES % 64 != 0, "cut() would clear a whole word");

void country_set_fill(struct country_set *set)
{
	memset(set->bits, 0xff, sizeof(set->bits));
	cut(set);
	set->unknown = true;
}

void country_set_invert(struct country_set *set)
{
	for (size_t i = 0; i < LENGTH(set->bits); i++)
		set->bits[i] = ~set->bits[i];
	cut(set);
	set->unknown = !set->unknown;
}

void country_set_union(struct country_set *set, const struct country_set *more)
{
	for (size_t i = 0; i < LENGTH(set->bits); i++)
		set->bits[i] |= more->bits[i];
	set->unknown = set->unknown || more->unknown;
}

unsigned country_set_count(const struct country_set *set)
{
	unsigned count = 0;

	for (size_t i = 0; i < LENGTH(set->bits); i++)
		count += (unsigned)__builtin_popcountll(set->bits[i]);
	return count;
}

country_t country_set_next(const struct country_set *set, country_t after)
{
	unsigned index = after == COUNTRY_NONE ? 0 : country_index(after) + 1;

	while (index < COUNTRY_INDEXES) {
		uint64_t left = set->bits[index / 64] >> index % 64;

		if (left)
			return from_index(index +
					  (unsigned)__builtin_ctzll(left));
		index = (index / 64 + 1) * 64;
	}
	return COUNTRY_NONE;
}

static void add_members(struct country_set *set, const char *members)
{
	for (const char *p = members;; p += 3) {
		country_set_add(set, COUNTRY(p[0], p[1]));
		if (p[2] == '\0')
			break;
	}
}

/* word in lower case; longer ones than any of ours come out cut, and match
 * nothing */
#define FOLD_MAX 48

static const char *fold(const char *word, char buf[FOLD_MAX])
{
	size_t i;

	for (i = 0; word[i] && i + 1 < FOLD_MAX; i++)
		buf[i] = lower(word[i]);
	buf[i] = '\0';
	return buf;
}

static const struct country_group *group_find(const char *name)
{
	for (const struct country_group *g = country_groups; g->name; g++)
		if (strcmp(g->name, name) == 0)
			return g;
	return NULL;
}

static size_t group_names(const char *names[COUNTRY_GROUPS_MAX])
{
	size_t count = 0;

	for (const struct country_group *g = country_groups; g->name; g++)
		names[count++] = g->name;
	return count;
}

static bool refuse_group(const char *word, const char *name, struct error *err)
{
	const char *names[COUNTRY_GROUPS_MAX], *near;
	size_t count = group_names(names);
	char list[256];

	near = words_nearest(names, count, name);
	if (near)
		return error_set(err, ERROR_MALFORMED, 0,
				 "\"%.40s\" is no group of countries; did you "
				 "mean \"@%s\"?",
				 word, near);
	return error_set(err, ERROR_MALFORMED, 0,
			 "\"%.40s\" is no group of countries; the groups are "
			 "%s, each with an @ in front",
			 word, words_join(names, count, list, sizeof(list)));
}

/* The entry whose name was written out, or nearly so; NULL if none. */
static const struct country_entry *named(const char *folded)
{
	char names[COUNTRY_ENTRIES_MAX][FOLD_MAX];
	const char *list[COUNTRY_ENTRIES_MAX] = { 0 }, *near;

	for (size_t i = 0; i < country_entry_count; i++) {
		list[i] = fold(country_entries[i].name, names[i]);
		if (strcmp(list[i], folded) == 0)
			return &country_entries[i];
	}
	near = words_nearest(list, country_entry_count, folded);
	for (size_t i = 0; near && i < country_entry_count; i++)
		if (list[i] == near)
			return &country_entries[i];
	return NULL;
}

static bool refuse_habit(const char *word, const char *meant, struct error *err)
{
	country_t cc;

	if (country_parse(meant, strlen(meant), &cc))
		return error_set(err, ERROR_MALFORMED, 0,
				 "\"%.40s\" is not an ISO 3166-1 code; %s is "
				 "\"%s\"",
				 word, country_name(cc), meant);
	return error_set(err, ERROR_MALFORMED, 0,
			 "\"%.40s\" is not an ISO 3166-1 code; did you mean "
			 "\"%s\"?",
			 word, meant);
}

/* Nothing that is known: say what it most likely was meant to be. */
static bool refuse_word(const char *word, const char *folded, struct error *err)
{
	const struct country_entry *entry;
	char code[3];

	for (size_t i = 0; i < country_habit_count; i++)
		if (strcmp(country_habits[i].word, folded) == 0)
			return refuse_habit(word, country_habits[i].meant, err);
	if (group_find(folded))
		return error_set(err, ERROR_MALFORMED, 0,
				 "\"%.40s\" is a group of countries and is "
				 "written \"@%s\"",
				 word, folded);
	entry = strlen(folded) > 2 ? named(folded) : NULL;
	if (entry)
		return error_set(err, ERROR_MALFORMED, 0,
				 "\"%.40s\": countries are named by their ISO "
				 "3166-1 code; did you mean \"%s\" (%s)?",
				 word, country_text(entry->code, code),
				 entry->name);
	return error_set(err, ERROR_MALFORMED, 0,
			 "\"%.40s\" is neither an ISO 3166-1 country code such "
			 "as \"US\" nor a group such as \"@eu\"",
			 word);
}

bool country_set_add_word(struct country_set *set, const char *word,
			  struct error *err)
{
	const struct country_group *group;
	char folded[FOLD_MAX];
	country_t cc;

	fold(word, folded);
	if (folded[0] == '@') {
		group = group_find(folded + 1);
		if (!group)
			return refuse_group(word, folded + 1, err);
		add_members(set, group->members);
		return true;
	}
	if (strcmp(folded, "all") == 0) {
		country_set_fill(set);
		return true;
	}
	if (!country_parse(word, strlen(word), &cc) || !country_name(cc))
		return refuse_word(word, folded, err);
	country_set_add(set, cc);
	return true;
}
