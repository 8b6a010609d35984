/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_RIR_H
#define GEOBLOCK_RIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/addr.h>
#include <geoblock/error.h>
#include <geoblock/record.h>

/* One line of a delegation file, as the five registries publish them every day:
 * the format "RIR statistics exchange", and its extended form (NRO extended
 * allocation and assignment reports):
 *
 *   2.3|arin|1567951216119|300|19700101|20190908|-0400      the version line
 *   arin|*|ipv4|*|100|summary                               one for each type
 *   arin|US|ipv4|3.0.0.0|8388608|19880223|allocated[|opaque-id[|…]]
 */

enum rir_kind {
	RIR_SKIP,    /* blank, or a comment */
	RIR_VERSION, /* the version line */
	RIR_SUMMARY,
	RIR_ASN, /* a record of AS numbers: nothing more is read of it */
	RIR_IPV4,
	RIR_IPV6,
	RIR_OTHER, /* a record of a type that is none of the three */
	RIR_KIND_COUNT,
};

struct rir_line {
	enum rir_kind kind;
	enum geo_registry registry; /* all but RIR_SKIP and RIR_OTHER */
	bool odd_date; /* the date is none; it was read as unknown */

	/* RIR_IPV4, RIR_IPV6 */
	struct geo_record record;
	addr6_t first, last; /* IPv4: in the low 32 bits */

	/* RIR_VERSION */
	uint64_t serial;
	uint32_t end_date; /* YYYYMMDD, 0 where unknown */

	/* RIR_SUMMARY: of what; RIR_VERSION: of all records */
	enum rir_kind counted;
	uint64_t count;
};

#define RIR_LINE_MAX 4096 /* bytes; the longest real line has 88 */
#define RIR_PADDING  8

/* rir_line - read one line, without its line feed.  RIR_PADDING bytes behind
 * text[len - 1] have to be readable as well, whatever they hold: words are
 * compared eight bytes at a time.
 *
 * For ipv4 `value` is a count of addresses, which need not be a power of two,
 * nor the start aligned to it; for ipv6 it is a prefix length, and the start
 * has to be aligned.  The country may be empty or ZZ, and is COUNTRY_NONE for
 * what is available or reserved.  Letters of either case, a carriage return or
 * blanks at the end are taken.
 *
 * Returns false with ERROR_MALFORMED and a text that names the field, what
 * was found and what would be right.  Only the fields named above for its kind
 * are set in *out, and none that count after an error. */
bool rir_line(const char *text, size_t len, struct rir_line *out,
	      struct error *err);

#endif
