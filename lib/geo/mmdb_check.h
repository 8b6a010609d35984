/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEO_MMDB_CHECK_H
#define GEO_MMDB_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bounds for a MaxMind DB before libmaxminddb is let near it. */

struct mmdb_check {
	const uint8_t *data; /* the data section, or the metadata */
	uint32_t size;
	uint64_t budget; /* values that may still be looked at, in all */
};

/* mmdb_check_value - whether the value at offset, with all that it points
 * to, is whole, inside the section, nested no deeper than any real database
 * and within the budget, which it uses up. */
bool mmdb_check_value(struct mmdb_check *check, uint32_t offset);

/* mmdb_find_metadata - where in a file's last bytes its metadata begins; NULL
 * where there is no marker.  *size is what follows. */
#define MMDB_METADATA_MAX ((size_t)128 << 10) /* marker included */
const uint8_t *mmdb_find_metadata(const uint8_t *tail, size_t len,
				  uint32_t *size);

#endif
