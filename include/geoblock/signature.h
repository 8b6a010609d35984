/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_SIGNATURE_H
#define GEOBLOCK_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/error.h>
#include <geoblock/os.h>
#include <geoblock/packet.h>

/* Signature databases in p0f v3's language (p0f README, section 5; our own
 * words on it: geoblock-os.fp(5)), of which the section [tcp:request] is used:
 *
 *	label = s:win:Windows:10 or 11
 *	sig   = *:128:0:*:64240,8:mss,nop,ws,nop,nop,sok:df,id+:0
 *
 * Read first, compile once, then only look up.  Looking up costs the same for
 * ten signatures as for ten thousand. */

enum window_kind {
	WINDOW_ANY,    /* * */
	WINDOW_EXACT,  /* n */
	WINDOW_MSS,    /* mss*n */
	WINDOW_MTU,    /* mtu*n */
	WINDOW_MODULO, /* %n; the last one */
};

struct signature {
	enum os_class class;
	bool generic;        /* g: a last resort, behind every specific one */
	const char *name;    /* "Windows", "FreeBSD", "Nmap" */
	const char *flavour; /* "10 or 11"; "" for none */
	const char *text;    /* the signature as it was written */
	const char *file;
	unsigned line;

	/* the text, taken apart; "has" flags are false for '*' */
	uint8_t version; /* 4, 6, or 0 for either */
	uint8_t ttl;
	bool ttl_at_most; /* "64-": any TTL up to it */
	uint8_t ip_options;
	bool has_mss, has_scale, has_payload;
	uint16_t mss;
	uint8_t scale;
	bool payload;
	enum window_kind window_kind;
	uint16_t window; /* the n of its kind */
	uint8_t eol_pad;
	uint8_t layout_len;
	uint8_t layout[PACKET_OPTIONS_MAX];
	uint32_t quirks; /* bits of enum packet_quirk */
};

struct signatures;

/* Where an administrator's own signatures are, and our database's name in
 * messages. */
#define SIGNATURES_FOLDER  "/etc/geoblock/os.d"
#define SIGNATURES_BUILTIN "os.fp"

/* signatures_new - an empty database; fails only for lack of memory. */
bool signatures_new(struct signatures **out, struct error *err);
void signatures_free(struct signatures *db); /* NULL is allowed */

/* signatures_read - add a file's signatures behind those already there: where
 * two match equally well, the one that was read first is taken.
 *
 * Sections other than [tcp:request] are skipped unread, so that p0f's own
 * p0f.fp loads unchanged.  On error the database is as before, and the text
 * says file:line, the word found, and what would be right. */
bool signatures_read(struct signatures *db, const char *path,
		     struct error *err);

/* signatures_read_text - the same for text in memory; name stands for the file
 * in messages and is copied, as is the text. */
bool signatures_read_text(struct signatures *db, const char *name,
			  const char *text, size_t len, struct error *err);

/* signatures_read_folder - every *.fp of a folder, in the order of their names.
 * A folder that is not there is an empty one. */
bool signatures_read_folder(struct signatures *db, const char *path,
			    struct error *err);

/* signatures_read_builtin - our database, share/os.fp, which is part of the
 * program. */
bool signatures_read_builtin(struct signatures *db, struct error *err);

/* signatures_compile - make it ready for look-ups; nothing can be read after
 * it.  A signature that an earlier one of the same file hides whole is an
 * error: one of the two is a mistake.  One that an earlier file hides is not.
 */
bool signatures_compile(struct signatures *db, struct error *err);

/* The signatures in the order in which they were read. */
size_t signatures_count(const struct signatures *db);
const struct signature *signatures_get(const struct signatures *db, size_t i);

#define SIGNATURE_HOPS_MAX 35 /* p0f: further is no distance but a rewrite */

enum signature_match {
	SIGNATURE_NONE,
	SIGNATURE_FUZZY,   /* but for the TTL, or quirks that paths change */
	SIGNATURE_GENERIC, /* all of a generic one */
	SIGNATURE_EXACT,   /* all of a specific one */
};

/* signatures_find - the signature that fits a SYN best, by p0f's rules:
 * specific before generic before fuzzy, then the first that was read.
 * Fuzzy is: df or id+ lost, id- or ecn gained, a TTL above the initial one or
 * more than 35 hops below it; never for a tool's signature.  Other than in p0f,
 * a signature for either IP version says nothing about IPv6 flow labels: they
 * were rare when those signatures were written (RFC 6437 came later).
 * NULL and SIGNATURE_NONE if none fits. */
const struct signature *signatures_find(const struct signatures *db,
					const struct packet *p,
					enum signature_match *how);

/* signature_of_packet - the packet as a signature that would match it, for
 * reports and new databases: "4:116+12:0:1460:mss*44,8:mss,nop,ws,…:df,id+:0".
 * "+?" behind a TTL that is too far below any likely initial one, as p0f has
 * it: there the reader has to know.  The result is buf. */
#define SIGNATURE_TEXT_MAX 384 /* longest, with its NUL */
const char *signature_of_packet(const struct packet *p, char *buf);

/* signature_append - the same; gives its end, the NUL, to go on from. */
char *signature_append(const struct packet *p, char *buf);

/* packet_window_factor - the n of mss*n or mtu*n that the window is, 0 if it is
 * neither; *mtu says which.  First of MSS, MSS-12 with a timestamp, 1460, 1448,
 * (IPv6: 1440, 1428,) then MTU as MSS+40, MSS+headers, (IPv6: MSS+60,) 1500. */
unsigned packet_window_factor(const struct packet *p, bool *mtu);

/* ttl_distance - hops since the nearest likely initial TTL (32, 64, 128 or 255)
 * at or above it. */
uint8_t ttl_distance(uint8_t ttl);

#endif
