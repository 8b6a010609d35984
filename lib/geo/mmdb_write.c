// SPDX-License-Identifier: GPL-2.0-or-later
/* Writing a MaxMind DB.
 *
 * Such a file is a binary tree over the bits of an address, 128 levels deep, whose
 * nodes are two numbers: less than the count of nodes, the next node; equal to
 * it, nothing is known; above it, a place in the data that follows.
 *
 * The image gives ranges in order.  Made into segments without a gap, neighbours
 * of the same country joined, they are the leaves; and a block of addresses is a
 * leaf if it lies within one segment, else a node with its two halves.  So the
 * tree is as small as it can be, and comes out in the order in which look-ups
 * walk it. */
#include <geoblock/mmdb_write.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ::ffff:0:0/96 */
#define MAPPED_FIRST ADDR6(0, 0x0000ffff00000000)
#define MAPPED_LAST  ADDR6(0, 0x0000ffffffffffff)
#define V4_LAST      ADDR6(0, UINT32_MAX)

#define NODES_MAX (1u << 28)
#define SEPARATOR 16 /* zero bytes between tree and data */

/* What is in a record until the nodes are counted. */
#define EMPTY UINT32_MAX
#define DATA  0x80000000u /* | offset in the data */

/* Values of a segment besides countries. */
#define VALUE_NONE  0u
#define VALUE_ALIAS 1u /* the IPv4 tree once more */

struct segment {
	addr6_t first;
	uint32_t value;
};

struct node {
	uint32_t record[2];
};

struct writer {
	struct segment *segments;
	size_t segment_count, segment_room;
	struct node *nodes;
	uint32_t node_count, node_room;
	uint32_t v4_root;
	uint8_t data[1u << 17];
	uint32_t data_used;
	uint32_t offset[COUNTRY_INDEXES]; /* in data, plus one */

	/* on the way through the image */
	const struct iset *only;
	size_t at; /* in `only` */
	int family;
	bool has_v4, has_alias;
	addr6_t next; /* first address beyond the segments */
	struct error *err;
};

/* ---- segments ------------------------------------------------------------------- */

static bool push(struct writer *w, addr6_t first, uint32_t value)
{
	size_t room = w->segment_room ? 2 * w->segment_room : 1024;
	struct segment *grown;

	if (w->segment_count == w->segment_room) {
		grown = reallocarray(w->segments, room, sizeof(*grown));
		if (!grown)
			return error_set(w->err, ERROR_LIMIT, 0, "no memory");
		w->segments = grown;
		w->segment_room = room;
	}
	assert(w->segments);
	w->segments[w->segment_count++] =
		(struct segment){ .first = first, .value = value };
	return true;
}

/* The next stretch of addresses with a value, after all that came before. */
static bool append(struct writer *w, addr6_t first, addr6_t last,
		   uint32_t value)
{
	const struct segment *top = w->segment_count > 0
					    ? &w->segments[w->segment_count - 1]
					    : NULL;

	if (first > w->next && !push(w, w->next, VALUE_NONE))
		return false;
	/* the IPv4 tree ends where its block does, whatever follows */
	if ((first > w->next || !top || top->value != value ||
	     first == V4_LAST + 1) &&
	    !push(w, first, value))
		return false;
	w->next = last + 1; /* 0 after the last address of all */
	return true;
}

/* IPv6 leaves out the blocks that are IPv4's. */
static bool append6(struct writer *w, addr6_t first, addr6_t last,
		    uint32_t value)
{
	if (last <= V4_LAST)
		return true;
	if (first <= V4_LAST)
		first = V4_LAST + 1;
	if (first < MAPPED_FIRST &&
	    !append(w, first, last < MAPPED_FIRST ? last : MAPPED_FIRST - 1,
		    value))
		return false;
	if (last <= MAPPED_LAST)
		return true;
	if (w->has_v4 && !w->has_alias &&
	    !append(w, MAPPED_FIRST, MAPPED_LAST, VALUE_ALIAS))
		return false;
	w->has_alias = w->has_v4;
	return append(w, first > MAPPED_LAST ? first : MAPPED_LAST + 1, last,
		      value);
}

/* Range i of `only`; false beyond the last. */
static bool only_range(const struct writer *w, int family, size_t i,
		       struct range *out)
{
	const struct iset *set = w->only;

	if (i >= (family == 4 ? set->v4.count : set->v6.count))
		return false;
	out->first = family == 4 ? set->v4.r[i].first : set->v6.r[i].first;
	out->last = family == 4 ? set->v4.r[i].last : set->v6.r[i].last;
	return true;
}

/* What `only` leaves of a record's range. */
static bool add_record(void *ctx, const struct range *range,
		       const struct geo_record *record)
{
	struct writer *w = ctx;
	bool (*add)(struct writer *, addr6_t, addr6_t, uint32_t) =
		range->family == 4 ? append : append6;
	struct range r;

	if (record->country == COUNTRY_NONE)
		return true;
	if (range->family != w->family) { /* IPv6 comes after IPv4 */
		w->has_v4 = w->segment_count > 0;
		w->family = range->family;
		w->at = 0;
	}
	if (!w->only)
		return add(w, range->first, range->last, record->country);
	while (only_range(w, range->family, w->at, &r) && r.last < range->first)
		w->at++;
	for (size_t i = w->at;
	     only_range(w, range->family, i, &r) && r.first <= range->last;
	     i++) {
		if (r.first < range->first)
			r.first = range->first;
		if (r.last > range->last)
			r.last = range->last;
		if (!add(w, r.first, r.last, record->country))
			return false;
	}
	return true;
}

static bool collect(struct writer *w, const struct image *image)
{
	if (!image_each(image, add_record, w))
		return false;
	if (w->family == 4) /* there is no IPv6 */
		w->has_v4 = w->segment_count > 0;
	if (w->has_v4 && !w->has_alias &&
	    !append(w, MAPPED_FIRST, MAPPED_LAST, VALUE_ALIAS))
		return false;
	/* next is 0 where nothing was added, and where the top is taken */
	return (w->next == 0 && w->segment_count > 0) ||
	       push(w, w->next, VALUE_NONE);
}

/* ---- data ------------------------------------------------------------------------- */

/* Types of the format, in the upper three bits of a control byte; those above 7
 * take a byte of their own, less 7. */
enum type {
	TYPE_STRING = 2,
	TYPE_UINT16 = 5,
	TYPE_UINT32 = 6,
	TYPE_MAP = 7,
	TYPE_UINT64 = 9,
	TYPE_ARRAY = 11,
};

/* Sizes below 285 are all there are: 0-28 in the control byte, else 29 and a byte
 * with the rest. */
static void put_control(uint8_t *buf, uint32_t *used, enum type type,
			size_t size)
{
	uint8_t low = (uint8_t)(size < 29 ? size : 29);

	assert(size < 29 + 256);
	buf[(*used)++] = (uint8_t)((type <= 7 ? type : 0) << 5 | low);
	if (type > 7)
		buf[(*used)++] = (uint8_t)(type - 7);
	if (low == 29)
		buf[(*used)++] = (uint8_t)(size - 29);
}

static void put_string(uint8_t *buf, uint32_t *used, const char *text)
{
	size_t size = strlen(text);

	put_control(buf, used, TYPE_STRING, size);
	memcpy(buf + *used, text, size);
	*used += (uint32_t)size;
}

static void put_uint(uint8_t *buf, uint32_t *used, enum type type,
		     uint64_t value)
{
	size_t size = 0;

	while (size < 8 && value >> (8 * size) != 0)
		size++;
	put_control(buf, used, type, size);
	while (size-- > 0)
		buf[(*used)++] = (uint8_t)(value >> (8 * size));
}

/* Where the data of a country is; written when it is first wanted. */
static uint32_t country_data(struct writer *w, country_t cc)
{
	uint32_t *offset = &w->offset[country_index(cc)];
	const char *name = country_name(cc);
	char code[3];

	if (*offset != 0)
		return *offset - 1;
	/* 936 codes, of which hardly 300 have a name */
	assert(w->data_used + 128 < sizeof(w->data));
	*offset = w->data_used + 1;
	put_control(w->data, &w->data_used, TYPE_MAP, 1);
	put_string(w->data, &w->data_used, "country");
	put_control(w->data, &w->data_used, TYPE_MAP, name ? 2 : 1);
	put_string(w->data, &w->data_used, "iso_code");
	put_string(w->data, &w->data_used, country_text(cc, code));
	if (name) {
		put_string(w->data, &w->data_used, "names");
		put_control(w->data, &w->data_used, TYPE_MAP, 1);
		put_string(w->data, &w->data_used, "en");
		put_string(w->data, &w->data_used, name);
	}
	return *offset - 1;
}

/* ---- tree ------------------------------------------------------------------------- */

static bool new_node(struct writer *w, uint32_t *out)
{
	uint32_t room = w->node_room ? 2 * w->node_room : 4096;
	struct node *grown;

	if (w->node_count == w->node_room) {
		grown = room > NODES_MAX
				? NULL
				: reallocarray(w->nodes, room, sizeof(*grown));
		if (!grown)
			return error_set(w->err, ERROR_LIMIT, 0,
					 "no memory for a tree of %u nodes",
					 room);
		w->nodes = grown;
		w->node_room = room;
	}
	*out = w->node_count++;
	return true;
}

static uint32_t leaf(struct writer *w, uint32_t value)
{
	if (value == VALUE_NONE)
		return EMPTY;
	if (value == VALUE_ALIAS)
		return w->v4_root;
	return DATA | country_data(w, (country_t)value);
}

/* The last of the segments from low on that begins at or before addr. */
static size_t segment_at(const struct writer *w, size_t low, size_t high,
			 addr6_t addr)
{
	while (low < high) {
		size_t middle = high - (high - low) / 2;

		if (w->segments[middle].first <= addr)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/* The block of addresses that begins at prefix, `depth` bits long, within the
 * segments low to high: what its parent's record is.  128 levels at most. */
static bool block(struct writer *w, addr6_t prefix, unsigned depth, size_t low,
		  size_t high, uint32_t *record)
{
	addr6_t middle;
	size_t half;
	uint32_t node = 0, left = EMPTY, right = EMPTY;

	/* the root is a node in any case */
	if (low == high && depth > 0) {
		*record = leaf(w, w->segments[low].value);
	} else {
		middle = prefix | (addr6_t)1 << (127 - depth);
		half = segment_at(w, low, high, middle);
		if (!new_node(w, &node) ||
		    !block(w, prefix, depth + 1, low,
			   segment_at(w, low, half, middle - 1), &left) ||
		    !block(w, middle, depth + 1, half, high, &right))
			return false;
		w->nodes[node].record[0] = left;
		w->nodes[node].record[1] = right;
		*record = node;
	}
	if (prefix == 0 && depth == 96)
		w->v4_root = *record;
	return true;
}

/* ---- file --------------------------------------------------------------------------- */

static uint32_t final(const struct writer *w, uint32_t record)
{
	if (record == EMPTY)
		return w->node_count;
	if (record & DATA)
		return w->node_count + SEPARATOR + (record & ~DATA);
	return record;
}

static bool choose_bits(const struct writer *w, unsigned *bits,
			struct error *err)
{
	uint64_t max = (uint64_t)w->node_count + SEPARATOR + w->data_used;
	unsigned least = max < 1u << 24 ? 24 : max < 1u << 28 ? 28 : 32;

	if (*bits == 0)
		*bits = least;
	if (*bits < least)
		return error_set(err, ERROR_LIMIT, 0,
				 "records of %u bits are too small, it takes "
				 "%u",
				 *bits, least);
	return true;
}

static void write_tree(const struct writer *w, unsigned bits, FILE *out)
{
	for (uint32_t i = 0; i < w->node_count; i++) {
		uint32_t l = final(w, w->nodes[i].record[0]);
		uint32_t r = final(w, w->nodes[i].record[1]);
		uint8_t b[8], *p = b;

		if (bits == 32)
			*p++ = (uint8_t)(l >> 24);
		*p++ = (uint8_t)(l >> 16);
		*p++ = (uint8_t)(l >> 8);
		*p++ = (uint8_t)l;
		/* 28: the upper four bits of both share the byte between */
		if (bits == 28)
			*p++ = (uint8_t)((l >> 24 & 0xf) << 4 |
					 (r >> 24 & 0xf));
		else if (bits == 32)
			*p++ = (uint8_t)(r >> 24);
		*p++ = (uint8_t)(r >> 16);
		*p++ = (uint8_t)(r >> 8);
		*p++ = (uint8_t)r;
		fwrite(b, 1, (size_t)(p - b), out);
	}
}

static void write_metadata(const struct writer *w, unsigned bits,
			   uint64_t built, FILE *out)
{
	static const char marker[] = "\xab\xcd\xefMaxMind.com";
	uint8_t b[512];
	uint32_t used = 0;

	put_control(b, &used, TYPE_MAP, 9);
	put_string(b, &used, "node_count");
	put_uint(b, &used, TYPE_UINT32, w->node_count);
	put_string(b, &used, "record_size");
	put_uint(b, &used, TYPE_UINT16, bits);
	put_string(b, &used, "ip_version");
	put_uint(b, &used, TYPE_UINT16, 6);
	put_string(b, &used, "database_type");
	put_string(b, &used, "geoblock-Country");
	put_string(b, &used, "languages");
	put_control(b, &used, TYPE_ARRAY, 1);
	put_string(b, &used, "en");
	put_string(b, &used, "binary_format_major_version");
	put_uint(b, &used, TYPE_UINT16, 2);
	put_string(b, &used, "binary_format_minor_version");
	put_uint(b, &used, TYPE_UINT16, 0);
	put_string(b, &used, "build_epoch");
	put_uint(b, &used, TYPE_UINT64, built);
	put_string(b, &used, "description");
	put_control(b, &used, TYPE_MAP, 1);
	put_string(b, &used, "en");
	put_string(b, &used, "Country of an address, as geoblock has it");
	assert(used <= sizeof(b));
	fwrite(marker, 1, sizeof(marker) - 1, out);
	fwrite(b, 1, used, out);
}

static bool write_file(const struct writer *w, unsigned bits, uint64_t built,
		       FILE *out, struct error *err)
{
	static const uint8_t zeros[SEPARATOR];

	if (!choose_bits(w, &bits, err))
		return false;
	write_tree(w, bits, out);
	fwrite(zeros, 1, sizeof(zeros), out);
	fwrite(w->data, 1, w->data_used, out);
	write_metadata(w, bits, built, out);
	if (ferror(out))
		return error_set(err, ERROR_SYSTEM, errno,
				 "cannot write the database");
	return true;
}

bool mmdb_write(const struct image *image, const struct iset *only,
		unsigned record_bits, FILE *out, struct error *err)
{
	struct writer *w = calloc(1, sizeof(*w));
	struct image_about about;
	uint32_t root;
	bool ok;

	if (!w)
		return error_set(err, ERROR_LIMIT, 0, "no memory");
	w->only = only;
	w->family = 4;
	w->err = err;
	w->v4_root = EMPTY;
	image_about(image, &about);
	ok = collect(w, image) &&
	     block(w, 0, 0, 0, w->segment_count - 1, &root) &&
	     write_file(w, record_bits, about.built, out, err);
	free(w->segments);
	free(w->nodes);
	free(w);
	return ok;
}
