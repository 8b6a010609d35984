/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_ADDR_H
#define GEOBLOCK_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/error.h>

/* Addresses are numbers in host order: an IPv4 address is a uint32_t, an IPv6
 * address an addr6_t.  Ranges are inclusive on both sides, everywhere; the
 * half-open form that the kernel wants is made in one place in nft/. */

typedef unsigned __int128 addr6_t;

#define ADDR4_MAX     UINT32_MAX
#define ADDR6_MAX     (~(addr6_t)0)
#define ADDR6(hi, lo) ((addr6_t)(uint64_t)(hi) << 64 | (uint64_t)(lo))
#define ADDR6_HI(a)   ((uint64_t)((a) >> 64))
#define ADDR6_LO(a)   ((uint64_t)(a))

struct range4 {
	uint32_t first, last;
};

struct range6 {
	addr6_t first, last;
};

struct addr {
	int family;    /* 4 or 6 */
	addr6_t value; /* IPv4: in the low 32 bits */
};

/* One entry of an administrator's list. */
struct range {
	int family; /* 4 or 6 */
	addr6_t first, last;
};

#define ADDR_TEXT_MAX  46 /* longest address as text, with its NUL */
#define RANGE_TEXT_MAX 96 /* "first-last", with its NUL */

/* addr_parse - "192.0.2.1" or "2001:db8::1" (RFC 4291 2.2), nothing around it.
 * An IPv4-mapped address (::ffff:0:0/96) becomes the IPv4 address it maps: that
 * is how a v6 socket shows an IPv4 peer.  len excludes any NUL.  Returns false
 * with *out unchanged and a text that quotes what was found. */
bool addr_parse(const char *text, size_t len, struct addr *out,
		struct error *err);

/* addr4_parse, addr6_parse - the same for one family, without a text: for
 * readers of big files.  IPv4 is four decimal octets, no leading zeros beyond
 * three digits, no octal, no hex. */
bool addr4_parse(const char *text, size_t len, uint32_t *out);
bool addr6_parse(const char *text, size_t len, addr6_t *out);

/* range_parse - "ADDR", "ADDR/LEN" or "FIRST-LAST".
 * Host bits under a prefix are an error that proposes the right prefix, as
 * they are most often a typing mistake. */
bool range_parse(const char *text, size_t len, struct range *out,
		 struct error *err);

/* Formatting: RFC 5952 for IPv6.  buf has ADDR_TEXT_MAX or RANGE_TEXT_MAX
 * bytes; the result is buf. */
const char *addr_format(const struct addr *a, char *buf);
const char *addr4_format(uint32_t a, char *buf);
const char *addr6_format(addr6_t a, char *buf);

/* range_format - "192.0.2.0/24" where the range is one prefix (a single address
 * is written without length), else "first-last". */
const char *range_format(const struct range *r, char *buf);

/* addr4_prefix, addr6_prefix - length of the largest prefix that begins at
 * first and does not pass last: the greedy step from a range to its minimal
 * list of CIDRs. */
unsigned addr4_prefix(uint32_t first, uint32_t last);
unsigned addr6_prefix(addr6_t first, addr6_t last);

#endif
