/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_TOOL_LOCK_H
#define TOOLS_TOOL_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include <geoblock/conf.h>
#include <geoblock/error.h>

/* Locks of a state folder, each a file there; a lock goes with its process.
 *
 * The first is geoblock-sync's for as long as it runs.  The second is held by
 * whoever makes the kernel's table what it should be, from reading what that is to
 * the switch: else one would take away as litter what the other is staging, or
 * put back what the other has just replaced.  A sync may fetch for minutes; a
 * table that was flushed must not wait for that. */
#define TOOL_LOCK_STATE "lock"
#define TOOL_LOCK_TABLE "table.lock"

/* How long for the state: what a run that was killed has left behind, a watcher that
 * puts back or a child that dies, keeps its lock for a moment. */
#define TOOL_LOCK_STATE_MS 2000

/* How long for the table: staging is a matter of a second on a slow machine. */
#define TOOL_LOCK_TABLE_MS 10000

#define TOOL_LOCK_STATE_MODE 0600

/* tool_lock - wait for it up to wait_ms (0: not at all).  The file gets that mode,
 * and is made where it is not there; where mode is 0 it is opened for reading only
 * (no right to write is needed), and where it is not there, nobody has locked it:
 * true, *fd is -1.  ERROR_HELD: somebody has it; else ERROR_SYSTEM; *fd is -1. */
bool tool_lock(int *fd, const char *folder, const char *name, mode_t mode,
	       unsigned wait_ms, struct error *err);
void tool_unlock(int fd); /* -1 is allowed */

/* tool_lock_table - the second one, wait_ms as above.  make: its file is made, and given
 * to the group of geoblockd's user (mode 0640), as who can open it can keep it locked.
 * Where there is no such user, or no right to give, geoblockd may be anybody, and the
 * file is for all (0644).  Who waited in vain goes on without it: the switch itself is
 * a compare-and-swap. */
bool tool_lock_table(int *fd, const struct conf *conf, bool make,
		     unsigned wait_ms, struct error *err);

#endif
