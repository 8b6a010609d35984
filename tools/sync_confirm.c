// SPDX-License-Identifier: GPL-2.0-or-later
/* --confirm: the new sets are enforced, and unless somebody says yes in time the old
 * ones come back.
 *
 * The image is installed after the yes only: whatever happens before, a reboot or a
 * restart finds the old one.  What the kernel enforced is known from the plan that
 * was applied last, or from configuration and image as they are; whichever of
 * them the kernel confirms, by having nothing to change.  Where it confirms none
 * there would be nothing to come back to, and the trial is refused.
 *
 * Two processes: one applies and waits, the other one does nothing but watch over
 * it, deaf to signals, with the old plan in its memory.  However the first one
 * ends, by time, by signal, with its terminal, or by kill -9, the second puts the
 * old sets back.  Where both are gone, the next run finds the old plan in the state
 * folder and does it.
 *
 *	confirm.wait --yes--> confirm.yes     image installed, file removed
 *	             --no---> confirm.no      old sets put back, file removed
 */
#include "tools/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <geoblock/log.h>

#include "tools/tool_ask.h"
#include "tools/tool_confirm.h"
#include "tools/tool_control.h"
#include "tools/tool_lock.h"

#define LOOK_MS   100 /* between two looks at the file */
#define DAEMON_MS 500
/* It looks at files each second where the kernel tells of no change. */
#define DAEMON_TAKES_MS 20000

struct trial {
	struct sync *s;
	const struct kernel_plan *old; /* NULL: there was no table */
	struct tool_saved *saved;      /* what `old` may be part of */
	int marker;                    /* tool_confirm_hold() */
	int pipe;                      /* to the watcher */
	pid_t watcher;
};

static void remove_file(const struct sync *s, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", s->conf->state_dir, name);
	unlink(path);
}

static bool is_there(const struct sync *s, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", s->conf->state_dir, name);
	return access(path, F_OK) == 0;
}

/* ---- back ------------------------------------------------------------------------ */

static bool put_back_locked(const char *table, const struct kernel_plan *old,
			    struct error *err)
{
	struct kernel_report report;
	struct kernel *kernel;
	bool ok;

	if (!kernel_open(&kernel, err))
		return false;
	ok = old ? kernel_apply(kernel, old, NULL, false, &report, err)
		 : kernel_remove(kernel, table, err);
	kernel_close(kernel);
	return ok;
}

/* Without the lock rather than not at all: -1. */
static int lock_table(const struct sync *s)
{
	int lock;

	tool_lock_table(&lock, s->conf, true, TOOL_LOCK_TABLE_MS, NULL);
	return lock;
}

static bool put_back(const struct sync *s, const struct kernel_plan *old,
		     struct error *err)
{
	int lock = lock_table(s);
	bool ok = put_back_locked(s->conf->table, old, err);

	tool_unlock(lock);
	if (ok) {
		remove_file(s, TOOL_CONFIRM_NO);
		/* a yes that could not be carried out */
		remove_file(s, TOOL_CONFIRM_YES);
	}
	return ok;
}

/* ---- the watcher ------------------------------------------------------------------- */

static int watch(struct trial *t, int from)
{
	struct error err = { 0 };
	char word = 0;
	ssize_t n;

	setsid();
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	do
		n = read(from, &word, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1 && word == 'y')
		return 0;
	/* the other one is gone; perhaps between the yes and the deed */
	if (n != 1 && !tool_confirm_decide(t->s->conf->state_dir, false) &&
	    is_there(t->s, TOOL_CONFIRM_YES)) {
		if (sync_install(t->s, &err)) {
			remove_file(t->s, TOOL_CONFIRM_YES);
			return 0;
		}
		log_err("%s", err.text);
	}
	if (put_back(t->s, t->old, &err))
		return 0;
	log_err("%s: what was enforced before could not be put back", err.text);
	return 1;
}

static bool start_watcher(struct trial *t)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return sync_fail(t->s, "pipe: %s", strerror(errno));
	fflush(NULL);
	t->watcher = fork();
	if (t->watcher == 0) {
		close(ends[1]);
		_exit(watch(t, ends[0]));
	}
	close(ends[0]);
	t->pipe = ends[1];
	if (t->watcher > 0)
		return true;
	close(t->pipe);
	return sync_fail(t->s, "fork: %s", strerror(errno));
}

/* Tell the watcher how it ended, and hear how that went.  One that was killed is
 * no help: then it is done here. */
static bool tell_watcher(struct trial *t, bool yes, struct error *err)
{
	int status = -1;
	bool told = write(t->pipe, yes ? "y" : "n", 1) == 1;

	close(t->pipe);
	while (waitpid(t->watcher, &status, 0) < 0 && errno == EINTR)
		;
	if (told && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	return yes || put_back(t->s, t->old, err);
}

/* ---- what was before --------------------------------------------------------------- */

static bool enforces(struct kernel *kernel, const struct kernel_plan *plan)
{
	struct kernel_report report;

	if (!kernel_apply(kernel, plan, NULL, true, &report, NULL) ||
	    report.rules_changed)
		return false;
	for (size_t i = 0; i < report.set_count; i++)
		if (report.sets[i].how != KERNEL_KEPT)
			return false;
	return true;
}

static bool daemon_runs(const struct sync *s)
{
	struct tool_control *control;
	struct error err = { 0 };

	if (!tool_control_open(&control, s->conf, DAEMON_MS, &err))
		return !tool_control_away(&err); /* there, but not for us */
	tool_control_close(control);
	return true;
}

static bool find_old(struct trial *t, struct kernel *kernel,
		     const struct sync_plans *plans, bool *nothing)
{
	const struct kernel_plan *before =
		plans->before ? &plans->before->plan : NULL;
	struct sync *s = t->s;
	struct addr any = { .family = 4 };
	struct kernel_hit hit;
	struct error err = { 0 };

	if (!kernel_find(kernel, s->conf->table, &any, &hit, &err))
		return sync_fail(s, "%s", err.text);
	if (!hit.table)
		return true;
	*nothing = enforces(kernel, &plans->now->plan);
	if (*nothing)
		return true;
	if (before && enforces(kernel, before)) {
		t->old = before;
		return true;
	}
	t->saved = tool_saved_read(s->conf->state_dir, TOOL_APPLIED_NAME, &err);
	if (!t->saved || !t->saved->table ||
	    strcmp(t->saved->name, s->conf->table) != 0 ||
	    !enforces(kernel, &t->saved->plan))
		return sync_fail(s,
				 "--confirm: what table inet %s enforces "
				 "now is not what the last sync applied, "
				 "and could not be put back; nothing is "
				 "changed",
				 s->conf->table);
	if (daemon_runs(s))
		return sync_fail(s, "--confirm: the configuration has changed, "
				    "and geoblockd has the old one in memory: "
				    "try it by geoblock reload --confirm");
	t->old = &t->saved->plan;
	return true;
}

/* New answers of exempt.spf are geoblockd's as soon as they are written: what it is
 * about to enforce is what was before, then. */
static void wait_for_daemon(const struct sync *s, struct kernel *kernel,
			    const struct tool_plan *before)
{
	static const struct timespec pause = { 0, LOOK_MS * 1000000 };

	for (int ms = 0; ms < DAEMON_TAKES_MS && daemon_runs(s) &&
			 !enforces(kernel, &before->plan);
	     ms += LOOK_MS)
		nanosleep(&pause, NULL);
}

static bool find_old_open(struct trial *t, const struct sync_plans *plans,
			  bool *nothing)
{
	struct error err = { 0 };
	struct kernel *kernel;
	int lock;
	bool ok;

	if (!kernel_open(&kernel, &err))
		return sync_fail(t->s, "%s", err.text);
	if (t->s->spf_changed && plans->before)
		wait_for_daemon(t->s, kernel, plans->before);
	lock = lock_table(t->s); /* not in the middle of what geoblockd does */
	ok = find_old(t, kernel, plans, nothing);
	tool_unlock(lock);
	kernel_close(kernel);
	return ok;
}

/* ---- waiting -------------------------------------------------------------------------- */

static bool set_marker(struct trial *t)
{
	struct sync *s = t->s;
	struct error err = { 0 };

	remove_file(s, TOOL_CONFIRM_YES);
	if (!tool_saved_write(s->conf->state_dir, TOOL_CONFIRM_WAITS,
			      s->conf->table, t->old,
			      (uint64_t)time(NULL) + s->confirm_s, &err))
		return sync_fail(s, "%s", err.text);
	if (tool_confirm_hold(s->conf->state_dir, &t->marker, &err))
		return true;
	sync_fail(s, "%s", err.text);
	remove_file(s, TOOL_CONFIRM_WAITS);
	return false;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until somebody has decided; who is last in time, or hears a signal, decides
 * no.  True for yes. */
static bool wait_for_it(struct sync *s, const char **why)
{
	int64_t end = now_ms() + (int64_t)s->confirm_s * 1000;

	tool_ask_start(SYNC_NAME, s->confirm_s);
	while (is_there(s, TOOL_CONFIRM_WAITS)) {
		enum tool_word word = tool_ask(LOOK_MS);

		*why = word == TOOL_WORD_GONE ? "interrupted"
		       : word == TOOL_WORD_NO ? "refused"
					      : "not confirmed in time";
		if (word == TOOL_WORD_YES)
			tool_confirm_decide(s->conf->state_dir, true);
		else if (word != TOOL_WORD_NONE || now_ms() >= end)
			tool_confirm_decide(s->conf->state_dir, false);
	}
	return is_there(s, TOOL_CONFIRM_YES);
}

static void end(struct trial *t, bool yes, const char *why)
{
	struct sync *s = t->s;
	struct error err = { 0 };

	if (yes && !sync_install(s, &err)) {
		sync_fail(s, "%s", err.text);
		why = "the image could not be installed";
		yes = false;
	}
	if (!tell_watcher(t, yes, &err)) {
		sync_fail(s,
			  "%s: what was enforced before could not be put "
			  "back",
			  err.text);
		return;
	}
	/* not before: the watcher would not know of it */
	remove_file(s, TOOL_CONFIRM_YES);
	s->confirmed = yes;
	s->reverted = !yes;
	if (yes)
		return;
	log_err("%s: what was before is enforced again", why);
	if (!s->problem)
		s->problem = strdup(why);
	if (s->status == STATUS_OK)
		s->status = STATUS_NO;
}

/* The table enforces it already: nothing that could go wrong. */
static bool install_now(struct sync *s)
{
	struct error err = { 0 };

	return sync_install(s, &err) || sync_fail(s, "%s", err.text);
}

bool sync_confirm(struct sync *s, const struct sync_plans *plans,
		  bool (*apply)(struct sync *s, const struct sync_plans *plans))
{
	struct trial t = { .s = s, .marker = -1, .pipe = -1 };
	const char *why = "refused";
	bool nothing = false, ok;

	ok = find_old_open(&t, plans, &nothing);
	if (nothing)
		return install_now(s) && apply(s, plans);
	ok = ok && set_marker(&t);
	if (ok) {
		signal(SIGPIPE, SIG_IGN); /* of the watcher */
		tool_ask_catch();
		ok = start_watcher(&t);
		if (!ok)
			remove_file(s, TOOL_CONFIRM_WAITS);
	}
	if (ok && !apply(s, plans)) {
		tool_confirm_decide(s->conf->state_dir, false);
		end(&t, false, "could not be applied");
		ok = false;
	} else if (ok) {
		ok = wait_for_it(s, &why);
		end(&t, ok, why);
	}
	if (t.marker >= 0)
		close(t.marker);
	tool_saved_free(t.saved);
	return ok && s->confirmed;
}

/* ---- what a run finds that was killed --------------------------------------------- */

bool sync_confirm_left(struct sync *s)
{
	const char *name = is_there(s, TOOL_CONFIRM_WAITS) ? TOOL_CONFIRM_WAITS
			   : is_there(s, TOOL_CONFIRM_NO)  ? TOOL_CONFIRM_NO
							   : NULL;
	struct tool_saved *saved;
	struct error err = { 0 };
	bool ok;

	if (!s->no_apply) /* which leaves the kernel alone */
		remove_file(s, TOOL_CONFIRM_YES);
	if (!name || s->no_apply)
		return true;
	saved = tool_saved_read(s->conf->state_dir, name, &err);
	/* geoblockd has put back what it knows already */
	ok = saved && !daemon_runs(s) &&
	     put_back(s, saved->table ? &saved->plan : NULL, &err);
	/* else it is the only one who knows */
	if (ok || !saved || err.kind == ERROR_NONE)
		remove_file(s, name);
	tool_saved_free(saved);
	if (!ok && err.kind == ERROR_NONE)
		return true;
	if (!ok)
		return sync_fail(s,
				 "a change that nobody confirmed was left by "
				 "a process that was killed, and could not "
				 "be taken back: %s",
				 err.text);
	return sync_fail(s, "a change that nobody confirmed was left by a "
			    "process that was killed; what was before is "
			    "enforced again; run this once more to update");
}
