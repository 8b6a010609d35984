/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_SERVICE_H
#define DAEMON_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include <ev.h>

#include <geoblock/error.h>

#include "daemon/control.h"
#include "daemon/journal.h"
#include "daemon/snapshot.h"

/* What both services' event loops have alike: signals, the manager's watchdog, a
 * tick each second, the files of the state folder, and the log. */

/* How the latest reload went, for status. */
struct last_reload {
	uint64_t time; /* seconds since 1970; 0: none yet */
	bool ok;
	char text[512];
};

struct service {
	/* to be set before service_start() */
	struct snapshot *const *snapshot; /* what runs, whichever it is */
	struct journal *journal;
	struct control *control; /* NULL: there is no socket */
	/* called with the loop's ev_userdata(): */
	void (*reload)(void *ctx); /* SIGHUP, of which the manager has heard */
	void (*data)(void *ctx);   /* image, or answers of SPF, are others */
	void (*second)(void *ctx); /* NULL: nothing else to do each second */

	struct last_reload last_reload;
	/* its own */
	struct snapshot_files seen;
	struct error told; /* of the image */
	ev_signal hup, term, intr;
	ev_timer tick, watchdog;
};

/* service_loop - a loop whose ev_userdata() is ctx; fatal() where there cannot be
 * one.  SIGPIPE is ignored from then on. */
struct ev_loop *service_loop(void *ctx);

/* service_start - watch for all of it.  SIGTERM and SIGINT end the loop.  Data other
 * than what the snapshot was read from is new.  To be called before the seccomp
 * filter. */
void service_start(struct service *service, struct ev_loop *loop);

/* service_take - the snapshot that runs is another one: what it was read from is seen,
 * and told where it is not the newest.  True: it was read from other data. */
bool service_take(struct service *service, const struct snapshot *before);

/* service_reloaded - keep how it went. */
void service_reloaded(struct service *service, bool ok, const char *text);

/* service_decisions - write what the journal has to the log, and to those that follow
 * it. */
void service_decisions(struct service *service);

/* service_tell_image - why the snapshot's is not the newest one, or none at all. */
void service_tell_image(struct service *service,
			const struct snapshot *snapshot);

/* service_tell_once - what lasts is a warning when it begins, not each time that it is
 * seen: *told is what it was the last time, and is brought up to date. */
void service_tell_once(struct error *told, const struct error *now,
		       const char *then);

#endif
