/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_TRIAL_H
#define DAEMON_TRIAL_H

#include <stdbool.h>

#include "daemon/daemon.h"

/* A reload that has to be confirmed.  The old snapshot, which holds configuration
 * and image, is kept until then; going back to it is the worker's. */

void trial_init(struct daemon *daemon); /* once there is a loop */

/* trial_begin - takes `before`, which ran until now; false where no trial was asked
 * for: then it stays the caller's. */
bool trial_begin(struct daemon *daemon, struct snapshot *before);

/* trial_end - somebody has decided; false where nothing waits. */
bool trial_end(struct daemon *daemon, bool yes);

void trial_clear(struct daemon *daemon);

#endif
