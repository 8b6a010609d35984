// SPDX-License-Identifier: GPL-2.0-or-later
/* The socket.  Two kinds of traffic go over it:
 *
 * A question (GETGEN, GETRULE …) is one message.  NLM_F_ACK makes the end of
 * the answer explicit for single objects; lists end with NLMSG_DONE.
 *
 * A batch is many messages in one sendmsg(), and a transaction: the kernel has
 * committed or refused all of it, and queued its answers, before sendmsg()
 * returns.  So the answers are read without waiting until there are none left.
 * One error is reported for each message that the kernel did not like; the first
 * one is the cause, the others mostly follow from it.  With NETLINK_CAP_ACK an
 * error is 44 bytes instead of a copy of a 64 kB message; should there still be
 * more than the socket holds (ENOBUFS), the ones that fit are there to be read.
 *
 * SO_SNDBUFFORCE wants CAP_NET_ADMIN in the first user namespace, which an
 * unprivileged container does not have, so nothing here depends on it: elements
 * are cut into batches that fit the default send buffer.  Only the one that
 * cannot be cut, the switch, may need more with a policy of very many rules; for
 * it the buffer is doubled, as anybody may. */
#include "nft/nft_sock.h"
#include "nft/nft_explain.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

/* netlink_sendmsg() refuses len > sk_sndbuf - 32 (net/netlink/af_netlink.c) */
#define SNDBUF_OVERHEAD 32
/* The kernel's default; setting it doubles it, for its own overhead. */
#define SNDBUF_DEFAULT 212992
/* a transaction of a few small messages */
#define SEND_MIN 8000

static bool no_socket(struct error *err)
{
	if (errno == EPROTONOSUPPORT || errno == EAFNOSUPPORT)
		return error_set(
			err, ERROR_KERNEL, errno,
			"this kernel has no netfilter netlink "
			"(CONFIG_NETFILTER_NETLINK, module nfnetlink)");
	return error_set(err, ERROR_SYSTEM, errno,
			 "cannot open a netfilter "
			 "netlink socket");
}

static bool set_send_max(struct nft_sock *sock, struct error *err)
{
	int fd = mnl_socket_get_fd(sock->nl), size = SNDBUF_DEFAULT;
	socklen_t len = sizeof(size);

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, len);
	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &len) != 0)
		return error_set(err, ERROR_SYSTEM, errno,
				 "cannot ask for the send buffer's size");
	if (size - SNDBUF_OVERHEAD < SEND_MIN)
		return error_set(err, ERROR_LIMIT, 0,
				 "a send buffer of %d bytes is too small; set "
				 "net.core.wmem_max to %d, its default",
				 size, SNDBUF_DEFAULT);
	sock->send_max = (size_t)(size - SNDBUF_OVERHEAD);
	return true;
}

bool nft_sock_open(struct nft_sock *sock, struct error *err)
{
	int yes = 1;

	memset(sock, 0, sizeof(*sock));
	sock->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!sock->nl)
		return no_socket(err);
	if (mnl_socket_bind(sock->nl, 0, MNL_SOCKET_AUTOPID) != 0) {
		no_socket(err);
		goto fail;
	}
	/* Kernels before 4.12 know neither; the answers are then longer and
	 * say less. */
	mnl_socket_setsockopt(sock->nl, NETLINK_EXT_ACK, &yes, sizeof(yes));
	mnl_socket_setsockopt(sock->nl, NETLINK_CAP_ACK, &yes, sizeof(yes));
	sock->portid = mnl_socket_get_portid(sock->nl);
	sock->seq = (uint32_t)time(NULL);
	if (!set_send_max(sock, err))
		goto fail;
	sock->recv = malloc(NFT_RECV_SIZE);
	sock->ask = malloc(NFT_ASK_SIZE);
	if (!sock->recv || !sock->ask) {
		error_set(err, ERROR_LIMIT, 0, "out of memory");
		goto fail;
	}
	return true;
fail:
	nft_sock_close(sock);
	return false;
}

void nft_sock_close(struct nft_sock *sock)
{
	if (sock->nl)
		mnl_socket_close(sock->nl);
	free(sock->recv);
	free(sock->ask);
	memset(sock, 0, sizeof(*sock));
}

struct nlmsghdr *nft_sock_question(struct nft_sock *sock, uint16_t type,
				   uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(sock->ask);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | type;
	nlh->nlmsg_flags = NLM_F_REQUEST |
			   (flags & NLM_F_DUMP ? flags : flags | NLM_F_ACK);
	nlh->nlmsg_seq = ++sock->seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = NFPROTO_INET;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

/* What the kernel says in an NLMSG_ERROR (struct nlmsgerr): its errno, and with
 * ext-ack a text and an offset into the request. */
struct refusal {
	int error;
	uint32_t seq;
	uint32_t offset;
	char said[128];
};

static void read_ext_ack(const struct nlmsghdr *nlh, struct refusal *out)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	size_t skip = sizeof(*e);
	struct nlattr *attr;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += e->msg.nlmsg_len - MNL_NLMSG_HDRLEN;
	if (skip > mnl_nlmsg_get_payload_len(nlh))
		return;
	mnl_attr_for_each (attr, nlh, skip) {
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_OFFS &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) == 0) {
			out->offset = mnl_attr_get_u32(attr);
		} else if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
			   mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0) {
			strncpy(out->said, mnl_attr_get_str(attr),
				sizeof(out->said) - 1);
		}
	}
}

/* False for a message that is too short to be one. */
static bool read_refusal(const struct nlmsghdr *nlh, struct refusal *out)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

	memset(out, 0, sizeof(*out));
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*e))
		return false;
	out->error = -e->error;
	out->seq = e->msg.nlmsg_seq;
	read_ext_ack(nlh, out);
	return true;
}

static bool send_all(struct nft_sock *sock, const void *data, size_t len,
		     struct error *err)
{
	ssize_t sent;

	do
		sent = mnl_socket_sendto(sock->nl, data, len);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return nft_explain(err, errno, NULL, 0, NULL);
	/* a datagram: all or nothing */
	assert((size_t)sent == len);
	return true;
}

/* One datagram of answers.  -1 with errno, as recv(); EMSGSIZE if it was cut. */
static ssize_t receive(struct nft_sock *sock, int flags)
{
	ssize_t got;

	do
		got = recv(mnl_socket_get_fd(sock->nl), sock->recv,
			   NFT_RECV_SIZE, flags | MSG_TRUNC);
	while (got < 0 && errno == EINTR);
	if (got > NFT_RECV_SIZE) {
		errno = EMSGSIZE;
		return -1;
	}
	return got;
}

/* An answer being read. */
struct listening {
	const struct nlmsghdr *question;
	mnl_cb_t answer; /* NULL: nobody wants the rest */
	void *ctx;
	bool done, failed, interrupted;
	struct error *err;
};

static void hear_end(struct listening *l, const struct nlmsghdr *nlh)
{
	struct refusal refusal;

	l->done = true;
	if (!read_refusal(nlh, &refusal))
		refusal.error = EPROTO;
	if (refusal.error == 0)
		return;
	l->failed = true;
	nft_explain(l->err, refusal.error, l->question, refusal.offset,
		    refusal.said[0] ? refusal.said : NULL);
}

static void hear(struct listening *l, const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_seq != l->question->nlmsg_seq)
		return;
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		l->interrupted = true;
	if (nlh->nlmsg_type == NLMSG_DONE) {
		l->done = true;
	} else if (nlh->nlmsg_type == NLMSG_ERROR) {
		hear_end(l, nlh);
	} else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && l->answer &&
		   l->answer(nlh, l->ctx) == MNL_CB_ERROR) {
		/* read on: a list has to be heard out before the next question */
		l->answer = NULL;
		l->failed = true;
	}
}

bool nft_sock_ask(struct nft_sock *sock, struct nlmsghdr *question,
		  mnl_cb_t answer, void *ctx, struct error *err)
{
	struct listening l = {
		question, answer, ctx, false, false, false, err
	};

	assert(question->nlmsg_len <= NFT_ASK_SIZE);
	if (!send_all(sock, question, question->nlmsg_len, err))
		return false;
	while (!l.done) {
		ssize_t got = receive(sock, 0);
		const struct nlmsghdr *nlh = (const void *)sock->recv;
		int left = (int)got;

		if (got < 0)
			return error_set(err, ERROR_KERNEL, errno,
					 "cannot read the answer of nf_tables");
		for (; mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left))
			hear(&l, nlh);
	}
	if (l.failed)
		return false;
	return !l.interrupted || nft_explain(err, ERESTART, question, 0, NULL);
}

/* The message of a batch that has this sequence number. */
static const struct nlmsghdr *find_message(const char *batch, size_t len,
					   uint32_t seq)
{
	const struct nlmsghdr *nlh = (const void *)batch;
	int left = (int)len;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
		if (nlh->nlmsg_seq == seq)
			return nlh;
	return NULL;
}

/* What came back for a batch. */
struct outcome {
	bool acked;     /* a message was answered with 0 */
	bool overflown; /* more errors than the socket held */
	struct refusal first;
};

static void batch_answers(const struct nft_sock *sock, int left,
			  const char *batch, size_t len, struct outcome *out)
{
	const struct nlmsghdr *nlh = (const void *)sock->recv;
	struct refusal refusal;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_type != NLMSG_ERROR ||
		    !read_refusal(nlh, &refusal) ||
		    !find_message(batch, len, refusal.seq))
			continue;
		if (refusal.error == 0)
			out->acked = true;
		else if (out->first.error == 0)
			out->first = refusal;
	}
}

bool nft_sock_batch(struct nft_sock *sock, const char *batch, size_t len,
		    struct error *err)
{
	struct outcome outcome = { 0 };
	ssize_t got;

	if (!send_all(sock, batch, len, err))
		return false;
	while ((got = receive(sock, MSG_DONTWAIT)) >= 0 || errno == ENOBUFS) {
		if (got < 0)
			outcome.overflown = true;
		else
			batch_answers(sock, (int)got, batch, len, &outcome);
	}
	if (errno != EAGAIN)
		return error_set(err, ERROR_KERNEL, errno,
				 "cannot read the answer of nf_tables");
	if (outcome.first.error != 0)
		return nft_explain(err, outcome.first.error,
				   find_message(batch, len, outcome.first.seq),
				   outcome.first.offset,
				   outcome.first.said[0] ? outcome.first.said
							 : NULL);
	if (!outcome.acked)
		return nft_explain(err, outcome.overflown ? ENOBUFS : EPROTO,
				   NULL, 0, NULL);
	return true;
}

static int generation_cb(const struct nlmsghdr *nlh, void *ctx)
{
	struct nlattr *attr;
	uint32_t *id = ctx;

	mnl_attr_for_each (attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == NFTA_GEN_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			*id = ntohl(mnl_attr_get_u32(attr));
	return MNL_CB_OK;
}

bool nft_sock_generation(struct nft_sock *sock, uint32_t *id, struct error *err)
{
	struct nlmsghdr *nlh = nft_sock_question(sock, NFT_MSG_GETGEN, 0);

	*id = 0;
	if (!nft_sock_ask(sock, nlh, generation_cb, id, err))
		return false;
	if (*id == 0)
		return error_set(err, ERROR_KERNEL, EPROTO,
				 "nf_tables gives no generation id");
	return true;
}
