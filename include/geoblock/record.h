/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_RECORD_H
#define GEOBLOCK_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include <geoblock/country.h>

/* What a source says of a range of addresses: the words that the readers, the
 * configuration and the image share. */

enum geo_kind {
	GEO_RIR,    /* delegation file of a registry, plain or extended */
	GEO_IPFIRE, /* "first,last,CC" text, as tor-geoipdb ships it */
	GEO_CIDR,   /* one prefix a line; the country is in the file's name */
	GEO_MMDB,   /* MaxMind DB */
	GEO_IMAGE,  /* an image that another host has compiled and signed; its
	             * sources have kinds of their own */
};

enum geo_registry {
	REGISTRY_NONE,
	REGISTRY_AFRINIC,
	REGISTRY_APNIC,
	REGISTRY_ARIN,
	REGISTRY_LACNIC,
	REGISTRY_RIPENCC,
	REGISTRY_COUNT,
};

enum geo_status {
	STATUS_NONE,      /* the source knows no statuses */
	STATUS_ALLOCATED, /* delegated */
	STATUS_ASSIGNED,  /* delegated */
	STATUS_AVAILABLE, /* in the registry's stock: no country */
	STATUS_RESERVED,  /* held back: no country */
	STATUS_COUNT,
};

const char *geo_kind_name(enum geo_kind kind);             /* "rir" … */
const char *geo_registry_name(enum geo_registry registry); /* "arin", "" */
const char *geo_status_name(enum geo_status status);       /* "allocated", "" */

/* geo_days - days since 1970-01-01 of a date YYYYMMDD of the years 1 to 9999, in
 * the Gregorian calendar; a month or day that is none gives a number near by.
 * geo_date - the date of such a number. */
int32_t geo_days(uint32_t date);
uint32_t geo_date(int32_t days);

/* geo_ahead - whether a date cannot be yet, by the file or by the clock: more than
 * two days after `now`, seconds since 1970, which time zones do not explain. */
bool geo_ahead(uint32_t date, int64_t now);

/* What is known of a range besides its ends.  The layout is that of the image. */
struct geo_record {
	country_t country; /* COUNTRY_NONE for available, reserved, ZZ, ?? */
	uint8_t registry;  /* enum geo_registry */
	uint8_t status;    /* enum geo_status */
	uint32_t date;     /* YYYYMMDD of the delegation, 0 where unknown */
};

#endif
