// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tools/tool_confirm.h"
#include "tools/tool_lock.h"

struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t change;
	/* under the lock */
	unsigned asked;
	uint64_t number; /* of requests, so far */
	bool started, stop, has_result;
	struct worker_result result;
	struct snapshot *back; /* NULL: nothing to go back to */
	unsigned with_back;    /* what was asked before it */
	uint64_t back_number;
	/* the worker's own */
	bool refused; /* the configuration in place is one that was taken back */
	struct kernel *kernel;
	const char *path;
	const struct snapshot *current;
	void (*wake)(void *ctx);
	void *ctx;
};

/* Is the new state better than what runs?  One that lost its country data is not,
 * nor one that had to fall back on older data than what runs, nor one that lost the
 * answers of exempt.spf: what was enforced stays enforced. */
static bool is_usable(const struct worker *worker, const struct snapshot *next,
		      struct worker_result *out)
{
	const struct snapshot *now = worker->current;
	bool fell_back = next->missing.kind != ERROR_NONE;

	if (!snapshot_keeps(now, next, &out->err))
		return false;
	if (snapshot_lost_spf(now, next, &out->err))
		return false;
	if (!now->image ||
	    (next->image &&
	     !(fell_back && next->about.built <= now->about.built)))
		return true;
	out->err = next->missing;
	out->err.kind = ERROR_HELD; /* no fault of the configuration's */
	return false;
}

/* What is to be read and written now belongs together: geoblock-sync waits, or is
 * waited for.  One that holds the lock for longer hangs, and the table matters more
 * than what it may have staged: the switch is a compare-and-swap, it will notice. */
static int lock_table(struct worker *worker, struct worker_result *out)
{
	int fd;

	if (!tool_lock_table(&fd, worker->current->conf, false,
			     TOOL_LOCK_TABLE_MS, &out->unlocked))
		error_wrap(&out->unlocked, "going on without the lock");
	return fd;
}

static void not_confirmed(struct worker_result *out)
{
	error_set(&out->err, ERROR_HELD, 0,
		  "the configuration in place was not confirmed: put it right "
		  "and reload");
}

/* What ran before the trial. */
static void go_back(struct worker *worker, struct snapshot *back,
		    struct worker_result *out)
{
	worker->refused = true;
	snapshot_apply(back, worker->kernel, &out->report, &out->held);
	out->snapshot = back;
	out->ok = !(out->causes & WORKER_RELOAD);
	if (!out->ok)
		not_confirmed(out);
}

/* Whether the table is left alone, or only put right: during somebody else's
 * trial, and after our own that was not confirmed. */
static bool stays(struct worker *worker, struct worker_result *out)
{
	if (tool_confirm_waits(worker->current->conf->state_dir, NULL)) {
		out->later = true;
		return !error_set(&out->err, ERROR_HELD, 0,
				  "a change of geoblock-sync waits for its "
				  "confirmation");
	}
	if (out->causes & WORKER_RELOAD)
		worker->refused = false;
	if (!worker->refused)
		return false;
	if (out->causes & WORKER_HEAL)
		out->ok = snapshot_apply(worker->current, worker->kernel,
					 &out->report, &out->held);
	if (!out->ok)
		not_confirmed(out);
	return true;
}

/* The new state, enforced; or the state that runs, where the new one is no good:
 * a flushed table comes back also while somebody edits the configuration. */
static void work(struct worker *worker, struct worker_result *out)
{
	struct snapshot *next = NULL;

	if (stays(worker, out))
		return;
	if (!snapshot_load(&next, worker->path, &out->err) ||
	    !is_usable(worker, next, out)) {
		snapshot_free(next);
		if (out->causes & WORKER_HEAL)
			snapshot_apply(worker->current, worker->kernel,
				       &out->report, &out->held);
		return;
	}
	if (!snapshot_apply(next, worker->kernel, &out->report, &out->held) &&
	    out->held.kind != ERROR_HELD) {
		out->err = out->held;
		snapshot_free(next);
		return;
	}
	out->ok = true;
	out->snapshot = next;
}

/* The next thing to do, with the lock held.  Going back comes with what was asked
 * before it; what was asked after it comes after it. */
static struct snapshot *take_work(struct worker *worker,
				  struct worker_result *out)
{
	struct snapshot *back = worker->back;

	worker->back = NULL;
	if (back) {
		out->causes = worker->with_back;
		out->number = worker->back_number;
		return back;
	}
	out->causes = worker->asked;
	out->number = worker->number;
	worker->asked = 0;
	return NULL;
}

static void *run(void *ctx)
{
	struct worker *worker = ctx;

	/* what is of this thread alone, on Linux; packets come first */
	setpriority(PRIO_PROCESS, (id_t)gettid(),
		    getpriority(PRIO_PROCESS, 0) + WORKER_NICE);
	pthread_mutex_lock(&worker->lock);
	worker->started = true;
	pthread_cond_signal(&worker->change);
	for (;;) {
		struct worker_result result = { 0 };
		struct snapshot *back;
		int lock;

		while (!worker->stop && ((!worker->asked && !worker->back) ||
					 worker->has_result))
			pthread_cond_wait(&worker->change, &worker->lock);
		if (worker->stop)
			break;
		back = take_work(worker, &result);
		pthread_mutex_unlock(&worker->lock);
		lock = lock_table(worker, &result);
		if (back)
			go_back(worker, back, &result);
		else
			work(worker, &result);
		tool_unlock(lock);
		if (result.snapshot)
			worker->current = result.snapshot;
		pthread_mutex_lock(&worker->lock);
		worker->result = result;
		worker->has_result = true;
		worker->wake(worker->ctx);
	}
	pthread_mutex_unlock(&worker->lock);
	return NULL;
}

bool worker_start(struct worker **out, struct kernel *kernel, const char *path,
		  const struct snapshot *current, void (*wake)(void *ctx),
		  void *ctx, struct error *err)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	sigset_t all, before;
	int rc;

	*out = NULL;
	if (!worker)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	worker->kernel = kernel;
	worker->path = path;
	worker->current = current;
	worker->wake = wake;
	worker->ctx = ctx;
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->change, NULL);
	/* signals are the event loop's */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&worker->thread, NULL, run, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0) {
		free(worker);
		return error_set(err, ERROR_SYSTEM, rc, "worker thread");
	}
	/* the filter that comes does not know what it does first */
	pthread_mutex_lock(&worker->lock);
	while (!worker->started)
		pthread_cond_wait(&worker->change, &worker->lock);
	pthread_mutex_unlock(&worker->lock);
	*out = worker;
	return true;
}

uint64_t worker_ask(struct worker *worker, enum worker_cause cause)
{
	uint64_t number;

	pthread_mutex_lock(&worker->lock);
	worker->asked |= cause;
	number = ++worker->number;
	pthread_cond_signal(&worker->change);
	pthread_mutex_unlock(&worker->lock);
	return number;
}

void worker_back(struct worker *worker, struct snapshot *snapshot)
{
	pthread_mutex_lock(&worker->lock);
	worker->back = snapshot;
	worker->with_back = worker->asked | WORKER_BACK;
	worker->back_number = worker->number;
	worker->asked = 0;
	pthread_cond_signal(&worker->change);
	pthread_mutex_unlock(&worker->lock);
}

bool worker_take(struct worker *worker, struct worker_result *out)
{
	bool found;

	pthread_mutex_lock(&worker->lock);
	found = worker->has_result;
	if (found) {
		*out = worker->result;
		worker->has_result = false;
		pthread_cond_signal(&worker->change);
	}
	pthread_mutex_unlock(&worker->lock);
	return found;
}

void worker_stop(struct worker *worker)
{
	if (!worker)
		return;
	pthread_mutex_lock(&worker->lock);
	worker->stop = true;
	pthread_cond_signal(&worker->change);
	pthread_mutex_unlock(&worker->lock);
	pthread_join(worker->thread, NULL);
	if (worker->has_result)
		snapshot_free(worker->result.snapshot);
	snapshot_free(worker->back);
	pthread_cond_destroy(&worker->change);
	pthread_mutex_destroy(&worker->lock);
	free(worker);
}
