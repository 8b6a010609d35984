/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NFT_SOCK_H
#define NFT_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#include <geoblock/error.h>
#include <geoblock/kernel.h>

/* One netlink socket to nf_tables, and what is asked over it.
 *
 * sys_errno of an error tells callers what they may do about it; two values are
 * theirs to look for:
 *   ERESTART  the ruleset moved under us: read it anew and start over
 *   ENOENT    what was asked for is not there */

struct nft_sock {
	struct mnl_socket *nl;
	unsigned portid;
	uint32_t seq;
	size_t send_max; /* bytes that one sendmsg() takes */
	char *recv;      /* NFT_RECV_SIZE bytes */
	char *ask;       /* NFT_ASK_SIZE bytes: the question being built */
	/* what nft_queue_probe() found */
	bool probed;
	enum kernel_queue_way queue;
};

#define NFT_RECV_SIZE 65536 /* the kernel fills dumps up to 32 kB a message */
#define NFT_ASK_SIZE  8192

bool nft_sock_open(struct nft_sock *sock, struct error *err);
void nft_sock_close(struct nft_sock *sock);

/* nft_sock_question - begin a question in sock->ask: nf_tables message `type`
 * (NFT_MSG_GET…), family inet, flags NLM_F_DUMP for a list or 0 for one
 * object. */
struct nlmsghdr *nft_sock_question(struct nft_sock *sock, uint16_t type,
				   uint16_t flags);

/* nft_sock_ask - send the question, give each answer to `answer` (may be NULL).
 * `answer` returns MNL_CB_OK, or MNL_CB_ERROR after filling its own error.  A
 * list that another commit changed while it was read is ERESTART. */
bool nft_sock_ask(struct nft_sock *sock, struct nlmsghdr *question,
		  mnl_cb_t answer, void *ctx, struct error *err);

/* nft_sock_batch - send a batch in one sendmsg() and read all the answers.  The
 * last message but one (before BATCH_END) carries NLM_F_ACK. */
bool nft_sock_batch(struct nft_sock *sock, const char *batch, size_t len,
		    struct error *err);

/* nft_sock_generation - the number of the last commit in this namespace. */
bool nft_sock_generation(struct nft_sock *sock, uint32_t *id,
			 struct error *err);

#endif
