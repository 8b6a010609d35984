// SPDX-License-Identifier: GPL-2.0-or-later
/* Two opinions in one image.  Which of them counts is worked out once for every
 * segment, into an array that stands where the first source's countries stood.
 *
 * A second source's borders make several times as many segments, which an index
 * spreads less evenly: a look-up for the country alone would take two or three times
 * as long.  It needs none of the borders between equal countries: it gets an image
 * of its own, in memory, that has only the others. */
#include "image_private.h"
#include "table.h"

#include <assert.h>
#include <stdlib.h>

static bool resolve(const struct image *image, struct family *f,
		    uint16_t **agreed, struct error *err)
{
	uint16_t *v = malloc(f->segments * sizeof(*v));

	if (!v)
		return error_set(err, ERROR_LIMIT, 0, "no memory");
	for (uint32_t i = 0; i < f->segments; i++)
		v[i] = agree_country(image->agree, &image->allowed, f->first[i],
				     f->second[i]);
	free(*agreed);
	*agreed = v;
	f->country = v;
	return true;
}

/* The country of segment i and its neighbours up to the last that shares it; the
 * first one behind them. */
static uint32_t run(const struct family *f, uint32_t i, struct range *out)
{
	uint32_t next = i + 1;

	while (next < f->segments && f->country[next] == f->country[i])
		next++;
	*out = image_extent(f, i);
	out->last = image_extent(f, next - 1).last;
	return next;
}

static bool merge(const struct family *f, struct geo_table *t,
		  struct error *err)
{
	struct range r;

	for (uint32_t i = 0, next; i < f->segments; i = next) {
		struct geo_range6 v = { .record.country = f->country[i] };

		next = run(f, i, &r);
		v.first = r.first;
		v.last = r.last;
		if (v.record.country != COUNTRY_NONE &&
		    !table_add(t, r.family == 6, &v, err))
			return false;
	}
	return true;
}

static bool make_hot(struct image *image, struct error *err)
{
	struct geo_table table = { .finished = true };
	struct image *merged = NULL;
	bool ok = merge(&image->v4, &table, err) &&
		  merge(&image->v6, &table, err) &&
		  image_make(&merged, &table, 0, err);

	geo_table_clear(&table);
	if (!ok)
		return false;
	image_close(image->merged);
	image->merged = merged;
	image->hot4 = merged->v4;
	image->hot6 = merged->v6;
	return true;
}

static void first_only(struct image *image)
{
	free(image->agreed4);
	free(image->agreed6);
	image->agreed4 = image->agreed6 = NULL;
	image->v4.country = image->v4.first;
	image->v6.country = image->v6.first;
}

bool image_agree(struct image *image, enum agree agree,
		 const struct country_set *allowed, struct error *err)
{
	image->agree = image->header->second ? agree : AGREE_FIRST;
	image->allowed = *allowed;
	if (!image->header->second || image->trust != IMAGE_CHECK_ALL)
		return true; /* image_find() works it out */
	if (image->agree == AGREE_FIRST)
		first_only(image);
	else if (!resolve(image, &image->v4, &image->agreed4, err) ||
		 !resolve(image, &image->v6, &image->agreed6, err))
		return false;
	return make_hot(image, err);
}

country_t image_first(void *ctx, const struct addr *addr)
{
	const struct image *image = ctx;

	assert(image->trust == IMAGE_CHECK_ALL);
	return image_find(image, addr).first;
}

static bool disputed(const struct family *f, uint32_t i)
{
	return f->first[i] != COUNTRY_NONE && f->second[i] != COUNTRY_NONE &&
	       f->first[i] != f->second[i];
}

static bool each_of(const struct family *f,
		    bool (*visit)(void *ctx,
				  const struct image_dispute *dispute),
		    void *ctx)
{
	uint32_t next;

	for (uint32_t i = 0; i < f->segments; i = next) {
		struct image_dispute d;

		next = i + 1;
		if (!disputed(f, i))
			continue;
		while (next < f->segments && f->first[next] == f->first[i] &&
		       f->second[next] == f->second[i])
			next++;
		d = (struct image_dispute){ .range = image_extent(f, i),
					    .first = f->first[i],
					    .second = f->second[i],
					    .country = f->country[i] };
		d.range.last = image_extent(f, next - 1).last;
		if (!visit(ctx, &d))
			return false;
	}
	return true;
}

bool image_each_dispute(const struct image *image,
			bool (*visit)(void *ctx,
				      const struct image_dispute *dispute),
			void *ctx)
{
	assert(image->trust == IMAGE_CHECK_ALL);
	return !image->header->second || (each_of(&image->v4, visit, ctx) &&
					  each_of(&image->v6, visit, ctx));
}
