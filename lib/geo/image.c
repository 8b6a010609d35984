// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading an image: image_format.h draws the file.
 *
 * A look-up is a step through the index, which leaves a segment or a few, and a
 * binary search among those without a branch that has to be guessed.  IPv4 needs
 * one page; IPv6 delegations lie dense in some places and far apart elsewhere,
 * which is what pages are for.  They span the keys from almost the first to almost
 * the last segment, so that stray blocks (::1, fe80::/10) do not make them coarse:
 * an address outside is searched for among all segments.
 *
 * On real data a static search tree with nodes of a cache line took up to seven
 * times as long for IPv4 and 1.2 to 1.6 times for IPv6; a table of merged ranges for the country alone was no faster,
 * and would not have the records at hand.
 *
 * The mapping stays valid because an image never changes: it is written under
 * another name, and only then gets its own by rename(2).  The old file lives on
 * until the last mapping of it is gone.  Who truncates it by hand kills the
 * readers (SIGBUS); nothing of ours does. */
#include "image_build.h"
#include "image_private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- opening
 * -------------------------------------------------------------------- */

bool image_touch(const struct image *image, const void *p, size_t bytes)
{
	size_t at = (size_t)((const uint8_t *)p - image->data);
	size_t end = image->bytes - (size_t)(image->data - image->map);

	if (!image->verified)
		return true;
	for (size_t k = at / IMAGE_BLOCK; k <= (at + bytes - 1) / IMAGE_BLOCK;
	     k++) {
		size_t begin = k * IMAGE_BLOCK;
		size_t length =
			end - begin < IMAGE_BLOCK ? end - begin : IMAGE_BLOCK;

		if (__atomic_load_n(&image->verified[k], __ATOMIC_RELAXED))
			continue;
		if (image_crc(image->data + begin, length) != image->table[k])
			return false;
		__atomic_store_n(&image->verified[k], 1, __ATOMIC_RELAXED);
	}
	return true;
}

static struct family family(const struct image *image,
			    const struct image_layout *l, bool v6)
{
	const struct image_family *stored =
		v6 ? &image->header->v6 : &image->header->v4;
	/* aligned: the mapping to a page, a section to IMAGE_ALIGN */
#define AT(section) ((const void *)(image->map + l->at[section]))
	struct family f = {
		.base = stored->base,
		.shift = stored->shift,
		.pages = stored->pages,
		.slots = stored->slots,
		.segments = stored->segments,
		.records = stored->records,
		.page = AT(v6 ? SECTION_PAGE6 : SECTION_PAGE4),
		.index = AT(v6 ? SECTION_INDEX6 : SECTION_INDEX4),
		.start = v6 ? NULL : AT(SECTION_START4),
		.hi = v6 ? AT(SECTION_HI6) : NULL,
		.lo = v6 ? AT(SECTION_LO6) : NULL,
		.first = AT(v6 ? SECTION_COUNTRY6 : SECTION_COUNTRY4),
		.second = image->header->second
				  ? AT(v6 ? SECTION_SECOND6 : SECTION_SECOND4)
				  : NULL,
		.origin = AT(v6 ? SECTION_ORIGIN6 : SECTION_ORIGIN4),
		.date = AT(v6 ? SECTION_DATE6 : SECTION_DATE4),
		.kept = AT(v6 ? SECTION_KEPT6 : SECTION_KEPT4),
		.kept_count = stored->kept,
	};
#undef AT
	f.country = f.first;
	return f;
}

/* Everything after the mapping; image->map and bytes are set. */
static bool attach(struct image *image, enum image_trust trust,
		   struct error *err)
{
	struct image_layout l;

	image->header = (const void *)image->map;
	image->trust = trust;
	if (!image_check_header(image->header, image->bytes, &l, err))
		return false;
	image->data = image->map + l.data;
	image->table = (const void *)(image->map + sizeof(*image->header));
	image->blocks = l.blocks;
	image->sources = (const void *)(image->map + l.at[SECTION_SOURCES]);
	image->v4 = family(image, &l, false);
	image->v6 = family(image, &l, true);
	image->hot4 = image->v4;
	image->hot6 = image->v6;
	image->verified = calloc(l.blocks, 1);
	if (!image->verified)
		return error_set(err, ERROR_LIMIT, 0, "no memory");
	if (!image_check_sources(image, err))
		return false;
	if (trust != IMAGE_CHECK_ALL)
		return true;
	if (!image_check_content(image, err))
		return false;
	free(image->verified);
	image->verified = NULL;
	return true;
}

static bool map(struct image *image, const char *path, enum image_trust trust,
		struct error *err)
{
	/* O_NONBLOCK: opening a FIFO would wait for its writer */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int flags = MAP_PRIVATE | (trust == IMAGE_CHECK_ALL ? MAP_POPULATE : 0);
	struct stat st;
	void *p;

	if (fd < 0)
		return error_set(err, ERROR_SYSTEM, errno, "cannot open it");
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0) {
		close(fd);
		return error_set(err, ERROR_MALFORMED, 0,
				 "not a geoblock image, but %s",
				 S_ISREG(st.st_mode) ? "an empty file"
						     : "no regular file");
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, flags, fd, 0);
	if (p == MAP_FAILED)
		error_set(err, ERROR_SYSTEM, errno, "cannot map it");
	close(fd);
	if (p == MAP_FAILED)
		return false;
	image->map = p;
	image->bytes = (size_t)st.st_size;
	return true;
}

bool image_open(struct image **image, const char *path, enum image_trust trust,
		struct error *err)
{
	struct image *new = calloc(1, sizeof(*new));

	*image = NULL;
	if (!new)
		return error_set(err, ERROR_LIMIT, 0, "%s: no memory", path);
	if (!map(new, path, trust, err) || !attach(new, trust, err)) {
		image_close(new);
		return error_wrap(err, "%s", path);
	}
	*image = new;
	return true;
}

bool image_open_newest(struct image **image, const char *state_dir,
		       enum image_trust trust, struct error *fallback,
		       struct error *err)
{
	struct error first = { 0 }, second = { 0 };
	char path[4096];

	if (fallback)
		fallback->kind = ERROR_NONE;
	*image = NULL;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", state_dir,
			     IMAGE_NAME_PREVIOUS) >= sizeof(path))
		return error_set(err, ERROR_LIMIT, 0, "%s: path too long",
				 state_dir);
	snprintf(path, sizeof(path), "%s/%s", state_dir, IMAGE_NAME);
	if (image_open(image, path, trust, &first))
		return true;
	snprintf(path, sizeof(path), "%s/%s", state_dir, IMAGE_NAME_PREVIOUS);
	if (image_open(image, path, trust, &second)) {
		if (fallback)
			*fallback = first;
		return true;
	}
	if (first.sys_errno == ENOENT && second.sys_errno == ENOENT)
		return error_set(err, ERROR_SYSTEM, ENOENT,
				 "no country data in %s", state_dir);
	if (first.sys_errno == ENOENT || second.sys_errno == ENOENT) {
		if (err)
			*err = first.sys_errno == ENOENT ? second : first;
		return false;
	}
	return error_set(err, first.kind, 0, "%s; %s", first.text, second.text);
}

bool image_make(struct image **image, const struct geo_table *table,
		uint64_t now, struct error *err)
{
	struct image *new = calloc(1, sizeof(*new));
	uint8_t *bytes;

	*image = NULL;
	if (!new)
		return error_set(err, ERROR_LIMIT, 0, "no memory");
	if (!image_compile(table, now, &bytes, &new->bytes, err)) {
		free(new);
		return false;
	}
	new->map = bytes;
	new->in_memory = true;
	/* the compiler's work is checked like anybody's */
	if (!attach(new, IMAGE_CHECK_ALL, err)) {
		image_close(new);
		return false;
	}
	*image = new;
	return true;
}

void image_close(struct image *image)
{
	if (!image)
		return;
	if (image->in_memory)
		free((void *)(uintptr_t)image->map);
	else if (image->map)
		munmap((void *)(uintptr_t)image->map, image->bytes);
	free(image->verified);
	free(image->agreed4);
	free(image->agreed6);
	image_close(image->merged);
	free(image);
}

/* ---- look-up
 * ---------------------------------------------------------------------- */

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

/* Ends of segment i. */
struct range image_extent(const struct family *f, uint32_t i)
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

/* ---- all of it
 * -------------------------------------------------------------------- */

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

bool image_each4(const struct image *image,
		 bool (*visit)(void *ctx, const struct range4 *range,
			       const struct geo_record *record),
		 void *ctx)
{
	const struct family *f = &image->v4;

	assert(image->trust == IMAGE_CHECK_ALL);
	for (uint32_t i = 0; i < f->segments; i++) {
		struct range r = image_extent(f, i);
		struct range4 r4 = { (uint32_t)r.first, (uint32_t)r.last };
		struct geo_record rec = record(f, i);

		if (f->origin[i] != IMAGE_GAP && !visit(ctx, &r4, &rec))
			return false;
	}
	return true;
}

bool image_each6(const struct image *image,
		 bool (*visit)(void *ctx, const struct range6 *range,
			       const struct geo_record *record),
		 void *ctx)
{
	const struct family *f = &image->v6;

	assert(image->trust == IMAGE_CHECK_ALL);
	for (uint32_t i = 0; i < f->segments; i++) {
		struct range r = image_extent(f, i);
		struct range6 r6 = { r.first, r.last };
		struct geo_record rec = record(f, i);

		if (f->origin[i] != IMAGE_GAP && !visit(ctx, &r6, &rec))
			return false;
	}
	return true;
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
