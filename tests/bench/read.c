// SPDX-License-Identifier: GPL-2.0-or-later
/* read [-n TIMES] FILE… - how long the readers take, whole and by part. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <geoblock/geo.h>

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void say(void *ctx, const char *text)
{
	if (*(int *)ctx == 0)
		fprintf(stderr, "warning: %s\n", text);
}

int main(int argc, char **argv)
{
	double best = 1e9, best_finish = 0;
	int times = 10, first = 1;

	if (argc > 2 && strcmp(argv[1], "-n") == 0) {
		times = atoi(argv[2]);
		first = 3;
	}
	for (int round = 0; round < times; round++) {
		struct geo_table table = { 0 };
		struct geo_warn warn = { say, &round };
		struct error err = { 0 };
		double start = now(), middle, end;

		for (int i = first; i < argc; i++)
			if (!geo_read(&table, argv[i], &warn, &err)) {
				fprintf(stderr, "%s\n", err.text);
				return 1;
			}
		middle = now();
		if (!geo_table_finish(&table, NULL, NULL, &warn, &err)) {
			fprintf(stderr, "%s\n", err.text);
			return 1;
		}
		end = now();
		if (end - start < best) {
			best = end - start;
			best_finish = end - middle;
		}
		if (round == 0)
			for (size_t i = 0; i < table.source_count; i++)
				printf("%s: %s %s %" PRIu32 ", %" PRIu32
				       " v4, %" PRIu32 " v6, %" PRIu64
				       " bytes\n",
				       table.sources[i].path,
				       geo_kind_name(table.sources[i].kind),
				       geo_registry_name(
					       table.sources[i].registry),
				       table.sources[i].date,
				       table.sources[i].records4,
				       table.sources[i].records6,
				       table.sources[i].bytes);
		if (round == times - 1)
			printf("%zu v4, %zu v6 in %.2f ms, %.2f of it to "
			       "finish\n",
			       table.count4, table.count6, best * 1e3,
			       best_finish * 1e3);
		geo_table_clear(&table);
	}
	return 0;
}
