// SPDX-License-Identifier: GPL-2.0-or-later
/* flood: SYNs from random sources, at a rate, over an interface of a test's own.
 *
 *   flood IFNAME DSTMAC DST PORT RATE SECONDS [FIRST-LAST [COUNT]]
 *
 * DST is IPv4; FIRST-LAST are the sources' bounds (IPv4; default 1.0.0.0 to
 * 223.255.255.255); COUNT ends it earlier.  The SYN looks like Linux's.  Frames go out with sendmmsg()
 * on a packet socket, 64 at a time, paced against the clock.  Prints how many were
 * sent, and in how many milliseconds.  It refuses to run where the interface is
 * not a veth pair's: this is for namespaces. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <signal.h>

#include "tests/net/veth.h"

#define BATCH     64
#define RATE_MAX  1000000
#define SECOND_NS 1000000000ull

struct frame {
	uint8_t to[6], from[6];
	uint16_t type;
	struct iphdr ip;
	struct tcphdr tcp;
	uint8_t options[20];
} __attribute__((packed));

static uint64_t rng;

static uint32_t next(void)
{
	rng ^= rng << 13; /* Marsaglia's xorshift64 */
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)(rng >> 32);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

static uint32_t sum(const void *data, size_t len, uint32_t start)
{
	const uint8_t *p = data;

	for (size_t i = 0; i + 1 < len; i += 2)
		start += (uint32_t)p[i] << 8 | p[i + 1];
	return start;
}

static uint16_t fold(uint32_t s)
{
	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	return htons((uint16_t)~s);
}

static void address(struct frame *f, uint32_t source)
{
	uint32_t pseudo;

	f->ip.saddr = htonl(source);
	f->ip.id = htons((uint16_t)next());
	f->ip.check = 0;
	f->ip.check = fold(sum(&f->ip, sizeof(f->ip), 0));
	f->tcp.source = htons((uint16_t)(1024 + next() % 60000));
	f->tcp.seq = next();
	f->tcp.check = 0;
	pseudo = sum(&f->ip.saddr, 8,
		     IPPROTO_TCP + sizeof(f->tcp) + sizeof(f->options));
	f->tcp.check =
		fold(sum(&f->tcp, sizeof(f->tcp) + sizeof(f->options), pseudo));
}

static void template(struct frame *f, const uint8_t to[6],
		     const uint8_t from[6], uint32_t dst, uint16_t port)
{
	/* mss 1460, sok, ts, nop, ws 7 */
	static const uint8_t options[20] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 1,
					     2, 3, 0, 0,    0, 0, 1, 3,  3, 7 };

	memset(f, 0, sizeof(*f));
	memcpy(f->to, to, 6);
	memcpy(f->from, from, 6);
	f->type = htons(ETHERTYPE_IP);
	f->ip.version = 4;
	f->ip.ihl = 5;
	f->ip.tot_len = htons(sizeof(*f) - 14);
	f->ip.frag_off = htons(IP_DF);
	f->ip.ttl = 57;
	f->ip.protocol = IPPROTO_TCP;
	f->ip.daddr = dst;
	f->tcp.dest = htons(port);
	f->tcp.syn = 1;
	f->tcp.doff = 10;
	f->tcp.window = htons(64240);
	memcpy(f->options, options, sizeof(options));
}

static int die(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	return 1;
}

static uint64_t run(int fd, struct frame *frames, uint64_t rate,
		    uint64_t seconds, uint64_t most, uint32_t first,
		    uint32_t last)
{
	struct mmsghdr messages[BATCH] = { 0 };
	struct iovec parts[BATCH];
	uint64_t start = now(), sent = 0;
	uint64_t end = start + seconds * SECOND_NS, t;

	for (int i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){ &frames[i], sizeof(frames[i]) };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while (sent < most && (t = now()) < end) {
		int count;

		if (sent * SECOND_NS > (t - start) * rate) {
			struct timespec pause = { 0, 50000 };

			nanosleep(&pause, NULL);
			continue;
		}
		for (int i = 0; i < BATCH; i++)
			address(&frames[i],
				first + (uint32_t)((uint64_t)next() *
							   (last - first +
							    1ull) >>
						   32));
		count = sendmmsg(fd, messages, BATCH, 0);
		if (count > 0)
			sent += (uint64_t)count;
	}
	return sent;
}

int main(int argc, char **argv)
{
	uint32_t first = 0x01000000, last = 0xdfffffff;
	static struct frame frames[BATCH];
	char low[32], high[32];
	struct in_addr dst, a, b;
	uint8_t to[6], from[6];
	uint64_t rate, seconds, most = UINT64_MAX, start, sent;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc < 7 ||
	    sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &to[0], &to[1],
		   &to[2], &to[3], &to[4], &to[5]) != 6 ||
	    inet_pton(AF_INET, argv[3], &dst) != 1) {
		fputs("usage: flood IFNAME DSTMAC DST PORT RATE SECONDS "
		      "[FIRST-LAST [COUNT]]\n",
		      stderr);
		return 2;
	}
	if (argc > 7 &&
	    sscanf(argv[7], "%31[0-9.]-%31[0-9.]", low, high) == 2 &&
	    inet_pton(AF_INET, low, &a) == 1 &&
	    inet_pton(AF_INET, high, &b) == 1) {
		first = ntohl(a.s_addr);
		last = ntohl(b.s_addr);
	}
	if (argc > 8 && strtoull(argv[8], NULL, 10) > 0)
		most = strtoull(argv[8], NULL, 10);
	rate = strtoull(argv[5], NULL, 10);
	seconds = strtoull(argv[6], NULL, 10);
	if (rate == 0 || rate > RATE_MAX || seconds > 60 || last < first)
		return 2;
	fd = veth_open(argv[1], from);
	if (fd < 0)
		return die(argv[1]);
	rng = now() | 1;
	for (int i = 0; i < BATCH; i++)
		template(&frames[i], to, from, dst.s_addr,
			 (uint16_t)atoi(argv[4]));
	start = now();
	sent = run(fd, frames, rate, seconds, most, first, last);
	printf("%llu %llu\n", (unsigned long long)sent,
	       (unsigned long long)((now() - start) / 1000000));
	return 0;
}
