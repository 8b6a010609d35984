/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include <ev.h>

#include <geoblock/kernel.h>

#include "daemon/path.h"
#include "daemon/queue.h"
#include "daemon/rights.h"
#include "daemon/snapshot.h"
#include "daemon/worker.h"

/* geoblockd, as its parts see it. */

#define DAEMON_NAME        "geoblockd"
#define DAEMON_QUEUES_MAX  64
#define DAEMON_CONNECTIONS 32768 /* remembered by address and port */
#define DAEMON_NETS        8192  /* remembered by /64 */

struct control;
struct mail;
struct nflog;

struct daemon_queue {
	struct queue *queue;
	uint16_t number;
	ev_io io;
};

/* How the latest reload went, for status. */
struct last_reload {
	uint64_t time; /* seconds since 1970; 0: none yet */
	bool ok;
	char text[512];
};

/* A reload on trial: what ran before comes back unless somebody says yes. */
struct trial {
	unsigned asked_s;        /* of the reload under way; 0: no trial */
	struct snapshot *before; /* NULL: none waits */
	uint64_t until;          /* seconds since 1970 */
	const char *result; /* of the latest: "confirmed", "reverted"; NULL */
	ev_timer timer;
};

struct daemon {
	const char *config;
	struct snapshot *snapshot; /* replaced whole, between packets */
	struct path path;
	struct daemon_queue queues[DAEMON_QUEUES_MAX];
	size_t queue_count;
	struct kernel *kernel;          /* the loop's own, for counters */
	struct kernel *applier;         /* the worker's */
	struct kernel_monitor *monitor; /* NULL: not watched */
	struct nflog *nflog;            /* NULL: not heard of */
	struct worker *worker;
	struct control *control; /* NULL: there is no socket */
	struct mail *mail;       /* NULL: the same */
	struct rights rights;
	int asked; /* instance_take() */
	struct last_reload reload;
	struct trial trial;
	uint64_t started; /* seconds since 1970 */
	uint64_t healed;  /* times that the table was put right */
	bool json;        /* log lines */
	bool alike_told[2];

	struct ev_loop *loop;
	ev_signal on_hup, on_term, on_int;
	ev_async on_result;
	ev_timer second, watchdog, heal;
	ev_io on_monitor, on_nflog, on_asked;
	ev_stat image_file, spf_file;
};

#endif
