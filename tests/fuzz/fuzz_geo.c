// SPDX-License-Identifier: GPL-2.0-or-later
/* A file of any kind, packed or not: what tells them apart, and the way through
 * geo_read() and geo_table_finish(). */
#include "geo_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_read(data, size);
	return 0;
}
