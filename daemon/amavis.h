/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_AMAVIS_H
#define DAEMON_AMAVIS_H

#include <stddef.h>
#include <stdint.h>

#include <ev.h>

#include <geoblock/conf.h>
#include <geoblock/error.h>

#include "daemon/looks.h"

/* What amavisd-new asks p0f-analyzer.pl for, over UDP ($os_fingerprint_method).
 *
 *	request  [ADDR]:PORT NONCE      or [ADDR] NONCE; one datagram
 *	answer   [ADDR]:PORT NONCE Windows 10 or 11; dist: 7; link: DSL CR LF
 *
 * The request comes back word for word, the system stands first; nothing follows
 * the nonce where the sender was not seen for LOOKS_OLD_S, "???" is a system without a name.  As
 * UDP's senders can be forged, whatever is not exactly a request gets no answer, nor
 * does a client with a port below 1024 (where other UDP services are, which would
 * answer an answer) or outside loopback and private networks. */

#define AMAVIS_REQUEST_MAX 128
#define AMAVIS_ANSWER_MAX  320

/* amavis_answer - the answer in out[AMAVIS_ANSWER_MAX]; its length, 0 for ASKED_BAD. */
enum asked amavis_answer(const struct path *path, const char *request,
			 size_t len, char *out, size_t *len_out);

struct amavis;

/* amavis_open - sockets at the addresses of conf; before rights are dropped.
 * Without any, *out is NULL. */
bool amavis_open(struct amavis **out, const struct conf *conf,
		 const struct path *path, struct error *err);
void amavis_close(struct amavis *amavis); /* NULL is allowed */

/* amavis_start - serve in that loop; between(ctx) as for clients_start(). */
void amavis_start(struct amavis *amavis, struct ev_loop *loop,
		  void (*between)(void *ctx), void *ctx);

const uint64_t *amavis_asked(const struct amavis *amavis); /* ASKED_COUNT */

#endif
