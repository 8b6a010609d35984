/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_MAIL_H
#define DAEMON_MAIL_H

#include <stdint.h>

#include <ev.h>

#include <geoblock/conf.h>
#include <geoblock/error.h>

#include "daemon/clients.h"
#include "daemon/looks.h"

/* The sockets that mail programs ask about a sender: p0f's API, the text protocol,
 * amavis's, in one. */

struct mail;

/* mail_open - those that the configuration wants; the text protocol's is always
 * there, as geoblock-policyd needs it.  To be called by who holds the instance's lock,
 * before rights are dropped.  path is kept. */
bool mail_open(struct mail **out, const struct conf *conf,
	       const struct path *path, struct error *err);
void mail_close(struct mail *mail); /* NULL is allowed */

/* mail_start - serve in that loop; between(ctx) as for clients_start(). */
void mail_start(struct mail *mail, struct ev_loop *loop,
		void (*between)(void *ctx), void *ctx);

/* For status and metrics: the protocols that are served. */
#define MAIL_PROTOCOLS 3
struct mail_stats {
	const char *name;      /* "p0f", "text", "amavis" */
	const uint64_t *asked; /* ASKED_COUNT, by how the answer went */
	bool has_clients;
	struct clients_stats clients;
};

size_t mail_stats(const struct mail *mail,
		  struct mail_stats out[MAIL_PROTOCOLS]);

#endif
