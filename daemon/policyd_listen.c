// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/policyd_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <ev.h>

#include "daemon/local_socket.h"
#include "daemon/policyd.h"

#define FIRST_FD      3 /* SD_LISTEN_FDS_START */
#define LISTENERS_MAX (2 * CONF_LISTEN_MAX)
#define BACKLOG       256
#define ACCEPT_ROUND  64 /* connections before others have their turn */

union place {
	struct sockaddr any;
	struct sockaddr_un un;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct listener {
	struct policyd_listeners *all;
	int fd;
	ev_io io;
};

struct policyd_listeners {
	struct listener listeners[LISTENERS_MAX];
	size_t count;
	void (*client)(void *ctx, int fd);
	void *ctx;
};

static socklen_t make_place(const struct conf_listen *listen, union place *out)
{
	memset(out, 0, sizeof(*out));
	if (listen->path[0]) {
		out->un.sun_family = AF_UNIX;
		memcpy(out->un.sun_path, listen->path, sizeof(listen->path));
		return sizeof(out->un);
	}
	if (listen->server.addr.family == 4) {
		out->in.sin_family = AF_INET;
		out->in.sin_addr.s_addr =
			htonl((uint32_t)listen->server.addr.value);
		out->in.sin_port = htons(listen->server.port);
		return sizeof(out->in);
	}
	out->in6.sin6_family = AF_INET6;
	for (int i = 0; i < 16; i++)
		out->in6.sin6_addr.s6_addr[i] =
			(uint8_t)(listen->server.addr.value >> (8 * (15 - i)));
	out->in6.sin6_port = htons(listen->server.port);
	return sizeof(out->in6);
}

static const char *name_of(const struct conf_listen *listen, char *buf,
			   size_t size)
{
	char addr[ADDR_TEXT_MAX];

	addr_format(&listen->server.addr, addr);
	snprintf(buf, size,
		 listen->server.addr.family == 6 ? "[%s]:%u" : "%s:%u", addr,
		 listen->server.port);
	return buf;
}

/* What is configured, or what that means where nothing is. */
static size_t wanted(const struct conf *conf,
		     struct conf_listen out[CONF_LISTEN_MAX])
{
	if (conf->policyd_listen_count > 0) {
		memcpy(out, conf->policyd_listen,
		       conf->policyd_listen_count * sizeof(*out));
		return conf->policyd_listen_count;
	}
	memset(out, 0, sizeof(*out));
	snprintf(out->path, sizeof(out->path), "%.86s/%s", conf->run_dir,
		 POLICYD_SOCKET);
	return 1;
}

bool policyd_listen_same(const struct conf *now, const struct conf *next)
{
	struct conf_listen a[CONF_LISTEN_MAX], b[CONF_LISTEN_MAX];
	size_t count = wanted(now, a);

	if (wanted(next, b) != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (strcmp(a[i].path, b[i].path) != 0 ||
		    a[i].server.addr.family != b[i].server.addr.family ||
		    a[i].server.addr.value != b[i].server.addr.value ||
		    a[i].server.port != b[i].server.port)
			return false;
	return true;
}

/* ---- handed over ------------------------------------------------------------- */

static bool add(struct policyd_listeners *all, int fd, struct error *err)
{
	if (all->count == LISTENERS_MAX) {
		close(fd);
		return error_set(err, ERROR_LIMIT, 0, "more than %d sockets",
				 LISTENERS_MAX);
	}
	all->listeners[all->count].all = all;
	all->listeners[all->count++].fd = fd;
	return true;
}

static bool is_listening_stream(int fd)
{
	int type = 0, accepts = 0;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &len) == 0 &&
	       type == SOCK_STREAM && accepts;
}

/* The n-th of names that are parted by colons is "control". */
static bool is_control(const char *names, unsigned long n)
{
	for (; names && n > 0; n--) {
		names = strchr(names, ':');
		names += names != NULL;
	}
	return names && strncmp(names, "control", 7) == 0 &&
	       (names[7] == ':' || names[7] == '\0');
}

static bool take_handed(struct policyd_listeners *all, int *control_fd,
			struct error *err)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	unsigned long count = fds ? strtoul(fds, NULL, 10) : 0;

	if (!pid || strtol(pid, NULL, 10) != getpid())
		return true;
	for (unsigned long i = 0; i < count && i < LISTENERS_MAX; i++) {
		int fd = FIRST_FD + (int)i;

		if (!is_listening_stream(fd))
			return error_set(err, ERROR_MALFORMED, 0,
					 "the service manager's descriptor %d "
					 "is no listening stream socket",
					 fd);
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
		    fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
			return error_set(err, ERROR_SYSTEM, errno,
					 "descriptor %d", fd);
		if (*control_fd < 0 && is_control(names, i))
			*control_fd = fd;
		else if (!add(all, fd, err))
			return false;
	}
	return true;
}

static bool is_handed(const struct policyd_listeners *all,
		      const union place *place, socklen_t len)
{
	for (size_t i = 0; i < all->count; i++) {
		union place has;
		socklen_t has_len = sizeof(has);

		memset(&has, 0, sizeof(has));
		if (getsockname(all->listeners[i].fd, &has.any, &has_len) ==
			    0 &&
		    memcmp(&has, place, len) == 0)
			return true;
	}
	return false;
}

/* ---- opened ------------------------------------------------------------------ */

static int open_port(const struct conf_listen *at, const union place *place,
		     socklen_t len, struct error *err)
{
	char name[ADDR_TEXT_MAX + 10];
	int one = 1, fd;

	fd = socket(place->any.sa_family,
		    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
	if (fd >= 0 && at->server.addr.family == 6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (fd >= 0 && bind(fd, &place->any, len) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	error_set(err, ERROR_SYSTEM, errno, "cannot listen at %s",
		  name_of(at, name, sizeof(name)));
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool open_one(struct policyd_listeners *all,
		     const struct conf_listen *at, struct error *err)
{
	union place place;
	socklen_t len = make_place(at, &place);
	int fd;

	if (is_handed(all, &place, len))
		return true;
	fd = at->path[0] ? local_socket_listen(at->path, 0666, (gid_t)-1,
					       BACKLOG, err)
			 : open_port(at, &place, len, err);
	return fd >= 0 && add(all, fd, err);
}

bool policyd_listen_open(struct policyd_listeners **out,
			 const struct conf *conf, int *control_fd,
			 struct error *err)
{
	struct policyd_listeners *all = calloc(1, sizeof(*all));
	struct conf_listen places[CONF_LISTEN_MAX];
	size_t count = wanted(conf, places);
	bool ok;

	*out = NULL;
	*control_fd = -1;
	if (!all)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	ok = take_handed(all, control_fd, err);
	/* under a service manager's socket the folder may not be there, nor ours to
	 * make */
	if (ok && conf->policyd_listen_count == 0)
		mkdir(conf->run_dir, 0755);
	for (size_t i = 0; ok && i < count; i++)
		ok = open_one(all, &places[i], err);
	if (!ok) {
		policyd_listen_close(all);
		return false;
	}
	*out = all;
	return true;
}

void policyd_listen_close(struct policyd_listeners *listeners)
{
	if (!listeners)
		return;
	for (size_t i = 0; i < listeners->count; i++)
		close(listeners->listeners[i].fd);
	free(listeners);
}

static void on_connect(struct ev_loop *loop, ev_io *io, int events)
{
	struct listener *listener = io->data;

	(void)loop;
	(void)events;
	for (int i = 0; i < ACCEPT_ROUND; i++) {
		int fd = accept4(listener->fd, NULL, NULL,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		listener->all->client(listener->all->ctx, fd);
	}
}

void policyd_listen_start(struct policyd_listeners *listeners,
			  struct ev_loop *loop,
			  void (*client)(void *ctx, int fd), void *ctx)
{
	listeners->client = client;
	listeners->ctx = ctx;
	for (size_t i = 0; i < listeners->count; i++) {
		struct listener *listener = &listeners->listeners[i];

		ev_io_init(&listener->io, on_connect, listener->fd, EV_READ);
		listener->io.data = listener;
		ev_io_start(loop, &listener->io);
	}
}
