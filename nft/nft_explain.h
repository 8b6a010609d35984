/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NFT_EXPLAIN_H
#define NFT_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#include <geoblock/error.h>

/* nft_explain - what a refusal means and what can be done about it, as an error
 * (ERROR_KERNEL, sys_errno = the kernel's answer).
 *
 * request is the message that was refused, as it was sent (NULL: not known);
 * offset is where in it the offending attribute begins (0: not known); said is
 * the kernel's own text (NULL: none).  Returns false. */
bool nft_explain(struct error *err, int sys_errno,
		 const struct nlmsghdr *request, size_t offset,
		 const char *said);

#endif
