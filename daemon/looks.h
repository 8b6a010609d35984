/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_LOOKS_H
#define DAEMON_LOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include <geoblock/packet.h>

#include "daemon/path.h"

/* What mail programs are told of a sender: the part that the p0f API, the text
 * protocol and amavis's have in common. */

/* How a question went, for the counters. */
enum asked { ASKED_FOUND, ASKED_UNKNOWN, ASKED_BAD, ASKED_COUNT };

struct looks {
	/* "Windows", "10 or 11": by the database that is loaded now as far as it
	 * still says the class that the SYN was judged by, else the class's.
	 * "" where nothing is known; of Windows the name begins so.  They
	 * belong to the path's snapshot. */
	const char *name, *flavour;
	bool has_packet;      /* false: it had more options than are kept */
	struct packet packet; /* see host_packet() */
};

void looks_of(const struct path *path, const struct host *host,
	      struct looks *out);

/* looks_link - p0f's word for the link that an MTU is typical of, by the SYN's MSS;
 * "" where it is typical of none. */
const char *looks_link(const struct host *host);

/* looks_are_old - the host's latest SYN came too long ago to be that of a connection
 * which somebody asks about by address only: p0f's own limit. */
#define LOOKS_OLD_S (120 * 60)
bool looks_are_old(const struct path *path, const struct host *host);

/* looks_find - the SYN from that very port, unless it is old (ports come again), else,
 * and with port 0, the address's latest; *exact says which.  NULL where the address was
 * not seen. */
const struct host *looks_find(const struct path *path, const struct addr *addr,
			      uint16_t port, bool *exact);

#endif
