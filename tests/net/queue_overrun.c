// SPDX-License-Identifier: GPL-2.0-or-later
/* queue_overrun: geoblockd's own queue, with a socket's buffer that is too small.
 *
 *   queue_overrun NUMBER BYTES open|closed
 *
 * Prints "ready", takes nothing off the queue until a line comes on standard input,
 * then lets all that waits go with mark 4 under 0x700 and prints
 * "PACKETS OVERRUNS UNSENT"; until standard input ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/queue.h"

static struct queue_answer judge(void *ctx, const struct queue_packet *packet)
{
	(void)ctx;
	(void)packet;
	return (struct queue_answer){ .set_mark = true, .mark = 0x400 };
}

static void answered(void *ctx)
{
	(void)ctx;
}

int main(int argc, char **argv)
{
	const struct queue_reader reader = { judge, answered, NULL };
	struct queue_kernel_stats kernel = { 0 };
	struct queue_options options = { 0 };
	struct queue *queue;
	struct error err;
	char line[16];

	if (argc != 4)
		return 2;
	options.number = (uint16_t)atoi(argv[1]);
	options.rcvbuf = (uint32_t)atoi(argv[2]);
	options.fail_open = strcmp(argv[3], "open") == 0;
	if (!queue_open(&queue, &options, &err)) {
		fprintf(stderr, "queue_overrun: %s\n", err.text);
		return 3;
	}
	for (puts("ready"); fflush(stdout) == 0;) {
		if (!fgets(line, sizeof(line), stdin))
			break;
		/* the first may bring nothing but the news of the overrun */
		queue_read(queue, 1000, &reader);
		queue_read(queue, 1000, &reader);
		queue_kernel_stats(queue, &kernel);
		printf("%llu %llu %llu\n",
		       (unsigned long long)queue_stats(queue)->packets,
		       (unsigned long long)queue_stats(queue)->overruns,
		       (unsigned long long)kernel.dropped_unsent);
	}
	queue_close(queue);
	return 0;
}
