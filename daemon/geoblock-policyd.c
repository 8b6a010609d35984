// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock-policyd: the mail server's question about a sender, answered from
 * geoblockd's memory of the SYN, the country data, the reverse DNS that the question
 * has with it, and the greylist.
 *
 * One event loop, no thread: nothing here takes long but a reload, and a mail server
 * waits longer than that. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <geoblock/log.h>

#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/path.h"
#include "daemon/policyd.h"
#include "daemon/policyd_client.h"
#include "daemon/policyd_listen.h"
#include "tools/tool.h"

static const char help[] =
	"usage: geoblock-policyd [OPTION…]\n"
	"\n"
	"  --config FILE   instead of " CONF_DEFAULT_PATH "\n"
	"  --verbose       say more\n"
	"  --help          this text\n"
	"  --version       which version this is\n"
	"\n"
	"Runs in the foreground.  SIGHUP: read configuration and country data "
	"anew.\n"
	"Manual: geoblock-policyd(8).\n";

/* ---- reload ------------------------------------------------------------------- */

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_store(const struct conf_greylist *a,
		       const struct conf_greylist *b)
{
	return a->redis == b->redis && same(a->path, b->path) &&
	       same(a->host, b->host) && a->port == b->port && a->db == b->db &&
	       same(a->user, b->user) && same(a->password, b->password);
}

/* What was opened at start stays. */
static bool keeps(const struct conf *now, const struct conf *next,
		  struct error *err)
{
	const char *what = NULL;

	if (strcmp(now->run_dir, next->run_dir) != 0)
		what = "run-dir";
	else if (!policyd_listen_same(now, next))
		what = "listen";
	else if (!same_store(&now->greylist, &next->greylist))
		what = "store";
	if (!what)
		return true;
	return error_set(err, ERROR_HELD, 0,
			 "%s: \"%s\" cannot change while geoblock-policyd "
			 "runs; restart it for that",
			 next->path, what);
}

static void swap(struct policyd *policyd, struct snapshot *next)
{
	struct snapshot *before = policyd->snapshot;
	int8_t map[RULES_MAX];

	if (path_renumber(&before->conf->policy, &next->conf->policy, map))
		counters_move(&policyd->counters.verdicts, map);
	policyd->snapshot = next;
	service_take(&policyd->service, before);
	greylist_configure(policyd->greylist, next->conf);
	snapshot_free(before);
}

static bool load(struct policyd *policyd, struct error *err)
{
	struct snapshot *next;

	if (!snapshot_load(&next, policyd->config, err))
		return false;
	/* country data that was lost is no better than what runs */
	if (!next->image && policyd->snapshot->image)
		*err = next->missing;
	else if (!snapshot_lost_spf(policyd->snapshot, next, err) &&
		 keeps(policyd->snapshot->conf, next->conf, err)) {
		swap(policyd, next);
		return true;
	}
	snapshot_free(next);
	return false;
}

bool policyd_reload(struct policyd *policyd, struct error *err)
{
	bool ok = load(policyd, err);

	service_reloaded(&policyd->service, ok, ok ? "reloaded" : err->text);
	if (ok)
		log_info("reloaded: mode=%s image=%s",
			 policyd->snapshot->conf->policy.audit ? "audit"
							       : "enforce",
			 policyd->snapshot->image ? policyd->snapshot->digest
						  : "none");
	else
		log_err("%s; what ran before goes on", err->text);
	return ok;
}

/* ---- the loop's events ---------------------------------------------------------- */

static void on_client(void *ctx, int fd)
{
	struct policyd *policyd = ctx;

	policyd_clients_add(policyd->clients, fd);
}

/* geoblockd came or went.  Connections are taken from when it is known which. */
static void on_geoblockd(void *ctx, bool here, const char *why)
{
	struct policyd *policyd = ctx;

	if (here)
		log_info("geoblockd answers");
	else
		log_warn("geoblockd does not answer (%s): everything passes "
			 "until it does",
			 why);
	if (policyd->listening)
		return;
	policyd->listening = true;
	policyd_listen_start(policyd->listeners, policyd->loop, on_client,
			     policyd);
}

static void on_hup(void *ctx)
{
	struct error err = { 0 };

	policyd_reload(ctx, &err);
	notify("READY=1");
}

static void on_data(void *ctx)
{
	struct error err = { 0 };

	policyd_reload(ctx, &err);
}

/* ---- start, in pieces -------------------------------------------------------- */

static void raise_limit(void)
{
	struct rlimit limit;
	rlim_t want = POLICYD_CLIENTS_MAX + POLICYD_FDS_BESIDE;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want)
		return;
	limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < want)
		log_warn("only %lu files may be open (RLIMIT_NOFILE); %lu are "
			 "wanted for %d connections",
			 (unsigned long)limit.rlim_cur, (unsigned long)want,
			 POLICYD_CLIENTS_MAX);
}

static void open_sockets(struct policyd *policyd)
{
	const struct conf *conf = policyd->snapshot->conf;
	gid_t gid = policyd->rights.change ? policyd->rights.gid : (gid_t)-1;
	struct error err = { 0 };
	int control_fd;
	bool ok;

	if (!policyd_listen_open(&policyd->listeners, conf, &control_fd, &err))
		fatal(STATUS_UNABLE, "%s", err.text);
	ok = control_fd >= 0
		     ? control_take(&policyd->service.control, control_fd, &err)
		     : control_open(&policyd->service.control, conf->run_dir,
				    POLICYD_CONTROL, gid, &err);
	/* mail does not depend on it */
	if (!ok)
		log_warn("%s; geoblock status and geoblock greylist cannot ask",
			 err.text);
}

/* Before the filter: descriptors and threads. */
static void make_loop(struct policyd *policyd)
{
	struct service *service = &policyd->service;
	struct error err = { 0 };

	journal_init(&policyd->journal);
	policyd->loop = service_loop(policyd);
	/* signals are the loop's only after it: a database is looked through for as
	 * long as the disk takes */
	if (!policyd_recent_init(&policyd->recent, &err) ||
	    !policyd_clients_new(&policyd->clients, policyd, &err) ||
	    !greylist_open(&policyd->greylist, policyd->snapshot->conf,
			   policyd->loop, &err))
		fatal(STATUS_UNABLE, "%s", err.text);
	service->snapshot = &policyd->snapshot;
	service->journal = &policyd->journal;
	service->reload = on_hup;
	service->data = on_data;
	service_start(service, policyd->loop);
	if (service->control)
		control_start(service->control, policyd->loop,
			      policyd_control_answer, policyd);
}

static void stop(struct policyd *policyd)
{
	notify("STOPPING=1");
	policyd_listen_close(policyd->listeners);
	policyd_syn_close(policyd->syn);
	greylist_close(policyd->greylist);
	policyd_clients_free(policyd->clients);
	control_close(policyd->service.control);
	ev_loop_destroy(policyd->loop);
	snapshot_free(policyd->snapshot);
}

int main(int argc, char **argv)
{
	static struct policyd policyd;
	struct error err = { 0 };
	const struct conf *conf;
	int status;

	log_init(POLICYD_NAME);
	status = options_read(POLICYD_NAME, help, &policyd.config, argc, argv);
	if (status >= 0)
		return status;

	if (!snapshot_load(&policyd.snapshot, policyd.config, &err))
		fatal(STATUS_USAGE, "no start: %s", err.text);
	service_tell_image(&policyd.service, policyd.snapshot);
	conf = policyd.snapshot->conf;
	policyd.started = (uint64_t)time(NULL);
	if (!rights_find(&policyd.rights, RIGHTS_POLICYD, conf->policyd_user,
			 &err))
		fatal(STATUS_USAGE, "%s", err.text);
	raise_limit();
	open_sockets(&policyd);
	if (policyd.rights.change &&
	    !greylist_prepare(conf, policyd.rights.uid, policyd.rights.gid,
			      &err))
		fatal(STATUS_UNABLE, "%s", err.text);
	notify_open();

	/* from here on there is no capability: threads, which begin with what their
	 * maker has, come after it */
	if (!rights_drop(&policyd.rights, &err))
		fatal(STATUS_UNABLE, "%s", err.text);
	make_loop(&policyd);
	/* … and no file to be opened for writing */
	if (!rights_filter(&policyd.rights, rights_filter_kind(), &err))
		fatal(STATUS_UNABLE, "%s", err.text);
	log_info("ready: mode=%s header=%s",
		 conf->policy.audit ? "audit" : "enforce",
		 conf->policyd_header ? "on" : "off");
	if (!policyd_syn_open(&policyd.syn, policyd.loop, conf->run_dir,
			      on_geoblockd, &policyd, &err))
		fatal(STATUS_UNABLE, "%s", err.text);
	notify("READY=1");
	ev_run(policyd.loop, 0);
	stop(&policyd);
	return STATUS_OK;
}
