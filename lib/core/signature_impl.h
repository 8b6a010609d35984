/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_CORE_SIGNATURE_IMPL_H
#define LIB_CORE_SIGNATURE_IMPL_H

#include <geoblock/signature.h>

/* The parts of signature: signature.c owns the database, signature_parse.c
 * reads text into it (signature_fields.c a signature), signature_build.c compiles it,
 * signature_index.c finds, signature_text.c writes. */

#define SIGNATURES_MAX      65535     /* p0f's own database has about 80 */
#define SIGNATURES_FILE_MAX (8 << 20) /* bytes */

struct signature_index;

struct signatures {
	struct signature *list;
	size_t count, room;
	char **texts; /* what the strings of the list point into */
	size_t text_count, text_room;
	struct signature_index *index; /* NULL until compiled */
};

/* signature_parse_text - add what text says to db.  text is NUL-terminated, may
 * be cut up, and has to live as long as db; so has file.  On error signatures
 * may have been added: the caller takes them away. */
bool signature_parse_text(struct signatures *db, const char *file, char *text,
			  struct error *err);

/* signature_add - append one; fails where it is one too many. */
bool signature_add(struct signatures *db, const struct signature *s,
		   struct error *err);

bool signature_index_build(struct signatures *db, struct error *err);
void signature_index_free(struct signature_index *ix);

/* signature_option_word - "mss", or NULL for a kind that has no name. */
const char *signature_option_word(uint8_t kind);

#endif
