// SPDX-License-Identifier: GPL-2.0-or-later
/* libmaxminddb 1.7 checks that what it reads lies inside the file, but skips
 * over nested maps and arrays by recursion and follows pointers wherever they
 * lead: a few megabytes of maps in maps take its stack, a kilobyte of metadata
 * whose pointers fan out takes all memory, as early as in MMDB_open().  Later
 * versions have limits; here is the one for ours.  A value is walked once
 * before the library sees it, with bounded depth and a budget for how many
 * values that takes, so that what the library does afterwards is bounded by the
 * same.  Format: MaxMind DB File Format Specification 2.0, "Data Field Format".
 *
 *	control byte  ttt.sssss     type, size; type 0: the next byte + 7
 *	pointer       001.ss.vvv    ss + 1 bytes follow */
#include "mmdb_check.h"

#include <assert.h>
#include <string.h>

#define DEPTH_MAX 32 /* of real databases: 5 */

enum {
	TYPE_EXTENDED = 0,
	TYPE_POINTER = 1,
	TYPE_STRING = 2,
	TYPE_DOUBLE = 3,
	TYPE_BYTES = 4,
	TYPE_UINT16 = 5,
	TYPE_UINT32 = 6,
	TYPE_MAP = 7,
	TYPE_INT32 = 8,
	TYPE_UINT64 = 9,
	TYPE_UINT128 = 10,
	TYPE_ARRAY = 11,
	TYPE_BOOLEAN = 14,
	TYPE_FLOAT = 15,
};

struct cursor {
	struct mmdb_check *check;
	uint32_t at;
};

/* A number of 0 to 4 bytes. */
static bool take_number(struct cursor *c, uint32_t bytes, uint32_t *out)
{
	uint32_t value = 0;

	if (bytes > c->check->size - c->at)
		return false;
	for (uint32_t i = 0; i < bytes; i++)
		value = value << 8 | c->check->data[c->at++];
	*out = value;
	return true;
}

static bool take_control(struct cursor *c, unsigned *type, uint32_t *size)
{
	static const uint32_t more[] = { 29, 285, 65821 };
	uint32_t byte, extended, extra;

	if (!take_number(c, 1, &byte))
		return false;
	*type = byte >> 5;
	*size = byte & 31;
	if (*type == TYPE_POINTER)
		return true;
	if (*type == TYPE_EXTENDED) {
		if (!take_number(c, 1, &extended))
			return false;
		*type = extended + 7;
	}
	if (*size >= 29) {
		byte = *size - 29;
		if (!take_number(c, byte + 1, &extra))
			return false;
		*size = more[byte] + extra;
	}
	return true;
}

/* size: the control byte's low five bits */
static bool take_pointer(struct cursor *c, uint32_t size, uint32_t *to)
{
	static const uint32_t base[] = { 0, 2048, 526336, 0 };
	uint32_t bytes = size >> 3, value;

	assert(bytes < sizeof(base) / sizeof(*base));
	if (!take_number(c, bytes + 1, &value))
		return false;
	if (bytes < 3)
		value |= (size & 7) << 8 * (bytes + 1);
	*to = value + base[bytes];
	return true;
}

static bool walk(struct cursor *c, unsigned depth)
{
	struct cursor target = *c;
	uint32_t size, members;
	unsigned type;

	if (depth == DEPTH_MAX || c->check->budget == 0)
		return false;
	c->check->budget--;
	if (!take_control(c, &type, &size))
		return false;
	switch (type) {
	case TYPE_POINTER:
		return take_pointer(c, size, &target.at) &&
		       target.at < c->check->size && walk(&target, depth + 1);
	case TYPE_MAP:
	case TYPE_ARRAY:
		members = type == TYPE_MAP ? size * 2 : size;
		while (members-- != 0)
			if (!walk(c, depth + 1))
				return false;
		return true;
	case TYPE_BOOLEAN: /* the size is the value */
		return size <= 1;
	case TYPE_STRING:
	case TYPE_BYTES:
	case TYPE_DOUBLE:
	case TYPE_FLOAT:
	case TYPE_UINT16:
	case TYPE_UINT32:
	case TYPE_INT32:
	case TYPE_UINT64:
	case TYPE_UINT128:
		if (size > c->check->size - c->at)
			return false;
		c->at += size;
		return true;
	default:
		return false;
	}
}

bool mmdb_check_value(struct mmdb_check *check, uint32_t offset)
{
	struct cursor c = { check, offset };

	return offset < check->size && walk(&c, 0);
}

const uint8_t *mmdb_find_metadata(const uint8_t *tail, size_t len,
				  uint32_t *size)
{
	static const char marker[] = "\xab\xcd\xefMaxMind.com";
	const uint8_t *found = NULL, *from = tail, *end = tail + len;

	/* the last one counts: the data may hold the same bytes */
	while ((from = memmem(from, (size_t)(end - from), marker,
			      sizeof(marker) - 1))) {
		from += sizeof(marker) - 1;
		found = from;
	}
	if (found)
		*size = (uint32_t)(end - found);
	return found;
}
