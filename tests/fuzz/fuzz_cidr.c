// SPDX-License-Identifier: GPL-2.0-or-later
/* CIDR lists. */
#include "geo_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_reader(read_cidr, "us.zone", data, size);
	return 0;
}
