/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_CORE_RDNS_IMPL_H
#define GEOBLOCK_CORE_RDNS_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/rdns.h>

/* A host name taken apart: lower case, cut into labels at dots and into runs of
 * letters and digits at everything else. */

#define RDNS_RUNS_MAX 128 /* a name of 255 bytes has no more */

struct rdns_run {
	uint8_t at, len; /* in text */
	uint8_t label;   /* its number from the left */
	uint8_t digits;  /* how many of its bytes are */
};

struct rdns_name {
	char text[RDNS_NAME_MAX];
	size_t len;
	struct rdns_run runs[RDNS_RUNS_MAX];
	size_t run_count;
	unsigned labels;
	unsigned host_labels; /* those in front of the registered domain */
};

/* How much of its address a name tells. */
enum rdns_told {
	RDNS_TOLD_NOTHING,
	RDNS_TOLD_HALF, /* the last two octets, side by side */
	RDNS_TOLD_NET,  /* three octets in a row */
	RDNS_TOLD_WHOLE,
};

/* rdns_told - form is a few words on how, for RDNS_TOLD_HALF and above. */
enum rdns_told rdns_told(const struct rdns_name *name, const struct addr *addr,
			 const char **form);

#endif
