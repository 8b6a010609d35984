/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_COUNTERS_H
#define DAEMON_COUNTERS_H

#include <stdint.h>

#include <geoblock/country.h>
#include <geoblock/os.h>
#include <geoblock/packet.h>
#include <geoblock/policy.h>

/* What the daemon saw and decided.  Reasons are rules, by the words that the log
 * and `geoblock query` use. */

/* Rules with those beyond the list: RULE_DENY is 0, RULE_DEFAULT 2. */
#define REASONS_MAX         (RULES_MAX + 3)
#define REASON_OF(rule)     ((unsigned)((rule) + 3))
#define REASON_RULE(reason) ((int)(reason)-3)
#define COUNTRY_SLOTS       (COUNTRY_INDEXES + 1)
#define COUNTRY_SLOT(cc)    ((cc) ? country_index(cc) : COUNTRY_INDEXES)

struct tally {
	uint64_t seen, refused; /* refused: drop, reset, refuse */
};

struct counters {
	uint64_t packets; /* out of the queue */
	uint64_t unreadable[PACKET_STATUS_COUNT];
	uint64_t not_syn;
	uint64_t unjudged; /* for want of country data */
	uint64_t again;    /* SYNs sent again, which are not in what follows */
	uint64_t actions[ACTION_COUNT];
	uint64_t reasons[REASONS_MAX];
	struct tally os[OS_CLASS_COUNT];
	struct tally countries[COUNTRY_SLOTS];
};

static inline bool is_refusal(enum action action)
{
	return action == ACTION_DROP || action == ACTION_RESET ||
	       action == ACTION_REFUSE;
}

/* counters_move - after a reload: map has the new number of each old rule, or a
 * negative one where it is gone. */
void counters_move(struct counters *counters, const int8_t map[RULES_MAX]);

#endif
