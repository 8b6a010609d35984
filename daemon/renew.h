/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_RENEW_H
#define DAEMON_RENEW_H

struct daemon;

/* What the worker brings: a new snapshot, a table put right, or why not; taken over and
 * told. */

/* renew_start - start the worker; fatal() where that cannot be. */
void renew_start(struct daemon *daemon);
void renew_stop(struct daemon *daemon);

#endif
