// SPDX-License-Identifier: GPL-2.0-or-later
/* lookup IMAGE MMDB - nanoseconds for the country of an address, ours and
 * libmaxminddb's, over the same addresses and the same data: MMDB is an export of
 * the image, and both have to give the same answers.  The two take turns, with
 * warm caches; the figure is the median of the rounds. */
#include <arpa/inet.h>
#include <endian.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <maxminddb.h>

#include <geoblock/image.h>

#define COUNT  (1u << 18)
#define ROUNDS 15

struct set {
	const char *name;
	int family;
	uint32_t v4[COUNT]; /* of the one family … */
	addr6_t v6[COUNT];  /* … or the other */
	union {
		struct sockaddr any;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	} sockaddr[COUNT];
	country_t ours[COUNT], theirs[COUNT];
};

static uint64_t rng(void)
{
	static uint64_t state = 1; /* every run asks the same */
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* ---- addresses ------------------------------------------------------------------- */

/* Ranges of the image, to draw addresses from. */
struct ranges {
	struct range *r;
	size_t count, room;
};

static void keep(struct ranges *to, const struct range *r)
{
	if (to->count == to->room) {
		to->room = to->room ? 2 * to->room : 65536;
		to->r = reallocarray(to->r, to->room, sizeof(*to->r));
		if (!to->r)
			abort();
	}
	to->r[to->count++] = *r;
}

static bool visit(void *ctx, const struct range *r,
		  const struct geo_record *record)
{
	struct ranges *to = ctx; /* of IPv4, of IPv6 */

	(void)record;
	if (r->family == 4)
		keep(&to[0], r);
	else if (r->first > ADDR6(0, 0xffffffffffff)) /* a MaxMind DB has IPv4
							* below */
		keep(&to[1], r);
	return true;
}

/* Any address of all (from NULL), or one in a record, each record as likely. */
static void draw(struct set *set, const struct ranges *from)
{
	for (size_t i = 0; i < COUNT; i++) {
		addr6_t value = ADDR6(rng(), rng());
		uint64_t hi, lo;

		if (from) {
			const struct range *r = &from->r[rng() % from->count];

			value = r->first + value % (r->last - r->first + 1);
		}
		set->v4[i] = (uint32_t)value;
		set->v6[i] = value;
		if (set->family == 4) {
			set->sockaddr[i].in4.sin_family = AF_INET;
			set->sockaddr[i].in4.sin_addr.s_addr =
				htobe32(set->v4[i]);
			continue;
		}
		hi = htobe64(ADDR6_HI(value));
		lo = htobe64(ADDR6_LO(value));
		set->sockaddr[i].in6.sin6_family = AF_INET6;
		memcpy(set->sockaddr[i].in6.sin6_addr.s6_addr, &hi, 8);
		memcpy(set->sockaddr[i].in6.sin6_addr.s6_addr + 8, &lo, 8);
	}
}

/* ---- look-ups ---------------------------------------------------------------------- */

static double ours(struct set *set, const struct image *image)
{
	double start = now();

	if (set->family == 4)
		for (size_t i = 0; i < COUNT; i++)
			set->ours[i] = image_country4(image, set->v4[i]);
	else
		for (size_t i = 0; i < COUNT; i++)
			set->ours[i] = image_country6(image, set->v6[i]);
	return (now() - start) / COUNT;
}

static country_t their_country(const MMDB_s *db, const struct sockaddr *a)
{
	MMDB_lookup_result_s found;
	MMDB_entry_data_s data;
	int error;

	found = MMDB_lookup_sockaddr(db, a, &error);
	if (error != MMDB_SUCCESS || !found.found_entry ||
	    MMDB_get_value(&found.entry, &data, "country", "iso_code", NULL) !=
		    MMDB_SUCCESS ||
	    data.data_size != 2)
		return COUNTRY_NONE;
	return COUNTRY(data.utf8_string[0], data.utf8_string[1]);
}

static double theirs(struct set *set, const MMDB_s *db)
{
	double start = now();

	for (size_t i = 0; i < COUNT; i++)
		set->theirs[i] = their_country(db, &set->sockaddr[i].any);
	return (now() - start) / COUNT;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static bool measure(struct set *set, const struct image *image,
		    const MMDB_s *db)
{
	double mine[ROUNDS], peer[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		/* each evicts the other from the caches: once to come back */
		ours(set, image);
		mine[i] = ours(set, image);
		theirs(set, db);
		peer[i] = theirs(set, db);
	}
	if (memcmp(set->ours, set->theirs, sizeof(set->ours)) != 0) {
		fprintf(stderr, "%s: the answers differ\n", set->name);
		return false;
	}
	qsort(mine, ROUNDS, sizeof(*mine), ascending);
	qsort(peer, ROUNDS, sizeof(*peer), ascending);
	printf("{\"name\": \"%s\", \"ours_ns\": %.2f, \"peer_ns\": %.2f, "
	       "\"ratio\": %.1f}\n",
	       set->name, mine[ROUNDS / 2], peer[ROUNDS / 2],
	       peer[ROUNDS / 2] / mine[ROUNDS / 2]);
	return true;
}

int main(int argc, char **argv)
{
	static struct set any = { .name = "country of any IPv4 address",
				  .family = 4 };
	static struct set v4 = { .name = "country of an IPv4 record's address",
				 .family = 4 };
	static struct set v6 = { .name = "country of an IPv6 record's address",
				 .family = 6 };
	struct ranges ranges[2] = { 0 };
	struct error err = { 0 };
	struct image *image;
	MMDB_s db;
	bool ok;

	if (argc != 3) {
		fprintf(stderr, "usage: lookup IMAGE MMDB\n");
		return 2;
	}
	if (!image_open(&image, argv[1], IMAGE_CHECK_ALL, &err)) {
		fprintf(stderr, "lookup: %s\n", err.text);
		return 3;
	}
	if (MMDB_open(argv[2], MMDB_MODE_MMAP, &db) != MMDB_SUCCESS) {
		fprintf(stderr, "lookup: %s: cannot open\n", argv[2]);
		return 3;
	}
	/* as every program that keeps an image does, for one with two sources */
	if (!image_agree(image, AGREE_FIRST, &(struct country_set){ 0 },
			 &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	image_each(image, visit, ranges);
	if (ranges[0].count == 0 || ranges[1].count == 0) {
		fprintf(stderr, "lookup: %s: a family is empty\n", argv[1]);
		return 3;
	}
	draw(&any, NULL);
	draw(&v4, &ranges[0]);
	draw(&v6, &ranges[1]);
	ok = measure(&any, image, &db) && measure(&v4, image, &db) &&
	     measure(&v6, image, &db);
	free(ranges[0].r);
	free(ranges[1].r);
	MMDB_close(&db);
	image_close(image);
	return ok ? 0 : 1;
}
