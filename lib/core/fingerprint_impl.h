/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_CORE_FINGERPRINT_IMPL_H
#define LIB_CORE_FINGERPRINT_IMPL_H

#include <stdbool.h>

#include <geoblock/fingerprint.h>

/* The parts of fingerprint: fingerprint_look.c sees how a packet is built,
 * fingerprint_family.c knows who builds so, fingerprint.c has the last word. */

enum build {
	BUILD_WINDOWS,
	BUILD_WINDOWS_PLAIN,
	BUILD_OLD,        /* with timestamps, before Vista; AIX */
	BUILD_TIMESTAMPS, /* Windows with timestamps, or FreeBSD */
	BUILD_LINUX,
	BUILD_DARWIN,
	BUILD_LATE,          /* Darwin's late tries; proxies */
	BUILD_NO_TIMESTAMPS, /* FreeBSD and Darwin without; proxies */
	BUILD_OPENBSD,
	BUILD_NETBSD,
	BUILD_DRAGON,
	BUILD_BSD_OLD,
	BUILD_BARE, /* only the MSS */
	BUILD_NONE,
};

/* A packet, seen as its build. */
struct look {
	const struct packet *p;
	enum build build;
	unsigned cleared; /* options overwritten with NOPs */
	bool extended;    /* MPTCP, Fast Open or an experiment behind them */
	bool segments;    /* the window is a whole number of segments … */
	bool clamped;     /* … of a larger MSS than the one that arrived */
};

struct look look_at(const struct packet *p);

/* What the family rules make of a packet, without any signature.  class may be
 * OS_UNKNOWN; the reason is then why nothing is said. */
struct guess {
	enum os_class class;
	enum fingerprint_reason reason;
	enum windows_generation generation;
	int confidence;
	const char *name, *flavour; /* static; never NULL */
};

struct guess family_guess(const struct packet *p);

/* family_crafted - a packet that no operating system sends; NULL, or the name
 * of the tool if its hand is known, else "". */
const char *family_crafted(const struct packet *p);

#endif
