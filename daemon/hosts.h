/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_HOSTS_H
#define DAEMON_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/addr.h>
#include <geoblock/country.h>
#include <geoblock/error.h>
#include <geoblock/fingerprint.h>
#include <geoblock/packet.h>
#include <geoblock/policy.h>
#include <geoblock/siphash.h>

/* Memory of hosts: who was seen, what the SYN looked like and what became of
 * it. All of it is allocated at start and never grows.  One table is kept by
 * address and one, smaller, by connection. */

#define HOST_LAYOUT_MAX 16 /* TCP options remembered of a SYN */

/* One cache line. */
struct host {
	addr6_t addr;         /* IPv4 as ::ffff:a.b.c.d */
	uint32_t first, last; /* seconds since 1970 */
	uint32_t count;       /* connections, not retransmitted SYNs; stops at
			       * its maximum.  0: the slot is free */
	uint32_t quirks;      /* of the latest SYN, as all that follows */
	uint8_t layout[HOST_LAYOUT_MAX / 2]; /* option kinds, 4 bits each; 15: a
					      * kind that has no name */
	uint16_t mss, window;
	country_t country;
	uint16_t sport;       /* 0 in the table by address */
	uint8_t os;           /* enum os_class */
	uint8_t match;        /* enum fingerprint_match */
	uint8_t confidence;   /* 0-100 */
	uint8_t distance;     /* hops */
	uint8_t stage_action; /* enum stage << 4 | enum action */
	int8_t rule;          /* index into the policy's rules, or RULE_* */
	uint8_t ttl, scale;
	uint8_t layout_len; /* options in all, also those beyond layout */
	uint8_t ip_options; /* bytes */
	uint8_t eol_pad;    /* bytes */
	bool payload;
	uint32_t seq; /* tells a retransmission from a new attempt */
};

_Static_assert(sizeof(struct host) == 64, "a host is a cache line");

#define HOST_ACTION(h) ((enum action)((h)->stage_action & 15))
#define HOST_STAGE(h)  ((enum stage)((h)->stage_action >> 4))

struct hosts;

/* hosts_new - room for at least `entries` hosts, in sets of HOSTS_WAYS.  The
 * memory is mapped here and touched as hosts come. */
#define HOSTS_WAYS        8
#define HOSTS_ENTRIES_MAX (1u << 26)
bool hosts_new(struct hosts **out, size_t entries,
	       const uint8_t key[SIPHASH_KEY_SIZE], struct error *err);
void hosts_free(struct hosts *hosts); /* NULL is allowed */

size_t hosts_room(const struct hosts *hosts);  /* entries, in all */
size_t hosts_count(const struct hosts *hosts); /* in use */
uint64_t hosts_evicted(const struct hosts *hosts);

/* hosts_get - the host's entry, made where there is none; its count is then 0,
 * and the caller has to raise it.  sport 0: by address.  Never fails: where the
 * set is full the entry that is worth least makes room.  Strangers come before
 * hosts that came back, of those the longest unseen: a flood of addresses that
 * are seen once each cannot wash out the senders that are seen every day. */
struct host *hosts_get(struct hosts *hosts, const struct addr *addr,
		       uint16_t sport);

/* hosts_find - the same without making one: NULL where it was not seen. */
const struct host *hosts_find(const struct hosts *hosts,
			      const struct addr *addr, uint16_t sport);

/* hosts_each - every host, in no order; stops early when visit returns
 * false. */
void hosts_each(const struct hosts *hosts,
		bool (*visit)(void *ctx, const struct host *host), void *ctx);

/* host_remember - note a SYN's looks in an entry. */
void host_remember(struct host *host, const struct packet *packet,
		   const struct fingerprint *fingerprint);

/* host_packet - the SYN's looks back, for signature_of_packet() and for another
 * look with another database.  False where the SYN had more options, or other
 * ones, than an entry holds: *out is then only good for its addresses. */
bool host_packet(const struct host *host, struct packet *out);

struct addr host_addr(const struct host *host);

/* hosts_renumber - after a reload: the rules have other numbers.  map has an
 * entry for each old one, HOST_RULE_GONE where it is not there any more. */
#define HOST_RULE_GONE (-4)
void hosts_renumber(struct hosts *hosts, const int8_t map[RULES_MAX]);

#endif
