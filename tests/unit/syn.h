/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_SYN_H
#define TESTS_UNIT_SYN_H

/* SYNs to order, byte by byte, for the tests of packet, signature and
 * fingerprint. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct syn {
	int version;
	uint8_t ttl, tos;
	uint16_t ip_id;
	uint16_t fragment; /* IPv4 flags and offset: 0x4000 is DF */
	uint32_t flow;
	uint16_t sport; /* 0: 50000 */
	uint32_t seq;   /* 0: 1000; ZERO_SEQ for 0 */
	uint32_t ack;
	uint16_t flags; /* 0: SYN */
	uint16_t window;
	uint16_t urgent;
	const char *options; /* hex digits, blanks ignored */
	size_t payload;
	size_t ip_options; /* bytes of NOP */
};

#define ZERO_SEQ UINT32_MAX
#define SYN_MAX  256

static inline size_t unhex(const char *hex, uint8_t *out)
{
	size_t n = 0;

	for (; hex && *hex; hex++) {
		char digits[3] = { hex[0], hex[1], 0 };

		if (*hex == ' ')
			continue;
		out[n++] = (uint8_t)strtoul(digits, NULL, 16);
		hex++;
	}
	return n;
}

static inline void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* The TCP part; gives its length, payload included. */
static inline size_t syn_tcp(const struct syn *s, uint8_t *tcp)
{
	size_t options = unhex(s->options, tcp + 20);
	uint16_t flags = s->flags ? s->flags : 2;

	put16(tcp, s->sport ? s->sport : 50000);
	put16(tcp + 2, 25);
	put32(tcp + 4, s->seq == ZERO_SEQ ? 0 : s->seq ? s->seq : 1000);
	put32(tcp + 8, s->ack);
	tcp[12] = (uint8_t)((20 + options) / 4 << 4 | flags >> 8);
	tcp[13] = (uint8_t)flags;
	put16(tcp + 14, s->window);
	put16(tcp + 16, 0);
	put16(tcp + 18, s->urgent);
	memset(tcp + 20 + options, 'x', s->payload);
	return 20 + options + s->payload;
}

/* The whole packet into out[SYN_MAX], from 192.0.2.1 to 198.51.100.25 or from
 * 2001:db8::1 to 2001:db8::25; gives its length. */
static inline size_t syn_build(const struct syn *s, uint8_t *out)
{
	size_t len;

	memset(out, 0, SYN_MAX);
	if (s->version == 6) {
		len = syn_tcp(s, out + 40);
		put32(out, 6u << 28 | (uint32_t)s->tos << 20 | s->flow);
		put16(out + 4, (uint32_t)len);
		out[6] = 6;
		out[7] = s->ttl;
		put32(out + 8, 0x20010db8);
		out[23] = 1;
		put32(out + 24, 0x20010db8);
		out[39] = 0x25;
		return 40 + len;
	}
	len = syn_tcp(s, out + 20 + s->ip_options);
	out[0] = (uint8_t)(0x40 | (20 + s->ip_options) / 4);
	out[1] = s->tos;
	put16(out + 2, (uint32_t)(20 + s->ip_options + len));
	put16(out + 4, s->ip_id);
	put16(out + 6, s->fragment);
	out[8] = s->ttl;
	out[9] = 6;
	put32(out + 12, 0xc0000201);
	put32(out + 16, 0xc6336419);
	memset(out + 20, 1, s->ip_options);
	return 20 + s->ip_options + len;
}

#endif
