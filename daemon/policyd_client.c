// SPDX-License-Identifier: GPL-2.0-or-later
/* A connection is a slot, with room for one request and a buffer for what came after
 * it; all of them are allocated at the start.  While a
 * request has no answer (policyd_question.h) nothing is read from its connection, so that the slot
 * cannot become somebody else's before they have answered.  Replies are not queued: one fits any socket's
 * buffer, and who sends requests without reading replies is hung up on. */
#include "daemon/policyd_client.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <geoblock/log.h>

#include "daemon/policyd.h"
#include "daemon/policyd_question.h"

#define INPUT_MAX 4096

struct client {
	struct policyd_clients *clients;
	bool waiting;             /* for geoblockd or the greylist */
	bool processing, partial; /* a request has begun and is not whole */
	int fd;                   /* -1: it went */
	uid_t uid;
	ev_io io;
	ev_timer idle;
	struct policyd_parser parser;
	struct policyd_question question;
	size_t at, len; /* of input */
	char input[INPUT_MAX];
};

struct policyd_clients {
	struct policyd *policyd;
	struct client *slots;
	size_t max, count;
};

static void on_client(struct ev_loop *loop, ev_io *io, int events);
static void on_idle(struct ev_loop *loop, ev_timer *timer, int events);

/* Descriptors must not run out: idle clients make room for new ones, and a connection
 * that cannot be taken makes none. */
static size_t slots_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur >= POLICYD_CLIENTS_MAX + POLICYD_FDS_BESIDE)
		return POLICYD_CLIENTS_MAX;
	return limit.rlim_cur > 2 * POLICYD_FDS_BESIDE
		       ? limit.rlim_cur - POLICYD_FDS_BESIDE
		       : limit.rlim_cur / 2;
}

bool policyd_clients_new(struct policyd_clients **out, struct policyd *policyd,
			 struct error *err)
{
	struct policyd_clients *clients = calloc(1, sizeof(*clients));

	*out = clients;
	if (clients) {
		clients->max = slots_max();
		clients->slots = calloc(clients->max, sizeof(struct client));
	}
	if (!clients || !clients->slots) {
		free(clients);
		*out = NULL;
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	}
	for (size_t i = 0; i < clients->max; i++)
		clients->slots[i].fd = -1;
	clients->policyd = policyd;
	return true;
}

size_t policyd_clients_count(const struct policyd_clients *clients)
{
	return clients->count;
}

/* ---- coming and going ------------------------------------------------------- */

static void hang_up(struct client *client)
{
	struct ev_loop *loop = client->clients->policyd->loop;

	ev_io_stop(loop, &client->io);
	ev_timer_stop(loop, &client->idle);
	close(client->fd);
	client->fd = -1;
	client->clients->count--;
}

void policyd_clients_free(struct policyd_clients *clients)
{
	if (!clients)
		return;
	for (size_t i = 0; i < clients->max; i++)
		if (clients->slots[i].fd >= 0)
			hang_up(&clients->slots[i]);
	free(clients->slots);
	free(clients);
}

static bool is_idle(const struct client *client)
{
	return !client->waiting && client->parser.total == 0;
}

/* The one of two that is longer idle; NULL: none yet. */
static struct client *longer_idle(struct client *a, struct client *b)
{
	struct ev_loop *loop = b->clients->policyd->loop;

	if (!is_idle(b))
		return a;
	return !a || ev_timer_remaining(loop, &b->idle) <
				       ev_timer_remaining(loop, &a->idle)
		       ? b
		       : a;
}

/* A free slot, made where there is none by hanging up on who is longest idle: among
 * all, or among the newcomer's user's where that one has its share.  NULL: nobody
 * is idle.  *full: there was none. */
static struct client *find_slot(struct policyd_clients *clients, uid_t uid,
				bool *full)
{
	struct client *vacant = NULL, *oldest = NULL, *own = NULL;
	size_t of_user = 0, share = POLICYD_OF_USER(clients->max);

	for (size_t i = 0; i < clients->max; i++) {
		struct client *client = &clients->slots[i];

		if (client->fd < 0) {
			vacant = client;
			continue;
		}
		oldest = longer_idle(oldest, client);
		if (client->uid != uid)
			continue;
		of_user++;
		own = longer_idle(own, client);
	}
	*full = !vacant || of_user >= share;
	if (!*full)
		return vacant;
	if (of_user >= share)
		oldest = own;
	if (oldest)
		hang_up(oldest);
	return oldest;
}

/* The time until the client's next byte has to be here. */
static void set_limit(struct client *client, double seconds)
{
	struct ev_loop *loop = client->clients->policyd->loop;

	ev_timer_stop(loop, &client->idle);
	ev_timer_set(&client->idle, seconds, 0.);
	ev_timer_start(loop, &client->idle);
}

void policyd_clients_add(struct policyd_clients *clients, int fd)
{
	struct policyd *policyd = clients->policyd;
	struct ucred who = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(who);
	struct client *client;
	bool full;

	policyd->counters.connections++;
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size);
	client = find_slot(clients, who.uid, &full);
	if (full && policyd->counters.refused++ == 0)
		log_warn("there are %zu connections, which is the most, in all "
			 "or of one user; idle ones are closed for new ones",
			 clients->count);
	if (!client) {
		close(fd);
		return;
	}
	clients->count++;
	memset(client, 0, offsetof(struct client, input));
	client->clients = clients;
	client->fd = fd;
	client->uid = who.uid;
	policyd_parser_reset(&client->parser);
	ev_io_init(&client->io, on_client, fd, EV_READ);
	ev_init(&client->idle, on_idle);
	client->io.data = client->idle.data = client;
	ev_io_start(policyd->loop, &client->io);
	set_limit(client, POLICYD_IDLE_S);
}

/* ---- an answer -------------------------------------------------------------- */

/* Send a reply; the connection is free for the next request.  A client that is gone,
 * or does not read, is hung up on. */
static void reply(struct client *client, enum policyd_action action)
{
	struct policyd *policyd = client->clients->policyd;
	char text[POLICYD_REPLY_MAX];
	size_t len = policyd_reply(policyd->snapshot->conf,
				   &client->question.ruling, action, text);

	client->waiting = false;
	if (send(client->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)len) {
		hang_up(client);
		return;
	}
	policyd_parser_reset(&client->parser);
	client->partial = false;
}

/* ---- a request -------------------------------------------------------------- */

static void process(struct client *client);

static void on_answer(void *ctx, enum policyd_action action)
{
	struct client *client = ctx;

	reply(client, action);
	process(client);
}

static void on_request(struct client *client)
{
	client->waiting = true;
	client->question = (struct policyd_question){
		.policyd = client->clients->policyd,
		.request = &client->parser.request,
		.done = on_answer,
		.ctx = client,
	};
	policyd_question_ask(&client->question);
}

static void refuse(struct client *client, const char *why)
{
	struct policyd_counters *counters = &client->clients->policyd->counters;

	/* who is connected is trusted with little, and with the log's room as well */
	if (counters->malformed++ < 10)
		log_warn("a policy client sent %s; hung up", why);
	hang_up(client);
}

static void take_requests(struct client *client)
{
	while (client->fd >= 0 && !client->waiting &&
	       client->at < client->len) {
		const char *why = "";
		size_t used;
		enum policyd_parsed parsed = policyd_parse(
			&client->parser, client->input + client->at,
			client->len - client->at, &used, &why);

		client->at += used;
		if (parsed == POLICYD_BAD)
			refuse(client, why);
		else if (parsed == POLICYD_DONE)
			on_request(client);
	}
}

/* The requests that are in the buffer, one after the other; then what to wait for.
 * An answer that needs no waiting gets here from within. */
static void process(struct client *client)
{
	struct ev_loop *loop = client->clients->policyd->loop;

	if (client->processing)
		return;
	client->processing = true;
	take_requests(client);
	client->processing = false;
	if (client->fd < 0)
		return;
	if (client->waiting) {
		ev_io_stop(loop, &client->io);
		ev_timer_stop(loop, &client->idle);
		return;
	}
	ev_io_start(loop, &client->io);
	/* a request's time does not start anew with each byte */
	if (client->parser.total == 0 || !client->partial)
		set_limit(client, client->parser.total > 0 ? POLICYD_REQUEST_S
							   : POLICYD_IDLE_S);
	client->partial = client->parser.total > 0;
}

static void on_client(struct ev_loop *loop, ev_io *io, int events)
{
	struct client *client = io->data;
	ssize_t n = recv(client->fd, client->input, sizeof(client->input),
			 MSG_DONTWAIT);

	(void)loop;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(client);
		return;
	}
	client->at = 0;
	client->len = (size_t)n;
	process(client);
}

static void on_idle(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct client *client = timer->data;
	struct policyd_counters *counters = &client->clients->policyd->counters;

	(void)loop;
	(void)events;
	if (client->partial && counters->slow++ == 0)
		log_warn("a policy client did not finish its request in %.0f "
			 "s; hung up",
			 POLICYD_REQUEST_S);
	hang_up(client);
}
