/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_POLICYD_SYN_H
#define DAEMON_POLICYD_SYN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/addr.h>
#include <geoblock/error.h>
#include <geoblock/os.h>

/* Asking geoblockd what a sender's SYN looked like: one connection to its text socket
 * (daemon/text.h), many questions under way.  When it is away every question is
 * answered at once, with that. */

#define POLICYD_SYN_MAX         2048 /* questions under way */
#define POLICYD_SYN_RETRY_S     0.1  /* first wait before another attempt … */
#define POLICYD_SYN_RETRY_MAX_S 5.   /* … doubled each time up to this one */

enum policyd_seen {
	POLICYD_AWAY,            /* geoblockd did not answer */
	POLICYD_UNSEEN,          /* it has not seen the sender */
	POLICYD_SEEN_ADDRESS,    /* another SYN of the address */
	POLICYD_SEEN_CONNECTION, /* this connection's SYN */
	POLICYD_SEEN_COUNT,
};

/* policyd_seen_name - "away", "no", "address", "connection". */
const char *policyd_seen_name(enum policyd_seen seen);

struct policyd_looks {
	enum policyd_seen seen;
	enum os_class os; /* if seen: with confidence 0-100 */
	uint8_t confidence;
	bool alike; /* nobody is judged by system: os means nothing */
};

/* policyd_looks_read - an answer of the text socket, without its LF.  False for what
 * is none: *out is then as if geoblockd were away. */
bool policyd_looks_read(const char *line, struct policyd_looks *out);

struct policyd_syn;
struct ev_loop;

/* policyd_syn_open - connect, now and whenever the connection is lost.  `change` hears
 * whether geoblockd answers, first when that is known (perhaps before this returns),
 * then when it comes and goes, and why, once each. */
bool policyd_syn_open(struct policyd_syn **out, struct ev_loop *loop,
		      const char *run_dir,
		      void (*change)(void *ctx, bool here, const char *why),
		      void *ctx, struct error *err);
void policyd_syn_close(struct policyd_syn *syn); /* NULL is allowed */
bool policyd_syn_here(const struct policyd_syn *syn);

/* policyd_syn_ask - port 0: by address only.  done is called once and in the order of
 * the questions, from the loop; where geoblockd is away it is called before this
 * returns. */
typedef void policyd_syn_done(void *ctx, const struct policyd_looks *looks);
void policyd_syn_ask(struct policyd_syn *syn, const struct addr *addr,
		     uint16_t port, policyd_syn_done *done, void *ctx);

#endif
