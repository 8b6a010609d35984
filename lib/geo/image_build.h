/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_GEO_IMAGE_BUILD_H
#define LIB_GEO_IMAGE_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/error.h>
#include <geoblock/geo.h>

/* image_compile - a finished table as the bytes of an image, from malloc().
 * ERROR_LIMIT where the table is too large for an image, or memory too small.
 */
bool image_compile(const struct geo_table *table, uint64_t now, uint8_t **bytes,
		   size_t *size, struct error *err);

/* image_seal - make the checksums and the sizes of an image right again,
 * whatever is in it: the end of image_compile(), and the beginning of each test
 * that asks what a hostile file with right checksums can do.  False where the
 * counts of the header do not fit `size`. */
bool image_seal(uint8_t *bytes, size_t size);

/* image_digest - the digest of a compiled image; belongs to it. */
const uint8_t *image_digest(const uint8_t *bytes);

#endif
