/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEO_SORT_H
#define GEO_SORT_H

#include <stdbool.h>
#include <stddef.h>

#include <geoblock/error.h>
#include <geoblock/geo.h>

/* Entries of any number of arrays, merged into one that is sorted by first
 * address. */

struct run {
	const char *at, *end; /* entries in order */
};

struct runs {
	struct run *heap;
	size_t count, room;
};

/* runs_add4, runs_add6 - the runs of an array, which is borrowed until the
 * merge; a count of one after the first array means that it is sorted.  Fail
 * for lack of memory. */
bool runs_add4(struct runs *runs, const struct geo_range4 *v, size_t n,
	       struct error *err);
bool runs_add6(struct runs *runs, const struct geo_range6 *v, size_t n,
	       struct error *err);

/* runs_merge4, runs_merge6 - into an array with room for all. */
void runs_merge4(struct runs *runs, struct geo_range4 *to);
void runs_merge6(struct runs *runs, struct geo_range6 *to);

void runs_clear(struct runs *runs);

#endif
