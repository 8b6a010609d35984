/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_PACKETS_H
#define DAEMON_PACKETS_H

struct daemon;

/* The packets' part of geoblockd: the queues, the copies of what the kernel refused,
 * and the memory of both. */

/* packets_open - fatal() where it cannot be.  Before rights are dropped. */
void packets_open(struct daemon *daemon);

/* packets_close - what waits in the queues gets its verdict; the kernel would drop
 * it. */
void packets_close(struct daemon *daemon);

/* packets_start - serve them in the loop. */
void packets_start(struct daemon *daemon);

/* packets_first - serve now what waits in the queues; ctx is the daemon.  To be called
 * between two mail programs' turns: a round of the loop may have hundreds of them, and
 * packets wait for none. */
void packets_first(void *ctx);

/* packets_second - to be called each second: the path's clock, and what there is to
 * say of senders that look alike and of country data that is old.  ctx is the daemon. */
void packets_second(void *ctx);

#endif
