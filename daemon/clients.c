// SPDX-License-Identifier: GPL-2.0-or-later
/* A turn of a client: one read into its input, then request by request an answer
 * into its output, and the output sent.
 *
 *	recv → | input | → protocol's answer() → | output | → send
 *
 * An answer is made only when the output has room for it.  Where the client does
 * not read, the output stays full, the input is left as it is, and the socket is
 * not read from: the kernel then holds the client up, not us. */
#include "daemon/clients.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/local_socket.h"
#include "tools/tool.h"

#define BACKLOG     512 /* a busy moment; beyond it connect() fails */
#define ACCEPTS_MAX 16  /* in one turn */
#define TICK_S      1.

/* Apart from the slots, which are gone through: what nobody used is not memory. */
struct buffers {
	char in[CLIENTS_INPUT];
	char out[CLIENTS_OUTPUT];
};

struct client {
	struct clients *clients;
	int fd; /* -1: the slot is free */
	uid_t uid;
	ev_io io;
	int64_t asked; /* when the latest request was answered, tool_now_ms() */
	int64_t since; /* something is owed, by either side; 0: nothing */
	bool ended;    /* it sends no more */
	size_t in_len, out_len, out_sent;
	char *in, *out; /* CLIENTS_INPUT, CLIENTS_OUTPUT */
};

struct clients {
	int fd;
	const struct clients_protocol *protocol;
	void *ctx;
	struct ev_loop *loop; /* NULL: not started */
	void (*between)(void *ctx);
	void *between_ctx;
	ev_io io;
	ev_timer tick;
	struct clients_stats stats;
	struct client slots[CLIENTS_MAX];
	struct buffers *buffers; /* one a slot */
};

bool clients_open(struct clients **out, const char *path, mode_t mode,
		  gid_t gid, const struct clients_protocol *protocol, void *ctx,
		  struct error *err)
{
	struct clients *clients = calloc(1, sizeof(*clients));

	*out = NULL;
	if (!clients)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	clients->fd = -1;
	clients->protocol = protocol;
	clients->ctx = ctx;
	clients->buffers = calloc(CLIENTS_MAX, sizeof(*clients->buffers));
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		clients->slots[i].fd = -1;
	if (!clients->buffers) {
		clients_close(clients);
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	}
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		clients->slots[i].in = clients->buffers[i].in;
		clients->slots[i].out = clients->buffers[i].out;
	}
	clients->fd = local_socket_listen(path, mode, gid, BACKLOG, err);
	if (clients->fd < 0) {
		clients_close(clients);
		return false;
	}
	*out = clients;
	return true;
}

static void hang_up(struct client *client)
{
	ev_io_stop(client->clients->loop, &client->io);
	close(client->fd);
	client->fd = -1;
	client->clients->stats.now--;
}

void clients_close(struct clients *clients)
{
	if (!clients)
		return;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (clients->slots[i].fd >= 0)
			hang_up(&clients->slots[i]);
	if (clients->loop) {
		ev_io_stop(clients->loop, &clients->io);
		ev_timer_stop(clients->loop, &clients->tick);
	}
	if (clients->fd >= 0)
		close(clients->fd);
	free(clients->buffers);
	free(clients);
}

struct clients_stats clients_stats(const struct clients *clients)
{
	return clients->stats;
}

/* ---- a client's turn ------------------------------------------------------- */

/* Send what waits; false: the client is gone. */
static bool flush(struct client *client)
{
	while (client->out_sent < client->out_len) {
		ssize_t n = send(client->fd, client->out + client->out_sent,
				 client->out_len - client->out_sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0)
			return false;
		client->out_sent += (size_t)n;
	}
	client->out_len = client->out_sent = 0;
	return true;
}

/* Is there room for another answer? */
static bool has_room(const struct client *client)
{
	const struct clients_protocol *protocol = client->clients->protocol;

	if (protocol->apart)
		return client->out_len == 0;
	return CLIENTS_OUTPUT - client->out_len >= protocol->answer_max;
}

/* Answer what is whole, as far as there is room; false: no more of it. */
static bool answer_all(struct client *client)
{
	struct clients *clients = client->clients;
	const struct clients_protocol *protocol = clients->protocol;
	size_t at = 0, used = 0, len = 0;
	enum clients_step step = CLIENTS_ANSWERED;

	while (step == CLIENTS_ANSWERED && (at < client->in_len)) {
		if (!has_room(client) && !flush(client))
			return false;
		if (!has_room(client))
			break; /* EV_WRITE brings us back */
		step = protocol->answer(clients->ctx, client->in + at,
					client->in_len - at, client->ended,
					&used, client->out + client->out_len,
					&len);
		if (step == CLIENTS_MORE)
			break;
		at += used;
		client->out_len += len;
		client->asked = tool_now_ms();
		client->since = 0;
		if (protocol->apart && !flush(client))
			return false;
	}
	client->in_len -= at;
	memmove(client->in, client->in + at, client->in_len);
	if (step == CLIENTS_HANG_UP) {
		client->ended = true;
		client->in_len = 0;
	}
	/* requests that wait for room must leave something unsent */
	return (step == CLIENTS_ANSWERED && client->in_len > 0) ||
	       flush(client);
}

/* Wait for what comes next; false: nothing does. */
static bool wait_for(struct client *client)
{
	struct ev_loop *loop = client->clients->loop;
	bool unsent = client->out_len > 0;
	int events = unsent ? EV_WRITE : EV_READ;

	if (client->ended && !unsent)
		return false;
	if (!unsent && client->in_len == 0)
		client->since = 0;
	else if (client->since == 0)
		client->since = tool_now_ms();
	if ((client->io.events & (EV_READ | EV_WRITE)) == events)
		return true;
	ev_io_stop(loop, &client->io);
	ev_io_set(&client->io, client->fd, events);
	ev_io_start(loop, &client->io);
	return true;
}

static bool receive(struct client *client)
{
	ssize_t n = recv(client->fd, client->in + client->in_len,
			 CLIENTS_INPUT - client->in_len, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		client->ended = true;
	client->in_len += (size_t)n;
	return true;
}

static void on_client(struct ev_loop *loop, ev_io *io, int events)
{
	struct client *client = io->data;
	struct clients *clients = client->clients;

	(void)loop;
	if (((events & EV_READ) && !receive(client)) || !flush(client) ||
	    !answer_all(client) || !wait_for(client))
		hang_up(client);
	clients->between(clients->between_ctx);
}

/* ---- coming and going ------------------------------------------------------ */

/* The slot for a newcomer: a free one, or that of who has asked nothing for
 * longest, among all or (where the newcomer's user has its share) among that
 * user's.  NULL: there is none to be had. */
static struct client *find_slot(struct clients *clients, uid_t uid)
{
	struct client *vacant = NULL, *oldest = NULL, *own = NULL;
	size_t of_user = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &clients->slots[i];

		if (client->fd < 0) {
			vacant = client;
			continue;
		}
		if (!oldest || client->asked < oldest->asked)
			oldest = client;
		if (client->uid != uid)
			continue;
		of_user++;
		if (!own || client->asked < own->asked)
			own = client;
	}
	if (of_user >= CLIENTS_OF_USER_MAX)
		oldest = own;
	else if (vacant)
		return vacant;
	if (!oldest || tool_now_ms() - oldest->asked < CLIENTS_SPARE_MS)
		return NULL;
	hang_up(oldest);
	clients->stats.evicted++;
	return oldest;
}

static void take_in(struct clients *clients, int fd)
{
	struct ucred who = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(who);
	struct client *client;

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size);
	client = find_slot(clients, who.uid);
	clients->stats.accepted++;
	if (!client) {
		clients->stats.refused++;
		close(fd);
		return;
	}
	clients->stats.now++;
	client->clients = clients;
	client->fd = fd;
	client->uid = who.uid;
	client->asked = tool_now_ms();
	client->since = 0;
	client->ended = false;
	client->in_len = client->out_len = client->out_sent = 0;
	ev_io_init(&client->io, on_client, fd, EV_READ);
	ev_set_priority(&client->io, EV_MINPRI);
	client->io.data = client;
	ev_io_start(clients->loop, &client->io);
}

static void on_connect(struct ev_loop *loop, ev_io *io, int events)
{
	struct clients *clients = io->data;

	(void)events;
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int fd = accept4(clients->fd, NULL, NULL,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0)
			take_in(clients, fd);
		else if (errno == EMFILE || errno == ENFILE)
			ev_io_stop(loop, io); /* until the next tick */
		if (fd < 0)
			break;
	}
	clients->between(clients->between_ctx);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct clients *clients = timer->data;
	int64_t now = tool_now_ms();

	(void)events;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &clients->slots[i];

		if (client->fd < 0 || client->since == 0 ||
		    now - client->since < CLIENTS_PATIENCE_MS)
			continue;
		hang_up(client);
		clients->stats.late++;
	}
	ev_io_start(loop, &clients->io);
}

void clients_start(struct clients *clients, struct ev_loop *loop,
		   void (*between)(void *ctx), void *ctx)
{
	clients->loop = loop;
	clients->between = between;
	clients->between_ctx = ctx;
	ev_io_init(&clients->io, on_connect, clients->fd, EV_READ);
	ev_set_priority(&clients->io, EV_MINPRI);
	clients->io.data = clients;
	ev_io_start(loop, &clients->io);
	ev_timer_init(&clients->tick, on_tick, TICK_S, TICK_S);
	clients->tick.data = clients;
	ev_timer_start(loop, &clients->tick);
}
