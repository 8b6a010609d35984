// SPDX-License-Identifier: GPL-2.0-or-later
/* Manifests: minisign's signature format without its pre-hashing ("Ed"; an image
 * fits into memory), Ed25519 by nettle.  Nothing is read out of the trusted
 * comment before its signature holds, so that the parser only ever sees what a
 * publisher wrote; it is strict all the same. */
#include <geoblock/manifest.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/base64.h>
#include <nettle/eddsa.h>
#include <nettle/sha2.h>

#define ALGORITHM "Ed"
#define UNTRUSTED "untrusted comment: "
#define TRUSTED   "trusted comment: "
#define WORD      "geoblock-image 1 "

#define KEY_BYTES       42 /* algorithm, id, public key */
#define SECRET_BYTES    74 /* algorithm, id, seed, public key */
#define SIGNATURE_BYTES 74 /* algorithm, id, signature */
#define BYTES_MAX       74

/* ---- base64 ---- */

/* Exactly `size` bytes, written the one way that there is. */
static bool decode(const char *text, size_t len, uint8_t *out, size_t size)
{
	uint8_t raw[BASE64_DECODE_LENGTH(BASE64_ENCODE_RAW_LENGTH(BYTES_MAX))];
	char again[BASE64_ENCODE_RAW_LENGTH(BYTES_MAX)];
	struct base64_decode_ctx ctx;
	size_t got = sizeof(raw);

	if (len != BASE64_ENCODE_RAW_LENGTH(size))
		return false;
	base64_decode_init(&ctx);
	if (!base64_decode_update(&ctx, &got, raw, len, text) ||
	    !base64_decode_final(&ctx) || got != size)
		return false;
	base64_encode_raw(again, size, raw);
	if (memcmp(again, text, len) != 0)
		return false;
	memcpy(out, raw, size);
	return true;
}

static const char *encode(const uint8_t *data, size_t size, char *buf)
{
	base64_encode_raw(buf, size, data);
	buf[BASE64_ENCODE_RAW_LENGTH(size)] = '\0';
	return buf;
}

/* ---- keys ---- */

static bool key_unpack(const uint8_t *raw, struct manifest_key *out)
{
	if (memcmp(raw, ALGORITHM, 2) != 0)
		return false;
	memcpy(out->id, raw + 2, sizeof(out->id));
	memcpy(out->public, raw + 10, sizeof(out->public));
	return true;
}

bool manifest_key_parse(const char *text, size_t len, struct manifest_key *out,
			struct error *err)
{
	uint8_t raw[KEY_BYTES];

	if (decode(text, len, raw, sizeof(raw)) && key_unpack(raw, out))
		return true;
	return error_set(err, ERROR_MALFORMED, 0,
			 "no public key of minisign or geoblock-sync "
			 "--make-key: 56 characters that begin with RW");
}

const char *manifest_key_text(const struct manifest_key *key,
			      char buf[MANIFEST_KEY_TEXT])
{
	uint8_t raw[KEY_BYTES];

	memcpy(raw, ALGORITHM, 2);
	memcpy(raw + 2, key->id, sizeof(key->id));
	memcpy(raw + 10, key->public, sizeof(key->public));
	return encode(raw, sizeof(raw), buf);
}

void manifest_secret_make(struct manifest_secret *out, const uint8_t random[40])
{
	memcpy(out->key.id, random, sizeof(out->key.id));
	memcpy(out->seed, random + 8, sizeof(out->seed));
	ed25519_sha512_public_key(out->key.public, out->seed);
}

const char *manifest_secret_text(const struct manifest_secret *secret,
				 char buf[MANIFEST_SECRET_TEXT])
{
	char line[BASE64_ENCODE_RAW_LENGTH(SECRET_BYTES) + 1];
	uint8_t raw[SECRET_BYTES];

	memcpy(raw, ALGORITHM, 2);
	memcpy(raw + 2, secret->key.id, sizeof(secret->key.id));
	memcpy(raw + 10, secret->seed, sizeof(secret->seed));
	memcpy(raw + 42, secret->key.public, sizeof(secret->key.public));
	snprintf(buf, MANIFEST_SECRET_TEXT,
		 UNTRUSTED "geoblock secret key: whoever has it decides what "
			   "the fleet enforces\n%s\n",
		 encode(raw, sizeof(raw), line));
	return buf;
}

/* The line at *at, without its end; *at moves behind it.  False where there is
 * no whole line. */
static bool next_line(const char **at, const char *end, const char **line,
		      size_t *len)
{
	const char *eol = memchr(*at, '\n', (size_t)(end - *at));

	if (!eol)
		return false;
	*line = *at;
	*len = (size_t)(eol - *at);
	*at = eol + 1;
	return true;
}

static bool begins(const char *line, size_t len, const char *with)
{
	return len >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

bool manifest_secret_parse(const char *text, size_t len,
			   struct manifest_secret *out, struct error *err)
{
	const char *at = text, *line;
	uint8_t raw[SECRET_BYTES], public[32];
	size_t n;

	if (!next_line(&at, text + len, &line, &n) ||
	    !begins(line, n, UNTRUSTED) ||
	    !next_line(&at, text + len, &line, &n) || at != text + len ||
	    !decode(line, n, raw, sizeof(raw)) ||
	    memcmp(raw, ALGORITHM, 2) != 0)
		return error_set(err, ERROR_MALFORMED, 0,
				 "no secret key of geoblock-sync --make-key");
	memcpy(out->key.id, raw + 2, sizeof(out->key.id));
	memcpy(out->seed, raw + 10, sizeof(out->seed));
	memcpy(out->key.public, raw + 42, sizeof(out->key.public));
	ed25519_sha512_public_key(public, out->seed);
	if (memcmp(public, out->key.public, sizeof(public)) != 0)
		return error_set(err, ERROR_MALFORMED, 0,
				 "a damaged secret key: its two halves do not "
				 "belong together");
	return true;
}

/* ---- writing ---- */

static void hash(const void *data, size_t size, uint8_t out[32])
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, size, data);
	sha256_digest(&ctx, SHA256_DIGEST_SIZE, out);
}

static const char *hex(const uint8_t *data, char buf[65])
{
	for (unsigned i = 0; i < 32; i++)
		snprintf(buf + (size_t)2 * i, 3, "%02x", data[i]);
	return buf;
}

const char *manifest_image_name(const struct manifest *manifest,
				char buf[MANIFEST_IMAGE_NAME])
{
	char digits[65];

	snprintf(buf, MANIFEST_IMAGE_NAME, "geo-%s.img",
		 hex(manifest->sha256, digits));
	return buf;
}

/* What the second signature is of. */
static void global_message(const uint8_t signature[64], const char *comment,
			   size_t len, uint8_t *out)
{
	memcpy(out, signature, 64);
	memcpy(out + 64, comment, len);
}

bool manifest_sign(struct manifest *m, const struct manifest_secret *secret,
		   const void *image, size_t size, char buf[MANIFEST_MAX],
		   struct error *err)
{
	char comment[MANIFEST_MAX], digits[65], first[101], second[89];
	char key[MANIFEST_KEY_TEXT];
	uint8_t raw[SIGNATURE_BYTES], message[64 + MANIFEST_MAX], global[64];
	int len;

	m->key = secret->key;
	m->size = size;
	hash(image, size, m->sha256);
	ed25519_sha512_sign(secret->key.public, secret->seed, size, image,
			    m->signature);
	len = snprintf(comment, sizeof(comment),
		       WORD "serial=%" PRIu64 " built=%" PRIu64
			    " signed=%" PRIu64 " expires=%" PRIu64
			    " size=%" PRIu64 " sha256=%s sources=%s",
		       m->serial, m->built, m->signed_at, m->expires, m->size,
		       hex(m->sha256, digits), m->sources);
	if (len < 0 || (size_t)len >= sizeof(comment))
		return error_set(err, ERROR_LIMIT, 0, "too long a manifest");
	global_message(m->signature, comment, (size_t)len, message);
	ed25519_sha512_sign(secret->key.public, secret->seed, 64 + (size_t)len,
			    message, global);
	memcpy(raw, ALGORITHM, 2);
	memcpy(raw + 2, secret->key.id, 8);
	memcpy(raw + 10, m->signature, 64);
	len = snprintf(buf, MANIFEST_MAX,
		       UNTRUSTED "geoblock image geo-%s.img, signed by %s\n"
				 "%s\n" TRUSTED "%s\n%s\n",
		       digits, manifest_key_text(&secret->key, key),
		       encode(raw, sizeof(raw), first), comment,
		       encode(global, sizeof(global), second));
	return (len > 0 && len < MANIFEST_MAX) ||
	       error_set(err, ERROR_LIMIT, 0, "too long a manifest");
}

/* ---- reading ---- */

/* "name=number " at *at, which moves behind it. */
static bool take_number(const char **at, const char *name, uint64_t *out)
{
	size_t len = strlen(name);
	uint64_t value = 0;
	const char *p = *at;

	if (strncmp(p, name, len) != 0 || p[len] != '=')
		return false;
	p += len + 1;
	if (*p < '0' || *p > '9' || (*p == '0' && p[1] != ' '))
		return false;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return false;
	*out = value;
	*at = p + 1;
	return *p == ' ';
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
				      : -1;
}

static bool take_hash(const char **at, uint8_t out[32])
{
	const char *p = *at;

	if (strncmp(p, "sha256=", 7) != 0)
		return false;
	p += 7;
	for (size_t i = 0; i < 32; i++, p += 2) {
		int high = hex_digit(p[0]);
		int low = high < 0 ? -1 : hex_digit(p[1]);

		if (low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	*at = p + 1;
	return *p == ' ';
}

/* The trusted comment, NUL-terminated. */
static bool read_comment(const char *comment, struct manifest *out)
{
	const char *at = comment;

	for (const char *p = comment; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			return false;
	if (strncmp(at, WORD, strlen(WORD)) != 0)
		return false;
	at += strlen(WORD);
	if (!take_number(&at, "serial", &out->serial) ||
	    !take_number(&at, "built", &out->built) ||
	    !take_number(&at, "signed", &out->signed_at) ||
	    !take_number(&at, "expires", &out->expires) ||
	    !take_number(&at, "size", &out->size) ||
	    !take_hash(&at, out->sha256) || strncmp(at, "sources=", 8) != 0 ||
	    strlen(at + 8) >= sizeof(out->sources))
		return false;
	memcpy(out->sources, at + 8, strlen(at + 8) + 1);
	return out->size > 0 && out->size <= MANIFEST_IMAGE_MAX;
}

/* The four lines; what they decode to. */
struct parts {
	uint8_t first[SIGNATURE_BYTES];
	const char *comment;
	size_t comment_len;
	uint8_t global[64];
};

static bool split(const char *text, size_t len, struct parts *out)
{
	const char *at = text, *end = text + len, *line;
	size_t n;

	if (!next_line(&at, end, &line, &n) || !begins(line, n, UNTRUSTED) ||
	    !next_line(&at, end, &line, &n) ||
	    !decode(line, n, out->first, sizeof(out->first)) ||
	    memcmp(out->first, ALGORITHM, 2) != 0 ||
	    !next_line(&at, end, &line, &n) || !begins(line, n, TRUSTED))
		return false;
	out->comment = line + strlen(TRUSTED);
	out->comment_len = n - strlen(TRUSTED);
	return next_line(&at, end, &line, &n) && at == end &&
	       decode(line, n, out->global, sizeof(out->global));
}

static bool is_signed(const struct parts *parts, const struct manifest_key *key)
{
	uint8_t message[64 + MANIFEST_MAX];

	global_message(parts->first + 10, parts->comment, parts->comment_len,
		       message);
	return ed25519_sha512_verify(key->public, 64 + parts->comment_len,
				     message, parts->global) == 1;
}

bool manifest_read(const char *text, size_t len,
		   const struct manifest_key *keys, size_t key_count,
		   struct manifest *out, struct error *err)
{
	const struct manifest_key *key = NULL;
	struct manifest found = { .serial = 0 };
	char comment[MANIFEST_MAX];
	struct parts parts;

	if (len >= MANIFEST_MAX || !split(text, len, &parts))
		return error_set(err, ERROR_MALFORMED, 0,
				 "no manifest of geoblock-sync --publish");
	for (size_t i = 0; i < key_count; i++)
		if (memcmp(keys[i].id, parts.first + 2, 8) == 0)
			key = &keys[i];
	if (!key)
		return error_set(err, ERROR_MALFORMED, 0,
				 "signed with another key than \"key\" in the "
				 "configuration");
	if (!is_signed(&parts, key))
		return error_set(err, ERROR_MALFORMED, 0,
				 "the signature does not hold: somebody or "
				 "something changed the manifest");
	memcpy(comment, parts.comment, parts.comment_len);
	comment[parts.comment_len] = '\0';
	if (strlen(comment) != parts.comment_len ||
	    !read_comment(comment, &found))
		return error_set(err, ERROR_MALFORMED, 0,
				 "signed, but no manifest that this version "
				 "understands");
	memcpy(found.signature, parts.first + 10, 64);
	found.key = *key;
	*out = found;
	return true;
}

bool manifest_check(const struct manifest *m, const void *image, size_t size,
		    struct error *err)
{
	uint8_t sha256[32];

	if (size != m->size)
		return error_set(err, ERROR_MALFORMED, 0,
				 "the image has %zu bytes; the manifest says "
				 "%" PRIu64,
				 size, m->size);
	hash(image, size, sha256);
	if (memcmp(sha256, m->sha256, sizeof(sha256)) != 0)
		return error_set(err, ERROR_MALFORMED, 0,
				 "the image's checksum is not the manifest's");
	if (ed25519_sha512_verify(m->key.public, size, image, m->signature) !=
	    1)
		return error_set(err, ERROR_MALFORMED, 0,
				 "the image's signature does not hold");
	return true;
}
