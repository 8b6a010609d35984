// SPDX-License-Identifier: GPL-2.0-or-later
/* The readers on what is really published: the five registries' files, plain
 * and extended, IPFire's text, CIDR lists and MaxMind DBs, against counts
 * and prefix lists that other programs made of them.  The data is too big
 * for the tree. */
#include "geo_files.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <lzma.h>

#include <geoblock/iset.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static char data[PATH_MAX];

static const char *in_data(const char *name)
{
	static char path[PATH_MAX + 200];

	snprintf(path, sizeof(path), "%s/%s", data, name);
	return path;
}

/* An xz file's content, with a NUL behind it; the caller's to free. */
static char *unpacked(const char *name, size_t *len)
{
	FILE *f = fopen(in_data(name), "rb");
	uint64_t memory = UINT64_MAX;
	size_t packed_len, room = 32 << 20, in = 0;
	uint8_t *packed = malloc(room);
	char *out = malloc(room);

	assert_non_null(f);
	packed_len = fread(packed, 1, room, f);
	fclose(f);
	*len = 0;
	assert_int_equal(lzma_stream_buffer_decode(
				 &memory, 0, NULL, packed, &in, packed_len,
				 (uint8_t *)out, len, room - 1),
			 LZMA_OK);
	free(packed);
	out[*len] = '\0';
	return out;
}

/* Reads a file; its path as test data is told from here on by a short name. */
static void read_ok(struct geo_table *t, const char *name, struct heard *heard)
{
	struct geo_warn warn = { hear, heard };
	struct error err = { 0 };

	if (!geo_read(t, in_data(name), heard ? &warn : NULL, &err))
		fail_msg("%s", err.text);
}

static const struct {
	const char *name;
	enum geo_registry registry;
	uint32_t date;
	uint64_t serial, bytes;
	uint32_t records4, records6;
	unsigned warnings;
	const char *sha256; /* the first eight digits */
} rir_files[] = {
	{ "rir/2013-08-13/delegated-afrinic-latest.xz", REGISTRY_AFRINIC,
	  20140630, 20140630, 197558, 2500, 429, 0, "8f8a002b" },
	{ "rir/2013-08-13/delegated-apnic-latest.xz", REGISTRY_APNIC, 20130812,
	  20130813, 1470019, 22143, 3056, 0, "dfdd8fbe" },
	{ "rir/2013-08-13/delegated-arin-latest.xz", REGISTRY_ARIN, 20130812,
	  20130813, 3310078, 46593, 3563, 0, "3a3db2be" },
	{ "rir/2013-08-13/delegated-lacnic-latest.xz", REGISTRY_LACNIC,
	  20130812, 20130812, 615614, 7326, 1846, 0, "585f956c" },
	{ "rir/2013-08-13/delegated-ripencc-latest.xz", REGISTRY_RIPENCC,
	  20130812, 1376344799, 4028924, 49602, 7513, 0, "0a696620" },
	{ "rir/2026-01-30/delegated-afrinic-latest.xz", REGISTRY_AFRINIC,
	  20260130, 20260130, 473342, 5323, 1582, 0, "54367ca8" },
	{ "rir/2026-01-30/delegated-apnic-latest.xz", REGISTRY_APNIC, 20260130,
	  20260131, 4078910, 53944, 16683, 0, "c7a1613a" },
	/* published with a wrong total and a wrong count of AS numbers */
	{ "rir/2026-01-30/delegated-lacnic-latest.xz", REGISTRY_LACNIC,
	  20260129, 20260129, 2271958, 20066, 13270, 2, "45bdbe06" },
	{ "rir/2026-01-31-derived/derived-arin-20260131.xz", REGISTRY_ARIN,
	  20260131, 20260131, 1517808, 19515, 11475, 0, "be32f26a" },
	{ "rir/2026-01-31-derived/derived-ripencc-20260131.xz",
	  REGISTRY_RIPENCC, 20260131, 20260131, 5259191, 75500, 25833, 0,
	  "7741fe5b" },
	{ "rir/extended/delegated-afrinic-extended-20240105.xz",
	  REGISTRY_AFRINIC, 20240105, 20240105, 809324, 5302, 7186, 0,
	  "d0cde73b" },
	{ "rir/extended/delegated-afrinic-extended-20260821.xz",
	  REGISTRY_AFRINIC, 20260821, 20260821, 989825, 6045, 9205, 0,
	  "67602c15" },
	{ "rir/extended/delegated-lacnic-extended-20240104.xz", REGISTRY_LACNIC,
	  20240104, 20240104, 4181964, 19778, 54199, 0, "b127a8bf" },
	/* cut down for tests; this one's total was forgotten */
	{ "rir/samples-extended-2019-09/afrinic.txt", REGISTRY_AFRINIC,
	  20190909, 20190909, 15607, 100, 100, 1, "99d7e33a" },
	{ "rir/samples-extended-2019-09/apnic.txt", REGISTRY_APNIC, 20190906,
	  20190909, 15430, 100, 100, 0, "68db2629" },
	{ "rir/samples-extended-2019-09/arin.txt", REGISTRY_ARIN, 20190908,
	  1567951216119, 19735, 100, 100, 0, "8dd7a650" },
	{ "rir/samples-extended-2019-09/lacnic.txt", REGISTRY_LACNIC, 20190906,
	  20190908, 14628, 100, 100, 0, "02bd4563" },
	{ "rir/samples-extended-2019-09/ripencc.txt", REGISTRY_RIPENCC,
	  20190908, 1567979999, 25226, 100, 100, 0, "001ac0b3" },
};

static void test_rir_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(rir_files); i++) {
		struct geo_table t = { 0 };
		struct heard heard = { 0 };
		const struct geo_source *s;
		char hex[9];

		read_ok(&t, rir_files[i].name, &heard);
		s = &t.sources[0];
		assert_int_equal(s->kind, GEO_RIR);
		assert_int_equal(s->registry, rir_files[i].registry);
		assert_int_equal(s->date, rir_files[i].date);
		assert_int_equal(s->serial, rir_files[i].serial);
		assert_int_equal(s->bytes, rir_files[i].bytes);
		assert_int_equal(s->records4, rir_files[i].records4);
		assert_int_equal(s->records6, rir_files[i].records6);
		assert_int_equal(heard.count, rir_files[i].warnings);
		snprintf(hex, sizeof(hex), "%02x%02x%02x%02x", s->sha256[0],
			 s->sha256[1], s->sha256[2], s->sha256[3]);
		assert_string_equal(hex, rir_files[i].sha256);
		geo_table_clear(&t);
	}
}

/* How many records of a status a file has. */
static void test_statuses(void **state)
{
	unsigned count4[STATUS_COUNT] = { 0 }, count6[STATUS_COUNT] = { 0 };
	struct geo_table t = { 0 };

	(void)state;
	read_ok(&t, "rir/extended/delegated-lacnic-extended-20240104.xz", NULL);
	for (size_t i = 0; i < t.count4; i++) {
		count4[t.v4[i].record.status]++;
		assert_int_equal(t.v4[i].record.country == COUNTRY_NONE,
				 t.v4[i].record.status >= STATUS_AVAILABLE);
	}
	for (size_t i = 0; i < t.count6; i++)
		count6[t.v6[i].record.status]++;
	assert_int_equal(count4[STATUS_ALLOCATED], 16734);
	assert_int_equal(count4[STATUS_ASSIGNED], 2551);
	assert_int_equal(count4[STATUS_AVAILABLE], 1);
	assert_int_equal(count4[STATUS_RESERVED], 492);
	assert_int_equal(count6[STATUS_ALLOCATED], 11072);
	assert_int_equal(count6[STATUS_ASSIGNED], 1525);
	assert_int_equal(count6[STATUS_AVAILABLE], 27123);
	assert_int_equal(count6[STATUS_RESERVED], 14479);
	geo_table_clear(&t);
}

static void test_iana(void **state)
{
	static const char *const names[] = {
		"rir/iana/delegated-iana-latest-20190911.xz",
		"rir/samples-extended-2019-09/iana.txt",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(names); i++) {
		struct geo_table t = { 0 };
		struct error err = { 0 };

		assert_false(geo_read(&t, in_data(names[i]), NULL, &err));
		assert_non_null(strstr(err.text, ":30: registry \"iana\": its "
						 "file names no countries"));
		geo_table_clear(&t);
	}
}

static const struct {
	const char *expected; /* expected/NAME.SELECTION.ipvN.cidr.xz */
	const char *files[6];
	size_t count4, count6;
	struct {
		const char *selection;
		const char *countries; /* NULL: all */
		size_t merged4, merged6;
		uint64_t addresses4, networks6;
	} selections[4];
} sets[] = {
	{ "2013-08-13",
	  { "rir/2013-08-13/delegated-afrinic-latest.xz",
	    "rir/2013-08-13/delegated-apnic-latest.xz",
	    "rir/2013-08-13/delegated-arin-latest.xz",
	    "rir/2013-08-13/delegated-lacnic-latest.xz",
	    "rir/2013-08-13/delegated-ripencc-latest.xz" },
	  128164,
	  16407,
	  { { "us-ca-mx", "USCAMX", 4525, 3448, 1683988352, 121492755841024 },
	    { "cn", "CN", 2099, 244, 330250752, 62745177817088 },
	    { "all", NULL, 3919, 15133, 3522918008, 554844056256515 } } },
	{ "2026-01-31-full",
	  { "rir/2026-01-30/delegated-afrinic-latest.xz",
	    "rir/2026-01-30/delegated-apnic-latest.xz",
	    "rir/2026-01-30/delegated-lacnic-latest.xz",
	    "rir/2026-01-31-derived/derived-arin-20260131.xz",
	    "rir/2026-01-31-derived/derived-ripencc-20260131.xz" },
	  174348,
	  68843,
	  { { "us-ca-mx", "USCAMX", 12098, 11213, 1707014240, 622970069385216 },
	    { "cn", "CN", 4124, 2020, 342953984, 294506181296128 },
	    { "all", NULL, 7162, 66015, 3686958416, 2108521837821955 } } },
	{ "2026-01-30-three",
	  { "rir/2026-01-30/delegated-lacnic-latest.xz",
	    "rir/2026-01-30/delegated-apnic-latest.xz",
	    "rir/2026-01-30/delegated-afrinic-latest.xz" },
	  79333,
	  31535,
	  { { "us-ca-mx", "USCAMX", 821, 221, 31978752, 4626036031488 },
	    { "cn", "CN", 4110, 2007, 342941696, 294299754037248 },
	    { "all", NULL, 6410, 30029, 1185034432, 726133528723459 } } },
	{ "2024-01-extended",
	  { "rir/extended/delegated-lacnic-extended-20240104.xz",
	    "rir/extended/delegated-afrinic-extended-20240105.xz" },
	  25080,
	  61385,
	  { { "mx", "MX", 474, 90, 29019904, 2714775060480 },
	    { "all", NULL, 1175, 13436, 305794048, 115254771187712 } } },
};

static bool chosen(const char *countries, country_t cc)
{
	if (cc == COUNTRY_NONE || !countries)
		return cc != COUNTRY_NONE;
	for (; *countries; countries += 2)
		if (COUNTRY(countries[0], countries[1]) == cc)
			return true;
	return false;
}

static void collect(const struct geo_table *t, const char *countries,
		    struct iset *set)
{
	for (size_t i = 0; i < t->count4; i++)
		if (chosen(countries, t->v4[i].record.country))
			assert_true(iset_add4(set, t->v4[i].first,
					      t->v4[i].last, NULL));
	for (size_t i = 0; i < t->count6; i++)
		if (chosen(countries, t->v6[i].record.country))
			assert_true(iset_add6(set, t->v6[i].first,
					      t->v6[i].last, NULL));
	assert_true(iset_normalise(set, NULL));
}

/* The expected list; what is left of it. */
static void next_line(char **rest, const char *got)
{
	assert_int_equal(strncmp(*rest, got, strlen(got)), 0);
	*rest += strlen(got);
}

static bool emit4(void *ctx, uint32_t first, unsigned len)
{
	char got[100], at[ADDR_TEXT_MAX];

	snprintf(got, sizeof(got), "%s/%u\n", addr4_format(first, at), len);
	next_line(ctx, got);
	return true;
}

static bool emit6(void *ctx, addr6_t first, unsigned len)
{
	char got[100], at[ADDR_TEXT_MAX];

	snprintf(got, sizeof(got), "%s/%u\n", addr6_format(first, at), len);
	next_line(ctx, got);
	return true;
}

static void compare(const struct iset *set, const char *expected,
		    const char *selection, int family)
{
	char name[200], *list, *rest;
	size_t len;

	snprintf(name, sizeof(name), "expected/%s.%s.ipv%d.cidr.xz", expected,
		 selection, family);
	list = rest = unpacked(name, &len);
	assert_true(len > 1000);
	if (family == 4)
		assert_true(iset_cidrs4(set, emit4, &rest));
	else
		assert_true(iset_cidrs6(set, emit6, &rest));
	assert_string_equal(rest, "");
	free(list);
}

static void test_sets(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(sets); i++) {
		struct geo_table t = { 0 };
		struct heard heard = { 0 };
		struct geo_warn warn = { hear, &heard };

		for (size_t k = 0; sets[i].files[k]; k++)
			read_ok(&t, sets[i].files[k], NULL);
		assert_true(geo_table_finish(&t, NULL, NULL, &warn, NULL));
		/* no address is in two of them: nothing to say, nothing cut */
		assert_int_equal(heard.count, 0);
		assert_int_equal(t.count4, sets[i].count4);
		assert_int_equal(t.count6, sets[i].count6);
		for (size_t k = 0; sets[i].selections[k].selection; k++) {
			const char *name = sets[i].selections[k].selection;
			struct iset set = { 0 };

			collect(&t, sets[i].selections[k].countries, &set);
			assert_int_equal(set.v4.count,
					 sets[i].selections[k].merged4);
			assert_int_equal(set.v6.count,
					 sets[i].selections[k].merged6);
			assert_true(iset_addresses4(&set) ==
				    sets[i].selections[k].addresses4);
			assert_true(iset_networks6(&set) ==
				    sets[i].selections[k].networks6);
			compare(&set, sets[i].expected, name, 4);
			compare(&set, sets[i].expected, name, 6);
			iset_clear(&set);
		}
		geo_table_clear(&t);
	}
}

/* A published file, cut in the middle or with one record less, is refused. */
static void test_cut_files(void **state)
{
	struct geo_table t = { 0 };
	struct error err = { 0 };
	char *text, *line;
	size_t len;

	(void)state;
	text = line =
		unpacked("rir/2026-01-30/delegated-lacnic-latest.xz", &len);
	for (int i = 1; i < 30000; i++)
		line = strchr(line, '\n') + 1;
	len -= (size_t)(strchr(line, '\n') + 1 - line);
	memmove(line, strchr(line, '\n') + 1, len - (size_t)(line - text) + 1);
	write_bytes("lacnic", text, len);
	free(text);
	assert_false(geo_read(&t, "lacnic", NULL, &err));
	assert_string_equal(
		err.text, "lacnic:3: header says 13270 ipv6 records, the file "
			  "has 13269: truncated?");
	text = unpacked("rir/2026-01-30/delegated-apnic-latest.xz", &len);
	write_bytes("apnic", text, 3000000);
	free(text);
	assert_false(geo_read(&t, "apnic", NULL, &err));
	assert_non_null(strstr(err.text, "truncated?"));
	geo_table_clear(&t);
}

/* tor-geoipdb's files, and the installed ones where they are. */
static void check_ipfire(const char *path, size_t want4, size_t want6)
{
	struct geo_table t = { 0 };
	struct error err = { 0 };

	if (!geo_read(&t, path, NULL, &err))
		fail_msg("%s", err.text);
	assert_int_equal(t.sources[0].kind, GEO_IPFIRE);
	if (want4 + want6 != 0) {
		assert_int_equal(t.sources[0].date, 20260625);
		assert_int_equal(t.count4, want4);
		assert_int_equal(t.count6, want6);
	}
	assert_true(t.sources[0].date > 20200101);
	assert_true(t.count4 + t.count6 > 100000);
	geo_table_clear(&t);
}

static void test_ipfire(void **state)
{
	static const char *const installed[] = { "/usr/share/tor/geoip",
						 "/usr/share/tor/geoip6" };
	struct geo_table t = { 0 };
	struct iset set = { 0 };
	size_t none = 0;

	(void)state;
	check_ipfire(in_data("tor-geoip/geoip.xz"), 385602, 0);
	check_ipfire(in_data("tor-geoip/geoip6.xz"), 0, 276626);
	for (size_t i = 0; i < LENGTH(installed); i++)
		if (access(installed[i], R_OK) == 0)
			check_ipfire(installed[i], 0, 0);
	read_ok(&t, "tor-geoip/geoip.xz", NULL);
	read_ok(&t, "tor-geoip/geoip6.xz", NULL);
	assert_true(geo_table_finish(&t, NULL, NULL, NULL, NULL));
	for (size_t i = 0; i < t.count4; i++)
		none += t.v4[i].record.country == COUNTRY_NONE;
	assert_int_equal(none, 230);
	collect(&t, "USCAMX", &set);
	assert_int_equal(set.v4.count, 38110);
	assert_int_equal(set.v6.count, 32755);
	iset_clear(&set);
	geo_table_clear(&t);
}

/* A list has as many ranges as lines that are no comments. */
static void check_list(const char *path)
{
	struct geo_table t = { 0 };
	struct error err = { 0 };
	const char *name = strrchr(path, '/') + 1;
	char line[200];
	size_t lines = 0;
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		lines += line[0] != '#' && line[0] != '\n';
	fclose(f);
	if (strncmp(name, "id_country_", 11) == 0)
		name += 11;
	if (!geo_read(&t, path, NULL, &err))
		fail_msg("%s", err.text);
	assert_int_equal(t.sources[0].kind, GEO_CIDR);
	assert_int_equal(t.sources[0].country,
			 COUNTRY(name[0] - 'a' + 'A', name[1] - 'a' + 'A'));
	assert_int_equal(t.count4 + t.count6, lines);
	geo_table_clear(&t);
}

static void test_lists(void **state)
{
	static const char *const patterns[] = {
		"country-lists/ipdeny-2024-02-02/*.zone",
		"country-lists/firehol-ipdeny-2017-10-14/*.netset",
	};
	static const size_t files[] = { 18, 9 };

	(void)state;
	for (size_t i = 0; i < LENGTH(patterns); i++) {
		glob_t found;

		assert_int_equal(glob(in_data(patterns[i]), 0, NULL, &found),
				 0);
		assert_int_equal(found.gl_pathc, files[i]);
		for (size_t k = 0; k < found.gl_pathc; k++)
			check_list(found.gl_pathv[k]);
		globfree(&found);
	}
}

static country_t find_in(const struct geo_table *t, const struct addr *a)
{
	size_t low = 0, high = a->family == 4 ? t->count4 : t->count6;

	while (low < high) {
		size_t mid = (low + high) / 2;
		addr6_t last =
			a->family == 4 ? t->v4[mid].last : t->v6[mid].last;

		if (last < a->value)
			low = mid + 1;
		else
			high = mid;
	}
	if (a->family == 4)
		return low < t->count4 && t->v4[low].first <= a->value
			       ? t->v4[low].record.country
			       : COUNTRY_NONE;
	return low < t->count6 && t->v6[low].first <= a->value
		       ? t->v6[low].record.country
		       : COUNTRY_NONE;
}

/* Each line of a list of look-ups, by the table and by mmdb_find(). */
static void check_lookups(const char *database, const char *lookups)
{
	char name[200], line[200], *bytes;
	struct geo_table t = { 0 };
	struct mmdb *mmdb;
	struct error err = { 0 };
	size_t lines = 0, len;
	FILE *f;

	snprintf(name, sizeof(name), "mmdb/%s.xz", database);
	bytes = unpacked(name, &len);
	write_bytes("db", bytes, len);
	free(bytes);
	if (!geo_read(&t, "db", NULL, &err) || !mmdb_open(&mmdb, "db", &err))
		fail_msg("%s", err.text);
	assert_true(geo_table_finish(&t, NULL, NULL, NULL, NULL));
	f = fopen(in_data(lookups), "r");
	assert_non_null(f);
	for (; fgets(line, sizeof(line), f); lines++) {
		char *tab = strchr(line, '\t');
		country_t want =
			tab[1] == '-' ? COUNTRY_NONE : COUNTRY(tab[1], tab[2]);
		country_t got;
		struct addr a;

		assert_true(addr_parse(line, (size_t)(tab - line), &a, NULL));
		assert_true(mmdb_find(mmdb, &a, &got, &err));
		if (got != want || find_in(&t, &a) != want)
			fail_msg("%s: %s", database, line);
	}
	assert_int_equal(lines, 1600);
	fclose(f);
	mmdb_close(mmdb);
	geo_table_clear(&t);
}

static void test_lookups(void **state)
{
	(void)state;
	check_lookups("dbip-country-20260601.mmdb",
		      "mmdb/lookups-dbip-country.tsv");
	check_lookups("geo-whois-asn-country-20260617.mmdb",
		      "mmdb/lookups-geo-whois-asn-country.tsv");
}

/* What becomes of MaxMind's test databases; NULL: read. */
static const struct {
	const char *name;
	const char *want;
} mmdb_files[] = {
	{ "GeoIP2-City-Shield-Test", NULL },
	{ "GeoIP2-City-Test", NULL },
	{ "GeoIP2-Country-Shield-Test", NULL },
	{ "GeoIP2-Country-Test", NULL },
	{ "GeoIP2-Enterprise-Shield-Test", NULL },
	{ "GeoIP2-Enterprise-Test", NULL },
	{ "GeoIP2-Precision-Enterprise-Shield-Test", NULL },
	{ "GeoIP2-Precision-Enterprise-Test", NULL },
	{ "GeoLite2-City-Test", NULL },
	{ "GeoLite2-Country-Test", NULL },
	{ "GeoIP2-City-Test-Broken-Double-Format", "bad data" },
	{ "GeoIP2-City-Test-Invalid-Node-Count", "invalid metadata" },
	{ "MaxMind-DB-test-broken-pointers-24",
	  "data at offset 0 are damaged" },
	{ "MaxMind-DB-test-broken-search-tree-24", "search tree is corrupt" },
	{ "libmaxminddb-deep-array-nesting", "offset 0 are damaged" },
	{ "libmaxminddb-deep-nesting", "offset 0 are damaged" },
	{ "libmaxminddb-metadata-marker-only", "begins neither" },
	{ "libmaxminddb-offset-integer-overflow", "metadata are damaged" },
	{ "libmaxminddb-oversized-array", "offset 0 are damaged" },
	{ "libmaxminddb-oversized-map", "offset 0 are damaged" },
	{ "libmaxminddb-separator-record-max-left", "points beyond the data" },
	{ "libmaxminddb-separator-record-min-left", "points beyond the data" },
	{ "libmaxminddb-separator-record-min-right", "points beyond the data" },
	{ "cyclic-data-structure", "metadata are damaged" },
	{ "invalid-data-record-offset", "metadata are damaged" },
	{ "invalid-map-key-length", "metadata are damaged" },
	{ "invalid-string-length", "metadata are damaged" },
	{ "metadata-is-an-uint128", "metadata are damaged" },
	{ "unexpected-bytes", "metadata are damaged" },
	{ "bad-unicode-in-map-key", "search tree is corrupt" },
	{ "invalid-bytes-length", "begins neither" },
	/* whole, or damaged where nobody looks, and without countries */
	{ "", "no countries in it" },
};

static const char *wanted(const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	size_t i = 0;

	while (mmdb_files[i].name[0] &&
	       (strncmp(name, mmdb_files[i].name, strlen(mmdb_files[i].name)) !=
			0 ||
		strcmp(name + strlen(mmdb_files[i].name), ".mmdb") != 0))
		i++;
	return mmdb_files[i].want;
}

/* Both ends of every range, and their neighbours outside. */
static void check_both_ways(const struct geo_table *t, struct mmdb *mmdb,
			    const struct range *r)
{
	const addr6_t teredo = ADDR6(0x20010000, 0) << 32;
	addr6_t top = r->family == 4 ? ADDR4_MAX : ADDR6_MAX;
	addr6_t at[] = { r->first, r->last, r->first - (r->first != 0),
			 r->last + (r->last != top) };
	country_t got;

	for (size_t i = 0; i < LENGTH(at); i++) {
		struct addr a = { r->family, at[i] };

		/* aliases of IPv4, which only a look-up follows */
		if (r->family == 6 &&
		    (at[i] >> 96 == teredo >> 96 || at[i] >> 112 == 0x2002 ||
		     at[i] >> 32 == 0 || at[i] >> 32 == 0xffff))
			continue;
		assert_true(mmdb_find(mmdb, &a, &got, NULL));
		assert_int_equal(got, find_in(t, &a));
	}
}

static void check_mmdb(const char *path)
{
	const char *want = wanted(path);
	struct geo_table t = { 0 };
	struct error err = { 0 };
	struct mmdb *mmdb;

	if (!geo_read(&t, path, NULL, &err)) {
		if (!want || !strstr(err.text, want))
			fail_msg("%s", err.text);
		geo_table_clear(&t);
		return;
	}
	if (want)
		fail_msg("%s: was read", path);
	assert_true(mmdb_open(&mmdb, path, NULL));
	assert_true(t.count4 > 5 && t.count6 > 3);
	for (size_t i = 0; i < t.count4; i++)
		check_both_ways(
			&t, mmdb,
			&(struct range){ 4, t.v4[i].first, t.v4[i].last });
	for (size_t i = 0; i < t.count6; i++)
		check_both_ways(
			&t, mmdb,
			&(struct range){ 6, t.v6[i].first, t.v6[i].last });
	mmdb_close(mmdb);
	geo_table_clear(&t);
}

static void test_maxmind(void **state)
{
	static const char *const patterns[] = {
		"mmdb/maxmind-test-data/*.mmdb",
		"mmdb/maxmind-bad-data/*/*.mmdb",
	};
	static const size_t files[] = { 40, 21 };

	(void)state;
	for (size_t i = 0; i < LENGTH(patterns); i++) {
		glob_t found;

		assert_int_equal(glob(in_data(patterns[i]), 0, NULL, &found),
				 0);
		assert_int_equal(found.gl_pathc, files[i]);
		for (size_t k = 0; k < found.gl_pathc; k++)
			check_mmdb(found.gl_pathv[k]);
		globfree(&found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rir_files),
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_iana),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_cut_files),
		cmocka_unit_test(test_ipfire),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_maxmind),
	};
	const char *folder_name = getenv("GEOBLOCK_TEST_DATA");

	if (!folder_name)
		folder_name = "../shared/data";
	if (!realpath(folder_name, data) || access(in_data("rir"), R_OK) != 0) {
		printf("ok 1 - geo_data # SKIP GEOBLOCK_TEST_DATA: no data in "
		       "%s\n",
		       folder_name);
		return 0;
	}
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
