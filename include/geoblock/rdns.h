/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_RDNS_H
#define GEOBLOCK_RDNS_H

#include <stdbool.h>
#include <stddef.h>

#include <geoblock/addr.h>
#include <geoblock/policy.h>

/* What a sender's reverse DNS says of it: a name that somebody gave a mail server,
 * or one that a provider made of the address. */

#define RDNS_NAME_MAX 256 /* RFC 1035 3.1: 255 bytes as text, and a NUL */
#define RDNS_WHY_MAX  128

/* rdns_classify - the class of a sender.
 *
 * verified: the name whose addresses have addr among them (Postfix's client_name);
 * reverse: what the address's PTR record says (reverse_client_name).  NULL, "" and
 * "unknown" (as Postfix writes it) mean that there is none.
 *
 *   RDNS_NONE      no PTR record
 *   RDNS_MISMATCH  a PTR record, but its name does not lead back to the address
 *   RDNS_GENERIC   it leads back, but is made of the address or says that it is a
 *                  pool's
 *   RDNS_OK        anything else
 *
 * why (may be NULL) has RDNS_WHY_MAX bytes: in a few words what was seen, "" for
 * RDNS_OK.  Takes any bytes in a name; allocates nothing. */
enum rdns_class rdns_classify(const struct addr *addr, const char *verified,
			      const char *reverse, char *why);

/* rdns_is_generic - the same question of one name that leads back: label-wise
 * ("generaldynamics.com" has no label "dynamic"), the address's octets in decimal,
 * padded or not, in hex, forwards or reversed, IPv6 by nibbles or groups. */
bool rdns_is_generic(const struct addr *addr, const char *name, char *why);

#endif
