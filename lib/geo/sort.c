// SPDX-License-Identifier: GPL-2.0-or-later
/* Natural merge sort: what is in order already is a run, and runs are merged by
 * pairs until one is left.  A registry's file is one run or a few, five files
 * sorted by themselves are five: so it takes three passes where a sort that
 * knows nothing of its input takes seventeen.  It is stable, and never worse
 * than n log n.
 *
 * The functions that take size and less() are expanded into sort4() and
 * sort6(), where both are constant. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define INLINE static inline __attribute__((always_inline))

typedef bool less_fn(const void *a, const void *b);

/* One past the last entry of the run that begins at i. */
INLINE size_t run_end(const char *v, size_t i, size_t n, size_t size,
		      less_fn *less)
{
	for (i++; i < n; i++)
		if (less(v + i * size, v + (i - 1) * size))
			break;
	return i < n ? i : n;
}

INLINE void merge(const char *a, const char *a_end, const char *b,
		  const char *b_end, char *to, size_t size, less_fn *less)
{
	while (a < a_end && b < b_end) {
		/* the first of equals is the one of the earlier run */
		const char **from = less(b, a) ? &b : &a;

		memcpy(to, *from, size);
		*from += size;
		to += size;
	}
	memcpy(to, a, (size_t)(a_end - a));
	to += a_end - a;
	memcpy(to, b, (size_t)(b_end - b));
}

/* Merges runs by pairs; gives how many are left. */
INLINE size_t merge_pass(const char *from, char *to, size_t n, size_t size,
			 less_fn *less)
{
	size_t runs = 0;

	for (size_t i = 0, j, k; i < n; i = k) {
		j = run_end(from, i, n, size, less);
		k = j < n ? run_end(from, j, n, size, less) : n;
		merge(from + i * size, from + j * size, from + j * size,
		      from + k * size, to + i * size, size, less);
		runs++;
	}
	return runs;
}

INLINE bool sort(void *v, size_t n, size_t size, less_fn *less,
		 struct error *err)
{
	char *a = v, *b;
	size_t runs;

	if (n < 2 || run_end(v, 0, n, size, less) == n)
		return true;
	b = reallocarray(NULL, n, size);
	if (!b)
		return error_set(err, ERROR_SYSTEM, ENOMEM,
				 "cannot sort %zu ranges", n);
	do {
		char *swap = a;

		runs = merge_pass(a, b, n, size, less);
		a = b;
		b = swap;
	} while (runs > 1);
	if (a != v) {
		memcpy(v, a, n * size);
		b = a;
	}
	free(b);
	return true;
}

static bool less4(const void *a, const void *b)
{
	return ((const struct geo_range4 *)a)->first <
	       ((const struct geo_range4 *)b)->first;
}

static bool less6(const void *a, const void *b)
{
	return ((const struct geo_range6 *)a)->first <
	       ((const struct geo_range6 *)b)->first;
}

bool sort4(struct geo_range4 *v, size_t n, struct error *err)
{
	return sort(v, n, sizeof(*v), less4, err);
}

bool sort6(struct geo_range6 *v, size_t n, struct error *err)
{
	return sort(v, n, sizeof(*v), less6, err);
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
