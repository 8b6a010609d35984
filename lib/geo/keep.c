// SPDX-License-Identifier: GPL-2.0-or-later
/* A registry whose file cannot be used keeps what the image at hand has of it:
 * the records with their status and date, and the source with its own date, so
 * that its age goes on being told. */
#include <geoblock/image.h>

#include "table.h"

struct keep {
	struct geo_table *table;
	enum geo_registry registry;
	uint32_t source;
	struct error *err;
};

static bool keep4(void *ctx, const struct range4 *range,
		  const struct geo_record *record)
{
	struct keep *k = ctx;

	return record->registry != k->registry ||
	       table_add4(k->table,
			  &(struct geo_range4){ .first = range->first,
						.last = range->last,
						.record = *record,
						.source = k->source },
			  k->err);
}

static bool keep6(void *ctx, const struct range6 *range,
		  const struct geo_record *record)
{
	struct keep *k = ctx;

	return record->registry != k->registry ||
	       table_add6(k->table,
			  &(struct geo_range6){ .first = range->first,
						.last = range->last,
						.record = *record,
						.source = k->source },
			  k->err);
}

static bool keep_records(const struct image *image, struct keep *k,
			 const struct geo_source *source)
{
	struct geo_table *table = k->table;

	if (table->source_count == table->source_room &&
	    !table_grow_sources(table, k->err))
		return false;
	k->source = (uint32_t)table->source_count;
	table->sources[table->source_count++] = *source;
	return image_each4(image, keep4, k) && image_each6(image, keep6, k);
}

bool image_keep(const struct image *image, enum geo_registry registry,
		struct geo_table *table, struct error *err)
{
	struct keep k = { .table = table, .registry = registry, .err = err };
	size_t count4 = table->count4, count6 = table->count6;
	size_t sources = table->source_count;
	struct image_about about;

	image_about(image, &about);
	for (size_t i = 0; i < about.source_count; i++) {
		if (about.sources[i].registry != registry)
			continue;
		if (keep_records(image, &k, &about.sources[i]))
			return true;
		table->count4 = count4;
		table->count6 = count6;
		table->source_count = sources;
		return false;
	}
	return true;
}
