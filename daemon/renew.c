// SPDX-License-Identifier: GPL-2.0-or-later
/* The worker's thread leaves its result in the mailbox and wakes the loop (ev_async),
 * which takes it between two packets. */
#include "daemon/renew.h"

#include <geoblock/log.h>

#include "daemon/daemon.h"
#include "daemon/notify.h"
#include "daemon/table.h"
#include "daemon/trial.h"
#include "tools/tool.h"

#define AGAIN_S 1. /* where the kernel, or a trial, did not let us */

/* True: other data came with it. */
static bool take_snapshot(struct daemon *daemon, struct snapshot *next,
			  bool trial)
{
	struct snapshot *before = daemon->snapshot;
	bool other;

	service_decisions(&daemon->service);
	path_swap(&daemon->path, next);
	daemon->snapshot = next;
	other = service_take(&daemon->service, before);
	if (!trial || !trial_begin(daemon, before))
		snapshot_free(before);
	return other;
}

static void tell_healed(struct daemon *daemon)
{
	daemon->healed++;
	log_warn("table %s put right%s", daemon->snapshot->conf->table,
		 daemon->track_lost
			 ? "; the kernel could not tell who changed it"
			 : "");
}

/* A line where there is something to tell: a look that found all well is none. */
static void tell_result(struct daemon *daemon,
			const struct worker_result *result, bool other)
{
	const struct snapshot *snapshot = daemon->snapshot;
	bool asked = result->causes & WORKER_RELOAD;
	bool looked = result->causes & WORKER_HEAL;

	if (result->unlocked.kind != ERROR_NONE)
		log_warn("%s", result->unlocked.text);
	table_tell(daemon, &result->held);
	if (!result->ok) {
		/* a trial that is told of each second would be no news */
		if (!result->later || asked)
			log_err("%s; what ran before goes on",
				result->err.text);
		return;
	}
	if (looked && result->report.batches > 0)
		tell_healed(daemon);
	if (looked)
		daemon->track_lost = false;
	if (asked || other)
		log_info("reloaded: mode=%s signatures=%zu image=%s",
			 snapshot->conf->policy.audit ? "audit" : "enforce",
			 signatures_count(snapshot->signatures),
			 snapshot->image ? snapshot->digest : "none");
}

static void answer_reload(struct daemon *daemon,
			  const struct worker_result *result)
{
	const char *text = !result->ok                       ? result->err.text
			   : result->held.kind != ERROR_NONE ? result->held.text
							     : "reloaded";

	service_reloaded(&daemon->service, result->ok, text);
	control_reloaded(daemon->service.control, result->number, &result->err,
			 text);
	notify("READY=1");
}

static void on_result(struct ev_loop *loop, ev_async *async, int events)
{
	struct daemon *daemon = ev_userdata(loop);
	static struct worker_result result;
	bool asked, trial, other = false;

	(void)async;
	(void)events;
	if (!worker_take(daemon->worker, &result))
		return;
	asked = result.causes & WORKER_RELOAD;
	/* what ran before a reload on trial is what an earlier one brought */
	trial = daemon->trial.asked_s && result.number >= daemon->trial.number;
	if (result.snapshot)
		other = take_snapshot(daemon, result.snapshot, trial);
	if (trial)
		daemon->trial.asked_s = 0;
	if (result.causes & WORKER_BACK)
		daemon->trial.result = "reverted";
	tell_result(daemon, &result, other);
	if (result.later || result.err.kind == ERROR_KERNEL ||
	    result.held.kind == ERROR_KERNEL)
		table_look_in(daemon, AGAIN_S);
	if (asked)
		answer_reload(daemon, &result);
}

static void wake(void *ctx)
{
	struct daemon *daemon = ctx;

	ev_async_send(daemon->loop, &daemon->on_result);
}

void renew_start(struct daemon *daemon)
{
	struct error err = { 0 };

	ev_async_init(&daemon->on_result, on_result);
	ev_async_start(daemon->loop, &daemon->on_result);
	if (!worker_start(&daemon->worker, daemon->applier, daemon->config,
			  daemon->snapshot, wake, daemon, &err))
		fatal(STATUS_UNABLE, "%s", err.text);
}

void renew_stop(struct daemon *daemon)
{
	worker_stop(daemon->worker);
	daemon->worker = NULL;
}
