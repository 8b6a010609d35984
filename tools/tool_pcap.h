/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_TOOL_PCAP_H
#define TOOLS_TOOL_PCAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <geoblock/error.h>

/* Captures, pcap and pcapng, as IP packets. */

/* What a capture held besides IP packets. */
struct pcap_counts {
	uint64_t frames;
	uint64_t not_ip; /* ARP and the like, or cut inside the link header */
};

/* Called for each IP packet: data from its IP header on, valid for the call;
 * the time in seconds since 1970 and microseconds. */
typedef void pcap_packet(void *ctx, const uint8_t *data, size_t len,
			 int64_t seconds, uint32_t microseconds);

/* pcap_read_file - hand every IP packet of a capture to `packet`.
 *
 * path "-" is standard input; it is the name in messages, too.  Where the file
 * breaks off, or goes wrong, everything before that was handed over, and the
 * result is false with a text that says where.  libpcap is loaded at the first
 * call: what it brings along would slow down every other command. */
bool pcap_read_file(const char *path, pcap_packet *packet, void *ctx,
		    struct pcap_counts *counts, struct error *err);

/* pcap_read_stream - the same from an open file, which is closed. */
bool pcap_read_stream(FILE *file, const char *name, pcap_packet *packet,
		      void *ctx, struct pcap_counts *counts, struct error *err);

#endif
