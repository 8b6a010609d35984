/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_POLICYD_QUESTION_H
#define DAEMON_POLICYD_QUESTION_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <geoblock/error.h>
#include <geoblock/siphash.h>

#include "daemon/policyd_answer.h"
#include "daemon/policyd_request.h"

/* A question of a mail server's, on its way to an answer:
 *
 *	facts ─► geoblockd: the SYN ─► verdict ─► greylist ─► action */

struct policyd;

struct policyd_question {
	struct policyd *policyd;
	const struct policyd_request *request;
	/* called when it has its answer, maybe from within policyd_question_ask() */
	void (*done)(void *ctx, enum policyd_action action);
	void *ctx;
	struct policyd_ruling ruling; /* for policyd_reply() */
	/* its own */
	uint16_t port;
	struct timespec began;
};

/* policyd_question_ask - the question and its request stay where they are until it is
 * answered. */
void policyd_question_ask(struct policyd_question *question);

/* The messages whose header was given, by the hash of their instance: other recipients
 * of one need none. */
#define POLICYD_RECENT_MAX 8192
struct policyd_recent {
	uint8_t key[SIPHASH_KEY_SIZE];
	uint64_t hashes[POLICYD_RECENT_MAX];
};

bool policyd_recent_init(struct policyd_recent *recent, struct error *err);

#endif
