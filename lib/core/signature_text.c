// SPDX-License-Identifier: GPL-2.0-or-later
/* A packet as a signature: what p0f calls raw_sig, so that an unknown stack can
 * be reported and, once its name is known, be pasted into a database. */
#include <assert.h>
#include <string.h>

#include "lib/core/signature_impl.h"

#define MTU_ETHERNET 1500
#define HEADERS4     40 /* IPv4 and TCP without options */
#define HEADERS6     60
#define TIMESTAMP    12 /* the option, with its two NOPs */

uint8_t ttl_distance(uint8_t ttl)
{
	unsigned first = ttl <= 32    ? 32
			 : ttl <= 64  ? 64
			 : ttl <= 128 ? 128
				      : 255;

	return (uint8_t)(first - ttl);
}

unsigned packet_window_factor(const struct packet *p, bool *mtu)
{
	unsigned window = p->window, mss = p->mss;
	bool six = p->version == 6;
	struct {
		unsigned divisor;
		bool mtu;
	} tries[] = {
		{ mss, false },
		{ p->ts_own ? mss - TIMESTAMP : 0, false },
		{ MTU_ETHERNET - HEADERS4, false },
		{ MTU_ETHERNET - HEADERS4 - TIMESTAMP, false },
		{ six ? MTU_ETHERNET - HEADERS6 : 0, false },
		{ six ? MTU_ETHERNET - HEADERS6 - TIMESTAMP : 0, false },
		{ mss + HEADERS4, true },
		{ mss + p->headers, true },
		{ six ? mss + HEADERS6 : 0, true },
		{ MTU_ETHERNET, true },
	};

	*mtu = false;
	if (window == 0 ||
	    mss < 100) /* p0f's bound: below, all is a multiple */
		return 0;
	for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++)
		if (tries[i].divisor && window % tries[i].divisor == 0) {
			*mtu = tries[i].mtu;
			return window / tries[i].divisor;
		}
	return 0;
}

/* Writers: each gives where the next one goes on. */

static char *put_text(char *at, const char *text)
{
	size_t len = strlen(text);

	memcpy(at, text, len);
	return at + len;
}

static char *put_number(char *at, unsigned value)
{
	char digits[10];
	unsigned n = 0;

	do
		digits[n++] = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	while (n > 0)
		*at++ = digits[--n];
	return at;
}

static char *put_layout(char *at, const struct packet *p)
{
	for (unsigned i = 0; i < p->layout_len; i++) {
		uint8_t kind = p->layout[i];
		const char *word = signature_option_word(kind);

		if (i > 0)
			*at++ = ',';
		if (!word) {
			*at++ = '?';
			at = put_number(at, kind);
			continue;
		}
		at = put_text(at, word);
		if (kind == OPTION_EOL) {
			*at++ = '+';
			at = put_number(at, p->eol_pad);
		}
	}
	return at;
}

static char *put_quirks(char *at, uint32_t quirks)
{
	bool first = true;

	for (unsigned i = 0; i < QUIRK_COUNT; i++) {
		if (!(quirks & 1u << i))
			continue;
		if (!first)
			*at++ = ',';
		first = false;
		at = put_text(at, quirk_word(i));
	}
	return at;
}

char *signature_append(const struct packet *p, char *buf)
{
	bool mtu;
	unsigned factor = packet_window_factor(p, &mtu);
	char *at = buf;

	*at++ = (char)('0' + p->version);
	*at++ = ':';
	at = put_number(at, p->ttl);
	*at++ = '+';
	if (ttl_distance(p->ttl) <= SIGNATURE_HOPS_MAX)
		at = put_number(at, ttl_distance(p->ttl));
	else
		*at++ = '?';
	*at++ = ':';
	at = put_number(at, p->ip_options);
	*at++ = ':';
	at = put_number(at, p->mss);
	*at++ = ':';
	if (factor)
		at = put_text(at, mtu ? "mtu*" : "mss*");
	at = put_number(at, factor ? factor : p->window);
	*at++ = ',';
	at = put_number(at, p->scale);
	*at++ = ':';
	at = put_layout(at, p);
	*at++ = ':';
	at = put_quirks(at, p->quirks);
	*at++ = ':';
	*at++ = p->payload > 0 ? '+' : '0';
	*at = '\0';
	assert(at - buf < SIGNATURE_TEXT_MAX);
	return at;
}

const char *signature_of_packet(const struct packet *p, char *buf)
{
	signature_append(p, buf);
	return buf;
}
