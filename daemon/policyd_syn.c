// SPDX-License-Identifier: GPL-2.0-or-later
/* Questions of one round of the loop leave in one write, and answers come back in
 * order, so that a ring of who asked is all the bookkeeping.  Whatever goes wrong
 * (no answer in time, one that is none, a connection that ends) has one outcome:
 * the connection is given up, all who wait hear that geoblockd is away, and a timer
 * tries again.
 *
 * A new connection is asked a question of our own first, and geoblockd counts as here
 * once that is answered: one that hangs takes connections, and each mail would wait
 * for its time-out. */
#include "daemon/policyd_syn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <ev.h>

#include "daemon/text.h"
#include "tools/tool.h"

#define QUESTION_MAX (ADDR_TEXT_MAX + 8) /* "ADDR PORT\n" */

/* A tick is one at most for all the time in which we ourselves were not given the
 * processor: geoblockd is not blamed for that. */
#define TICK_S     0.05
#define LATE_TICKS 6

struct question {
	policyd_syn_done *done;
	void *ctx;
	uint64_t late; /* the tick in which it has waited too long */
};

struct policyd_syn {
	struct ev_loop *loop;
	struct sockaddr_un address;
	void (*change)(void *ctx, bool here, const char *why);
	void *ctx;
	enum { UNSAID, SAID_HERE, SAID_AWAY } said;
	bool here;
	int fd; /* -1: no connection */
	double wait_s;
	ev_io io;
	ev_timer retry;
	ev_timer tick; /* while somebody waits */
	uint64_t ticks;
	ev_prepare flush;
	struct question ring[POLICYD_SYN_MAX];
	size_t first, count;
	char out[POLICYD_SYN_MAX * QUESTION_MAX];
	size_t out_len;
	char in[4 * TEXT_ANSWER_MAX];
	size_t in_len;
};

const char *policyd_seen_name(enum policyd_seen seen)
{
	static const char *const names[] = { "away", "no", "address",
					     "connection" };

	return names[seen];
}

bool policyd_looks_read(const char *line, struct policyd_looks *out)
{
	char word[32];
	unsigned long confidence;
	char *end;

	memset(out, 0, sizeof(*out)); /* away */
	if (!text_value(line, "seen", word, sizeof(word)))
		return false;
	if (strcmp(word, "no") == 0) {
		out->seen = POLICYD_UNSEEN;
		return true;
	}
	if (strcmp(word, "connection") == 0)
		out->seen = POLICYD_SEEN_CONNECTION;
	else if (strcmp(word, "address") == 0)
		out->seen = POLICYD_SEEN_ADDRESS;
	else
		return false;
	out->alike = text_value(line, "alike", word, sizeof(word)) &&
		     strcmp(word, "yes") == 0;
	if (text_value(line, "os", word, sizeof(word)) &&
	    os_class_parse(word, &out->os) &&
	    text_value(line, "confidence", word, sizeof(word)) && word[0]) {
		confidence = strtoul(word, &end, 10);
		out->confidence = (uint8_t)confidence;
		if (*end == '\0' && confidence <= 100)
			return true;
	}
	memset(out, 0, sizeof(*out));
	return false;
}

bool policyd_syn_here(const struct policyd_syn *syn)
{
	return syn->here;
}

static struct question take(struct policyd_syn *syn)
{
	struct question question = syn->ring[syn->first];

	syn->first = (syn->first + 1) % POLICYD_SYN_MAX;
	syn->count--;
	return question;
}

/* Everybody who waits hears of it after the state is clean: they may ask again. */
static void give_up(struct policyd_syn *syn, const char *why)
{
	static const struct policyd_looks away;
	size_t waiting;

	ev_io_stop(syn->loop, &syn->io);
	ev_timer_stop(syn->loop, &syn->tick);
	if (syn->fd >= 0)
		close(syn->fd);
	syn->fd = -1;
	syn->here = false;
	syn->in_len = syn->out_len = 0;
	ev_timer_stop(syn->loop, &syn->retry);
	ev_timer_set(&syn->retry, syn->wait_s, 0.);
	ev_timer_start(syn->loop, &syn->retry);
	syn->wait_s = 2 * syn->wait_s < POLICYD_SYN_RETRY_MAX_S
			      ? 2 * syn->wait_s
			      : POLICYD_SYN_RETRY_MAX_S;
	if (syn->said != SAID_AWAY) {
		syn->said = SAID_AWAY;
		syn->change(syn->ctx, false, why);
	}
	for (waiting = syn->count; waiting > 0; waiting--) {
		struct question question = take(syn);

		question.done(question.ctx, &away);
	}
}

static void ask(struct policyd_syn *syn, const struct addr *addr, uint16_t port,
		policyd_syn_done *done, void *ctx)
{
	char text[ADDR_TEXT_MAX], tail[8] = "";
	int len;

	addr_format(addr, text);
	if (port)
		snprintf(tail, sizeof(tail), " %u", port);
	len = snprintf(syn->out + syn->out_len, QUESTION_MAX, "%s%s\n", text,
		       tail);
	syn->out_len += (size_t)len;
	syn->ring[(syn->first + syn->count++) % POLICYD_SYN_MAX] =
		(struct question){ done, ctx, syn->ticks + LATE_TICKS };
	if (!ev_is_active(&syn->tick))
		ev_timer_again(syn->loop, &syn->tick);
}

/* The answer to the question of our own. */
static void on_here(void *ctx, const struct policyd_looks *looks)
{
	struct policyd_syn *syn = ctx;

	if (looks->seen == POLICYD_AWAY)
		return;
	syn->here = true;
	syn->wait_s = POLICYD_SYN_RETRY_S;
	if (syn->said != SAID_HERE) {
		syn->said = SAID_HERE;
		syn->change(syn->ctx, true, "");
	}
}

static void connect_to(struct policyd_syn *syn)
{
	static const struct addr loopback = { .family = 4,
					      .value = 0x7f000001 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* a Unix socket is connected at once or not at all */
	if (fd < 0 || connect(fd, (struct sockaddr *)&syn->address,
			      sizeof(syn->address)) != 0) {
		int error = errno;

		if (fd >= 0)
			close(fd);
		give_up(syn, strerror(error));
		return;
	}
	syn->fd = fd;
	syn->in_len = 0;
	ev_io_set(&syn->io, fd, EV_READ);
	ev_io_start(syn->loop, &syn->io);
	ask(syn, &loopback, 0, on_here, syn);
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	connect_to(timer->data);
}

/* One answer; false: the connection was given up. */
static bool on_answer(struct policyd_syn *syn, const char *line)
{
	struct policyd_looks looks;
	struct question question;
	char error[64];

	if (syn->count == 0) {
		give_up(syn, "an answer that nobody asked for");
		return false;
	}
	if (!policyd_looks_read(line, &looks) &&
	    !text_value(line, "error", error, sizeof(error))) {
		give_up(syn, "an answer that cannot be read");
		return false;
	}
	question = take(syn);
	question.done(question.ctx, &looks);
	return syn->fd >= 0;
}

static void receive(struct policyd_syn *syn)
{
	char *line = syn->in, *end;
	ssize_t n;

	n = recv(syn->fd, syn->in + syn->in_len, sizeof(syn->in) - syn->in_len,
		 MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 0 && syn->count == 0) {
		/* it may make room for others while nothing is asked */
		ev_io_stop(syn->loop, &syn->io);
		close(syn->fd);
		syn->fd = -1;
		connect_to(syn);
		return;
	}
	if (n <= 0) {
		give_up(syn, n == 0 ? "it hung up" : strerror(errno));
		return;
	}
	syn->in_len += (size_t)n;
	while ((end = memchr(line, '\n',
			     syn->in_len - (size_t)(line - syn->in)))) {
		*end = '\0';
		if (!on_answer(syn, line))
			return;
		line = end + 1;
	}
	syn->in_len -= (size_t)(line - syn->in);
	memmove(syn->in, line, syn->in_len);
	if (syn->in_len == sizeof(syn->in))
		give_up(syn, "an answer that is too long");
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	receive(io->data);
}

static bool is_late(const struct policyd_syn *syn)
{
	return syn->count > 0 && syn->ring[syn->first].late <= syn->ticks;
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct policyd_syn *syn = timer->data;
	size_t before;

	(void)events;
	syn->ticks++;
	do { /* more answers may lie there than one read takes */
		before = syn->count;
		if (is_late(syn))
			receive(syn);
	} while (syn->count < before);
	if (is_late(syn))
		give_up(syn, "no answer in time");
	else if (syn->count == 0)
		ev_timer_stop(loop, timer);
}

/* What is left is sent when there is room. */
static void want(struct policyd_syn *syn, int events)
{
	if ((syn->io.events & (EV_READ | EV_WRITE)) == events)
		return;
	ev_io_stop(syn->loop, &syn->io);
	ev_io_set(&syn->io, syn->fd, events);
	ev_io_start(syn->loop, &syn->io);
}

/* Before the loop sleeps: what was asked in this round. */
static void on_flush(struct ev_loop *loop, ev_prepare *prepare, int events)
{
	struct policyd_syn *syn = prepare->data;
	ssize_t n;

	(void)loop;
	(void)events;
	if (syn->fd < 0 || syn->out_len == 0)
		return;
	n = send(syn->fd, syn->out, syn->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		give_up(syn, strerror(errno));
		return;
	}
	if (n > 0) {
		syn->out_len -= (size_t)n;
		memmove(syn->out, syn->out + n, syn->out_len);
	}
	want(syn, syn->out_len > 0 ? EV_READ | EV_WRITE : EV_READ);
}

bool policyd_syn_open(struct policyd_syn **out, struct ev_loop *loop,
		      const char *run_dir,
		      void (*change)(void *ctx, bool here, const char *why),
		      void *ctx, struct error *err)
{
	struct policyd_syn *syn = calloc(1, sizeof(*syn));

	*out = syn;
	if (!syn)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	syn->loop = loop;
	syn->change = change;
	syn->ctx = ctx;
	syn->fd = -1;
	syn->wait_s = POLICYD_SYN_RETRY_S;
	syn->address.sun_family = AF_UNIX;
	/* conf keeps run-dir short enough */
	snprintf(syn->address.sun_path, sizeof(syn->address.sun_path),
		 "%.86s/%s", run_dir, TEXT_SOCKET);
	ev_init(&syn->io, on_readable);
	ev_init(&syn->retry, on_retry);
	ev_init(&syn->tick, on_tick);
	syn->tick.repeat = TICK_S;
	/* behind the answers: a loop that was held up finds both */
	ev_set_priority(&syn->tick, EV_MINPRI);
	ev_prepare_init(&syn->flush, on_flush);
	syn->io.data = syn->retry.data = syn->tick.data = syn->flush.data = syn;
	ev_prepare_start(loop, &syn->flush);
	connect_to(syn);
	return true;
}

void policyd_syn_close(struct policyd_syn *syn)
{
	if (!syn)
		return;
	ev_io_stop(syn->loop, &syn->io);
	ev_timer_stop(syn->loop, &syn->retry);
	ev_timer_stop(syn->loop, &syn->tick);
	ev_prepare_stop(syn->loop, &syn->flush);
	if (syn->fd >= 0)
		close(syn->fd);
	free(syn);
}

void policyd_syn_ask(struct policyd_syn *syn, const struct addr *addr,
		     uint16_t port, policyd_syn_done *done, void *ctx)
{
	static const struct policyd_looks away;

	if (syn->here && syn->count < POLICYD_SYN_MAX &&
	    sizeof(syn->out) - syn->out_len >= QUESTION_MAX)
		ask(syn, addr, port, done, ctx);
	else
		done(ctx, &away);
}
