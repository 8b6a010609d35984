// SPDX-License-Identifier: GPL-2.0-or-later
/* A file that was refused must not take its registry's countries away: what the
 * image at hand has of it stays, and the other registries go on.  Without such
 * an image there is nothing to fall back on, and the update is held. */
#include "tools/sync.h"

#include <string.h>

static bool was_read(const struct sync *s, enum geo_registry registry)
{
	for (size_t i = 0; i < s->table.source_count; i++)
		if (s->table.sources[i].registry == registry)
			return true;
	return false;
}

/* Why its file could not be used.  A file that was named by hand and is refused
 * belongs to nobody, unless it is the only one. */
static const char *why_refused(const struct sync *s, enum geo_registry registry)
{
	for (size_t i = 0; i < s->input_count; i++) {
		const struct sync_input *input = &s->inputs[i];
		bool its = input->item >= 0 &&
			   s->items[input->item].registry == registry;

		if (input->result == INPUT_REFUSED &&
		    (its || (input->item < 0 && s->refused == 1)))
			return input->why;
	}
	return NULL;
}

static bool keep(struct sync *s, enum geo_registry registry)
{
	const char *why = why_refused(s, registry);
	size_t before = s->table.source_count;
	struct error err = { 0 };

	if (!image_keep(s->old_image, registry, &s->table, &err))
		return sync_fail(s, "%s", err.text);
	if (s->table.source_count == before)
		return true; /* the image has nothing of it either */
	s->kept[registry] = true;
	sync_warn(s, "%s: kept as it was", geo_registry_name(registry));
	if (!s->kept_why[registry] && why)
		s->kept_why[registry] = strdup(why);
	return true;
}

bool sync_keep(struct sync *s)
{
	bool any = false;

	for (enum geo_registry r = REGISTRY_NONE + 1;
	     s->old_image && r < REGISTRY_COUNT; r++) {
		if (!was_read(s, r) && !keep(s, r))
			return false;
		any |= s->kept[r];
	}
	if (any || sync_override(s, "nothing is known of what the refused file "
				    "should have brought"))
		return true;
	return sync_fail(s, "update held: nothing is known of what the refused "
			    "file should have brought; --force goes on without "
			    "it");
}

/* Whoever names files by hand easily names too few. */
void sync_missing(struct sync *s)
{
	char names[64] = "";
	bool any = false;

	for (size_t i = 0; i < s->table.source_count; i++)
		any |= s->table.sources[i].kind == GEO_RIR;
	for (enum geo_registry r = REGISTRY_NONE + 1; any && r < REGISTRY_COUNT;
	     r++)
		if (!was_read(s, r))
			snprintf(names + strlen(names),
				 sizeof(names) - strlen(names), "%s%s",
				 names[0] ? ", " : "", geo_registry_name(r));
	if (names[0])
		sync_warn(s,
			  "no file of %s: what they have delegated is in no "
			  "country",
			  names);
}
