// SPDX-License-Identifier: GPL-2.0-or-later
/* What an image has to be before anything is believed.
 *
 * Checksums find what a disk or a cut-off copy did.  They prove nothing about
 * who wrote the file, so what the checks of the content let through is enough
 * by itself to keep every access in bounds; and the look-up bounds what it
 * reads from the file once more, for images of which only the touched blocks
 * are checked. */
#include "image_private.h"

#include <inttypes.h>
#include <string.h>

static bool damaged(struct error *err, const char *what)
{
	return error_set(err, ERROR_MALFORMED, 0, "damaged: %s", what);
}

static bool all_zeros(const uint32_t *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (words[i])
			return false;
	return true;
}

/* In an order in which each message is the right one: a file of the next
 * version must not be called damaged. */
bool image_check_header(const struct image_header *h, size_t bytes,
			struct image_layout *layout, struct error *err)
{
	const uint8_t *map = (const uint8_t *)h;

	if (bytes < sizeof(*h) ||
	    memcmp(h->magic, IMAGE_MAGIC, sizeof(h->magic)) != 0)
		return error_set(err, ERROR_MALFORMED, 0,
				 "not a geoblock image");
	if (h->byte_order != IMAGE_BYTE_ORDER)
		return error_set(err, ERROR_MALFORMED, 0,
				 "made on a machine of another byte order: "
				 "make it anew with geoblock-sync");
	if (h->version != IMAGE_VERSION)
		return error_set(err, ERROR_MALFORMED, 0,
				 "image version %" PRIu32 ", but this program "
				 "reads version %u: make it anew with "
				 "geoblock-sync",
				 h->version, IMAGE_VERSION);
	if (image_crc(h, offsetof(struct image_header, header_crc)) !=
	    h->header_crc)
		return damaged(err, "wrong checksum of the header");
	if (h->file_bytes != bytes)
		return error_set(err, ERROR_MALFORMED, 0,
				 "damaged: %zu bytes, but the header says "
				 "%" PRIu64,
				 bytes, h->file_bytes);
	if (!image_layout(h, layout) || layout->bytes != bytes ||
	    !all_zeros(h->unused, sizeof(h->unused) / sizeof(*h->unused)))
		return damaged(err, "the header contradicts itself");
	if (image_crc(map + sizeof(*h), layout->data - sizeof(*h)) !=
	    h->table_crc)
		return damaged(err, "wrong checksum of the block table");
	return true;
}

bool image_check_sources(const struct image *image, struct error *err)
{
	size_t count = image->header->sources;

	if (count > 0 && !image_touch(image, image->sources,
				      count * sizeof(*image->sources)))
		return damaged(err, "wrong checksum of the sources");
	for (size_t i = 0; i < count; i++) {
		const struct geo_source *s = &image->sources[i];

		if (s->kind > GEO_MMDB || s->registry >= REGISTRY_COUNT ||
		    !image_country_valid(s->country) ||
		    !memchr(s->path, '\0', sizeof(s->path)))
			return damaged(err, "a source that cannot be");
	}
	return true;
}

static bool starts_ascend(const struct family *f)
{
	if (f->start) {
		for (uint32_t i = 1; i < f->segments; i++)
			if (f->start[i] <= f->start[i - 1])
				return false;
		return f->start[0] == 0;
	}
	for (uint32_t i = 1; i < f->segments; i++)
		if (ADDR6(f->hi[i], f->lo[i]) <=
		    ADDR6(f->hi[i - 1], f->lo[i - 1]))
			return false;
	return f->hi[0] == 0 && f->lo[0] == 0;
}

/* Start of segment i in units of the index' keys, and of their fractions. */
static addr6_t start_key(const struct family *f, uint32_t i)
{
	return f->start ? ADDR6(f->start[i], 0) : ADDR6(f->hi[i], f->lo[i]);
}

/* Whether index[slot] is the segment that holds the address at `key`, which may be
 * the end of the space. */
static bool slot_holds(const struct family *f, uint64_t slot, addr6_t key)
{
	uint32_t i = f->index[slot];

	if (key > UINT64_MAX)
		return i == f->segments - 1;
	return i < f->segments && start_key(f, i) <= key << 64 &&
	       (i + 1 == f->segments || start_key(f, i + 1) > key << 64);
}

static bool index_holds(const struct family *f)
{
	uint64_t slot = 0;

	for (uint32_t p = 0; p < f->pages; p++) {
		addr6_t key = f->base + ((addr6_t)p << f->shift);
		addr6_t end = key + ((addr6_t)1 << f->shift);
		uint32_t shift = f->page[p].shift;

		if (f->page[p].first != slot || shift > f->shift)
			return false;
		for (; key < end; key += (addr6_t)1 << shift, slot++)
			if (slot >= f->slots || !slot_holds(f, slot, key))
				return false;
	}
	return slot == f->slots &&
	       slot_holds(f, slot, f->base + ((addr6_t)f->pages << f->shift));
}

static bool kept_valid(const struct family *f)
{
	for (uint32_t i = 0; i < f->kept_count; i++) {
		uint32_t segment = f->kept[i].segment;

		if (segment >= f->segments || f->origin[segment] == IMAGE_GAP ||
		    f->kept[i].since == 0 ||
		    (i > 0 && segment <= f->kept[i - 1].segment))
			return false;
	}
	return true;
}

static bool cut_valid(const struct family *f, uint32_t i)
{
	return !image_cut(f, i) ||
	       (i > 0 && f->second && f->first[i] == f->first[i - 1] &&
		f->date[i] == f->date[i - 1] &&
		(f->origin[i - 1] | IMAGE_CUT) == f->origin[i]);
}

static bool values_valid(const struct family *f)
{
	uint32_t records = 0;

	for (uint32_t i = 0; i < f->segments; i++) {
		if (!image_country_valid(f->country[i]) ||
		    (f->second && !image_country_valid(f->second[i])))
			return false;
		if (f->origin[i] != IMAGE_GAP) {
			if (!image_origin_valid(f->origin[i]) ||
			    !cut_valid(f, i))
				return false;
			records++;
		} else if (f->country[i] != COUNTRY_NONE || f->date[i] != 0 ||
			   (f->second && f->second[i] != COUNTRY_NONE)) {
			return false;
		}
	}
	return records == f->records && kept_valid(f);
}

bool image_check_content(const struct image *image, struct error *err)
{
	const struct family *families[] = { &image->v4, &image->v6 };

	if (!image_touch(image, image->data,
			 image->bytes - (size_t)(image->data - image->map)))
		return damaged(err, "wrong checksum of a block");
	for (int i = 0; i < 2; i++) {
		const char *wrong = !starts_ascend(families[i])  ? "order"
				    : !index_holds(families[i])  ? "index"
				    : !values_valid(families[i]) ? "record"
								 : NULL;

		if (wrong)
			return error_set(err, ERROR_MALFORMED, 0,
					 "damaged: wrong %s in the IPv%d "
					 "segments",
					 wrong, i == 0 ? 4 : 6);
	}
	return true;
}
