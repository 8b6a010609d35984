/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_IMAGE_TABLE_H
#define TESTS_UNIT_IMAGE_TABLE_H

/* Tables for images, written down: what geo_table_finish() would leave. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <geoblock/geo.h>
#include <geoblock/image.h>

#include "lib/geo/image_build.h"

static inline void table_add(struct geo_table *t, const struct range *r,
			     const struct geo_record *record)
{
	if (r->family == 4) {
		t->v4 = realloc(t->v4, (t->count4 + 1) * sizeof(*t->v4));
		t->v4[t->count4++] =
			(struct geo_range4){ .first = (uint32_t)r->first,
					     .last = (uint32_t)r->last,
					     .record = *record };
	} else {
		t->v6 = realloc(t->v6, (t->count6 + 1) * sizeof(*t->v6));
		t->v6[t->count6++] = (struct geo_range6){ .first = r->first,
							  .last = r->last,
							  .record = *record };
	}
}

static inline void table_source(struct geo_table *t, const char *path,
				uint8_t hash)
{
	struct geo_source s = { .kind = GEO_RIR,
				.registry = REGISTRY_ARIN,
				.date = 20260130,
				.serial = 20260131,
				.bytes = 4242,
				.records4 = 3,
				.records6 = 2 };

	snprintf(s.path, sizeof(s.path), "%s", path);
	memset(s.sha256, hash, sizeof(s.sha256));
	t->sources = realloc(t->sources,
			     (t->source_count + 1) * sizeof(*t->sources));
	t->sources[t->source_count++] = s;
}

/* "192.0.2.0/24 US": a range and its country, ascending in each family. The
 * rest of the record is made from its place in the list; "--" is a reserved
 * range. */
static inline struct geo_table table_of(const char *const *lines)
{
	struct geo_table t = { .finished = true };

	for (uint32_t i = 0; lines[i]; i++) {
		const char *blank = strchr(lines[i], ' ');
		struct geo_record record = {
			.country = COUNTRY(blank[1], blank[2]),
			.registry = (uint8_t)(1 + i % (REGISTRY_COUNT - 1)),
			.status = STATUS_ALLOCATED,
			.date = 20260101 + i % 28
		};
		struct range r;

		if (blank[1] == '-') {
			record.country = COUNTRY_NONE;
			record.status = STATUS_RESERVED;
			record.date = 0;
		}
		if (!range_parse(lines[i], (size_t)(blank - lines[i]), &r,
				 NULL))
			abort();
		table_add(&t, &r, &record);
	}
	table_source(&t, "/var/lib/geoblock/delegated-arin-latest", 1);
	return t;
}

static inline void table_free(struct geo_table *t)
{
	free(t->v4);
	free(t->v6);
	free(t->sources);
	*t = (struct geo_table){ 0 };
}

/* Into the state folder, and into a file of any name. */
static inline bool image_write(const char *state_dir,
			       const struct geo_table *table, uint64_t now,
			       bool *changed, struct error *err)
{
	struct image *image;
	bool ok = image_make(&image, table, now, err) &&
		  image_install(image, state_dir, changed, err);

	image_close(image);
	return ok;
}

static inline bool image_save(const char *path, const struct geo_table *table,
			      uint64_t now, struct error *err)
{
	uint8_t *bytes;
	size_t size;
	FILE *f;
	bool ok;

	if (!image_compile(table, now, &bytes, &size, err))
		return false;
	f = fopen(path, "w");
	ok = f && fwrite(bytes, 1, size, f) == size;
	free(bytes);
	return f && fclose(f) == 0 && ok;
}

#endif
