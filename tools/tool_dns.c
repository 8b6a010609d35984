// SPDX-License-Identifier: GPL-2.0-or-later
/* Questions to the DNS.
 *
 * c-ares sends them, repeats them, goes on to the next server, and takes TCP
 * where an answer was cut; it drops what does not come from the server that was
 * asked, or echoes another question.  The time of a question is ours: c-ares'
 * own grows with servers and tries.  What an answer says is read by
 * tool_dns_parse.c. */
#include "tools/tool_dns.h"

#include <ares.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tool.h"

#define TRIES       3
#define TRY_MIN_MS  200
#define EDNS_BYTES  1232 /* fits a packet on any path, DNS flag day 2020 */
#define SERVERS_MAX 8
#define SOCKETS_MAX 15  /* c-ares' macros shift the 16th out of an int */
#define NAME_MAX_   254 /* RFC 1035 2.3.4, as text with its NUL */

struct tool_dns {
	ares_channel channel;
	unsigned timeout_ms;
};

/* ---- opening ---- */

static bool set_servers(struct tool_dns *dns, const struct conf *conf,
			struct error *err)
{
	char list[SERVERS_MAX * (ADDR_TEXT_MAX + 16)], text[ADDR_TEXT_MAX];
	size_t used = 0;
	int status;

	if (conf->dns_count == 0)
		return true;
	for (size_t i = 0; i < conf->dns_count && i < SERVERS_MAX; i++) {
		bool v6 = conf->dns[i].addr.family == 6;

		used += (size_t)snprintf(list + used, sizeof(list) - used,
					 "%s%s%s%s:%u", i ? "," : "",
					 v6 ? "[" : "",
					 addr_format(&conf->dns[i].addr, text),
					 v6 ? "]" : "", conf->dns[i].port);
	}
	status = ares_set_servers_ports_csv(dns->channel, list);
	return status == ARES_SUCCESS ||
	       error_set(err, ERROR_SYSTEM, 0, "DNS server %s: %s", list,
			 ares_strerror(status));
}

bool tool_dns_open(struct tool_dns **out, const struct conf *conf,
		   unsigned timeout_ms, struct error *err)
{
	unsigned one = timeout_ms / (TRIES + 2);
	struct ares_options options = {
		.flags = ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH |
			 ARES_FLAG_NOALIASES,
		.timeout = (int)(one > TRY_MIN_MS ? one : TRY_MIN_MS),
		.tries = TRIES,
		.ednspsz = EDNS_BYTES,
	};
	struct tool_dns *dns = calloc(1, sizeof(*dns));
	int status;

	*out = NULL;
	if (!dns)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	dns->timeout_ms = timeout_ms;
	status = ares_library_init(ARES_LIB_INIT_ALL);
	if (status != ARES_SUCCESS) {
		free(dns);
		return error_set(err, ERROR_SYSTEM, 0, "c-ares: %s",
				 ares_strerror(status));
	}
	status = ares_init_options(&dns->channel, &options,
				   ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS |
					   ARES_OPT_TRIES | ARES_OPT_EDNSPSZ);
	if (status != ARES_SUCCESS) {
		dns->channel = NULL;
		tool_dns_close(dns);
		return error_set(err, ERROR_SYSTEM, 0, "c-ares: %s",
				 ares_strerror(status));
	}
	if (!set_servers(dns, conf, err)) {
		tool_dns_close(dns);
		return false;
	}
	*out = dns;
	return true;
}

void tool_dns_close(struct tool_dns *dns)
{
	if (!dns)
		return;
	if (dns->channel)
		ares_destroy(dns->channel);
	ares_library_cleanup();
	free(dns);
}

void tool_dns_answer_clear(struct tool_dns_answer *answer)
{
	for (size_t i = 0; answer->texts && i < answer->count; i++)
		free(answer->texts[i]);
	free(answer->texts);
	free(answer->addrs);
	memset(answer, 0, sizeof(*answer));
}

/* ---- asking ---- */

/* One question under way. */
struct question {
	const char *name;
	enum tool_dns_type type;
	struct tool_dns_answer *answer;
	enum tool_dns_status status;
	bool done;
};

static enum tool_dns_status trouble(struct tool_dns_answer *answer,
				    const char *why)
{
	snprintf(answer->why, sizeof(answer->why), "%s", why);
	return TOOL_DNS_TROUBLE;
}

static void on_answer(void *ctx, int status, int timeouts,
		      unsigned char *message, int len)
{
	struct question *q = ctx;

	(void)timeouts;
	q->done = true;
	if (message && len > 0)
		q->status = tool_dns_parse(message, (size_t)len, q->name,
					   q->type, q->answer);
	else if (status == ARES_ECANCELLED || status == ARES_ETIMEOUT)
		q->status = trouble(q->answer, "no answer in time");
	else if (status ==
		 ARES_ECONNREFUSED) /* c-ares' word for all of these */
		q->status =
			trouble(q->answer, "no server answers it (SERVFAIL, "
					   "REFUSED, or none is there)");
	else
		q->status = trouble(q->answer, ares_strerror(status));
}

/* Wait for c-ares' sockets, left_ms at most, and let it work on them. */
static void turn(struct tool_dns *dns, int64_t left_ms)
{
	ares_socket_t sockets[SOCKETS_MAX];
	struct pollfd polled[SOCKETS_MAX];
	int ready = ares_getsock(dns->channel, sockets, SOCKETS_MAX);
	struct timeval most = { .tv_sec = left_ms / 1000,
				.tv_usec = left_ms % 1000 * 1000 };
	struct timeval wait, *next = ares_timeout(dns->channel, &most, &wait);
	nfds_t count = 0;
	int rc;

	for (int i = 0; i < SOCKETS_MAX; i++) {
		short events =
			(short)((ARES_GETSOCK_READABLE(ready, i) ? POLLIN : 0) |
				(ARES_GETSOCK_WRITABLE(ready, i) ? POLLOUT
								 : 0));

		if (events)
			polled[count++] = (struct pollfd){ .fd = sockets[i],
							   .events = events };
	}
	rc = poll(polled, count,
		  (int)(next->tv_sec * 1000 + next->tv_usec / 1000 + 1));
	if (rc < 0 && errno != EINTR)
		return;
	if (rc <= 0)
		ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	for (nfds_t i = 0; rc > 0 && i < count; i++)
		ares_process_fd(dns->channel,
				polled[i].revents & (POLLIN | POLLERR | POLLHUP)
					? polled[i].fd
					: ARES_SOCKET_BAD,
				polled[i].revents & POLLOUT ? polled[i].fd
							    : ARES_SOCKET_BAD);
}

/* Labels of 1 to 63 of the characters that names are made of, 253 in all. */
static bool is_name(const char *name)
{
	size_t len = strlen(name), label = 0;

	if (len == 0 || len >= NAME_MAX_)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (name[i] != '.') {
			if (strchr("-_/", name[i]) == NULL &&
			    !(name[i] >= '0' && name[i] <= '9') &&
			    !((name[i] | 32) >= 'a' && (name[i] | 32) <= 'z'))
				return false;
			label++;
		} else if (label == 0) {
			return false;
		} else {
			label = 0;
		}
		if (label > 63)
			return false;
	}
	return true;
}

enum tool_dns_status tool_dns_ask(struct tool_dns *dns, const char *name,
				  enum tool_dns_type type,
				  struct tool_dns_answer *out)
{
	struct question q = { .name = name, .type = type, .answer = out };
	int64_t until = tool_now_ms() + dns->timeout_ms;

	memset(out, 0, sizeof(*out));
	if (!is_name(name)) {
		snprintf(out->why, sizeof(out->why), "\"%.60s\" is no name",
			 name);
		return TOOL_DNS_VOID;
	}
	ares_query(dns->channel, name, 1 /* IN */, (int)type, on_answer, &q);
	while (!q.done) {
		int64_t left = until - tool_now_ms();

		if (left <= 0)
			ares_cancel(dns->channel);
		else
			turn(dns, left);
	}
	return q.status;
}

/* RFC 1035 3.5, RFC 3596 2.5 */
static void reverse_name(const struct addr *addr, char *name, size_t size)
{
	int n = 0;

	name[0] = '\0';
	if (addr->family == 4) {
		uint32_t a = (uint32_t)addr->value;

		snprintf(name, size, "%u.%u.%u.%u.in-addr.arpa", a & 255,
			 a >> 8 & 255, a >> 16 & 255, a >> 24);
		return;
	}
	for (int i = 0; i < 32; i++)
		n += snprintf(name + n, size - (size_t)n, "%x.",
			      (unsigned)(addr->value >> 4 * i) & 15);
	snprintf(name + n, size - (size_t)n, "ip6.arpa");
}

enum tool_dns_status tool_dns_reverse(struct tool_dns *dns,
				      const struct addr *addr,
				      struct tool_dns_answer *out)
{
	char name[NAME_MAX_];

	reverse_name(addr, name, sizeof(name));
	return tool_dns_ask(dns, name, TOOL_DNS_PTR, out);
}
