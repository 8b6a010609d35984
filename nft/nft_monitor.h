/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NFT_MONITOR_H
#define NFT_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/kernel.h>

#include "nft/kernel.h"

/* What the monitor makes of notifications, apart from the socket that brings
 * them. */

struct nft_watch {
	char table[NFT_TABLE_MAX];
	uint32_t own; /* port id whose commits are ours */
	bool gone;    /* the last that was heard of the table: its deletion */
	/* the commit that is being told */
	bool touched;
	bool deleted; /* the table itself */
	char what[KERNEL_WHAT_MAX];
};

/* nft_watch_hear - take in one datagram of notifications.  What foreign commits
 * did to the table is added to *change at the NEWGEN that ends each. */
void nft_watch_hear(struct nft_watch *watch, const void *data, size_t len,
		    struct kernel_change *change);

#endif
