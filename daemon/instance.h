/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_INSTANCE_H
#define DAEMON_INSTANCE_H

#include <stdbool.h>
#include <sys/types.h>

#include <geoblock/error.h>

/* One geoblockd for each run-dir, and one for each table of a network namespace:
 * two would put it right from each other for ever. */

#define INSTANCE_LOCK "geoblockd.lock"

/* instance_take - make run-dir if it is not there, and take its lock and the
 * table's for as long as this process lives.  ERROR_HELD names the process that has
 * one of them; whoever has the table's counts only as root, as ourselves or as
 * `user`, which is what we become.  *asked: where others ask who has the table, for
 * instance_answer() when it is readable; -1 where the name is a stranger's. */
bool instance_take(const char *run_dir, const char *table, uid_t user,
		   int *asked, struct error *err);

/* instance_answer - the answer is that somebody answers; never waits. */
void instance_answer(int asked);

#endif
