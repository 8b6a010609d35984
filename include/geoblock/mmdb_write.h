/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_MMDB_WRITE_H
#define GEOBLOCK_MMDB_WRITE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <geoblock/error.h>
#include <geoblock/image.h>
#include <geoblock/iset.h>

/* mmdb_write - countries of an image as a MaxMind DB (format 2.0,
 * https://maxmind.github.io/MaxMind-DB/), for programs that read such files.
 *
 * `only` limits it to these addresses; NULL: all that have a country.  A record is
 * {"country": {"iso_code": "US", "names": {"en": …}}}.  It is always an IPv6
 * tree, with IPv4 in ::/96 and once more, without taking more room, in
 * ::ffff:0:0/96, where an IPv6 socket shows IPv4 peers; what the image has for
 * IPv6 in these two is left out.
 *
 * record_bits is 24, 28 or 32, or 0 for the least that does; too small a size is
 * ERROR_LIMIT.  The same image gives the same bytes.  The image has to be opened
 * with IMAGE_CHECK_ALL.  Errors of `out` are ERROR_SYSTEM; it is not flushed. */
bool mmdb_write(const struct image *image, const struct iset *only,
		unsigned record_bits, FILE *out, struct error *err);

#endif
