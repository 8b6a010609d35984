/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_JOURNAL_H
#define DAEMON_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/judge.h>

#include "daemon/counters.h"

/* One line for each decision.  The packet path notes it, without a format or an
 * allocation; the event loop writes it down later.  Each reason has an allowance
 * of lines; what goes beyond is counted, and the count is told. */

#define JOURNAL_ROOM     1024 /* decisions between two drains */
#define JOURNAL_BURST    50   /* lines of one reason at once */
#define JOURNAL_RATE     10   /* lines of one reason a second, from then on */
#define JOURNAL_TELL_S   10   /* how often suppressed lines are counted out */
#define JOURNAL_LINE_MAX 512  /* longest line, with its NUL */

struct decision {
	uint64_t time; /* seconds since 1970 */
	struct addr source;
	uint16_t sport, dport; /* 0: not known */
	country_t country;
	enum os_class os;
	uint8_t confidence;
	struct verdict verdict;
	bool audit; /* not carried out */
	/* At the SMTP stage; NULL: not known, not asked.  Static strings. */
	const char *rdns, *greylist;
};

struct journal {
	struct decision ring[JOURNAL_ROOM];
	size_t count;
	uint32_t allowance[REASONS_MAX];
	uint64_t suppressed[REASONS_MAX]; /* since it was last told */
	uint64_t suppressed_all;
	unsigned ticks;
};

void journal_init(struct journal *journal);

/* journal_note - one decision; allocates nothing, formats nothing. */
void journal_note(struct journal *journal, const struct decision *decision);

/* journal_tick - to be called every second: allowances grow, and where lines
 * were suppressed `line` hears how many, by reason. */
void journal_tick(struct journal *journal, const struct policy *policy,
		  bool json, void (*line)(void *ctx, const char *text),
		  void *ctx);

/* journal_drain - what was noted, oldest first, then forgotten. */
void journal_drain(struct journal *journal,
		   void (*each)(void *ctx, const struct decision *decision),
		   void *ctx);

/* journal_format - as `action key=value …`, or as a JSON object.  buf has
 * JOURNAL_LINE_MAX bytes; the result is buf. */
const char *journal_format(const struct decision *decision,
			   const struct policy *policy, bool json, char *buf);

#endif
