// SPDX-License-Identifier: GPL-2.0-or-later
/* A datagram as amavisd sends it. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "daemon/amavis.h"
#include "tests/unit/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct path path;
	char *request = malloc(size ? size : 1), out[AMAVIS_ANSWER_MAX];
	enum asked asked;
	size_t len;

	if (!path.hosts)
		memory_open(&path);
	if (size > 0)
		memcpy(request, data, size);
	asked = amavis_answer(&path, request, size, out, &len);
	assert((asked == ASKED_BAD) == (len == 0));
	if (len > 0) {
		assert(len >= size + 3 && len < sizeof(out));
		assert(memcmp(out, request, size) == 0);
		assert(out[len - 2] == '\r' && out[len - 1] == '\n');
	}
	for (size_t i = 0; len > 0 && i < len - 2; i++)
		assert(out[i] >= 0x20 && out[i] < 0x7f);
	free(request);
	return 0;
}
