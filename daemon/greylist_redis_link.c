// SPDX-License-Identifier: GPL-2.0-or-later
/* The connection to Redis, in the loop.  hiredis writes the commands and parses the
 * answers; the socket and the queue of those who wait are ours, as hiredis's own (of
 * version 0.14) look names up while everybody waits, and end the process when a server
 * says something that nobody asked for.
 *
 *   AWAY ─timer─► CONNECTING ─► GREETING (AUTH, SELECT, PING) ─► UP
 *     ▲                │               │                         │
 *     └────────────────┴───────────────┴── any failure ──────────┘
 *
 * A server is not trusted with more than answers: what is longer than any answer of
 * ours, or is none, ends the connection. */
#include "greylist_redis_link.h"

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
#define ANSWER_S    2. /* for each answer; who is in a hurry drops earlier */
#define OUTPUT_MAX  (1u << 20)
#define ANSWER_MAX  16384 /* bytes of one */

enum state { AWAY, CONNECTING, GREETING, UP };

/* Somebody who waits for an answer. */
struct waiter {
	struct waiter *next;
	redis_answer *answer;
	void *arg;
};

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
	int fd;
	ev_io io;
	ev_timer timer; /* to try again, or for an answer */
	redisReader *reader;
	size_t unanswered; /* bytes since the last whole answer */
	char *output;
	size_t output_len, output_room;
	struct waiter *first, **last;
};

/* ---- the parser ---- */

static redisReplyObjectFunctions bounded;
static void *(*any_array)(const redisReadTask *task, int elements);

static void *small_array(const redisReadTask *task, int elements)
{
	return elements <= REDIS_ELEMENTS_MAX ? any_array(task, elements)
					      : NULL;
}

redisReader *redis_link_reader(void)
{
	redisReader *reader = redisReaderCreate();

	if (!reader)
		return NULL;
	if (!any_array) {
		bounded = *reader->fn;
		any_array = bounded.createArray;
		bounded.createArray = small_array;
	}
	reader->fn = &bounded;
	return reader;
}

/* ---- down ---- */

static void arm(struct redis_link *link, double seconds)
{
	ev_timer_stop(link->loop, &link->timer);
	ev_timer_set(&link->timer, seconds, 0.);
	ev_timer_start(link->loop, &link->timer);
}

/* Every waiter hears that there is no answer.  What they ask meanwhile is refused, as
 * the state is AWAY. */
static void release(struct redis_link *link)
{
	struct waiter *waiter = link->first, *next;

	link->first = NULL;
	link->last = &link->first;
	for (; waiter; waiter = next) {
		next = waiter->next;
		waiter->answer(link->events.ctx, waiter->arg, NULL);
		free(waiter);
	}
}

static void hang_up(struct redis_link *link)
{
	link->state = AWAY;
	if (link->fd >= 0) {
		ev_io_stop(link->loop, &link->io);
		close(link->fd);
	}
	link->fd = -1;
	if (link->reader)
		redisReaderFree(link->reader);
	link->reader = NULL;
	link->output_len = 0;
	release(link);
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

static void drop_errno(struct redis_link *link, int error)
{
	redis_link_drop(link, strerror(error));
}

/* ---- sending ---- */

static void want(struct redis_link *link, int events)
{
	if ((link->io.events & (EV_READ | EV_WRITE)) == events)
		return;
	ev_io_stop(link->loop, &link->io);
	ev_io_set(&link->io, link->fd, events);
	ev_io_start(link->loop, &link->io);
}

static void flush(struct redis_link *link)
{
	size_t sent = 0;

	while (sent < link->output_len) {
		ssize_t n = send(link->fd, link->output + sent,
				 link->output_len - sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			drop_errno(link, errno);
			return;
		}
		sent += (size_t)n;
	}
	link->output_len -= sent;
	memmove(link->output, link->output + sent, link->output_len);
	want(link, link->output_len ? EV_READ | EV_WRITE : EV_READ);
}

static bool add_output(struct redis_link *link, const char *data, size_t len)
{
	size_t need = link->output_len + len;

	if (need > OUTPUT_MAX)
		return false;
	if (need > link->output_room) {
		char *grown = realloc(link->output, need + 16384);

		if (!grown)
			return false;
		link->output = grown;
		link->output_room = need + 16384;
	}
	memcpy(link->output + link->output_len, data, len);
	link->output_len = need;
	return true;
}

static bool queue(struct redis_link *link, redis_answer *answer, void *arg,
		  int argc, const char **argv, const size_t *lengths)
{
	struct waiter *waiter = malloc(sizeof(*waiter));
	char *text = NULL;
	int len = waiter ? redisFormatCommandArgv(&text, argc, argv, lengths)
			 : -1;

	if (len < 0 || !add_output(link, text, (size_t)len)) {
		free(text);
		free(waiter);
		return false;
	}
	free(text);
	*waiter = (struct waiter){ NULL, answer, arg };
	if (!link->first)
		arm(link, ANSWER_S);
	*link->last = waiter;
	link->last = &waiter->next;
	/* sent when the loop comes round: what is asked until then goes with
	 * it, and nobody's answer comes from within his question */
	want(link, EV_READ | EV_WRITE);
	return true;
}

bool redis_link_send(struct redis_link *link, redis_answer *answer, void *arg,
		     int argc, const char **argv, const size_t *lengths)
{
	return link->state == UP &&
	       queue(link, answer, arg, argc, argv, lengths);
}

/* ---- receiving ---- */

static void take_answer(struct redis_link *link, const redisReply *reply)
{
	struct waiter *waiter = link->first;
	char why[160];

	link->unanswered = 0;
	if (!waiter) {
		bool error = reply->type == REDIS_REPLY_ERROR;

		snprintf(why, sizeof(why), "said \"%.100s\" unasked",
			 error ? reply->str : "something");
		redis_link_drop(link, why);
		return;
	}
	link->first = waiter->next;
	if (!link->first)
		link->last = &link->first;
	waiter->answer(link->events.ctx, waiter->arg, reply);
	free(waiter);
	if (link->state == AWAY)
		return;
	if (link->first)
		arm(link, ANSWER_S);
	else
		ev_timer_stop(link->loop, &link->timer);
}

static void parse(struct redis_link *link)
{
	void *reply;

	/* an answer may end the connection, and the parser with it */
	while (link->state != AWAY) {
		if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
			redis_link_drop(link, "speaks no Redis protocol");
			return;
		}
		if (!reply)
			return;
		take_answer(link, reply);
		freeReplyObject(reply);
	}
}

/* One read; false: there is no more of it. */
static bool receive_some(struct redis_link *link)
{
	char data[4096];
	ssize_t n = recv(link->fd, data, sizeof(data), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		if (n < 0)
			drop_errno(link, errno);
		else
			redis_link_drop(link, "hung up");
		return false;
	}
	link->unanswered += (size_t)n;
	if (redisReaderFeed(link->reader, data, (size_t)n) != REDIS_OK)
		redis_link_drop(link, "speaks no Redis protocol");
	parse(link);
	if (link->unanswered > ANSWER_MAX)
		redis_link_drop(link, "an answer is too long");
	return link->state != AWAY && n == sizeof(data);
}

/* All that lies there, before anybody is told that it is late; an end it has, as no more
 * is asked meanwhile. */
static void receive(struct redis_link *link)
{
	while (receive_some(link))
		;
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
	return queue(link, on_greeting, link, argc, argv, lengths);
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

static void connected(struct redis_link *link)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error)
		drop_errno(link, error);
	else
		greet(link);
}

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
	struct redis_link *link = io->data;

	(void)loop;
	if (link->state == CONNECTING) {
		connected(link);
		return;
	}
	if (events & EV_READ)
		receive(link);
	if (link->state != AWAY && (events & EV_WRITE))
		flush(link);
}

static void try_place(struct redis_link *link)
{
	const struct place *place = &link->places[link->place];
	int on = 1;

	link->place = (link->place + 1) % link->place_count;
	link->state = CONNECTING;
	link->unanswered = 0;
	link->reader = redis_link_reader();
	link->fd = socket(place->address.ss_family,
			  SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (link->fd < 0 || !link->reader) {
		drop_errno(link, link->reader ? errno : ENOMEM);
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
	arm(link, ANSWER_S);
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
	link->last = &link->first;
	link->retry_s = RETRY_MIN_S;
	ev_init(&link->io, on_io);
	link->io.data = link;
	ev_init(&link->timer, on_timer);
	/* behind the answers: a loop that was held up finds both */
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
	free(link->output);
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
