// SPDX-License-Identifier: GPL-2.0-or-later
/* A host name from a stranger's DNS.  The first byte says which family, then comes
 * the address, then the name. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <geoblock/rdns.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const struct addr *addr, const char *name)
{
	char why[RDNS_WHY_MAX];
	bool generic = rdns_is_generic(addr, name, why);

	assert(generic == (why[0] != '\0'));
	/* what goes into logs is ours, not the stranger's */
	for (const char *p = why; *p; p++)
		assert(*p >= 0x20 && *p < 0x7f);
	assert(rdns_classify(addr, name, NULL, NULL) ==
	       (!name[0] || strcmp(name, "unknown") == 0 ? RDNS_NONE
		: generic                                ? RDNS_GENERIC
							 : RDNS_OK));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct addr addr = { .family = size && data[0] & 1 ? 6 : 4 };
	size_t bytes = addr.family == 6 ? 16 : 4;
	char *name;

	if (size < 1 + bytes)
		return 0;
	for (size_t i = 0; i < bytes; i++)
		addr.value = addr.value << 8 | data[1 + i];
	/* exactly as long as it is, so that a byte too many is found */
	name = strndup((const char *)data + 1 + bytes, size - 1 - bytes);
	if (!name)
		return 0;
	check_name(&addr, name);
	free(name);
	return 0;
}
