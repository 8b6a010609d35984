// SPDX-License-Identifier: GPL-2.0-or-later
#include <geoblock/record.h>

#include <assert.h>

static const char *const kinds[] = { "rir", "ipfire", "cidr", "mmdb", "image" };

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

/* Years begin in March here, so that a leap day is their last. */
int32_t geo_days(uint32_t date)
{
	int32_t year = (int32_t)(date / 10000 % 10000);
	int32_t month = (int32_t)(date / 100 % 100),
		day = (int32_t)(date % 100);

	year -= month < 3;
	month = (month + 9) % 12;
	return 365 * year + year / 4 - year / 100 + year / 400 +
	       (153 * month + 2) / 5 + day - 1 - 719468;
}

uint32_t geo_date(int32_t days)
{
	int32_t n = days + 719468;
	int32_t year = (int32_t)((10000LL * n + 14780) / 3652425);
	int32_t left = n - (365 * year + year / 4 - year / 100 + year / 400);
	int32_t month;

	if (left < 0) {
		year--;
		left = n - (365 * year + year / 4 - year / 100 + year / 400);
	}
	month = (100 * left + 52) / 3060;
	return (uint32_t)(year + (month + 2) / 12) * 10000u +
	       (uint32_t)((month + 2) % 12 + 1) * 100u +
	       (uint32_t)(left - (month * 306 + 5) / 10 + 1);
}

bool geo_ahead(uint32_t date, int64_t now)
{
	return geo_days(date) > now / 86400 + 2;
}
