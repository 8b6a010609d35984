/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_TOOL_RIGHTS_H
#define TOOLS_TOOL_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <geoblock/error.h>

/* Rights, given up: for every process of ours that reads what strangers write. */

#define TOOL_USER                                                              \
	"geoblock" /* geoblockd's, where the configuration names none */

struct tool_drop {
	bool change; /* to another user: */
	uid_t uid;
	gid_t gid;
	bool groups; /* and his supplementary groups; else none */
	int keep;    /* the one capability kept, CAP_…; -1: none */
};

/* tool_drop - give up everything else, and gain nothing ever again
 * (no_new_privs). */
bool tool_drop(const struct tool_drop *to, struct error *err);

/* tool_has_capability - in force now? */
bool tool_has_capability(int capability);

enum rights_filter {
	RIGHTS_FILTER_ERRNO, /* a call that is not allowed fails with EPERM */
	RIGHTS_FILTER_KILL,  /* … ends the process: for tests */
	RIGHTS_FILTER_OFF,
};

/* rights_filter_kind - what GEOBLOCK_SECCOMP in the environment says: kill,
 * errno or off; errno where it says nothing.  For tests, and for finding out
 * what a new libc wants. */
enum rights_filter rights_filter_kind(void);

/* A call that is allowed where its argument has (argument & mask) == value. */
struct tool_condition {
	int call;
	unsigned argument;
	uint32_t mask, value;
};

struct tool_calls {
	const int *calls;
	size_t count;
};

struct tool_conditions {
	const struct tool_condition *conditions;
	size_t count;
};

/* What a program may do beside what every program does: read, wait, allocate, ask the
 * time, end.  No file is opened and no memory mapped unless it says so. */
struct tool_filter {
	struct tool_calls allowed[2];
	struct tool_conditions conditions[3];
	struct tool_calls absent; /* fail with ENOSYS, as on a kernel without */
};

/* tool_filter_load - the seccomp list, over all threads. */
bool tool_filter_load(const struct tool_filter *filter, enum rights_filter how,
		      struct error *err);

#endif
