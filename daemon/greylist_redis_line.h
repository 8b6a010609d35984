/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_GREYLIST_REDIS_LINE_H
#define DAEMON_GREYLIST_REDIS_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include <ev.h>
#include <hiredis/hiredis.h>

/* Commands on a connection to Redis, and the answers to them, in order.
 *
 * A server is not trusted with more than answers: what is longer than any answer of
 * ours, or is none, or comes unasked, ends the connection. */

/* What a command was answered; NULL: the connection was lost.  ctx is the line's. */
typedef void redis_answer(void *ctx, void *arg, const redisReply *reply);

struct redis_waiter;

struct redis_line {
	struct ev_loop *loop;
	void *ctx; /* of answers */
	/* it is of no use any more: redis_line_down() is to be called */
	void (*failed)(void *owner, const char *why);
	void *owner;
	/* its own */
	int fd; /* -1: down */
	ev_io io;
	ev_timer timer; /* for an answer */
	redisReader *reader;
	size_t unanswered; /* bytes since the last whole answer */
	char *output;
	size_t output_len, output_room;
	struct redis_waiter *first, **last;
};

/* redis_line_init - down; redis_line_clear() frees what it holds.  loop to owner are set
 * by the caller. */
void redis_line_init(struct redis_line *line);
void redis_line_clear(struct redis_line *line);

/* redis_line_up - go on with this connection, which is the line's from then on.  False:
 * out of memory; it is closed. */
bool redis_line_up(struct redis_line *line, int fd);

/* redis_line_down - hang up; NULL for every answer that is owed. */
void redis_line_down(struct redis_line *line);

/* redis_line_send - a command; answer is called once, and not from within.  False (and
 * answer is not called): it is down, or too much waits to be sent. */
bool redis_line_send(struct redis_line *line, redis_answer *answer, void *arg,
		     int argc, const char **argv, const size_t *lengths);

/* redis_line_reader - hiredis's parser, bounded: an array of more than
 * REDIS_ELEMENTS_MAX is an error.  For the line and its fuzz target. */
#define REDIS_ELEMENTS_MAX 8
redisReader *redis_line_reader(void);

#endif
