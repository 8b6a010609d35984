// SPDX-License-Identifier: GPL-2.0-or-later
/* Queues come first in the loop (EV_MAXPRI), a bounded number of batches at a time.
 * Lines of the log are formatted when the verdicts are with the kernel. */
#include "daemon/packets.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <geoblock/log.h>

#include "daemon/daemon.h"
#include "daemon/nflog.h"
#include "tools/tool.h"

#define QUEUE_ROUND 16    /* batches before others have their turn */
#define OLD_S       86400 /* how often old data is told of */

static void read_queue(struct daemon *daemon, struct queue *queue,
		       unsigned batches)
{
	const struct queue_reader reader = { path_judge, path_record,
					     &daemon->path };

	daemon->path.now = (uint64_t)ev_now(daemon->loop);
	queue_read(queue, batches, &reader);
	service_decisions(&daemon->service);
}

static void on_queue(struct ev_loop *loop, ev_io *io, int events)
{
	struct daemon_queue *queue = io->data;

	(void)events;
	read_queue(ev_userdata(loop), queue->queue, QUEUE_ROUND);
}

void packets_first(void *ctx)
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
	service_decisions(&daemon->service);
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

/* Once a day: who watches this log may never see that of a sync that fails. */
static void tell_old(struct daemon *daemon)
{
	const struct snapshot *snapshot = daemon->snapshot;
	time_t now = (time_t)daemon->path.now;
	char date[TOOL_DATE_MAX];
	long days;

	if (!snapshot->image || daemon->path.now < daemon->old_told + OLD_S)
		return;
	for (size_t i = 0; i < snapshot->about.source_count; i++) {
		const struct geo_source *source = &snapshot->about.sources[i];

		if (!tool_is_old(source->date, snapshot->conf->max_age_s, now,
				 &days))
			continue;
		daemon->old_told = daemon->path.now;
		log_warn("country data of %s, %ld days old: older than "
			 "max-age; does geoblock-sync run? (%s)",
			 tool_date(source->date, date), days, source->path);
	}
}

void packets_second(void *ctx)
{
	struct daemon *daemon = ctx;

	daemon->path.now = (uint64_t)ev_now(daemon->loop);
	for (int family = 0; family < 2; family++)
		tell_alike(daemon, family);
	tell_old(daemon);
}

/* ---- start and stop -------------------------------------------------------------- */

static void make_memory(struct daemon *daemon)
{
	const struct snapshot *snapshot = daemon->snapshot;
	struct path *path = &daemon->path;
	uint8_t key[SIPHASH_KEY_SIZE];
	struct error err = { 0 };

	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		fatal(STATUS_UNABLE, "getrandom: %s", strerror(errno));
	if (!hosts_new(&path->hosts, snapshot->conf->hosts, key, &err) ||
	    !hosts_new(&path->connections, DAEMON_CONNECTIONS, key, &err) ||
	    !hosts_new(&path->nets, DAEMON_NETS, key, &err))
		fatal(STATUS_UNABLE, "%s", err.text);
	journal_init(&path->journal);
	path->snapshot = snapshot;
}

static void open_queue(struct daemon *daemon, uint16_t number, bool fail_open)
{
	struct daemon_queue *queue = &daemon->queues[daemon->queue_count];
	const struct queue_options options = { .number = number,
					       .fail_open = fail_open };
	struct error err = { 0 };

	if (!queue_open(&queue->queue, &options, &err))
		fatal(STATUS_UNABLE, "%s", err.text);
	queue->number = number;
	daemon->queue_count++;
	if (queue_stats(queue->queue)->rcvbuf < QUEUE_LENGTH * 512)
		log_warn("queue %u: the socket's buffer has %u bytes only; "
			 "raise net.core.rmem_max",
			 number, queue_stats(queue->queue)->rcvbuf);
}

void packets_open(struct daemon *daemon)
{
	const struct conf *conf = daemon->snapshot->conf;
	struct error err = { 0 };

	make_memory(daemon);
	for (uint16_t i = 0; i < conf->queue_count; i++)
		open_queue(daemon, (uint16_t)(conf->queue + i),
			   !conf->queue_fail_closed);
	/* verdicts do not depend on it */
	if (conf->nflog_group != 0 &&
	    !nflog_open(&daemon->nflog, conf->nflog_group, &err))
		log_warn("%s; drops in the kernel are only counted there",
			 err.text);
}

void packets_start(struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->queue_count; i++) {
		struct daemon_queue *queue = &daemon->queues[i];

		ev_io_init(&queue->io, on_queue, queue_fd(queue->queue),
			   EV_READ);
		ev_set_priority(&queue->io, EV_MAXPRI);
		queue->io.data = queue;
		ev_io_start(daemon->loop, &queue->io);
	}
	if (!daemon->nflog)
		return;
	ev_io_init(&daemon->on_nflog, on_nflog, nflog_fd(daemon->nflog),
		   EV_READ);
	ev_io_start(daemon->loop, &daemon->on_nflog);
}

void packets_close(struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->queue_count; i++) {
		read_queue(daemon, daemon->queues[i].queue,
			   QUEUE_LENGTH / QUEUE_BATCH);
		queue_close(daemon->queues[i].queue);
	}
	nflog_close(daemon->nflog);
	hosts_free(daemon->path.hosts);
	hosts_free(daemon->path.connections);
	hosts_free(daemon->path.nets);
}
