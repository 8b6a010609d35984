// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblockd: the SYN decided at the kernel boundary.
 *
 * One event loop: the queues first (packets.h), then the table's watch (table.h),
 * signals (service.h) and clients (control.h, mail.h).  What takes long is a worker
 * thread's (worker.h), and comes back by renew.h.  The start is main(), in the
 * order in which it has to happen. */
#include <sys/resource.h>
#include <time.h>

#include <geoblock/log.h>

#include "daemon/daemon.h"
#include "daemon/instance.h"
#include "daemon/mail.h"
#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/packets.h"
#include "daemon/renew.h"
#include "daemon/table.h"
#include "daemon/trial.h"
#include "tools/tool.h"

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

static void on_reload(void *ctx)
{
	struct daemon *daemon = ctx;

	worker_ask(daemon->worker, WORKER_RELOAD);
}

static void on_data(void *ctx)
{
	struct daemon *daemon = ctx;

	worker_ask(daemon->worker, WORKER_IMAGE);
}

static void on_asked(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	instance_answer(io->fd);
}

/* Configuration, country data, signatures. */
static void load(struct daemon *daemon)
{
	const struct conf *conf;
	struct error err = { 0 };

	if (!snapshot_load(&daemon->snapshot, daemon->config, &err))
		fatal(STATUS_USAGE, "no start: %s", err.text);
	conf = daemon->snapshot->conf;
	service_tell_image(&daemon->service, daemon->snapshot);
	if (conf->spf_problem)
		log_warn("%s; nothing is exempt by exempt.spf",
			 conf->spf_problem);
	if (!rights_find(&daemon->rights, RIGHTS_GEOBLOCKD, conf->user, &err))
		fatal(STATUS_USAGE, "%s", err.text);
}

static void open_sockets(struct daemon *daemon)
{
	const struct conf *conf = daemon->snapshot->conf;
	gid_t gid = daemon->rights.change ? daemon->rights.gid : (gid_t)-1;
	struct error err = { 0 };

	if (!control_open(&daemon->service.control, conf->run_dir,
			  CONTROL_SOCKET, gid, &err) ||
	    !mail_open(&daemon->mail, conf, &daemon->path, &err))
		fatal(STATUS_UNABLE, "%s", err.text);
}

/* The loop, and what wakes it: before the filter, as they open descriptors. */
static void make_loop(struct daemon *daemon)
{
	struct service *service = &daemon->service;

	daemon->loop = service_loop(daemon);
	service->snapshot = &daemon->snapshot;
	service->journal = &daemon->path.journal;
	service->reload = on_reload;
	service->data = on_data;
	service->second = packets_second;
	service_start(service, daemon->loop);
	packets_start(daemon);
	table_start(daemon);
	if (daemon->asked >= 0) {
		ev_io_init(&daemon->on_asked, on_asked, daemon->asked, EV_READ);
		ev_io_start(daemon->loop, &daemon->on_asked);
	}
	trial_init(daemon);
	control_start(service->control, daemon->loop, control_answer, daemon);
	mail_start(daemon->mail, daemon->loop, packets_first, daemon);
	renew_start(daemon);
}

static void stop(struct daemon *daemon)
{
	notify("STOPPING=1");
	packets_close(daemon);
	renew_stop(daemon);
	control_close(daemon->service.control);
	mail_close(daemon->mail);
	table_close(daemon);
	ev_loop_destroy(daemon->loop);
	trial_clear(daemon);
	snapshot_free(daemon->snapshot);
}

int main(int argc, char **argv)
{
	static struct daemon daemon;
	struct error err = { 0 };
	int status;

	log_init(DAEMON_NAME);
	status = options_read(DAEMON_NAME, help, &daemon.config, argc, argv);
	if (status >= 0)
		return status;
	daemon.started = (uint64_t)time(NULL);
	load(&daemon);

	/* are we the only one? */
	if (!instance_take(daemon.snapshot->conf->run_dir,
			   daemon.snapshot->conf->table, daemon.rights.uid,
			   &daemon.asked, &err))
		fatal(STATUS_UNABLE, "%s", err.text);

	/* the countries first: they stand, whatever fails from here on */
	table_open(&daemon);
	/* with systemd its unit has seen to it */
	if (getpriority(PRIO_PROCESS, 0) == 0)
		setpriority(PRIO_PROCESS, 0, -WORKER_NICE);
	packets_open(&daemon);
	open_sockets(&daemon);
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
