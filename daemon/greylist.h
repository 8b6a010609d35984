/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_GREYLIST_H
#define DAEMON_GREYLIST_H

#include <stdbool.h>
#include <stdint.h>

#include <ev.h>

#include <geoblock/addr.h>
#include <geoblock/conf.h>
#include <geoblock/error.h>

/* Greylisting (RFC 6647): a triplet of client network, sender and recipient that is
 * new gets a 4xx, and passes when it comes again after `delay` and within `window`.
 * One that passed stays known for `lifetime` after it was last seen.  Keyed by
 * network, never by address: big providers retry from many. */

enum greylist_answer {
	GREYLIST_NEW,    /* never seen, or forgotten since: come again */
	GREYLIST_EARLY,  /* came again before its delay was over */
	GREYLIST_PASSED, /* came again in time: passes from now on */
	GREYLIST_KNOWN,  /* had passed before */
	GREYLIST_CLIENT, /* its network passed often enough: not asked again */
	GREYLIST_UNABLE, /* no store could answer: the caller lets it through */
	GREYLIST_ANSWER_COUNT,
};

const char *greylist_answer_name(enum greylist_answer answer);

struct greylist_result {
	enum greylist_answer answer;
	uint32_t wait_s;     /* NEW, EARLY: until it would pass */
	uint64_t first_seen; /* seconds since 1970; 0 unless EARLY or PASSED */
	bool local; /* the shared store was away, the local one answered */
};

struct greylist_triplet {
	struct addr client;
	const char *sender;    /* as SMTP gave it; "" is the null sender */
	const char *recipient; /* one of them */
	bool regardless;       /* a good past of its network does not count */
};

struct greylist;

/* greylist_prepare - the local store's folder for the user that root is about to
 * become: made where it is not there, and root's files in it given away. */
bool greylist_prepare(const struct conf *conf, unsigned uid, unsigned gid,
		      struct error *err);

/* greylist_open - the store that the configuration names, and the local one beside
 * it where that is a shared one; made where it is not there yet.  Runs in loop:
 * clean-up in small steps, the shared store's connection.  To be called after
 * rights are dropped, as its thread keeps those of this moment, and root has no
 * business in a folder that is another's; opens no file afterwards. */
bool greylist_open(struct greylist **out, const struct conf *conf,
		   struct ev_loop *loop, struct error *err);
/* greylist_close - what is asked and not answered yet is not answered any more.
 * NULL is allowed. */
void greylist_close(struct greylist *greylist);

/* greylist_configure - go by the times, networks and clients of a configuration
 * that was read anew; the store stays the one that was opened. */
void greylist_configure(struct greylist *greylist, const struct conf *conf);

/* greylist_check - ask about a triplet, and note that it came.
 *
 * done is called once, from the loop and never from within greylist_check: when what
 * it reports is on disk, or the shared store said it.  It comes within 250 ms,
 * GREYLIST_UNABLE or the local store's answer at worst; time in which the process
 * itself was held up does not count.  The strings are copied.  now: seconds since
 * 1970; it may go backwards.  Only where there is no memory left at all, done is
 * called with GREYLIST_UNABLE before greylist_check returns. */
typedef void greylist_done(void *ctx, const struct greylist_result *result);
void greylist_check(struct greylist *greylist,
		    const struct greylist_triplet *triplet, uint64_t now,
		    greylist_done *done, void *ctx);

/* greylist_command - "list", "forget", "stats" for `geoblock greylist`: a request
 * as a JSON object, the answer as JSON text to be freed; errors as {"error": …}. */
char *greylist_command(struct greylist *greylist, const char *request,
		       size_t len);

#endif
