/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_P0F_H
#define DAEMON_P0F_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/clients.h"
#include "daemon/looks.h"

/* The API of p0f v3 (its README, section 4), on RUN_DIR/p0f.sock: programs that ask
 * p0f ask us, unchanged.
 *
 *	query, 21 bytes                     answer, 232 bytes
 *	 0  u32  magic 0x50304601            0  u32  magic 0x50304602
 *	 4  u8   4 or 6                      4  u32  status 0x00, 0x10, 0x20
 *	 5  u8[16]  address, from the        8  u32  first seen, last seen,
 *	    left, in network order                   connections
 *	                                    20  u32  uptime (minutes, modulo days)
 *	                                    28  u32  NAT last seen, OS changed
 *	                                    36  s16  distance
 *	                                    38  u8   lies about its software
 *	                                    39  u8   1 fuzzy, 2 generic
 *	                                    40  6 × char[32]: system, flavour,
 *	                                             HTTP's two, link, language
 *
 * Numbers are in the machine's own order.  What we do not look for is 0, as it is
 * in p0f where nothing was found: uptime, NAT, changes, HTTP. */

#define P0F_SOCKET      "p0f.sock"
#define P0F_QUERY_SIZE  21
#define P0F_ANSWER_SIZE 232

enum p0f_status {
	P0F_BAD_QUERY = 0x00,
	P0F_OK = 0x10,
	P0F_NO_MATCH = 0x20,
};

/* p0f_answer - answer[P0F_ANSWER_SIZE] to query[P0F_QUERY_SIZE], whatever that is.
 *
 * milter-greylist sends eight bytes of an address only: what follows an IPv4 address
 * is ignored, and of an IPv6 address that ends in 64 zero bits and was not seen, the
 * latest host of that /64 is told.  Who was not seen for LOOKS_OLD_S is no match. */
enum asked p0f_answer(const struct path *path, const void *query, void *answer);

/* The same for clients_open(); ctx is struct p0f.  A wrong magic is answered and ends
 * the connection, as nobody knows where the next query begins. */
struct p0f {
	const struct path *path;
	uint64_t asked[ASKED_COUNT];
};

extern const struct clients_protocol p0f_protocol;

#endif
