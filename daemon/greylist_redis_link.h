/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_GREYLIST_REDIS_LINK_H
#define DAEMON_GREYLIST_REDIS_LINK_H

#include "daemon/greylist_impl.h"
#include "daemon/greylist_redis_line.h"

/* A connection to Redis that comes back by itself. */

struct redis_link;

struct redis_link_events {
	void (*up)(void *ctx);
	void (*down)(void *ctx); /* after all answers that were owed */
	void *ctx;
};

/* redis_link_open - connects from the loop. */
bool redis_link_open(struct redis_link **out, const struct conf_greylist *conf,
		     struct ev_loop *loop,
		     const struct redis_link_events *events, struct error *err);
/* redis_link_close - NULL for every answer that is owed, then nothing more. */
void redis_link_close(struct redis_link *link);

bool redis_link_is_up(const struct redis_link *link);
const char *
redis_link_name(const struct redis_link *link); /* no password in it */

/* redis_link_send - as redis_line_send(), with the events' ctx. */
bool redis_link_send(struct redis_link *link, redis_answer *answer, void *arg,
		     int argc, const char **argv, const size_t *lengths);

/* redis_link_drop - hang up, and say why once; it is tried again, later each time. */
void redis_link_drop(struct redis_link *link, const char *why);

/* redis_link_good - an answer made sense: a later failure is news, and no continuation
 * of the last one. */
void redis_link_good(struct redis_link *link);

#endif
