// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/amavis.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUND_MAX 32   /* datagrams of one turn */
#define PORT_MIN  1024 /* below are services: RFC 6335, section 6 */
#define PORT_NFS  2049 /* and one above */
#define NAME_SIZE 128

/* ---- one request ----------------------------------------------------------- */

/* "[ADDR]" with ":PORT" or without, up to a blank; the length, or 0. */
static size_t read_query(const char *text, size_t len, struct addr *addr,
			 uint16_t *port)
{
	const char *close = memchr(text, ']', len), *at = text + 1;
	uint32_t number = 0;

	if (len == 0 || text[0] != '[' || !close)
		return 0;
	if (close - at > 5 && strncasecmp(at, "IPv6:", 5) == 0)
		at += 5; /* RFC 5321 4.1.3 */
	if (!addr_parse(at, (size_t)(close - at), addr, NULL))
		return 0;
	at = close + 1;
	if (at < text + len && *at == ':') {
		for (at++; at < text + len && *at >= '0' && *at <= '9'; at++) {
			number = number * 10 + (uint32_t)(*at - '0');
			if (number > UINT16_MAX)
				return 0;
		}
		if (at[-1] == ':')
			return 0;
	}
	*port = (uint16_t)number;
	return at < text + len && *at == ' ' ? (size_t)(at - text) : 0;
}

static bool is_printable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 ||
		    (unsigned char)text[i] > 0x7e)
			return false;
	return true;
}

/* A line of a mail's header is made of it. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
			*text = '?';
}

static size_t describe(const struct path *path, const struct host *host,
		       char *out, size_t size)
{
	const char *link = looks_link(host);
	struct looks looks;
	int len;

	looks_of(path, host, &looks);
	len = snprintf(out, size, "%.32s%s%.32s; dist: %u%s%s",
		       looks.name[0] ? looks.name : "???",
		       looks.flavour[0] ? " " : "", looks.flavour,
		       host->distance, link[0] ? "; link: " : "", link);
	make_printable(out);
	return (size_t)len;
}

enum asked amavis_answer(const struct path *path, const char *request,
			 size_t len, char *out, size_t *len_out)
{
	const struct host *host;
	char text[NAME_SIZE] = "";
	struct addr addr;
	uint16_t port;
	bool exact;

	*len_out = 0;
	if (len > AMAVIS_REQUEST_MAX ||
	    read_query(request, len, &addr, &port) == 0 ||
	    !is_printable(request, len))
		return ASKED_BAD;
	host = looks_find(path, &addr, port, &exact);
	if (host && looks_are_old(path, host))
		host = NULL;
	if (host)
		describe(path, host, text, sizeof(text));
	*len_out = (size_t)snprintf(out, AMAVIS_ANSWER_MAX, "%.*s %s\r\n",
				    (int)len, request, text);
	return host ? ASKED_FOUND : ASKED_UNKNOWN;
}

/* ---- sockets ---------------------------------------------------------------- */

struct amavis {
	const struct path *path;
	uint64_t asked[ASKED_COUNT];
	struct ev_loop *loop; /* NULL: not started */
	void (*between)(void *ctx);
	void *ctx;
	size_t count;
	struct {
		int fd;
		ev_io io;
	} sockets[CONF_AMAVIS_MAX];
};

union socket_address {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

static socklen_t address_of(const struct conf_server *at,
			    union socket_address *out)
{
	memset(out, 0, sizeof(*out));
	if (at->addr.family == 4) {
		out->in4.sin_family = AF_INET;
		out->in4.sin_port = htons(at->port);
		out->in4.sin_addr.s_addr = htonl((uint32_t)at->addr.value);
		return sizeof(out->in4);
	}
	out->in6.sin6_family = AF_INET6;
	out->in6.sin6_port = htons(at->port);
	for (int i = 0; i < 16; i++)
		out->in6.sin6_addr.s6_addr[i] =
			(uint8_t)(at->addr.value >> (120 - 8 * i));
	return sizeof(out->in6);
}

static bool open_one(int *fd, const struct conf_server *at, struct error *err)
{
	union socket_address address;
	socklen_t size = address_of(at, &address);
	char text[ADDR_TEXT_MAX];
	int on = 1;

	*fd = socket(address.any.sa_family,
		     SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd >= 0 &&
	    (at->addr.family == 4 || setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY,
						&on, sizeof(on)) == 0) &&
	    bind(*fd, &address.any, size) == 0)
		return true;
	return error_set(err, ERROR_SYSTEM, errno, "p0f, amavis: %s port %u",
			 addr_format(&at->addr, text), at->port);
}

bool amavis_open(struct amavis **out, const struct conf *conf,
		 const struct path *path, struct error *err)
{
	struct amavis *amavis;

	*out = NULL;
	if (conf->amavis_count == 0)
		return true;
	amavis = calloc(1, sizeof(*amavis));
	if (!amavis)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	amavis->path = path;
	for (size_t i = 0; i < conf->amavis_count; i++) {
		int *fd = &amavis->sockets[amavis->count++].fd;

		if (!open_one(fd, &conf->amavis[i], err)) {
			amavis_close(amavis);
			return false;
		}
	}
	*out = amavis;
	return true;
}

void amavis_close(struct amavis *amavis)
{
	if (!amavis)
		return;
	for (size_t i = 0; i < amavis->count; i++) {
		if (amavis->loop)
			ev_io_stop(amavis->loop, &amavis->sockets[i].io);
		if (amavis->sockets[i].fd >= 0)
			close(amavis->sockets[i].fd);
	}
	free(amavis);
}

const uint64_t *amavis_asked(const struct amavis *amavis)
{
	return amavis->asked;
}

/* From where an answer is allowed to go. */
static bool is_trusted(const union socket_address *from)
{
	struct addr addr = { .family = 4 };
	uint16_t port = ntohs(from->in4.sin_port);

	if (from->any.sa_family == AF_INET6) {
		port = ntohs(from->in6.sin6_port);
		addr.family = 6;
		for (int i = 0; i < 16; i++)
			addr.value = addr.value << 8 |
				     from->in6.sin6_addr.s6_addr[i];
	} else {
		addr.value = ntohl(from->in4.sin_addr.s_addr);
	}
	return port >= PORT_MIN && port != PORT_NFS && conf_is_local(&addr);
}

static void serve(struct amavis *amavis, int fd)
{
	char request[AMAVIS_REQUEST_MAX + 1], answer[AMAVIS_ANSWER_MAX];
	union socket_address from = { 0 };
	enum asked asked;
	size_t size;

	for (int i = 0; i < ROUND_MAX; i++) {
		socklen_t room = sizeof(from);
		ssize_t len = recvfrom(fd, request, sizeof(request),
				       MSG_DONTWAIT, &from.any, &room);

		if (len < 0)
			return;
		asked = is_trusted(&from)
				? amavis_answer(amavis->path, request,
						(size_t)len, answer, &size)
				: ASKED_BAD;
		amavis->asked[asked]++;
		/* one that is lost is asked for again */
		if (asked != ASKED_BAD)
			(void)!sendto(fd, answer, size,
				      MSG_DONTWAIT | MSG_NOSIGNAL, &from.any,
				      room);
	}
}

static void on_datagram(struct ev_loop *loop, ev_io *io, int events)
{
	struct amavis *amavis = io->data;

	(void)loop;
	(void)events;
	serve(amavis, io->fd);
	amavis->between(amavis->ctx);
}

void amavis_start(struct amavis *amavis, struct ev_loop *loop,
		  void (*between)(void *ctx), void *ctx)
{
	amavis->loop = loop;
	amavis->between = between;
	amavis->ctx = ctx;
	for (size_t i = 0; i < amavis->count; i++) {
		ev_io *io = &amavis->sockets[i].io;

		ev_io_init(io, on_datagram, amavis->sockets[i].fd, EV_READ);
		ev_set_priority(io, EV_MINPRI);
		io->data = amavis;
		ev_io_start(loop, io);
	}
}
