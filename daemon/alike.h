/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_ALIKE_H
#define DAEMON_ALIKE_H

#include <stdbool.h>
#include <stdint.h>

#include <geoblock/packet.h>

/* Do all senders look alike?  Behind a SYN proxy or a balancer that ends TCP every
 * SYN is the proxy's, whoever sent it: systems cannot be told apart, and rules on
 * them would take everybody for the same one.  One of these for each family. */

#define ALIKE_NETWORKS 200  /* so many, /24 or /48, have to look the same */
#define ALIKE_OTHERS   3    /* networks that look different refute it */
#define ALIKE_RATE_MAX 2000 /* SYNs a second; what comes faster is a flood */

#define ALIKE_BITS 1024 /* for counting networks */

/* A SYN's build as it arrives, without what one sender changes from connection to
 * connection and without the MSS, which proxies pass on. */
struct alike_look {
	uint8_t ttl, scale, layout_len;
	bool df;
	uint16_t window;
	uint8_t layout[PACKET_OPTIONS_MAX];
};

struct alike {
	bool on;        /* all look alike: systems are not to be judged */
	uint64_t since; /* seconds since 1970: from when on all had this look */
	unsigned networks; /* of that look; not more than there were */
	struct alike_look look;
	struct packet example; /* that has it */
	uint64_t seen[ALIKE_BITS / 64];
	struct {
		addr6_t network;
		uint64_t time; /* 0: free */
	} others[ALIKE_OTHERS];
	uint64_t second; /* the one that `rate` counts */
	unsigned rate;
};

/* alike_note - one SYN of a sender who is not exempt.  now: seconds since 1970;
 * after_s: how long all have to look the same, 0: never mind.  Sets ->on and takes it
 * back.  Allocates nothing; a struct of zeros is a fresh one. */
void alike_note(struct alike *alike, const struct packet *syn, uint64_t now,
		uint32_t after_s);

#endif
