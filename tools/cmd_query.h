/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_CMD_QUERY_H
#define TOOLS_CMD_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include <geoblock/addr.h>
#include <geoblock/conf.h>
#include <geoblock/geo.h>
#include <geoblock/image.h>
#include <geoblock/kernel.h>
#include <geoblock/policy.h>

#include "tools/cmd_query_rdns.h"
#include "tools/tool_control.h"

/* geoblock query in parts: what is asked and found out (cmd_query), reverse DNS
 * (cmd_query_rdns), why (cmd_query_why), and how it is told (cmd_query_tell). */

enum query_live { QUERY_LIVE_IF_ALLOWED, QUERY_LIVE_MUST, QUERY_LIVE_NO };

struct query {
	struct conf *conf;
	struct image *image;
	const struct geo_source *sources; /* belong to image */
	const struct geo_source *second;  /* one of them, or NULL */
	size_t source_count;
	struct mmdb *mmdb;
	struct kernel *kernel; /* NULL: not asked */
	enum query_live live_mode;
	struct tool_control *daemon; /* NULL: away, or not asked */
	struct error no_daemon;      /* why */
	bool json;
	bool brief; /* one line an address */
	bool has_os;
	enum os_class os;
	bool ask_dns;
	struct tool_dns *dns; /* NULL: not asked */
	bool refused;         /* at least one was */
};

/* Everything there is to say about one address. */
struct query_answer {
	struct addr addr;
	char text[ADDR_TEXT_MAX];
	char range[RANGE_TEXT_MAX];
	struct image_hit hit;
	const struct geo_source *source; /* NULL: not told by the image */
	const struct conf_net *exempt, *denied;
	struct subject subject; /* what the verdict rests on */
	struct verdict verdict;
	int waits_rdns; /* the rule that reverse DNS may yet make match, or -1 */
	struct query_rdns rdns; /* where the DNS is asked */
	bool has_live;
	struct kernel_hit live;
	bool has_mmdb;
	country_t mmdb_country;
	json_t *seen; /* what the daemon remembers, NULL where nothing; belongs
	               * to the answer */
};

bool query_is_refusal(enum action action);

/* query_country - COUNTRY_NONE where none is known. */
country_t query_country(const struct query_answer *a);

/* query_net_origin - "192.0.2.0/24 (exempt.d/office.cidr:3: note)", into buf, which is
 * given back. */
const char *query_net_origin(const struct conf_net *net, char *buf,
			     size_t size);

/* query_why - the sentence that an administrator can act on.
 * query_mend - one line that lets the address through; false where it is anyway. */
void query_why(const struct query *q, const struct query_answer *a, char *buf,
	       size_t size);
bool query_mend(const struct query *q, const struct query_answer *a, char *buf,
		size_t size);

/* query_config - the option that a command has to be given to read the same
 * configuration, a blank before it; "" for the default one. */
const char *query_config(const struct query *q, char *buf, size_t size);

/* query_json - the answer as an object with the keys of geoblock(1). */
json_t *query_json(const struct query *q, const struct query_answer *a);

/* query_print - for people: a paragraph, or one line with tabs (q->brief). */
void query_print(const struct query *q, const struct query_answer *a);

#endif
