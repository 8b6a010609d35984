/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_PACKET_H
#define GEOBLOCK_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/addr.h>

/* A TCP segment in its IP packet, reduced to what a verdict needs: who, and
 * what the sender's stack looks like.  The input comes from strangers. */

/* Oddities of the headers, one bit each; the words are p0f v3's (its README,
 * section 5), and so is the order in which they are written. */
enum packet_quirk {
	QUIRK_DF = 1 << 0,           /* df: don't fragment; IPv4 */
	QUIRK_ID_PLUS = 1 << 1,      /* id+: DF, yet an IPID that is not 0 */
	QUIRK_ID_MINUS = 1 << 2,     /* id-: no DF, yet an IPID of 0 */
	QUIRK_ECN = 1 << 3,          /* ecn: IP ECN bits, or TCP ECE, CWR, NS */
	QUIRK_ZERO_PLUS = 1 << 4,    /* 0+: IPv4's reserved flag */
	QUIRK_FLOW = 1 << 5,         /* flow: IPv6 flow label that is not 0 */
	QUIRK_SEQ_MINUS = 1 << 6,    /* seq-: sequence number 0 */
	QUIRK_ACK_PLUS = 1 << 7,     /* ack+: ack number without ACK */
	QUIRK_ACK_MINUS = 1 << 8,    /* ack-: ACK with an ack number of 0 */
	QUIRK_URG_PTR_PLUS = 1 << 9, /* uptr+: urgent pointer without URG */
	QUIRK_URG_FLAG_PLUS = 1 << 10, /* urgf+: URG */
	QUIRK_PUSH_PLUS = 1 << 11,     /* pushf+: PSH */
	QUIRK_TS_OWN_MINUS = 1 << 12,  /* ts1-: own timestamp of 0 */
	QUIRK_TS_PEER_PLUS = 1 << 13,  /* ts2+: peer's timestamp, in a SYN */
	QUIRK_OPT_PLUS = 1 << 14, /* opt+: bytes after EOL that are not 0 */
	QUIRK_EXWS = 1 << 15,     /* exws: window scale above 14 */
	QUIRK_BAD = 1 << 16,      /* bad: malformed TCP options */
};
#define QUIRK_COUNT 17

/* quirk_word - "df" for bit 0, and so on; i < QUIRK_COUNT. */
const char *quirk_word(unsigned i);

/* TCP flags as in the header; NS is the lowest reserved bit (RFC 3540). */
enum packet_flag {
	PACKET_FIN = 0x01,
	PACKET_SYN = 0x02,
	PACKET_RST = 0x04,
	PACKET_PSH = 0x08,
	PACKET_ACK = 0x10,
	PACKET_URG = 0x20,
	PACKET_ECE = 0x40,
	PACKET_CWR = 0x80,
	PACKET_NS = 0x100,
};

/* TCP option kinds (IANA, TCP parameters) that are known by name. */
enum packet_option {
	OPTION_EOL = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_WS = 3,
	OPTION_SOK = 4, /* SACK permitted */
	OPTION_SACK = 5,
	OPTION_TS = 8,
};

#define PACKET_OPTIONS_MAX 40 /* bytes of options; so many kinds at most */

struct packet {
	addr6_t saddr, daddr; /* IPv4: in the low 32 bits */
	uint32_t quirks;      /* bits of enum packet_quirk */
	uint32_t seq;
	uint32_t ts_own; /* 0 without a timestamp option */
	uint16_t sport, dport;
	uint16_t flags;     /* bits of enum packet_flag */
	uint16_t window;    /* bytes, unscaled */
	uint16_t mss;       /* bytes; 0 without the option */
	uint16_t ip_id;     /* 0 for IPv6 */
	uint16_t headers;   /* bytes from IP header to the end of the options */
	uint16_t payload;   /* bytes after them, by the IP header's account */
	uint8_t version;    /* 4 or 6 */
	uint8_t ttl;        /* TTL or hop limit, as it arrived */
	uint8_t tos;        /* traffic class, with the ECN bits */
	uint8_t ip_options; /* bytes of IPv4 options; 0 for IPv6 */
	uint8_t scale;      /* window scale; 0 without the option */
	uint8_t tcp_options; /* bytes of TCP options, padding included */
	uint8_t eol_pad;     /* bytes after EOL */
	bool fragment;       /* first of several */
	/* Kinds in the order of the header, up to the first malformed one.
	 * The rest of the array is 0, so that equal layouts are equal bytes. */
	uint8_t layout_len;
	uint8_t layout[PACKET_OPTIONS_MAX];
};

enum packet_status {
	PACKET_OK,
	PACKET_SHORT,     /* cut before the end of a header that it needs */
	PACKET_NOT_IP,    /* neither version 4 nor 6 */
	PACKET_BAD_IP,    /* lengths in the IP header contradict each other */
	PACKET_BAD_CHAIN, /* IPv6 extension headers: broken, or too many */
	PACKET_FRAGMENT,  /* a fragment without the whole TCP header */
	PACKET_NOT_TCP,
	PACKET_BAD_TCP, /* data offset below 5, or past the packet's end */
	PACKET_STATUS_COUNT,
};

/* packet_status_name - "ok", "short", "not-ip" … as counters spell it. */
const char *packet_status_name(enum packet_status status);

/* packet_parse - take a TCP segment apart.
 *
 * data is the packet from its IP header on, as NFQUEUE hands it over; len is
 * what was captured, which may be less than the packet had (the payload is not
 * looked at) or more (link padding).  IPv4 with options (RFC 791); IPv6 with
 * hop-by-hop, routing, fragment, destination, AH and mobility headers, 16 at
 * most (RFC 8200, 4302, 6275).  A total or payload length of 0 is taken as "all
 * that is there": that is what captures of segmentation offload show.
 * Malformed TCP options are no error but a quirk: what came before them is
 * filled in.  Any flags are accepted; see packet_is_syn().
 *
 * Reads only data[0..len), allocates nothing, keeps nothing.  Unless the result
 * is PACKET_OK, *out is undefined. */
enum packet_status packet_parse(const void *data, size_t len,
				struct packet *out);

/* packet_is_syn - opens a connection: SYN without ACK.  (FIN or RST beside it
 * is a scanner's, and still a SYN to many a stack.) */
static inline bool packet_is_syn(const struct packet *p)
{
	return (p->flags & (PACKET_SYN | PACKET_ACK)) == PACKET_SYN;
}

/* packet_source, packet_destination - the addresses as the rest has them. */
struct addr packet_source(const struct packet *p);
struct addr packet_destination(const struct packet *p);

#endif
