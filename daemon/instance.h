/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_INSTANCE_H
#define DAEMON_INSTANCE_H

#include <stdbool.h>

#include <geoblock/error.h>

/* One geoblockd for each run-dir. */

#define INSTANCE_LOCK "geoblockd.lock"

/* instance_take - make run-dir if it is not there, and take its lock for as long
 * as this process lives.  ERROR_HELD names the process that has it. */
bool instance_take(const char *run_dir, struct error *err);

#endif
