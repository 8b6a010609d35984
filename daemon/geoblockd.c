// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblockd: the SYN decided at the kernel boundary.
 *
 * One event loop: the queue first, then the table's watch, signals and clients.
 * What takes long is a worker thread's (worker.h).  The start is main(), in the
 * order in which it has to happen. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <geoblock/log.h>

#include "daemon/control.h"
#include "daemon/daemon.h"
#include "daemon/instance.h"
#include "daemon/mail.h"
#include "daemon/nflog.h"
#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/trial.h"
#include "tools/tool.h"
#include "tools/tool_confirm.h"
#include "tools/tool_lock.h"

#define QUEUE_ROUND  16  /* batches before others have their turn */
#define HEAL_DELAY_S 0.1 /* commits come in groups */
#define HEAL_AGAIN_S 1.  /* where the kernel did not let us */
#define IMAGE_POLL_S 5.

static const char help[] =
	"usage: geoblockd [OPTION…]\n"
	"\n"
	"  --config FILE   instead of " CONF_DEFAULT_PATH "\n"
	"  --verbose       say more\n"
	"  --help          this text\n"
	"  --version       which version this is\n"
	"\n"
	"Runs in the foreground.  SIGHUP, or geoblock reload: read "
	"configuration,\n"
	"country data and signatures anew.  Manual: geoblockd(8).\n";

/* ---- the loop's events ----------------------------------------------------- */

static void write_line(void *ctx, const char *line)
{
	struct daemon *daemon = ctx;

	if (daemon->json)
		log_plain(LOG_LEVEL_INFO, line);
	else
		log_info("%s", line);
}

static void on_decision(void *ctx, const struct decision *decision)
{
	struct daemon *daemon = ctx;
	const struct policy *policy = &daemon->snapshot->conf->policy;
	char line[JOURNAL_LINE_MAX];

	write_line(daemon,
		   journal_format(decision, policy, daemon->json, line));
	control_decision(daemon->control,
			 journal_format(decision, policy, true, line));
}

static void read_queue(struct daemon *daemon, struct queue *queue,
		       unsigned batches)
{
	const struct queue_reader reader = { path_judge, path_record,
					     &daemon->path };

	daemon->path.now = (uint64_t)ev_now(daemon->loop);
	queue_read(queue, batches, &reader);
	journal_drain(&daemon->path.journal, on_decision, daemon);
}

static void on_queue(struct ev_loop *loop, ev_io *io, int events)
{
	struct daemon_queue *queue = io->data;

	(void)events;
	read_queue(ev_userdata(loop), queue->queue, QUEUE_ROUND);
}

/* Between two mail programs' turns: a round of the loop may have hundreds of them,
 * and packets wait for none. */
static void packets_first(void *ctx)
{
	struct daemon *daemon = ctx;

	for (size_t i = 0; i < daemon->queue_count; i++)
		read_queue(daemon, daemon->queues[i].queue, QUEUE_ROUND);
}

static void on_nflog(struct ev_loop *loop, ev_io *io, int events)
{
	struct daemon *daemon = ev_userdata(loop);

	(void)io;
	(void)events;
	daemon->path.now = (uint64_t)ev_now(loop);
	nflog_read(daemon->nflog, path_copy, &daemon->path);
	journal_drain(&daemon->path.journal, on_decision, daemon);
}

/* What has changed since it was told; loud, as rules do not apply that were
 * written. */
static void tell_alike(struct daemon *daemon, int family)
{
	const struct alike *alike = &daemon->path.alike[family];
	char raw[SIGNATURE_TEXT_MAX];

	if (alike->on == daemon->alike_told[family])
		return;
	daemon->alike_told[family] = alike->on;
	if (alike->on)
		log_warn("all IPv%c senders look alike (%s): something in "
			 "front of this machine makes their SYNs; nobody is "
			 "judged by system until that ends",
			 "46"[family],
			 signature_of_packet(&alike->example, raw));
	else
		log_warn("IPv%c senders look different again; systems are "
			 "judged as ever",
			 "46"[family]);
}

static void on_second(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct daemon *daemon = ev_userdata(loop);

	(void)timer;
	(void)events;
	daemon->path.now = (uint64_t)ev_now(loop);
	journal_tick(&daemon->path.journal, &daemon->snapshot->conf->policy,
		     daemon->json, write_line, daemon);
	for (int family = 0; family < 2; family++)
		tell_alike(daemon, family);
}

static void on_asked(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	instance_answer(io->fd);
}

static void on_watchdog(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)timer;
	(void)events;
	notify("WATCHDOG=1");
}

static void on_hup(struct ev_loop *loop, ev_signal *signal, int events)
{
	struct daemon *daemon = ev_userdata(loop);

	(void)signal;
	(void)events;
	notify("RELOADING=1");
	worker_ask(daemon->worker, WORKER_RELOAD);
}

static void on_stop(struct ev_loop *loop, ev_signal *signal, int events)
{
	(void)events;
	log_info("stopping: %s", strsignal(signal->signum));
	ev_break(loop, EVBREAK_ALL);
}

static void on_image(struct ev_loop *loop, ev_stat *stat, int events)
{
	struct daemon *daemon = ev_userdata(loop);

	(void)stat;
	(void)events;
	worker_ask(daemon->worker, WORKER_IMAGE);
}

static void on_heal(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct daemon *daemon = ev_userdata(loop);

	(void)timer;
	(void)events;
	worker_ask(daemon->worker, WORKER_HEAL);
}

static void log_change(const struct daemon *daemon,
		       const struct kernel_change *change)
{
	const char *table = daemon->snapshot->conf->table;

	if (change->lost)
		log_warn("table %s: lost track of changes; looking", table);
	else if (strcmp(change->by, "geoblock-sync") == 0)
		log_debug("table %s: geoblock-sync: %s", table, change->what);
	else
		log_warn("table %s: %s by %s (process %u)%s", table,
			 change->what, change->by[0] ? change->by : "?",
			 change->pid, change->gone ? ": gone" : "");
}

static void heal_in(struct daemon *daemon, double seconds)
{
	if (ev_is_active(&daemon->heal))
		return;
	ev_timer_set(&daemon->heal, seconds, 0.);
	ev_timer_start(daemon->loop, &daemon->heal);
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
	log_change(daemon, &change);
	heal_in(daemon, HEAL_DELAY_S);
}

/* ---- what the worker brings -------------------------------------------------- */

static void note_reload(struct daemon *daemon, bool ok, const char *text)
{
	daemon->reload.time = (uint64_t)ev_now(daemon->loop);
	daemon->reload.ok = ok;
	snprintf(daemon->reload.text, sizeof(daemon->reload.text), "%s", text);
}

static void take_snapshot(struct daemon *daemon, struct snapshot *next,
			  bool reload)
{
	struct snapshot *before = daemon->snapshot;

	journal_drain(&daemon->path.journal, on_decision, daemon);
	path_swap(&daemon->path, next);
	daemon->snapshot = next;
	daemon->json = next->conf->log_json;
	if (!reload || !trial_begin(daemon, before))
		snapshot_free(before);
}

/* A line where there is something to tell: a look that found all well is none. */
static void tell_result(struct daemon *daemon,
			const struct worker_result *result)
{
	bool asked = result->causes & WORKER_RELOAD;
	bool sent = result->report.batches > 0;

	if (result->unlocked.kind != ERROR_NONE)
		log_warn("%s", result->unlocked.text);
	if (result->held.kind != ERROR_NONE)
		log_warn("%s", result->held.text);
	if (result->missing.kind != ERROR_NONE)
		log_warn("%s", result->missing.text);
	if (!result->ok) {
		/* a trial that is told of each second would be no news */
		if (!result->later || asked)
			log_err("%s; what ran before goes on",
				result->err.text);
		return;
	}
	if ((result->causes & WORKER_HEAL) && sent) {
		daemon->healed++;
		log_warn("table %s put right", daemon->snapshot->conf->table);
	}
	if (asked || (result->causes & WORKER_IMAGE))
		log_info("reloaded: mode=%s signatures=%zu image=%s",
			 daemon->snapshot->conf->policy.audit ? "audit"
							      : "enforce",
			 signatures_count(daemon->snapshot->signatures),
			 daemon->snapshot->image ? daemon->snapshot->digest
						 : "none");
}

static void on_result(struct ev_loop *loop, ev_async *async, int events)
{
	struct daemon *daemon = ev_userdata(loop);
	static struct worker_result result;
	const char *text;

	(void)async;
	(void)events;
	if (!worker_take(daemon->worker, &result))
		return;
	if (result.snapshot)
		take_snapshot(daemon, result.snapshot,
			      result.causes & WORKER_RELOAD);
	if (result.causes & WORKER_RELOAD)
		daemon->trial.asked_s = 0;
	if (result.causes & WORKER_BACK)
		daemon->trial.result = "reverted";
	tell_result(daemon, &result);
	if (result.later || result.err.kind == ERROR_KERNEL ||
	    result.held.kind == ERROR_KERNEL)
		heal_in(daemon, HEAL_AGAIN_S);
	text = !result.ok                       ? result.err.text
	       : result.held.kind != ERROR_NONE ? result.held.text
						: "reloaded";
	if (result.causes & WORKER_RELOAD) {
		note_reload(daemon, result.ok, text);
		control_reloaded(daemon->control, &result.err, text);
		notify("READY=1");
	}
}

static void wake(void *ctx)
{
	struct daemon *daemon = ctx;

	ev_async_send(daemon->loop, &daemon->on_result);
}

/* ---- start, in pieces -------------------------------------------------------- */

static void say(void *ctx, const char *text)
{
	(void)ctx;
	log_err("%s", text);
}

static void open_kernel(struct daemon *daemon)
{
	const struct conf *conf = daemon->snapshot->conf;
	const char *table = conf->table;
	struct kernel_report report;
	struct error err = { 0 };
	int lock;

	if (!kernel_open(&daemon->applier, &err) ||
	    !kernel_open(&daemon->kernel, &err) ||
	    !kernel_monitor_open(&daemon->monitor, daemon->applier, table,
				 &err))
		fatal(STATUS_UNABLE, "%s", err.text);
	/* made here, so that it is there when there is no right to make it */
	if (!tool_lock(&lock, conf->state_dir, TOOL_LOCK_TABLE,
		       access(conf->state_dir, W_OK) == 0 ? TOOL_LOCK_TABLE_MODE
							  : 0,
		       TOOL_LOCK_TABLE_MS, &err))
		log_warn("%s; going on without the lock", err.text);
	if (tool_confirm_waits(conf->state_dir, NULL)) /* worker.c's stays() */
		log_info("table %s: left alone while a change of geoblock-sync "
			 "waits for its confirmation",
			 table);
	else if (snapshot_apply(daemon->snapshot, daemon->applier, &report,
				&err))
		log_info("table %s: %s", table,
			 report.batches ? "restored" : "as it should be");
	else if (err.kind == ERROR_HELD)
		log_warn("%s", err.text);
	else
		fatal(STATUS_UNABLE, "%s", err.text);
	tool_unlock(lock);
}

static void open_queues(struct daemon *daemon)
{
	const struct conf *conf = daemon->snapshot->conf;
	struct error err = { 0 };

	for (uint16_t i = 0; i < conf->queue_count; i++) {
		struct daemon_queue *queue = &daemon->queues[i];
		struct queue_options options = {
			.number = (uint16_t)(conf->queue + i),
			.fail_open = !conf->queue_fail_closed,
		};

		if (!queue_open(&queue->queue, &options, &err))
			fatal(STATUS_UNABLE, "%s", err.text);
		queue->number = options.number;
		daemon->queue_count++;
		if (queue_stats(queue->queue)->rcvbuf < QUEUE_LENGTH * 512)
			log_warn("queue %u: the socket's buffer has %u bytes "
				 "only; raise net.core.rmem_max",
				 queue->number,
				 queue_stats(queue->queue)->rcvbuf);
	}
}

static void open_nflog(struct daemon *daemon)
{
	uint16_t group = daemon->snapshot->conf->nflog_group;
	struct error err = { 0 };

	/* verdicts do not depend on it */
	if (group != 0 && !nflog_open(&daemon->nflog, group, &err))
		log_warn("%s; drops in the kernel are only counted there",
			 err.text);
}

static void make_memory(struct daemon *daemon)
{
	uint8_t key[SIPHASH_KEY_SIZE];
	struct error err = { 0 };

	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		fatal(STATUS_UNABLE, "getrandom: %s", strerror(errno));
	if (!hosts_new(&daemon->path.hosts, daemon->snapshot->conf->hosts, key,
		       &err) ||
	    !hosts_new(&daemon->path.connections, DAEMON_CONNECTIONS, key,
		       &err) ||
	    !hosts_new(&daemon->path.nets, DAEMON_NETS, key, &err))
		fatal(STATUS_UNABLE, "%s", err.text);
	journal_init(&daemon->path.journal);
	daemon->path.snapshot = daemon->snapshot;
}

static void watch_queues(struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->queue_count; i++) {
		struct daemon_queue *queue = &daemon->queues[i];

		ev_io_init(&queue->io, on_queue, queue_fd(queue->queue),
			   EV_READ);
		ev_set_priority(&queue->io, EV_MAXPRI);
		queue->io.data = queue;
		ev_io_start(daemon->loop, &queue->io);
	}
}

static void watch(struct daemon *daemon)
{
	double every = notify_watchdog_s();
	struct ev_loop *loop = daemon->loop;
	static char image[512], spf[512];

	watch_queues(daemon);
	ev_io_init(&daemon->on_monitor, on_monitor,
		   kernel_monitor_fd(daemon->monitor), EV_READ);
	ev_io_start(loop, &daemon->on_monitor);
	if (daemon->nflog) {
		ev_io_init(&daemon->on_nflog, on_nflog, nflog_fd(daemon->nflog),
			   EV_READ);
		ev_io_start(loop, &daemon->on_nflog);
	}
	if (daemon->asked >= 0) {
		ev_io_init(&daemon->on_asked, on_asked, daemon->asked, EV_READ);
		ev_io_start(loop, &daemon->on_asked);
	}
	ev_signal_init(&daemon->on_hup, on_hup, SIGHUP);
	ev_signal_start(loop, &daemon->on_hup);
	ev_signal_init(&daemon->on_term, on_stop, SIGTERM);
	ev_signal_start(loop, &daemon->on_term);
	ev_signal_init(&daemon->on_int, on_stop, SIGINT);
	ev_signal_start(loop, &daemon->on_int);
	ev_timer_init(&daemon->second, on_second, 1., 1.);
	ev_timer_start(loop, &daemon->second);
	ev_timer_init(&daemon->heal, on_heal, HEAL_DELAY_S, 0.);
	trial_init(daemon);
	snprintf(image, sizeof(image), "%s/%s",
		 daemon->snapshot->conf->state_dir, IMAGE_NAME);
	ev_stat_init(&daemon->image_file, on_image, image, IMAGE_POLL_S);
	ev_stat_start(loop, &daemon->image_file);
	snprintf(spf, sizeof(spf), "%s/%s", daemon->snapshot->conf->state_dir,
		 SPF_STORE_NAME);
	ev_stat_init(&daemon->spf_file, on_image, spf, IMAGE_POLL_S);
	ev_stat_start(loop, &daemon->spf_file);
	control_start(daemon->control, loop, control_answer, daemon);
	mail_start(daemon->mail, loop, packets_first, daemon);
	if (every > 0) {
		ev_timer_init(&daemon->watchdog, on_watchdog, every, every);
		ev_timer_start(loop, &daemon->watchdog);
	}
}

/* The loop, and what wakes it from the worker: before the filter, as both open
 * descriptors. */
static void make_loop(struct daemon *daemon)
{
	struct error err = { 0 };

	signal(SIGPIPE, SIG_IGN);
	daemon->loop = ev_default_loop(EVFLAG_NOENV);
	if (!daemon->loop)
		fatal(STATUS_UNABLE, "libev cannot start");
	ev_set_userdata(daemon->loop, daemon);
	ev_async_init(&daemon->on_result, on_result);
	ev_async_start(daemon->loop, &daemon->on_result);
	watch(daemon);
	if (!worker_start(&daemon->worker, daemon->applier, daemon->config,
			  daemon->snapshot, wake, daemon, &err))
		fatal(STATUS_UNABLE, "%s", err.text);
}

static void stop(struct daemon *daemon)
{
	notify("STOPPING=1");
	/* what waits in the queue gets its verdict; the kernel would drop it */
	for (size_t i = 0; i < daemon->queue_count; i++) {
		read_queue(daemon, daemon->queues[i].queue,
			   QUEUE_LENGTH / QUEUE_BATCH);
		queue_close(daemon->queues[i].queue);
	}
	journal_drain(&daemon->path.journal, on_decision, daemon);
	worker_stop(daemon->worker);
	control_close(daemon->control);
	mail_close(daemon->mail);
	nflog_close(daemon->nflog);
	kernel_monitor_close(daemon->monitor);
	kernel_close(daemon->kernel);
	kernel_close(daemon->applier);
	ev_loop_destroy(daemon->loop);
	hosts_free(daemon->path.hosts);
	hosts_free(daemon->path.connections);
	hosts_free(daemon->path.nets);
	trial_clear(daemon);
	snapshot_free(daemon->snapshot);
}

int main(int argc, char **argv)
{
	static struct daemon daemon;
	struct error err = { 0 }, missing = { 0 };
	int status;

	log_init(DAEMON_NAME);
	status = options_read(DAEMON_NAME, help, &daemon.config, argc, argv);
	if (status >= 0)
		return status;

	/* configuration, country data, signatures */
	if (!snapshot_load(&daemon.snapshot, daemon.config, say, NULL, &missing,
			   &err))
		fatal(STATUS_USAGE, "no start: %s", err.text);
	if (missing.kind != ERROR_NONE)
		log_warn("%s", missing.text);
	if (daemon.snapshot->conf->spf_problem)
		log_warn("%s; nothing is exempt by exempt.spf",
			 daemon.snapshot->conf->spf_problem);
	daemon.json = daemon.snapshot->conf->log_json;
	daemon.started = (uint64_t)time(NULL);
	if (!rights_find(&daemon.rights, RIGHTS_GEOBLOCKD,
			 daemon.snapshot->conf->user, &err))
		fatal(STATUS_USAGE, "%s", err.text);

	/* are we the only one? */
	if (!instance_take(daemon.snapshot->conf->run_dir,
			   daemon.snapshot->conf->table, daemon.rights.uid,
			   &daemon.asked, &err))
		fatal(STATUS_UNABLE, "%s", err.text);

	/* the countries first: they stand, whatever fails from here on */
	open_kernel(&daemon);

	make_memory(&daemon);
	open_queues(&daemon);
	open_nflog(&daemon);
	if (!control_open(&daemon.control, daemon.snapshot->conf->run_dir,
			  CONTROL_SOCKET,
			  daemon.rights.change ? daemon.rights.gid : (gid_t)-1,
			  &err))
		fatal(STATUS_UNABLE, "%s", err.text);
	if (!mail_open(&daemon.mail, daemon.snapshot->conf, &daemon.path, &err))
		fatal(STATUS_UNABLE, "%s", err.text);
	notify_open();

	/* from here on there is only CAP_NET_ADMIN */
	if (!rights_drop(&daemon.rights, &err))
		fatal(STATUS_UNABLE, "%s", err.text);
	make_loop(&daemon);
	if (!rights_filter(&daemon.rights, rights_filter_kind(), &err))
		fatal(STATUS_UNABLE, "%s", err.text);

	log_info("ready: mode=%s queue=%u hosts=%zu signatures=%zu",
		 daemon.snapshot->conf->policy.audit ? "audit" : "enforce",
		 daemon.snapshot->conf->queue, hosts_room(daemon.path.hosts),
		 signatures_count(daemon.snapshot->signatures));
	notify("READY=1");
	log_never_wait();
	/* what changed after it was read, and before it was watched */
	worker_ask(daemon.worker, WORKER_HEAL);
	ev_run(daemon.loop, 0);
	stop(&daemon);
	return STATUS_OK;
}
