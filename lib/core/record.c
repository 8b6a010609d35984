// SPDX-License-Identifier: GPL-2.0-or-later
#include <geoblock/record.h>

#include <assert.h>

static const char *const kinds[] = { "rir", "ipfire", "cidr", "mmdb" };

static const char *const registries[REGISTRY_COUNT] = { "",       "afrinic",
							"apnic",  "arin",
							"lacnic", "ripencc" };

static const char *const statuses[STATUS_COUNT] = { "", "allocated", "assigned",
						    "available", "reserved" };

const char *geo_kind_name(enum geo_kind kind)
{
	assert((unsigned)kind < sizeof(kinds) / sizeof(*kinds));
	return kinds[kind];
}

const char *geo_registry_name(enum geo_registry registry)
{
	assert((unsigned)registry < REGISTRY_COUNT);
	return registries[registry];
}

const char *geo_status_name(enum geo_status status)
{
	assert((unsigned)status < STATUS_COUNT);
	return statuses[status];
}
