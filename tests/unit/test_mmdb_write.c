// SPDX-License-Identifier: GPL-2.0-or-later
/* The MaxMind DB writer, against the reader that everybody has: libmaxminddb. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <endian.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <time.h>
#include <unistd.h>

#include <geoblock/mmdb_write.h>

#include "tests/unit/image_table.h"

static char folder[] = "/tmp/test-mmdb-XXXXXX";
static char image_path[64], path[64];
static uint64_t seed, rng_state;

/* splitmix64 */
static uint64_t rng(void)
{
	uint64_t z = rng_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static struct image *open_image(const struct geo_table *t)
{
	struct image *image;

	unlink(image_path);
	assert_true(image_save(image_path, t, 1767225600, NULL));
	assert_true(image_open(&image, image_path, IMAGE_CHECK_ALL, NULL));
	return image;
}

static void write_db(const struct image *image, const struct iset *only,
		     unsigned bits)
{
	struct error err = { 0 };
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	if (!mmdb_write(image, only, bits, f, &err))
		fail_msg("%s", err.text);
	assert_int_equal(fclose(f), 0);
}

static country_t ask(MMDB_s *db, const struct addr *a)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	uint64_t hi = htobe64(ADDR6_HI(a->value));
	uint64_t lo = htobe64(ADDR6_LO(a->value));
	MMDB_lookup_result_s found;
	MMDB_entry_data_s data;
	country_t cc;
	int error = 0;

	in4.sin_addr.s_addr = htobe32((uint32_t)a->value);
	memcpy(in6.sin6_addr.s6_addr, &hi, 8);
	memcpy(in6.sin6_addr.s6_addr + 8, &lo, 8);
	found = MMDB_lookup_sockaddr(
		db, a->family == 4 ? (void *)&in4 : (void *)&in6, &error);
	assert_int_equal(error, MMDB_SUCCESS);
	if (!found.found_entry)
		return COUNTRY_NONE;
	assert_int_equal(MMDB_get_value(&found.entry, &data, "country",
					"iso_code", NULL),
			 MMDB_SUCCESS);
	assert_true(data.has_data && data.type == MMDB_DATA_TYPE_UTF8_STRING);
	assert_true(country_parse(data.utf8_string, data.data_size, &cc));
	return cc;
}

static void compare(MMDB_s *db, const struct image *image,
		    const struct iset *only, struct addr a)
{
	addr6_t top = a.family == 4 ? ADDR4_MAX : ADDR6_MAX;
	struct addr mapped = { 6, ADDR6(0, 0xffff00000000) | a.value };
	country_t want;

	a.value &= top;
	/* IPv4's places in the IPv6 space answer as IPv4 */
	if (a.family == 6 &&
	    (a.value <= UINT32_MAX || a.value >> 32 == ADDR6(0, 0xffff)))
		return;
	want = a.family == 4 ? image_country4(image, (uint32_t)a.value)
			     : image_country6(image, a.value);
	if (only && !iset_has(only, &a))
		want = COUNTRY_NONE;
	assert_int_equal(ask(db, &a), want);
	if (a.family == 4) {
		mapped.value = ADDR6(0, 0xffff00000000) | a.value;
		assert_int_equal(ask(db, &mapped), want);
	}
}

static void compare_edges(MMDB_s *db, const struct image *image,
			  const struct iset *only, const struct iset *set)
{
	for (size_t i = 0; i < set->v4.count; i++) {
		const struct range4 *r = &set->v4.r[i];

		compare(db, image, only, (struct addr){ 4, r->first });
		compare(db, image, only, (struct addr){ 4, r->last });
		compare(db, image, only, (struct addr){ 4, r->first - 1 });
		compare(db, image, only, (struct addr){ 4, r->last + 1 });
	}
	for (size_t i = 0; i < set->v6.count; i++) {
		const struct range6 *r = &set->v6.r[i];

		compare(db, image, only, (struct addr){ 6, r->first });
		compare(db, image, only, (struct addr){ 6, r->last });
		compare(db, image, only, (struct addr){ 6, r->first - 1 });
		compare(db, image, only, (struct addr){ 6, r->last + 1 });
	}
}

static void check(const struct geo_table *t, const struct iset *only,
		  unsigned bits)
{
	struct image *image = open_image(t);
	MMDB_s db;

	write_db(image, only, bits);
	assert_int_equal(MMDB_open(path, MMDB_MODE_MMAP, &db), MMDB_SUCCESS);
	if (bits)
		assert_int_equal(db.metadata.record_size, bits);
	/* each record by itself, so that neighbours' edges are asked too */
	for (size_t i = 0; i < t->count4; i++) {
		struct range4 r = { t->v4[i].first, t->v4[i].last };
		struct iset one = { .v4 = { &r, 1, 1 } };

		compare_edges(&db, image, only, &one);
	}
	for (size_t i = 0; i < t->count6; i++) {
		struct range6 r = { t->v6[i].first, t->v6[i].last };
		struct iset one = { .v6 = { &r, 1, 1 } };

		compare_edges(&db, image, only, &one);
	}
	if (only)
		compare_edges(&db, image, only, only);
	for (int i = 0; i < 200; i++) {
		compare(&db, image, only, (struct addr){ 4, (uint32_t)rng() });
		compare(&db, image, only,
			(struct addr){ 6, ADDR6(rng(), rng()) });
	}
	MMDB_close(&db);
	image_close(image);
}

#define TOP6 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

static const char *const lists[][16] = {
	{ NULL },
	{ "0.0.0.0/0 US", NULL },
	{ "::/0 US", NULL },
	{ "0.0.0.0/0 US", "::/0 US", NULL },
	{ "0.0.0.0/0 US", "::/0 CA", NULL },
	{ "0.0.0.0 US", "255.255.255.255 CA", ":: US", "::1:0:0 CA", TOP6 " CA",
	  NULL },
	/* up to and over the edges of the IPv4 block and the mapped one */
	{ "255.255.255.255 US", "::ffff US", "::1:0:0-::1:0:7 US",
	  "::fffe:0:0/96 DE", "::ffff:1.2.3.0/120 DE", "::1:0:0:0/96 DE",
	  NULL },
	{ "10.0.0.0/8 US", "::fffe:ffff:ffff-::1:0:0:0 DE", NULL },
	{ "::fffe:ffff:ffff-::1:0:0:0 DE", NULL },
	{ "1.0.0.0/24 AU", "1.0.1.0/24 AU", "1.0.2.0-1.0.2.9 CN",
	  "10.0.0.0/8 --", "2001:db8::/32 Z9", "2001:db9::/127 A1", NULL },
};

static const unsigned sizes[] = { 0, 24, 28, 32 };

static void test_tables(void **state)
{
	struct iset none = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		struct geo_table t = table_of(lists[i]);

		for (size_t k = 0; k < 4; k++)
			check(&t, NULL, sizes[k]);
		check(&t, &none, 0);
		table_free(&t);
	}
}

static struct geo_table random_table(void)
{
	static const char codes[] = "USCADEEU";
	struct geo_table t = { .finished = true };
	unsigned scale4 = 4 + (unsigned)(rng() % 20);
	unsigned scale6 = 8 + (unsigned)(rng() % 100);

	for (int family = 4; family <= 6; family += 2) {
		addr6_t top = family == 4 ? ADDR4_MAX : ADDR6_MAX;
		addr6_t next = rng() % 2 ? 0 : ADDR6(rng(), rng()) & top;
		unsigned scale = family == 4 ? scale4 : scale6;

		for (int i = 0; i < 100; i++) {
			addr6_t any = ADDR6(rng(), rng());
			addr6_t size = any >> (127 - rng() % scale);
			size_t code = rng() % 4 * 2;
			struct geo_record record = {
				.country = COUNTRY(codes[code], codes[code + 1])
			};
			struct range r = { .family = family };

			if (rng() % 3 == 0)
				next += rng() % 4 + 1;
			if (next > top || size >= top - next)
				break;
			r.first = next;
			r.last = next + size;
			next = r.last + 1;
			table_add(&t, &r, &record);
		}
	}
	return t;
}

/* Some of the ranges, and cuts through others. */
static struct iset random_part(const struct geo_table *t)
{
	struct iset set = { 0 };

	for (size_t i = 0; i < t->count4; i++)
		if (rng() % 2)
			assert_true(iset_add4(&set, t->v4[i].first,
					      t->v4[i].last, NULL));
		else if (t->v4[i].last - t->v4[i].first > 8)
			assert_true(iset_add4(&set, t->v4[i].first + 3,
					      t->v4[i].first + 4, NULL));
	for (size_t i = 0; i < t->count6; i++)
		if (rng() % 2)
			assert_true(iset_add6(&set, t->v6[i].first,
					      t->v6[i].last, NULL));
		else if (t->v6[i].last - t->v6[i].first > 8)
			assert_true(iset_add6(&set, t->v6[i].last - 4,
					      t->v6[i].last - 3, NULL));
	assert_true(iset_normalise(&set, NULL));
	return set;
}

static void test_random(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 60; i++) {
		struct geo_table t;
		struct iset part;

		rng_state = seed + i;
		t = random_table();
		part = random_part(&t);
		check(&t, NULL, sizes[i % 4]);
		check(&t, &part, sizes[i % 4]);
		iset_clear(&part);
		table_free(&t);
	}
}

static void test_metadata(void **state)
{
	struct geo_table t = table_of(lists[9]);
	struct image *image = open_image(&t);
	MMDB_s db;

	(void)state;
	write_db(image, NULL, 0);
	assert_int_equal(MMDB_open(path, MMDB_MODE_MMAP, &db), MMDB_SUCCESS);
	assert_int_equal(db.metadata.record_size, 24);
	assert_int_equal(db.metadata.ip_version, 6);
	assert_int_equal(db.metadata.build_epoch, 1767225600);
	assert_string_equal(db.metadata.database_type, "geoblock-Country");
	assert_int_equal(db.metadata.languages.count, 1);
	assert_string_equal(db.metadata.languages.names[0], "en");
	assert_int_equal(db.metadata.binary_format_major_version, 2);
	assert_int_equal(db.metadata.description.count, 1);
	MMDB_close(&db);
	image_close(image);
	table_free(&t);
}

/* A name longer than the 28 bytes that fit a control byte, and none at all. */
static void test_names(void **state)
{
	static const char *const list[] = { "1.0.0.0/24 GS", "2.0.0.0/24 Z9",
					    NULL };
	struct geo_table t = table_of(list);
	struct image *image = open_image(&t);
	MMDB_lookup_result_s found;
	MMDB_entry_data_s data;
	int gai, error;
	MMDB_s db;

	(void)state;
	write_db(image, NULL, 0);
	assert_int_equal(MMDB_open(path, MMDB_MODE_MMAP, &db), MMDB_SUCCESS);
	found = MMDB_lookup_string(&db, "1.0.0.9", &gai, &error);
	assert_true(found.found_entry);
	assert_int_equal(found.netmask, 96 + 24);
	assert_int_equal(MMDB_get_value(&found.entry, &data, "country", "names",
					"en", NULL),
			 MMDB_SUCCESS);
	assert_int_equal(data.data_size,
			 strlen(country_name(COUNTRY('G', 'S'))));
	assert_true(data.data_size > 28);
	assert_memory_equal(data.utf8_string, country_name(COUNTRY('G', 'S')),
			    data.data_size);
	found = MMDB_lookup_string(&db, "2.0.0.9", &gai, &error);
	assert_true(found.found_entry);
	assert_int_equal(MMDB_get_value(&found.entry, &data, "country", "names",
					"en", NULL),
			 MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR);
	MMDB_close(&db);
	image_close(image);
	table_free(&t);
}

/* So many nodes that 24 bits do not do: scattered single addresses take a hundred
 * each.  Only here are the upper bits of larger records other than zero. */
static void test_large(void **state)
{
	enum { COUNT = 1 << 18 };
	struct geo_table t = { .finished = true };
	struct image *image;
	struct error err = { 0 };
	FILE *null = fopen("/dev/null", "w");
	MMDB_s db;

	(void)state;
	t.count6 = COUNT;
	t.v6 = calloc(COUNT, sizeof(*t.v6));
	for (size_t i = 0; i < COUNT; i++) {
		t.v6[i].first = t.v6[i].last = (addr6_t)i << 110 | 1;
		t.v6[i].record.country =
			i % 3 ? COUNTRY('U', 'S') : COUNTRY('D', 'E');
	}
	image = open_image(&t);
	assert_false(mmdb_write(image, NULL, 24, null, &err));
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_non_null(strstr(err.text, "takes 28"));
	write_db(image, NULL, 0);
	assert_int_equal(MMDB_open(path, MMDB_MODE_MMAP, &db), MMDB_SUCCESS);
	assert_int_equal(db.metadata.record_size, 28);
	for (size_t i = 0; i < COUNT; i += 101) {
		compare(&db, image, NULL, (struct addr){ 6, t.v6[i].first });
		compare(&db, image, NULL,
			(struct addr){ 6, t.v6[i].first + 1 });
	}
	MMDB_close(&db);
	image_close(image);
	fclose(null);
	table_free(&t);
}

static void test_errors(void **state)
{
	struct geo_table t = table_of(lists[9]);
	struct image *image = open_image(&t);
	struct error err = { 0 };
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	setvbuf(full, NULL, _IONBF, 0);
	assert_false(mmdb_write(image, NULL, 0, full, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	fclose(full);
	image_close(image);
	table_free(&t);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(image_path, sizeof(image_path), "%s/image", folder);
	snprintf(path, sizeof(path), "%s/db", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(image_path);
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),   cmocka_unit_test(test_random),
		cmocka_unit_test(test_metadata), cmocka_unit_test(test_names),
		cmocka_unit_test(test_large),    cmocka_unit_test(test_errors),
	};
	const char *given = getenv("GEOBLOCK_TEST_SEED");

	seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	printf("# GEOBLOCK_TEST_SEED=%llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, setup, teardown);
}
