// SPDX-License-Identifier: GPL-2.0-or-later
/* A manifest from a web server; and, signed by us, whatever a publisher with the
 * right key may have written into it. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <nettle/base64.h>
#include <nettle/eddsa.h>

#include <geoblock/manifest.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct manifest_secret secret;

/* The input as the trusted comment of a manifest whose signatures hold. */
static size_t sign(const uint8_t *data, size_t size, char *text)
{
	uint8_t raw[74] = { 'E', 'd' }, message[64 + 2048] = { 0 }, global[64];
	char first[101] = "", second[89] = "";

	memcpy(raw + 2, secret.key.id, 8);
	memcpy(message + 64, data, size);
	ed25519_sha512_sign(secret.key.public, secret.seed, 64 + size, message,
			    global);
	base64_encode_raw(first, sizeof(raw), raw);
	base64_encode_raw(second, sizeof(global), global);
	return (size_t)snprintf(text, MANIFEST_MAX,
				"untrusted comment: \n%s\ntrusted comment: "
				"%.*s\n%s\n",
				first, (int)size, (const char *)data, second);
}

static void check(const struct manifest *m)
{
	char name[MANIFEST_IMAGE_NAME];

	assert(m->size > 0 && m->size <= MANIFEST_IMAGE_MAX);
	assert(strlen(m->sources) < sizeof(m->sources));
	assert(strlen(manifest_image_name(m, name)) == 72);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t random[40] = { 1, 2, 3 };
	struct manifest m = { .serial = 0 };
	char text[MANIFEST_MAX];

	manifest_secret_make(&secret, random);
	/* nobody signed it */
	assert(!manifest_read((const char *)data, size, &secret.key, 1, &m,
			      NULL));
	if (size <= 2048 && !memchr(data, '\n', size) &&
	    !memchr(data, '\0', size) &&
	    manifest_read(text, sign(data, size, text), &secret.key, 1, &m,
			  NULL))
		check(&m);
	return 0;
}
