// SPDX-License-Identifier: GPL-2.0-or-later
/* The files are looked at each second, to the nanosecond and with their inode numbers:
 * libev's ev_stat compares whole seconds and sizes, so that a second file of the same
 * second can look like the first, and an inotify watch would have to be kept on a
 * folder that may come and go.  Two files that change together are one change.
 *
 * Not libev's default loop: that one waits for children, of which there are none, with
 * a system call that the filter does not have. */
#include "daemon/service.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <geoblock/log.h>

#include "daemon/notify.h"
#include "tools/tool.h"

/* ---- the log -------------------------------------------------------------------- */

static void write_line(void *ctx, const char *line)
{
	const struct service *service = ctx;

	if ((*service->snapshot)->conf->log_json)
		log_plain(LOG_LEVEL_INFO, line);
	else
		log_info("%s", line);
}

static void on_decision(void *ctx, const struct decision *decision)
{
	struct service *service = ctx;
	const struct conf *conf = (*service->snapshot)->conf;
	char line[JOURNAL_LINE_MAX];

	write_line(service, journal_format(decision, &conf->policy,
					   conf->log_json, line));
	control_decision(service->control,
			 journal_format(decision, &conf->policy, true, line));
}

void service_decisions(struct service *service)
{
	journal_drain(service->journal, on_decision, service);
}

void service_tell_once(struct error *told, const struct error *now,
		       const char *then)
{
	bool news =
		now->kind != ERROR_NONE &&
		(told->kind != now->kind || strcmp(told->text, now->text) != 0);

	*told = *now;
	if (news)
		log_warn("%s%s", now->text, then);
}

void service_tell_image(struct service *service,
			const struct snapshot *snapshot)
{
	service_tell_once(&service->told, &snapshot->missing,
			  snapshot->image
				  ? ""
				  : "; nothing is enforced by country until "
				    "geoblock-sync has run");
}

bool service_take(struct service *service, const struct snapshot *before)
{
	const struct snapshot *now = *service->snapshot;

	service->seen = now->files;
	service_tell_image(service, now);
	return snapshot_files_differ(&before->files, &now->files);
}

void service_reloaded(struct service *service, bool ok, const char *text)
{
	struct last_reload *last = &service->last_reload;

	last->time = (uint64_t)ev_time();
	last->ok = ok;
	snprintf(last->text, sizeof(last->text), "%s", text);
}

/* ---- the loop's events ------------------------------------------------------------ */

static void on_hup(struct ev_loop *loop, ev_signal *hup, int events)
{
	struct service *service = hup->data;

	(void)events;
	notify("RELOADING=1");
	service->reload(ev_userdata(loop));
}

static void on_stop(struct ev_loop *loop, ev_signal *stop, int events)
{
	(void)events;
	log_info("stopping: %s", strsignal(stop->signum));
	ev_break(loop, EVBREAK_ALL);
}

static void on_tick(struct ev_loop *loop, ev_timer *tick, int events)
{
	struct service *service = tick->data;
	const struct conf *conf = (*service->snapshot)->conf;
	struct snapshot_files files;

	(void)events;
	if (service->second)
		service->second(ev_userdata(loop));
	journal_tick(service->journal, &conf->policy, conf->log_json,
		     write_line, service);
	snapshot_files_look(&files, conf->state_dir);
	if (!snapshot_files_differ(&service->seen, &files))
		return;
	service->seen = files;
	service->data(ev_userdata(loop));
}

static void on_watchdog(struct ev_loop *loop, ev_timer *watchdog, int events)
{
	(void)loop;
	(void)watchdog;
	(void)events;
	notify("WATCHDOG=1");
}

static void start_signal(struct ev_loop *loop, ev_signal *watcher, int number,
			 void (*call)(struct ev_loop *, ev_signal *, int),
			 struct service *service)
{
	ev_signal_init(watcher, call, number);
	watcher->data = service;
	ev_signal_start(loop, watcher);
}

/* ---- start ------------------------------------------------------------------------ */

struct ev_loop *service_loop(void *ctx)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV);

	if (!loop)
		fatal(STATUS_UNABLE, "libev cannot start");
	signal(SIGPIPE, SIG_IGN);
	ev_set_userdata(loop, ctx);
	return loop;
}

void service_start(struct service *service, struct ev_loop *loop)
{
	double every = notify_watchdog_s();

	service->seen = (*service->snapshot)->files;
	start_signal(loop, &service->hup, SIGHUP, on_hup, service);
	start_signal(loop, &service->term, SIGTERM, on_stop, service);
	start_signal(loop, &service->intr, SIGINT, on_stop, service);
	ev_timer_init(&service->tick, on_tick, 1., 1.);
	service->tick.data = service;
	ev_timer_start(loop, &service->tick);
	if (every <= 0)
		return;
	ev_timer_init(&service->watchdog, on_watchdog, every, every);
	ev_timer_start(loop, &service->watchdog);
}
