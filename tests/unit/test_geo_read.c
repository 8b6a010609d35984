// SPDX-License-Identifier: GPL-2.0-or-later
/* Files with every quirk that was seen and every fault that can be thought of.
 */
#include "geo_files.h"

#define HEAD(total, n4, n6)                                                    \
	"2|arin|20260101|" #total "|19830101|20260102|-0500\n"                 \
	"arin|*|asn|*|0|summary\n"                                             \
	"arin|*|ipv4|*|" #n4 "|summary\n"                                      \
	"arin|*|ipv6|*|" #n6 "|summary\n"

static const struct {
	const char *text;
	const char *want;     /* error; NULL: read */
	const char *warnings; /* NULL: none */
} rir_files[] = {
	{ HEAD(1, 1, 0) "arin|US|ipv4|192.0.2.0|256|20200101|allocated\n", NULL,
	  NULL },
	{ HEAD(2, 2, 0) "arin|US|ipv4|192.0.2.0|256|20200101|allocated\n",
	  "f:3: header says 2 ipv4 records, the file has 1: truncated?", NULL },
};

static void test_rir_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rir_files) / sizeof(*rir_files); i++) {
		struct geo_table table = { 0 };
		struct heard heard = { 0 };
		struct geo_warn warn = { hear, &heard };
		struct error err = { 0 };
		bool ok;

		write_text("f", rir_files[i].text);
		ok = geo_read(&table, "f", &warn, &err);
		assert_string_equal(ok ? "read" : err.text,
				    rir_files[i].want ? rir_files[i].want
						      : "read");
		assert_string_equal(heard.text, rir_files[i].warnings
							? rir_files[i].warnings
							: "");
		geo_table_clear(&table);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rir_files),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
