// SPDX-License-Identifier: GPL-2.0-or-later
/* IPFire's text. */
#include "geo_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_reader(read_ipfire, "f", data, size);
	return 0;
}
