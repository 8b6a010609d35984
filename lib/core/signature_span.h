/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_CORE_SIGNATURE_SPAN_H
#define LIB_CORE_SIGNATURE_SPAN_H

#include "lib/core/signature_impl.h"

/* A part of a line of a signature file. */
struct span {
	const char *at;
	size_t len;
};

/* Where we are, for messages. */
struct place {
	const char *file;
	unsigned line;
	struct error *err;
};

/* span_bad - "file:line: what "found": want", with nothing that upsets a terminal;
 * false. */
bool span_bad(const struct place *p, const char *what, struct span found,
	      const char *want);

/* span_is - it is this word.  span_cut - cuts off what is before the next `at`;
 * false when nothing is left. */
bool span_is(struct span s, const char *word);
bool span_cut(struct span *rest, char at, struct span *out);

/* signature_fields - the eight fields of a signature into *sig; else said, and *sig
 * may have some of them. */
bool signature_fields(const struct place *p, struct span s,
		      struct signature *sig);

#endif
