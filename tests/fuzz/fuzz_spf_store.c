// SPDX-License-Identifier: GPL-2.0-or-later
/* What the child that asks the DNS hands over, and what is kept of it: whatever is
 * taken is written again as it was. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <geoblock/spf.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { 0 };
	struct spf_store store, again;
	char *text, *text2;
	size_t len, len2;

	if (!spf_store_read((const char *)data, size, &store, &err)) {
		assert(err.kind != ERROR_NONE && store.count == 0);
		return 0;
	}
	assert(store.count <= SPF_DOMAINS_MAX);
	for (size_t i = 0; i < store.count; i++)
		for (size_t n = 0; n < store.entries[i].nets.count; n++)
			assert(spf_range_allowed(
				&store.entries[i].nets.nets[n].range));
	text = spf_store_text(&store, &len);
	assert(text && spf_store_read(text, len, &again, &err));
	text2 = spf_store_text(&again, &len2);
	assert(text2 && len == len2 && memcmp(text, text2, len) == 0);
	free(text);
	free(text2);
	spf_store_clear(&again);
	spf_store_clear(&store);
	return 0;
}
