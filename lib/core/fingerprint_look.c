// SPDX-License-Identifier: GPL-2.0-or-later
/* How a SYN is built, whoever did.
 *
 * A stack writes its options in an order, and with a padding, that its code
 * fixes for decades.  A build is such an order, as a form: a packet fits where
 * each option is as in the form, or was overwritten with as many NOPs.  That is
 * what middleboxes do that take options out: the offsets of all others stay. */
#include "lib/core/fingerprint_impl.h"

#include <string.h>

#define MSS OPTION_MSS
#define NOP OPTION_NOP
#define WS  OPTION_WS
#define SOK OPTION_SOK
#define TS  OPTION_TS
#define EOL OPTION_EOL

struct form {
	uint8_t build;
	uint8_t size; /* bytes in the header */
	uint8_t len;
	uint8_t kinds[9]; /* an EOL has one byte behind it */
};

static const struct form forms[] = {
	{ BUILD_WINDOWS, 12, 6, { MSS, NOP, WS, NOP, NOP, SOK } },
	{ BUILD_WINDOWS_PLAIN, 8, 4, { MSS, NOP, NOP, SOK } },
	{ BUILD_TIMESTAMPS, 20, 5, { MSS, NOP, WS, SOK, TS } },
	{ BUILD_LINUX, 20, 5, { MSS, SOK, TS, NOP, WS } },
	{ BUILD_LINUX, 12, 6, { MSS, NOP, NOP, SOK, NOP, WS } },
	{ BUILD_LINUX, 20, 6, { MSS, NOP, NOP, TS, NOP, WS } },
	{ BUILD_LINUX, 16, 3, { MSS, SOK, TS } },
	{ BUILD_DARWIN, 24, 8, { MSS, NOP, WS, NOP, NOP, TS, SOK, EOL } },
	{ BUILD_DARWIN, 22, 7, { MSS, NOP, WS, NOP, NOP, TS, SOK } },
	{ BUILD_LATE, 8, 3, { MSS, SOK, EOL } },
	{ BUILD_NO_TIMESTAMPS, 12, 5, { MSS, NOP, WS, SOK, EOL } },
	{ BUILD_OPENBSD, 24, 9, { MSS, NOP, NOP, SOK, NOP, WS, NOP, NOP, TS } },
	{ BUILD_NETBSD, 24, 9, { MSS, NOP, WS, SOK, NOP, NOP, NOP, NOP, TS } },
	{ BUILD_DRAGON, 24, 9, { MSS, NOP, WS, NOP, NOP, SOK, NOP, NOP, TS } },
	{ BUILD_OLD, 24, 9, { MSS, NOP, WS, NOP, NOP, TS, NOP, NOP, SOK } },
	{ BUILD_BSD_OLD, 20, 6, { MSS, NOP, WS, NOP, NOP, TS } },
};

static bool all_nops(const uint8_t *kinds, unsigned left, unsigned count)
{
	if (left < count)
		return false;
	for (unsigned i = 0; i < count; i++)
		if (kinds[i] != NOP)
			return false;
	return true;
}

/* How many options of the form are NOPs in kinds[len]; -1 if they do not
 * fit otherwise, or nothing would be left to tell it by. */
static int fit(const struct form *t, const uint8_t *kinds, unsigned len)
{
	static const uint8_t sizes[] = {
		[MSS] = 4, [WS] = 3, [SOK] = 2, [TS] = 10
	};
	unsigned at = 0, cleared = 0, kept = 0;

	if (len == t->len && memcmp(kinds, t->kinds, len) == 0)
		return 0;
	for (unsigned i = 0; i < t->len; i++) {
		uint8_t kind = t->kinds[i];

		if (at < len && kinds[at] == kind) {
			at++;
			kept += kind == WS || kind == SOK || kind == TS;
		} else if (kind > NOP && kind != MSS &&
			   all_nops(kinds + at, len - at, sizes[kind])) {
			at += sizes[kind];
			cleared++;
		} else {
			return -1;
		}
	}
	return at == len && kept > 0 ? (int)cleared : -1;
}

static bool is_extension(uint8_t kind)
{
	return kind == 30 ||               /* Multipath TCP, RFC 8684 */
	       kind == 34 ||               /* Fast Open, RFC 7413 */
	       kind == 253 || kind == 254; /* experiments, RFC 4727 */
}

/* Windows are whole segments of the MSS that the sender meant, with a timestamp
 * perhaps less its 12 bytes; where that was clamped on the way, of Ethernet's.
 */
static void look_at_window(struct look *look)
{
	const struct packet *p = look->p;
	unsigned ethernet = p->version == 6 ? 1440 : 1460;
	unsigned tries[] = { p->mss, p->mss - 12u, ethernet, ethernet - 12,
			     ethernet - 8 /* PPPoE */ };

	if (p->mss < 100)
		return;
	for (unsigned i = 0; i < sizeof(tries) / sizeof(*tries); i++)
		if (p->window > 0 && p->window % tries[i] == 0) {
			look->segments = true;
			look->clamped = i >= 2 && p->mss < ethernet;
			return;
		}
}

struct look look_at(const struct packet *p)
{
	struct look look = { .p = p, .build = BUILD_NONE, .cleared = 99 };
	unsigned len = 0;

	if ((p->quirks & QUIRK_BAD) || p->layout[0] != MSS)
		return look;
	if (p->layout_len == 1) {
		look.build = BUILD_BARE;
		look.cleared = 0;
		return look;
	}
	while (len < p->layout_len && !is_extension(p->layout[len]))
		len++;
	look.extended = len < p->layout_len;
	for (unsigned i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		const struct form *t = &forms[i];
		int cleared;

		if (look.extended ? t->size > p->tcp_options
				  : t->size != p->tcp_options)
			continue;
		cleared = fit(t, p->layout, len);
		if (cleared >= 0 && (unsigned)cleared < look.cleared) {
			look.cleared = (unsigned)cleared;
			look.build = (enum build)t->build;
		}
		if (cleared == 0)
			break;
	}
	if (look.build != BUILD_NONE)
		look_at_window(&look);
	return look;
}
