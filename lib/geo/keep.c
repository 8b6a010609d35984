// SPDX-License-Identifier: GPL-2.0-or-later
/* A source whose file cannot be used keeps what the image at hand has of it:
 * the records with their status and date, and the source with its own date, so
 * that its age goes on being told.
 *
 * A second source's borders cut a registry's records in the image; neighbours
 * that say the same are put together again on the way out. */
#include <assert.h>

#include "image_private.h"
#include "table.h"

/* What of segment i is carried over; false: nothing. */
struct keep {
	struct geo_table *table;
	uint32_t source; /* index in the table */
	enum geo_registry registry;
	bool second; /* the second source's opinions, else a registry's records */
};

static bool keeps(const struct keep *k, const struct family *f, uint32_t i,
		  uint32_t *at, struct geo_record *out)
{
	if (k->second) {
		*out = (struct geo_record){ .country = f->second[i] };
		return f->second[i] != COUNTRY_NONE;
	}
	/* what was kept already was in no file */
	if (f->origin[i] == IMAGE_GAP || image_since(f, i, at))
		return false;
	*out = image_record(f, i);
	return out->registry == k->registry;
}

/* Whether segment i goes on where the one kept last ended. */
static bool goes_on(const struct keep *k, const struct family *f, uint32_t i)
{
	if (!k->second)
		return image_cut(f, i);
	return i > 0 && f->second[i] == f->second[i - 1];
}

static bool keep_family(const struct keep *k, const struct family *f,
			struct error *err)
{
	struct geo_table *t = k->table;
	bool v6 = !f->start;
	const size_t *count = v6 ? &t->count6 : &t->count4, base = *count;
	uint32_t at = 0;

	for (uint32_t i = 0; i < f->segments; i++) {
		struct geo_range6 r = { .source = k->source };
		struct range ends = image_extent(f, i);

		if (!keeps(k, f, i, &at, &r.record))
			continue;
		r.first = ends.first;
		r.last = ends.last;
		if (*count == base || !goes_on(k, f, i)) {
			if (!table_add(t, v6, &r, err))
				return false;
		} else if (v6) {
			t->v6[*count - 1].last = r.last;
		} else {
			t->v4[*count - 1].last = (uint32_t)r.last;
		}
	}
	return true;
}

static bool keep_all(const struct image *image, struct keep *k,
		     const struct geo_source *source, struct error *err)
{
	struct geo_table *table = k->table;
	size_t count4 = table->count4, count6 = table->count6;

	assert(image->trust == IMAGE_CHECK_ALL);
	if (table->source_count == table->source_room &&
	    !table_grow_sources(table, err))
		return false;
	k->source = (uint32_t)table->source_count;
	if (!keep_family(k, &image->v4, err) ||
	    !keep_family(k, &image->v6, err)) {
		table->count4 = count4;
		table->count6 = count6;
		return false;
	}
	table->sources[table->source_count++] = *source;
	table->finished = false;
	return true;
}

bool image_keep(const struct image *image, enum geo_registry registry,
		struct geo_table *table, struct error *err)
{
	struct keep k = { .table = table, .registry = registry };
	struct image_about about;

	image_about(image, &about);
	for (size_t i = 0; i < about.source_count; i++)
		if (about.sources[i].registry == registry)
			return keep_all(image, &k, &about.sources[i], err);
	return true;
}

bool image_keep_second(const struct image *image, struct geo_table *table,
		       struct error *err)
{
	struct keep k = { .table = table, .second = true };
	struct image_about about;

	image_about(image, &about);
	if (about.second && !keep_all(image, &k, about.second, err))
		return false;
	table->finished = true; /* segments are sorted and disjoint */
	return true;
}
