/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_LINK_H
#define GEOBLOCK_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Link layers of captures: where does the IP packet begin? */

/* link_known - whether link_network() can read frames of this type.
 * type is what pcap_datalink() gives: Ethernet, raw IP, Linux cooked v1 and v2,
 * BSD loopback (null and loop), PPP, PPP over Ethernet, Cisco HDLC, 802.11 with
 * and without radiotap, PF log and enc, NFLOG. */
bool link_known(int type);

enum link_status {
	LINK_OK,
	LINK_SHORT,   /* cut inside the link header */
	LINK_NOT_IP,  /* ARP, management frames, encrypted … */
	LINK_UNKNOWN, /* not a type that we read */
};

/* link_network - the offset of the IP header in a frame.
 *
 * Passes VLAN tags (802.1Q, 802.1ad, stacked), MPLS labels, PPPoE, and LLC with
 * SNAP.  Reads only data[0..len); *offset is set only with LINK_OK and is then
 * at most len. */
enum link_status link_network(int type, const void *data, size_t len,
			      size_t *offset);

#endif
