/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NFT_APPLY_H
#define NFT_APPLY_H

#include <stdbool.h>

#include <geoblock/error.h>
#include <geoblock/kernel.h>

#include "nft/nft_sock.h"

/* nft_apply - kernel_apply() on a socket; buf has sock->send_max bytes. */
bool nft_apply(struct nft_sock *sock, char *buf, const struct kernel_plan *plan,
	       const struct kernel_plan *before, bool dry_run,
	       struct kernel_report *report, struct error *err);

#endif
