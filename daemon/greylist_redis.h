/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_GREYLIST_REDIS_H
#define DAEMON_GREYLIST_REDIS_H

#include "daemon/greylist_impl.h"

/* The shared store: a Redis server that several hosts ask.  What a question means is
 * decided there, in one script, so that two hosts that ask at once agree. */

struct greylist_redis;

struct greylist_redis_events {
	/* the answer to greylist_redis_check(): job->result, or not ok: ask
	 * elsewhere.  Not for jobs of which it was not true. */
	void (*answered)(void *ctx, struct greylist_job *job, bool ok);
	/* greylist_redis_tell() does not need it any more */
	void (*told)(void *ctx, struct greylist_job *job);
	void *ctx;
};

/* greylist_redis_open - looks the host's name up, and begins to connect.  A server that
 * is away is no error, nor is a name that is not found (it is not looked up again):
 * both are said. */
bool greylist_redis_open(struct greylist_redis **out,
			 const struct conf_greylist *conf, struct ev_loop *loop,
			 const struct greylist_redis_events *events,
			 struct error *err);
/* greylist_redis_close - calls answered and told for what it still holds. */
void greylist_redis_close(struct greylist_redis *redis);

/* greylist_redis_check - false: it is away, answered will not be called. */
bool greylist_redis_check(struct greylist_redis *redis,
			  struct greylist_job *job);

/* greylist_redis_late - it took too long: hang up, and come back later. */
void greylist_redis_late(struct greylist_redis *redis);

/* greylist_redis_tell - the local store has answered job: tell the server when it is
 * back.  False where there is too much to tell already. */
bool greylist_redis_tell(struct greylist_redis *redis,
			 struct greylist_job *job);

/* greylist_redis_forget - what one pattern of "forget" means: a network, or else a
 * sender or "@domain" in text (lower case), or all of it.  It goes on in the
 * background.  False: the server is away. */
struct greylist_redis_pattern {
	const struct range *net; /* or NULL */
	const char *text;        /* or NULL: all */
};
bool greylist_redis_forget(struct greylist_redis *redis,
			   const struct greylist_redis_pattern *pattern);

struct greylist_redis_stats {
	const char *server; /* without the password; belongs to redis */
	bool up;
	uint64_t failures; /* times that it went away, or refused */
	size_t behind;     /* answers to tell it */
};
void greylist_redis_stats(const struct greylist_redis *redis,
			  struct greylist_redis_stats *out);

#endif
