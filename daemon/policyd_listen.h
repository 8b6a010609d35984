/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_POLICYD_LISTEN_H
#define DAEMON_POLICYD_LISTEN_H

#include <stdbool.h>

#include <geoblock/conf.h>
#include <geoblock/error.h>

/* The sockets of the policy protocol: those that the service manager hands over
 * (sd_listen_fds(3): LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES), and those of the
 * configuration that are not among them. */

struct policyd_listeners;
struct ev_loop;

/* policyd_listen_open - *control_fd is the socket handed over under the name
 * "control", or -1.  A Unix socket is made with mode 0666, where a dead one lies in
 * its place; one that somebody listens at is an error.  To be called before rights
 * are dropped. */
bool policyd_listen_open(struct policyd_listeners **out,
			 const struct conf *conf, int *control_fd,
			 struct error *err);
void policyd_listen_close(
	struct policyd_listeners *listeners); /* NULL: allowed */

/* policyd_listen_start - accept connections; `client` owns the descriptor from then
 * on. */
void policyd_listen_start(struct policyd_listeners *listeners,
			  struct ev_loop *loop,
			  void (*client)(void *ctx, int fd), void *ctx);

/* policyd_listen_same - are these the places that were opened at start? */
bool policyd_listen_same(const struct conf *now, const struct conf *next);

#endif
