// SPDX-License-Identifier: GPL-2.0-or-later
/* Writing a MaxMind DB: the tree, whose nodes are two numbers: less than the count of
 * nodes, the next node; equal to it, nothing is known; above it, a place in the data
 * that follows; then the data, a map for each country, and what the file is. */
#include <geoblock/mmdb_write.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mmdb_tree.h"

#define SEPARATOR 16 /* zero bytes between tree and data */

struct writer {
	struct mmdb_tree tree;
	uint8_t data[1u << 17];
	uint32_t data_used;
	uint32_t offset[COUNTRY_INDEXES]; /* in data, plus one; 0: not there */
};

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

/* Once for each country. */
static void country_data(struct writer *w, country_t cc)
{
	uint32_t *offset = &w->offset[country_index(cc)];
	const char *name = country_name(cc);
	char code[3];

	if (*offset != 0)
		return;
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
}

static void write_data(struct writer *w)
{
	for (uint32_t i = 0; i < w->tree.node_count; i++)
		for (int side = 0; side < 2; side++) {
			uint32_t record = w->tree.nodes[i].record[side];

			if (record != MMDB_EMPTY && (record & MMDB_DATA))
				country_data(w, (country_t)record);
		}
}

/* ---- file --------------------------------------------------------------------------- */

static uint32_t final(const struct writer *w, uint32_t record)
{
	if (record == MMDB_EMPTY)
		return w->tree.node_count;
	if (record & MMDB_DATA)
		return w->tree.node_count + SEPARATOR - 1 +
		       w->offset[country_index((country_t)record)];
	return record;
}

static bool choose_bits(const struct writer *w, unsigned *bits,
			struct error *err)
{
	uint64_t max = (uint64_t)w->tree.node_count + SEPARATOR + w->data_used;
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
	for (uint32_t i = 0; i < w->tree.node_count; i++) {
		uint32_t l = final(w, w->tree.nodes[i].record[0]);
		uint32_t r = final(w, w->tree.nodes[i].record[1]);
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
	put_uint(b, &used, TYPE_UINT32, w->tree.node_count);
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
	bool ok;

	if (!w)
		return error_set(err, ERROR_LIMIT, 0, "no memory");
	image_about(image, &about);
	ok = mmdb_tree_build(&w->tree, image, only, err);
	if (ok) {
		write_data(w);
		ok = write_file(w, record_bits, about.built, out, err);
	}
	mmdb_tree_clear(&w->tree);
	free(w);
	return ok;
}
