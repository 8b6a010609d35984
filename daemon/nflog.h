/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_NFLOG_H
#define DAEMON_NFLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/error.h>

/* NFLOG: copies of what the kernel's table refused by the address alone, so that
 * it is counted and logged by country, system and rule like the rest.  The table
 * limits their rate: they are a sample; its counters have the number. */

struct nflog;

struct nflog_stats {
	uint64_t packets;
	uint64_t malformed; /* messages that are no copies */
	uint64_t overruns;  /* ENOBUFS: copies lost */
};

/* nflog_open - hear of a group.  Needs CAP_NET_ADMIN. */
bool nflog_open(struct nflog **out, uint16_t group, struct error *err);
void nflog_close(struct nflog *nflog);   /* NULL is allowed */
int nflog_fd(const struct nflog *nflog); /* not blocking; to be polled */
const struct nflog_stats *nflog_stats(const struct nflog *nflog);

/* nflog_read - hand over what waits, a bounded number of messages; where more are
 * there the descriptor stays readable. */
void nflog_read(struct nflog *nflog,
		void (*copy)(void *ctx, const void *payload, size_t len),
		void *ctx);

/* nflog_parse - the copies in what one read gave; false where it is not what the
 * kernel sends, from there on. */
bool nflog_parse(const void *data, size_t len,
		 void (*copy)(void *ctx, const void *payload, size_t len),
		 void *ctx);

#endif
