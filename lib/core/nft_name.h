/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_CORE_NFT_NAME_H
#define GEOBLOCK_CORE_NFT_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* Names that nft can read back.  The kernel takes any bytes, but `nft list
 * ruleset` prints what `nft -f` then refuses: people save and restore that way.
 */

/* nft_name_valid - a letter or '_', then letters, digits, '-' and '_'; it fits
 * size bytes with its NUL. */
bool nft_name_valid(const char *name, size_t size);

/* nft_name_reserved - a keyword of nft's where a name stands ("drop",
 * "counter"; version 1.0.6, each word tried). */
bool nft_name_reserved(const char *name);

#endif
