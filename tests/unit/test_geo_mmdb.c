// SPDX-License-Identifier: GPL-2.0-or-later
/* MaxMind DBs made for the purpose: each schema, each shape of tree, and
 * what an attacker would put into one. */
#include "geo_files.h"
#include "mmdb_make.h"

#include <errno.h>

static struct make m; /* too big for a stack */
static struct bytes file;

static void write_mmdb(void)
{
	make_file(&m, &file);
	write_bytes("db.mmdb", file.p, file.len);
}

/* "range CC" of each entry, one a line; or the error */
static const char *read_back(char *buf, size_t size)
{
	struct geo_table t = { 0 };
	struct error err = { 0 };
	size_t used = 0;
	char at[RANGE_TEXT_MAX], cc[3];

	write_mmdb();
	buf[0] = '\0';
	if (!geo_read(&t, "db.mmdb", NULL, &err)) {
		snprintf(buf, size, "%s", err.text);
		geo_table_clear(&t);
		return buf;
	}
	assert_int_equal(t.sources[0].kind, GEO_MMDB);
	for (size_t i = 0; i < t.count4; i++) {
		struct range r = { 4, t.v4[i].first, t.v4[i].last };

		assert_int_equal(t.v4[i].line, 0);
		used += (size_t)snprintf(
			buf + used, size - used, "%s %s\n",
			range_format(&r, at),
			country_text(t.v4[i].record.country, cc));
	}
	for (size_t i = 0; i < t.count6; i++) {
		struct range r = { 6, t.v6[i].first, t.v6[i].last };

		used += (size_t)snprintf(
			buf + used, size - used, "%s %s\n",
			range_format(&r, at),
			country_text(t.v6[i].record.country, cc));
	}
	geo_table_clear(&t);
	return buf;
}

/* What mmdb_find() says of an address in the file written last. */
static const char *find(const char *address, char cc[3])
{
	struct mmdb *mmdb;
	struct error err = { 0 };
	struct addr addr;
	country_t country = 1;

	assert_true(addr_parse(address, strlen(address), &addr, &err));
	if (!mmdb_open(&mmdb, "db.mmdb", &err))
		fail_msg("%s", err.text);
	if (!mmdb_find(mmdb, &addr, &country, &err)) {
		assert_int_equal(country, COUNTRY_NONE);
		mmdb_close(mmdb);
		return "error";
	}
	mmdb_close(mmdb);
	return country_text(country, cc);
}

#define V4(a, b, c, d)                                                         \
	((addr6_t)((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d)))

static void test_schemas(void **state)
{
	uint32_t at;
	char buf[1024], cc[3];

	(void)state;
	make_init(&m, 128);
	make_set(&m, V4(192, 0, 2, 0), 120,
		 MAKE_DATA + make_nested(&m, "country", "US"));
	make_set(&m, V4(198, 51, 100, 0), 120,
		 MAKE_DATA + make_nested(&m, "registered_country", "CA"));
	make_set(&m, V4(203, 0, 113, 0), 120,
		 MAKE_DATA + make_flat(&m, "country_code", "MX"));
	/* a country without a code falls back; the continent is none */
	at = (uint32_t)m.data.len;
	put_map(&m.data, 3);
	put_string(&m.data, "continent");
	put_map(&m.data, 1);
	put_string(&m.data, "code");
	put_string(&m.data, "EU");
	put_string(&m.data, "country");
	put_map(&m.data, 1);
	put_string(&m.data, "geoname_id");
	put_number(&m.data, 6, 123456);
	put_string(&m.data, "registered_country");
	put_pointer(&m.data, 4 + (unsigned)m.data.len); /* past two pairs */
	put_byte(&m.data, 0xe0); /* an empty map that nothing refers to */
	put_byte(&m.data, 0xe0);
	put_map(&m.data, 1);
	put_string(&m.data, "iso_code");
	put_string(&m.data, "PT");
	make_set(&m, ADDR6(0x20010db800000000, 0), 32, MAKE_DATA + at);
	/* no country at all; codes that are none */
	make_set(&m, ADDR6(0x20010db900000000, 0), 32,
		 MAKE_DATA + make_nested(&m, "continent", "EU"));
	make_set(&m, ADDR6(0x20010dba00000000, 0), 32,
		 MAKE_DATA + make_nested(&m, "country", "USA"));
	make_set(&m, ADDR6(0x20010dbb00000000, 0), 32,
		 MAKE_DATA + make_nested(&m, "country", "ZZ"));
	make_set(&m, ADDR6(0x20010dbc00000000, 0), 32,
		 MAKE_DATA + make_flat(&m, "country_code", ""));
	assert_string_equal(read_back(buf, sizeof(buf)),
			    "192.0.2.0/24 US\n198.51.100.0/24 CA\n"
			    "203.0.113.0/24 MX\n2001:db8::/32 PT\n");
	assert_string_equal(find("192.0.2.1", cc), "US");
	assert_string_equal(find("198.51.100.255", cc), "CA");
	assert_string_equal(find("203.0.113.0", cc), "MX");
	assert_string_equal(find("192.0.3.0", cc), "--");
	assert_string_equal(find("2001:db8:ffff::", cc), "PT");
	assert_string_equal(find("2001:db9::", cc), "--");
	assert_string_equal(find("2001:dba::", cc), "--");
	assert_string_equal(find("2001:dbb::", cc), "--");
	assert_string_equal(find("2001:dbc::", cc), "--");
}

/* What databases alias to IPv4 is not taken twice, nor as IPv6; what stands at
 * the same places in one without aliases is. */
static void test_aliases(void **state)
{
	char buf[1024], cc[3];
	uint32_t us, ipv4;

	(void)state;
	make_init(&m, 128);
	us = MAKE_DATA + make_nested(&m, "country", "US");
	make_set(&m, V4(0, 0, 0, 0), 97, us);
	make_set(&m, V4(192, 0, 2, 0), 120,
		 MAKE_DATA + make_nested(&m, "country", "DE"));
	ipv4 = make_node(&m, 0, 96);
	make_set(&m, ADDR6(0, 0x0000ffff00000000), 96, ipv4);
	make_set(&m, ADDR6(0x2002000000000000, 0), 16, ipv4);
	make_set(&m, ADDR6(0x2001000000000000, 0), 32, ipv4);
	make_set(&m, ADDR6(0x2400000000000000, 0), 12, us);
	assert_string_equal(read_back(buf, sizeof(buf)),
			    "0.0.0.0/1 US\n192.0.2.0/24 DE\n2400::/12 US\n");
	assert_string_equal(find("2002:c000:201::1", cc), "DE");
	assert_string_equal(find("2001:0:c000:201::1", cc), "DE");
	assert_string_equal(find("::ffff:192.0.2.1", cc), "DE");

	make_init(&m, 128);
	us = MAKE_DATA + make_nested(&m, "country", "US");
	make_set(&m, V4(0, 0, 0, 0), 97, us);
	make_set(&m, ADDR6(0x2002000000000000, 0), 16, us);
	assert_string_equal(read_back(buf, sizeof(buf)),
			    "0.0.0.0/1 US\n2002::/16 US\n");
}

/* One record for all IPv4, or for more than that. */
static void test_ipv4_as_a_leaf(void **state)
{
	char buf[1024], cc[3];
	uint32_t us;

	(void)state;
	make_init(&m, 128);
	us = MAKE_DATA + make_nested(&m, "country", "US");
	make_set(&m, 0, 96, us);
	assert_string_equal(read_back(buf, sizeof(buf)), "0.0.0.0/0 US\n");
	assert_string_equal(find("192.0.2.1", cc), "US");

	make_set(&m, 0, 64, us);
	assert_string_equal(read_back(buf, sizeof(buf)),
			    "0.0.0.0/0 US\n::1:0:0-::ffff:ffff:ffff:ffff US\n");
	assert_string_equal(find("192.0.2.1", cc), "US");
	assert_string_equal(find("::1:0:1", cc), "US");

	make_init(&m, 128);
	us = MAKE_DATA + make_nested(&m, "country", "US");
	m.node[0][0] = us;
	m.node[0][1] = us;
	assert_string_equal(
		read_back(buf, sizeof(buf)),
		"0.0.0.0/0 US\n::1:0:0-ffff:ffff:ffff:ffff:ffff:ffff:"
		"ffff:ffff US\n");
}

static void test_ipv4_only(void **state)
{
	char buf[1024], cc[3];

	(void)state;
	make_init(&m, 32);
	make_set(&m, V4(192, 0, 2, 0), 24,
		 MAKE_DATA + make_nested(&m, "country", "US"));
	make_set(&m, V4(255, 255, 255, 255), 32,
		 MAKE_DATA + make_nested(&m, "country", "CA"));
	make_set(&m, V4(0, 0, 0, 0), 32,
		 MAKE_DATA + make_nested(&m, "country", "MX"));
	assert_string_equal(
		read_back(buf, sizeof(buf)),
		"0.0.0.0 MX\n192.0.2.0/24 US\n255.255.255.255 CA\n");
	assert_string_equal(find("192.0.2.1", cc), "US");
	assert_string_equal(find("2001:db8::1", cc), "--");
}

/* Neighbours of one country are one range, also across schemas. */
static void test_joined(void **state)
{
	char buf[1024];

	(void)state;
	make_init(&m, 128);
	make_set(&m, V4(192, 0, 2, 0), 120,
		 MAKE_DATA + make_nested(&m, "country", "US"));
	make_set(&m, V4(192, 0, 3, 0), 120,
		 MAKE_DATA + make_flat(&m, "country_code", "us"));
	make_set(&m, V4(192, 0, 4, 0), 120,
		 MAKE_DATA + make_flat(&m, "country_code", "CA"));
	make_set(&m, ADDR6(0xfffe000000000000, 0), 16,
		 MAKE_DATA + make_nested(&m, "country", "CA"));
	make_set(&m, ADDR6(0xffff000000000000, 0), 16,
		 MAKE_DATA + make_nested(&m, "country", "CA"));
	assert_string_equal(read_back(buf, sizeof(buf)),
			    "192.0.2.0/23 US\n192.0.4.0/24 CA\nfffe::/15 CA\n");
}

static void test_dates(void **state)
{
	static const struct {
		uint64_t epoch;
		uint32_t want;
	} cases[] = {
		{ 1767225600, 20260101 }, { 1, 19700101 },
		{ UINT32_MAX, 21060207 }, { UINT64_MAX, 0 },
		{ (uint64_t)1 << 62, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct geo_table t = { 0 };

		make_init(&m, 32);
		m.epoch = cases[i].epoch;
		make_set(&m, V4(192, 0, 2, 0), 24,
			 MAKE_DATA + make_nested(&m, "country", "US"));
		write_mmdb();
		assert_true(geo_read(&t, "db.mmdb", NULL, NULL));
		assert_int_equal(t.sources[0].date, cases[i].want);
		assert_int_equal(t.sources[0].bytes, file.len);
		geo_table_clear(&t);
	}
}

static void test_no_countries(void **state)
{
	char buf[1024];

	(void)state;
	make_init(&m, 128);
	m.type = "GeoLite2-ASN";
	make_set(&m, V4(192, 0, 2, 0), 120,
		 MAKE_DATA + make_flat(&m, "autonomous_system", "AS1"));
	assert_string_equal(read_back(buf, sizeof(buf)),
			    "db.mmdb: no countries in it: a database of type "
			    "\"GeoLite2-ASN\"");
}

/* The tree of an attacker: back to the root, to itself, shared so that it
 * has 2^n leaves, deeper than an address. */
static void test_trees_that_are_none(void **state)
{
	char buf[1024];
	uint32_t us, at;

	(void)state;
	make_init(&m, 128);
	us = MAKE_DATA + make_nested(&m, "country", "US");
	make_set(&m, V4(192, 0, 2, 0), 120, us);
	at = make_node(&m, 0, 40);
	m.node[at][1] = at;
	assert_string_equal(
		read_back(buf, sizeof(buf)),
		"db.mmdb: the tree of the MaxMind DB comes to a node "
		"twice");

	make_init(&m, 128);
	us = MAKE_DATA + make_nested(&m, "country", "US");
	make_set(&m, V4(192, 0, 2, 0), 120, us);
	m.node[make_node(&m, 0, 40)][1] = 0;
	assert_string_equal(read_back(buf, sizeof(buf)),
			    "db.mmdb: The MaxMind DB file's search tree is "
			    "corrupt");

	make_init(&m, 128);
	us = MAKE_DATA + make_nested(&m, "country", "US");
	m.nodes = 128;
	for (uint32_t i = 0; i < 127; i++)
		m.node[i][0] = m.node[i][1] = i + 1;
	m.node[127][0] = m.node[127][1] = us;
	assert_string_equal(
		read_back(buf, sizeof(buf)),
		"db.mmdb: the tree of the MaxMind DB comes to a node "
		"twice");

	make_init(&m, 32);
	us = MAKE_DATA + make_nested(&m, "country", "US");
	m.nodes = 40;
	for (uint32_t i = 0; i < 40; i++) {
		m.node[i][0] = i + 1 < 40 ? i + 1 : us;
		m.node[i][1] = MAKE_EMPTY;
	}
	assert_string_equal(
		read_back(buf, sizeof(buf)),
		"db.mmdb: the tree of the MaxMind DB is deeper than "
		"an address has bits");
}

/* Arrays of 28 pointers to the array before; the first point to `before`.
 * Gives where the last one is. */
static unsigned put_fan(struct bytes *b, unsigned before)
{
	for (int level = 0; level < 14; level++) {
		unsigned at = (unsigned)b->len;

		put_array(b, 28);
		for (int i = 0; i < 28; i++)
			put_pointer(b, before);
		before = at;
	}
	return before;
}

/* Data that would cost libmaxminddb its stack or an age. */
static void test_data_bombs(void **state)
{
	char buf[1024], cc[3];

	(void)state;
	/* arrays in arrays */
	make_init(&m, 32);
	for (int i = 0; i < 30000; i++)
		put_array(&m.data, 1);
	put_string(&m.data, "US");
	make_set(&m, V4(192, 0, 2, 0), 24, MAKE_DATA);
	assert_string_equal(read_back(buf, sizeof(buf)),
			    "db.mmdb: the data at offset 0 are damaged");
	assert_string_equal(find("192.0.2.1", cc), "error");
	assert_string_equal(find("192.0.3.1", cc), "--");

	/* maps in maps, behind a key that has to be skipped */
	make_init(&m, 32);
	put_map(&m.data, 2);
	put_string(&m.data, "city");
	for (int i = 0; i < 10000; i++) {
		put_map(&m.data, 1);
		put_string(&m.data, "x");
	}
	put_string(&m.data, "x");
	put_string(&m.data, "country_code");
	put_string(&m.data, "US");
	make_set(&m, V4(192, 0, 2, 0), 24, MAKE_DATA);
	assert_string_equal(read_back(buf, sizeof(buf)),
			    "db.mmdb: the data at offset 0 are damaged");

	/* pointers: to itself, and a fan of 2^20 */
	make_init(&m, 32);
	put_pointer(&m.data, 0);
	make_set(&m, V4(192, 0, 2, 0), 24, MAKE_DATA);
	assert_string_equal(read_back(buf, sizeof(buf)),
			    "db.mmdb: the data at offset 0 are damaged");
	make_init(&m, 32);
	put_string(&m.data, "US");
	for (unsigned i = 0, before = 0; i < 25; i++) {
		unsigned at = (unsigned)m.data.len;

		put_array(&m.data, 2);
		put_pointer(&m.data, before);
		put_pointer(&m.data, before);
		before = at;
		make_set(&m, V4(192, 0, 2, 0), 24, MAKE_DATA + before);
	}
	read_back(buf, sizeof(buf));
	assert_non_null(strstr(buf, "are damaged"));

	/* a fan that is wide and not deep: 28^14 */
	make_init(&m, 32);
	put_string(&m.data, "US");
	make_set(&m, V4(192, 0, 2, 0), 24, MAKE_DATA + put_fan(&m.data, 0));
	read_back(buf, sizeof(buf));
	assert_non_null(strstr(buf, "are damaged"));

	/* sizes beyond the end */
	make_init(&m, 32);
	put_map(&m.data, 28);
	put_string(&m.data, "country_code");
	make_set(&m, V4(192, 0, 2, 0), 24, MAKE_DATA);
	assert_string_equal(read_back(buf, sizeof(buf)),
			    "db.mmdb: the data at offset 0 are damaged");
}

/* The same in the metadata, which MMDB_open() reads in full. */
static void test_metadata_bombs(void **state)
{
	static const char damaged[] =
		"db.mmdb: the MaxMind DB's metadata are damaged";
	char buf[1024];

	(void)state;
	make_init(&m, 32);
	make_set(&m, V4(192, 0, 2, 0), 24,
		 MAKE_DATA + make_nested(&m, "country", "US"));
	for (int i = 0; i < 30000; i++)
		put_array(&m.metadata, 1);
	assert_string_equal(read_back(buf, sizeof(buf)), damaged);

	m.metadata.len = 0;
	put_map(&m.metadata, 2);
	put_string(&m.metadata, "description");
	put_pointer(&m.metadata, (unsigned)m.metadata.len + 2);
	for (int i = 0; i < 30; i++) {
		unsigned next = (unsigned)m.metadata.len + 6;

		put_array(&m.metadata, 2);
		put_pointer(&m.metadata, next);
		put_pointer(&m.metadata, next);
	}
	put_string(&m.metadata, "x");
	put_string(&m.metadata, "x");
	assert_string_equal(read_back(buf, sizeof(buf)), damaged);

	m.metadata.len = 0;
	for (int level = 0; level < 14; level++) {
		/* where the next level begins */
		unsigned next = (unsigned)m.metadata.len + 2 + 28 * 2;

		put_array(&m.metadata, 28);
		for (int i = 0; i < 28; i++)
			put_pointer(&m.metadata, next);
	}
	put_string(&m.metadata, "x");
	assert_string_equal(read_back(buf, sizeof(buf)), damaged);

	m.metadata.len = 0;
	put_metadata(&m.metadata, &m);
	m.metadata.len -= 3;
	assert_string_equal(read_back(buf, sizeof(buf)), damaged);

	m.metadata.len = 0;
	put_map(&m.metadata, 0);
	read_back(buf, sizeof(buf));
	assert_memory_equal(buf, "db.mmdb: ", 9);
}

/* Any cut, and any byte turned into any of a few others: an answer or an error,
 * soon, and nothing else. */
static void test_damage(void **state)
{
	static const uint8_t others[] = { 0x00, 0x01, 0x20, 0x3f,
					  0x5d, 0x7f, 0xe1, 0xff };
	char buf[8192];
	size_t whole;

	(void)state;
	make_init(&m, 128);
	make_set(&m, V4(192, 0, 2, 0), 120,
		 MAKE_DATA + make_nested(&m, "country", "US"));
	make_set(&m, ADDR6(0x20010db800000000, 0), 32,
		 MAKE_DATA + make_flat(&m, "country_code", "CA"));
	write_mmdb();
	whole = file.len;
	for (size_t i = 0; i < whole + sizeof(others) * 300; i++) {
		struct geo_table t = { 0 };
		struct mmdb *mmdb = NULL;
		struct addr addr = { 4, V4(192, 0, 2, 1) };
		country_t cc;

		make_file(&m, &file);
		if (i < whole)
			file.len = i;
		else /* the data and the metadata, where it matters */
			file.p[whole - 1 - (i - whole) / sizeof(others)] =
				others[(i - whole) % sizeof(others)];
		write_bytes("db.mmdb", file.p, file.len);
		geo_read(&t, "db.mmdb", NULL, NULL);
		geo_table_clear(&t);
		if (mmdb_open(&mmdb, "db.mmdb", NULL))
			mmdb_find(mmdb, &addr, &cc, NULL);
		else
			assert_null(mmdb);
		mmdb_close(mmdb);
	}
	assert_non_null(read_back(buf, sizeof(buf)));
}

/* The bound on what is decoded is one of a look-up, not of a program's life:
 * more places of data than are remembered, looked up again and again. */
static void test_many_lookups(void **state)
{
	enum { PLACES = 5000 };
	struct mmdb *mmdb;
	struct error err = { 0 };

	(void)state;
	make_init(&m, 32);
	make_nested(&m, "country", "US");
	for (uint32_t i = 0; i < PLACES; i++) {
		make_set(&m, V4(192, 0, 0, 0) + i, 32,
			 MAKE_DATA + (uint32_t)m.data.len);
		put_pointer(&m.data, 0);
	}
	write_mmdb();
	assert_true(mmdb_open(&mmdb, "db.mmdb", &err));
	for (uint32_t i = 0; i < 200 * PLACES; i++) {
		struct addr a = { 4, V4(192, 0, 0, 0) + i % PLACES };
		country_t cc;

		if (!mmdb_find(mmdb, &a, &cc, &err))
			fail_msg("%s", err.text);
		assert_true(cc == COUNTRY('U', 'S'));
	}
	mmdb_close(mmdb);
}

static void test_open(void **state)
{
	struct error err = { 0 };
	struct mmdb *mmdb = NULL;

	(void)state;
	assert_false(mmdb_open(&mmdb, "nothing.mmdb", &err));
	assert_null(mmdb);
	assert_int_equal(err.sys_errno, ENOENT);
	assert_string_equal(err.text, "nothing.mmdb: cannot open: No such file "
				      "or directory");
	assert_false(mmdb_open(&mmdb, ".", &err));
	assert_string_equal(err.text, ".: is no regular file");
	write_text("text", "192.0.2.0/24\n");
	assert_false(mmdb_open(&mmdb, "text", &err));
	assert_string_equal(err.text,
			    "text: binary data, but no MaxMind DB: it "
			    "has no metadata marker");
	write_text("text", "");
	assert_false(mmdb_open(&mmdb, "text", &err));
	mmdb_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schemas),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_ipv4_as_a_leaf),
		cmocka_unit_test(test_ipv4_only),
		cmocka_unit_test(test_joined),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_no_countries),
		cmocka_unit_test(test_trees_that_are_none),
		cmocka_unit_test(test_data_bombs),
		cmocka_unit_test(test_metadata_bombs),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_many_lookups),
		cmocka_unit_test(test_open),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
