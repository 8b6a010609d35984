// SPDX-License-Identifier: GPL-2.0-or-later
/* Questions under way, and who answers them: the shared store where there is one and it
 * is there, else the local one; nobody in time, then the mail passes.
 *
 * A job is held by up to three at a time (its references): the list of those that wait
 * for an answer, the local store's thread, the shared store's connection.  So an answer
 * that comes too late finds its job, and nobody waiting for it. */
#include "greylist_impl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ev.h>

#include <geoblock/log.h>

#include "daemon/greylist_redis.h"
#include "tools/tool.h"

/* In ticks, of which there is one at most for all the time in which we ourselves were
 * not given the processor: a store is blamed for its own slowness alone. */
#define TICK_S       0.02
#define ANSWER_TICKS 12    /* in all */
#define REDIS_TICKS  8     /* of it, before the local store is asked */
#define JOBS_MAX     20000 /* that exist: a disk may hang while mail comes in */

static const char *const answers[GREYLIST_ANSWER_COUNT] = {
	"new", "early", "passed", "known", "client", "unable",
};

const char *greylist_answer_name(enum greylist_answer answer)
{
	assert(answer < GREYLIST_ANSWER_COUNT);
	return answers[answer];
}

/* ---- jobs ---- */

static void unref(struct greylist *greylist, struct greylist_job *job)
{
	if (--job->refs > 0)
		return;
	greylist->jobs--;
	free(job);
}

struct greylist_job *greylist_job_new(struct greylist *greylist,
				      enum greylist_task task)
{
	struct greylist_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	greylist->jobs++;
	job->refs = 1;
	job->task = task;
	job->conf = greylist->conf;
	return job;
}

bool greylist_job_local(struct greylist *greylist, struct greylist_job *job)
{
	if (greylist->jobs > JOBS_MAX)
		return false;
	job->refs++;
	greylist_local_submit(greylist->local, job);
	return true;
}

void greylist_job_drop(struct greylist *greylist, struct greylist_job *job)
{
	unref(greylist, job);
}

static void wait_for(struct greylist *greylist, struct greylist_job *job)
{
	job->redis_deadline = greylist->ticks + REDIS_TICKS;
	job->deadline = greylist->ticks + greylist->patience;
	job->older = greylist->newest;
	if (greylist->newest)
		greylist->newest->newer = job;
	else
		greylist->oldest = job;
	greylist->newest = job;
	if (!ev_is_active(&greylist->tick))
		ev_timer_again(greylist->loop, &greylist->tick);
}

/* The caller has a reference of his own. */
static void answer(struct greylist *greylist, struct greylist_job *job,
		   const struct greylist_result *result)
{
	greylist_done *done = job->done;

	if (!done)
		return;
	assert(job->refs > 1); /* the list's, and the caller's */
	job->refs--;
	job->done = NULL;
	if (job->older)
		job->older->newer = job->newer;
	else
		greylist->oldest = job->newer;
	if (job->newer)
		job->newer->older = job->older;
	else
		greylist->newest = job->older;
	greylist->answers[result->answer]++;
	greylist->local_answers += result->local;
	done(job->ctx, result);
}

static void answer_unable(struct greylist *greylist, struct greylist_job *job)
{
	static const struct greylist_result unable = {
		.answer = GREYLIST_UNABLE
	};

	answer(greylist, job, &unable);
}

/* ---- the local store answered ---- */

static void tell_redis(struct greylist *greylist, struct greylist_job *job)
{
	enum greylist_answer said = job->result.answer;

	if (!greylist->redis || !job->result.local ||
	    (said != GREYLIST_NEW && said != GREYLIST_PASSED))
		return;
	job->refs++;
	if (!greylist_redis_tell(greylist->redis, job))
		job->refs--;
}

static void take_finished(struct greylist *greylist)
{
	struct greylist_job *job = greylist_local_take(greylist->local), *next;

	for (; job; job = next) {
		next = job->next;
		if (job->task == GREYLIST_CHECK && job->ok) {
			answer(greylist, job, &job->result);
			tell_redis(greylist, job);
		} else {
			answer_unable(greylist, job);
		}
		if (job->task == GREYLIST_FORGET) {
			greylist->forgets--;
			greylist->forget_failed |= !job->ok;
		}
		unref(greylist, job);
	}
}

static void on_finished(struct ev_loop *loop, ev_async *async, int events)
{
	(void)loop;
	(void)events;
	take_finished(async->data);
}

/* In the thread. */
static void wake(void *ctx)
{
	struct greylist *greylist = ctx;

	ev_async_send(greylist->loop, &greylist->finished);
}

/* ---- the shared store answered ---- */

static void on_redis(void *ctx, struct greylist_job *job, bool ok)
{
	struct greylist *greylist = ctx;

	job->at_redis = false;
	if (ok) {
		struct greylist_result said = job->result;

		/* the local store is to know what the shared one said */
		job->task = GREYLIST_NOTE;
		answer(greylist, job, &said);
	} else {
		job->result = (struct greylist_result){ .local = true };
	}
	greylist_job_local(greylist, job);
	unref(greylist, job);
}

static void on_told(void *ctx, struct greylist_job *job)
{
	unref(ctx, job);
}

/* Whoever has waited longest for it has waited too long. */
static bool redis_is_late(const struct greylist *greylist)
{
	const struct greylist_job *job = greylist->oldest;

	while (job && !job->at_redis && job->redis_deadline <= greylist->ticks)
		job = job->newer;
	return job && job->at_redis && job->redis_deadline <= greylist->ticks;
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct greylist *greylist = timer->data;
	struct greylist_job *job, *next;

	(void)events;
	greylist->ticks++;
	if (greylist->redis && redis_is_late(greylist))
		greylist_redis_late(greylist->redis);
	for (job = greylist->oldest; job && job->deadline <= greylist->ticks;
	     job = next) {
		next = job->newer;
		job->refs++;
		answer_unable(greylist, job);
		unref(greylist, job);
	}
	if (!greylist->oldest)
		ev_timer_stop(loop, timer);
}

/* ---- opening ---- */

static const char *local_folder(const struct conf *conf, char *buf, size_t size)
{
	if (!conf->greylist.redis && conf->greylist.path)
		snprintf(buf, size, "%s", conf->greylist.path);
	else
		snprintf(buf, size, "%.200s/greylist", conf->state_dir);
	return buf;
}

bool greylist_prepare(const struct conf *conf, unsigned uid, unsigned gid,
		      struct error *err)
{
	char folder[256];

	return greylist_lmdb_prepare(local_folder(conf, folder, sizeof(folder)),
				     uid, gid, err);
}

static bool open_local(struct greylist *greylist, const struct conf *conf,
		       struct error *err)
{
	char folder[256], damaged[256];

	if (!greylist_lmdb_open(&greylist->lmdb,
				local_folder(conf, folder, sizeof(folder)),
				&greylist_limits_default, damaged, err))
		return false;
	if (damaged[0])
		log_err("greylist database was damaged; it is now %s, and a "
			"new one is begun",
			damaged);
	return greylist_local_open(&greylist->local, greylist->lmdb, wake,
				   greylist, err);
}

void greylist_configure(struct greylist *greylist, const struct conf *conf)
{
	greylist->conf = conf->greylist;
	greylist->conf.path = greylist->conf.host = NULL;
	greylist->conf.user = greylist->conf.password = NULL;
}

bool greylist_open(struct greylist **out, const struct conf *conf,
		   struct ev_loop *loop, struct error *err)
{
	struct greylist *greylist = calloc(1, sizeof(*greylist));

	*out = NULL;
	if (!greylist)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	greylist->loop = loop;
	greylist_configure(greylist, conf);
	ev_async_init(&greylist->finished, on_finished);
	greylist->finished.data = greylist;
	ev_async_start(loop, &greylist->finished);
	ev_unref(loop); /* alone it is no reason to go on */
	ev_init(&greylist->tick, on_tick);
	/* behind the answers: a loop that was held up finds both */
	ev_set_priority(&greylist->tick, EV_MINPRI);
	greylist->tick.repeat = TICK_S;
	greylist->patience = ANSWER_TICKS;
	greylist->tick.data = greylist;
	if (!open_local(greylist, conf, err) ||
	    (conf->greylist.redis &&
	     !greylist_redis_open(&greylist->redis, &conf->greylist, loop,
				  &(struct greylist_redis_events){
					  on_redis, on_told, greylist },
				  err))) {
		greylist_close(greylist);
		return false;
	}
	*out = greylist;
	return true;
}

static void drop(struct greylist_job *job)
{
	/* what waits for an answer is freed with the list of those */
	if (--job->refs == 0)
		free(job);
}

void greylist_close(struct greylist *greylist)
{
	struct greylist_job *job, *next;

	if (!greylist)
		return;
	greylist_redis_close(greylist->redis);
	greylist_local_close(greylist->local, drop);
	for (job = greylist->oldest; job; job = next) {
		next = job->newer;
		drop(job);
	}
	greylist_lmdb_close(greylist->lmdb);
	ev_timer_stop(greylist->loop, &greylist->tick);
	ev_ref(greylist->loop);
	ev_async_stop(greylist->loop, &greylist->finished);
	free(greylist);
}

/* ---- asking ---- */

void greylist_check(struct greylist *greylist,
		    const struct greylist_triplet *triplet, uint64_t now,
		    greylist_done *done, void *ctx)
{
	static const struct greylist_result unable = {
		.answer = GREYLIST_UNABLE
	};
	struct greylist_job *job = greylist_job_new(greylist, GREYLIST_CHECK);

	if (!job) {
		greylist->answers[GREYLIST_UNABLE]++;
		done(ctx, &unable);
		return;
	}
	job->now = now;
	job->done = done;
	job->ctx = ctx;
	job->regardless = triplet->regardless;
	greylist_client_key(&job->client, &job->conf, &triplet->client);
	greylist_triplet_key(&job->key, &job->client, triplet->sender,
			     triplet->recipient);
	greylist_text(job->sender, triplet->sender);
	greylist_text(job->recipient, triplet->recipient);
	wait_for(greylist, job);
	if (greylist->redis) {
		job->refs++;
		job->at_redis = true;
		if (greylist_redis_check(greylist->redis, job))
			return;
		job->at_redis = false;
		job->refs--;
		job->result.local = true;
	}
	/* one that nobody takes is answered when its time is over */
	greylist_job_local(greylist, job);
}
