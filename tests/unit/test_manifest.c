// SPDX-License-Identifier: GPL-2.0-or-later
/* Manifests: what is signed is read, and nothing else.  That minisign(1) agrees is
 * tested in tests/net/test_fleet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <geoblock/manifest.h>

static struct manifest_secret secret;
static const char image[] = "not really an image";
static char text[MANIFEST_MAX];

static int make(void **state)
{
	uint8_t random[40];
	struct manifest m = { .serial = 7,
			      .built = 1764000000,
			      .signed_at = 1764000100,
			      .expires = 1764600000,
			      .sources = "arin:20260131,ripencc:20260131" };
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(random); i++)
		random[i] = (uint8_t)(i * 7 + 1);
	manifest_secret_make(&secret, random);
	return manifest_sign(&m, &secret, image, sizeof(image), text, &err)
		       ? 0
		       : -1;
}

static void test_round(void **state)
{
	struct manifest m;
	struct error err;
	char name[MANIFEST_IMAGE_NAME];

	(void)state;
	if (!manifest_read(text, strlen(text), &secret.key, 1, &m, &err))
		fail_msg("%s", err.text);
	assert_int_equal(m.serial, 7);
	assert_int_equal(m.built, 1764000000);
	assert_int_equal(m.expires, 1764600000);
	assert_int_equal(m.size, sizeof(image));
	assert_string_equal(m.sources, "arin:20260131,ripencc:20260131");
	assert_true(manifest_check(&m, image, sizeof(image), &err));
	assert_int_equal(strlen(manifest_image_name(&m, name)), 72);
	assert_memory_equal(name, "geo-", 4);
	assert_non_null(strstr(text, name));
}

/* Whatever byte is changed, cut or added: refused, but for the first line, which
 * nobody believes. */
static void test_tampered(void **state)
{
	size_t len = strlen(text), first = strcspn(text, "\n") + 1;
	struct manifest m;
	char copy[MANIFEST_MAX + 8];

	(void)state;
	for (size_t i = first; i < len; i++)
		for (unsigned bit = 0; bit < 8; bit += 3) {
			memcpy(copy, text, len);
			copy[i] = (char)(copy[i] ^ 1 << bit);
			assert_false(manifest_read(copy, len, &secret.key, 1,
						   &m, NULL));
		}
	for (size_t i = 0; i < len; i++)
		assert_false(manifest_read(text, i, &secret.key, 1, &m, NULL));
	snprintf(copy, sizeof(copy), "%s\n", text);
	assert_false(manifest_read(copy, len + 1, &secret.key, 1, &m, NULL));
}

static void test_image(void **state)
{
	struct manifest m;
	struct error err;
	char other[sizeof(image)];

	(void)state;
	assert_true(
		manifest_read(text, strlen(text), &secret.key, 1, &m, &err));
	assert_false(manifest_check(&m, image, sizeof(image) - 1, &err));
	memcpy(other, image, sizeof(image));
	other[3] ^= 1;
	assert_false(manifest_check(&m, other, sizeof(other), &err));
	assert_non_null(strstr(err.text, "checksum"));
	/* nor is the checksum believed where the signature says otherwise */
	m.signature[5] ^= 1;
	assert_false(manifest_check(&m, image, sizeof(image), &err));
	assert_non_null(strstr(err.text, "signature"));
}

static void test_keys(void **state)
{
	struct manifest_secret other, again;
	struct manifest_key keys[2], key;
	struct manifest m;
	struct error err;
	uint8_t random[40] = { 9 };
	char buf[MANIFEST_KEY_TEXT], file[MANIFEST_SECRET_TEXT];

	(void)state;
	manifest_secret_make(&other, random);
	assert_false(
		manifest_read(text, strlen(text), &other.key, 1, &m, &err));
	assert_non_null(strstr(err.text, "another key"));
	assert_false(manifest_read(text, strlen(text), NULL, 0, &m, &err));
	/* the right id over the wrong key */
	key = other.key;
	memcpy(key.id, secret.key.id, sizeof(key.id));
	assert_false(manifest_read(text, strlen(text), &key, 1, &m, &err));
	assert_non_null(strstr(err.text, "does not hold"));
	keys[0] = other.key;
	keys[1] = secret.key;
	assert_true(manifest_read(text, strlen(text), keys, 2, &m, &err));
	assert_memory_equal(&m.key, &secret.key, sizeof(key));

	manifest_key_text(&secret.key, buf);
	assert_int_equal(strlen(buf), 56);
	assert_memory_equal(buf, "RW", 2);
	assert_true(manifest_key_parse(buf, 56, &key, &err));
	assert_memory_equal(&key, &secret.key, sizeof(key));
	assert_false(manifest_key_parse(buf, 55, &key, &err));
	buf[0] = 'S';
	assert_false(manifest_key_parse(buf, 56, &key, &err));
	buf[0] = '*';
	assert_false(manifest_key_parse(buf, 56, &key, &err));

	manifest_secret_text(&secret, file);
	assert_true(manifest_secret_parse(file, strlen(file), &again, &err));
	assert_memory_equal(&again, &secret, sizeof(again));
	/* its two halves */
	file[strlen(file) - 30] ^= 1;
	assert_false(manifest_secret_parse(file, strlen(file), &again, &err));
}

static void test_too_long(void **state)
{
	struct manifest m = { .serial = 1 };
	struct error err;
	char buf[MANIFEST_MAX];

	(void)state;
	memset(m.sources, 'x', sizeof(m.sources) - 1);
	assert_true(
		manifest_sign(&m, &secret, image, sizeof(image), buf, &err));
	assert_true(manifest_read(buf, strlen(buf), &secret.key, 1, &m, &err));
	assert_int_equal(strlen(m.sources), sizeof(m.sources) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_tampered),
		cmocka_unit_test(test_image),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, make, NULL);
}
