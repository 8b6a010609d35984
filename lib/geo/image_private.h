/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_GEO_IMAGE_PRIVATE_H
#define LIB_GEO_IMAGE_PRIVATE_H

#include <geoblock/image.h>

#include "image_format.h"

/* A family's sections, in the mapping. */
struct family {
	uint64_t base;
	uint32_t shift, pages, slots, segments, records;
	const struct image_page *page;
	const uint32_t *index;
	const uint32_t *start;          /* IPv4 */
	const uint64_t *hi, *lo;        /* IPv6 */
	const uint16_t *country;        /* the one that counts: image_agree() */
	const uint16_t *first, *second; /* opinions; second may be NULL */
	const uint16_t *origin;
	const uint32_t *date;
	const struct image_kept *kept;
	uint32_t kept_count;
};

struct image {
	struct family v4, v6;
	enum image_trust trust;
	const uint8_t *map;
	size_t bytes;
	bool in_memory;      /* map is from malloc(), not from mmap() */
	const uint8_t *data; /* in the mapping; blocks begin here */
	const uint32_t *table;
	uint64_t blocks;
	uint8_t *verified; /* a flag for each block; NULL: all of them are */
	const struct image_header *header;
	const struct geo_source *sources;
	enum agree agree;
	struct country_set allowed;
	uint16_t *agreed4, *agreed6; /* family.country, where it is not first */
	/* what image_country4 and _country6 ask: v4 and v6, or where there are
	 * two sources the families of `merged`, an image of countries only */
	struct family hot4, hot6;
	struct image *merged;
};

/* image_extent - the ends of segment i. */
static inline struct range image_extent(const struct family *f, uint32_t i)
{
	struct range r = { .family = f->start ? 4 : 6 };
	bool top = i + 1 == f->segments;

	if (f->start) {
		r.first = f->start[i];
		r.last = top ? ADDR4_MAX : f->start[i + 1] - 1;
	} else {
		r.first = ADDR6(f->hi[i], f->lo[i]);
		r.last =
			top ? ADDR6_MAX : ADDR6(f->hi[i + 1], f->lo[i + 1]) - 1;
	}
	return r;
}

/* image_since - since when segment i is kept, 0 where it is not; *at, the caller's
 * place in the list, begins as 0 and only serves ascending i. */
static inline uint32_t image_since(const struct family *f, uint32_t i,
				   uint32_t *at)
{
	while (*at < f->kept_count && f->kept[*at].segment < i)
		(*at)++;
	return *at < f->kept_count && f->kept[*at].segment == i
		       ? f->kept[*at].since
		       : 0;
}

/* Whether segment i is of the same record as the one before. */
static inline bool image_cut(const struct family *f, uint32_t i)
{
	return f->origin[i] != IMAGE_GAP && (f->origin[i] & IMAGE_CUT);
}

/* Registry, status and date of segment i, with the first source's country. */
static inline struct geo_record image_record(const struct family *f, uint32_t i)
{
	return (struct geo_record){ .country = f->first[i],
				    .registry = (uint8_t)f->origin[i],
				    .status =
					    (uint8_t)(f->origin[i] >> 8 & 0x7f),
				    .date = f->date[i] };
}

/* image_touch - whether the blocks under [p, p + bytes) are sound: reads those
 * that were not read before.  bytes is not 0. */
bool image_touch(const struct image *image, const void *p, size_t bytes);

/* image_check_header, _sources, _content - what image_open() demands, each
 * naming what is wrong (ERROR_MALFORMED). _header is given the mapping's first
 * bytes; the others need what comes before them to hold. _content is for
 * IMAGE_CHECK_ALL: the order of the segments, the index, every value. */
bool image_check_header(const struct image_header *header, size_t bytes,
			struct image_layout *layout, struct error *err);
bool image_check_sources(const struct image *image, struct error *err);
bool image_check_content(const struct image *image, struct error *err);

#endif
