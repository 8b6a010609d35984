// SPDX-License-Identifier: GPL-2.0-or-later
/* The arrays grow by doubling, so that appending costs the same however many
 * there are, up to GEO_RANGES_MAX: a file within GEO_FILE_MAX could otherwise
 * fill gigabytes ("::1" and a line feed become 48 bytes). */
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sort.h"

static bool no_room(size_t n, struct error *err)
{
	if (n > GEO_RANGES_MAX)
		return error_set(err, ERROR_LIMIT, 0,
				 "more than %u ranges of one family",
				 GEO_RANGES_MAX);
	return error_set(err, ERROR_SYSTEM, ENOMEM, "no room for %zu ranges",
			 n);
}

/* Twice the room, or `least`; *room and *v change only on success. */
static bool grow(void **v, size_t *room, size_t least, size_t size,
		 struct error *err)
{
	size_t more = *room ? *room * 2 : least;
	void *bigger;

	if (*room >= GEO_RANGES_MAX)
		return no_room(*room + 1, err);
	if (more > GEO_RANGES_MAX)
		more = GEO_RANGES_MAX;
	bigger = reallocarray(*v, more, size);
	if (!bigger)
		return no_room(more, err);
	*v = bigger;
	*room = more;
	return true;
}

bool table_grow4(struct geo_table *table, struct error *err)
{
	void *v = table->v4;
	bool ok = grow(&v, &table->room4, 256, sizeof(*table->v4), err);

	table->v4 = v;
	return ok;
}

bool table_grow6(struct geo_table *table, struct error *err)
{
	void *v = table->v6;
	bool ok = grow(&v, &table->room6, 256, sizeof(*table->v6), err);

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

/* Big blocks on huge pages: handing out ten megabytes page by page takes the
 * kernel as long as it takes us to fill them. */
static void *alloc(size_t n, size_t size, struct error *err)
{
	size_t bytes = (n + (n == 0)) * size, huge = (size_t)2 << 20;
	void *block;

	if (n > GEO_RANGES_MAX) {
		no_room(n, err);
		return NULL;
	}
	if (bytes < huge / 2) {
		block = malloc(bytes);
	} else {
		bytes = (bytes + huge - 1) & ~(huge - 1);
		block = aligned_alloc(huge, bytes);
		if (block) /* a hint: no matter whether it is taken */
			(void)madvise(block, bytes, MADV_HUGEPAGE);
	}
	if (!block)
		no_room(n, err);
	return block;
}

bool table_alloc4(struct geo_range4 **v, size_t n, struct error *err)
{
	*v = alloc(n, sizeof(**v), err);
	return *v != NULL;
}

bool table_alloc6(struct geo_range6 **v, size_t n, struct error *err)
{
	*v = alloc(n, sizeof(**v), err);
	return *v != NULL;
}

bool table_reserve(struct geo_table *table, uint64_t bytes, struct error *err)
{
	size_t n4 = (size_t)(bytes / 64), n6 = (size_t)(bytes / 128);

	if (table->v4 || table->v6 || n4 > GEO_RANGES_MAX)
		return true;
	if (!table_alloc4(&table->v4, n4, err) ||
	    !table_alloc6(&table->v6, n6, err))
		return false;
	table->room4 = n4;
	table->room6 = n6;
	return true;
}

static bool sort4(struct geo_table *t, size_t base, struct error *err)
{
	size_t n = t->count4 - base;
	struct runs runs = { 0 };
	struct geo_range4 *sorted = NULL;
	bool ok = n == 0 || runs_add4(&runs, t->v4 + base, n, err);

	if (ok && runs.count > 1)
		ok = table_alloc4(&sorted, n, err);
	if (sorted) {
		runs_merge4(&runs, sorted);
		if (base == 0) {
			free(t->v4);
			t->v4 = sorted;
			t->room4 = n;
		} else {
			memcpy(t->v4 + base, sorted, n * sizeof(*sorted));
			free(sorted);
		}
	}
	runs_clear(&runs);
	return ok;
}

static bool sort6(struct geo_table *t, size_t base, struct error *err)
{
	size_t n = t->count6 - base;
	struct runs runs = { 0 };
	struct geo_range6 *sorted = NULL;
	bool ok = n == 0 || runs_add6(&runs, t->v6 + base, n, err);

	if (ok && runs.count > 1)
		ok = table_alloc6(&sorted, n, err);
	if (sorted) {
		runs_merge6(&runs, sorted);
		if (base == 0) {
			free(t->v6);
			t->v6 = sorted;
			t->room6 = n;
		} else {
			memcpy(t->v6 + base, sorted, n * sizeof(*sorted));
			free(sorted);
		}
	}
	runs_clear(&runs);
	return ok;
}

bool table_sort(struct geo_table *table, size_t base4, size_t base6,
		struct error *err)
{
	return sort4(table, base4, err) && sort6(table, base6, err);
}

size_t overlap4(const struct geo_range4 *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (v[i].first <= v[i - 1].last)
			return i;
	return n;
}

size_t overlap6(const struct geo_range6 *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (v[i].first <= v[i - 1].last)
			return i;
	return n;
}

void geo_table_drop(struct geo_table *table, size_t source)
{
	size_t kept = 0;

	for (size_t i = 0; i < table->count4; i++)
		if (table->v4[i].source != source) {
			table->v4[kept] = table->v4[i];
			table->v4[kept++].source -=
				table->v4[i].source > source;
		}
	table->count4 = kept;
	kept = 0;
	for (size_t i = 0; i < table->count6; i++)
		if (table->v6[i].source != source) {
			table->v6[kept] = table->v6[i];
			table->v6[kept++].source -=
				table->v6[i].source > source;
		}
	table->count6 = kept;
	table->source_count--;
	memmove(&table->sources[source], &table->sources[source + 1],
		(table->source_count - source) * sizeof(*table->sources));
}

void geo_table_clear(struct geo_table *table)
{
	free(table->v4);
	free(table->v6);
	free(table->second4);
	free(table->second6);
	free(table->since4);
	free(table->since6);
	free(table->sources);
	memset(table, 0, sizeof(*table));
}
