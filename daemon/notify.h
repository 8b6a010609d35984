/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdbool.h>

/* What the service manager is told: sd_notify(3)'s protocol, a datagram to the
 * socket that NOTIFY_SOCKET names.  Without that variable nothing is said. */

/* notify_open - to be called before the process is fenced in. */
void notify_open(void);

/* notify - "READY=1", "STATUS=…", several with line breaks between; a literal.  Never
 * waits: what a busy manager has no room for is said with the next, which the
 * watchdog's are at the latest. */
void notify(const char *state);

/* notify_watchdog_s - how often WATCHDOG=1 is wanted, twice as often as the
 * manager insists on it; 0: not at all. */
double notify_watchdog_s(void);

#endif
