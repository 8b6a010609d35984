// SPDX-License-Identifier: GPL-2.0-or-later
/* A table handed over by the process that reads strangers' files: what is taken
 * can be gone on with. */
#include "geo_input.h"

#include <fcntl.h>

static void require_table(const struct geo_table *t)
{
	for (size_t i = 0; i < t->source_count; i++)
		require(t->sources[i].registry < REGISTRY_COUNT &&
			memchr(t->sources[i].path, '\0', GEO_PATH_MAX) != NULL);
	for (size_t i = 0; i < t->count4; i++)
		require(t->v4[i].first <= t->v4[i].last &&
			t->v4[i].source < t->source_count);
	for (size_t i = 0; i < t->count6; i++)
		require(t->v6[i].first <= t->v6[i].last &&
			t->v6[i].source < t->source_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct geo_warn warn = { fuzz_say, NULL };
	int fd = open(fuzz_file(data, size), O_RDONLY | O_CLOEXEC);
	struct geo_table table = { 0 };
	struct error err = { 0 };

	require(fd >= 0);
	if (geo_table_receive(&table, fd, &err)) {
		require_table(&table);
		if (geo_table_finish(&table, NULL, NULL, &warn, &err))
			fuzz_check(&table);
		else
			fuzz_error(&err);
	} else {
		fuzz_error(&err);
		require(!table.v4 && !table.v6 && table.source_count == 0);
	}
	geo_table_clear(&table);
	close(fd);
	return 0;
}
