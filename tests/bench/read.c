// SPDX-License-Identifier: GPL-2.0-or-later
/* read [-n TIMES] FILE… - from files to the merged ranges of all countries,
 * once: what bench/run sets beside `wc -l`.  With -n several times, and how
 * long the best of them took: reading, settling, merging. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <geoblock/geo.h>
#include <geoblock/iset.h>

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void fail(const char *text)
{
	fprintf(stderr, "read: %s\n", text);
	exit(1);
}

static void merge(const struct geo_table *t, struct iset *set)
{
	struct error err;

	for (size_t i = 0; i < t->count4; i++)
		if (t->v4[i].record.country != COUNTRY_NONE &&
		    !iset_add4(set, t->v4[i].first, t->v4[i].last, &err))
			fail(err.text);
	for (size_t i = 0; i < t->count6; i++)
		if (t->v6[i].record.country != COUNTRY_NONE &&
		    !iset_add6(set, t->v6[i].first, t->v6[i].last, &err))
			fail(err.text);
	if (!iset_normalise(set, &err))
		fail(err.text);
}

struct figures {
	double read, finish, merge; /* ms */
};

static struct figures run(char **paths, size_t count, bool report)
{
	struct geo_file *files = calloc(count, sizeof(*files));
	struct geo_table table = { 0 };
	struct iset set = { 0 };
	struct error err;
	double at[4] = { now() };

	if (!files)
		fail("out of memory");
	for (size_t i = 0; i < count; i++)
		files[i].path = paths[i];
	geo_read_all(&table, files, count, NULL);
	for (size_t i = 0; i < count; i++)
		if (!files[i].ok)
			fail(files[i].err.text);
	at[1] = now();
	if (!geo_table_finish(&table, NULL, NULL, NULL, &err))
		fail(err.text);
	at[2] = now();
	merge(&table, &set);
	at[3] = now();
	if (report)
		printf("%zu + %zu records, %zu + %zu merged ranges\n",
		       table.count4, table.count6, set.v4.count, set.v6.count);
	iset_clear(&set);
	geo_table_clear(&table);
	free(files);
	return (struct figures){ at[1] - at[0], at[2] - at[1], at[3] - at[2] };
}

int main(int argc, char **argv)
{
	int times = 1, first = 1;
	struct figures best = { 0 };
	double least = 1e9;

	if (argc > 2 && strcmp(argv[1], "-n") == 0) {
		times = atoi(argv[2]);
		first = 3;
	}
	if (first >= argc)
		fail("usage: read [-n TIMES] FILE…");
	for (int i = 0; i < times; i++) {
		struct figures f =
			run(argv + first, (size_t)(argc - first), i == 0);

		if (f.read + f.finish + f.merge < least) {
			least = f.read + f.finish + f.merge;
			best = f;
		}
	}
	if (times > 1)
		printf("%.2f ms: %.2f to read, %.2f to settle, %.2f to merge\n",
		       least, best.read, best.finish, best.merge);
	return 0;
}
