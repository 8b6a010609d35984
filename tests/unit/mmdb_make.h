/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_MMDB_MAKE_H
#define TESTS_MMDB_MAKE_H

/* A writer of small MaxMind DBs, right ones and wrong ones: a tree of at most
 * MAKE_NODES nodes with records of 24 bits, data put together byte by byte. */

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <geoblock/addr.h>

#define MAKE_NODES 8192
#define MAKE_EMPTY 0xfffffff /* stands for the node count */
#define MAKE_DATA  0x1000000 /* plus an offset: data */

struct bytes {
	uint8_t p[65536];
	size_t len;
};

struct make {
	unsigned bits; /* of an address: 32 or 128 */
	uint32_t node[MAKE_NODES][2];
	uint32_t nodes;
	struct bytes data;     /* the data section */
	struct bytes metadata; /* empty: the usual ones */
	uint64_t epoch;
	const char *type;
};

static inline void make_init(struct make *m, unsigned bits)
{
	memset(m, 0, sizeof(*m));
	m->bits = bits;
	m->nodes = 1;
	m->node[0][0] = m->node[0][1] = MAKE_EMPTY;
	m->epoch = 1767225600; /* 2026-01-01 */
	m->type = "Test-Country";
}

static inline void put(struct bytes *b, const void *p, size_t len)
{
	assert(b->len + len <= sizeof(b->p));
	memcpy(b->p + b->len, p, len);
	b->len += len;
}

static inline void put_byte(struct bytes *b, unsigned byte)
{
	uint8_t value = (uint8_t)byte;

	put(b, &value, 1);
}

/* a control byte; sizes below 285 */
static inline void put_control(struct bytes *b, unsigned type, unsigned size)
{
	unsigned low = size < 29 ? size : 29;

	put_byte(b, (type < 8 ? type << 5 : 0) | low);
	if (type >= 8)
		put_byte(b, type - 7);
	if (size >= 29)
		put_byte(b, size - 29);
}

static inline void put_map(struct bytes *b, unsigned pairs)
{
	put_control(b, 7, pairs);
}

static inline void put_array(struct bytes *b, unsigned members)
{
	put_control(b, 11, members);
}

static inline void put_string(struct bytes *b, const char *text)
{
	put_control(b, 2, (unsigned)strlen(text));
	put(b, text, strlen(text));
}

static inline void put_number(struct bytes *b, unsigned type, uint64_t value)
{
	unsigned len = 0;

	while (len < 8 && value >> len * 8 != 0)
		len++;
	put_control(b, type, len);
	while (len-- != 0)
		put_byte(b, value >> len * 8 & 255);
}

/* to an offset below 2048 */
static inline void put_pointer(struct bytes *b, unsigned to)
{
	put_byte(b, 1 << 5 | to >> 8);
	put_byte(b, to & 255);
}

/* {"country": {"iso_code": CC}} and its relatives; gives the offset */
static inline uint32_t make_nested(struct make *m, const char *key,
				   const char *cc)
{
	uint32_t at = (uint32_t)m->data.len;

	put_map(&m->data, 1);
	put_string(&m->data, key);
	put_map(&m->data, 1);
	put_string(&m->data, "iso_code");
	put_string(&m->data, cc);
	return at;
}

static inline uint32_t make_flat(struct make *m, const char *key,
				 const char *cc)
{
	uint32_t at = (uint32_t)m->data.len;

	put_map(&m->data, 1);
	put_string(&m->data, key);
	put_string(&m->data, cc);
	return at;
}

/* Sets what a prefix leads to: MAKE_DATA + an offset, or a node's number. */
static inline void make_set(struct make *m, addr6_t prefix, unsigned len,
			    uint32_t value)
{
	uint32_t at = 0;

	for (unsigned depth = 0; depth < len; depth++) {
		unsigned bit = prefix >> (m->bits - 1 - depth) & 1;
		uint32_t *next = &m->node[at][bit];

		if (depth + 1 == len) {
			*next = value;
			return;
		}
		if (*next >= m->nodes) {
			assert(m->nodes < MAKE_NODES);
			m->node[m->nodes][0] = *next;
			m->node[m->nodes][1] = *next;
			*next = m->nodes++;
		}
		at = *next;
	}
}

/* The node that a prefix leads to. */
static inline uint32_t make_node(const struct make *m, addr6_t prefix,
				 unsigned len)
{
	uint32_t at = 0;

	for (unsigned depth = 0; depth < len; depth++)
		at = m->node[at][prefix >> (m->bits - 1 - depth) & 1];
	return at;
}

static inline void put_metadata(struct bytes *b, const struct make *m)
{
	put_map(b, 9);
	put_string(b, "node_count");
	put_number(b, 6, m->nodes);
	put_string(b, "record_size");
	put_number(b, 5, 24);
	put_string(b, "ip_version");
	put_number(b, 5, m->bits == 32 ? 4 : 6);
	put_string(b, "database_type");
	put_string(b, m->type);
	put_string(b, "languages");
	put_array(b, 0);
	put_string(b, "binary_format_major_version");
	put_number(b, 5, 2);
	put_string(b, "binary_format_minor_version");
	put_number(b, 5, 0);
	put_string(b, "build_epoch");
	put_number(b, 9, m->epoch);
	put_string(b, "description");
	put_map(b, 0);
}

static inline void put_record(struct bytes *b, const struct make *m,
			      uint32_t record)
{
	uint32_t value = record == MAKE_EMPTY ? m->nodes
			 : record >= MAKE_DATA
				 ? record - MAKE_DATA + m->nodes + 16
				 : record;

	put_byte(b, value >> 16 & 255);
	put_byte(b, value >> 8 & 255);
	put_byte(b, value & 255);
}

static inline void make_file(const struct make *m, struct bytes *out)
{
	static const uint8_t gap[16];

	out->len = 0;
	for (uint32_t i = 0; i < m->nodes; i++) {
		put_record(out, m, m->node[i][0]);
		put_record(out, m, m->node[i][1]);
	}
	put(out, gap, sizeof(gap));
	put(out, m->data.p, m->data.len);
	put(out, "\xab\xcd\xefMaxMind.com", 14);
	if (m->metadata.len != 0)
		put(out, m->metadata.p, m->metadata.len);
	else
		put_metadata(out, m);
}

#endif
