/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_TOOL_DNS_H
#define TOOLS_TOOL_DNS_H

#include <stdbool.h>
#include <stddef.h>

#include <geoblock/addr.h>
#include <geoblock/conf.h>
#include <geoblock/error.h>

/* DNS by c-ares, one question at a time, for the command line and geoblock-sync:
 * never on a path that a stranger's mail waits for. */

struct tool_dns;

/* tool_dns_open - conf's `dns` servers, else the system's.  Each question has
 * timeout_ms in all, retries and TCP after a truncated answer included. */
bool tool_dns_open(struct tool_dns **out, const struct conf *conf,
		   unsigned timeout_ms, struct error *err);
void tool_dns_close(struct tool_dns *dns); /* NULL is allowed */

enum tool_dns_status {
	TOOL_DNS_OK,
	TOOL_DNS_VOID,    /* no such name, or none of this type */
	TOOL_DNS_TROUBLE, /* SERVFAIL, time-out, garbage: may go away */
};

/* What was asked for: names, addresses or texts, as many as there are. */
struct tool_dns_answer {
	struct addr *addrs; /* A, AAAA */
	char **texts; /* TXT: a record's strings joined (RFC 7208 3.3); MX: host
	               * names by preference; PTR: host names */
	size_t count;
	char why[160]; /* where it is not TOOL_DNS_OK */
};
void tool_dns_answer_clear(struct tool_dns_answer *answer);

enum tool_dns_type { TOOL_DNS_A, TOOL_DNS_AAAA, TOOL_DNS_TXT, TOOL_DNS_MX };

enum tool_dns_status tool_dns_ask(struct tool_dns *dns, const char *name,
				  enum tool_dns_type type,
				  struct tool_dns_answer *out);

/* tool_dns_reverse - the PTR names of an address. */
enum tool_dns_status tool_dns_reverse(struct tool_dns *dns,
				      const struct addr *addr,
				      struct tool_dns_answer *out);

#endif
