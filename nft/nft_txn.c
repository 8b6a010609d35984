// SPDX-License-Identifier: GPL-2.0-or-later
/* A transaction in one buffer:
 *
 *   BATCH_BEGIN [generation]  message  message  …  last message (ACK)  BATCH_END
 *
 * The acknowledgement is asked for on the last message proper: on BATCH_END it is
 * honoured only since Linux 6.10.  The generation makes the commit a
 * compare-and-swap: nothing of it is looked at if anybody has committed since
 * that generation was read. */
#include "nft/nft_txn.h"
#include "nft/nft_explain.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#define BEGIN_SIZE (MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg) + 8)
#define END_SIZE   (MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg))

static struct nlmsghdr *put(struct nft_txn *txn, uint16_t type, uint16_t flags,
			    uint8_t family, uint16_t res_id)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(txn->buf + txn->len);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++txn->sock->seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(res_id);
	return nlh;
}

/* Bytes up to the end of the message that is being built. */
static size_t used(const struct nft_txn *txn)
{
	if (!txn->last)
		return txn->len;
	return (size_t)((const char *)txn->last - txn->buf) +
	       MNL_ALIGN(txn->last->nlmsg_len);
}

void nft_txn_begin(struct nft_txn *txn, struct nft_sock *sock, char *buf,
		   size_t room, uint32_t generation)
{
	struct nlmsghdr *nlh;

	assert(room >= BEGIN_SIZE + NFT_MESSAGE_MAX + END_SIZE);
	*txn = (struct nft_txn){ .sock = sock, .buf = buf, .room = room };
	nlh = put(txn, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC,
		  NFNL_SUBSYS_NFTABLES);
	if (generation != 0)
		mnl_attr_put_u32(nlh, NFNL_BATCH_GENID, htonl(generation));
	txn->len = nlh->nlmsg_len;
}

size_t nft_txn_left(const struct nft_txn *txn)
{
	size_t taken = used(txn) + END_SIZE;

	return taken < txn->room ? txn->room - taken : 0;
}

struct nlmsghdr *nft_txn_message(struct nft_txn *txn, uint16_t type,
				 uint16_t flags)
{
	if (nft_txn_left(txn) >= NFT_MESSAGE_MAX)
		txn->len = used(txn);
	else
		txn->full = true; /* this one overwrites the last */
	txn->last = put(txn, NFNL_SUBSYS_NFTABLES << 8 | type, flags,
			NFPROTO_INET, 0);
	return txn->last;
}

size_t nft_txn_size(const struct nft_txn *txn)
{
	return txn->last ? used(txn) : 0;
}

static bool close_last(struct nft_txn *txn, struct error *err)
{
	if (txn->full)
		return nft_explain(err, EMSGSIZE, NULL, 0, NULL);
	txn->last->nlmsg_flags |= NLM_F_ACK;
	txn->len = used(txn);
	txn->last = NULL;
	return true;
}

bool nft_txn_check(struct nft_txn *txn, struct error *err)
{
	return !txn->last ||
	       (close_last(txn, err) &&
		nft_sock_batch(txn->sock, txn->buf, txn->len, err));
}

bool nft_txn_commit(struct nft_txn *txn, struct error *err)
{
	struct nlmsghdr *end;

	if (!txn->last)
		return true;
	if (!close_last(txn, err))
		return false;
	end = put(txn, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	txn->len += end->nlmsg_len;
	return nft_sock_batch(txn->sock, txn->buf, txn->len, err);
}
