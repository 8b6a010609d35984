// SPDX-License-Identifier: GPL-2.0-or-later
/* The image: what is written is what is read, at every edge; and whatever a
 * disk may do to it is noticed.  Writing into the state folder:
 * test_image_write.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <geoblock/image.h>

#include "lib/geo/image_build.h"
#include "lib/geo/image_format.h"
#include "tests/unit/image_table.h"
#include "tests/unit/iset_equal.h"

static char folder[] = "/tmp/test-image-XXXXXX";
static char path[sizeof(folder) + 16];
static uint64_t seed, rng_state;

/* splitmix64 */
static uint64_t rng(void)
{
	uint64_t z = rng_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void store(const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

static void build(const struct geo_table *t)
{
	struct error err = { 0 };

	unlink(path);
	if (!image_save(path, t, 1767225600, &err))
		fail_msg("%s", err.text);
}

static struct image *open_image(enum image_trust trust)
{
	struct error err = { 0 };
	struct image *image;

	if (!image_open(&image, path, trust, &err))
		fail_msg("%s", err.text);
	return image;
}

/* ---- what is written is what is read
 * -------------------------------------------- */

/* The reference: one step after the other through the table. */
static struct image_hit naive(const struct geo_table *t, const struct addr *a)
{
	struct image_hit hit = {
		.range = { .family = a->family,
			   .last = a->family == 4 ? ADDR4_MAX : ADDR6_MAX }
	};
	size_t count = a->family == 4 ? t->count4 : t->count6;

	for (size_t i = 0; i < count; i++) {
		addr6_t first =
			a->family == 4 ? t->v4[i].first : t->v6[i].first;
		addr6_t last = a->family == 4 ? t->v4[i].last : t->v6[i].last;

		if (last < a->value) {
			hit.range.first = last + 1;
		} else if (first > a->value) {
			hit.range.last = first - 1;
			break;
		} else {
			hit.found = true;
			hit.range.first = first;
			hit.range.last = last;
			hit.record = a->family == 4 ? t->v4[i].record
						    : t->v6[i].record;
			break;
		}
	}
	return hit;
}

static void compare(const struct geo_table *t, struct image *all,
		    struct image *touched, struct addr a)
{
	struct image_hit want = naive(t, &a);
	struct image *images[] = { all, touched };
	country_t cc = a.family == 4 ? image_country4(all, (uint32_t)a.value)
				     : image_country6(all, a.value);

	assert_int_equal(cc, want.record.country);
	for (int i = 0; i < 2; i++) {
		struct image_hit hit = image_find(images[i], &a);

		assert_false(hit.damaged);
		assert_int_equal(hit.found, want.found);
		assert_int_equal(hit.range.family, a.family);
		assert_true(hit.range.first == want.range.first);
		assert_true(hit.range.last == want.range.last);
		assert_memory_equal(&hit.record, &want.record,
				    sizeof(hit.record));
	}
}

/* Each end of a range and what is beside it; the ends of the space; and some
 * addresses inside. */
static void compare_edges(const struct geo_table *t, struct image *all,
			  struct image *touched)
{
	for (int family = 4; family <= 6; family += 2) {
		size_t count = family == 4 ? t->count4 : t->count6;
		addr6_t top = family == 4 ? ADDR4_MAX : ADDR6_MAX;

		compare(t, all, touched, (struct addr){ family, 0 });
		compare(t, all, touched, (struct addr){ family, top });
		for (size_t i = 0; i < count; i++) {
			addr6_t first =
				family == 4 ? t->v4[i].first : t->v6[i].first;
			addr6_t last =
				family == 4 ? t->v4[i].last : t->v6[i].last;
			addr6_t inside = first + rng() % 256;
			addr6_t at[] = { first, last, (first - 1) & top,
					 (last + 1) & top,
					 inside > last ? last : inside };

			for (int k = 0; k < 5; k++)
				compare(t, all, touched,
					(struct addr){ family, at[k] });
		}
	}
}

static void round_trip(const struct geo_table *t)
{
	struct image *all, *touched;

	build(t);
	all = open_image(IMAGE_CHECK_ALL);
	touched = open_image(IMAGE_CHECK_TOUCHED);
	compare_edges(t, all, touched);
	for (int i = 0; i < 500; i++) {
		struct addr v4 = { 4, (uint32_t)rng() };
		struct addr v6 = { 6, ADDR6(rng(), rng()) };

		compare(t, all, touched, v4);
		compare(t, all, touched, v6);
	}
	image_close(all);
	image_close(touched);
}

#define TOP6 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

static const char *const lists[][16] = {
	{ NULL },
	{ "0.0.0.0/0 US", "::/0 CA", NULL },
	{ "0.0.0.0 US", "255.255.255.255 CA", ":: US", TOP6 " CA", NULL },
	{ "0.0.0.1-255.255.255.254 US",
	  "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe US", NULL },
	{ "0.0.0.0/1 US", "128.0.0.0/1 US", "::/1 US", "8000::/1 --", NULL },
	/* neighbours that touch stay two records */
	{ "10.0.0.0/24 US", "10.0.1.0/24 US", "10.0.2.0/24 --",
	  "192.0.2.1-192.0.2.9 MX", "2001:db8::/32 DE", "2001:db9::/32 DE",
	  NULL },
	/* many within one /64, at its ends and across */
	{ "2001:db8::1 US", "2001:db8::3-2001:db8::7 CA", "2001:db8::8 MX",
	  "2001:db8::ffff:ffff:ffff:ffff DE", "2001:db8:0:1:: FR",
	  "2001:db8:0:1::2-2001:db8:0:3::5 PT", "2001:db8:0:3::6 PL", NULL },
	/* strays far from the rest */
	{ "1.0.0.0/24 AU", "223.255.255.0/24 CN", "::1 US", "64:ff9b::/96 --",
	  "2001:db8::/32 US", "fe80::/10 --", "ff00::/8 --", NULL },
	{ "0.0.0.0/8 --", "255.0.0.0/8 --", "ffff::/16 EU", NULL },
	{ "1.2.3.4 A1", "1.2.3.5 Z9", "::2 A0", NULL },
};

static void test_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		struct geo_table t = table_of(lists[i]);

		round_trip(&t);
		table_free(&t);
	}
}

static struct geo_record random_record(void)
{
	static const country_t codes[] = { COUNTRY('U', 'S'), COUNTRY('C', 'A'),
					   COUNTRY('D', 'E'), COUNTRY('E', 'U'),
					   COUNTRY_NONE };
	struct geo_record r = { .country = codes[rng() % 5],
				.registry = (uint8_t)(rng() % REGISTRY_COUNT),
				.status = (uint8_t)(rng() % STATUS_COUNT),
				.date = (uint32_t)(rng() % 100000000) };

	return r;
}

/* Ranges of all scales, close together and far apart. */
static struct geo_table random_table(size_t count)
{
	struct geo_table t = { .finished = true };
	unsigned scale4 = 2 + (unsigned)(rng() % 20);
	unsigned scale6 = 4 + (unsigned)(rng() % 100);

	for (int family = 4; family <= 6; family += 2) {
		addr6_t top = family == 4 ? ADDR4_MAX : ADDR6_MAX, next = 0;
		unsigned scale = family == 4 ? scale4 : scale6;

		if (rng() % 2)
			next = ADDR6(rng(), rng()) & top;
		for (size_t i = 0; i < count; i++) {
			addr6_t any = ADDR6(rng(), rng());
			addr6_t size = any >> (128 - 1 - rng() % scale);
			addr6_t gap = rng() % 3 ? 0 : size + rng() % 3;
			struct geo_record record = random_record();
			struct range r = { .family = family };

			if (gap > top - next || size > top - next - gap)
				break;
			r.first = next + gap;
			r.last = r.first + size;
			table_add(&t, &r, &record);
			if (r.last == top)
				break;
			next = r.last + 1;
		}
	}
	table_source(&t, "a", 1);
	return t;
}

static void test_random(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 40; i++) {
		struct geo_table t;

		rng_state = seed + i;
		t = random_table(i < 30 ? 1 + rng() % 60 : 1500);
		round_trip(&t);
		table_free(&t);
	}
}

/* ---- all of it
 * -------------------------------------------------------------------- */

struct visited {
	const struct geo_table *table;
	size_t v4, v6, limit;
};

static bool visit(void *ctx, const struct range *range,
		  const struct geo_record *record)
{
	struct visited *v = ctx;
	struct range want;
	const struct geo_record *wanted;

	if (v->v4 + v->v6 == v->limit)
		return false;
	if (v->v4 < v->table->count4) {
		const struct geo_range4 *r = &v->table->v4[v->v4++];

		want = (struct range){ 4, r->first, r->last };
		wanted = &r->record;
	} else {
		const struct geo_range6 *r = &v->table->v6[v->v6++];

		want = (struct range){ 6, r->first, r->last };
		wanted = &r->record;
	}
	assert_int_equal(range->family, want.family);
	assert_true(range->first == want.first && range->last == want.last);
	assert_memory_equal(record, wanted, sizeof(*record));
	return true;
}

/* The ranges of one country, from the table. */
static struct iset naive_ranges(const struct geo_table *t, country_t cc)
{
	struct iset set = { 0 };

	for (size_t i = 0; i < t->count4; i++)
		if (t->v4[i].record.country == cc)
			assert_true(iset_add4(&set, t->v4[i].first,
					      t->v4[i].last, NULL));
	for (size_t i = 0; i < t->count6; i++)
		if (t->v6[i].record.country == cc)
			assert_true(iset_add6(&set, t->v6[i].first,
					      t->v6[i].last, NULL));
	assert_true(iset_normalise(&set, NULL));
	return set;
}

static void check_country(const struct geo_table *t, struct image *image,
			  country_t cc, const uint64_t *v4, const uint64_t *v6)
{
	struct country_set chosen = { .unknown = true };
	struct iset want = naive_ranges(t, cc), got = { 0 };

	country_set_add(&chosen, cc);
	assert_true(image_ranges(image, &chosen, &got, NULL));
	assert_true(iset_equal(&want, &got));
	assert_true(v4[country_index(cc)] == iset_addresses4(&want));
	assert_true(v6[country_index(cc)] == iset_networks6(&want));
	iset_clear(&want);
	iset_clear(&got);
}

static void check_all(const struct geo_table *t)
{
	static const char codes[][3] = { "US", "CA", "DE", "EU", "MX", "FR" };
	static uint64_t v4[COUNTRY_INDEXES], v6[COUNTRY_INDEXES];
	struct visited v = { .table = t, .limit = SIZE_MAX };
	struct image_about about;
	struct image *image;

	build(t);
	image = open_image(IMAGE_CHECK_ALL);
	assert_true(image_each(image, visit, &v));
	assert_int_equal(v.v4, t->count4);
	assert_int_equal(v.v6, t->count6);
	image_about(image, &about);
	assert_int_equal(about.ranges4, t->count4);
	assert_int_equal(about.ranges6, t->count6);
	image_addresses(image, v4, v6);
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		check_country(t, image, COUNTRY(codes[i][0], codes[i][1]), v4,
			      v6);
	for (size_t limit = 0; limit < t->count4 + t->count6;
	     limit += t->count4 + 1) {
		v = (struct visited){ .table = t, .limit = limit };
		assert_false(image_each(image, visit, &v));
		assert_int_equal(v.v4 + v.v6, limit);
	}
	image_close(image);
}

static void test_all_of_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		struct geo_table t = table_of(lists[i]);

		check_all(&t);
		table_free(&t);
	}
	for (uint64_t i = 0; i < 30; i++) {
		struct geo_table t;

		rng_state = seed + 1000 + i;
		t = random_table(200);
		check_all(&t);
		table_free(&t);
	}
}

static void digest_of(const struct geo_table *t, uint64_t now, uint8_t *out)
{
	uint8_t *bytes;
	size_t size;

	assert_true(image_compile(t, now, &bytes, &size, NULL));
	memcpy(out, image_digest(bytes), 32);
	free(bytes);
}

static void test_about(void **state)
{
	struct geo_table t = table_of(lists[5]);
	struct image_about about;
	struct image *image;
	uint8_t digest[32];
	struct stat st;

	(void)state;
	build(&t);
	image = open_image(IMAGE_CHECK_TOUCHED);
	image_about(image, &about);
	assert_int_equal(about.version, IMAGE_VERSION);
	assert_int_equal(about.built, 1767225600);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(about.file_bytes, st.st_size);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(about.source_count, 1);
	assert_memory_equal(about.sources, t.sources, sizeof(*t.sources));
	digest_of(&t, 0, digest);
	assert_memory_equal(about.digest, digest, 32);
	image_close(image);
	table_free(&t);
}

/* Equal data, equal digest; and nothing that decides an answer may change
 * without it. */
static void test_digest(void **state)
{
	struct geo_table t = table_of(lists[5]);
	uint8_t was[32], now[32];

	(void)state;
	digest_of(&t, 1, was);
	digest_of(&t, 2, now);
	assert_memory_equal(was, now, 32);
	snprintf(t.sources[0].path, sizeof(t.sources[0].path), "elsewhere");
	digest_of(&t, 1, now);
	assert_memory_equal(was, now, 32);
#define CHANGES(field, value)                                                  \
	do {                                                                   \
		__typeof__(field) saved = field;                               \
		field = value;                                                 \
		digest_of(&t, 1, now);                                         \
		assert_memory_not_equal(was, now, 32);                         \
		field = saved;                                                 \
		digest_of(&t, 1, now);                                         \
		assert_memory_equal(was, now, 32);                             \
	} while (0)
	CHANGES(t.v4[3].first, t.v4[3].first - 1);
	CHANGES(t.v4[3].last, t.v4[3].last + 1);
	CHANGES(t.v4[0].record.country, COUNTRY('C', 'A'));
	CHANGES(t.v4[0].record.date, 20000101);
	CHANGES(t.v4[0].record.status, STATUS_ASSIGNED);
	CHANGES(t.v4[0].record.registry, REGISTRY_NONE);
	CHANGES(t.v6[1].last, t.v6[1].last + 1);
	CHANGES(t.v6[1].record.country, COUNTRY('C', 'A'));
	CHANGES(t.sources[0].sha256[31], 9);
	CHANGES(t.sources[0].date, 20260131);
	CHANGES(t.sources[0].registry, REGISTRY_LACNIC);
	CHANGES(t.sources[0].kind, GEO_IPFIRE);
	CHANGES(t.count6, t.count6 - 1);
	CHANGES(t.source_count, 0);
#undef CHANGES
	table_free(&t);
}

static void test_too_large(void **state)
{
	struct geo_table t = table_of(lists[5]);
	struct error err = { 0 };
	struct image *image;
	size_t count = t.count4;

	(void)state;
	t.count4 = IMAGE_SEGMENTS_MAX / 2;
	assert_false(image_make(&image, &t, 0, &err));
	assert_null(image);
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_non_null(strstr(err.text, "IPv4 ranges"));
	t.count4 = count;
	table_free(&t);
}

/* ---- damage
 * ----------------------------------------------------------------------- */

static void assert_refused(const char *why)
{
	enum image_trust trusts[] = { IMAGE_CHECK_ALL, IMAGE_CHECK_TOUCHED };

	for (int i = 0; i < 2; i++) {
		struct image *image = (void *)path;
		struct error err = { 0 };

		assert_false(image_open(&image, path, trusts[i], &err));
		assert_null(image);
		assert_int_equal(err.kind, ERROR_MALFORMED);
		assert_non_null(strstr(err.text, path));
		if (!strstr(err.text, why))
			fail_msg("\"%s\" does not say \"%s\"", err.text, why);
	}
}

static uint8_t *compile(const struct geo_table *t, size_t *size)
{
	uint8_t *bytes;

	assert_true(image_compile(t, 1, &bytes, size, NULL));
	return bytes;
}

static void test_no_image(void **state)
{
	char buf[300] = "a text that is longer than a header, but no image";
	struct image *image;
	struct error err = { 0 };

	(void)state;
	unlink(path);
	assert_false(image_open(&image, path, IMAGE_CHECK_ALL, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_int_equal(err.sys_errno, ENOENT);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_refused("no regular file");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused("no regular file");
	assert_int_equal(unlink(path), 0);
	store("", 0);
	assert_refused("empty");
	store("x", 1);
	assert_refused("not a geoblock image");
	store(buf, sizeof(buf));
	assert_refused("not a geoblock image");
}

static void test_cut(void **state)
{
	struct geo_table t = table_of(lists[5]);
	size_t size;
	uint8_t *bytes = compile(&t, &size);

	(void)state;
	for (size_t n = 1; n < size; n++) {
		store(bytes, n);
		assert_refused(n < sizeof(struct image_header) ? "not a"
							       : "damaged");
	}
	bytes = realloc(bytes, size + 1);
	bytes[size] = 0;
	store(bytes, size + 1);
	assert_refused("damaged");
	store(bytes, size);
	image_close(open_image(IMAGE_CHECK_ALL));
	free(bytes);
	table_free(&t);
}

/* Bytes where a flip shows only when the block is touched. */
static bool in_blocks(const uint8_t *bytes, size_t at)
{
	struct image_header h;
	struct image_layout l;

	memcpy(&h, bytes, sizeof(h));
	assert_true(image_layout(&h, &l));
	return at >= l.data;
}

static void flip(const uint8_t *bytes, int fd, size_t at, uint8_t mask)
{
	uint8_t wrong = bytes[at] ^ mask;
	struct image *image;
	struct error err = { 0 };

	assert_int_equal(pwrite(fd, &wrong, 1, (off_t)at), 1);
	if (image_open(&image, path, IMAGE_CHECK_ALL, &err))
		fail_msg("byte %zu flipped by %#x: not noticed", at, mask);
	assert_int_equal(err.kind, ERROR_MALFORMED);
	if (image_open(&image, path, IMAGE_CHECK_TOUCHED, &err))
		assert_true(in_blocks(bytes, at));
	image_close(image);
	assert_int_equal(pwrite(fd, &bytes[at], 1, (off_t)at), 1);
}

static void test_flipped(void **state)
{
	static const uint8_t masks[] = { 0x01, 0x80, 0xff };
	struct geo_table t = table_of(lists[5]);
	size_t size;
	uint8_t *bytes = compile(&t, &size);
	int fd;

	(void)state;
	store(bytes, size);
	fd = open(path, O_RDWR);
	for (size_t at = 0; at < size; at++)
		for (size_t i = 0; i < sizeof(masks); i++)
			flip(bytes, fd, at, masks[i]);
	image_close(open_image(IMAGE_CHECK_ALL));
	close(fd);
	free(bytes);
	table_free(&t);
}

static void test_flipped_large(void **state)
{
	struct geo_table t;
	uint8_t *bytes;
	size_t size;
	int fd;

	(void)state;
	rng_state = seed;
	t = random_table(6000);
	bytes = compile(&t, &size);
	store(bytes, size);
	fd = open(path, O_RDWR);
	for (int i = 0; i < 400; i++)
		flip(bytes, fd, rng() % size, (uint8_t)(1 << rng() % 8));
	close(fd);
	free(bytes);
	table_free(&t);
}

#define MANY 20000u

static struct geo_table many_ranges(void)
{
	struct geo_table t = { .finished = true };

	for (uint32_t i = 0; i < MANY; i++) {
		struct geo_record record = { .country = COUNTRY('U', 'S'),
					     .registry = REGISTRY_ARIN,
					     .status = STATUS_ALLOCATED,
					     .date = 20000101 + i };
		struct range r4 = { 4, i * 4096, i * 4096 + 4094 };
		struct range r6 = { 6, ADDR6(i / 4, 2 * i),
				    ADDR6(i / 4, 2 * i) };

		table_add(&t, &r4, &record);
		table_add(&t, &r6, &record);
	}
	return t;
}

/* One byte is wrong somewhere: each look-up is either right or says that it met
 * damage; those that need the byte's block do, the others do not. */
static void touched_case(const struct geo_table *t, int family, size_t width,
			 size_t damaged_max)
{
	struct image *image = open_image(IMAGE_CHECK_TOUCHED);
	size_t damaged = 0;

	for (uint32_t i = 0; i < MANY; i++) {
		struct addr a = { family, family == 4 ? t->v4[i].last
						      : t->v6[i].first };
		struct image_hit hit = image_find(image, &a);

		damaged += hit.damaged;
		if (hit.damaged)
			continue;
		assert_true(hit.found);
		assert_int_equal(hit.record.date, 20000101 + i);
		assert_int_equal(hit.record.country, COUNTRY('U', 'S'));
		assert_int_equal(hit.record.status, STATUS_ALLOCATED);
		assert_int_equal(hit.record.registry, REGISTRY_ARIN);
		assert_true(hit.range.last == a.value);
	}
	/* every second segment is a range, the others are gaps */
	if (width > 0)
		assert_true(damaged >= IMAGE_BLOCK / width / 2);
	assert_true(damaged <= damaged_max);
	image_close(image);
}

static void test_touched(void **state)
{
	static const struct {
		enum image_section section;
		int family;
		size_t width; /* of an element that is needed; 0: of none */
	} cases[] = {
		{ SECTION_START4, 4, 4 },   { SECTION_COUNTRY4, 4, 2 },
		{ SECTION_ORIGIN4, 4, 2 },  { SECTION_DATE4, 4, 4 },
		{ SECTION_HI6, 6, 8 },      { SECTION_LO6, 6, 8 },
		{ SECTION_COUNTRY6, 6, 2 }, { SECTION_ORIGIN6, 6, 2 },
		{ SECTION_DATE6, 6, 4 },    { SECTION_INDEX4, 4, 0 },
		{ SECTION_PAGE6, 6, 0 },    { SECTION_INDEX6, 6, 0 },
	};
	struct geo_table t = many_ranges();
	struct image_header h;
	struct image_layout l;
	size_t size;
	uint8_t *bytes = compile(&t, &size);

	(void)state;
	memcpy(&h, bytes, sizeof(h));
	assert_true(image_layout(&h, &l));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t width = cases[i].width;
		/* of a range, not of a gap; then at the begin of a block */
		size_t at =
			l.at[cases[i].section] + (width ? width * MANY : 40);

		for (int bit = 0; bit < 16; bit++) {
			if (bit == 8)
				at -= (at - l.data) % IMAGE_BLOCK;
			bytes[at] ^= (uint8_t)(1 << bit % 8);
			store(bytes, size);
			touched_case(&t, cases[i].family, width,
				     width ? IMAGE_BLOCK / width / 2 + 8 : 40);
			bytes[at] ^= (uint8_t)(1 << bit % 8);
		}
	}
	free(bytes);
	table_free(&t);
}

/* ---- hostile, with right checksums
 * ---------------------------------------------- */

/* Fields of the header that nobody may believe. */
static const struct {
	const char *name;
	size_t offset, bytes;
	uint64_t value;
	const char *why;
} headers[] = {
#define FIELD(field, value, why)                                               \
	{                                                                      \
#field, offsetof(struct image_header, field),                  \
			sizeof(((struct image_header *)0)->field), value, why  \
	}
	FIELD(magic, 0, "not a geoblock image"),
	FIELD(byte_order, 0x04030201, "byte order"),
	FIELD(version, IMAGE_VERSION + 1, "version 3"),
	FIELD(version, 0, "version 0"),
	FIELD(file_bytes, 0, "header says 0"),
	FIELD(file_bytes, UINT64_MAX, "header says"),
	FIELD(v4.segments, 0, "contradicts"),
	FIELD(v4.segments, 1, "contradicts"),
	FIELD(v4.segments, IMAGE_SEGMENTS_MAX, "contradicts"),
	FIELD(v4.segments, UINT32_MAX, "contradicts"),
	FIELD(v6.segments, 0, "contradicts"),
	FIELD(v6.segments, UINT32_MAX, "contradicts"),
	FIELD(v4.slots, UINT32_MAX, "contradicts"),
	FIELD(v6.slots, 0x80000000, "contradicts"),
	FIELD(v4.slots, 0, "contradicts"),
	FIELD(v4.pages, 2, "contradicts"),
	FIELD(v6.pages, IMAGE_PAGES_MAX + 1, "contradicts"),
	FIELD(v6.pages, UINT32_MAX, "contradicts"),
	FIELD(v4.kept, 1, "contradicts"),
	FIELD(v6.kept, UINT32_MAX, "contradicts"),
	FIELD(second, 1, "contradicts"),
	FIELD(second, UINT32_MAX, "contradicts"),
	FIELD(v4.shift, 31, "contradicts"),
	FIELD(v4.base, 1, "contradicts"),
	FIELD(v6.shift, UINT32_MAX, "contradicts"),
	FIELD(v4.records, UINT32_MAX, "contradicts"),
	FIELD(sources, 0, "contradicts"),
	FIELD(sources, GEO_SOURCES_MAX, "contradicts"),
	FIELD(sources, UINT32_MAX, "contradicts"),
	FIELD(unused[0], 1, "contradicts"),
#undef FIELD
};

static void repair(uint8_t *bytes)
{
	struct image_header *h = (void *)bytes;

	h->header_crc = image_crc(h, offsetof(struct image_header, header_crc));
}

static void test_hostile_header(void **state)
{
	struct geo_table t = table_of(lists[5]);
	size_t size;
	uint8_t *bytes = compile(&t, &size), *copy = malloc(size);

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		memcpy(copy, bytes, size);
		memcpy(copy + headers[i].offset, &headers[i].value,
		       headers[i].bytes);
		repair(copy);
		store(copy, size);
		assert_refused(headers[i].why);
	}
	free(copy);
	free(bytes);
	table_free(&t);
}

/* Content with right checksums that is wrong: refused by a full check. */
static const struct {
	enum image_section section;
	size_t at, bytes;
	uint64_t value;
	const char *why;
} contents[] = {
	{ SECTION_START4, 0, 4, 1, "order in the IPv4" },
	{ SECTION_START4, 4, 4, 0, "order in the IPv4" },
	{ SECTION_START4, 8, 4, UINT32_MAX, "order in the IPv4" },
	{ SECTION_HI6, 0, 8, 1, "order in the IPv6" },
	{ SECTION_LO6, 0, 8, 1, "order in the IPv6" },
	{ SECTION_HI6, 8, 8, UINT64_MAX, "order in the IPv6" },
	{ SECTION_INDEX4, 0, 4, UINT32_MAX, "index in the IPv4" },
	{ SECTION_INDEX4, 4, 4, 0, "index in the IPv4" },
	{ SECTION_INDEX6, 0, 4, 0, "index in the IPv6" },
	{ SECTION_PAGE4, 0, 4, 1, "index in the IPv4" },
	{ SECTION_PAGE4, 4, 4, 0, "index in the IPv4" },
	{ SECTION_PAGE4, 4, 4, 33, "index in the IPv4" },
	{ SECTION_PAGE6, 0, 4, UINT32_MAX, "index in the IPv6" },
	{ SECTION_PAGE6, 4, 4, UINT32_MAX, "index in the IPv6" },
	{ SECTION_COUNTRY4, 2, 2, 0xffff, "record in the IPv4" },
	{ SECTION_COUNTRY4, 2, 2, 0x0041, "record in the IPv4" },
	{ SECTION_COUNTRY4, 2, 2, 0x4100, "record in the IPv4" },
	{ SECTION_COUNTRY4, 2, 2, 0x6161, "record in the IPv4" },
	{ SECTION_COUNTRY6, 0, 2, 0x5553, "record in the IPv6" }, /* a gap */
	{ SECTION_DATE4, 0, 4, 1, "record in the IPv4" },
	{ SECTION_ORIGIN4, 0, 2, 0, "record in the IPv4" },
	{ SECTION_ORIGIN4, 2, 2, 0xff01, "record in the IPv4" },
	{ SECTION_ORIGIN6, 2, 2, 0x01ff, "record in the IPv6" },
	{ SECTION_SOURCES, 0, 1, 99, "source" },
	{ SECTION_SOURCES, 1, 1, REGISTRY_COUNT, "source" },
	{ SECTION_SOURCES, 2, 2, 0xffff, "source" },
};

static void test_hostile_content(void **state)
{
	struct geo_table t = table_of(lists[5]);
	size_t size;
	uint8_t *bytes = compile(&t, &size), *copy = malloc(size);
	struct image_header h;
	struct image_layout l;

	(void)state;
	memcpy(&h, bytes, sizeof(h));
	assert_true(image_layout(&h, &l));
	for (size_t i = 0; i < sizeof(contents) / sizeof(*contents); i++) {
		struct error err = { 0 };
		struct image *image;

		memcpy(copy, bytes, size);
		memcpy(copy + l.at[contents[i].section] + contents[i].at,
		       &contents[i].value, contents[i].bytes);
		assert_true(image_seal(copy, size));
		store(copy, size);
		if (image_open(&image, path, IMAGE_CHECK_ALL, &err))
			fail_msg("case %zu is believed", i);
		if (!strstr(err.text, contents[i].why))
			fail_msg("case %zu: %s", i, err.text);
	}
	/* a path without an end */
	memcpy(copy, bytes, size);
	memset(copy + l.at[SECTION_SOURCES] + offsetof(struct geo_source, path),
	       'x', GEO_PATH_MAX);
	assert_true(image_seal(copy, size));
	store(copy, size);
	assert_refused("source");
	free(copy);
	free(bytes);
	table_free(&t);
}

/* ---- the newest
 * --------------------------------------------------------------------- */

static void newest_case(const char *current, const char *previous,
			bool want_open, const char *why)
{
	char names[2][64];
	const char *what[] = { current, previous };
	struct geo_table t = table_of(lists[5]);
	struct error fallback = { 0 }, err = { 0 };
	struct image *image;

	snprintf(names[0], sizeof(names[0]), "%s/" IMAGE_NAME, folder);
	snprintf(names[1], sizeof(names[1]), "%s/" IMAGE_NAME_PREVIOUS, folder);
	for (int i = 0; i < 2; i++) {
		unlink(names[i]);
		if (!what[i])
			continue;
		assert_true(image_save(names[i], &t, i ? 100 : 200, NULL));
		if (strcmp(what[i], "bad") == 0)
			assert_int_equal(truncate(names[i], 300), 0);
	}
	assert_int_equal(image_open_newest(&image, folder, IMAGE_CHECK_TOUCHED,
					   &fallback, &err),
			 want_open);
	if (want_open) {
		struct image_about about;

		image_about(image, &about);
		assert_int_equal(about.built, why ? 100 : 200);
		assert_int_equal(fallback.kind != ERROR_NONE, why != NULL);
		image_close(image);
	}
	if (why)
		assert_non_null(
			strstr(want_open ? fallback.text : err.text, why));
	if (!want_open && !current && !previous)
		assert_int_equal(err.sys_errno, ENOENT);
	else if (!want_open)
		assert_int_not_equal(err.sys_errno, ENOENT);
	unlink(names[0]);
	unlink(names[1]);
	table_free(&t);
}

static void test_newest(void **state)
{
	(void)state;
	newest_case("good", "good", true, NULL);
	newest_case("good", "bad", true, NULL);
	newest_case("good", NULL, true, NULL);
	newest_case("bad", "good", true, "geo.img: damaged");
	newest_case(NULL, "good", true, "geo.img: cannot open");
	newest_case("bad", "bad", false, "geo.img.prev: damaged");
	newest_case("bad", NULL, false, "geo.img: damaged");
	newest_case(NULL, "bad", false, "geo.img.prev: damaged");
	newest_case(NULL, NULL, false, "no country data");
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/image", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_all_of_it),
		cmocka_unit_test(test_about),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_no_image),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_flipped_large),
		cmocka_unit_test(test_touched),
		cmocka_unit_test(test_hostile_header),
		cmocka_unit_test(test_hostile_content),
		cmocka_unit_test(test_newest),
	};
	const char *given = getenv("GEOBLOCK_TEST_SEED");

	seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	printf("# GEOBLOCK_TEST_SEED=%llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, setup, teardown);
}
