// SPDX-License-Identifier: GPL-2.0-or-later
/* Packets from strangers, taken apart in one pass:
 *
 *	IPv4 header [options]               \
 *	                                     }  TCP header  options  payload
 *	IPv6 header [extension headers …]   /
 *
 * Three cursors never pass each other: where we are, where the packet ends by
 * its own account, and where the bytes end that we were given.  Each step
 * compares before it reads, so nothing is read that was not given, and each
 * loop moves on by at least one byte or gives up, so that all of it is bounded
 * by the length.
 *
 * The quirks and the handling of broken options follow what p0f 3.09b does with
 * the same bytes: its signatures mean the same here only if they are told the
 * same facts. */
#include <geoblock/packet.h>

#include <assert.h>
#include <string.h>

#include <netinet/in.h>

#define IP4_HEADER 20
#define IP6_HEADER 40
#define TCP_HEADER 20
#define CHAIN_MAX  16 /* IPv6 extension headers; three are rare already */

static const char *const quirk_words[QUIRK_COUNT] = {
	"df",   "id+",  "id-",  "ecn",   "0+",    "flow",
	"seq-", "ack+", "ack-", "uptr+", "urgf+", "pushf+",
	"ts1-", "ts2+", "opt+", "exws",  "bad",
};

static const char *const status_names[PACKET_STATUS_COUNT] = {
	[PACKET_OK] = "ok",
	[PACKET_SHORT] = "short",
	[PACKET_NOT_IP] = "not-ip",
	[PACKET_BAD_IP] = "bad-ip",
	[PACKET_BAD_CHAIN] = "bad-chain",
	[PACKET_FRAGMENT] = "fragment",
	[PACKET_NOT_TCP] = "not-tcp",
	[PACKET_BAD_TCP] = "bad-tcp",
};

const char *quirk_word(unsigned i)
{
	assert(i < QUIRK_COUNT);
	return quirk_words[i];
}

const char *packet_status_name(enum packet_status status)
{
	assert((unsigned)status < PACKET_STATUS_COUNT);
	return status_names[status];
}

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static inline addr6_t get128(const uint8_t *p)
{
	return ADDR6((uint64_t)get32(p) << 32 | get32(p + 4),
		     (uint64_t)get32(p + 8) << 32 | get32(p + 12));
}

/* What the IP layer leaves to the TCP layer. */
struct segment {
	const uint8_t *at; /* the TCP header, if there is room for one */
	size_t given;      /* bytes that we have from there on */
	size_t claimed;    /* bytes that the IP header says there are */
	size_t ip_headers; /* bytes before it */
};

/* A length that is too short for the header is the sender's lie; one that is
 * shorter than what came is link padding. */
static bool claim(size_t claimed, size_t header, size_t *len)
{
	if (claimed < header)
		return false;
	if (*len > claimed)
		*len = claimed;
	return true;
}

static enum packet_status parse_ip4(const uint8_t *data, size_t len,
				    struct packet *out, struct segment *seg)
{
	size_t header, total;
	uint16_t fragment;

	if (len < IP4_HEADER)
		return PACKET_SHORT;
	header = (size_t)(data[0] & 0x0f) * 4;
	total = get16(data + 2);
	if (total == 0)
		total = len;
	if (header < IP4_HEADER || !claim(total, header, &len))
		return PACKET_BAD_IP;
	fragment = get16(data + 6);
	if (fragment & 0x1fff)
		return PACKET_FRAGMENT;
	if (data[9] != IPPROTO_TCP)
		return PACKET_NOT_TCP;
	if (len < header)
		return PACKET_SHORT;

	out->version = 4;
	out->tos = data[1];
	out->ip_id = get16(data + 4);
	out->fragment = fragment & 0x2000;
	out->ttl = data[8];
	out->saddr = get32(data + 12);
	out->daddr = get32(data + 16);
	out->ip_options = (uint8_t)(header - IP4_HEADER);
	if (fragment & 0x8000)
		out->quirks |= QUIRK_ZERO_PLUS;
	if (fragment & 0x4000)
		out->quirks |= QUIRK_DF | (out->ip_id ? QUIRK_ID_PLUS : 0);
	else if (out->ip_id == 0)
		out->quirks |= QUIRK_ID_MINUS;

	*seg = (struct segment){ data + header, len - header, total - header,
				 header };
	return PACKET_OK;
}

/* Walks the extension headers from *at, the type of the first in `next`. */
static enum packet_status walk_chain(uint8_t next, const uint8_t *data,
				     size_t len, size_t *at, bool *fragment)
{
	for (unsigned i = 0; i <= CHAIN_MAX; i++) {
		size_t size;

		if (next == IPPROTO_TCP)
			return PACKET_OK;
		switch (next) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
		case IPPROTO_MH:
		case IPPROTO_FRAGMENT:
		case IPPROTO_AH:
			break;
		default:
			return PACKET_NOT_TCP;
		}
		if (len - *at < 8)
			return PACKET_SHORT;
		if (next == IPPROTO_FRAGMENT) {
			if (get16(data + *at + 2) & 0xfff8)
				return PACKET_FRAGMENT;
			*fragment |= data[*at + 3] & 1;
			size = 8;
		} else if (next == IPPROTO_AH) {
			size = ((size_t)data[*at + 1] + 2) * 4;
		} else {
			size = ((size_t)data[*at + 1] + 1) * 8;
		}
		if (size < 8)
			return PACKET_BAD_CHAIN;
		if (len - *at < size)
			return PACKET_SHORT;
		next = data[*at];
		*at += size;
	}
	return PACKET_BAD_CHAIN;
}

static enum packet_status parse_ip6(const uint8_t *data, size_t len,
				    struct packet *out, struct segment *seg)
{
	size_t at = IP6_HEADER, total;
	enum packet_status status;
	uint32_t first;

	if (len < IP6_HEADER)
		return PACKET_SHORT;
	total = get16(data + 4);
	total = total == 0 ? len : total + IP6_HEADER;
	claim(total, IP6_HEADER, &len);
	status = walk_chain(data[6], data, len, &at, &out->fragment);
	/* cut by the capture, or by the sender's own account? */
	if (status == PACKET_SHORT && len == total)
		return out->fragment ? PACKET_FRAGMENT : PACKET_BAD_CHAIN;
	if (status != PACKET_OK)
		return status;

	first = get32(data);
	out->version = 6;
	out->tos = (uint8_t)(first >> 20);
	out->ttl = data[7];
	out->saddr = get128(data + 8);
	out->daddr = get128(data + 24);
	if (first & 0xfffff)
		out->quirks |= QUIRK_FLOW;

	*seg = (struct segment){ data + at, len - at, total - at, at };
	return PACKET_OK;
}

/* Takes one option; gives its size, or 0 where it runs past the end.  A known
 * option with a wrong length byte is read at the size it should have. */
static size_t parse_option(const uint8_t *opt, size_t len, struct packet *out)
{
	static const uint8_t sizes[] = { [OPTION_MSS] = 4,
					 [OPTION_WS] = 3,
					 [OPTION_SOK] = 2,
					 [OPTION_TS] = 10 };
	size_t size = opt[0] < sizeof(sizes) ? sizes[opt[0]] : 0;

	if (size == 0) { /* SACK, or any other kind */
		uint8_t least = opt[0] == OPTION_SACK ? 10 : 2;
		uint8_t most = opt[0] == OPTION_SACK ? 34 : 40;

		if (len < 2 || opt[1] < least || opt[1] > most || opt[1] > len)
			return 0;
		return opt[1];
	}
	if (size > len)
		return 0;
	if (opt[1] != size)
		out->quirks |= QUIRK_BAD;
	switch (opt[0]) {
	case OPTION_MSS:
		out->mss = get16(opt + 2);
		break;
	case OPTION_WS:
		out->scale = opt[2];
		if (opt[2] > 14)
			out->quirks |= QUIRK_EXWS;
		break;
	case OPTION_TS:
		out->ts_own = get32(opt + 2);
		if (out->ts_own == 0)
			out->quirks |= QUIRK_TS_OWN_MINUS;
		if (get32(opt + 6) != 0 && packet_is_syn(out))
			out->quirks |= QUIRK_TS_PEER_PLUS;
		break;
	default:
		break;
	}
	return size;
}

static void parse_options(const uint8_t *opt, size_t len, struct packet *out)
{
	uint8_t kinds = 0;

	memset(out->layout, 0, sizeof(out->layout));
	while (len > 0) {
		size_t size = 1;

		out->layout[kinds++] = opt[0];
		if (opt[0] == OPTION_EOL) {
			out->eol_pad = (uint8_t)(len - 1);
			for (size_t i = 1; i < len; i++)
				if (opt[i] != 0)
					out->quirks |= QUIRK_OPT_PLUS;
			size = len;
		} else if (opt[0] != OPTION_NOP) {
			size = parse_option(opt, len, out);
			if (size == 0) {
				out->quirks |= QUIRK_BAD;
				break;
			}
		}
		opt += size;
		len -= size;
	}
	out->layout_len = kinds;
}

static uint32_t tcp_quirks(const uint8_t *tcp, const struct packet *p)
{
	uint32_t ack = get32(tcp + 8), quirks = 0;
	uint16_t flags = p->flags;

	if ((p->tos & 3) || (flags & (PACKET_ECE | PACKET_CWR | PACKET_NS)))
		quirks |= QUIRK_ECN;
	if (p->seq == 0)
		quirks |= QUIRK_SEQ_MINUS;
	if (flags & PACKET_ACK)
		quirks |= ack == 0 ? QUIRK_ACK_MINUS : 0;
	else if (ack != 0 && !(flags & PACKET_RST)) /* RSTs carry anything */
		quirks |= QUIRK_ACK_PLUS;
	if (flags & PACKET_URG)
		quirks |= QUIRK_URG_FLAG_PLUS;
	else if (get16(tcp + 18) != 0)
		quirks |= QUIRK_URG_PTR_PLUS;
	if (flags & PACKET_PSH)
		quirks |= QUIRK_PUSH_PLUS;
	return quirks;
}

static enum packet_status parse_tcp(const struct segment *seg,
				    struct packet *out)
{
	const uint8_t *tcp = seg->at;
	size_t header;

	if (seg->claimed < TCP_HEADER)
		return out->fragment ? PACKET_FRAGMENT : PACKET_BAD_TCP;
	if (seg->given < TCP_HEADER)
		return PACKET_SHORT;
	header = (size_t)(tcp[12] >> 4) * 4;
	if (header < TCP_HEADER)
		return PACKET_BAD_TCP;
	if (seg->claimed < header)
		return out->fragment ? PACKET_FRAGMENT : PACKET_BAD_TCP;
	if (seg->given < header)
		return PACKET_SHORT;

	out->sport = get16(tcp);
	out->dport = get16(tcp + 2);
	out->seq = get32(tcp + 4);
	out->flags = (uint16_t)((tcp[12] & 1) << 8 | tcp[13]);
	out->window = get16(tcp + 14);
	out->headers = (uint16_t)(seg->ip_headers + header);
	/* a capture of an offloaded jumbo may hold more than 16 bits can say */
	out->payload = seg->claimed - header > UINT16_MAX
			       ? UINT16_MAX
			       : (uint16_t)(seg->claimed - header);
	out->quirks |= tcp_quirks(tcp, out);
	out->tcp_options = (uint8_t)(header - TCP_HEADER);
	parse_options(tcp + TCP_HEADER, header - TCP_HEADER, out);
	return PACKET_OK;
}

enum packet_status packet_parse(const void *data, size_t len,
				struct packet *out)
{
	const uint8_t *ip = data;
	enum packet_status status;
	struct segment seg;

	if (len == 0)
		return PACKET_SHORT;
	/* what only some packets set; the rest is written in any case */
	out->quirks = 0;
	out->ts_own = 0;
	out->mss = 0;
	out->ip_id = 0;
	out->ip_options = 0;
	out->scale = 0;
	out->eol_pad = 0;
	out->fragment = false;

	switch (ip[0] >> 4) {
	case 4:
		status = parse_ip4(ip, len, out, &seg);
		break;
	case 6:
		status = parse_ip6(ip, len, out, &seg);
		break;
	default:
		return PACKET_NOT_IP;
	}
	return status == PACKET_OK ? parse_tcp(&seg, out) : status;
}

struct addr packet_source(const struct packet *p)
{
	return (struct addr){ .family = p->version, .value = p->saddr };
}

struct addr packet_destination(const struct packet *p)
{
	return (struct addr){ .family = p->version, .value = p->daddr };
}
