// SPDX-License-Identifier: GPL-2.0-or-later
/* probe: the two ends of a TCP connection, for the demo and the tests.
 *
 *   probe hold                       wait; keeps a network namespace alive
 *   probe listen PORT…               answer "220 …" on each, IPv4 and IPv6
 *   probe connect SRC DST PORT MS    one connection
 *   probe steady SRC DST PORT        connections one after another, and one
 * held open, until standard input ends
 *
 * connect prints one word and how long it took: "accepted" (a greeting came),
 * "reset", "timeout" or what else errno says; and "at N" where the listener that
 * greeted is another one than asked for.  Every probe dies with its parent, so that
 * no test leaves one behind. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORTS_MAX         8
#define SLICE_MS          20
#define STEADY_TIMEOUT_MS 10000
#define STEADY_PAUSE_MS   2

#define GREETING     "220 mx.example.com ESMTP "
#define GREETING_MAX 64

static int usage(void)
{
	fputs("usage: probe hold | listen PORT… | connect SRC DST PORT MS | "
	      "steady SRC DST PORT\n",
	      stderr);
	return 2;
}

static int now_ms(void)
{
	static struct timespec start;
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	if (start.tv_sec == 0)
		start = t;
	return (int)((t.tv_sec - start.tv_sec) * 1000 +
		     (t.tv_nsec - start.tv_nsec) / 1000000);
}

/* An address as getaddrinfo() has it; numbers only. */
static struct addrinfo *resolve(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV },
			*list;
	int status = getaddrinfo(host, port, &hints, &list);

	if (status != 0) {
		fprintf(stderr, "probe: %s port %s: %s\n", host, port,
			gai_strerror(status));
		exit(2);
	}
	return list;
}

static int listen_on(const char *port)
{
	struct addrinfo *at = resolve("::", port);
	int s = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

	if (s < 0 ||
	    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
	    bind(s, at->ai_addr, at->ai_addrlen) != 0 || listen(s, 128) != 0) {
		perror("probe: listen");
		exit(3);
	}
	freeaddrinfo(at);
	return s;
}

/* A greeting, then "250" to each line, in a process of its own. */
static _Noreturn void session(int c, const char *port)
{
	char line[256];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dprintf(c, GREETING "%s\r\n", port) < 0)
		_exit(1);
	while (read(c, line, sizeof(line)) > 0)
		if (write(c, "250 ok\r\n", 8) < 0)
			break;
	_exit(0);
}

static void welcome(int listener, const char *port)
{
	int c = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (c < 0)
		return;
	if (fork() == 0)
		session(c, port);
	close(c);
}

static int serve(int count, char **ports)
{
	struct pollfd fds[PORTS_MAX];

	if (count < 1 || count > PORTS_MAX)
		return usage();
	for (int i = 0; i < count; i++)
		fds[i] = (struct pollfd){ .fd = listen_on(ports[i]),
					  .events = POLLIN };
	puts("ready");
	fflush(stdout);
	for (;;) {
		if (poll(fds, (nfds_t)count, -1) < 0)
			return 3;
		for (int i = 0; i < count; i++)
			if (fds[i].revents & POLLIN)
				welcome(fds[i].fd, ports[i]);
	}
}

/* Within *ms, which becomes what is left.  Counted in slices: one that took longer, as
 * the machine was busy elsewhere or stood still, counts as what it was meant to be. */
static bool ready(int s, short events, int *ms)
{
	struct pollfd p = { .fd = s, .events = events };

	for (; *ms > 0; *ms -= SLICE_MS)
		if (poll(&p, 1, *ms < SLICE_MS ? *ms : SLICE_MS) > 0)
			return true;
	return false;
}

static const char *outcome(int error)
{
	switch (error) {
	case 0:
		return "accepted";
	case ECONNREFUSED:
	case ECONNRESET:
		return "reset";
	case ETIMEDOUT:
		return "timeout";
	default:
		return strerror(error);
	}
}

/* 0 if what came is a greeting, else an errno.  *by: the port of who greets. */
static int greeted(int s, int *by)
{
	char line[GREETING_MAX];
	ssize_t n = read(s, line, sizeof(line) - 1);

	if (n < 0)
		return errno;
	if (n == 0)
		return ECONNRESET;
	line[n] = '\0';
	return sscanf(line, GREETING "%d", by) == 1 ? 0 : EPROTO;
}

/* A connection from src: *out is the socket once the greeting is there, else
 * -1. The value is 0 or an errno. */
static int attempt(const char *src, const char *dst, const char *port, int ms,
		   int *out, int *by)
{
	struct addrinfo *from = resolve(src, "0"), *to = resolve(dst, port);
	int s = socket(to->ai_family,
		       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = 0;
	socklen_t size = sizeof(error);

	*out = -1;
	if (s < 0 || bind(s, from->ai_addr, from->ai_addrlen) != 0)
		error = errno;
	else if (connect(s, to->ai_addr, to->ai_addrlen) != 0 &&
		 errno != EINPROGRESS)
		error = errno;
	else if (!ready(s, POLLOUT, &ms))
		error = ETIMEDOUT;
	else if (getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		error = errno;
	if (error == 0 && !ready(s, POLLIN, &ms))
		error = ETIMEDOUT;
	if (error == 0)
		error = greeted(s, by);
	freeaddrinfo(from);
	freeaddrinfo(to);
	if (error == 0)
		*out = s;
	else if (s >= 0)
		close(s);
	return error;
}

static int connect_once(char **argv)
{
	int start = now_ms(), port = atoi(argv[2]), by = port, s;
	int error = attempt(argv[0], argv[1], argv[2], atoi(argv[3]), &s, &by);

	printf("%s %d ms", outcome(error), now_ms() - start);
	printf(by == port ? "\n" : " at %d\n", by);
	return error == 0 ? 0 : 1;
}

/* A line over the session that was open all the time, and its answer. */
static bool still_talking(int s)
{
	int ms = STEADY_TIMEOUT_MS;
	char line[16];

	return s >= 0 && write(s, "NOOP\r\n", 6) == 6 &&
	       ready(s, POLLIN, &ms) && read(s, line, sizeof(line)) >= 3 &&
	       memcmp(line, "250", 3) == 0;
}

static int steady(char **argv)
{
	int held, s, by, tried = 0, accepted = 0;
	bool alive;

	attempt(argv[0], argv[1], argv[2], STEADY_TIMEOUT_MS, &held, &by);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int pause = STEADY_PAUSE_MS;

		if (ready(STDIN_FILENO, POLLIN | POLLHUP, &pause))
			break;
		tried++;
		if (attempt(argv[0], argv[1], argv[2], STEADY_TIMEOUT_MS, &s,
			    &by) == 0)
			accepted++;
		if (s >= 0)
			close(s);
	}
	alive = still_talking(held);
	printf("%d %d %s\n", tried, accepted, alive ? "alive" : "dead");
	return alive && tried == accepted ? 0 : 1;
}

int main(int argc, char **argv)
{
	/* children of a shell that was killed must not stay either */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2)
		return usage();
	if (strcmp(argv[1], "hold") == 0)
		for (;;)
			pause();
	if (strcmp(argv[1], "listen") == 0)
		return serve(argc - 2, argv + 2);
	if (strcmp(argv[1], "connect") == 0 && argc == 6)
		return connect_once(argv + 2);
	if (strcmp(argv[1], "steady") == 0 && argc == 5)
		return steady(argv + 2);
	return usage();
}
