// SPDX-License-Identifier: GPL-2.0-or-later
/* When there is a connection to Redis; what goes over it is greylist_redis_line.c's.
 *
 *   AWAY ─timer─► CONNECTING ─► GREETING (AUTH, SELECT, PING) ─► UP
 *     ▲                │               │                         │
 *     └────────────────┴───────────────┴── any failure ──────────┘ */
#include "daemon/greylist_redis_link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <geoblock/log.h>

#define PLACES_MAX  8
#define RETRY_MIN_S 0.5
#define RETRY_MAX_S 30.
#define CONNECT_S   2.

enum state { AWAY, CONNECTING, GREETING, UP };

struct place {
	socklen_t len;
	struct sockaddr_storage address;
};

struct redis_link {
	struct ev_loop *loop;
	struct redis_link_events events;
	char name[160];
	char *user, *password;
	unsigned db;
	struct place places[PLACES_MAX];
	size_t place_count, place; /* the one to try next */

	enum state state;
	bool said; /* that it is away */
	double retry_s;
	int fd; /* that is being connected; -1: none */
	ev_io io;
	ev_timer timer; /* to try again, or for the connection */
	struct redis_line line;
};

/* ---- down ---- */

static void arm(struct redis_link *link, double seconds)
{
	ev_timer_stop(link->loop, &link->timer);
	ev_timer_set(&link->timer, seconds, 0.);
	ev_timer_start(link->loop, &link->timer);
}

static void stop_connecting(struct redis_link *link)
{
	if (link->fd < 0)
		return;
	ev_io_stop(link->loop, &link->io);
	close(link->fd);
	link->fd = -1;
}

static void hang_up(struct redis_link *link)
{
	link->state = AWAY;
	stop_connecting(link);
	redis_line_down(&link->line);
}

/* A server's own words may be anybody's. */
static void plain(char *out, size_t size, const char *text)
{
	size_t i = 0;

	for (; text[i] && i + 1 < size; i++)
		out[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
	out[i] = '\0';
}

void redis_link_drop(struct redis_link *link, const char *why)
{
	enum state before = link->state;
	char text[160];

	if (before == AWAY)
		return;
	plain(text, sizeof(text), why);
	hang_up(link);
	arm(link, link->retry_s);
	link->retry_s *= link->retry_s < RETRY_MAX_S / 2 ? 2 : 1;
	if (!link->said)
		log_warn("greylist: %s: %s; going by the local database until "
			 "it is back",
			 link->name, text);
	link->said = true;
	if (before == UP)
		link->events.down(link->events.ctx);
}

static void on_failed(void *owner, const char *why)
{
	redis_link_drop(owner, why);
}

static void drop_errno(struct redis_link *link, int error)
{
	redis_link_drop(link, strerror(error));
}

bool redis_link_send(struct redis_link *link, redis_answer *answer, void *arg,
		     int argc, const char **argv, const size_t *lengths)
{
	return link->state == UP &&
	       redis_line_send(&link->line, answer, arg, argc, argv, lengths);
}

/* ---- up ---- */

static void on_greeting(void *ctx, void *arg, const redisReply *reply)
{
	struct redis_link *link = arg;
	char why[160];

	(void)ctx;
	if (!reply || link->state != GREETING)
		return;
	if (reply->type == REDIS_REPLY_ERROR) {
		snprintf(why, sizeof(why), "%.140s", reply->str);
		redis_link_drop(link, why);
	} else if (reply->type != REDIS_REPLY_STATUS) {
		redis_link_drop(link, "speaks no Redis protocol");
	} else if (strcmp(reply->str, "PONG") == 0) {
		link->state = UP;
		link->events.up(link->events.ctx);
	}
}

static bool say(struct redis_link *link, int argc, const char **argv)
{
	size_t lengths[3];

	for (int i = 0; i < argc; i++)
		lengths[i] = strlen(argv[i]);
	return redis_line_send(&link->line, on_greeting, link, argc, argv,
			       lengths);
}

static void greet(struct redis_link *link)
{
	char db[16];
	const char *auth[3] = { "AUTH", link->password, NULL };
	const char *ping[] = { "PING" };
	const char *select[] = { "SELECT", db };
	int words = 2;
	bool ok = true;

	if (link->user) {
		auth[1] = link->user;
		auth[2] = link->password;
		words = 3;
	}
	link->state = GREETING;
	if (link->password)
		ok = say(link, words, auth);
	snprintf(db, sizeof(db), "%u", link->db);
	if (ok && link->db)
		ok = say(link, 2, select);
	if (!ok || !say(link, 1, ping))
		redis_link_drop(link, "out of memory");
}

static void on_connected(struct ev_loop *loop, ev_io *io, int events)
{
	struct redis_link *link = io->data;
	int fd = link->fd, error = 0;
	socklen_t len = sizeof(error);

	(void)events;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error) {
		drop_errno(link, error);
		return;
	}
	ev_io_stop(loop, io);
	ev_timer_stop(loop, &link->timer);
	link->fd = -1;
	if (redis_line_up(&link->line, fd))
		greet(link);
	else
		redis_link_drop(link, "out of memory");
}

static void try_place(struct redis_link *link)
{
	const struct place *place = &link->places[link->place];
	int on = 1;

	link->place = (link->place + 1) % link->place_count;
	link->state = CONNECTING;
	link->fd = socket(place->address.ss_family,
			  SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (link->fd < 0) {
		drop_errno(link, errno);
		return;
	}
	if (place->address.ss_family != AF_UNIX)
		setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(link->fd, (const struct sockaddr *)&place->address,
		    place->len) != 0 &&
	    errno != EINPROGRESS) {
		drop_errno(link, errno);
		return;
	}
	ev_io_set(&link->io, link->fd, EV_WRITE);
	ev_io_start(link->loop, &link->io);
	arm(link, CONNECT_S);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct redis_link *link = timer->data;

	(void)loop;
	(void)events;
	if (link->state == AWAY)
		try_place(link);
	else
		redis_link_drop(link, "does not answer");
}

/* ---- opening ---- */

static void find_socket(struct redis_link *link, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	/* conf keeps it short enough */
	memcpy(address.sun_path, path,
	       strnlen(path, sizeof(address.sun_path) - 1));
	link->place_count = 1;
	link->places[0].len = sizeof(address);
	memcpy(&link->places[0].address, &address, sizeof(address));
	snprintf(link->name, sizeof(link->name), "unix://%s", path);
}

static void find_host(struct redis_link *link, const char *host, uint16_t port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	char service[8];
	int rc;

	snprintf(link->name, sizeof(link->name),
		 strchr(host, ':') ? "redis://[%.100s]:%u"
				   : "redis://%.100s:%u",
		 host, port);
	snprintf(service, sizeof(service), "%u", port);
	rc = getaddrinfo(host, service, &hints, &found);
	if (rc != 0) {
		log_err("greylist: %s: %s; going by the local database until "
			"the service is started again",
			link->name, gai_strerror(rc));
		return;
	}
	for (const struct addrinfo *a = found;
	     a && link->place_count < PLACES_MAX; a = a->ai_next) {
		struct place *place = &link->places[link->place_count++];

		place->len = a->ai_addrlen;
		memcpy(&place->address, a->ai_addr, a->ai_addrlen);
	}
	freeaddrinfo(found);
}

static bool copy(char **to, const char *text)
{
	*to = text ? strdup(text) : NULL;
	return *to || !text;
}

bool redis_link_open(struct redis_link **out, const struct conf_greylist *conf,
		     struct ev_loop *loop,
		     const struct redis_link_events *events, struct error *err)
{
	struct redis_link *link = calloc(1, sizeof(*link));

	*out = NULL;
	if (!link || !copy(&link->user, conf->user) ||
	    !copy(&link->password, conf->password)) {
		if (link)
			free(link->user);
		free(link);
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	}
	link->loop = loop;
	link->events = *events;
	link->db = conf->db;
	link->fd = -1;
	link->line = (struct redis_line){
		.loop = loop,
		.ctx = events->ctx,
		.failed = on_failed,
		.owner = link,
	};
	redis_line_init(&link->line);
	link->retry_s = RETRY_MIN_S;
	ev_init(&link->io, on_connected);
	link->io.data = link;
	ev_init(&link->timer, on_timer);
	/* behind the connection: a loop that was held up finds both */
	ev_set_priority(&link->timer, EV_MINPRI);
	link->timer.data = link;
	if (conf->path)
		find_socket(link, conf->path);
	else
		find_host(link, conf->host, conf->port);
	if (link->place_count)
		try_place(link);
	*out = link;
	return true;
}

void redis_link_close(struct redis_link *link)
{
	if (!link)
		return;
	hang_up(link);
	ev_timer_stop(link->loop, &link->timer);
	redis_line_clear(&link->line);
	free(link->user);
	if (link->password)
		explicit_bzero(link->password, strlen(link->password));
	free(link->password);
	free(link);
}

void redis_link_good(struct redis_link *link)
{
	link->retry_s = RETRY_MIN_S;
	if (link->said)
		log_info("greylist: %s: is back", link->name);
	link->said = false;
}

bool redis_link_is_up(const struct redis_link *link)
{
	return link->state == UP;
}

const char *redis_link_name(const struct redis_link *link)
{
	return link->name;
}
