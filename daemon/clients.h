/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_CLIENTS_H
#define DAEMON_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <ev.h>

#include <geoblock/error.h>

/* A Unix stream socket and its clients, for protocols of one answer a request:
 * the p0f API and the text protocol.
 *
 * Clients are strangers, and many.  What each of them may hold is a slot with
 * fixed buffers: who does not read its answers is not read from.  A request that
 * is begun has to be whole within CLIENTS_PATIENCE_MS, answers have to be read
 * within the same time; between requests a client may be silent for ever, as mail
 * servers are at night, until another one needs its slot: then the one that has
 * asked nothing for longest makes room.  Nobody, counted by user, can have all
 * slots. */

#define CLIENTS_MAX         384 /* two sockets' stay below 1024 descriptors */
#define CLIENTS_OF_USER_MAX 320
#define CLIENTS_PATIENCE_MS 10000
#define CLIENTS_SPARE_MS    1000 /* who asked something since keeps its slot */
#define CLIENTS_INPUT       2048
#define CLIENTS_OUTPUT      4096

enum clients_step {
	CLIENTS_MORE,     /* the request is not whole yet */
	CLIENTS_ANSWERED, /* one request less, one answer more */
	CLIENTS_HANG_UP,  /* the same, and it was the last one */
};

struct clients_protocol {
	size_t request_max; /* bytes; CLIENTS_INPUT at most */
	size_t answer_max;  /* bytes; CLIENTS_OUTPUT at most */
	bool apart;         /* each answer is one write of its own */

	/* The request at the front of in[0..len).  `ended`: the client sends no
	 * more.  Unless the result is CLIENTS_MORE, *used is the length of the
	 * request and *answer_len that of its answer, which may be 0. With
	 * request_max bytes in hand it must not be CLIENTS_MORE. */
	enum clients_step (*answer)(void *ctx, const char *in, size_t len,
				    bool ended, size_t *used, char *out,
				    size_t *answer_len);
};

struct clients_stats {
	size_t now;        /* connected */
	uint64_t accepted; /* since the start, with those turned away */
	uint64_t refused;  /* turned away: no slot was to be had */
	uint64_t evicted;  /* made room for others */
	uint64_t late;     /* hung up on: request not whole, answer not read */
};

struct clients;

/* clients_open - the socket, with that mode and group, made by
 * local_socket_listen().  To be called before rights are dropped.  protocol and ctx
 * are kept. */
bool clients_open(struct clients **out, const char *path, mode_t mode,
		  gid_t gid, const struct clients_protocol *protocol, void *ctx,
		  struct error *err);
void clients_close(struct clients *clients); /* NULL is allowed */

/* clients_start - serve in that loop, at its lowest priority.  between(ctx) is called
 * after each client's turn, of which there may be hundreds in a round: what must not
 * wait for them is done there. */
void clients_start(struct clients *clients, struct ev_loop *loop,
		   void (*between)(void *ctx), void *ctx);

struct clients_stats clients_stats(const struct clients *clients);

#endif
