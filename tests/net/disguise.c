// SPDX-License-Identifier: GPL-2.0-or-later
/* disguise QUEUE - make a Linux client's SYNs look like Windows's.
 *
 * For the demo and the tests, in the client's network namespace: SYNs on their way
 * out come through a queue and leave with their TCP options in Windows's order,
 * without timestamps, and with a TTL of 128.  The connections that follow are
 * real: a server that is offered no timestamps uses none (RFC 7323 1.3).
 *
 *   Linux    mss, sok, ts, nop, ws
 *   Windows  mss, nop, ws, nop, nop, sok
 *
 * Other packets pass as they are.  Prints "ready", and dies with its parent. */
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#define PACKET_MAX 2048
#define TTL        128

static struct mnl_socket *nl;
static uint16_t number;

/* RFC 1071 */
static uint32_t sum(const void *data, size_t len, uint32_t s)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		s += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return s;
}

static uint16_t fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return htons((uint16_t)~s);
}

#define LINUX_OPTIONS   20
#define WINDOWS_OPTIONS 12

/* Linux's options made Windows's, in place; false where they are others. */
static bool reorder(uint8_t *o, size_t len)
{
	/* values of 0 may be anything: MSS, times, scale */
	static const uint8_t linux_order[LINUX_OPTIONS] = {
		2, 4, 0, 0, 4, 2, 8, 10, [16] = 1, 3, 3, 0
	};
	uint8_t scale;

	if (len != LINUX_OPTIONS)
		return false;
	for (size_t i = 0; i < len; i++)
		if (linux_order[i] != 0 && linux_order[i] != o[i])
			return false;
	scale = o[LINUX_OPTIONS - 1];
	memcpy(o + 4, (uint8_t[]){ 1, 3, 3, scale, 1, 1, 4, 2 }, 8);
	return true;
}

/* The packet's new length; 0 where it stays as it is. */
static size_t disguise(uint8_t *packet, size_t len)
{
	struct ip6_hdr *ip6 = (void *)packet;
	struct iphdr *ip = (void *)packet;
	size_t at = ip->version == 4 ? ip->ihl * 4u : sizeof(*ip6);
	struct tcphdr *tcp = (void *)(packet + at);
	uint32_t pseudo;

	if (len < at + sizeof(*tcp) || len != at + tcp->doff * 4u ||
	    !reorder(packet + at + sizeof(*tcp), len - at - sizeof(*tcp)))
		return 0;
	len -= LINUX_OPTIONS - WINDOWS_OPTIONS;
	tcp->doff = (sizeof(*tcp) + WINDOWS_OPTIONS) / 4;
	pseudo = IPPROTO_TCP + (uint32_t)(len - at);
	if (ip->version == 4) {
		ip->tot_len = htons((uint16_t)len);
		ip->ttl = TTL;
		ip->check = 0;
		ip->check = fold(sum(ip, at, 0));
		pseudo = sum(&ip->saddr, 8, pseudo);
	} else {
		ip6->ip6_plen = htons((uint16_t)(len - at));
		ip6->ip6_hlim = TTL;
		pseudo = sum(&ip6->ip6_src, 32, pseudo);
	}
	tcp->check = 0;
	tcp->check = fold(sum(tcp, len - at, pseudo));
	return len;
}

static int on_packet(const struct nlmsghdr *header, void *data)
{
	struct nlattr *attr[NFQA_MAX + 1] = { NULL };
	struct nfqnl_msg_packet_hdr *packet;
	uint8_t copy[PACKET_MAX];
	struct nlmsghdr *verdict;
	char buf[2 * PACKET_MAX];
	size_t len;

	(void)data;
	if (nfq_nlmsg_parse(header, attr) < 0 || !attr[NFQA_PACKET_HDR] ||
	    !attr[NFQA_PAYLOAD])
		return MNL_CB_ERROR;
	packet = mnl_attr_get_payload(attr[NFQA_PACKET_HDR]);
	len = mnl_attr_get_payload_len(attr[NFQA_PAYLOAD]);
	verdict = nfq_nlmsg_put(buf, NFQNL_MSG_VERDICT, number);
	nfq_nlmsg_verdict_put(verdict, (int)ntohl(packet->packet_id),
			      NF_ACCEPT);
	if (len <= sizeof(copy)) {
		memcpy(copy, mnl_attr_get_payload(attr[NFQA_PAYLOAD]), len);
		len = disguise(copy, len);
		if (len)
			nfq_nlmsg_verdict_put_pkt(verdict, copy, (uint32_t)len);
	}
	return mnl_socket_sendto(nl, verdict, verdict->nlmsg_len) < 0
		       ? MNL_CB_ERROR
		       : MNL_CB_OK;
}

int main(int argc, char **argv)
{
	char buf[8192];
	struct nlmsghdr *header;
	ssize_t len;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc != 2) {
		fputs("usage: disguise QUEUE\n", stderr);
		return 2;
	}
	number = (uint16_t)atoi(argv[1]);
	nl = mnl_socket_open(NETLINK_NETFILTER);
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		perror("disguise");
		return 1;
	}
	header = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, number);
	nfq_nlmsg_cfg_put_cmd(header, AF_INET, NFQNL_CFG_CMD_BIND);
	nfq_nlmsg_cfg_put_params(header, NFQNL_COPY_PACKET, 0xffff);
	if (mnl_socket_sendto(nl, header, header->nlmsg_len) < 0) {
		perror("disguise");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while ((len = mnl_socket_recvfrom(nl, buf, sizeof(buf))) > 0)
		mnl_cb_run(buf, (size_t)len, 0, mnl_socket_get_portid(nl),
			   on_packet, NULL);
	return 1;
}
