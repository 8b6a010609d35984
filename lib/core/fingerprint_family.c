// SPDX-License-Identifier: GPL-2.0-or-later
/* Families of TCP stacks, told by how they build a SYN (fingerprint_look.c), by
 * the window and by the TTL.
 *
 * The order of options is in a stack's code; windows, scales and TTLs are tuned
 * by releases, applications, administrators and routers.  So the order says
 * which family, and the rest how sure that is.  Builds that one family has alone
 * need little more.  Windows shares its own:
 *
 *	mss,nop,ws,nop,nop,sok	Windows since Vista; Solaris 10, IRIX
 *	mss,nop,nop,sok		Windows to 2003; Linux without timestamps and
 *				scaling; Solaris 9, IRIX, consoles, caches
 *	mss,nop,ws,sok,ts	Windows with timestamps; FreeBSD, and what is
 *				made of it
 *
 * which is where the window's arithmetic and then the TTL decide.  The figures
 * in the tables below are chosen so that 80 wants a window that Windows
 * computes and a TTL that it sends, and 60 one of them beyond doubt. */
#include "lib/core/fingerprint_impl.h"

#include <stddef.h>

/* ---- Windows ------------------------------------------------------------- */

/* Where the TTL began, as far as it matters. */
enum ttl_class {
	TTL_64,  /* or 32: Unix; IPv6 by router advertisement */
	TTL_128, /* Windows */
	TTL_255, /* network gear, proxies, rewritten */
};

static enum ttl_class ttl_class(const struct packet *p)
{
	return p->ttl <= 64 ? TTL_64 : p->ttl <= 128 ? TTL_128 : TTL_255;
}

/* How well the window fits a Windows of that build. */
enum fit {
	FIT_COMPUTED, /* as Windows computes it */
	FIT_KNOWN,    /* a round buffer that was often asked for */
	FIT_BUFFER,   /* may be a buffer that an application asked for */
	FIT_ODD,
	FIT_COUNT,
};

/* Confidence by fit, and by TTL class. */
typedef int8_t confidences[FIT_COUNT][3];

/*                                            64  128  255 */
static const confidences scaled4 = {
	{ 74, 94, 70 }, { 64, 88, 60 }, { 45, 82, 45 }, { 40, 65, 40 }
};
static const confidences scaled6 = {
	{ 92, 94, 70 }, { 80, 85, 55 }, { 62, 75, 45 }, { 50, 60, 40 }
};
static const confidences plain4 = {
	{ 60, 92, 40 }, { 40, 88, 40 }, { 40, 75, 40 }, { 40, 60, 40 }
};
static const confidences plain6 = {
	{ 80, 80, 40 }, { 60, 75, 40 }, { 45, 60, 40 }, { 40, 50, 40 }
};
static const confidences timestamps4 = {
	{ 45, 88, 40 }, { 45, 80, 40 }, { 40, 65, 40 }, { 40, 60, 40 }
};
static const confidences timestamps6 = {
	{ 55, 86, 40 }, { 45, 80, 40 }, { 40, 65, 40 }, { 40, 60, 40 }
};

static bool is_large(const struct look *look)
{
	return look->p->window == 65535 ||
	       (look->p->window > 60000 && look->segments);
}

static enum fit fit_scaled(const struct look *look)
{
	uint16_t window = look->p->window;
	uint8_t scale = look->p->scale;

	/* autotuning: normal 8, restricted 4, highly 2, experimental 14, off */
	if (window == 8192 && (scale == 8 || scale == 4 || scale == 2 ||
			       scale == 14 || scale == 0))
		return FIT_COMPUTED;
	if (scale == 8)
		return is_large(look)   ? FIT_COMPUTED
		       : window > 60000 ? FIT_KNOWN
					: FIT_ODD;
	if (scale <= 3 && (is_large(look) || window == 64512))
		return FIT_KNOWN;
	return scale < 8 ? FIT_BUFFER : FIT_ODD;
}

static enum fit fit_plain(const struct look *look)
{
	uint16_t window = look->p->window;

	if (window == 65535 || window == 64512 || window == 16384 ||
	    window == 8192)
		return FIT_COMPUTED;
	return look->segments ? FIT_KNOWN : FIT_BUFFER;
}

static enum fit fit_timestamps(const struct look *look)
{
	if (look->p->scale == 8 && (is_large(look) || look->p->window == 8192))
		return FIT_COMPUTED;
	return look->p->window == 8192 ? FIT_KNOWN : FIT_BUFFER;
}

/* "10 or 11" */
static const char *windows_flavour(enum windows_generation generation)
{
	static const char *const flavours[] = {
		[WINDOWS_UNKNOWN] = "",
		[WINDOWS_XP] = "XP or 2003",
		[WINDOWS_VISTA] = "Vista to 8.1",
		[WINDOWS_10] = "10 or 11",
	};

	return flavours[generation];
}

/* Vista took 8192 for its first window, Windows 10 about 64 KiB (from 1703 on:
 * before, it is taken for Vista), and both scale it by 8.  Where an application
 * chose the buffer, the source port is left: to XP and 2003 it came from 1025
 * to 5000, since Vista from 49152 up (Microsoft, KB 929851). */
static enum windows_generation generation_of(const struct look *look)
{
	const struct packet *p = look->p;
	bool old_port = p->sport < 49152;

	if (look->build == BUILD_OLD)
		return WINDOWS_XP;
	if (p->scale == 8)
		return p->window > 60000 ? WINDOWS_10 : WINDOWS_VISTA;
	/* of IPv6, only Windows 10 and later have been seen with a label */
	if (p->version == 6 && (p->quirks & QUIRK_FLOW))
		return WINDOWS_10;
	if (p->window == 8192)
		return WINDOWS_VISTA;
	if (look->build == BUILD_TIMESTAMPS)
		return WINDOWS_UNKNOWN;
	if (look->build == BUILD_WINDOWS && p->scale >= 3)
		return WINDOWS_10;
	return old_port ? WINDOWS_XP : WINDOWS_VISTA;
}

static enum fingerprint_reason windows_reason(const struct look *look,
					      enum fit fit, bool own_ttl)
{
	if (!own_ttl)
		return REASON_TTL;
	if (look->cleared > 0)
		return REASON_CLEARED;
	switch (fit) {
	case FIT_COMPUTED:
		return look->clamped ? REASON_CLAMPED : REASON_FAMILY;
	case FIT_KNOWN:
	case FIT_BUFFER:
		return REASON_BUFFER;
	default:
		return REASON_WINDOW;
	}
}

static struct guess guess_windows(const struct look *look, enum fit fit,
				  const confidences four, const confidences six)
{
	const struct packet *p = look->p;
	enum ttl_class ttl = ttl_class(p);
	bool own_ttl = ttl == TTL_128 || (p->version == 6 && ttl == TTL_64);
	struct guess g = {
		.class = OS_WINDOWS,
		.name = "Windows",
		.generation = generation_of(look),
		.reason = windows_reason(look, fit, own_ttl),
		.confidence = (p->version == 6 ? six : four)[fit][ttl],
	};

	g.flavour = windows_flavour(g.generation);
	if (look->cleared > 0)
		g.confidence -= 8;
	return g;
}

/* ---- the others ---------------------------------------------------------- */

static struct guess family(const struct look *look, enum os_class class,
			   const char *name, int confidence)
{
	struct guess g = { .class = class,
			   .name = name,
			   .flavour = "",
			   .reason = REASON_FAMILY,
			   .confidence = confidence };

	if (look->cleared > 0) {
		g.reason = REASON_CLEARED;
		g.confidence -= 5;
	}
	if (look->p->ttl >
	    64) { /* all but Windows and network gear start there */
		g.reason = REASON_TTL;
		g.confidence -= 15;
	}
	return g;
}

static struct guess nothing(enum fingerprint_reason reason)
{
	return (struct guess){
		.class = OS_UNKNOWN, .reason = reason, .name = "", .flavour = ""
	};
}

static struct guess reasoned(struct guess g, enum fingerprint_reason reason)
{
	if (g.reason == REASON_FAMILY)
		g.reason = reason;
	return g;
}

/* Linux without timestamps and without scaling looks like an old Windows. */
static struct guess guess_plain(const struct look *look)
{
	static const uint8_t linux_factors[] = { 4, 10, 20 };
	const struct packet *p = look->p;

	for (unsigned i = 0; i < sizeof(linux_factors); i++)
		if (p->ttl <= 64 && p->window == p->mss * linux_factors[i] &&
		    (p->version == 6 || (p->quirks & QUIRK_DF)))
			return reasoned(family(look, OS_LINUX, "Linux", 62),
					REASON_SHARED);
	return guess_windows(look, fit_plain(look), plain4, plain6);
}

static struct guess guess_timestamps(const struct look *look)
{
	const struct packet *p = look->p;
	struct guess g;

	if (p->ttl > 64)
		g = guess_windows(look, fit_timestamps(look), timestamps4,
				  timestamps6);
	else if (p->window == 65535 && p->scale == 6)
		return family(look, OS_BSD, "FreeBSD", 86);
	else if (p->scale == 8)
		g = guess_windows(look, fit_timestamps(look), timestamps4,
				  timestamps6);
	else
		g = family(look, OS_BSD, "FreeBSD",
			   p->window == 65535 ? 70 : 55);
	if (p->ttl > 128)
		g.reason = REASON_PROXY;
	return reasoned(g, REASON_SHARED);
}

/* Android asks for 60 segments, which is more than the field holds. */
static struct guess guess_linux(const struct look *look)
{
	const struct packet *p = look->p;

	if (p->window == 65535 && p->scale >= 6 && p->scale <= 9)
		return family(look, OS_ANDROID, "Android", 78);
	return family(look, OS_LINUX, "Linux", 90);
}

static struct guess guess_darwin(const struct look *look)
{
	const struct packet *p = look->p;

	if (p->window != 65535)
		return reasoned(family(look, OS_MACOS, "macOS", 65),
				REASON_WINDOW);
	if (p->scale == 7)
		return family(look, OS_IOS, "iOS", 68);
	return family(look, OS_MACOS, "macOS", 86);
}

static struct guess guess_late(const struct look *look)
{
	const struct packet *p = look->p;

	if (p->ttl > 128)
		return (struct guess){ .class = OS_OTHER,
				       .name = "proxy",
				       .flavour = "",
				       .reason = REASON_PROXY,
				       .confidence = 60 };
	if (look->build == BUILD_LATE && p->window == 65535)
		return reasoned(family(look, OS_MACOS, "macOS", 72),
				REASON_RETRIED);
	return nothing(REASON_SHARED);
}

/* The last of three tries of a Windows since Vista has no option but this (and
 * NT 4 never had another): its own TTL has to speak for it. */
static struct guess guess_bare(const struct look *look)
{
	static const confidences bare = { { 0, 68, 0 } };
	const struct packet *p = look->p;

	if (p->window == 8192 && ttl_class(p) == TTL_128)
		return reasoned(guess_windows(look, FIT_COMPUTED, bare, bare),
				REASON_RETRIED);
	return nothing(REASON_SHARED);
}

static struct guess guess_build(const struct look *look)
{
	switch (look->build) {
	case BUILD_WINDOWS:
		return guess_windows(look, fit_scaled(look), scaled4, scaled6);
	case BUILD_WINDOWS_PLAIN:
		return guess_plain(look);
	case BUILD_OLD:
		/* Windows leaves its own timestamp 0 until it is answered */
		if (look->p->ttl > 64 && look->p->ts_own == 0)
			return guess_windows(look, fit_plain(look), timestamps4,
					     timestamps6);
		return nothing(REASON_SHARED);
	case BUILD_TIMESTAMPS:
		return guess_timestamps(look);
	case BUILD_LINUX:
		return guess_linux(look);
	case BUILD_DARWIN:
		return guess_darwin(look);
	case BUILD_LATE:
	case BUILD_NO_TIMESTAMPS:
		return guess_late(look);
	case BUILD_OPENBSD:
		return family(look, OS_BSD, "OpenBSD", 86);
	case BUILD_NETBSD:
		return family(look, OS_BSD, "NetBSD", 86);
	case BUILD_DRAGON:
		return family(look, OS_BSD, "DragonFly", 84);
	case BUILD_BSD_OLD:
		return reasoned(family(look, OS_BSD, "BSD", 58), REASON_SHARED);
	case BUILD_BARE:
		return guess_bare(look);
	case BUILD_NONE:
		break;
	}
	return nothing(look->p->layout_len == 0 ? REASON_SHARED : REASON_NONE);
}

/* What no stack does of its own accord.  (A peer's timestamp in a SYN is left
 * out: stacks forget to clear it.) */
#define STRANGE                                                                \
	(QUIRK_ZERO_PLUS | QUIRK_ACK_PLUS | QUIRK_URG_PTR_PLUS |               \
	 QUIRK_URG_FLAG_PLUS | QUIRK_OPT_PLUS | QUIRK_EXWS)

struct guess family_guess(const struct packet *p)
{
	struct look look = look_at(p);
	struct guess g = guess_build(&look);
	int less = 0;

	if (g.class == OS_UNKNOWN)
		return g;
	if (p->quirks & STRANGE)
		less += 30;
	if (p->ip_options > 0)
		less += 15;
	if (p->payload > 0 && !look.extended)
		less += 10;
	/* paths clear DF and the IPID now and then; of Linux, much else does */
	if (p->version == 4 && !(p->quirks & QUIRK_DF))
		less += 12;
	else if (g.class == OS_WINDOWS && p->version == 4 &&
		 !(p->quirks & QUIRK_ID_PLUS))
		less += 5;
	if (less > 0) {
		g.confidence -= less;
		g = reasoned(g, REASON_QUIRKS);
	}
	return g;
}

const char *family_crafted(const struct packet *p)
{
	if (p->flags & (PACKET_FIN | PACKET_RST))
		return "";
	/* Mirai's source: the sequence number is the target's address */
	if (p->version == 4 && p->seq == (uint32_t)p->daddr)
		return "Mirai";
	/* Nmap's book, chapter 8: what its probes of an OS have in common */
	if (p->mss == 265 && p->scale == 10)
		return "Nmap";
	/* ZMap's source: make_ip_header(); no DF, so a stack would count it up
	 */
	if (p->version == 4 && p->ip_id == 54321 && !(p->quirks & QUIRK_DF) &&
	    p->window == 65535)
		return "ZMap";
	return NULL;
}
