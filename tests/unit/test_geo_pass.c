// SPDX-License-Identifier: GPL-2.0-or-later
/* geo_table_send(), geo_table_receive(): what was sent arrives, and what no
 * reader could have made does not. */
#include "geo_files.h"

#include <sys/mman.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static const char arin[] = "2|arin|20260102|3|19700101|20260101|-0500\n"
			   "arin|*|ipv4|*|2|summary\n"
			   "arin|*|ipv6|*|1|summary\n"
			   "arin|US|ipv4|192.0.2.0|256|20010920|allocated\n"
			   "arin||ipv4|198.51.100.0|256||available\n"
			   "arin|US|ipv6|2001:db8::|32|20010920|allocated\n";

static void make_table(struct geo_table *t)
{
	struct error err = { 0 };

	write_text("arin", arin);
	write_text("fr.zone", "203.0.113.0/24\n2001:db8:f::/48\n");
	memset(t, 0, sizeof(*t));
	assert_true(geo_read(t, "arin", NULL, &err));
	assert_true(geo_read(t, "fr.zone", NULL, &err));
}

static int memory(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void test_arrives(void **state)
{
	struct geo_table a, b = { 0 };
	struct error err = { 0 };
	int fd = memory();

	(void)state;
	make_table(&a);
	assert_true(geo_table_send(&a, fd, &err));
	assert_true(geo_table_receive(&b, fd, &err));
	assert_int_equal(a.count4, b.count4);
	assert_int_equal(a.count6, b.count6);
	assert_int_equal(a.source_count, b.source_count);
	assert_memory_equal(a.v4, b.v4, a.count4 * sizeof(*a.v4));
	assert_memory_equal(a.v6, b.v6, a.count6 * sizeof(*a.v6));
	assert_memory_equal(a.sources, b.sources,
			    a.source_count * sizeof(*a.sources));
	assert_true(geo_table_finish(&b, NULL, NULL, NULL, &err));
	close(fd);
	geo_table_clear(&a);
	geo_table_clear(&b);
}

static void test_empty_arrives(void **state)
{
	struct geo_table a = { 0 }, b = { 0 };
	struct error err = { 0 };
	int fd = memory();

	(void)state;
	assert_true(geo_table_send(&a, fd, &err));
	assert_true(geo_table_receive(&b, fd, &err));
	assert_int_equal(b.count4 + b.count6 + b.source_count, 0);
	close(fd);
	geo_table_clear(&b);
}

/* One thing wrong with a table that is right otherwise. */
static void turned(struct geo_table *t)
{
	t->v4[0].last = t->v4[0].first - 1;
}
static void turned6(struct geo_table *t)
{
	t->v6[0].last = t->v6[0].first - 1;
}
static void no_source(struct geo_table *t)
{
	t->v4[0].source = 2;
}
static void far_source(struct geo_table *t)
{
	t->v6[0].source = UINT32_MAX;
}
static void other_source(struct geo_table *t)
{
	t->v4[2].source = 0; /* of the list, under the registry's name */
}
static void country(struct geo_table *t)
{
	t->v4[0].record.country = COUNTRY('u', 's');
}
static void status(struct geo_table *t)
{
	t->v4[1].record.status = STATUS_COUNT;
}
static void registry(struct geo_table *t)
{
	t->v6[0].record.registry = REGISTRY_APNIC;
}
static void overlaps(struct geo_table *t)
{
	t->v4[1].first = t->v4[0].last;
}
static void disorder(struct geo_table *t)
{
	struct geo_range4 first = t->v4[0];

	t->v4[0] = t->v4[1];
	t->v4[1] = first;
}
static void overlaps6(struct geo_table *t)
{
	t->v6[1] = t->v6[0];
	t->sources[0].records6++;
	t->sources[1].records6--;
}
static void date(struct geo_table *t)
{
	t->v4[0].record.date = UINT32_MAX;
}
static void more(struct geo_table *t)
{
	t->sources[0].records4++;
}
static void swapped(struct geo_table *t)
{
	t->sources[0].records4++;
	t->sources[1].records4--;
}
static void source_kind(struct geo_table *t)
{
	t->sources[1].kind = GEO_MMDB + 1;
}
static void source_registry(struct geo_table *t)
{
	t->sources[0].registry = REGISTRY_COUNT;
}
static void source_nameless(struct geo_table *t)
{
	t->sources[0].registry = REGISTRY_NONE;
}
static void source_country(struct geo_table *t)
{
	t->sources[1].country = 0x4100;
}
static void twice(struct geo_table *t)
{
	t->sources[1].kind = GEO_RIR;
	t->sources[1].registry = REGISTRY_ARIN;
	t->v4[2].record.registry = t->v6[1].record.registry = REGISTRY_ARIN;
}
static void path_endless(struct geo_table *t)
{
	memset(t->sources[0].path, 'x', GEO_PATH_MAX);
}
static void path_escape(struct geo_table *t)
{
	strcpy(t->sources[0].path, "a\033[2J");
}
static void path_empty(struct geo_table *t)
{
	t->sources[1].path[0] = '\0';
}

static void test_impossible_is_refused(void **state)
{
	static void (*const wrong[])(struct geo_table *) = {
		turned,         turned6,    no_source,       far_source,
		other_source,   country,    status,          registry,
		date,           more,       swapped,         source_kind,
		source_country, twice,      source_registry, source_nameless,
		overlaps,       disorder,   overlaps6,       path_endless,
		path_escape,    path_empty,
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(wrong); i++) {
		struct geo_table a, b = { 0 };
		struct error err = { 0 };
		int fd = memory();

		make_table(&a);
		wrong[i](&a);
		assert_true(geo_table_send(&a, fd, &err));
		if (geo_table_receive(&b, fd, &err))
			fail_msg("case %zu was taken", i);
		assert_non_null(strstr(err.text, "cannot be"));
		assert_null(b.v4);
		assert_int_equal(b.source_count, 0);
		close(fd);
		geo_table_clear(&a);
	}
}

/* Every size but the right one, and counts far too high. */
static void test_sizes(void **state)
{
	struct geo_table a, b = { 0 };
	struct error err = { 0 };
	int fd = memory();
	off_t size;

	(void)state;
	make_table(&a);
	assert_true(geo_table_send(&a, fd, &err));
	size = lseek(fd, 0, SEEK_END);
	for (off_t n = 0; n < size; n += n < 100 ? 1 : 97) {
		int cut = memory();
		char bytes[4096];

		assert_true(size < (off_t)sizeof(bytes));
		assert_int_equal(pread(fd, bytes, (size_t)n, 0), n);
		assert_int_equal(write(cut, bytes, (size_t)n), n);
		assert_false(geo_table_receive(&b, cut, &err));
		close(cut);
	}
	assert_int_equal(write(fd, "x", 1), 1);
	assert_false(geo_table_receive(&b, fd, &err));
	assert_int_equal(ftruncate(fd, size), 0);
	for (off_t at = 8; at < 32; at += 8) {
		uint64_t was, high = UINT64_MAX / 24 + 2;

		assert_int_equal(pread(fd, &was, 8, at), 8);
		assert_int_equal(pwrite(fd, &high, 8, at), 8);
		assert_false(geo_table_receive(&b, fd, &err));
		assert_int_equal(pwrite(fd, &was, 8, at), 8);
	}
	assert_true(geo_table_receive(&b, fd, &err));
	close(fd);
	geo_table_clear(&a);
	geo_table_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arrives),
		cmocka_unit_test(test_empty_arrives),
		cmocka_unit_test(test_impossible_is_refused),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
