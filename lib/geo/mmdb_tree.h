/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEO_MMDB_TREE_H
#define GEO_MMDB_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/image.h>

/* The tree of a MaxMind DB, before its data has a place. */

/* What a record is besides the number of a node. */
#define MMDB_EMPTY UINT32_MAX
#define MMDB_DATA  0x80000000u /* | country */

struct mmdb_node {
	uint32_t record[2];
};

struct mmdb_tree {
	struct mmdb_node *nodes; /* the first is the root */
	uint32_t node_count, node_room;
};

/* mmdb_tree_build - of the image's countries, or what `only` (may be NULL) leaves of
 * them.  Fails for lack of memory (ERROR_LIMIT).  mmdb_tree_clear() it in any case. */
bool mmdb_tree_build(struct mmdb_tree *tree, const struct image *image,
		     const struct iset *only, struct error *err);
void mmdb_tree_clear(struct mmdb_tree *tree);

#endif
