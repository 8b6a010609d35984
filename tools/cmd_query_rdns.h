/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_CMD_QUERY_RDNS_H
#define TOOLS_CMD_QUERY_RDNS_H

#include <jansson.h>

#include <geoblock/addr.h>
#include <geoblock/rdns.h>

#include "tools/tool_dns.h"

/* Reverse DNS, as a mail server asks for it: the address's names, and those of them
 * that lead back to it. */

#define QUERY_NAMES_MAX 8 /* that are looked at */

struct query_rdns {
	bool known; /* else trouble says why the DNS could not tell */
	enum rdns_class rdns;
	char why[RDNS_WHY_MAX];
	char trouble[160];
	char names[QUERY_NAMES_MAX][RDNS_NAME_MAX];
	size_t count, more; /* more: how many there are beyond */
	int verified;       /* the first that leads back, or -1 */
};

/* query_rdns - takes a question, and one for each name until one leads back; within
 * QUERY_RDNS_MS in all. */
#define QUERY_RDNS_MS 5000
void query_rdns(struct tool_dns *dns, const struct addr *addr,
		struct query_rdns *out);

/* query_rdns_json - {"class", "name", "names", "confirmed", "why"} or {"error"}.
 * query_rdns_print - the same for people, on one line. */
json_t *query_rdns_json(const struct query_rdns *rdns);
void query_rdns_print(const struct query_rdns *rdns);

#endif
