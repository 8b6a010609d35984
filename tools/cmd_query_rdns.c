// SPDX-License-Identifier: GPL-2.0-or-later
/* What a mail server would find when it looks a client's name up.  A name server that
 * does not answer is no answer: an address whose names could not be asked for has no
 * class, rather than one that somebody might act upon. */
#include "tools/cmd_query_rdns.h"

#include <stdio.h>
#include <string.h>

#include "tools/tool.h"

/* A name from the DNS may have any bytes; it is shown as it is taken. */
static void keep(struct query_rdns *out, const char *name)
{
	size_t len = strnlen(name, RDNS_NAME_MAX - 1);
	char *to;

	if (out->count == QUERY_NAMES_MAX) {
		out->more++;
		return;
	}
	to = out->names[out->count];
	for (size_t i = 0; i < len; i++)
		to[i] = name[i] > 0x20 && name[i] < 0x7f ? name[i] : '?';
	to[len] = '\0';
	out->count++;
}

static bool has_address(const struct tool_dns_answer *answer,
			const struct addr *addr)
{
	for (size_t i = 0; i < answer->count; i++)
		if (answer->addrs[i].family == addr->family &&
		    answer->addrs[i].value == addr->value)
			return true;
	return false;
}

/* The first name that leads back; false where the DNS failed before one did. */
static bool confirm(struct tool_dns *dns, const struct addr *addr,
		    const struct tool_dns_answer *names, int64_t until,
		    struct query_rdns *out)
{
	bool all = true;

	for (size_t i = 0; i < names->count && i < QUERY_NAMES_MAX; i++) {
		struct tool_dns_answer answer = { 0 };
		enum tool_dns_status status;

		if (tool_now_ms() >= until) {
			snprintf(out->trouble, sizeof(out->trouble),
				 "its names take too long to look up");
			return false;
		}
		status = tool_dns_ask(dns, names->texts[i],
				      addr->family == 4 ? TOOL_DNS_A
							: TOOL_DNS_AAAA,
				      &answer);
		if (status == TOOL_DNS_OK && has_address(&answer, addr))
			out->verified = (int)i;
		if (status == TOOL_DNS_TROUBLE) {
			all = false;
			snprintf(out->trouble, sizeof(out->trouble), "%s",
				 answer.why);
		}
		tool_dns_answer_clear(&answer);
		if (out->verified >= 0)
			return true;
	}
	return all;
}

void query_rdns(struct tool_dns *dns, const struct addr *addr,
		struct query_rdns *out)
{
	struct tool_dns_answer names = { 0 };
	int64_t until = tool_now_ms() + QUERY_RDNS_MS / 2;
	enum tool_dns_status status;

	memset(out, 0, sizeof(*out));
	out->verified = -1;
	status = tool_dns_reverse(dns, addr, &names);
	if (status == TOOL_DNS_TROUBLE)
		snprintf(out->trouble, sizeof(out->trouble), "%s", names.why);
	for (size_t i = 0; status == TOOL_DNS_OK && i < names.count; i++)
		keep(out, names.texts[i]);
	if (status == TOOL_DNS_VOID ||
	    (status == TOOL_DNS_OK && confirm(dns, addr, &names, until, out))) {
		out->known = true;
		out->rdns = rdns_classify(
			addr,
			out->verified < 0 ? NULL : names.texts[out->verified],
			out->count ? out->names[0] : NULL, out->why);
	}
	tool_dns_answer_clear(&names);
}

json_t *query_rdns_json(const struct query_rdns *rdns)
{
	json_t *object = json_object(), *names = json_array();

	if (rdns->known)
		json_object_set_new(object, "class",
				    json_string(rdns_class_name(rdns->rdns)));
	else
		json_object_set_new(object, "error",
				    json_string(rdns->trouble));
	if (rdns->known && rdns->count)
		json_object_set_new(object, "confirmed",
				    json_boolean(rdns->verified >= 0));
	if (rdns->count)
		json_object_set_new(
			object, "name",
			json_string(rdns->names[rdns->verified < 0
							? 0
							: rdns->verified]));
	for (size_t i = 0; i < rdns->count; i++)
		json_array_append_new(names, json_string(rdns->names[i]));
	if (rdns->count > 1)
		json_object_set(object, "names", names);
	json_decref(names);
	if (rdns->why[0])
		json_object_set_new(object, "why", json_string(rdns->why));
	return object;
}

void query_rdns_print(const struct query_rdns *rdns)
{
	if (!rdns->known) {
		printf("  rdns     cannot be told: %s\n", rdns->trouble);
		return;
	}
	printf("  rdns     %s", rdns_class_name(rdns->rdns));
	if (rdns->count) {
		printf(": %s",
		       rdns->names[rdns->verified < 0 ? 0 : rdns->verified]);
		if (rdns->count + rdns->more > 1)
			printf(" (one of %zu)", rdns->count + rdns->more);
	}
	if (rdns->why[0])
		printf("; %s", rdns->why);
	putchar('\n');
}
