// SPDX-License-Identifier: GPL-2.0-or-later
/* Delegation files: each line by itself, then the file. */
#include "geo_input.h"

#include <geoblock/rir.h>

static void one_line(const uint8_t *data, size_t size)
{
	/* a copy of just that size: ASan sees a byte too many */
	char *copy = malloc(size + RIR_PADDING);
	struct error err = { 0 };
	struct rir_line l;

	require(copy != NULL);
	memcpy(copy, data, size);
	memset(copy + size, '|', RIR_PADDING);
	if (!rir_line(copy, size, &l, &err)) {
		fuzz_error(&err);
	} else {
		require(l.kind < RIR_KIND_COUNT);
		if (l.kind == RIR_IPV4 || l.kind == RIR_IPV6) {
			require(l.first <= l.last);
			require(l.kind == RIR_IPV6 || l.last <= ADDR4_MAX);
			require(l.record.registry != REGISTRY_NONE);
			require(l.record.status != STATUS_NONE);
			require(l.record.date < 30000000);
		}
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *p = data, *end = data + size;

	while (p < end) {
		const uint8_t *feed = memchr(p, '\n', (size_t)(end - p));
		const uint8_t *stop = feed ? feed : end;

		one_line(p, (size_t)(stop - p));
		p = feed ? feed + 1 : end;
	}
	if (size != 0)
		fuzz_reader(read_rir, "f", data, size);
	return 0;
}
