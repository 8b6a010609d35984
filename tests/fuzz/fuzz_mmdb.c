// SPDX-License-Identifier: GPL-2.0-or-later
/* MaxMind DBs: the whole tree, then look-ups, which do not see all of it. */
#include "geo_input.h"

static void look_up(const char *path)
{
	static const struct addr addrs[] = {
		{ 4, 0 },
		{ 4, 0xc0000201 },
		{ 4, ADDR4_MAX },
		{ 6, 1 },
		{ 6, ADDR6(0x20010db800000000, 1) },
		{ 6, ADDR6_MAX },
	};
	struct error err = { 0 };
	struct mmdb *mmdb;

	if (!mmdb_open(&mmdb, path, &err)) {
		fuzz_error(&err);
		return;
	}
	for (size_t i = 0; i < sizeof(addrs) / sizeof(*addrs); i++) {
		country_t cc;

		if (!mmdb_find(mmdb, &addrs[i], &cc, &err))
			fuzz_error(&err);
	}
	mmdb_close(mmdb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_reader(read_mmdb, "f", data, size);
	look_up(fuzz_file(data, size));
	return 0;
}
