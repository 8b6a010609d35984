// SPDX-License-Identifier: GPL-2.0-or-later
/* A saved plan, as it comes and with its checksum and size made right: what is taken
 * is in bounds. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "tools/tool_confirm.h"

#define HEADER 24 /* magic, version, CRC, size */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const uint8_t *data, size_t size)
{
	struct error err;
	struct tool_saved *saved = tool_saved_parse(data, size, &err);

	if (!saved)
		return;
	assert(strlen(saved->plan.table) < sizeof(saved->name));
	assert(!saved->table || saved->plan.port_count <= POLICY_PORTS_MAX);
	for (size_t i = 0; i < saved->plan.class_count; i++) {
		const struct kernel_class *c = &saved->plan.classes[i];

		assert(strlen(c->name) < sizeof(c->name));
		assert(strlen(c->counter) < sizeof(c->counter));
		assert(c->action < ACTION_COUNT);
		for (size_t k = 1; k < c->ranges->v4.count; k++)
			assert(c->ranges->v4.r[k - 1].last <
			       c->ranges->v4.r[k].first);
	}
	tool_saved_free(saved);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t bytes = size;
	uint8_t *sealed;
	uint32_t crc, version = 1;

	use(data, size);
	if (size < HEADER)
		return 0;
	sealed = malloc(size);
	assert(sealed);
	memcpy(sealed, data, size);
	memcpy(sealed, "GEOBLKPL", 8);
	memcpy(sealed + 8, &version, sizeof(version));
	memcpy(sealed + 16, &bytes, sizeof(bytes));
	crc = (uint32_t)crc32_z(0, sealed + HEADER, size - HEADER);
	memcpy(sealed + 12, &crc, sizeof(crc));
	use(sealed, size);
	free(sealed);
	return 0;
}
