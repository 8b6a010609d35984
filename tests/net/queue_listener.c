// SPDX-License-Identifier: GPL-2.0-or-later
/* queue_listener: the barest answerer of a netfilter queue, for the tests of the
 * kernel side and as the loop that others are measured against.
 *
 *   queue_listener accept|drop|mark=N|hold FIRST [LAST [LENGTH]]
 *
 * One socket for the queues FIRST to LAST of LENGTH packets each, with fail-open
 * asked for; one verdict a packet.  mark=N accepts and sets N in the packet's mark
 * beside what is set already; hold never answers.  It prints "ready", and when
 * standard input ends a line "QUEUE PACKETS" for each queue. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>

#define QUEUES_MAX     64
#define SNAPLEN        128
#define BUFFER_SIZE    8192
#define RECV_BUFFER    (8 << 20)
#define DEFAULT_LENGTH 1024

static struct {
	struct mnl_socket *nl;
	unsigned first, last, length;
	int verdict;
	bool hold;
	uint32_t mark;
	unsigned long long seen[QUEUES_MAX];
} self;

static void die(const char *what)
{
	fprintf(stderr, "queue_listener: %s: %s\n", what, strerror(errno));
	exit(3);
}

/* Send a configuration message; the kernel's answer is 0 or an errno. */
static void configure(struct nlmsghdr *nlh, const char *what)
{
	char answer[BUFFER_SIZE];
	ssize_t got;

	nlh->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(self.nl, nlh, nlh->nlmsg_len) < 0)
		die(what);
	got = mnl_socket_recvfrom(self.nl, answer, sizeof(answer));
	if (got < 0 ||
	    mnl_cb_run(answer, (size_t)got, 0, mnl_socket_get_portid(self.nl),
		       NULL, NULL) < 0)
		die(what);
}

static void bind_queue(unsigned number)
{
	char buf[BUFFER_SIZE];
	uint32_t flags = NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO;
	struct nlmsghdr *nlh;

	nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, number);
	nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	configure(nlh, "bind");
	nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, number);
	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, SNAPLEN);
	nfq_nlmsg_cfg_put_qmaxlen(nlh, self.length);
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(flags));
	configure(nlh, "parameters");
}

static void answer(unsigned queue, uint32_t id, uint32_t mark)
{
	char buf[256];
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_VERDICT, queue);

	nfq_nlmsg_verdict_put(nlh, (int)id, self.verdict);
	if (self.mark)
		nfq_nlmsg_verdict_put_mark(nlh, mark | self.mark);
	if (mnl_socket_sendto(self.nl, nlh, nlh->nlmsg_len) < 0)
		die("verdict");
}

static int packet(const struct nlmsghdr *nlh, void *ctx)
{
	struct nlattr *attr[NFQA_MAX + 1] = { NULL };
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	const struct nfqnl_msg_packet_hdr *head;
	unsigned queue = ntohs(nfg->res_id);

	(void)ctx;
	if (nfq_nlmsg_parse(nlh, attr) < 0 || !attr[NFQA_PACKET_HDR])
		die("packet");
	head = mnl_attr_get_payload(attr[NFQA_PACKET_HDR]);
	self.seen[queue - self.first]++;
	if (!self.hold)
		answer(queue, ntohl(head->packet_id),
		       attr[NFQA_MARK]
			       ? ntohl(mnl_attr_get_u32(attr[NFQA_MARK]))
			       : 0);
	return MNL_CB_OK;
}

static void serve(void)
{
	static char buf[65536];
	struct pollfd fds[] = {
		{ .fd = mnl_socket_get_fd(self.nl), .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN | POLLHUP },
	};
	ssize_t got;

	while (poll(fds, 2, -1) >= 0 && !fds[1].revents) {
		got = mnl_socket_recvfrom(self.nl, buf, sizeof(buf));
		if (got < 0)
			die("receive");
		if (mnl_cb_run(buf, (size_t)got, 0, 0, packet, NULL) < 0)
			die("message");
	}
}

static bool parse_mode(const char *mode)
{
	self.verdict = NF_ACCEPT;
	if (strcmp(mode, "drop") == 0)
		self.verdict = NF_DROP;
	else if (strcmp(mode, "hold") == 0)
		self.hold = true;
	else if (strncmp(mode, "mark=", 5) == 0)
		self.mark = (uint32_t)strtoul(mode + 5, NULL, 0);
	else
		return strcmp(mode, "accept") == 0;
	return true;
}

static unsigned number(const char *text)
{
	return (unsigned)strtoul(text, NULL, 0);
}

static bool parse(int argc, char **argv)
{
	if (argc < 3 || argc > 5 || !parse_mode(argv[1]))
		return false;
	self.first = number(argv[2]);
	self.last = argc > 3 ? number(argv[3]) : self.first;
	self.length = argc > 4 ? number(argv[4]) : DEFAULT_LENGTH;
	return self.first <= self.last && self.last <= UINT16_MAX &&
	       self.last - self.first < QUEUES_MAX;
}

int main(int argc, char **argv)
{
	int yes = 1, size = RECV_BUFFER;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!parse(argc, argv)) {
		fputs("usage: queue_listener accept|drop|mark=N|hold FIRST "
		      "[LAST [LENGTH]]\n",
		      stderr);
		return 2;
	}
	self.nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!self.nl || mnl_socket_bind(self.nl, 0, MNL_SOCKET_AUTOPID) != 0)
		die("netlink");
	/* too many packets at once are lost, and that is all there is to it */
	mnl_socket_setsockopt(self.nl, NETLINK_NO_ENOBUFS, &yes, sizeof(yes));
	setsockopt(mnl_socket_get_fd(self.nl), SOL_SOCKET, SO_RCVBUFFORCE,
		   &size, sizeof(size));
	for (unsigned i = self.first; i <= self.last; i++)
		bind_queue(i);
	puts("ready");
	fflush(stdout);
	serve();
	for (unsigned i = self.first; i <= self.last; i++)
		printf("%u %llu\n", i, self.seen[i - self.first]);
	return 0;
}
