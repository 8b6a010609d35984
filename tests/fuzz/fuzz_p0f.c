// SPDX-License-Identifier: GPL-2.0-or-later
/* A stream of p0f queries, cut where the first byte says, as a client would be
 * served: read, answer, read on. */
#include <assert.h>
#include <stdint.h>

#include "daemon/p0f.h"
#include "tests/fuzz/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *answer, size_t len)
{
	uint32_t status;

	assert(len == P0F_ANSWER_SIZE);
	memcpy(&status, answer + 4, sizeof(status));
	assert(status == P0F_OK || status == P0F_NO_MATCH ||
	       status == P0F_BAD_QUERY);
	for (size_t i = 40; i < P0F_ANSWER_SIZE; i += 32)
		assert(memchr(answer + i, '\0', 32));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct path path;
	static struct p0f p0f;

	if (!path.hosts)
		memory_open(&path);
	p0f.path = &path;
	return stream_run(&p0f_protocol, &p0f, data, size, check);
}
