/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEO_TABLE_H
#define GEO_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include <geoblock/error.h>
#include <geoblock/geo.h>

/* What the readers do to a geo_table. */

/* Room for one more; false (ERROR_SYSTEM, ENOMEM) leaves the table as it was.
 */
bool table_grow4(struct geo_table *table, struct error *err);
bool table_grow6(struct geo_table *table, struct error *err);
bool table_grow_sources(struct geo_table *table, struct error *err);

static inline bool table_add4(struct geo_table *table,
			      const struct geo_range4 *range, struct error *err)
{
	if (table->count4 == table->room4 && !table_grow4(table, err))
		return false;
	table->v4[table->count4++] = *range;
	return true;
}

static inline bool table_add6(struct geo_table *table,
			      const struct geo_range6 *range, struct error *err)
{
	if (table->count6 == table->room6 && !table_grow6(table, err))
		return false;
	table->v6[table->count6++] = *range;
	return true;
}

/* An entry of either family as wide as IPv6's, and back. */
static inline struct geo_range6 table_widen(const struct geo_range4 *r)
{
	return (struct geo_range6){ r->first, r->last, r->record, r->line,
				    r->source };
}

static inline struct geo_range4 table_narrow(const struct geo_range6 *r)
{
	return (struct geo_range4){ (uint32_t)r->first, (uint32_t)r->last,
				    r->record, r->line, r->source };
}

static inline struct geo_range6 table_entry(const struct geo_table *table,
					    bool v6, size_t i)
{
	return v6 ? table->v6[i] : table_widen(&table->v4[i]);
}

static inline bool table_add(struct geo_table *table, bool v6,
			     const struct geo_range6 *range, struct error *err)
{
	struct geo_range4 narrow = table_narrow(range);

	return v6 ? table_add6(table, range, err)
		  : table_add4(table, &narrow, err);
}

/* table_alloc4, table_alloc6 - room for n; *v is NULL after an error. */
bool table_alloc4(struct geo_range4 **v, size_t n, struct error *err);
bool table_alloc6(struct geo_range6 **v, size_t n, struct error *err);

/* table_reserve - an empty table gets the room that text of that many bytes
 * most likely needs; it still grows. */
bool table_reserve(struct geo_table *table, uint64_t bytes, struct error *err);

/* table_sort - put the entries from base4 and base6 on in order; one look at
 * each where they are already. */
bool table_sort(struct geo_table *table, size_t base4, size_t base6,
		struct error *err);

/* overlap4, overlap6 - the first entry of sorted ones that begins before the
 * one before it has ended; n if there is none. */
size_t overlap4(const struct geo_range4 *v, size_t n);
size_t overlap6(const struct geo_range6 *v, size_t n);

#endif
