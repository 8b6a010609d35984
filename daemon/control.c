// SPDX-License-Identifier: GPL-2.0-or-later
/* Clients of the control socket, each a slot with a buffer for its request and one
 * for what it has not read yet.  Nothing here waits: a client that does not read
 * loses lines of the log, and is hung up on where it is owed an answer. */
#include "daemon/control.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ev.h>

#include "daemon/local_socket.h"

struct client {
	struct control *control;
	int fd; /* -1: the slot is free */
	ev_io io;
	ev_timer idle;
	bool follows, reloads;
	uint64_t reload; /* the number of what it waits for */
	uint64_t lost;   /* lines of the log */
	size_t used;
	char request[CONTROL_LINE_MAX];
	char *output;
	size_t output_len, output_room, output_sent;
};

struct control {
	struct ev_loop *loop; /* NULL: not started */
	control_answerer *answer;
	void *ctx;
	int fd;
	ev_io io;
	uint64_t asked; /* the number of the latest reload */
	struct client clients[CONTROL_CLIENTS_MAX];
};

bool control_take(struct control **out, int fd, struct error *err)
{
	struct control *control = calloc(1, sizeof(*control));

	*out = control;
	if (!control) {
		close(fd);
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	}
	control->fd = fd;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		control->clients[i].fd = -1;
	return true;
}

bool control_open(struct control **out, const char *run_dir, const char *name,
		  gid_t gid, struct error *err)
{
	char path[128]; /* conf keeps run-dir far shorter */
	int fd;

	*out = NULL;
	snprintf(path, sizeof(path), "%.86s/%s", run_dir, name);
	fd = local_socket_listen(path, 0660, gid, CONTROL_CLIENTS_MAX, err);
	return fd >= 0 && control_take(out, fd, err);
}

/* ---- clients ------------------------------------------------------------ */

static void hang_up(struct client *client)
{
	struct ev_loop *loop = client->control->loop;

	ev_io_stop(loop, &client->io);
	ev_timer_stop(loop, &client->idle);
	close(client->fd);
	client->fd = -1;
	free(client->output);
	client->output = NULL;
}

void control_close(struct control *control)
{
	if (!control)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (control->clients[i].fd >= 0)
			hang_up(&control->clients[i]);
	close(control->fd);
	free(control);
}

static void want(struct client *client, int events)
{
	struct ev_loop *loop = client->control->loop;

	if ((client->io.events & (EV_READ | EV_WRITE)) == events)
		return;
	ev_io_stop(loop, &client->io);
	ev_io_set(&client->io, client->fd, events);
	ev_io_start(loop, &client->io);
}

/* Send what waits, as far as it goes; false: the client is gone. */
static bool flush(struct client *client)
{
	while (client->output_sent < client->output_len) {
		ssize_t n =
			send(client->fd, client->output + client->output_sent,
			     client->output_len - client->output_sent,
			     MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			want(client, EV_READ | EV_WRITE);
			return true;
		}
		if (n < 0) {
			hang_up(client);
			return false;
		}
		client->output_sent += (size_t)n;
	}
	client->output_len = client->output_sent = 0;
	want(client, EV_READ);
	return true;
}

/* Queue a line; false where it would pass the bound. */
static bool queue_line(struct client *client, const char *text)
{
	size_t len = strlen(text), need = client->output_len + len + 1;

	if (need > CONTROL_OUTPUT_MAX)
		return false;
	if (need > client->output_room) {
		char *grown = realloc(client->output, need + 4096);

		if (!grown)
			return false;
		client->output = grown;
		client->output_room = need + 4096;
	}
	memcpy(client->output + client->output_len, text, len);
	client->output[need - 1] = '\n';
	client->output_len = need;
	return true;
}

/* An answer that is owed. */
static bool answer(struct client *client, const char *text)
{
	if (queue_line(client, text))
		return flush(client);
	hang_up(client);
	return false;
}

/* One request line; false: the client is gone. */
static bool on_request(struct client *client, const char *line, size_t len)
{
	struct control *control = client->control;
	enum control_later later = CONTROL_NOW;
	char *text = control->answer(control->ctx, line, len, &later);
	bool ok = true;

	/* whoever has his answer does not wait for one */
	if (text)
		later = CONTROL_NOW;
	if (later == CONTROL_RELOADS) {
		client->reloads = true;
		client->reload = control->asked;
	}
	client->follows |= later == CONTROL_FOLLOWS;
	if (later != CONTROL_NOW)
		ev_timer_stop(control->loop, &client->idle);
	if (text)
		ok = answer(client, text);
	free(text);
	return ok;
}

/* Whole lines out of the buffer; the rest stays for the next read. */
static bool take_lines(struct client *client)
{
	char *end;

	while ((end = memchr(client->request, '\n', client->used))) {
		size_t len = (size_t)(end - client->request);

		if (!on_request(client, client->request, len))
			return false;
		client->used -= len + 1;
		memmove(client->request, end + 1, client->used);
	}
	return true;
}

static void on_client(struct ev_loop *loop, ev_io *io, int events)
{
	struct client *client = io->data;
	ssize_t n;

	(void)loop;
	if ((events & EV_WRITE) && !flush(client))
		return;
	if (!(events & EV_READ))
		return;
	n = recv(client->fd, client->request + client->used,
		 sizeof(client->request) - client->used, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(client);
		return;
	}
	client->used += (size_t)n;
	if (!client->follows && !client->reloads)
		ev_timer_again(loop, &client->idle);
	if (take_lines(client) && client->used == sizeof(client->request) &&
	    answer(client, "{\"error\":\"the request is too long\"}"))
		hang_up(client);
}

static void on_idle(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	hang_up(timer->data);
}

static void on_connect(struct ev_loop *loop, ev_io *io, int events)
{
	struct control *control = io->data;
	int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *client = NULL;

	(void)events;
	if (fd < 0)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX && !client; i++)
		if (control->clients[i].fd < 0)
			client = &control->clients[i];
	if (!client) {
		static const char full[] =
			"{\"error\":\"too many clients; try again\"}\n";

		(void)!send(fd, full, sizeof(full) - 1,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
		close(fd);
		return;
	}
	memset(client, 0, sizeof(*client));
	client->control = control;
	client->fd = fd;
	ev_io_init(&client->io, on_client, fd, EV_READ);
	ev_set_priority(&client->io, EV_MINPRI);
	client->io.data = client;
	ev_io_start(loop, &client->io);
	ev_init(&client->idle, on_idle);
	client->idle.repeat = CONTROL_IDLE_S;
	client->idle.data = client;
	ev_timer_again(loop, &client->idle);
}

void control_start(struct control *control, struct ev_loop *loop,
		   control_answerer *answerer, void *ctx)
{
	control->loop = loop;
	control->answer = answerer;
	control->ctx = ctx;
	ev_io_init(&control->io, on_connect, control->fd, EV_READ);
	ev_set_priority(&control->io, EV_MINPRI);
	control->io.data = control;
	ev_io_start(control->loop, &control->io);
}

void control_decision(struct control *control, const char *json)
{
	char text[64];

	for (size_t i = 0; control && i < CONTROL_CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];

		if (client->fd < 0 || !client->follows)
			continue;
		if (client->lost) {
			snprintf(text, sizeof(text), "{\"lost\":%llu}",
				 (unsigned long long)client->lost);
			if (queue_line(client, text))
				client->lost = 0;
		}
		if (client->lost || !queue_line(client, json)) {
			client->lost++;
			continue;
		}
		flush(client);
	}
}

void control_asked(struct control *control, uint64_t number)
{
	if (control)
		control->asked = number;
}

void control_reloaded(struct control *control, uint64_t number,
		      const struct error *err, const char *text)
{
	for (size_t i = 0; control && i < CONTROL_CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];
		char *line;

		if (client->fd < 0 || !client->reloads ||
		    client->reload > number)
			continue;
		client->reloads = false;
		ev_timer_again(control->loop, &client->idle);
		line = control_reload_text(err, text);
		if (line)
			answer(client, line);
		free(line);
	}
}
