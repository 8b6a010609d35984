/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_POLICYD_H
#define DAEMON_POLICYD_H

#include <stdbool.h>
#include <stdint.h>

#include <ev.h>

#include "daemon/counters.h"
#include "daemon/greylist.h"
#include "daemon/policyd_answer.h"
#include "daemon/policyd_question.h"
#include "daemon/policyd_syn.h"
#include "daemon/rights.h"
#include "daemon/service.h"

/* geoblock-policyd, as its parts see it. */

#define POLICYD_NAME    "geoblock-policyd"
#define POLICYD_SOCKET  "policy.sock"
#define POLICYD_CONTROL "policyd-control.sock"

/* Upper bounds of the buckets that answers' delays are counted in, microseconds; one
 * more bucket has the rest. */
#define POLICYD_DELAYS                                                         \
	{                                                                      \
		50, 100, 250, 500, 1000, 2500, 5000, 10000, 100000, 1000000    \
	}
#define POLICYD_DELAYS_COUNT 10

/* Why a request was answered without a verdict. */
enum policyd_skip {
	POLICYD_SKIP_NONE,
	POLICYD_SKIP_STATE,   /* not at RCPT */
	POLICYD_SKIP_SASL,    /* somebody of ours, who logged in */
	POLICYD_SKIP_ADDRESS, /* no address of a client */
	POLICYD_SKIP_DATA,    /* there is no country data */
	POLICYD_SKIP_AWAY,    /* geoblockd does not answer */
	POLICYD_SKIP_COUNT,
};

/* policyd_skip_name - "state", "sasl", "address", "no-country-data",
 * "geoblockd-away". */
const char *policyd_skip_name(enum policyd_skip skip);

struct policyd_counters {
	uint64_t connections, refused; /* refused: there were too many */
	uint64_t requests, malformed, slow;
	uint64_t skipped[POLICYD_SKIP_COUNT];
	uint64_t seen[POLICYD_SEEN_COUNT];
	uint64_t replies[POLICYD_ACTION_COUNT];
	uint64_t greylist[GREYLIST_ANSWER_COUNT];
	uint64_t rdns[RDNS_CLASS_COUNT];
	uint64_t delays[POLICYD_DELAYS_COUNT + 1];
	uint64_t delays_us;       /* all of them together */
	struct counters verdicts; /* by action, reason, system and country */
};

struct policyd_clients;
struct policyd_listeners;

struct policyd {
	const char *config;
	struct snapshot *snapshot; /* replaced whole */
	struct greylist *greylist;
	struct policyd_syn *syn;
	struct policyd_listeners *listeners;
	struct policyd_clients *clients;
	struct service service;
	struct rights rights;
	struct policyd_counters counters;
	struct policyd_recent recent;
	struct journal journal;
	uint64_t started; /* seconds since 1970 */
	bool listening;   /* connections are taken */
	struct ev_loop *loop;
};

/* policyd_reload - configuration and image anew, swapped whole; where something is
 * wrong what runs goes on.  Takes as long as reading them: a policy client waits a
 * hundred seconds (smtpd_policy_service_timeout). */
bool policyd_reload(struct policyd *policyd, struct error *err);

/* policyd_control_answer - a control_answerer; ctx is the policyd.  Beside status,
 * metrics, reload and log as geoblockd has them, what greylist_command() knows. */
control_answerer policyd_control_answer;

#endif
