// SPDX-License-Identifier: GPL-2.0-or-later
/* The arrays grow by doubling, so that appending costs the same however many
 * there are, up to GEO_RANGES_MAX: a file within GEO_FILE_MAX could otherwise
 * fill gigabytes ("::1" and a line feed become 48 bytes). */
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Twice the room, or `least`; *room and *v change only on success. */
static bool grow(void **v, size_t *room, size_t least, size_t size,
		 struct error *err)
{
	size_t more = *room ? *room * 2 : least;
	void *bigger;

	if (*room >= GEO_RANGES_MAX)
		return error_set(err, ERROR_LIMIT, 0,
				 "more than %u ranges of one family",
				 GEO_RANGES_MAX);
	if (more > GEO_RANGES_MAX)
		more = GEO_RANGES_MAX;
	bigger = reallocarray(*v, more, size);
	if (!bigger)
		return error_set(err, ERROR_SYSTEM, ENOMEM,
				 "no room for %zu ranges", more);
	*v = bigger;
	*room = more;
	return true;
}

bool table_grow4(struct geo_table *table, struct error *err)
{
	void *v = table->v4;
	bool ok = grow(&v, &table->room4, 4096, sizeof(*table->v4), err);

	table->v4 = v;
	return ok;
}

bool table_grow6(struct geo_table *table, struct error *err)
{
	void *v = table->v6;
	bool ok = grow(&v, &table->room6, 4096, sizeof(*table->v6), err);

	table->v6 = v;
	return ok;
}

bool table_grow_sources(struct geo_table *table, struct error *err)
{
	void *v = table->sources;
	bool ok = true;

	if (table->source_count == GEO_SOURCES_MAX)
		return error_set(err, ERROR_LIMIT, 0, "more than %d files",
				 GEO_SOURCES_MAX);
	if (table->source_count == table->source_room)
		ok = grow(&v, &table->source_room, 8, sizeof(*table->sources),
			  err);
	table->sources = v;
	return ok;
}

void geo_table_clear(struct geo_table *table)
{
	free(table->v4);
	free(table->v6);
	free(table->sources);
	memset(table, 0, sizeof(*table));
}
