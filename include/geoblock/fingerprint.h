/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_FINGERPRINT_H
#define GEOBLOCK_FINGERPRINT_H

#include <stdint.h>

#include <geoblock/os.h>
#include <geoblock/packet.h>
#include <geoblock/signature.h>

/* Which operating system sent a SYN, how sure that is, and why. */

enum fingerprint_match {
	FINGERPRINT_NONE,   /* nothing is known with this look */
	FINGERPRINT_FAMILY, /* by the build of the header, or a generic one */
	FINGERPRINT_FUZZY,  /* a signature, but for what paths change */
	FINGERPRINT_EXACT,  /* a signature, all of it */
	FINGERPRINT_MATCH_COUNT,
};

/* fingerprint_match_name - "none", "family", "fuzzy", "exact". */
const char *fingerprint_match_name(enum fingerprint_match match);

/* Why the confidence is what it is: the weightiest reason. */
enum fingerprint_reason {
	REASON_NONE,    /* nothing known looks like this */
	REASON_EXACT,   /* all of it is as the signature says */
	REASON_GENERIC, /* a signature that names only the family */
	REASON_FAMILY,  /* layout and window are the family's */
	REASON_CLAMPED, /* the same, of a larger MSS */
	REASON_CLEARED, /* options overwritten with NOPs */
	REASON_RETRIED, /* as the family's later tries are */
	REASON_BUFFER,  /* a window of the application's choice */
	REASON_TTL,     /* an initial TTL that is not the family's */
	REASON_QUIRKS,  /* DF, IPID or payload that are not the family's */
	REASON_WINDOW,  /* layout fits, window does not */
	REASON_SHARED,  /* several systems look like this */
	REASON_PROXY,   /* the stack of a proxy in between */
	REASON_TOOL,    /* a signature of a tool */
	REASON_CRAFTED, /* no operating system sends this */
	REASON_COUNT,
};

/* fingerprint_reason_text - one line, a static string. */
const char *fingerprint_reason_text(enum fingerprint_reason reason);

/* Windows by how its stack fills a SYN; Server versions go with their sibling.
 */
enum windows_generation {
	WINDOWS_UNKNOWN, /* or not Windows */
	WINDOWS_XP,      /* 2000, XP, Server 2003 */
	WINDOWS_VISTA,   /* Vista to 8.1, Server 2008 to 2012 R2 */
	WINDOWS_10,      /* 10 and 11, Server 2016 and later */
	WINDOWS_GENERATION_COUNT,
};

/* windows_generation_name - "xp", "vista", "10"; "unknown". */
const char *windows_generation_name(enum windows_generation generation);

struct fingerprint {
	enum os_class class;
	enum fingerprint_match match;
	enum fingerprint_reason reason;
	enum windows_generation generation;
	uint8_t confidence; /* 0-100, in the class */
	uint8_t distance;   /* hops, by the initial TTL that is most likely */
	/* Both are static or belong to the database; never NULL. */
	const char *name;    /* "Windows", "FreeBSD", "Nmap"; "" for none */
	const char *flavour; /* "10 or 11"; "" for none */
	const struct signature *signature; /* that matched, or NULL */
};

/* fingerprint_of - judge a SYN.
 *
 * Option layout first, window arithmetic second, TTL as soft evidence.  At 80
 * and above the confidence is meant to carry a drop, at 60 and above a
 * greylist: looks that Windows shares with other stacks stay below 60 unless
 * the rest of the packet tells them apart.  Below 50 nothing is claimed:
 * OS_UNKNOWN, match none, confidence 0, and the reason says why.
 *
 * p must be a SYN (packet_is_syn); any bytes in it are allowed.  Allocates
 * nothing, formats nothing, takes no lock; db is only read. */
void fingerprint_of(const struct signatures *db, const struct packet *p,
		    struct fingerprint *out);

#endif
