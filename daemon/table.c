// SPDX-License-Identifier: GPL-2.0-or-later
/* The monitor is opened after the first apply, whose own messages would be more than
 * its socket holds; the look at start makes up for what others did in between. */
#include "daemon/table.h"

#include <string.h>
#include <unistd.h>

#include <geoblock/log.h>

#include "daemon/daemon.h"
#include "tools/tool.h"
#include "tools/tool_confirm.h"
#include "tools/tool_lock.h"

#define LOOK_DELAY_S 0.1 /* commits come in groups */

static void on_look(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct daemon *daemon = ev_userdata(loop);

	(void)timer;
	(void)events;
	worker_ask(daemon->worker, WORKER_HEAL);
}

void table_look_in(struct daemon *daemon, double seconds)
{
	if (ev_is_active(&daemon->heal))
		return;
	ev_timer_set(&daemon->heal, seconds, 0.);
	ev_timer_start(daemon->loop, &daemon->heal);
}

static void log_change(const struct daemon *daemon,
		       const struct kernel_change *change)
{
	const char *table = daemon->snapshot->conf->table;

	if (!change->changed)
		log_debug("table %s: lost track of changes; looking", table);
	else if (strcmp(change->by, "geoblock-sync") == 0)
		log_debug("table %s: geoblock-sync: %s", table, change->what);
	else
		log_warn("table %s: %s by %s (process %u)%s", table,
			 change->what, change->by[0] ? change->by : "?",
			 change->pid, change->gone ? ": gone" : "");
}

static void on_monitor(struct ev_loop *loop, ev_io *io, int events)
{
	struct daemon *daemon = ev_userdata(loop);
	struct kernel_change change;
	struct error err;

	(void)events;
	if (!kernel_monitor_read(daemon->monitor, &change, &err)) {
		log_err("%s; the table is watched no more", err.text);
		ev_io_stop(loop, io);
		return;
	}
	if (!change.changed && !change.lost)
		return;
	daemon->track_lost |= change.lost;
	log_change(daemon, &change);
	table_look_in(daemon, LOOK_DELAY_S);
}

void table_tell(struct daemon *daemon, const struct error *held)
{
	/* that there is no country data at all was told with the image */
	if (daemon->snapshot->image)
		service_tell_once(&daemon->held_told, held, "");
}

static void restore(struct daemon *daemon)
{
	const struct conf *conf = daemon->snapshot->conf;
	struct kernel_report report;
	struct error err = { 0 };
	int lock;

	/* made here, so that it is there when there is no right to make it */
	if (!tool_lock_table(&lock, conf, access(conf->state_dir, W_OK) == 0,
			     TOOL_LOCK_TABLE_MS, &err))
		log_warn("%s; going on without the lock", err.text);
	if (tool_confirm_waits(conf->state_dir, NULL)) /* worker.c's stays() */
		log_info("table %s: left alone while a change of geoblock-sync "
			 "waits for its confirmation",
			 conf->table);
	else if (snapshot_apply(daemon->snapshot, daemon->applier, &report,
				&err))
		log_info("table %s: %s", conf->table,
			 report.batches ? "restored" : "as it should be");
	else if (err.kind == ERROR_HELD)
		table_tell(daemon, &err);
	else
		fatal(STATUS_UNABLE, "%s", err.text);
	tool_unlock(lock);
}

void table_open(struct daemon *daemon)
{
	struct error err = { 0 };

	if (!kernel_open(&daemon->applier, &err) ||
	    !kernel_open(&daemon->kernel, &err))
		fatal(STATUS_UNABLE, "%s", err.text);
	restore(daemon);
	if (!kernel_monitor_open(&daemon->monitor, daemon->applier,
				 daemon->snapshot->conf->table, &err))
		fatal(STATUS_UNABLE, "%s", err.text);
}

void table_start(struct daemon *daemon)
{
	ev_timer_init(&daemon->heal, on_look, LOOK_DELAY_S, 0.);
	ev_io_init(&daemon->on_monitor, on_monitor,
		   kernel_monitor_fd(daemon->monitor), EV_READ);
	ev_io_start(daemon->loop, &daemon->on_monitor);
}

void table_close(struct daemon *daemon)
{
	kernel_monitor_close(daemon->monitor);
	kernel_close(daemon->kernel);
	kernel_close(daemon->applier);
}
