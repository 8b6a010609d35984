// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel gathers copies for up to a second and sends several in one datagram,
 * each a netlink message of its own with the packet in NFULA_PAYLOAD. */
#include "daemon/nflog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>

#define NFLOG_READ  65536
#define NFLOG_ROUND 16  /* datagrams before others have their turn */
#define NFLOG_COPY  128 /* as the queue's */

struct nflog {
	struct mnl_socket *socket;
	struct nflog_stats stats;
	_Alignas(struct nlmsghdr) char buf[NFLOG_READ];
};

static struct nlmsghdr *config(char *buf, uint16_t group)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *about;

	header->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	header->nlmsg_seq = 1;
	about = mnl_nlmsg_put_extra_header(header, sizeof(*about));
	about->nfgen_family = AF_UNSPEC;
	about->version = NFNETLINK_V0;
	about->res_id = htons(group);
	return header;
}

/* Copies may come before the answer; at the start none of them matters. */
static bool ask(struct nflog *nflog, const struct nlmsghdr *header,
		uint16_t group, struct error *err)
{
	ssize_t len;

	if (mnl_socket_sendto(nflog->socket, header, header->nlmsg_len) < 0)
		return error_set(err, ERROR_KERNEL, errno, "NFLOG group %u",
				 group);
	for (;;) {
		const struct nlmsghdr *answer = (const void *)nflog->buf;
		const struct nlmsgerr *result =
			(const void *)(nflog->buf + NLMSG_HDRLEN);

		len = mnl_socket_recvfrom(nflog->socket, nflog->buf,
					  sizeof(nflog->buf));
		if (len < 0)
			return error_set(err, ERROR_KERNEL, errno,
					 "NFLOG group %u", group);
		if ((size_t)len < NLMSG_HDRLEN + sizeof(*result) ||
		    answer->nlmsg_type != NLMSG_ERROR)
			continue;
		if (result->error == 0)
			return true;
		return error_set(err, ERROR_KERNEL, -result->error,
				 "NFLOG group %u%s", group,
				 result->error == -EBUSY
					 ? ": another program listens to it"
					 : "");
	}
}

bool nflog_open(struct nflog **out, uint16_t group, struct error *err)
{
	struct nfulnl_msg_config_cmd bind = { .command = NFULNL_CFG_CMD_BIND };
	struct nfulnl_msg_config_mode mode = {
		.copy_range = htonl(NFLOG_COPY),
		.copy_mode = NFULNL_COPY_PACKET,
	};
	_Alignas(struct nlmsghdr) char buf[256];
	struct nflog *nflog = calloc(1, sizeof(*nflog));
	struct nlmsghdr *header;

	*out = NULL;
	if (!nflog)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	nflog->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!nflog->socket ||
	    mnl_socket_bind(nflog->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		error_set(err, ERROR_KERNEL, errno, "netlink socket");
		goto fail;
	}
	header = config(buf, group);
	mnl_attr_put(header, NFULA_CFG_CMD, sizeof(bind), &bind);
	mnl_attr_put(header, NFULA_CFG_MODE, sizeof(mode), &mode);
	if (!ask(nflog, header, group, err))
		goto fail;
	*out = nflog;
	return true;
fail:
	nflog_close(nflog);
	return false;
}

void nflog_close(struct nflog *nflog)
{
	if (!nflog)
		return;
	if (nflog->socket)
		mnl_socket_close(nflog->socket);
	free(nflog);
}

int nflog_fd(const struct nflog *nflog)
{
	return mnl_socket_get_fd(nflog->socket);
}

const struct nflog_stats *nflog_stats(const struct nflog *nflog)
{
	return &nflog->stats;
}

static int on_attr(const struct nlattr *attr, void *data)
{
	const struct nlattr **payload = data;

	if (mnl_attr_get_type(attr) == NFULA_PAYLOAD)
		*payload = attr;
	return MNL_CB_OK;
}

bool nflog_parse(const void *data, size_t size,
		 void (*copy)(void *ctx, const void *payload, size_t len),
		 void *ctx)
{
	const struct nlmsghdr *header = data;
	int len = (int)size;

	/* mnl_nlmsg_ok() takes a length beyond INT_MAX for a negative one */
	for (; mnl_nlmsg_ok(header, len) && header->nlmsg_len <= (size_t)len;
	     header = mnl_nlmsg_next(header, &len)) {
		const struct nlattr *payload = NULL;

		/* the end of those that came together */
		if (header->nlmsg_type == NLMSG_DONE)
			return true;
		if (header->nlmsg_type !=
			    (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET) ||
		    mnl_nlmsg_get_payload_len(header) <
			    sizeof(struct nfgenmsg) ||
		    mnl_attr_parse(header, sizeof(struct nfgenmsg), on_attr,
				   &payload) < MNL_CB_OK)
			return false;
		if (payload)
			copy(ctx, mnl_attr_get_payload(payload),
			     mnl_attr_get_payload_len(payload));
	}
	return len <= 0;
}

struct counted {
	struct nflog *nflog;
	void (*copy)(void *ctx, const void *payload, size_t len);
	void *ctx;
};

static void on_copy(void *ctx, const void *payload, size_t len)
{
	struct counted *counted = ctx;

	counted->nflog->stats.packets++;
	counted->copy(counted->ctx, payload, len);
}

void nflog_read(struct nflog *nflog,
		void (*copy)(void *ctx, const void *payload, size_t len),
		void *ctx)
{
	struct counted counted = { nflog, copy, ctx };

	for (int i = 0; i < NFLOG_ROUND; i++) {
		ssize_t len = recv(nflog_fd(nflog), nflog->buf,
				   sizeof(nflog->buf), MSG_DONTWAIT);

		if (len < 0 && errno == ENOBUFS) {
			nflog->stats.overruns++;
			continue;
		}
		if (len <= 0)
			return;
		if (!nflog_parse(nflog->buf, (size_t)len, on_copy, &counted))
			nflog->stats.malformed++;
	}
}
