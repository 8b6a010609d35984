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
 * timeout_ms in all, retries and TCP after a truncated answer included.  Reads
 * what of the system's files it needs; asking opens no file. */
bool tool_dns_open(struct tool_dns **out, const struct conf *conf,
		   unsigned timeout_ms, struct error *err);
void tool_dns_close(struct tool_dns *dns); /* NULL is allowed */

enum tool_dns_status {
	TOOL_DNS_OK,
	TOOL_DNS_VOID,    /* no such name, or none of this type */
	TOOL_DNS_TROUBLE, /* SERVFAIL, time-out, garbage: may go away */
};

/* What was asked for: names, addresses or texts, TOOL_DNS_RECORDS_MAX at most.
 * Records of another name than the one that the answer's CNAMEs lead to are left
 * out, whoever sent them, and so are hosts whose names no host can have. */
#define TOOL_DNS_RECORDS_MAX 256
struct tool_dns_answer {
	struct addr *addrs; /* A, AAAA */
	char **texts; /* TXT: a record's strings joined (RFC 7208 3.3), a NUL
	               * in them as \001; MX: host names by preference, "." for
	               * "takes no mail" (RFC 7505) left out; PTR: host names */
	size_t count;
	char why[160]; /* where it is not TOOL_DNS_OK */
};
void tool_dns_answer_clear(struct tool_dns_answer *answer);

enum tool_dns_type { /* as on the wire: RFC 1035 3.2.2, RFC 3596 2.1 */
		     TOOL_DNS_A = 1,
		     TOOL_DNS_PTR = 12,
		     TOOL_DNS_MX = 15,
		     TOOL_DNS_TXT = 16,
		     TOOL_DNS_AAAA = 28,
};

/* tool_dns_ask - *out is replaced by the answer; to be cleared whatever the
 * status.  A name that DNS cannot hold gives TOOL_DNS_VOID and is not asked. */

enum tool_dns_status tool_dns_ask(struct tool_dns *dns, const char *name,
				  enum tool_dns_type type,
				  struct tool_dns_answer *out);

/* tool_dns_reverse - the PTR names of an address. */
enum tool_dns_status tool_dns_reverse(struct tool_dns *dns,
				      const struct addr *addr,
				      struct tool_dns_answer *out);

/* tool_dns_parse - what a whole message (RFC 1035 4) answers to that question:
 * tool_dns_ask() without the asking.  The message may be anything. */
enum tool_dns_status tool_dns_parse(const unsigned char *message, size_t len,
				    const char *name, enum tool_dns_type type,
				    struct tool_dns_answer *out);

#endif
