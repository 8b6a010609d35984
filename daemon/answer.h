/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_ANSWER_H
#define DAEMON_ANSWER_H

#include <stdint.h>

#include <jansson.h>

#include "daemon/daemon.h"
#include "daemon/looks.h"

/* What geoblockd's control socket answers: control_answer(), in its parts.  Each
 * command takes the request as it came, and gives an object. */

json_t *answer_status(struct daemon *daemon, const json_t *request);
json_t *answer_top(struct daemon *daemon, const json_t *request);
json_t *answer_host(struct daemon *daemon, const json_t *request);
json_t *answer_metrics(struct daemon *daemon, const json_t *request);

/* The kernel's own counters; without any where they cannot be read. */
json_t *answer_kernel(struct daemon *daemon);

json_t *answer_number(uint64_t value);
json_t *answer_when(uint64_t seconds); /* since 1970; RFC 3339 */
json_t *answer_failure(const char *text);

/* How a mail program's question went: "found", "unknown", "bad". */
extern const char *const answer_asked[ASKED_COUNT];

#endif
