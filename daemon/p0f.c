// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/p0f.h"

#include <string.h>

#define QUERY_MAGIC  0x50304601u
#define ANSWER_MAGIC 0x50304602u
#define TEXT_SIZE    32

enum { QUALITY_FUZZY = 1, QUALITY_GENERIC = 2 };

struct answer {
	uint32_t magic, status;
	uint32_t first_seen, last_seen; /* seconds since 1970 */
	uint32_t connections;
	uint32_t uptime_min, uptime_modulo_days;
	uint32_t last_nat, last_change; /* seconds since 1970 */
	int16_t distance;               /* hops */
	uint8_t bad_software;
	uint8_t quality;
	char name[TEXT_SIZE], flavour[TEXT_SIZE];
	char http_name[TEXT_SIZE], http_flavour[TEXT_SIZE];
	char link[TEXT_SIZE], language[TEXT_SIZE];
};

_Static_assert(sizeof(struct answer) == P0F_ANSWER_SIZE, "p0f's layout");

/* Cut to fit, with its NUL; the rest is zero already. */
static void set_text(char to[TEXT_SIZE], const char *from)
{
	memcpy(to, from, strnlen(from, TEXT_SIZE - 1));
}

static void tell(const struct path *path, const struct host *host,
		 struct answer *answer)
{
	struct looks looks;

	looks_of(path, host, &looks);
	answer->status = P0F_OK;
	answer->first_seen = host->first;
	answer->last_seen = host->last;
	answer->connections = host->count;
	answer->distance = host->distance;
	if (host->match == FINGERPRINT_FUZZY)
		answer->quality = QUALITY_FUZZY;
	if (host->match == FINGERPRINT_FAMILY)
		answer->quality = QUALITY_GENERIC;
	set_text(answer->name, looks.name);
	set_text(answer->flavour, looks.flavour);
	set_text(answer->link, looks_link(host));
}

static addr6_t number_of(const uint8_t *bytes, size_t count)
{
	addr6_t value = 0;

	for (size_t i = 0; i < count; i++)
		value = value << 8 | bytes[i];
	return value;
}

static const struct host *find(const struct path *path, unsigned family,
			       const uint8_t address[16])
{
	struct addr addr = {
		.family = (int)family,
		.value = number_of(address, family == 4 ? 4 : 16),
	};
	const struct host *host = hosts_find(path->hosts, &addr, 0);

	if (!host && family == 6 && ADDR6_LO(addr.value) == 0)
		host = hosts_find(path->nets, &addr, 0);
	return host && !looks_are_old(path, host) ? host : NULL;
}

enum asked p0f_answer(const struct path *path, const void *query, void *answer)
{
	struct answer out = { .magic = ANSWER_MAGIC, .status = P0F_BAD_QUERY };
	const uint8_t *in = query;
	enum asked asked = ASKED_BAD;
	const struct host *host;
	uint32_t magic;

	memcpy(&magic, in, sizeof(magic));
	if (magic == QUERY_MAGIC && (in[4] == 4 || in[4] == 6)) {
		host = find(path, in[4], in + 5);
		asked = host ? ASKED_FOUND : ASKED_UNKNOWN;
		out.status = P0F_NO_MATCH;
		if (host)
			tell(path, host, &out);
	}
	memcpy(answer, &out, sizeof(out));
	return asked;
}

static enum clients_step step(void *ctx, const char *in, size_t len, bool ended,
			      size_t *used, char *out, size_t *answer_len)
{
	char query[P0F_QUERY_SIZE] = { 0 };
	struct p0f *p0f = ctx;
	uint32_t magic;

	(void)ended; /* half a query gets no answer */
	if (len < sizeof(magic))
		return CLIENTS_MORE;
	memcpy(&magic, in, sizeof(magic));
	if (len < sizeof(query) && magic == QUERY_MAGIC)
		return CLIENTS_MORE;
	*used = len < sizeof(query) ? len : sizeof(query);
	memcpy(query, in, *used);
	*answer_len = P0F_ANSWER_SIZE;
	p0f->asked[p0f_answer(p0f->path, query, out)]++;
	return magic == QUERY_MAGIC ? CLIENTS_ANSWERED : CLIENTS_HANG_UP;
}

const struct clients_protocol p0f_protocol = {
	.request_max = P0F_QUERY_SIZE,
	.answer_max = P0F_ANSWER_SIZE,
	.apart = true,
	.answer = step,
};
