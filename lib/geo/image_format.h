/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_GEO_IMAGE_FORMAT_H
#define LIB_GEO_IMAGE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/country.h>
#include <geoblock/geo.h>

/* The layout of an image; between what writes it (image_build.c) and what reads
 * it (image.c, image_check.c).
 *
 *      0 +-----------------------------+
 *        | header                      |  256 bytes, ends with its own CRC
 *    256 +-----------------------------+
 *        | CRC-32 of each block        |  u32[], zeros up to a multiple of 64;
 *        |                             |  its CRC is in the header
 *   data +-----------------------------+ -+
 *        | sources   struct geo_source |  |
 *        | IPv4      page              |  |
 *        |           index   u32       |  |
 *        |           start   u32       |  |  blocks of 4096 bytes from here on,
 *        |           country u16       |  |  the last one shorter
 *        |           origin  u16       |  |
 *        |           date    u32       |  |  each section begins at a multiple
 *        | IPv6      page              |  |  of 64, with zeros before it
 *        |           index   u32       |  |
 *        |           hi      u64       |  |
 *        |           lo      u64       |  |
 *        |           country u16       |  |
 *        |           origin  u16       |  |
 *        |           date    u32       |  |
 *        | IPv4      second  u16       |  |  none of it where there is no
 *        | IPv6      second  u16       |  |  second source
 *        | IPv4      kept    struct    |  |
 *        | IPv6      kept    struct    |  |
 *        +-----------------------------+ -+
 *
 * Every byte is under one of the CRCs.  No offset is stored: the counts in the
 * header give them all, so there is none to be wrong.  Numbers are in the byte
 * order of the machine, which the header tells: an image is made where it is
 * used, and a look-up should not have to turn them round.
 *
 * A family's address space is cut into segments without a gap: segment i is
 * [start[i], start[i + 1] - 1], start[0] is 0, and the last one ends with the
 * space.  What no record covers is a segment too, with origin IMAGE_GAP.
 *
 * `country` is what the first source says, `second` what the second one does; which
 * of them counts depends on the configuration, and is not stored.  Where the second
 * one's borders cut a record, all segments of it but the first have IMAGE_CUT in
 * their origin.  `kept` lists, in order, the segments that their registry's file does
 * not name any more.
 *
 * The index narrows a search.  Its key is the address (IPv4) or the upper half of
 * it (IPv6).  Pages of equal size cut the keys from `base` on, for IPv4 a single one
 * that is the whole space; each page is cut into slots of a size of its own, fewer or more as there are segments in it; and
 * index[slot] is the segment that holds the slot's first address.  The slots of
 * all pages follow one another, and one more entry ends them. */

#define IMAGE_MAGIC        "GEOBLKIM" /* 8 bytes, no NUL */
#define IMAGE_VERSION      2u
#define IMAGE_BYTE_ORDER   0x01020304u
#define IMAGE_BLOCK        4096u
#define IMAGE_ALIGN        64u        /* a cache line */
#define IMAGE_SEGMENTS_MAX (1u << 25) /* of a family */
#define IMAGE_PAGES_MAX    4096u
#define IMAGE_GAP          0xffffu
#define IMAGE_CUT          0x8000u /* in an origin, see below */

struct image_page {
	uint32_t first; /* slot */
	uint32_t shift; /* a slot is 1 << shift keys */
};

struct image_family {
	uint64_t base;
	uint32_t shift; /* a page is 1 << shift keys, 0-63 */
	uint32_t pages;
	uint32_t slots;    /* of all pages, at least 1 */
	uint32_t segments; /* at least 1 */
	uint32_t records;  /* segments that are no gap */
	uint32_t kept;     /* of them, those in no file any more */
};

struct image_kept {
	uint32_t segment;
	uint32_t since; /* YYYYMMDD of the first file without it */
};

struct image_header {
	char magic[8];
	uint32_t byte_order;
	uint32_t version;
	uint64_t file_bytes;
	uint64_t built; /* seconds since 1970 */
	struct image_family v4, v6;
	uint8_t digest[32];
	uint32_t sources;
	uint32_t second;     /* 1 + index of the second source; 0: none */
	uint32_t unused[28]; /* zeros */
	uint32_t table_crc;  /* of the table of CRCs and its padding */
	uint32_t header_crc; /* of all that is before it */
};

_Static_assert(sizeof(struct image_header) == 256, "the format has no holes");
_Static_assert(sizeof(struct geo_source) == 320 &&
		       offsetof(struct geo_source, path) == 64,
	       "sources are stored as they are in memory");

enum image_section {
	SECTION_SOURCES,
	SECTION_PAGE4,
	SECTION_INDEX4,
	SECTION_START4,
	SECTION_COUNTRY4,
	SECTION_ORIGIN4,
	SECTION_DATE4,
	SECTION_PAGE6,
	SECTION_INDEX6,
	SECTION_HI6,
	SECTION_LO6,
	SECTION_COUNTRY6,
	SECTION_ORIGIN6,
	SECTION_DATE6,
	SECTION_SECOND4,
	SECTION_SECOND6,
	SECTION_KEPT4,
	SECTION_KEPT6,
	SECTION_COUNT,
};

struct image_layout {
	uint64_t data; /* where the blocks begin */
	uint64_t blocks;
	uint64_t at[SECTION_COUNT]; /* from the beginning of the file */
	uint64_t bytes;             /* of the file */
};

/* image_layout - where everything is, from the counts of a header.
 * False where a count is beyond its bounds; any header may be given. */
bool image_layout(const struct image_header *header, struct image_layout *out);

/* Registry and status of a record, in one number. */
static inline uint16_t image_origin(const struct geo_record *r)
{
	return (uint16_t)(r->registry | r->status << 8);
}

static inline bool image_origin_valid(uint16_t origin)
{
	return (origin & 0xff) < REGISTRY_COUNT &&
	       (origin & ~IMAGE_CUT) >> 8 < STATUS_COUNT;
}

/* What country_index() may be asked about, or none. */
static inline bool image_country_valid(country_t cc)
{
	unsigned a = cc >> 8, b = cc & 0xff;

	return cc == COUNTRY_NONE ||
	       (a >= 'A' && a <= 'Z' &&
		((b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9')));
}

/* image_crc - the CRC-32 (zlib's) of one stretch of an image. */
uint32_t image_crc(const void *data, size_t bytes);

#endif
