// SPDX-License-Identifier: GPL-2.0-or-later
/* A connection is a slot, with room for one request and a buffer for what came after
 * it; all of them are allocated at the start.  A request goes
 *
 *	read ─► facts ─► geoblockd: the SYN ─► verdict ─► greylist ─► reply
 *
 * and while it waits for others nothing is read from its connection, so that the slot
 * cannot become somebody else's before they have answered.  Replies are not queued: one fits any socket's
 * buffer, and who sends requests without reading replies is hung up on. */
#include "daemon/policyd_client.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <geoblock/log.h>
#include <geoblock/rdns.h>
#include <geoblock/siphash.h>

#include "daemon/policyd.h"
#include "daemon/policyd_request.h"

#define INPUT_MAX  4096
#define RECENT_MAX 8192 /* messages whose header was given; a power of two */

struct client {
	struct policyd_clients *clients;
	bool waiting;             /* for geoblockd or the greylist */
	bool processing, partial; /* a request has begun and is not whole */
	int fd;                   /* -1: it went */
	uid_t uid;
	ev_io io;
	ev_timer idle;
	struct policyd_parser parser;
	struct policyd_ruling ruling;
	uint16_t port;
	struct timespec began;
	size_t at, len; /* of input */
	char input[INPUT_MAX];
};

struct policyd_clients {
	struct policyd *policyd;
	struct client *slots;
	size_t count;
	uint8_t key[SIPHASH_KEY_SIZE];
	uint64_t recent[RECENT_MAX]; /* hashes of instances */
};

static void on_client(struct ev_loop *loop, ev_io *io, int events);
static void on_idle(struct ev_loop *loop, ev_timer *timer, int events);

bool policyd_clients_new(struct policyd_clients **out, struct policyd *policyd,
			 struct error *err)
{
	struct policyd_clients *clients = calloc(1, sizeof(*clients));

	*out = clients;
	if (clients)
		clients->slots =
			calloc(POLICYD_CLIENTS_MAX, sizeof(struct client));
	if (!clients || !clients->slots) {
		free(clients);
		*out = NULL;
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	}
	for (size_t i = 0; i < POLICYD_CLIENTS_MAX; i++)
		clients->slots[i].fd = -1;
	if (getrandom(clients->key, sizeof(clients->key), 0) !=
	    sizeof(clients->key)) {
		policyd_clients_free(clients);
		*out = NULL;
		return error_set(err, ERROR_SYSTEM, errno, "getrandom");
	}
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
	for (size_t i = 0; i < POLICYD_CLIENTS_MAX; i++)
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
	size_t of_user = 0;

	for (size_t i = 0; i < POLICYD_CLIENTS_MAX; i++) {
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
	*full = !vacant || of_user >= POLICYD_OF_USER_MAX;
	if (!*full)
		return vacant;
	if (of_user >= POLICYD_OF_USER_MAX)
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

/* A port, or 0 where it is none. */
static uint16_t port_of(const char *text)
{
	unsigned long port = 0;

	for (; *text >= '0' && *text <= '9' && port <= UINT16_MAX; text++)
		port = 10 * port + (unsigned long)(*text - '0');
	return *text == '\0' && port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* ---- an answer -------------------------------------------------------------- */

static void count_delay(struct policyd_counters *counters,
			const struct timespec *began)
{
	static const uint32_t bounds[] = POLICYD_DELAYS;
	struct timespec now;
	uint64_t us;
	size_t i = 0;

	clock_gettime(CLOCK_MONOTONIC, &now);
	us = (uint64_t)((now.tv_sec - began->tv_sec) * 1000000 +
			(now.tv_nsec - began->tv_nsec) / 1000);
	while (i < POLICYD_DELAYS_COUNT && us > bounds[i])
		i++;
	counters->delays[i]++;
	counters->delays_us += us;
}

/* Send a reply; the connection is free for the next request.  A client that is gone,
 * or does not read, is hung up on. */
static void reply(struct client *client, enum policyd_action action)
{
	struct policyd *policyd = client->clients->policyd;
	char text[POLICYD_REPLY_MAX];
	size_t len = policyd_reply(policyd->snapshot->conf, &client->ruling,
				   action, text);

	policyd->counters.replies[action]++;
	count_delay(&policyd->counters, &client->began);
	client->waiting = false;
	if (send(client->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)len) {
		hang_up(client);
		return;
	}
	policyd_parser_reset(&client->parser);
	client->partial = false;
}

static void skip(struct client *client, enum policyd_skip why)
{
	client->clients->policyd->counters.skipped[why]++;
	reply(client, POLICYD_DUNNO);
}

/* Whether this message, for whichever of its recipients, got its header before. */
static bool is_again(struct policyd_clients *clients, const char *instance)
{
	uint64_t hash, *slot;

	if (instance[0] == '\0')
		return false;
	hash = siphash(clients->key, instance, strlen(instance));
	slot = &clients->recent[hash % RECENT_MAX];
	if (*slot == hash)
		return true;
	*slot = hash;
	return false;
}

static void note(struct policyd *policyd, const struct client *client)
{
	const struct policyd_ruling *ruling = &client->ruling;
	const struct subject *subject = &ruling->subject;
	struct counters *counters = &policyd->counters.verdicts;
	struct decision decision = {
		.time = (uint64_t)ev_now(policyd->loop),
		.source = ruling->client,
		.sport = client->port,
		.dport = port_of(client->parser.request.server_port),
		.country = subject->country,
		.os = subject->os,
		.confidence = subject->confidence,
		.verdict = ruling->verdict,
		.audit = policyd->snapshot->conf->policy.audit,
		.rdns = subject->has_rdns ? rdns_class_name(subject->rdns)
					  : NULL,
	};
	bool refused = is_refusal(ruling->verdict.action);

	counters->actions[ruling->verdict.action]++;
	counters->reasons[REASON_OF(ruling->verdict.rule)]++;
	counters->os[subject->os].seen++;
	counters->os[subject->os].refused += refused;
	counters->countries[COUNTRY_SLOT(subject->country)].seen++;
	counters->countries[COUNTRY_SLOT(subject->country)].refused += refused;
	if (subject->has_rdns)
		policyd->counters.rdns[subject->rdns]++;
	if (ruling->verdict.action == ACTION_GREYLIST && !decision.audit)
		decision.greylist =
			greylist_answer_name(ruling->greylist.answer);
	journal_note(&policyd->journal, &decision);
	service_decisions(&policyd->service);
}

static void finish(struct client *client)
{
	struct policyd *policyd = client->clients->policyd;
	const struct conf *conf = policyd->snapshot->conf;
	enum policyd_action action;

	/* a reload may have come since the greylist was asked: the verdict is of
	 * the policy that its rule is looked up in */
	client->ruling.verdict =
		policyd_decide(&conf->policy, &client->ruling.subject);
	action = policyd_action(conf, &client->ruling);
	note(policyd, client);
	if (action == POLICYD_PREPEND &&
	    is_again(client->clients, client->parser.request.instance))
		action = POLICYD_DUNNO;
	reply(client, action);
}

static void process(struct client *client);

static void on_greylist(void *ctx, const struct greylist_result *result)
{
	struct client *client = ctx;

	client->clients->policyd->counters.greylist[result->answer]++;
	client->ruling.greylist = *result;
	finish(client);
	process(client);
}

static void on_looks(void *ctx, const struct policyd_looks *looks)
{
	struct client *client = ctx;
	struct policyd *policyd = client->clients->policyd;
	const struct policyd_request *request = &client->parser.request;
	struct subject *subject = &client->ruling.subject;
	struct greylist_triplet triplet = {
		.client = client->ruling.client,
		.sender = request->sender,
		.recipient = request->recipient,
	};
	struct verdict verdict;

	policyd->counters.seen[looks->seen]++;
	if (looks->seen == POLICYD_AWAY) {
		skip(client, POLICYD_SKIP_AWAY);
		process(client);
		return;
	}
	subject->has_os = looks->seen != POLICYD_UNSEEN && !looks->alike;
	if (subject->has_os) {
		subject->os = looks->os;
		subject->confidence = looks->confidence;
	}
	verdict = policyd_decide(&policyd->snapshot->conf->policy, subject);
	if (verdict.action != ACTION_GREYLIST ||
	    policyd->snapshot->conf->policy.audit) {
		finish(client);
		process(client);
		return;
	}
	triplet.regardless = subject->has_os && subject->os == OS_WINDOWS;
	greylist_check(policyd->greylist, &triplet,
		       (uint64_t)ev_now(policyd->loop), on_greylist, client);
}

/* ---- a request -------------------------------------------------------------- */

static enum policyd_skip learn(struct client *client)
{
	const struct policyd_request *request = &client->parser.request;
	const struct snapshot *snapshot = client->clients->policyd->snapshot;
	struct subject *subject = &client->ruling.subject;
	struct addr *addr = &client->ruling.client;
	const char *reverse = request->reverse_client_name;

	memset(&client->ruling, 0, sizeof(client->ruling));
	client->port = port_of(request->client_port);
	if (strcmp(request->protocol_state, "RCPT") != 0)
		return POLICYD_SKIP_STATE;
	if (request->sasl_username[0])
		return POLICYD_SKIP_SASL;
	if (!addr_parse(request->client_address,
			strlen(request->client_address), addr, NULL))
		return POLICYD_SKIP_ADDRESS;
	if (!snapshot->image)
		return POLICYD_SKIP_DATA;
	judge_sender(&snapshot->judge, addr, subject);
	/* older mail servers send the verified name only */
	if (!(request->given & POLICYD_REVERSE_CLIENT_NAME))
		reverse = request->client_name;
	subject->has_rdns = request->given & POLICYD_CLIENT_NAME;
	if (subject->has_rdns)
		subject->rdns = rdns_classify(addr, request->client_name,
					      reverse, NULL);
	return POLICYD_SKIP_NONE;
}

static void on_request(struct client *client)
{
	struct policyd *policyd = client->clients->policyd;
	enum policyd_skip why;

	clock_gettime(CLOCK_MONOTONIC, &client->began);
	policyd->counters.requests++;
	why = learn(client);
	if (why != POLICYD_SKIP_NONE) {
		skip(client, why);
		return;
	}
	client->waiting = true;
	if (client->ruling.subject.exempt || client->ruling.subject.denied)
		finish(client);
	else
		policyd_syn_ask(policyd->syn, &client->ruling.client,
				client->port, on_looks, client);
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
