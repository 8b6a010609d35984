/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_POLICYD_CLIENT_H
#define DAEMON_POLICYD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include <geoblock/error.h>

/* Clients of the policy protocol: a mail server keeps a connection for each of its
 * processes, and asks one question at a time on it. */

/* Postfix gives a connection up after 1000 s, or after 300 s without a question
 * (smtpd_policy_service_max_ttl, _max_idle). */
#define POLICYD_CLIENTS_MAX 1280 /* fewer, where RLIMIT_NOFILE is lower */
#define POLICYD_FDS_BESIDE  256  /* descriptors that are not theirs */
#define POLICYD_OF_USER(n)  ((n) - (n) / 5) /* who comes by TCP is one user */
#define POLICYD_IDLE_S      1200.           /* between requests */
#define POLICYD_REQUEST_S   10. /* from a request's first byte to its last */

struct policyd;
struct policyd_clients;

bool policyd_clients_new(struct policyd_clients **out, struct policyd *policyd,
			 struct error *err);
void policyd_clients_free(struct policyd_clients *clients); /* NULL: allowed */

/* policyd_clients_add - serve a connection, which is the clients' from then on.  Where
 * there are too many, the one that is longest without a request has to go; where all
 * are busy, the new one. */
void policyd_clients_add(struct policyd_clients *clients, int fd);

size_t policyd_clients_count(const struct policyd_clients *clients);

#endif
