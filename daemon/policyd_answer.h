/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_POLICYD_ANSWER_H
#define DAEMON_POLICYD_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include <geoblock/addr.h>
#include <geoblock/conf.h>
#include <geoblock/policy.h>

#include "daemon/greylist.h"

/* What the mail server is told: an action of access(5), and its text.  No byte that a
 * client chose gets into it, it is plain ASCII and one line. */

enum policyd_action {
	POLICYD_DUNNO,   /* no objection: the next restriction is asked */
	POLICYD_PREPEND, /* the same, with a header */
	POLICYD_DEFER,   /* 450, unless something refuses for good */
	POLICYD_REJECT,  /* 554 */
	POLICYD_ACTION_COUNT,
};

/* policyd_action_name - "dunno", "prepend", "defer", "reject". */
const char *policyd_action_name(enum policyd_action action);

/* What is known when an answer is given. */
struct policyd_ruling {
	struct addr client;
	struct subject subject;
	struct verdict verdict;          /* policyd_decide()'s */
	struct greylist_result greylist; /* asked where the verdict is so */
};

/* policyd_decide - the verdict as this stage carries it out: all facts that there
 * will be are there; drop and reset have become refuse. */
struct verdict policyd_decide(const struct policy *policy,
			      const struct subject *subject);

/* policyd_action - what follows from a ruling: audit mode objects to nothing. */
enum policyd_action policyd_action(const struct conf *conf,
				   const struct policyd_ruling *ruling);

/* policyd_reply - the answer as the protocol has it, "action=…" and an empty line,
 * into buf of POLICYD_REPLY_MAX bytes; gives its length.  The line of an SMTP reply
 * has 512 bytes (RFC 5321 4.5.3.1.5), and the mail server puts the recipient in
 * front. */
#define POLICYD_REPLY_MAX 512
size_t policyd_reply(const struct conf *conf,
		     const struct policyd_ruling *ruling,
		     enum policyd_action action, char *buf);

#endif
