/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_PATH_H
#define DAEMON_PATH_H

#include <stdint.h>

#include "daemon/alike.h"
#include "daemon/counters.h"
#include "daemon/hosts.h"
#include "daemon/journal.h"
#include "daemon/queue.h"
#include "daemon/snapshot.h"

/* The packet path: from a queue's packet to its verdict and what is remembered of
 * it.  Allocates nothing, formats nothing, takes no lock.  The verdict goes first:
 * what is written down of a SYN touches memory that no cache holds, and would take
 * as long as all of the judging. */
struct path_judged {
	struct packet syn;
	struct judgement judged;
};

struct path {
	const struct snapshot *snapshot;
	struct hosts *hosts;       /* by address */
	struct hosts *connections; /* by address and port, recent ones */
	struct hosts *nets; /* the latest of each IPv6 /64, recent ones */
	struct counters counters;
	struct journal journal;
	uint64_t now;          /* seconds since 1970, kept by the event loop */
	struct alike alike[2]; /* IPv4, IPv6 */
	/* judged, and not written down yet */
	struct path_judged pending[QUEUE_BATCH];
	size_t pending_count;
};

/* A SYN that comes again within this time, with the same sequence number, is the
 * same attempt: it gets its verdict, but is counted and logged once.  Linux gives
 * up after 127 s (tcp_syn_retries = 6). */
#define PATH_AGAIN_S 180

/* path_renumber - the new number of each old rule by its title, HOST_RULE_GONE where it
 * is not there any more; true where any differs. */
bool path_renumber(const struct policy *from, const struct policy *to,
		   int8_t map[RULES_MAX]);

/* path_swap - go on with another snapshot.  What was counted and remembered under
 * a rule's title stays with it.  Decisions still in the journal have to be drained
 * before: they name rules by number. */
void path_swap(struct path *path, const struct snapshot *next);

/* path_judge, path_record - for queue_read(); ctx is the path.  What was judged is
 * remembered, counted and noted for the log with path_record(), in order.
 * Whatever is not judged (no SYN, unreadable, no country data) goes on unmarked: the
 * table's next chain then gives the verdict of the address. */
struct queue_answer path_judge(void *ctx, const struct queue_packet *packet);
void path_record(void *ctx);

/* path_copy - for nflog_read(): a SYN that the kernel refused by its address. */
void path_copy(void *ctx, const void *payload, size_t len);

#endif
