// SPDX-License-Identifier: GPL-2.0-or-later
/* What is in order already is a run; a registry's file is one or a few.  All
 * runs are merged in one pass, by a heap of their heads: the run with the least
 * head gives all it has up to the next one's head, which for registries' blocks
 * is many at a time, so that five sorted files are merged hardly slower than
 * copied.  Never worse than n log n.
 *
 * The functions that take `size` and `less` are expanded into those for
 * either family, where both are constant. */
#include "sort.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

typedef bool less_fn(const void *a, const void *b);

void runs_clear(struct runs *runs)
{
	free(runs->heap);
	*runs = (struct runs){ 0 };
}

static bool add_run(struct runs *runs, const char *at, const char *end,
		    struct error *err)
{
	if (runs->count == runs->room) {
		size_t room = runs->room ? runs->room * 2 : 16;
		struct run *heap =
			reallocarray(runs->heap, room, sizeof(*heap));

		if (!heap)
			return error_set(err, ERROR_SYSTEM, ENOMEM,
					 "cannot sort");
		runs->heap = heap;
		runs->room = room;
	}
	runs->heap[runs->count++] = (struct run){ at, end };
	return true;
}

/* One past the last entry of the run that begins at `at`. */
INLINE const char *run_end(const char *at, const char *end, size_t size,
			   less_fn *less)
{
	for (at += size; at < end; at += size)
		if (less(at, at - size))
			break;
	return at;
}

INLINE bool find_runs(struct runs *runs, const void *v, size_t n, size_t size,
		      less_fn *less, struct error *err)
{
	const char *at = v, *end = at + n * size, *next;

	for (; at < end; at = next) {
		next = run_end(at, end, size, less);
		if (!add_run(runs, at, next, err))
			return false;
	}
	return true;
}

INLINE bool before(const struct run *a, const struct run *b, less_fn *less)
{
	return less(a->at, b->at);
}

INLINE void sift_down(struct run *heap, size_t count, size_t i, less_fn *less)
{
	struct run moved = heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < count &&
		    before(&heap[child + 1], &heap[child], less))
			child++;
		if (child >= count || !before(&heap[child], &moved, less))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = moved;
}

/* How far the first run goes until another one's turn comes. */
INLINE const char *stretch_end(const struct run *heap, size_t count,
			       size_t size, less_fn *less)
{
	struct run first = heap[0];
	const struct run *second = &heap[1];

	if (count == 1)
		return first.end;
	if (count > 2 && before(&heap[2], second, less))
		second = &heap[2];
	do
		first.at += size;
	while (first.at < first.end && before(&first, second, less));
	return first.at;
}

INLINE void merge(struct runs *runs, char *to, size_t size, less_fn *less)
{
	struct run *heap = runs->heap;
	size_t count = runs->count;

	for (size_t i = count / 2; i-- != 0;)
		sift_down(heap, count, i, less);
	while (count != 0) {
		const char *end = stretch_end(heap, count, size, less);
		size_t bytes = (size_t)(end - heap[0].at);

		memcpy(to, heap[0].at, bytes);
		to += bytes;
		heap[0].at = end;
		if (end == heap[0].end)
			heap[0] = heap[--count];
		sift_down(heap, count, 0, less);
	}
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

bool runs_add4(struct runs *runs, const struct geo_range4 *v, size_t n,
	       struct error *err)
{
	return n == 0 || find_runs(runs, v, n, sizeof(*v), less4, err);
}

bool runs_add6(struct runs *runs, const struct geo_range6 *v, size_t n,
	       struct error *err)
{
	return n == 0 || find_runs(runs, v, n, sizeof(*v), less6, err);
}

void runs_merge4(struct runs *runs, struct geo_range4 *to)
{
	merge(runs, (char *)to, sizeof(*to), less4);
}

void runs_merge6(struct runs *runs, struct geo_range6 *to)
{
	merge(runs, (char *)to, sizeof(*to), less6);
}
