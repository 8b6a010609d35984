// SPDX-License-Identifier: GPL-2.0-or-later
/* Compiling a table into an image, in memory: some megabytes, once a day.
 *
 * The same code lays out both families: an address is seen as its index key
 * (IPv4 the address, IPv6 the upper half) and the rest (IPv6 the lower half).
 */
#include "image_build.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>

#include "image_format.h"

/* A family of the table, and where its segments go; with no place to go (the
 * first pass) they are only counted. */
struct target {
	const struct geo_table *table;
	bool v6;
	struct image_family *stored;
	struct image_page pages[IMAGE_PAGES_MAX];
	struct image_page *page;
	uint32_t *start, *index, *date;
	uint64_t *hi, *lo;
	uint16_t *country, *origin, *second;
	struct image_kept *kept;
};

#define GAP SIZE_MAX /* instead of a range's place in the table */

static size_t range_count(const struct target *t)
{
	return t->v6 ? t->table->count6 : t->table->count4;
}

static addr6_t top(const struct target *t)
{
	return t->v6 ? ADDR6_MAX : ADDR4_MAX;
}

/* The first pass: a segment is one more start for its page to hold apart, unless
 * it begins with the page. */
static void count(struct target *t, addr6_t first)
{
	const struct image_family *f = t->stored;
	uint64_t key = t->v6 ? ADDR6_HI(first) : (uint64_t)first;
	uint64_t at = key - f->base, page = at >> f->shift;

	if (page < f->pages && at != page << f->shift)
		t->pages[page].first++;
}

static const struct geo_record *record_of(const struct target *t, size_t at)
{
	if (at == GAP)
		return NULL;
	return t->v6 ? &t->table->v6[at].record : &t->table->v4[at].record;
}

static uint32_t since_of(const struct target *t, size_t at)
{
	const uint32_t *since = t->v6 ? t->table->since6 : t->table->since4;

	return since && at != GAP ? since[at] : 0;
}

static struct geo_opinion second_of(const struct target *t, size_t at)
{
	const struct geo_opinion *second =
		t->v6 ? t->table->second6 : t->table->second4;

	return second && at != GAP ? second[at] : (struct geo_opinion){ 0 };
}

static void put(struct target *t, addr6_t first, size_t at)
{
	const struct geo_record *r = record_of(t, at);
	uint32_t i = t->stored->segments++, n = t->stored->kept;
	uint32_t since = since_of(t, at);
	struct geo_opinion second = second_of(t, at);

	t->stored->records += r != NULL;
	t->stored->kept += since != 0;
	if (!t->country) {
		count(t, first);
		return;
	}
	if (t->v6) {
		t->hi[i] = ADDR6_HI(first);
		t->lo[i] = ADDR6_LO(first);
	} else {
		t->start[i] = (uint32_t)first;
	}
	t->country[i] = r ? r->country : COUNTRY_NONE;
	t->origin[i] = r ? image_origin(r) : IMAGE_GAP;
	if (r && second.cut)
		t->origin[i] |= IMAGE_CUT;
	t->date[i] = r ? r->date : 0;
	if (t->table->second)
		t->second[i] = second.country;
	if (since)
		t->kept[n] = (struct image_kept){ i, since };
}

/* Every range of the table and every gap between them, in order. */
static void segments(struct target *t)
{
	addr6_t next = 0; /* first address not yet in a segment */
	bool done = false;

	t->stored->segments = 0;
	t->stored->records = 0;
	t->stored->kept = 0;
	for (size_t i = 0; i < range_count(t); i++) {
		const struct geo_range4 *r4 = t->v6 ? NULL : &t->table->v4[i];
		const struct geo_range6 *r6 = t->v6 ? &t->table->v6[i] : NULL;
		addr6_t first = t->v6 ? r6->first : r4->first;
		addr6_t last = t->v6 ? r6->last : r4->last;

		/* sorted and disjoint, as geo_table_finish() leaves it */
		assert(!done && first >= next && first <= last);
		if (first > next)
			put(t, next, GAP);
		put(t, first, i);
		done = last == top(t);
		next = last + 1;
	}
	if (!done)
		put(t, next, GAP);
}

/* Upper half of an IPv6 range's first address. */
static uint64_t range_key(const struct geo_table *table, size_t i)
{
	return table->count6 > 0 ? ADDR6_HI(table->v6[i].first) : 0;
}

/* Pages: one for IPv4.  For IPv6 one for every 16 ranges, up to a limit, with a
 * 1024th of the ranges left outside at either end; image.c says why. */
static void size_pages(const struct target *t)
{
	struct image_family *f = t->stored;
	size_t n = t->table->count6, outside = n / 1024;
	size_t most =
		n / 16 + 2 < IMAGE_PAGES_MAX ? n / 16 + 2 : IMAGE_PAGES_MAX;
	uint64_t first = 0, last = ADDR4_MAX;

	f->shift = 32;
	if (t->v6) {
		first = range_key(t->table, outside);
		last = range_key(t->table, n - 1 - outside);
		f->shift = 0;
	}
	/* two at least: no shift makes less of a span over the middle */
	while ((last >> f->shift) - (first >> f->shift) >= most)
		f->shift++;
	f->base = first >> f->shift << f->shift;
	f->pages = (uint32_t)((last >> f->shift) - (first >> f->shift)) + 1;
}

/* Slots: in each page half as many as there are starts in it, or a few more, as
 * their number is a power of two.  The starts were counted where the page's
 * first slot goes. */
static void size_slots(struct target *t)
{
	struct image_family *f = t->stored;

	f->slots = 0;
	for (uint32_t p = 0; p < f->pages; p++) {
		uint32_t starts = t->pages[p].first, bits = 0;

		while (bits < f->shift && UINT64_C(2) << bits < starts)
			bits++;
		t->pages[p].first = f->slots;
		t->pages[p].shift = f->shift - bits;
		f->slots += 1u << bits;
	}
}

/* What the header says of a family, before there is a place for it. */
static bool measure(struct target *t, struct error *err)
{
	/* before, between and after the ranges there may be gaps */
	size_t most = (IMAGE_SEGMENTS_MAX - 1) / 2;

	if (range_count(t) > most)
		return error_set(err, ERROR_LIMIT, 0,
				 "%zu IPv%d ranges: an image holds at most %zu",
				 range_count(t), t->v6 ? 6 : 4, most);
	size_pages(t);
	segments(t);
	size_slots(t);
	return true;
}

static addr6_t start_key(const struct target *t, uint32_t i)
{
	return t->v6 ? ADDR6(t->hi[i], t->lo[i]) : ADDR6(t->start[i], 0);
}

/* The last segment from i on that begins at or before the key, which may be the
 * end of the space. */
static uint32_t advance(const struct target *t, uint32_t i, addr6_t key)
{
	while (i + 1 < t->stored->segments &&
	       (key > UINT64_MAX || start_key(t, i + 1) <= key << 64))
		i++;
	return i;
}

static void fill_index(const struct target *t)
{
	const struct image_family *f = t->stored;
	uint32_t i = 0, *out = t->index;

	for (uint32_t p = 0; p < f->pages; p++) {
		addr6_t key = f->base + ((addr6_t)p << f->shift);
		addr6_t end = key + ((addr6_t)1 << f->shift);

		t->page[p] = t->pages[p];
		for (; key < end; key += (addr6_t)1 << t->page[p].shift) {
			i = advance(t, i, key);
			*out++ = i;
		}
	}
	*out = advance(t, i, f->base + ((addr6_t)f->pages << f->shift));
}

/* Data that decides answers, or tells where they are from; neither when it was
 * compiled nor from which folder. */
static void digest(struct image_header *h, const uint8_t *bytes,
		   const struct image_layout *l, const struct geo_table *table)
{
	struct sha256_ctx sha;
	uint32_t counts[] = { IMAGE_VERSION, h->v4.segments, h->v6.segments,
			      h->sources };

	sha256_init(&sha);
	sha256_update(&sha, sizeof(counts), (const uint8_t *)counts);
	for (size_t i = 0; i < table->source_count; i++) {
		const struct geo_source *s = &table->sources[i];

		sha256_update(&sha, offsetof(struct geo_source, serial),
			      (const uint8_t *)s);
		sha256_update(&sha, sizeof(s->sha256), s->sha256);
	}
	sha256_update(&sha, l->bytes - l->at[SECTION_PAGE4],
		      bytes + l->at[SECTION_PAGE4]);
	sha256_digest(&sha, sizeof(h->digest), h->digest);
}

static void place(struct target *t, uint8_t *bytes,
		  const struct image_layout *l)
{
#define AT(section) ((void *)(bytes + l->at[section]))
	t->page = AT(t->v6 ? SECTION_PAGE6 : SECTION_PAGE4);
	t->index = AT(t->v6 ? SECTION_INDEX6 : SECTION_INDEX4);
	t->start = t->v6 ? NULL : AT(SECTION_START4);
	t->hi = t->v6 ? AT(SECTION_HI6) : NULL;
	t->lo = t->v6 ? AT(SECTION_LO6) : NULL;
	t->country = AT(t->v6 ? SECTION_COUNTRY6 : SECTION_COUNTRY4);
	t->origin = AT(t->v6 ? SECTION_ORIGIN6 : SECTION_ORIGIN4);
	t->date = AT(t->v6 ? SECTION_DATE6 : SECTION_DATE4);
	t->second = AT(t->v6 ? SECTION_SECOND6 : SECTION_SECOND4);
	t->kept = AT(t->v6 ? SECTION_KEPT6 : SECTION_KEPT4);
#undef AT
}

static void write_checksums(struct image_header *h, uint8_t *bytes,
			    const struct image_layout *l)
{
	uint32_t *table = (uint32_t *)(void *)(bytes + sizeof(*h));

	for (uint64_t k = 0; k < l->blocks; k++) {
		uint64_t at = l->data + k * IMAGE_BLOCK;
		uint64_t left = l->bytes - at;

		table[k] = image_crc(bytes + at,
				     left < IMAGE_BLOCK ? left : IMAGE_BLOCK);
	}
	h->file_bytes = l->bytes;
	h->table_crc = image_crc(table, l->data - sizeof(*h));
	h->header_crc = image_crc(h, offsetof(struct image_header, header_crc));
}

bool image_seal(uint8_t *bytes, size_t size)
{
	struct image_header *h = (void *)bytes;
	struct image_layout l;

	if (size < sizeof(*h) || !image_layout(h, &l) || l.bytes != size)
		return false;
	write_checksums(h, bytes, &l);
	return true;
}

const uint8_t *image_digest(const uint8_t *bytes)
{
	return bytes + offsetof(struct image_header, digest);
}

bool image_compile(const struct geo_table *table, uint64_t now, uint8_t **bytes,
		   size_t *size, struct error *err)
{
	struct image_header h = { .byte_order = IMAGE_BYTE_ORDER,
				  .version = IMAGE_VERSION,
				  .built = now,
				  .sources = (uint32_t)table->source_count,
				  .second = table->second };
	struct target v4 = { .table = table, .stored = &h.v4 };
	struct target v6 = { .table = table, .v6 = true, .stored = &h.v6 };
	struct image_layout l;
	uint8_t *out;

	assert(table->finished && table->source_count <= GEO_SOURCES_MAX);
	if (!measure(&v4, err) || !measure(&v6, err))
		return false;
	assert(image_layout(&h, &l));
	out = calloc(1, l.bytes);
	if (!out)
		return error_set(err, ERROR_LIMIT, 0,
				 "no memory for an image of %llu bytes",
				 (unsigned long long)l.bytes);
	place(&v4, out, &l);
	place(&v6, out, &l);
	segments(&v4);
	segments(&v6);
	fill_index(&v4);
	fill_index(&v6);
	if (table->source_count > 0)
		memcpy(out + l.at[SECTION_SOURCES], table->sources,
		       table->source_count * sizeof(*table->sources));
	memcpy(h.magic, IMAGE_MAGIC, sizeof(h.magic));
	digest(&h, out, &l, table);
	memcpy(out, &h, sizeof(h));
	*size = l.bytes;
	*bytes = out;
	assert(image_seal(out, l.bytes));
	return true;
}
