// SPDX-License-Identifier: GPL-2.0-or-later
/* A set-associative table: the keyed hash of an address chooses a set of
 * HOSTS_WAYS neighbours, and only these are searched, and compete for room.
 *
 *	hash(addr, sport) → set → | host | host | … | host |   8 × 64 bytes
 *
 * So a look-up and an eviction have a bound that no choice of addresses can
 * move, nothing is ever rehashed, and there is no list to keep in order. Within
 * a set it is a segmented LRU: hosts that were seen once and hosts that came
 * back; the latter may have all but HOSTS_STRANGERS of the ways. */
#include "daemon/hosts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HOSTS_STRANGERS 2
#define MAPPED          ADDR6(0, 0x0000ffff00000000) /* ::ffff:0:0, RFC 4291 2.5.5.2 */

struct hosts {
	struct host *slots;
	size_t sets, used;
	uint64_t evicted;
	uint8_t key[SIPHASH_KEY_SIZE];
};

bool hosts_new(struct hosts **out, size_t entries,
	       const uint8_t key[SIPHASH_KEY_SIZE], struct error *err)
{
	struct hosts *hosts;
	void *memory;

	*out = NULL;
	if (entries == 0 || entries > HOSTS_ENTRIES_MAX)
		return error_set(err, ERROR_LIMIT, 0,
				 "%zu hosts: from 1 to %u can be remembered",
				 entries, HOSTS_ENTRIES_MAX);
	hosts = calloc(1, sizeof(*hosts));
	if (!hosts)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	hosts->sets = (entries + HOSTS_WAYS - 1) / HOSTS_WAYS;
	memory = mmap(NULL, hosts_room(hosts) * sizeof(struct host),
		      PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (memory == MAP_FAILED) {
		free(hosts);
		return error_set(err, ERROR_SYSTEM, errno,
				 "memory for %zu hosts", entries);
	}
	hosts->slots = memory;
	memcpy(hosts->key, key, sizeof(hosts->key));
	*out = hosts;
	return true;
}

void hosts_free(struct hosts *hosts)
{
	if (!hosts)
		return;
	munmap(hosts->slots, hosts_room(hosts) * sizeof(struct host));
	free(hosts);
}

size_t hosts_room(const struct hosts *hosts)
{
	return hosts->sets * HOSTS_WAYS;
}

size_t hosts_count(const struct hosts *hosts)
{
	return hosts->used;
}

uint64_t hosts_evicted(const struct hosts *hosts)
{
	return hosts->evicted;
}

static addr6_t key_of(const struct addr *addr)
{
	return addr->family == 4 ? MAPPED | addr->value : addr->value;
}

static struct host *set_of(const struct hosts *hosts, addr6_t addr,
			   uint16_t sport)
{
	struct {
		addr6_t addr;
		uint64_t sport;
	} key;
	uint64_t hash;

	memset(&key, 0, sizeof(key));
	key.addr = addr;
	key.sport = sport;
	hash = siphash(hosts->key, &key, sizeof(addr6_t) + sizeof(uint64_t));
	/* the high half times the number of sets, without a division */
	return &hosts->slots[(size_t)((hash >> 32) * hosts->sets >> 32) *
			     HOSTS_WAYS];
}

static struct host *search(struct host *set, addr6_t addr, uint16_t sport)
{
	for (size_t i = 0; i < HOSTS_WAYS; i++)
		if (set[i].count && set[i].addr == addr &&
		    set[i].sport == sport)
			return &set[i];
	return NULL;
}

/* The slot to give away: a free one, else the oldest stranger, else (where
 * the returned ones have taken their share) the oldest of these. */
static struct host *victim(struct host *set)
{
	struct host *stranger = NULL, *returned = NULL;
	unsigned strangers = 0;

	for (size_t i = 0; i < HOSTS_WAYS; i++) {
		struct host *host = &set[i];

		if (host->count == 0)
			return host;
		if (host->count == 1) {
			strangers++;
			if (!stranger || host->last < stranger->last)
				stranger = host;
		} else if (!returned || host->last < returned->last) {
			returned = host;
		}
	}
	return strangers >= HOSTS_STRANGERS ? stranger : returned;
}

struct host *hosts_get(struct hosts *hosts, const struct addr *addr,
		       uint16_t sport)
{
	addr6_t key = key_of(addr);
	struct host *set = set_of(hosts, key, sport);
	struct host *host = search(set, key, sport);

	if (host)
		return host;
	host = victim(set);
	if (host->count)
		hosts->evicted++;
	else
		hosts->used++;
	memset(host, 0, sizeof(*host));
	host->addr = key;
	host->sport = sport;
	return host;
}

const struct host *hosts_find(const struct hosts *hosts,
			      const struct addr *addr, uint16_t sport)
{
	addr6_t key = key_of(addr);

	return search(set_of(hosts, key, sport), key, sport);
}

void hosts_each(const struct hosts *hosts,
		bool (*visit)(void *ctx, const struct host *host), void *ctx)
{
	size_t room = hosts_room(hosts);

	for (size_t i = 0; i < room; i++)
		if (hosts->slots[i].count && !visit(ctx, &hosts->slots[i]))
			return;
}

void hosts_renumber(struct hosts *hosts, const int8_t map[RULES_MAX])
{
	size_t room = hosts_room(hosts);

	for (size_t i = 0; i < room; i++) {
		struct host *host = &hosts->slots[i];

		/* reading untouched pages costs no memory */
		if (host->count && host->rule >= 0)
			host->rule = map[host->rule];
	}
}

struct addr host_addr(const struct host *host)
{
	if (host->addr >> 32 == MAPPED >> 32)
		return (struct addr){ .family = 4,
				      .value = (uint32_t)host->addr };
	return (struct addr){ .family = 6, .value = host->addr };
}

#define KIND_OTHER 15

void host_remember(struct host *host, const struct packet *packet,
		   const struct fingerprint *fingerprint)
{
	host->seq = packet->seq;
	host->quirks = packet->quirks;
	host->mss = packet->mss;
	host->window = packet->window;
	host->ttl = packet->ttl;
	host->scale = packet->scale;
	host->ip_options = packet->ip_options;
	host->eol_pad = packet->eol_pad;
	host->payload = packet->payload != 0;
	host->layout_len = packet->layout_len;
	memset(host->layout, 0, sizeof(host->layout));
	for (size_t i = 0; i < packet->layout_len && i < HOST_LAYOUT_MAX; i++) {
		unsigned kind = packet->layout[i];

		if (kind > KIND_OTHER)
			kind = KIND_OTHER;
		host->layout[i / 2] |= (uint8_t)(kind << i % 2 * 4);
	}
	host->os = (uint8_t)fingerprint->class;
	host->match = (uint8_t)fingerprint->match;
	host->confidence = fingerprint->confidence;
	host->distance = fingerprint->distance;
}

/* Bytes of a TCP option by its kind (RFC 9293 3.1, 7323, 2018); in a SYN, SACK
 * and unnamed kinds do not come with a size one could rely on. */
static unsigned option_size(unsigned kind)
{
	static const uint8_t sizes[] = {
		[OPTION_EOL] = 1, [OPTION_NOP] = 1, [OPTION_MSS] = 4,
		[OPTION_WS] = 3,  [OPTION_SOK] = 2, [OPTION_TS] = 10,
	};

	return kind < sizeof(sizes) ? sizes[kind] : 0;
}

/* What window arithmetic wants to know besides the fields themselves. */
static void derive(struct packet *p)
{
	unsigned options = p->eol_pad;

	for (size_t i = 0; i < p->layout_len; i++) {
		options += option_size(p->layout[i]);
		if (p->layout[i] == OPTION_TS)
			p->ts_own = !(p->quirks & QUIRK_TS_OWN_MINUS);
	}
	p->tcp_options = (uint8_t)((options + 3) & ~3u);
	p->headers = (uint16_t)((p->version == 4 ? 20 + p->ip_options : 40) +
				20 + p->tcp_options);
}

bool host_packet(const struct host *host, struct packet *out)
{
	struct addr addr = host_addr(host);

	memset(out, 0, sizeof(*out));
	out->saddr = addr.value;
	out->version = (uint8_t)addr.family;
	out->sport = host->sport;
	out->flags = PACKET_SYN;
	out->seq = host->seq;
	out->quirks = host->quirks;
	out->mss = host->mss;
	out->window = host->window;
	out->ttl = host->ttl;
	out->scale = host->scale;
	out->ip_options = host->ip_options;
	out->eol_pad = host->eol_pad;
	out->payload = host->payload;
	if (host->layout_len > HOST_LAYOUT_MAX)
		return false;
	out->layout_len = host->layout_len;
	for (size_t i = 0; i < host->layout_len; i++) {
		unsigned kind = host->layout[i / 2] >> i % 2 * 4 & 15;

		if (kind == KIND_OTHER)
			return false;
		out->layout[i] = (uint8_t)kind;
	}
	derive(out);
	return true;
}
