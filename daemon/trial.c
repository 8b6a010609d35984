// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/trial.h"

#include <geoblock/log.h>

static void on_deadline(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)timer;
	(void)events;
	trial_end(ev_userdata(loop), false);
}

void trial_init(struct daemon *daemon)
{
	ev_init(&daemon->trial.timer, on_deadline);
}

bool trial_begin(struct daemon *daemon, struct snapshot *before)
{
	struct trial *trial = &daemon->trial;
	unsigned seconds = trial->asked_s;

	trial->asked_s = 0;
	if (seconds == 0 || trial->before)
		return false;
	trial->before = before;
	trial->result = NULL;
	trial->until = (uint64_t)ev_now(daemon->loop) + seconds;
	ev_timer_set(&trial->timer, seconds, 0.);
	ev_timer_start(daemon->loop, &trial->timer);
	log_info("reloaded on trial for %u seconds", seconds);
	return true;
}

bool trial_end(struct daemon *daemon, bool yes)
{
	struct trial *trial = &daemon->trial;

	if (!trial->before)
		return false;
	ev_timer_stop(daemon->loop, &trial->timer);
	if (yes) {
		log_info("confirmed");
		snapshot_free(trial->before);
	} else {
		log_warn("not confirmed: what ran before comes back");
		worker_back(daemon->worker, trial->before);
	}
	trial->before = NULL;
	/* a "no" is told when it is done */
	trial->result = yes ? "confirmed" : NULL;
	return true;
}

void trial_clear(struct daemon *daemon)
{
	snapshot_free(daemon->trial.before);
	daemon->trial.before = NULL;
}
