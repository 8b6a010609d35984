// SPDX-License-Identifier: GPL-2.0-or-later
/* nflog_listener GROUP: what the kernel copies to an NFLOG group.  It prints
 * "ready", and when standard input ends "PACKETS LONGEST", the longest copy in
 * bytes. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>

#define BUFFER_SIZE 65536

static struct mnl_socket *nl;
static unsigned packets, longest;

static void die(const char *what)
{
	fprintf(stderr, "nflog_listener: ");
	perror(what);
	exit(3);
}

static void subscribe(unsigned group)
{
	_Alignas(struct nlmsghdr) char buf[1024];
	struct nfulnl_msg_config_cmd bind = { .command = NFULNL_CFG_CMD_BIND };
	struct nfulnl_msg_config_mode mode = { .copy_range = htonl(0xffff),
					       .copy_mode =
						       NFULNL_COPY_PACKET };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;
	ssize_t got;

	nlh->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_UNSPEC;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons((uint16_t)group);
	mnl_attr_put(nlh, NFULA_CFG_CMD, sizeof(bind), &bind);
	mnl_attr_put(nlh, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(nlh, NFULA_CFG_QTHRESH, htonl(1)); /* at once */
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		die("subscribe");
	got = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	if (got < 0 || mnl_cb_run(buf, (size_t)got, 0, 0, NULL, NULL) < 0)
		die("subscribe");
}

static int packet(const struct nlmsghdr *nlh, void *ctx)
{
	struct nlattr *attr;

	(void)ctx;
	packets++;
	mnl_attr_for_each (attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == NFULA_PAYLOAD &&
		    mnl_attr_get_payload_len(attr) > longest)
			longest = mnl_attr_get_payload_len(attr);
	return MNL_CB_OK;
}

int main(int argc, char **argv)
{
	static _Alignas(struct nlmsghdr) char buf[BUFFER_SIZE];
	struct pollfd fds[2] = { { .events = POLLIN },
				 { .fd = STDIN_FILENO,
				   .events = POLLIN | POLLHUP } };
	ssize_t got;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc != 2) {
		fputs("usage: nflog_listener GROUP\n", stderr);
		return 2;
	}
	nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) != 0)
		die("netlink");
	subscribe((unsigned)strtoul(argv[1], NULL, 0));
	fds[0].fd = mnl_socket_get_fd(nl);
	puts("ready");
	fflush(stdout);
	while (poll(fds, 2, -1) > 0 && !(fds[1].revents && !fds[0].revents)) {
		if (!fds[0].revents)
			continue;
		got = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (got < 0 ||
		    mnl_cb_run(buf, (size_t)got, 0, 0, packet, NULL) < 0)
			die("receive");
	}
	printf("%u %u\n", packets, longest);
	return 0;
}
