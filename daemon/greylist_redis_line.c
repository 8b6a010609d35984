// SPDX-License-Identifier: GPL-2.0-or-later
/* hiredis writes the commands and parses the answers; the socket and the queue of
 * those who wait are ours, as hiredis's own (of version 0.14) look names up while
 * everybody waits, and end the process when a server says something that nobody asked
 * for. */
#include "daemon/greylist_redis_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_S   2. /* for each answer; who is in a hurry drops earlier */
#define OUTPUT_MAX (1u << 20)
#define ANSWER_MAX 16384 /* bytes of one */

/* Somebody who waits for an answer. */
struct redis_waiter {
	struct redis_waiter *next;
	redis_answer *answer;
	void *arg;
};

/* ---- the parser ---- */

#if HIREDIS_MAJOR < 1
typedef int redis_elements;
#else
typedef size_t redis_elements;
#endif

static redisReplyObjectFunctions bounded;
static void *(*any_array)(const redisReadTask *task, redis_elements elements);

static void *small_array(const redisReadTask *task, redis_elements elements)
{
	return elements <= REDIS_ELEMENTS_MAX ? any_array(task, elements)
					      : NULL;
}

redisReader *redis_line_reader(void)
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

static void fail(struct redis_line *line, const char *why)
{
	line->failed(line->owner, why);
}

static void arm(struct redis_line *line)
{
	ev_timer_stop(line->loop, &line->timer);
	ev_timer_set(&line->timer, ANSWER_S, 0.);
	ev_timer_start(line->loop, &line->timer);
}

/* ---- sending ---- */

static void want(struct redis_line *line, int events)
{
	if ((line->io.events & (EV_READ | EV_WRITE)) == events)
		return;
	ev_io_stop(line->loop, &line->io);
	ev_io_set(&line->io, line->fd, events);
	ev_io_start(line->loop, &line->io);
}

static void flush(struct redis_line *line)
{
	size_t sent = 0;

	while (sent < line->output_len) {
		ssize_t n = send(line->fd, line->output + sent,
				 line->output_len - sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			fail(line, strerror(errno));
			return;
		}
		sent += (size_t)n;
	}
	line->output_len -= sent;
	memmove(line->output, line->output + sent, line->output_len);
	want(line, line->output_len ? EV_READ | EV_WRITE : EV_READ);
}

static bool add_output(struct redis_line *line, const char *data, size_t len)
{
	size_t need = line->output_len + len;

	if (need > OUTPUT_MAX)
		return false;
	if (need > line->output_room) {
		char *grown = realloc(line->output, need + 16384);

		if (!grown)
			return false;
		line->output = grown;
		line->output_room = need + 16384;
	}
	memcpy(line->output + line->output_len, data, len);
	line->output_len = need;
	return true;
}

bool redis_line_send(struct redis_line *line, redis_answer *answer, void *arg,
		     int argc, const char **argv, const size_t *lengths)
{
	struct redis_waiter *waiter =
		line->fd >= 0 ? malloc(sizeof(*waiter)) : NULL;
	char *text = NULL;
	int len = waiter ? redisFormatCommandArgv(&text, argc, argv, lengths)
			 : -1;

	if (len < 0 || !add_output(line, text, (size_t)len)) {
		free(text);
		free(waiter);
		return false;
	}
	free(text);
	*waiter = (struct redis_waiter){ NULL, answer, arg };
	if (!line->first)
		arm(line);
	*line->last = waiter;
	line->last = &waiter->next;
	/* sent when the loop comes round: what is asked until then goes with
	 * it, and nobody's answer comes from within his question */
	want(line, EV_READ | EV_WRITE);
	return true;
}

/* ---- receiving ---- */

static void take_answer(struct redis_line *line, const redisReply *reply)
{
	struct redis_waiter *waiter = line->first;
	char why[160];

	line->unanswered = 0;
	if (!waiter) {
		bool error = reply->type == REDIS_REPLY_ERROR;

		snprintf(why, sizeof(why), "said \"%.100s\" unasked",
			 error ? reply->str : "something");
		fail(line, why);
		return;
	}
	line->first = waiter->next;
	if (!line->first)
		line->last = &line->first;
	waiter->answer(line->ctx, waiter->arg, reply);
	free(waiter);
	if (line->fd < 0)
		return;
	if (line->first)
		arm(line);
	else
		ev_timer_stop(line->loop, &line->timer);
}

static void parse(struct redis_line *line)
{
	void *reply;

	/* an answer may end the connection, and the parser with it */
	while (line->fd >= 0) {
		if (redisReaderGetReply(line->reader, &reply) != REDIS_OK) {
			fail(line, "speaks no Redis protocol");
			return;
		}
		if (!reply)
			return;
		take_answer(line, reply);
		freeReplyObject(reply);
	}
}

/* One read; false: there is no more of it. */
static bool receive_some(struct redis_line *line)
{
	char data[4096];
	ssize_t n = recv(line->fd, data, sizeof(data), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		if (n < 0)
			fail(line, strerror(errno));
		else
			fail(line, "hung up");
		return false;
	}
	line->unanswered += (size_t)n;
	if (redisReaderFeed(line->reader, data, (size_t)n) != REDIS_OK)
		fail(line, "speaks no Redis protocol");
	parse(line);
	if (line->unanswered > ANSWER_MAX)
		fail(line, "an answer is too long");
	return line->fd >= 0 && n == sizeof(data);
}

/* All that lies there, before anybody is told that it is late; an end it has, as no more
 * is asked meanwhile. */
static void receive(struct redis_line *line)
{
	while (receive_some(line))
		;
}

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
	struct redis_line *line = io->data;

	(void)loop;
	if (events & EV_READ)
		receive(line);
	if (line->fd >= 0 && (events & EV_WRITE))
		flush(line);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	fail(timer->data, "does not answer");
}

/* ---- up and down ---- */

void redis_line_init(struct redis_line *line)
{
	line->fd = -1;
	line->last = &line->first;
	ev_init(&line->io, on_io);
	line->io.data = line;
	ev_init(&line->timer, on_timer);
	/* behind the answers: a loop that was held up finds both */
	ev_set_priority(&line->timer, EV_MINPRI);
	line->timer.data = line;
}

bool redis_line_up(struct redis_line *line, int fd)
{
	line->reader = redis_line_reader();
	if (!line->reader) {
		close(fd);
		return false;
	}
	line->fd = fd;
	line->unanswered = 0;
	ev_io_set(&line->io, fd, EV_READ);
	ev_io_start(line->loop, &line->io);
	return true;
}

/* Every waiter hears that there is no answer.  What they ask meanwhile is refused, as
 * it is down. */
static void release(struct redis_line *line)
{
	struct redis_waiter *waiter = line->first, *next;

	line->first = NULL;
	line->last = &line->first;
	for (; waiter; waiter = next) {
		next = waiter->next;
		waiter->answer(line->ctx, waiter->arg, NULL);
		free(waiter);
	}
}

void redis_line_down(struct redis_line *line)
{
	if (line->fd < 0)
		return;
	ev_io_stop(line->loop, &line->io);
	ev_timer_stop(line->loop, &line->timer);
	close(line->fd);
	line->fd = -1;
	redisReaderFree(line->reader);
	line->reader = NULL;
	line->output_len = 0;
	release(line);
}

void redis_line_clear(struct redis_line *line)
{
	redis_line_down(line);
	free(line->output);
	line->output = NULL;
	line->output_room = 0;
}
