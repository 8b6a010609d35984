/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_MANIFEST_H
#define GEOBLOCK_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/error.h>

/* A published image: what one host compiled, for others to take.
 *
 * The manifest is a minisign(1) signature of the image, with all that there is to
 * say of it in the trusted comment, which is signed as well:
 *
 *     untrusted comment: geoblock image, …
 *     base64("Ed", key id, Ed25519 signature of the image)
 *     trusted comment: geoblock-image 1 serial=… built=… signed=… expires=…
 *         size=… sha256=… sources=arin:20260131,…          (one line)
 *     base64(Ed25519 signature of the first signature and the trusted comment)
 *
 * So one small file is all that changes at once, it can be trusted before the
 * image is there, and people can check it with minisign alone. */

#define MANIFEST_NAME        "manifest"
#define MANIFEST_MAX         4096                /* bytes of its text */
#define MANIFEST_SOURCES_MAX 512                 /* with the NUL */
#define MANIFEST_IMAGE_MAX   ((uint64_t)1 << 30) /* bytes of an image */

#define MANIFEST_KEY_TEXT    57  /* a public key as text, with its NUL */
#define MANIFEST_SECRET_TEXT 300 /* a secret key's file */

struct manifest_key {
	uint8_t id[8];
	uint8_t public[32];
};

struct manifest_secret {
	struct manifest_key key;
	uint8_t seed[32]; /* RFC 8032 5.1.5 */
};

struct manifest {
	uint64_t serial; /* grows with every manifest of a publisher */
	/* seconds since 1970 */
	uint64_t built, signed_at, expires;
	uint64_t size; /* of the image, in bytes */
	uint8_t sha256[32];
	char sources[MANIFEST_SOURCES_MAX]; /* "arin:20260131,…", for people */
	uint8_t signature[64];              /* of the image */
	struct manifest_key key;            /* that it is signed with */
};

/* manifest_key_parse - a public key as minisign writes it: the base64 line. */
bool manifest_key_parse(const char *text, size_t len, struct manifest_key *out,
			struct error *err);
const char *manifest_key_text(const struct manifest_key *key,
			      char buf[MANIFEST_KEY_TEXT]);

/* manifest_secret_make - of 40 random bytes.  manifest_secret_text,
 * manifest_secret_parse - the file it is kept in. */
void manifest_secret_make(struct manifest_secret *out,
			  const uint8_t random[40]);
const char *manifest_secret_text(const struct manifest_secret *secret,
				 char buf[MANIFEST_SECRET_TEXT]);
bool manifest_secret_parse(const char *text, size_t len,
			   struct manifest_secret *out, struct error *err);

/* manifest_sign - fill in size, sha256, signature and key of an image, and write
 * the manifest's text to buf.  False where it does not fit. */
bool manifest_sign(struct manifest *manifest,
		   const struct manifest_secret *secret, const void *image,
		   size_t size, char buf[MANIFEST_MAX], struct error *err);

/* manifest_read - a manifest's text, which may be anything; nothing in *out but
 * what one of the keys has signed. */
bool manifest_read(const char *text, size_t len,
		   const struct manifest_key *keys, size_t key_count,
		   struct manifest *out, struct error *err);

/* manifest_check - is this the image that it is about? */
bool manifest_check(const struct manifest *manifest, const void *image,
		    size_t size, struct error *err);

/* manifest_image_name - "geo-0123….img", from its checksum: a web server never
 * has two images under one name. */
#define MANIFEST_IMAGE_NAME 73 /* with its NUL */
const char *manifest_image_name(const struct manifest *manifest,
				char buf[MANIFEST_IMAGE_NAME]);

#endif
