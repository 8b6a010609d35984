// SPDX-License-Identifier: GPL-2.0-or-later
/* The queue's socket.  A wake-up takes up to QUEUE_BATCH messages with one
 * recvmmsg(), judges each, and sends all verdicts, one message for each packet, in
 * one sendto(): netlink takes several messages at a time (netlink(7)).
 *
 *	nlmsghdr  NFQNL_MSG_VERDICT     16
 *	nfgenmsg  queue number           4
 *	NFQA_VERDICT_HDR  verdict, id   12
 *	NFQA_MARK                        8   left out where the mark stays
 *
 * NFQNL_MSG_VERDICT_BATCH would be shorter but answers everything up to an id
 * alike.  A packet that could not be read has an id all the same, and is let go:
 * without a verdict it would hold its place in the queue for ever. */
#include "daemon/queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#define MESSAGE_MAX 1024 /* a packet's message is about 250 bytes */
#define PROC_MAX    8192 /* of /proc's list, one line a queue */
#define PACKET_COST 1280 /* of the receive buffer, with the skb around it */

struct verdict_message {
	struct nlmsghdr header;
	struct nfgenmsg about;
	struct nlattr verdict_attr;
	struct nfqnl_msg_verdict_hdr verdict;
	struct nlattr mark_attr;
	uint32_t mark;
};

_Static_assert(sizeof(struct verdict_message) == 40, "no holes");

struct queue {
	struct mnl_socket *socket;
	int fd;
	int proc; /* nfnetlink_queue of /proc; -1 where it cannot be read */
	uint16_t number;
	struct queue_stats stats;
	size_t answer_len;
	struct mmsghdr messages[QUEUE_BATCH];
	struct iovec parts[QUEUE_BATCH];
	struct sockaddr_nl from[QUEUE_BATCH];
	char answers[QUEUE_BATCH * sizeof(struct verdict_message)];
	char buffers[QUEUE_BATCH][MESSAGE_MAX];
};

static void add_answer(struct queue *queue, uint32_t id,
		       const struct queue_answer *answer);
static void send_answers(struct queue *queue);

/* ---- what /proc says -------------------------------------------------------- */

/* A line of the list: queue, port, waiting, mode, range, dropped, dropped unsent,
 * id, 1 (nfqnl's seq_show in the kernel). */
enum {
	PROC_NUMBER,
	PROC_PORT,
	PROC_WAITING,
	PROC_FULL = 5,
	PROC_UNSENT,
	PROC_FIELDS
};

static bool numbers(const char *line, unsigned long long out[PROC_FIELDS])
{
	for (int i = 0; i < PROC_FIELDS; i++) {
		char *end;

		out[i] = strtoull(line, &end, 10);
		if (end == line)
			return false;
		line = end;
	}
	return true;
}

/* The queue's own line; false where nobody listens to it. */
static bool find_line(const struct queue *queue,
		      unsigned long long field[PROC_FIELDS])
{
	char text[PROC_MAX], *line, *rest = text;
	ssize_t len = pread(queue->proc, text, sizeof(text) - 1, 0);

	if (len <= 0)
		return false;
	text[len] = '\0';
	while ((line = strsep(&rest, "\n")))
		if (numbers(line, field) && field[PROC_NUMBER] == queue->number)
			return true;
	return false;
}

bool queue_kernel_stats(const struct queue *queue,
			struct queue_kernel_stats *out)
{
	unsigned long long field[PROC_FIELDS];

	if (!find_line(queue, field))
		return false;
	out->waiting = field[PROC_WAITING];
	out->dropped_full = field[PROC_FULL];
	out->dropped_unsent = field[PROC_UNSENT];
	return true;
}

/* ---- start ------------------------------------------------------------- */

#define CONFIG_MAX 8192

/* A packet that comes before the answer to a question is let go. */
static void pass(struct queue *queue, const void *message, size_t len)
{
	const struct queue_answer go = { .drop = false };
	struct queue_packet packet;

	if (!queue_parse(message, len, &packet))
		return;
	add_answer(queue, packet.id, &go);
	send_answers(queue);
}

/* Somebody else's queue is EPERM to the kernel, as a missing right is. */
static bool refused(const struct queue *queue, int code, struct error *err)
{
	unsigned long long field[PROC_FIELDS];

	if ((code == EPERM || code == EBUSY) && find_line(queue, field))
		return error_set(
			err, ERROR_KERNEL, EBUSY,
			"queue %u: another program listens to it "
			"(netlink port %llu, mostly its process); give "
			"one of them another queue",
			queue->number, field[PROC_PORT]);
	if (code == EPERM)
		return error_set(err, ERROR_KERNEL, EPERM,
				 "queue %u: CAP_NET_ADMIN is needed",
				 queue->number);
	return error_set(err, ERROR_KERNEL, code, "queue %u", queue->number);
}

/* Send a configuration message and read the kernel's answer. */
static bool ask(struct queue *queue, struct nlmsghdr *header, struct error *err)
{
	char answer[CONFIG_MAX];
	const struct nlmsgerr *result = (const void *)(answer + NLMSG_HDRLEN);
	const struct nlmsghdr *about = (const void *)answer;
	ssize_t len;

	header->nlmsg_flags |= NLM_F_ACK;
	header->nlmsg_seq = 1;
	if (mnl_socket_sendto(queue->socket, header, header->nlmsg_len) < 0)
		return error_set(err, ERROR_KERNEL, errno, "queue %u",
				 queue->number);
	for (;;) {
		len = mnl_socket_recvfrom(queue->socket, answer,
					  sizeof(answer));
		if (len < 0)
			return error_set(err, ERROR_KERNEL, errno, "queue %u",
					 queue->number);
		if ((size_t)len >= NLMSG_HDRLEN + sizeof(*result) &&
		    about->nlmsg_type == NLMSG_ERROR && about->nlmsg_seq == 1)
			break;
		pass(queue, answer, (size_t)len);
	}
	if (result->error == 0)
		return true;
	return refused(queue, -result->error, err);
}

/* Bound and configured with one message: between two of them the queue would be
 * there, but not know what to copy, and lose packets. */
static bool configure(struct queue *queue, const struct queue_options *options,
		      uint32_t length, struct error *err)
{
	uint32_t known = NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN;
	uint32_t flags = NFQA_CFG_F_GSO;
	struct nlmsghdr *header;
	char buf[CONFIG_MAX];

	if (options->fail_open)
		flags |= NFQA_CFG_F_FAIL_OPEN;
	header = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, queue->number);
	nfq_nlmsg_cfg_put_cmd(header, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	nfq_nlmsg_cfg_put_params(header, NFQNL_COPY_PACKET, QUEUE_COPY_RANGE);
	nfq_nlmsg_cfg_put_qmaxlen(header, length);
	mnl_attr_put_u32(header, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(header, NFQA_CFG_MASK, htonl(known));
	return ask(queue, header, err);
}

/* Room for `length` packets: by right, else as much as sysctl allows. */
static void size_buffer(struct queue *queue, uint32_t bytes)
{
	int wanted = bytes < INT32_MAX / 2 ? (int)bytes : INT32_MAX / 2;
	int got = 0;
	socklen_t size = sizeof(got);

	if (setsockopt(queue->fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted,
		       sizeof(wanted)) != 0)
		setsockopt(queue->fd, SOL_SOCKET, SO_RCVBUF, &wanted,
			   sizeof(wanted));
	getsockopt(queue->fd, SOL_SOCKET, SO_RCVBUF, &got, &size);
	queue->stats.rcvbuf = (uint32_t)got / 2; /* socket(7): it is doubled */
}

static void prepare(struct queue *queue)
{
	for (size_t i = 0; i < QUEUE_BATCH; i++) {
		queue->parts[i].iov_base = queue->buffers[i];
		queue->parts[i].iov_len = MESSAGE_MAX;
		queue->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &queue->from[i],
			.msg_namelen = sizeof(queue->from[i]),
			.msg_iov = &queue->parts[i],
			.msg_iovlen = 1,
		};
	}
}

bool queue_open(struct queue **out, const struct queue_options *options,
		struct error *err)
{
	uint32_t length = options->length ? options->length : QUEUE_LENGTH;
	struct queue *queue = calloc(1, sizeof(*queue));

	*out = NULL;
	if (!queue)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	queue->number = options->number;
	queue->proc = open("/proc/self/net/netfilter/nfnetlink_queue",
			   O_RDONLY | O_CLOEXEC);
	queue->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!queue->socket ||
	    mnl_socket_bind(queue->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		error_set(err, ERROR_KERNEL, errno, "netlink socket");
		queue_close(queue);
		return false;
	}
	queue->fd = mnl_socket_get_fd(queue->socket);
	if (!configure(queue, options, length, err)) {
		queue_close(queue);
		return false;
	}
	size_buffer(queue,
		    options->rcvbuf ? options->rcvbuf : length * PACKET_COST);
	prepare(queue);
	*out = queue;
	return true;
}

void queue_close(struct queue *queue)
{
	if (!queue)
		return;
	if (queue->socket)
		mnl_socket_close(queue->socket);
	if (queue->proc >= 0)
		close(queue->proc);
	free(queue);
}

int queue_fd(const struct queue *queue)
{
	return queue->fd;
}

const struct queue_stats *queue_stats(const struct queue *queue)
{
	return &queue->stats;
}

/* ---- the packet path --------------------------------------------------- */

/* Attributes by type, as far as their sizes are right; the rest stay NULL. */
static int on_attr(const struct nlattr *attr, void *data)
{
	const struct nlattr **found = data;
	uint16_t type = mnl_attr_get_type(attr);
	size_t size = mnl_attr_get_payload_len(attr);

	switch (type) {
	case NFQA_PACKET_HDR:
		if (size < sizeof(struct nfqnl_msg_packet_hdr))
			return MNL_CB_ERROR;
		break;
	case NFQA_MARK:
		if (size != sizeof(uint32_t))
			return MNL_CB_ERROR;
		break;
	case NFQA_PAYLOAD:
		break;
	default:
		return MNL_CB_OK;
	}
	found[type] = attr;
	return MNL_CB_OK;
}

bool queue_parse(const void *message, size_t len, struct queue_packet *out)
{
	const struct nlattr *attr[NFQA_MAX + 1] = { NULL };
	const struct nlmsghdr *header = message;
	const struct nfqnl_msg_packet_hdr *packet;
	struct nfqnl_msg_packet_hdr copy;

	/* mnl_nlmsg_ok() takes a length beyond INT_MAX for a negative one */
	if (len < sizeof(*header) || !mnl_nlmsg_ok(header, (int)len) ||
	    header->nlmsg_len > len ||
	    header->nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET) ||
	    mnl_nlmsg_get_payload_len(header) < sizeof(struct nfgenmsg))
		return false;
	if (mnl_attr_parse(header, sizeof(struct nfgenmsg), on_attr, attr) <=
		    MNL_CB_ERROR ||
	    !attr[NFQA_PACKET_HDR])
		return false;
	packet = mnl_attr_get_payload(attr[NFQA_PACKET_HDR]);
	memcpy(&copy, packet, sizeof(copy));
	out->id = ntohl(copy.packet_id);
	out->mark =
		attr[NFQA_MARK] ? ntohl(mnl_attr_get_u32(attr[NFQA_MARK])) : 0;
	out->payload = NULL;
	out->len = 0;
	if (attr[NFQA_PAYLOAD]) {
		out->payload = mnl_attr_get_payload(attr[NFQA_PAYLOAD]);
		out->len = mnl_attr_get_payload_len(attr[NFQA_PAYLOAD]);
	}
	return true;
}

static void add_answer(struct queue *queue, uint32_t id,
		       const struct queue_answer *answer)
{
	struct verdict_message m = {
		.header = { .nlmsg_len = sizeof(m),
			    .nlmsg_type =
				    NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_VERDICT,
			    .nlmsg_flags = NLM_F_REQUEST },
		.about = { .nfgen_family = AF_UNSPEC,
			   .version = NFNETLINK_V0,
			   .res_id = htons(queue->number) },
		.verdict_attr = { .nla_len = sizeof(m.verdict_attr) +
					     sizeof(m.verdict),
				  .nla_type = NFQA_VERDICT_HDR },
		.verdict = { .verdict =
				     htonl(answer->drop ? NF_DROP : NF_ACCEPT),
			     .id = htonl(id) },
		.mark_attr = { .nla_len = sizeof(m.mark_attr) + sizeof(m.mark),
			       .nla_type = NFQA_MARK },
		.mark = htonl(answer->mark),
	};

	if (!answer->set_mark)
		m.header.nlmsg_len -= sizeof(m.mark_attr) + sizeof(m.mark);
	memcpy(queue->answers + queue->answer_len, &m, m.header.nlmsg_len);
	queue->answer_len += m.header.nlmsg_len;
}

static void send_answers(struct queue *queue)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t sent;

	if (queue->answer_len == 0)
		return;
	do
		sent = sendto(queue->fd, queue->answers, queue->answer_len, 0,
			      (const struct sockaddr *)&kernel, sizeof(kernel));
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		queue->stats.errors++;
	queue->answer_len = 0;
}

/* An answer to a verdict: the kernel speaks up only where it did not take it
 * (the packet is gone, because the interface is). */
static bool is_error(const void *message, size_t len)
{
	const struct nlmsghdr *header = message;

	return len >= sizeof(*header) && header->nlmsg_type == NLMSG_ERROR;
}

static int receive(struct queue *queue)
{
	int count;

	do
		count = recvmmsg(queue->fd, queue->messages, QUEUE_BATCH,
				 MSG_DONTWAIT, NULL);
	while (count < 0 && errno == EINTR);
	if (count < 0 && errno == ENOBUFS)
		queue->stats.overruns++;
	return count;
}

static void answer_one(struct queue *queue, size_t i,
		       const struct queue_reader *reader)
{
	size_t len = queue->messages[i].msg_len;
	struct queue_answer answer;
	struct queue_packet packet;

	if (queue->from[i].nl_pid != 0 || /* another process's */
	    !queue_parse(queue->buffers[i], len, &packet)) {
		if (is_error(queue->buffers[i], len))
			queue->stats.errors++;
		else
			queue->stats.malformed++;
		return;
	}
	queue->stats.packets++;
	answer = reader->judge(reader->ctx, &packet);
	add_answer(queue, packet.id, &answer);
}

size_t queue_read(struct queue *queue, unsigned batches,
		  const struct queue_reader *reader)
{
	size_t all = 0;

	for (unsigned b = 0; b < batches; b++) {
		int count = receive(queue);

		for (int i = 0; i < count; i++)
			answer_one(queue, (size_t)i, reader);
		send_answers(queue);
		reader->answered(reader->ctx);
		if (count <= 0)
			break;
		all += (size_t)count;
		if (count < QUEUE_BATCH)
			break;
	}
	return all;
}
