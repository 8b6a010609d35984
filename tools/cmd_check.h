/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_CMD_CHECK_H
#define TOOLS_CMD_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include <geoblock/conf.h>

/* What `check` says of a configuration, for both of its ways to say it. */

/* A set of countries in as few words as it takes. */
struct check_set {
	const char *word; /* "allowed", "outside", "every country", or NULL:
	                       * codes */
	bool except;      /* every country but codes */
	struct country_set codes;
	bool unknown; /* and where no country is known */
};

struct check_set check_describe(const struct country_set *set,
				const struct country_set *allowed);

/* check_count - entries that stand in `file`; NULL: that are built in. */
size_t check_count(const struct conf_nets *nets, const char *file);

/* What an administrator may want to know beyond the policy.  Each note is one
 * sentence, to be freed; false where memory is short. */
#define CHECK_NOTES_MAX (RULES_MAX + 8)
struct check_notes {
	char *text[CHECK_NOTES_MAX];
	size_t count;
};

void check_notes(const struct conf *conf, const struct policy_split *split,
		 struct check_notes *notes);
void check_notes_clear(struct check_notes *notes);

void check_text(const struct conf *conf, const struct policy_split *split,
		const struct check_notes *notes);
json_t *check_json(const struct conf *conf, const struct policy_split *split,
		   const struct check_notes *notes);

/* check_places - sources, lists, SPF, folders and the table. */
void check_places(const struct conf *conf);

/* check_services - what the sections policyd, greylist and p0f come to. */
void check_services(const struct conf *conf);
void check_services_json(json_t *o, const struct conf *conf);

#endif
