// SPDX-License-Identifier: GPL-2.0-or-later
/* A look-up in an image: image_format.h draws the file.
 *
 * It is a step through the index, which leaves a segment or a few, and a binary
 * search among those without a branch that has to be guessed.  IPv4 needs one page;
 * IPv6 delegations lie dense in some places and far apart elsewhere, which is what
 * pages are for.  They span the keys from almost the first to almost the last
 * segment, so that stray blocks (::1, fe80::/10) do not make them coarse: an address
 * outside is searched for among all segments.
 *
 * On real data a static search tree with nodes of a cache line took up to seven
 * times as long for IPv4 and 1.2 to 1.6 times for IPv6; a table of merged ranges for
 * the country alone was no faster, and would not have the records at hand. */
#include "image_private.h"

#include <assert.h>

/* Segments among which the one that holds an address is. */
struct span {
	uint32_t low, count; /* count is not 0 */
};

/* What is read from the file is bounded, here too: a block that is not verified,
 * or rots under the mapping, must not lead out of it. */
static inline struct span slot_span(const struct family *f, uint64_t slot)
{
	uint32_t low, high;

	if (slot >= f->slots)
		slot = f->slots - 1;
	low = f->index[slot];
	high = f->index[slot + 1];
	if (high >= f->segments)
		high = f->segments - 1;
	if (low > high)
		low = high;
	return (struct span){ .low = low, .count = high - low + 1 };
}

static inline struct span narrow6(const struct family *f, uint64_t key)
{
	/* below base this wraps, and is no page either */
	uint64_t at = key - f->base, page = at >> f->shift;
	uint64_t inside = at & ((UINT64_C(1) << f->shift) - 1);

	if (page >= f->pages)
		return (struct span){ .low = 0, .count = f->segments };
	return slot_span(f, f->page[page].first +
				    (inside >> (f->page[page].shift & 63)));
}

static inline uint32_t segment4(const struct family *f, uint32_t addr)
{
	struct span span =
		slot_span(f, (uint64_t)addr >> (f->page->shift & 63));
	const uint32_t *p = f->start + span.low;

	while (span.count > 1) {
		uint32_t half = span.count / 2;

		p += p[half] <= addr ? half : 0;
		span.count -= half;
	}
	return (uint32_t)(p - f->start);
}

/* The last segment of the span that begins at or before addr, where several
 * begin in its /64. */
static uint32_t search_lower(const struct family *f, struct span span,
			     addr6_t addr)
{
	while (span.count > 1) {
		uint32_t half = span.count / 2, i = span.low + half;

		if (ADDR6(f->hi[i], f->lo[i]) <= addr)
			span.low = i;
		span.count -= half;
	}
	return span.low;
}

static inline uint32_t segment6(const struct family *f, addr6_t addr)
{
	uint64_t key = ADDR6_HI(addr);
	struct span span = narrow6(f, key);
	const uint64_t *p = f->hi + span.low;

	if (span.count == 1) /* and *p need not be fetched */
		return span.low;
	for (uint32_t count = span.count; count > 1;) {
		uint32_t half = count / 2;

		p += p[half] <= key ? half : 0;
		count -= half;
	}
	if (__builtin_expect(*p != key, 1))
		return (uint32_t)(p - f->hi);
	return search_lower(f, span, addr);
}

country_t image_country4(const struct image *image, uint32_t addr)
{
	assert(image->trust == IMAGE_CHECK_ALL);
	return image->hot4.country[segment4(&image->hot4, addr)];
}

country_t image_country6(const struct image *image, addr6_t addr)
{
	assert(image->trust == IMAGE_CHECK_ALL);
	return image->hot6.country[segment6(&image->hot6, addr)];
}

static bool touch_segment(const struct image *image, const struct family *f,
			  uint32_t i)
{
	uint32_t next = i + 1 < f->segments ? 2 : 1;

	return (f->start ? image_touch(image, f->start + i, next * 4)
			 : image_touch(image, f->hi + i, next * 8) &&
				   image_touch(image, f->lo + i, next * 8)) &&
	       image_touch(image, f->first + i, 2) &&
	       (!f->second || image_touch(image, f->second + i, 2)) &&
	       image_touch(image, f->origin + i, 2) &&
	       image_touch(image, f->date + i, 4) &&
	       (f->kept_count == 0 ||
		image_touch(image, f->kept, f->kept_count * sizeof(*f->kept)));
}

/* The same of a segment anywhere, from a list of which nothing is sure. */
static uint32_t find_since(const struct family *f, uint32_t i)
{
	uint32_t low = 0, high = f->kept_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (f->kept[middle].segment < i)
			low = middle + 1;
		else
			high = middle;
	}
	return image_since(f, i, &low);
}

#define PIECES_MAX 65536 /* of a record that are looked at, each way */

/* All of the record that segment i is a piece of.  False where a block on the way
 * is damaged. */
static bool whole_record(const struct image *image, const struct family *f,
			 uint32_t i, struct range *out)
{
	uint32_t first = i, last = i;

	while (i - first < PIECES_MAX && first > 0 && image_cut(f, first))
		if (!touch_segment(image, f, --first))
			return false;
	while (last - i < PIECES_MAX && last + 1 < f->segments) {
		if (!touch_segment(image, f, last + 1))
			return false;
		if (!image_cut(f, last + 1))
			break;
		last++;
	}
	out->first = image_extent(f, first).first;
	out->last = image_extent(f, last).last;
	return true;
}

/* The way to the segment need not be sound, only the segment: the address lies
 * in it or does not. */
struct image_hit image_find(const struct image *image, const struct addr *addr)
{
	bool v4 = addr->family == 4;
	const struct family *f = v4 ? &image->v4 : &image->v6;
	uint32_t i = v4 ? segment4(f, (uint32_t)addr->value)
			: segment6(f, addr->value);
	struct image_hit hit = { .damaged = true };

	if (!touch_segment(image, f, i))
		return hit;
	hit.range = image_extent(f, i);
	hit.found = f->origin[i] != IMAGE_GAP;
	if (hit.found && f->second && !whole_record(image, f, i, &hit.range))
		return hit;
	if (hit.found) {
		hit.record = image_record(f, i);
		hit.first = hit.record.country;
		hit.second = f->second ? f->second[i] : COUNTRY_NONE;
		hit.since = find_since(f, i);
	}
	hit.damaged = addr->value < hit.range.first ||
		      addr->value > hit.range.last ||
		      !image_country_valid(hit.first) ||
		      !image_country_valid(hit.second) ||
		      (hit.found && !image_origin_valid(f->origin[i]));
	if (!hit.damaged)
		hit.record.country = agree_country(
			image->agree, &image->allowed, hit.first, hit.second);
	return hit;
}
