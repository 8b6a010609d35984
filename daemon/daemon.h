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
#include "daemon/service.h"
#include "daemon/snapshot.h"
#include "daemon/worker.h"

/* geoblockd, as its parts see it. */

#define DAEMON_NAME        "geoblockd"
#define DAEMON_QUEUES_MAX  64
#define DAEMON_CONNECTIONS 32768 /* remembered by address and port */
#define DAEMON_NETS        8192  /* remembered by /64 */

struct mail;
struct nflog;

struct daemon_queue {
	struct queue *queue;
	uint16_t number;
	ev_io io;
};

/* A reload on trial: what ran before comes back unless somebody says yes. */
struct trial {
	unsigned asked_s;        /* of the reload asked for; 0: no trial */
	uint64_t number;         /* of that reload, worker_ask() */
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
	struct mail *mail; /* NULL: there is no socket */
	struct service service;
	struct rights rights;
	int asked; /* instance_take() */
	struct trial trial;
	uint64_t started; /* seconds since 1970 */
	uint64_t healed;  /* times that the table was put right */
	bool alike_told[2];
	uint64_t old_told;      /* seconds since 1970: that its data is old */
	struct error held_told; /* why the table is not what it should be */
	bool track_lost; /* of who changed it, since it was last looked at */

	struct ev_loop *loop;
	ev_async on_result;
	ev_timer heal;
	ev_io on_monitor, on_nflog, on_asked;
};

#endif
