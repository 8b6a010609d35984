// SPDX-License-Identifier: GPL-2.0-or-later
/* delay: how long a SYN takes to its answer.
 *
 *   delay IFNAME DSTMAC SRC DST PORT COUNT PAUSE_US
 *
 * One SYN after another leaves on a packet socket, as Linux builds them; the answer
 * (RST of a closed port, or SYN and ACK) is waited for without sleeping, so that
 * this end adds no wake-up of its own.  Prints "median p99 count" of the answered
 * ones, in nanoseconds.  IPv4; only on a veth pair. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "tests/net/veth.h"

#define COUNT_MAX  100000
#define TIMEOUT_NS 100000000u
#define FIRST_PORT 20000

struct frame {
	struct ether_header ether;
	struct iphdr ip;
	struct tcphdr tcp;
	uint8_t options[20];
} __attribute__((packed));

static uint64_t took[COUNT_MAX];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* RFC 1071 */
static uint16_t checksum(const void *data, size_t len, uint32_t s)
{
	const uint8_t *p = data;

	for (size_t i = 0; i + 1 < len; i += 2)
		s += (uint32_t)p[i] << 8 | p[i + 1];
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return htons((uint16_t)~s);
}

static void build(struct frame *f, struct in_addr src, struct in_addr dst,
		  uint16_t port)
{
	/* mss 1460, sok, ts, nop, ws 7 */
	static const uint8_t options[20] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 1,
					     2, 3, 0, 0,    0, 0, 1, 3,  3, 7 };

	f->ether.ether_type = htons(ETHERTYPE_IP);
	f->ip.version = 4;
	f->ip.ihl = 5;
	f->ip.tot_len = htons(sizeof(*f) - sizeof(f->ether));
	f->ip.id = htons(1);
	f->ip.frag_off = htons(IP_DF);
	f->ip.ttl = 57;
	f->ip.protocol = IPPROTO_TCP;
	f->ip.saddr = src.s_addr;
	f->ip.daddr = dst.s_addr;
	f->ip.check = checksum(&f->ip, sizeof(f->ip), 0);
	f->tcp.dest = htons(port);
	f->tcp.syn = 1;
	f->tcp.doff = 10;
	f->tcp.window = htons(64240);
	memcpy(f->options, options, sizeof(options));
}

static void address(struct frame *f, uint16_t sport)
{
	size_t len = sizeof(f->tcp) + sizeof(f->options);
	uint32_t pseudo = IPPROTO_TCP + (uint32_t)len;
	const uint8_t *p = (const uint8_t *)&f->ip.saddr;

	for (size_t i = 0; i < 8; i += 2)
		pseudo += (uint32_t)p[i] << 8 | p[i + 1];
	f->tcp.source = htons(sport);
	f->tcp.seq = htonl(now_ns() & UINT32_MAX);
	f->tcp.check = 0;
	f->tcp.check = checksum(&f->tcp, len, pseudo);
}

static bool is_answer(const struct frame *got, ssize_t len, uint16_t sport)
{
	return len >= (ssize_t)(sizeof(*got) - sizeof(got->options)) &&
	       got->ether.ether_type == htons(ETHERTYPE_IP) &&
	       got->ip.protocol == IPPROTO_TCP && got->ip.ihl == 5 &&
	       got->tcp.dest == htons(sport) && got->tcp.ack;
}

/* Nanoseconds to the answer; 0 where none came. */
static uint64_t once(int fd, const struct frame *f, uint16_t sport)
{
	uint64_t start = now_ns(), t;
	struct frame got;

	if (send(fd, f, sizeof(*f), 0) < 0)
		return 0;
	do {
		ssize_t len = recv(fd, &got, sizeof(got), MSG_DONTWAIT);

		t = now_ns();
		if (is_answer(&got, len, sport))
			return t - start;
	} while (t - start < TIMEOUT_NS);
	return 0;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	struct in_addr src, dst;
	struct frame f = { 0 };
	size_t count, good = 0;
	uint8_t *to = f.ether.ether_dhost;
	long pause_us;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc != 8 ||
	    sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &to[0], &to[1],
		   &to[2], &to[3], &to[4], &to[5]) != 6 ||
	    inet_pton(AF_INET, argv[3], &src) != 1 ||
	    inet_pton(AF_INET, argv[4], &dst) != 1) {
		fputs("usage: delay IFNAME DSTMAC SRC DST PORT COUNT "
		      "PAUSE_US\n",
		      stderr);
		return 2;
	}
	count = strtoul(argv[6], NULL, 10);
	pause_us = strtol(argv[7], NULL, 10);
	if (count > COUNT_MAX || pause_us < 0 || pause_us > 100000)
		return 2;
	fd = veth_open_for(argv[1], f.ether.ether_shost, ETH_P_IP);
	if (fd < 0) {
		fprintf(stderr, "delay: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	build(&f, src, dst, (uint16_t)atoi(argv[5]));
	for (size_t i = 0; i < count; i++) {
		uint16_t sport = (uint16_t)(FIRST_PORT + i % 40000);

		address(&f, sport);
		took[good] = once(fd, &f, sport);
		good += took[good] != 0;
		nanosleep(&(struct timespec){ 0, pause_us * 1000 }, NULL);
	}
	qsort(took, good, sizeof(*took), by_size);
	if (good == 0)
		return 1;
	printf("%llu %llu %zu\n", (unsigned long long)took[good / 2],
	       (unsigned long long)took[good * 99 / 100], good);
	return 0;
}
