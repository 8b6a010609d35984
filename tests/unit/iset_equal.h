/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_ISET_EQUAL_H
#define TESTS_UNIT_ISET_EQUAL_H

#include <string.h>

#include <geoblock/iset.h>

/* Sets are canonical: equal ones have equal bytes. */
static inline bool iset_equal(const struct iset *a, const struct iset *b)
{
	return a->v4.count == b->v4.count && a->v6.count == b->v6.count &&
	       (a->v4.count == 0 ||
		memcmp(a->v4.r, b->v4.r, a->v4.count * sizeof(*a->v4.r)) ==
			0) &&
	       (a->v6.count == 0 ||
		memcmp(a->v6.r, b->v6.r, a->v6.count * sizeof(*a->v6.r)) == 0);
}

#endif
