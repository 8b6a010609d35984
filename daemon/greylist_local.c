// SPDX-License-Identifier: GPL-2.0-or-later
/* The thread that asks the local database.  It takes all jobs that have come since it
 * last looked, answers them in one transaction, and hands them back when that is on
 * disk: the slower the disk, the bigger the batch.  Nothing of a job is touched by
 * both sides at a time.
 *
 * What goes wrong goes wrong for the batch: its jobs come back not ok, and the log
 * says so once, until it works again.  Only a full map is mended at once: what would
 * expire first goes, and the batch is asked again. */
#include "greylist_impl.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <geoblock/log.h>

#define CLEAN_A_JOB 2    /* records that are over, for each that may be new */
#define SHED        1000 /* when the map is full */
#define CALM_S      60   /* without a failure, before it "works again" */

struct queue {
	struct greylist_job *first, **last;
};

struct greylist_local {
	struct greylist_lmdb *lmdb;
	void (*finished)(void *ctx);
	void *ctx;
	pthread_t thread;
	bool failing;  /* said already; the thread's */
	time_t failed; /* for the last time, CLOCK_MONOTONIC */

	pthread_mutex_t lock; /* for the rest */
	pthread_cond_t wake;
	struct queue asked, answered;
	bool stop;
};

static void queue_init(struct queue *queue)
{
	queue->first = NULL;
	queue->last = &queue->first;
}

static void queue_add(struct queue *queue, struct greylist_job *job)
{
	job->next = NULL;
	*queue->last = job;
	queue->last = &job->next;
}

static struct greylist_job *queue_all(struct queue *queue)
{
	struct greylist_job *first = queue->first;

	queue_init(queue);
	return first;
}

/* ---- one job, in the batch's transaction ---- */

static bool client_passed(struct greylist_lmdb *lmdb,
			  const struct greylist_job *job, struct error *err)
{
	struct greylist_record client;
	bool found;

	if (job->regardless || job->conf.clients == 0)
		return true;
	if (!greylist_lmdb_get(lmdb, &job->client, &found, &client, err))
		return false;
	greylist_client_passed(&job->conf, &client, found, job->now);
	return greylist_lmdb_put(lmdb, &job->client, &client, err);
}

/* Whether the network's past answers; then *known. */
static bool ask_client(struct greylist_lmdb *lmdb,
		       const struct greylist_job *job, bool *known,
		       struct error *err)
{
	struct greylist_record client;
	bool found, changed;

	*known = false;
	if (job->regardless || job->conf.clients == 0)
		return true;
	if (!greylist_lmdb_get(lmdb, &job->client, &found, &client, err))
		return false;
	*known = found &&
		 greylist_client_known(&job->conf, &client, job->now, &changed);
	return !*known || !changed ||
	       greylist_lmdb_put(lmdb, &job->client, &client, err);
}

static void name_record(struct greylist_record *record,
			const struct greylist_job *job)
{
	memcpy(record->sender, job->sender, sizeof(record->sender));
	memcpy(record->recipient, job->recipient, sizeof(record->recipient));
}

static bool check(struct greylist_lmdb *lmdb, struct greylist_job *job,
		  struct error *err)
{
	struct greylist_record record = { 0 };
	struct greylist_result result = { .answer = GREYLIST_CLIENT };
	bool known;

	if (!ask_client(lmdb, job, &known, err))
		return false;
	if (!known) {
		if (!greylist_lmdb_get(lmdb, &job->key, &known, &record, err))
			return false;
		if (greylist_step(&job->conf, &record, known, job->now,
				  &result)) {
			name_record(&record, job);
			if (!greylist_lmdb_put(lmdb, &job->key, &record, err))
				return false;
		}
		if (result.answer == GREYLIST_PASSED &&
		    !client_passed(lmdb, job, err))
			return false;
	}
	result.local = job->result.local;
	job->result = result;
	return true;
}

/* What the shared store said, as if it had been said here. */
static bool note(struct greylist_lmdb *lmdb, const struct greylist_job *job,
		 struct error *err)
{
	const struct greylist_result *said = &job->result;
	struct greylist_record record = { 0 }, client = { 0 };
	struct greylist_result own;
	bool known, changed;

	if (said->answer == GREYLIST_CLIENT) {
		if (!greylist_lmdb_get(lmdb, &job->client, &known, &client,
				       err))
			return false;
		if (known &&
		    greylist_client_known(&job->conf, &client, job->now,
					  &changed) &&
		    !changed)
			return true;
		greylist_client_passed(&job->conf, &client, known, job->now);
		client.count = job->conf.clients;
		return greylist_lmdb_put(lmdb, &job->client, &client, err);
	}
	if (!greylist_lmdb_get(lmdb, &job->key, &known, &record, err))
		return false;
	changed = greylist_step(&job->conf, &record, known, job->now, &own);
	if (own.answer == said->answer && !changed)
		return true;
	record.passed = said->answer == GREYLIST_PASSED ||
			said->answer == GREYLIST_KNOWN;
	record.first = said->first_seen ? said->first_seen : job->now;
	record.last = job->now;
	record.expires = record.passed ? job->now + job->conf.lifetime_s
				       : record.first + job->conf.window_s;
	name_record(&record, job);
	return greylist_lmdb_put(lmdb, &job->key, &record, err) &&
	       (said->answer != GREYLIST_PASSED ||
		client_passed(lmdb, job, err));
}

static bool perform(struct greylist_lmdb *lmdb, struct greylist_job *job,
		    struct error *err)
{
	switch (job->task) {
	case GREYLIST_CHECK:
		return check(lmdb, job, err);
	case GREYLIST_NOTE:
		return note(lmdb, job, err);
	case GREYLIST_FORGET:
		break;
	}
	return job->key.len == 0 || greylist_lmdb_forget(lmdb, &job->key, err);
}

/* ---- a batch ---- */

static bool perform_all(struct greylist_lmdb *lmdb, struct greylist_job *first,
			struct error *err)
{
	uint64_t now = 0;
	unsigned count = 0;

	if (!greylist_lmdb_begin(lmdb, err))
		return false;
	for (struct greylist_job *job = first; job; job = job->next) {
		if (!perform(lmdb, job, err))
			goto out;
		if (job->task != GREYLIST_FORGET)
			now = job->now;
		count++;
	}
	if (!greylist_lmdb_clean(lmdb, now, count * CLEAN_A_JOB, err))
		goto out;
	return greylist_lmdb_commit(lmdb, err);
out:
	greylist_lmdb_abort(lmdb);
	return false;
}

static bool make_room(struct greylist_lmdb *lmdb, struct error *err)
{
	if (!greylist_lmdb_begin(lmdb, err))
		return false;
	if (greylist_lmdb_shed(lmdb, SHED, err))
		return greylist_lmdb_commit(lmdb, err);
	greylist_lmdb_abort(lmdb);
	return false;
}

/* A full disk fails one batch and takes the next, which finds room within the file:
 * that is one event. */
static void say(struct greylist_local *local, bool ok, const struct error *err)
{
	struct timespec now;

	if (ok && !local->failing)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!ok) {
		if (!local->failing)
			log_err("%s; who cannot be noted is not greylisted",
				err->text);
		local->failing = true;
		local->failed = now.tv_sec;
	} else if (now.tv_sec - local->failed >= CALM_S) {
		log_info("greylist database: works again");
		local->failing = false;
	}
}

static void answer_batch(struct greylist_local *local,
			 struct greylist_job *first)
{
	struct error err = { 0 };
	bool ok = perform_all(local->lmdb, first, &err);

	if (!ok && err.kind == ERROR_LIMIT)
		ok = make_room(local->lmdb, &err) &&
		     perform_all(local->lmdb, first, &err);
	say(local, ok, &err);
	for (struct greylist_job *job = first; job; job = job->next)
		job->ok = ok;
}

static void *run(void *arg)
{
	struct greylist_local *local = arg;

	pthread_mutex_lock(&local->lock);
	while (!local->stop) {
		struct greylist_job *batch = queue_all(&local->asked), *next;

		if (!batch) {
			pthread_cond_wait(&local->wake, &local->lock);
			continue;
		}
		pthread_mutex_unlock(&local->lock);
		answer_batch(local, batch);
		pthread_mutex_lock(&local->lock);
		for (; batch; batch = next) {
			next = batch->next;
			queue_add(&local->answered, batch);
		}
		local->finished(local->ctx);
	}
	pthread_mutex_unlock(&local->lock);
	return NULL;
}

bool greylist_local_open(struct greylist_local **out,
			 struct greylist_lmdb *lmdb,
			 void (*finished)(void *ctx), void *ctx,
			 struct error *err)
{
	struct greylist_local *local = calloc(1, sizeof(*local));
	sigset_t all, before;
	int rc;

	*out = NULL;
	if (!local)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	local->lmdb = lmdb;
	local->finished = finished;
	local->ctx = ctx;
	queue_init(&local->asked);
	queue_init(&local->answered);
	pthread_mutex_init(&local->lock, NULL);
	pthread_cond_init(&local->wake, NULL);
	sigfillset(&all); /* signals are the loop's */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&local->thread, NULL, run, local);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0) {
		free(local);
		return error_set(err, ERROR_SYSTEM, rc, "no thread");
	}
	*out = local;
	return true;
}

void greylist_local_close(struct greylist_local *local,
			  void (*drop)(struct greylist_job *job))
{
	struct greylist_job *lists[2], *next;

	if (!local)
		return;
	pthread_mutex_lock(&local->lock);
	local->stop = true;
	pthread_cond_signal(&local->wake);
	pthread_mutex_unlock(&local->lock);
	pthread_join(local->thread, NULL);
	lists[0] = queue_all(&local->asked);
	lists[1] = queue_all(&local->answered);
	for (size_t i = 0; i < 2; i++)
		for (struct greylist_job *job = lists[i]; job; job = next) {
			next = job->next;
			drop(job);
		}
	pthread_cond_destroy(&local->wake);
	pthread_mutex_destroy(&local->lock);
	free(local);
}

void greylist_local_submit(struct greylist_local *local,
			   struct greylist_job *job)
{
	pthread_mutex_lock(&local->lock);
	queue_add(&local->asked, job);
	pthread_cond_signal(&local->wake);
	pthread_mutex_unlock(&local->lock);
}

struct greylist_job *greylist_local_take(struct greylist_local *local)
{
	struct greylist_job *first;

	pthread_mutex_lock(&local->lock);
	first = queue_all(&local->answered);
	pthread_mutex_unlock(&local->lock);
	return first;
}
