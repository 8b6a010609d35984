/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_CORE_FINGERPRINT_IMPL_H
#define LIB_CORE_FINGERPRINT_IMPL_H

#include <geoblock/fingerprint.h>

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

/* "10 or 11" */
const char *windows_flavour(enum windows_generation generation);

#endif
