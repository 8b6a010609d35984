/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_TEXT_H
#define DAEMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/clients.h"
#include "daemon/looks.h"

/* The one-line text protocol, on RUN_DIR/text.sock: for Exim's readsocket, shell
 * scripts and geoblock-policyd.  Described to users in geoblock-mail(7).
 *
 *	request  ADDR [ PORT ] LF       IPv4 or IPv6; the client's port
 *	answer   key=value … LF         one line, in the order of the requests
 *
 * With PORT it is that very SYN that is told; where that was not seen, or is
 * forgotten, or came more than two hours ago, the address's latest.  A connection stays open for as many requests
 * as the client likes to send, without waiting for answers.  CR LF will do for LF,
 * the end of the stream as well.
 *
 *	seen=connection | address | no
 *	os=windows            os_class_name()          ┐
 *	name="Windows"        of the system, or absent │
 *	flavour="10 or 11"    or absent                │
 *	confidence=93         0-100, in os             │ absent where
 *	match=exact           none family fuzzy exact  │ seen=no
 *	distance=7            hops                     ┘
 *	country=PT            or absent
 *	verdict=reset         action_name(): as it was given to the SYN; where
 *	                      seen=no, as the address alone gives it.  Absent
 *	                      without country data
 *	rule="abroad"         rule_title(); absent where it is gone since
 *	stage=syn             stage_name()
 *	mode=enforce          or audit: verdicts are not carried out
 *	alike=yes             all senders look alike, nobody is judged by system:
 *	                      os and what goes with it mean nothing.  Else absent
 *	count=3               connections of the address   ┐
 *	first-seen=1763910000 the address; s since 1970    │ absent where
 *	last-seen=1763910472  this SYN                     │ seen=no
 *	raw="4:121+7:0:…"     signature_of_packet()        ┘ or absent
 *
 * Keys stay what they are, new ones may come: look for what you need.  Values are
 * plain words, or in quotes with a backslash before quotes and backslashes
 * (Exim's ${extract takes it as it is); control characters never occur.  What was
 * asked wrongly is answered with
 *
 *	error="…"
 *
 * and nothing else on its line; the connection goes on.  Only a line that is too
 * long ends it. */

#define TEXT_SOCKET     "text.sock"
#define TEXT_LINE_MAX   128  /* of a request, with its LF */
#define TEXT_ANSWER_MAX 1024 /* of an answer, with its LF */

/* text_answer - one request, without its LF.  out has TEXT_ANSWER_MAX bytes; *len_out
 * is what is written there, the LF included.  Allocates nothing; any bytes are
 * allowed in it. */
enum asked text_answer(const struct path *path, const char *request, size_t len,
		       char *out, size_t *len_out);

/* The same for clients_open(); ctx is struct text. */
struct text {
	const struct path *path;
	uint64_t asked[ASKED_COUNT];
};

extern const struct clients_protocol text_protocol;

/* text_value - the value of a key in an answer (with or without its LF), quotes and
 * backslashes taken away, into out[size].  False where there is no such key, where
 * the line is none of ours, or where the value does not fit; out is then "". */
bool text_value(const char *answer, const char *key, char *out, size_t size);

#endif
