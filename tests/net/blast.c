// SPDX-License-Identifier: GPL-2.0-or-later
/* blast IFNAME FILE RATE SECONDS: frames of FILE over and over, in random order.
 *
 * FILE is frames of one length after another, each behind its length (16 bits,
 * network order).  At most RATE a second, for at most SECONDS, or until it is told
 * to end (SIGTERM).  Prints how many went out in how many milliseconds. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/net/veth.h"

#define BATCH       64
#define FRAMES_MAX  65536
#define RATE_MAX    1000000
#define SECONDS_MAX 600

static struct iovec frames[FRAMES_MAX];
static size_t frame_count;
static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool read_frames(const char *path)
{
	FILE *f = fopen(path, "re");
	uint16_t length;

	if (!f)
		return false;
	while (frame_count < FRAMES_MAX && fread(&length, 2, 1, f) == 1) {
		size_t size = ntohs(length);
		void *frame = malloc(size ? size : 1);

		if (!frame || fread(frame, 1, size, f) != size)
			return false;
		frames[frame_count++] = (struct iovec){ frame, size };
	}
	fclose(f);
	return frame_count > 0;
}

static uint64_t run(int fd, uint64_t rate, uint64_t start, uint64_t end)
{
	struct mmsghdr batch[BATCH] = { 0 };
	uint64_t sent = 0, random = start | 1, t;

	while (!stop && (t = now_ns()) < end) {
		int count;

		if (sent * 1000000000u > (t - start) * rate) {
			nanosleep(&(struct timespec){ 0, 50000 }, NULL);
			continue;
		}
		for (int i = 0; i < BATCH; i++) {
			/* Knuth's MMIX generator */
			random = random * 6364136223846793005u +
				 1442695040888963407u;
			batch[i].msg_hdr.msg_iov =
				&frames[(random >> 33) % frame_count];
			batch[i].msg_hdr.msg_iovlen = 1;
		}
		count = sendmmsg(fd, batch, BATCH, 0);
		if (count > 0)
			sent += (uint64_t)count;
	}
	return sent;
}

int main(int argc, char **argv)
{
	uint64_t rate, seconds, start, sent;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, on_signal);
	if (argc != 5) {
		fputs("usage: blast IFNAME FILE RATE SECONDS\n", stderr);
		return 2;
	}
	rate = strtoull(argv[3], NULL, 10);
	seconds = strtoull(argv[4], NULL, 10);
	if (rate == 0 || rate > RATE_MAX || seconds > SECONDS_MAX)
		return 2;
	fd = read_frames(argv[2]) ? veth_open(argv[1], NULL) : -1;
	if (fd < 0) {
		fprintf(stderr, "blast: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	start = now_ns();
	sent = run(fd, rate, start, start + seconds * 1000000000u);
	printf("%llu %llu\n", (unsigned long long)sent,
	       (unsigned long long)((now_ns() - start) / 1000000));
	return 0;
}
