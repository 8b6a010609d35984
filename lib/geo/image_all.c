// SPDX-License-Identifier: GPL-2.0-or-later
/* All of an image: what is listed and counted, segment by segment. */
#include "image_private.h"

#include <assert.h>
#include <string.h>

static bool add_family(struct iset *out, const struct family *f,
		       const struct country_set *set, struct error *err)
{
	country_t last = COUNTRY_NONE;
	bool chosen = false;

	for (uint32_t i = 0; i < f->segments; i++) {
		struct range r;

		if (f->country[i] == COUNTRY_NONE)
			continue;
		if (f->country[i] != last) {
			last = f->country[i];
			chosen = country_set_has(set, last);
		}
		if (!chosen)
			continue;
		r = image_extent(f, i);
		if (!iset_add(out, &r, err))
			return false;
	}
	return true;
}

bool image_ranges(const struct image *image, const struct country_set *set,
		  struct iset *out, struct error *err)
{
	assert(image->trust == IMAGE_CHECK_ALL);
	out->v4.count = 0;
	out->v6.count = 0;
	/* segments ascend, so what is added is canonical already */
	if (add_family(out, &image->v4, set, err) &&
	    add_family(out, &image->v6, set, err))
		return true;
	iset_clear(out);
	return false;
}

/* As the outside sees it: with the country that counts. */
static struct geo_record record(const struct family *f, uint32_t i)
{
	struct geo_record r = image_record(f, i);

	r.country = f->country[i];
	return r;
}

static bool each_of(const struct family *f,
		    bool (*visit)(void *ctx, const struct range *range,
				  const struct geo_record *record),
		    void *ctx)
{
	for (uint32_t i = 0; i < f->segments; i++) {
		struct range r = image_extent(f, i);
		struct geo_record rec = record(f, i);

		if (f->origin[i] != IMAGE_GAP && !visit(ctx, &r, &rec))
			return false;
	}
	return true;
}

bool image_each(const struct image *image,
		bool (*visit)(void *ctx, const struct range *range,
			      const struct geo_record *record),
		void *ctx)
{
	assert(image->trust == IMAGE_CHECK_ALL);
	return each_of(&image->v4, visit, ctx) &&
	       each_of(&image->v6, visit, ctx);
}

/* A /64 of which a country has several pieces counts once. */
static void count6(const struct family *f, bool kept_only, uint64_t *v6)
{
	uint64_t last[COUNTRY_INDEXES];
	uint32_t at = 0;

	for (uint32_t i = 0; i < f->segments; i++) {
		country_t cc = f->country[i];
		struct range r = image_extent(f, i);
		uint64_t networks = ADDR6_HI(r.last) - ADDR6_HI(r.first);
		unsigned k = cc == COUNTRY_NONE ? 0 : country_index(cc);

		if (cc == COUNTRY_NONE ||
		    (kept_only && !image_since(f, i, &at)))
			continue;
		if (v6[k] == 0 || last[k] != ADDR6_HI(r.first))
			networks += networks != UINT64_MAX;
		last[k] = ADDR6_HI(r.last);
		if (__builtin_add_overflow(v6[k], networks, &v6[k]))
			v6[k] = UINT64_MAX;
	}
}

static void count_addresses(const struct image *image, bool kept_only,
			    uint64_t *v4, uint64_t *v6)
{
	const struct family *f = &image->v4;
	uint32_t at = 0;

	assert(image->trust == IMAGE_CHECK_ALL);
	memset(v4, 0, COUNTRY_INDEXES * sizeof(*v4));
	memset(v6, 0, COUNTRY_INDEXES * sizeof(*v6));
	for (uint32_t i = 0; i < f->segments; i++) {
		country_t cc = f->country[i];
		struct range r = image_extent(f, i);

		if (cc != COUNTRY_NONE &&
		    (!kept_only || image_since(f, i, &at)))
			v4[country_index(cc)] +=
				(uint64_t)(r.last - r.first) + 1;
	}
	count6(&image->v6, kept_only, v6);
}

void image_addresses(const struct image *image, uint64_t *v4, uint64_t *v6)
{
	count_addresses(image, false, v4, v6);
}

void image_addresses_kept(const struct image *image, uint64_t *v4, uint64_t *v6)
{
	count_addresses(image, true, v4, v6);
}

void image_about(const struct image *image, struct image_about *out)
{
	const struct image_header *h = image->header;

	*out = (struct image_about){ .version = h->version,
				     .built = h->built,
				     .file_bytes = h->file_bytes,
				     .ranges4 = h->v4.records,
				     .ranges6 = h->v6.records,
				     .source_count = h->sources,
				     .sources = image->sources,
				     .kept4 = h->v4.kept,
				     .kept6 = h->v6.kept };
	if (h->second > 0)
		out->second = &image->sources[h->second - 1];
	memcpy(out->digest, h->digest, sizeof(out->digest));
}
