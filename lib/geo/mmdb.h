/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEO_MMDB_H
#define GEO_MMDB_H

#include <stdbool.h>
#include <stdint.h>

#include <geoblock/geo.h>

/* A MaxMind DB as its tree and its countries: what read_mmdb() walks over. */

enum mmdb_kind { MMDB_NODE, MMDB_NOTHING, MMDB_DATA };

struct mmdb_record {
	enum mmdb_kind kind;
	uint32_t value; /* number of a node, or offset of data */
};

struct mmdb_shape {
	unsigned bits;      /* of an address: 32 or 128 */
	uint32_t nodes;     /* node 0 is the root */
	uint32_t ipv4_node; /* the one at ::/96; 0 where there is none */
	uint32_t date;      /* of its making, YYYYMMDD; 0 where unknown */
	const char *type;   /* "GeoLite2-Country" */
};

/* mmdb_probe - whether the file's end holds metadata that may be trusted to
 * libmaxminddb: to be asked before anything is done at length. */
bool mmdb_probe(int fd, const char *name, struct error *err);

/* mmdb_open_fd - probes, and opens.  fd is borrowed for the call; name is
 * for messages. */
bool mmdb_open_fd(struct mmdb **mmdb, int fd, const char *name,
		  struct error *err);
void mmdb_shape(const struct mmdb *mmdb, struct mmdb_shape *out);

/* mmdb_node - the two records of a node: for a bit of 0, and of 1. */
bool mmdb_node(const struct mmdb *mmdb, uint32_t node,
	       struct mmdb_record out[2], struct error *err);

/* mmdb_country - of the data at offset; COUNTRY_NONE where it names none. */
bool mmdb_country(struct mmdb *mmdb, uint32_t offset, country_t *out,
		  struct error *err);

#endif
