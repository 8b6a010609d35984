// SPDX-License-Identifier: GPL-2.0-or-later
/* When Redis is asked, and when it is told; in which words, greylist_redis_words.c
 * says.
 *
 * While the server is away, the local database answers (greylist.c), and what it let in
 * or let pass is kept in a list.  When the server is back it is told all of it before it
 * is asked anything: the earlier first sight holds, and passed is passed.  The list has
 * an end; what does not fit, and what a restart loses, is a sender who waits once
 * more at another host. */
#include "greylist_redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <geoblock/log.h>

#include "daemon/greylist_redis_link.h"
#include "daemon/greylist_redis_words.h"

#define BEHIND_MAX  5000
#define TELL_WINDOW 50
#define SECONDS_MAX (1ll << 40)

struct greylist_redis {
	struct redis_link *link;
	struct greylist_redis_events events;
	char sha[REDIS_SHA_TEXT]; /* of the script that checks */
	bool ready;               /* it was told everything */
	bool refuses;             /* said already */
	uint64_t failures;
	/* what it has to be told; the first `telling` of it are on the way */
	struct greylist_job *behind, **behind_last;
	size_t behind_count, telling;
};

/* ---- asking ---- */

static bool take_result(const redisReply *reply, const struct greylist_job *job,
			struct greylist_result *out)
{
	long long number[3];

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (!reply->element[i] ||
		    reply->element[i]->type != REDIS_REPLY_INTEGER)
			return false;
		number[i] = reply->element[i]->integer;
	}
	if (number[0] < GREYLIST_NEW || number[0] > GREYLIST_CLIENT ||
	    number[1] < 0 || number[1] > job->conf.delay_s || number[2] < 0 ||
	    number[2] > SECONDS_MAX)
		return false;
	*out = (struct greylist_result){
		.answer = (enum greylist_answer)number[0],
		.wait_s = (uint32_t)number[1],
		.first_seen = (uint64_t)number[2],
	};
	return true;
}

/* An answer that is an error, said once until there is a good one. */
static void refused(struct greylist_redis *redis, const redisReply *reply)
{
	bool words = reply->type == REDIS_REPLY_ERROR;
	char text[161] = "an answer that is none";

	for (size_t i = 0; words && i < sizeof(text) - 1; i++) {
		char c = reply->str[i];

		text[i] = c == '\0' || (c >= 0x20 && c < 0x7f) ? c : '?';
		text[i + 1] = '\0';
		if (c == '\0')
			break;
	}
	if (!redis->refuses)
		log_warn("greylist: %s: %s; going by the local database",
			 redis_link_name(redis->link), text);
	redis->refuses = true;
	redis->failures++;
}

static void on_eval(void *ctx, void *arg, const redisReply *reply)
{
	struct greylist_redis *redis = ctx;
	struct greylist_job *job = arg;
	struct greylist_result result;

	if (reply && take_result(reply, job, &result)) {
		redis->refuses = false;
		redis_link_good(redis->link);
		job->result = result;
		redis->events.answered(redis->events.ctx, job, true);
		return;
	}
	if (reply)
		refused(redis, reply);
	redis->events.answered(redis->events.ctx, job, false);
}

static void on_check(void *ctx, void *arg, const redisReply *reply)
{
	struct greylist_redis *redis = ctx;
	struct redis_words words;

	if (reply && reply->type == REDIS_REPLY_ERROR &&
	    strncmp(reply->str, "NOSCRIPT", 8) == 0) {
		/* it was restarted; this makes it known again */
		redis_words_check(&words, NULL, arg);
		if (redis_link_send(redis->link, on_eval, arg, words.argc,
				    words.argv, words.lengths))
			return;
	}
	on_eval(ctx, arg, reply);
}

bool greylist_redis_check(struct greylist_redis *redis,
			  struct greylist_job *job)
{
	struct redis_words words;

	if (!redis->ready)
		return false;
	redis_words_check(&words, redis->sha, job);
	return redis_link_send(redis->link, on_check, job, words.argc,
			       words.argv, words.lengths);
}

void greylist_redis_late(struct greylist_redis *redis)
{
	redis_link_drop(redis->link, "does not answer in time");
}

/* ---- telling ---- */

static void on_told(void *ctx, void *arg, const redisReply *reply);

/* Send what is not on its way yet, some of it at a time. */
static void tell(struct greylist_redis *redis)
{
	struct greylist_job *job = redis->behind;
	struct redis_words words;

	for (size_t i = 0; job && i < redis->telling; i++)
		job = job->next;
	for (; job && redis->telling < TELL_WINDOW; job = job->next) {
		redis_words_tell(&words, job);
		if (!redis_link_send(redis->link, on_told, NULL, words.argc,
				     words.argv, words.lengths))
			return;
		redis->telling++;
	}
	redis->ready = redis_link_is_up(redis->link) && !redis->behind;
}

static void forget_first(struct greylist_redis *redis)
{
	struct greylist_job *job = redis->behind;

	redis->behind = job->next;
	if (!redis->behind)
		redis->behind_last = &redis->behind;
	redis->behind_count--;
	redis->events.told(redis->events.ctx, job);
}

static void on_told(void *ctx, void *arg, const redisReply *reply)
{
	struct greylist_redis *redis = ctx;

	(void)arg;
	if (!reply)
		return; /* on_down() */
	if (reply->type != REDIS_REPLY_INTEGER) {
		refused(redis, reply);
		redis_link_drop(redis->link, "takes in nothing");
		return;
	}
	redis->telling--;
	redis_link_good(redis->link);
	forget_first(redis);
	tell(redis);
}

static void on_up(void *ctx)
{
	struct greylist_redis *redis = ctx;

	redis->telling = 0;
	tell(redis);
}

static void on_down(void *ctx)
{
	struct greylist_redis *redis = ctx;

	redis->ready = false;
	redis->telling = 0;
	redis->failures++;
}

bool greylist_redis_tell(struct greylist_redis *redis, struct greylist_job *job)
{
	if (redis->behind_count == BEHIND_MAX)
		return false;
	job->next = NULL;
	*redis->behind_last = job;
	redis->behind_last = &job->next;
	redis->behind_count++;
	if (redis_link_is_up(redis->link)) {
		redis->ready = false;
		tell(redis);
	}
	return true;
}

/* ---- forgetting ---- */

/* A walk through the keys, one step after the other. */
struct sweep {
	char cursor[REDIS_NUMBER_TEXT];
	char low[REDIS_NET_TEXT], high[REDIS_NET_TEXT];
	char who[GREYLIST_TEXT_MAX];
};

static bool sweep_on(struct greylist_redis *redis, struct sweep *sweep);

static void on_sweep(void *ctx, void *arg, const redisReply *reply)
{
	struct greylist_redis *redis = ctx;
	struct sweep *sweep = arg;

	if (reply && reply->type == REDIS_REPLY_STRING &&
	    reply->len < sizeof(sweep->cursor) &&
	    strcmp(reply->str, "0") != 0) {
		memcpy(sweep->cursor, reply->str, reply->len + 1);
		if (sweep_on(redis, sweep))
			return;
	} else if (reply && reply->type != REDIS_REPLY_STRING) {
		refused(redis, reply);
	}
	if (!reply)
		log_warn("greylist: %s: lost while it was to forget; ask again",
			 redis_link_name(redis->link));
	free(sweep);
}

static bool sweep_on(struct greylist_redis *redis, struct sweep *sweep)
{
	struct redis_words words;

	redis_words_forget(&words, sweep->cursor, sweep->low, sweep->high,
			   sweep->who);
	return redis_link_send(redis->link, on_sweep, sweep, words.argc,
			       words.argv, words.lengths);
}

bool greylist_redis_forget(struct greylist_redis *redis,
			   const struct greylist_redis_pattern *pattern)
{
	struct sweep *sweep = calloc(1, sizeof(*sweep));
	const struct range *net = pattern->net;

	if (!sweep)
		return false;
	strcpy(sweep->cursor, "0");
	if (net) {
		redis_words_net(sweep->low, net->family, net->first);
		redis_words_net(sweep->high, net->family, net->last);
	} else if (pattern->text) {
		snprintf(sweep->who, sizeof(sweep->who), "%s", pattern->text);
	}
	/* what it has not been told yet would come after this */
	if (redis->ready && sweep_on(redis, sweep))
		return true;
	free(sweep);
	return false;
}

/* ---- opening ---- */

bool greylist_redis_open(struct greylist_redis **out,
			 const struct conf_greylist *conf, struct ev_loop *loop,
			 const struct greylist_redis_events *events,
			 struct error *err)
{
	struct greylist_redis *redis = calloc(1, sizeof(*redis));
	struct redis_link_events link = { on_up, on_down, redis };

	*out = NULL;
	if (!redis)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	redis_words_sha(redis->sha);
	redis->events = *events;
	redis->behind_last = &redis->behind;
	if (!redis_link_open(&redis->link, conf, loop, &link, err)) {
		free(redis);
		return false;
	}
	*out = redis;
	return true;
}

void greylist_redis_close(struct greylist_redis *redis)
{
	if (!redis)
		return;
	redis->ready = false;
	redis_link_close(redis->link);
	while (redis->behind)
		forget_first(redis);
	free(redis);
}

void greylist_redis_stats(const struct greylist_redis *redis,
			  struct greylist_redis_stats *out)
{
	out->server = redis_link_name(redis->link);
	out->up = redis->ready;
	out->failures = redis->failures;
	out->behind = redis->behind_count;
}
