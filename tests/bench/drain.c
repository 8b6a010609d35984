// SPDX-License-Identifier: GPL-2.0-or-later
/* drain PID QUEUE: how fast a listener works a full queue off.
 *
 * PID, which listens to netfilter's QUEUE of this namespace, is stopped, and
 * packets wait.  It is continued, and the kernel's list of queues is read until
 * none waits any more: "PACKETS NANOSECONDS".  So the listener's speed is seen
 * without a sender that would have to be faster, and without work that a sender
 * and it would share. */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TIMEOUT_NS 10000000000u

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Packets that wait in the queue; -1 where there is no such queue. */
static long waiting(unsigned queue)
{
	FILE *f = fopen("/proc/self/net/netfilter/nfnetlink_queue", "re");
	unsigned number, port;
	char line[256];
	long count;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%u %u %ld", &number, &port, &count) == 3 &&
		    number == queue) {
			fclose(f);
			return count;
		}
	fclose(f);
	return -1;
}

int main(int argc, char **argv)
{
	uint64_t start, t;
	unsigned queue;
	long all, left;

	if (argc != 3 || atoi(argv[1]) <= 1) {
		fputs("usage: drain PID QUEUE\n", stderr);
		return 2;
	}
	queue = (unsigned)atoi(argv[2]);
	all = waiting(queue);
	start = now_ns();
	if (all <= 0 || kill(atoi(argv[1]), SIGCONT) != 0)
		return 1;
	do {
		left = waiting(queue);
		t = now_ns();
	} while (left > 0 && t - start < TIMEOUT_NS);
	printf("%ld %llu\n", all - left, (unsigned long long)(t - start));
	return left == 0 ? 0 : 1;
}
