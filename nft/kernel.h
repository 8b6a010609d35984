/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NFT_KERNEL_H
#define NFT_KERNEL_H

#include <geoblock/kernel.h>

#include "nft/nft_live.h"
#include "nft/nft_sock.h"

#define NFT_TABLE_MAX 16 /* kernels of old take 15 characters */

/* kernel_is_table - the name is one that every kernel takes. */
bool kernel_is_table(const char *table, struct error *err);

struct kernel {
	struct nft_sock sock;
	char *buf; /* sock.send_max bytes: a transaction */

	/* kernel_find(): the sets in order of look-up, as of a generation */
	char table[NFT_TABLE_MAX];
	uint32_t generation; /* 0: nothing known */
	bool there;
	struct nft_named *uses;
	size_t use_count;
};

#endif
