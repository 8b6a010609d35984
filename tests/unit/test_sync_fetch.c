// SPDX-License-Identifier: GPL-2.0-or-later
/* What lies beside a download (checksum, key, what is known of it), and what the
 * process that downloads says to the one that has rights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/sync_child.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

#define HEX   "00112233445566778899aabbccddeeff"
#define APNIC "delegated-apnic-extended-latest"
#define ARIN  "delegated-arin-extended-latest"

static const uint8_t sum[FETCH_MD5_SIZE] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55,
					     0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb,
					     0xcc, 0xdd, 0xee, 0xff };

static void test_md5(void **state)
{
	static const struct {
		const char *text, *name;
		bool ok;
	} cases[] = {
		{ "MD5 (" APNIC ") = " HEX, APNIC, true }, /* no line feed */
		{ "MD5 (" APNIC ") = " HEX "\n", APNIC, true },
		{ "MD5 (/pub/stats/apnic/" APNIC ") = " HEX "\r\n", APNIC,
		  true },
		{ HEX "  delegated-arin-extended-20260928\n", ARIN, true },
		{ HEX " *delegated-arin-extended-20260928\n", ARIN, true },
		{ HEX "  " ARIN "\n", ARIN, true },
		{ HEX "\n", ARIN, true },
		{ "00112233445566778899AABBCCDDEEFF\n", ARIN, true },
		{ "\n\n" HEX "  other\n" HEX "  " ARIN "\n", ARIN, true },
		{ HEX "  delegated-arin-20260928\n", ARIN, false },
		{ HEX "  delegated-ripencc-extended-latest\n", ARIN, false },
		{ HEX "  delegated-arin-extended-2026092\n", ARIN, false },
		{ HEX "0  " ARIN "\n", ARIN, false },
		{ HEX ARIN, ARIN, false },
		{ "0011  " ARIN "\n", ARIN, false },
		{ "MD5 (" APNIC ") " HEX, APNIC, false },
		{ "MD5 (" APNIC ") =", APNIC, false },
		{ "MD5 (", APNIC, false },
		{ "MD5 ()", APNIC, false },
		{ "SHA256 (" APNIC ") = " HEX, APNIC, false },
		{ "0011223344556677889gaabbccddeeff\n", ARIN, false },
		{ "<html>", ARIN, false },
		{ "", ARIN, false },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		uint8_t out[FETCH_MD5_SIZE] = { 0 };
		struct error err = { 0 };

		/* of its very size: a byte too many is seen */
		size_t len = strlen(cases[i].text);
		char *text = malloc(len + 1);

		assert_non_null(text);
		memcpy(text, cases[i].text, len);
		if (md5_parse(text, len, cases[i].name, out, &err) !=
		    cases[i].ok)
			fail_msg("\"%s\": %s", cases[i].text, err.text);
		if (cases[i].ok)
			assert_memory_equal(out, sum, sizeof(sum));
		else
			assert_non_null(strstr(err.text, cases[i].name));
		free(text);
	}
}

static void test_meta(void **state)
{
	struct sync_meta a = { .url = "https://example.net/a",
			       .etag = "W/\"x y\"",
			       .modified = "Mon, 28 Sep 2026 00:00:00 GMT",
			       .bytes = UINT64_MAX,
			       .date = 20260928,
			       .signed_ = true,
			       .known = true },
			 b;
	char text[META_MAX];
	size_t len;

	(void)state;
	memcpy(a.md5, sum, sizeof(sum));
	len = meta_format(&a, text);
	assert_true(len > 0);
	meta_parse(&b, text, len);
	assert_memory_equal(&a, &b, sizeof(a));
	/* cut anywhere, it is not known: the checksum comes last */
	for (size_t n = 0; n < len; n++) {
		meta_parse(&b, text, n);
		assert_false(b.known);
	}
	meta_parse(&b, "new thing\nmd5 " HEX "\n", 4 + 6 + 4 + 32 + 1);
	assert_true(b.known);
}

static void test_keys(void **state)
{
	static const char head[] = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
			  tail[] = "-----END PGP PUBLIC KEY BLOCK-----\n";
	static const struct {
		const char *body, *want; /* NULL: refused */
	} cases[] = {
		{ "Version: x\n\naGVsbG8=\n=abcd\n", "hello" },
		{ "\r\naGVs\r\nbG8=\r\n=abcd\r\n", "hello" },
		{ "\naGVsbG8=\n", "hello" }, /* no checksum */
		{ "\na!\n=abcd\n", NULL },
		{ "\n\n", NULL },
		{ "", NULL },
	};
	uint8_t *out;
	size_t len;

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char text[512];
		bool ok;

		snprintf(text, sizeof(text), "intro\n%s%s%sbetween\n%s%s%s",
			 head, cases[i].body, tail, head, cases[i].body, tail);
		ok = keys_dearmor(text, strlen(text), &out, &len, NULL);
		assert_int_equal(ok, cases[i].want != NULL);
		if (!ok)
			continue;
		assert_int_equal(len, 10); /* both */
		assert_memory_equal(out, "hellohello", 10);
		free(out);
	}
	assert_true(keys_dearmor("\x99key", 4, &out, &len, NULL));
	assert_int_equal(len, 4);
	free(out);
	assert_false(keys_dearmor("key", 3, &out, &len, NULL));
	assert_false(keys_dearmor(head, sizeof(head) - 1, &out, &len, NULL));
	assert_false(keys_dearmor("", 0, &out, &len, NULL));
}

static void count(void *ctx, const char *text)
{
	assert_null(strpbrk(text, "\n\033"));
	++*(unsigned *)ctx;
}

static void test_messages(void **state)
{
	unsigned said = 0;
	const struct geo_warn warn = { count, &said };
	struct fetch_item item = { .max_bytes = 100 };
	struct sync_file file = { 0 };
	struct sync_job job = { .items = &item,
				.item_count = 1,
				.files = &file,
				.file_count = 1,
				.warn = &warn };
	struct sync_heard h = { .job = &job };
	struct sync_message m = { .kind = MESSAGE_WARN };
	struct error err;

	(void)state;
	memset(m.text, '\033', sizeof(m.text)); /* no NUL, and hostile */
	for (unsigned i = 0; i < SYNC_WARNINGS_TAKEN + 10; i++)
		assert_true(sync_message_take(&h, &m, sizeof(m), &err));
	assert_int_equal(said, SYNC_WARNINGS_TAKEN);

	m.kind = MESSAGE_ITEM;
	m.state = FETCH_KEPT;
	m.now = 100;
	memset(m.url, '\n', sizeof(m.url));
	assert_true(sync_message_take(&h, &m, sizeof(m), &err));
	assert_int_equal(item.state, FETCH_KEPT);
	assert_int_equal(strlen(item.url), FETCH_URL_MAX - 1);
	assert_int_equal(strspn(item.why, "?"), FETCH_WHY_MAX - 1);

	m.now = 101;
	assert_false(sync_message_take(&h, &m, sizeof(m), &err));
	m.now = 0;
	m.state = FETCH_NEW + 1;
	assert_false(sync_message_take(&h, &m, sizeof(m), &err));
	m.state = 0;
	m.index = 1;
	for (m.kind = MESSAGE_PROGRESS; m.kind < MESSAGE_DONE; m.kind++)
		if (m.kind != MESSAGE_WARN)
			assert_false(
				sync_message_take(&h, &m, sizeof(m), &err));
	m.index = 0;
	m.kind = MESSAGE_DONE + 1;
	assert_false(sync_message_take(&h, &m, sizeof(m), &err));
	m.kind = MESSAGE_FILE;
	m.state = 2;
	assert_false(sync_message_take(&h, &m, sizeof(m), &err));
	m.state = 0;
	m.error_kind = 99;
	assert_false(sync_message_take(&h, &m, sizeof(m), &err));
	m.error_kind = ERROR_NONE; /* not ok, and no reason: there is one */
	assert_true(sync_message_take(&h, &m, sizeof(m), &err));
	assert_false(file.ok);
	assert_int_equal(file.err.kind, ERROR_MALFORMED);
	assert_false(sync_message_take(&h, &m, sizeof(m) - 1, &err));
	assert_false(h.done);
	m.kind = MESSAGE_DONE;
	assert_true(sync_message_take(&h, &m, sizeof(m), &err));
	assert_true(h.done);
	m.kind = MESSAGE_FILE; /* nothing comes after the end */
	m.state = 1;
	assert_false(sync_message_take(&h, &m, sizeof(m), &err));
	assert_false(file.ok);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_md5),
		cmocka_unit_test(test_meta),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
