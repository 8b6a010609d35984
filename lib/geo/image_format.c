// SPDX-License-Identifier: GPL-2.0-or-later
/* Where the sections of an image are.  Counts are bounded first, so that no sum
 * below can come near 2^64. */
#include "image_format.h"

#include <zlib.h>

static uint64_t aligned(uint64_t bytes)
{
	return (bytes + IMAGE_ALIGN - 1) & ~(uint64_t)(IMAGE_ALIGN - 1);
}

static bool family_valid(const struct image_family *f)
{
	return f->segments >= 1 && f->segments <= IMAGE_SEGMENTS_MAX &&
	       f->records <= f->segments && f->pages <= IMAGE_PAGES_MAX &&
	       f->slots >= 1 && f->slots <= f->segments + f->pages &&
	       f->shift <= 63 && f->kept <= f->records;
}

bool image_layout(const struct image_header *h, struct image_layout *out)
{
	const struct image_family *v4 = &h->v4, *v6 = &h->v6;
	uint64_t used = 0, sections[SECTION_COUNT];

	if (h->sources > GEO_SOURCES_MAX || h->second > h->sources ||
	    !family_valid(v4) || !family_valid(v6))
		return false;
	/* IPv4 has one page, as large as the space */
	if (v4->base != 0 || v4->shift != 32 || v4->pages != 1)
		return false;
	sections[SECTION_SOURCES] = h->sources * sizeof(struct geo_source);
	sections[SECTION_PAGE4] = v4->pages * sizeof(struct image_page);
	sections[SECTION_INDEX4] = (v4->slots + 1ull) * sizeof(uint32_t);
	sections[SECTION_START4] = v4->segments * sizeof(uint32_t);
	sections[SECTION_COUNTRY4] = v4->segments * sizeof(uint16_t);
	sections[SECTION_ORIGIN4] = v4->segments * sizeof(uint16_t);
	sections[SECTION_DATE4] = v4->segments * sizeof(uint32_t);
	sections[SECTION_PAGE6] = v6->pages * sizeof(struct image_page);
	sections[SECTION_INDEX6] = (v6->slots + 1ull) * sizeof(uint32_t);
	sections[SECTION_HI6] = v6->segments * sizeof(uint64_t);
	sections[SECTION_LO6] = v6->segments * sizeof(uint64_t);
	sections[SECTION_COUNTRY6] = v6->segments * sizeof(uint16_t);
	sections[SECTION_ORIGIN6] = v6->segments * sizeof(uint16_t);
	sections[SECTION_DATE6] = v6->segments * sizeof(uint32_t);
	sections[SECTION_SECOND4] =
		h->second ? v4->segments * sizeof(uint16_t) : 0;
	sections[SECTION_SECOND6] =
		h->second ? v6->segments * sizeof(uint16_t) : 0;
	sections[SECTION_KEPT4] = v4->kept * sizeof(struct image_kept);
	sections[SECTION_KEPT6] = v6->kept * sizeof(struct image_kept);
	for (int i = 0; i < SECTION_COUNT; i++) {
		out->at[i] = sections[i] ? aligned(used) : used;
		used = out->at[i] + sections[i];
	}
	out->blocks = (used + IMAGE_BLOCK - 1) / IMAGE_BLOCK;
	out->data = aligned(sizeof(*h) + out->blocks * sizeof(uint32_t));
	out->bytes = out->data + used;
	for (int i = 0; i < SECTION_COUNT; i++)
		out->at[i] += out->data;
	return true;
}

uint32_t image_crc(const void *data, size_t bytes)
{
	return (uint32_t)crc32_z(0, data, bytes);
}
