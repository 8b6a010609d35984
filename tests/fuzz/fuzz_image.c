// SPDX-License-Identifier: GPL-2.0-or-later
/* An image from a hostile hand, as it comes and with its checksums and sizes made
 * right: whatever is in it, no look-up leads out of the mapping, and what a full
 * check let through answers like the plain list of its records. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <geoblock/image.h>

#include "lib/geo/image_build.h"
#include "lib/geo/image_format.h"

#define SEALED_MAX (1u << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input, under a name that image_open() can be given. */
static char *as_file(const uint8_t *data, size_t size, char path[64])
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("image", 0);
	if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return path;
}

static void look_up(const struct image *image, const uint8_t *data, size_t size)
{
	/* the input's own numbers are where its segments are */
	for (size_t i = 0; i + 8 <= size && i < 2048; i += 4) {
		uint64_t value;
		struct addr v4 = { .family = 4 }, v6 = { .family = 6 };
		struct image_hit hit;

		memcpy(&value, data + i, sizeof(value));
		v4.value = (uint32_t)value;
		v6.value = ADDR6(value, i % 8 ? 0 : ~value);
		hit = image_find(image, &v4);
		assert(hit.damaged || (hit.range.first <= v4.value &&
				       v4.value <= hit.range.last));
		hit = image_find(image, &v6);
		assert(hit.damaged || (hit.range.first <= v6.value &&
				       v6.value <= hit.range.last));
	}
}

static country_t country_of(const struct image *image, int family, addr6_t addr)
{
	return family == 4 ? image_country4(image, (uint32_t)addr)
			   : image_country6(image, addr);
}

static bool visit(void *ctx, const struct range *range,
		  const struct geo_record *record)
{
	assert(country_of(ctx, range->family, range->first) == record->country);
	assert(country_of(ctx, range->family, range->last) == record->country);
	return true;
}

static void use_all(struct image *image)
{
	static uint64_t v4[COUNTRY_INDEXES], v6[COUNTRY_INDEXES];
	struct country_set all = { 0 };
	struct iset set = { 0 };

	country_set_fill(&all);
	assert(image_each(image, visit, image));
	image_addresses(image, v4, v6);
	if (image_ranges(image, &all, &set, NULL))
		for (size_t i = 1; i < set.v4.count; i++)
			assert(set.v4.r[i - 1].last < set.v4.r[i].first - 1);
	iset_clear(&set);
}

static bool visit_dispute(void *ctx, const struct image_dispute *d)
{
	struct addr first = { d->range.family, d->range.first };

	assert(d->first != d->second);
	assert(image_find(ctx, &first).record.country == d->country);
	return true;
}

/* What the next update makes of it. */
static void use_next(const struct image *image)
{
	struct geo_table table = { 0 }, second = { 0 };
	struct image_graced graced;
	struct image *next;
	struct error err;

	for (enum geo_registry r = REGISTRY_NONE + 1; r < REGISTRY_COUNT; r++)
		assert(image_keep(image, r, &table, &err));
	assert(image_keep_second(image, &second, &err));
	assert(geo_table_finish(&table, image_first, (void *)(uintptr_t)image,
				NULL, &err));
	assert(image_grace(image, &table, 3, &graced, &err));
	assert(geo_table_second(&table, &second, &err));
	assert(image_make(&next, &table, 1, &err));
	image_close(next);
	geo_table_clear(&second);
	geo_table_clear(&table);
}

static void use_opinions(struct image *image)
{
	struct country_set us = { 0 };

	country_set_add(&us, COUNTRY('U', 'S'));
	for (enum agree g = AGREE_FIRST; g < AGREE_COUNT; g++) {
		assert(image_agree(image, g, &us, NULL));
		use_all(image);
		assert(image_each_dispute(image, visit_dispute, image));
	}
}

static void use(const uint8_t *data, size_t size)
{
	struct image_about about;
	struct image *image;
	struct error err;
	char path[64];

	as_file(data, size, path);
	if (image_open(&image, path, IMAGE_CHECK_TOUCHED, &err)) {
		image_about(image, &about);
		for (size_t i = 0; i < about.source_count; i++)
			assert(strlen(about.sources[i].path) < GEO_PATH_MAX);
		look_up(image, data, size);
		image_close(image);
	}
	if (image_open(&image, path, IMAGE_CHECK_ALL, &err)) {
		look_up(image, data, size);
		use_opinions(image);
		use_next(image);
		image_close(image);
	}
}

/* The input's counts and contents, in a file that passes for an image. */
static void use_sealed(const uint8_t *data, size_t size)
{
	struct image_header h;
	struct image_layout l;
	uint8_t *bytes;

	if (size < sizeof(h))
		return;
	memcpy(&h, data, sizeof(h));
	memcpy(h.magic, IMAGE_MAGIC, sizeof(h.magic));
	h.byte_order = IMAGE_BYTE_ORDER;
	h.version = IMAGE_VERSION;
	memset(h.unused, 0, sizeof(h.unused));
	h.v4.base = 0;
	h.v4.shift = 32;
	h.v4.pages = 1;
	if (!image_layout(&h, &l) || l.bytes > SEALED_MAX)
		return;
	bytes = calloc(1, l.bytes);
	assert(bytes);
	memcpy(bytes, data, size < l.bytes ? size : l.bytes);
	memcpy(bytes, &h, sizeof(h));
	assert(image_seal(bytes, l.bytes));
	use(bytes, l.bytes);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	use(data, size);
	use_sealed(data, size);
	return 0;
}
