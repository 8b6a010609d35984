/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_QUEUE_H
#define DAEMON_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/error.h>

/* NFQUEUE: SYNs come out of the kernel, verdicts go back. */

struct queue;

struct queue_options {
	uint16_t number;
	bool fail_open; /* a full queue lets packets go on, else it drops them */
	uint32_t length; /* packets that may wait; 0: QUEUE_LENGTH */
	uint32_t rcvbuf; /* bytes; 0: enough for `length` packets */
};

#define QUEUE_LENGTH     8192
#define QUEUE_COPY_RANGE 128 /* IPv6 + TCP + 40 bytes of options, and slack */
#define QUEUE_BATCH      32  /* packets taken, and verdicts given, at a time */

struct queue_packet {
	uint32_t id;
	uint32_t mark;       /* the packet's, 0 where it has none */
	const void *payload; /* from the IP header on */
	size_t len;          /* copied bytes */
};

/* What to do with a packet.  ACCEPT means that it goes on to the next chain. */
struct queue_answer {
	bool drop;
	bool set_mark;
	uint32_t mark; /* all 32 bits of it */
};

struct queue_stats {
	uint64_t packets;
	uint64_t malformed; /* messages that are none of a queue's */
	uint64_t overruns;  /* ENOBUFS: the kernel had more than fits */
	uint64_t errors;    /* verdicts that the kernel did not take */
	uint32_t rcvbuf;    /* bytes granted */
};

/* queue_open - bind to a queue of this network namespace.  Needs CAP_NET_ADMIN.
 * ERROR_KERNEL with EBUSY (somebody else has it: the text names the process's
 * netlink port), EPERM, or what the kernel said. */
bool queue_open(struct queue **out, const struct queue_options *options,
		struct error *err);
void queue_close(struct queue *queue); /* NULL is allowed */

int queue_fd(const struct queue *queue); /* not blocking; to be polled */
const struct queue_stats *queue_stats(const struct queue *queue);

/* queue_read - answer what waits, in batches of QUEUE_BATCH, `batches` at most.
 * judge() gives each packet's verdict; `answered` is called when a batch's verdicts
 * are with the kernel, for all that need not hold them up.  Gives the number of
 * packets; fewer than asked for: the queue is empty. */
struct queue_reader {
	struct queue_answer (*judge)(void *ctx, const struct queue_packet *);
	void (*answered)(void *ctx);
	void *ctx;
};
size_t queue_read(struct queue *queue, unsigned batches,
		  const struct queue_reader *reader);

/* queue_kernel_stats - what the kernel says of a queue, by
 * /proc/net/netfilter/nfnetlink_queue, which is root's and therefore opened with
 * the queue; false where it has nothing to tell. */
struct queue_kernel_stats {
	uint64_t waiting;
	uint64_t dropped_full;   /* the queue was full, and closed on failure */
	uint64_t dropped_unsent; /* the socket's buffer was full */
};
bool queue_kernel_stats(const struct queue *queue,
			struct queue_kernel_stats *out);

/* queue_parse - one message of the kernel.  False where it is not a packet of a
 * queue, or one whose attributes are not what they should be; *out is then
 * undefined. */
bool queue_parse(const void *message, size_t len, struct queue_packet *out);

#endif
