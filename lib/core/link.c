// SPDX-License-Identifier: GPL-2.0-or-later
/* Link headers, as https://www.tcpdump.org/linktypes.html describes them.
 *
 * A cursor walks over the frame; each header knows how long it is and either
 * names what follows by an EtherType, a PPP protocol or an address family, or
 * is the last one.  Every step takes at least one byte, and stacks (tags,
 * labels) have a limit. */
#include <geoblock/link.h>

enum link_type { /* the numbers of libpcap's DLT_… on Linux */
		 TYPE_NULL = 0,
		 TYPE_ETHERNET = 1,
		 TYPE_PPP = 9,
		 TYPE_RAW = 12,
		 TYPE_RAW_BSD = 14,
		 TYPE_PPP_SERIAL = 50,
		 TYPE_PPP_ETHER = 51,
		 TYPE_RAW_LINK = 101,
		 TYPE_C_HDLC = 104,
		 TYPE_IEEE802_11 = 105,
		 TYPE_LOOP = 108,
		 TYPE_ENC = 109,
		 TYPE_LINUX_SLL = 113,
		 TYPE_PFLOG = 117,
		 TYPE_RADIOTAP = 127,
		 TYPE_IPV4 = 228,
		 TYPE_IPV6 = 229,
		 TYPE_NFLOG = 239,
		 TYPE_LINUX_SLL2 = 276,
};

#define TAGS_MAX      8 /* VLAN tags, or MPLS labels */
#define NFLOG_PAYLOAD 9

/* The rest of a frame. */
struct frame {
	const uint8_t *at;
	size_t len;
};

static bool skip(struct frame *f, size_t count)
{
	if (f->len < count)
		return false;
	f->at += count;
	f->len -= count;
	return true;
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static enum link_status after_ppp(struct frame *f)
{
	uint16_t protocol;

	/* address and control of HDLC-like framing, RFC 1662; often left out */
	if (f->len >= 2 && f->at[0] == 0xff && f->at[1] == 0x03)
		skip(f, 2);
	if (f->len < 2)
		return LINK_SHORT;
	/* an odd first byte is the whole protocol, compressed: RFC 1661 6.5 */
	if (f->at[0] & 1) {
		protocol = f->at[0];
		skip(f, 1);
	} else {
		protocol = get16(f->at);
		skip(f, 2);
	}
	return protocol == 0x0021 || protocol == 0x0057 ? LINK_OK : LINK_NOT_IP;
}

static enum link_status after_pppoe(struct frame *f)
{
	/* version and type 1, code 0 (session), RFC 2516 */
	if (f->len < 6)
		return LINK_SHORT;
	if (f->at[0] != 0x11 || f->at[1] != 0)
		return LINK_NOT_IP;
	skip(f, 6);
	return after_ppp(f);
}

static enum link_status after_mpls(struct frame *f)
{
	for (unsigned i = 0; i < TAGS_MAX; i++) {
		bool bottom;

		if (f->len < 4)
			return LINK_SHORT;
		bottom = f->at[2] & 1;
		skip(f, 4);
		if (!bottom)
			continue;
		/* nothing says what follows but its own first bits */
		if (f->len == 0)
			return LINK_SHORT;
		return f->at[0] >> 4 == 4 || f->at[0] >> 4 == 6 ? LINK_OK
								: LINK_NOT_IP;
	}
	return LINK_NOT_IP;
}

static enum link_status after_llc(struct frame *f, uint16_t *ethertype)
{
	static const uint8_t snap[] = { 0xaa, 0xaa, 0x03, 0, 0, 0 };

	if (f->len < 8)
		return LINK_SHORT;
	for (unsigned i = 0; i < sizeof(snap); i++)
		if (f->at[i] != snap[i])
			return LINK_NOT_IP;
	*ethertype = get16(f->at + 6);
	skip(f, 8);
	return LINK_OK;
}

static enum link_status after_ethertype(struct frame *f, uint16_t type)
{
	for (unsigned i = 0; i <= TAGS_MAX; i++) {
		switch (type) {
		case 0x0800:
		case 0x86dd:
			return LINK_OK;
		case 0x8864:
			return after_pppoe(f);
		case 0x8847:
		case 0x8848:
			return after_mpls(f);
		case 0x8100: /* 802.1Q; 802.1ad, and what was used before it */
		case 0x88a8:
		case 0x9100:
		case 0x9200:
			if (f->len < 4)
				return LINK_SHORT;
			type = get16(f->at + 2);
			skip(f, 4);
			break;
		default:
			if (type > 1500)
				return LINK_NOT_IP;
			/* a length, not a type */
			if (after_llc(f, &type) != LINK_OK)
				return LINK_NOT_IP;
			break;
		}
	}
	return LINK_NOT_IP;
}

/* An EtherType `at` bytes into a header of `size` bytes. */
static enum link_status typed(struct frame *f, size_t at, size_t size)
{
	uint16_t type;

	if (f->len < size)
		return LINK_SHORT;
	type = get16(f->at + at);
	skip(f, size);
	return after_ethertype(f, type);
}

/* AF_INET is 2 everywhere; AF_INET6 is 10, 24, 28 or 30. */
static bool is_ip_family(uint32_t family)
{
	return family == 2 || family == 10 || family == 24 || family == 28 ||
	       family == 30;
}

/* A header of `size` bytes that begins with an address family in the byte order
 * of whoever wrote it. */
static enum link_status family(struct frame *f, size_t size)
{
	const uint8_t *p = f->at;

	if (f->len < size)
		return LINK_SHORT;
	if (!is_ip_family((uint32_t)get16(p) << 16 | get16(p + 2)) &&
	    !is_ip_family((uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 |
			  (uint32_t)p[1] << 8 | p[0]))
		return LINK_NOT_IP;
	skip(f, size);
	return LINK_OK;
}

static enum link_status after_radio(struct frame *f)
{
	size_t size = 24;
	uint8_t control, flags;
	uint16_t type;

	if (f->len < size)
		return LINK_SHORT;
	control = f->at[0];
	flags = f->at[1];
	/* data that carries data, unencrypted */
	if ((control & 0x0c) != 0x08 || (control & 0x40) || (flags & 0x40))
		return LINK_NOT_IP;
	if ((flags & 0x03) == 0x03)
		size += 6; /* fourth address */
	if (control & 0x80)
		size += flags & 0x80 ? 6 : 2; /* QoS, HT control */
	if (!skip(f, size))
		return LINK_SHORT;
	if (f->len < 8)
		return LINK_SHORT;
	if (after_llc(f, &type) != LINK_OK)
		return LINK_NOT_IP;
	return after_ethertype(f, type);
}

static enum link_status after_radiotap(struct frame *f)
{
	if (f->len < 4)
		return LINK_SHORT;
	if (!skip(f, (size_t)f->at[3] << 8 | f->at[2]))
		return LINK_SHORT;
	return after_radio(f);
}

static enum link_status after_pflog(struct frame *f)
{
	size_t size;

	if (f->len < 4)
		return LINK_SHORT;
	size = ((size_t)f->at[0] + 3) & ~(size_t)3;
	if (!is_ip_family(f->at[1]))
		return LINK_NOT_IP;
	return skip(f, size) ? LINK_OK : LINK_SHORT;
}

/* Netlink's attributes in the byte order of the host, which is taken to be
 * little-endian; the lengths are unaligned, the attributes are not. */
static enum link_status after_nflog(struct frame *f)
{
	if (!skip(f, 4))
		return LINK_SHORT;
	while (f->len >= 4) {
		size_t size = (size_t)f->at[1] << 8 | f->at[0];
		unsigned type = (unsigned)f->at[3] << 8 | f->at[2];

		if (type == NFLOG_PAYLOAD) {
			skip(f, 4);
			return LINK_OK;
		}
		if (size < 4 || !skip(f, (size + 3) & ~(size_t)3))
			return LINK_SHORT;
	}
	return LINK_NOT_IP;
}

static enum link_status network(int type, struct frame *f)
{
	switch (type) {
	case TYPE_RAW:
	case TYPE_RAW_BSD:
	case TYPE_RAW_LINK:
	case TYPE_IPV4:
	case TYPE_IPV6:
		return LINK_OK;
	case TYPE_ETHERNET:
		return typed(f, 12, 14);
	case TYPE_LINUX_SLL:
		return typed(f, 14, 16);
	case TYPE_LINUX_SLL2:
		return typed(f, 0, 20);
	case TYPE_C_HDLC:
		return typed(f, 2, 4);
	case TYPE_NULL:
	case TYPE_LOOP:
		return family(f, 4);
	case TYPE_ENC:
		return family(f, 12);
	case TYPE_PPP:
	case TYPE_PPP_SERIAL:
		return after_ppp(f);
	case TYPE_PPP_ETHER:
		return after_pppoe(f);
	case TYPE_IEEE802_11:
		return after_radio(f);
	case TYPE_RADIOTAP:
		return after_radiotap(f);
	case TYPE_PFLOG:
		return after_pflog(f);
	case TYPE_NFLOG:
		return after_nflog(f);
	default:
		return LINK_UNKNOWN;
	}
}

bool link_known(int type)
{
	struct frame none = { NULL, 0 };

	return network(type, &none) != LINK_UNKNOWN;
}

enum link_status link_network(int type, const void *data, size_t len,
			      size_t *offset)
{
	struct frame f = { data, len };
	enum link_status status = network(type, &f);

	if (status == LINK_OK)
		*offset = (size_t)(f.at - (const uint8_t *)data);
	return status;
}
