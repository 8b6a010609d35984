/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_TOOL_CONFIRM_H
#define TOOLS_TOOL_CONFIRM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/error.h>
#include <geoblock/kernel.h>

/* What a table enforced, in a file of the state folder; and a change that waits for
 * somebody to confirm it. */

/* What the last sync has applied. */
#define TOOL_APPLIED_NAME "applied.plan"

/* While a change waits, one of these is there, with what was before in it; who
 * renames it has decided. */
#define TOOL_CONFIRM_WAITS "confirm.wait"
#define TOOL_CONFIRM_YES   "confirm.yes"
#define TOOL_CONFIRM_NO    "confirm.no"

/* tool_confirm_take - what follows --confirm: "60s", "5m", "1h", 1 s to 1 h, into
 * an unsigned, as seconds.  For tool_option.take. */
#define TOOL_CONFIRM_MAX_S 3600
const char *tool_confirm_take(void *seconds, const char *text);

struct tool_saved {
	struct kernel_plan plan; /* its pointers belong to this object */
	bool table;              /* false: there was no table; plan is empty */
	uint64_t until;          /* seconds since 1970; 0: no deadline */
	char name[16];
	struct iset ranges[KERNEL_CLASSES_MAX];
};

/* tool_saved_write - a plan (NULL: no table) into a file of the state folder, whole
 * or not at all; one that says so already is left. */
bool tool_saved_write(const char *state_dir, const char *name,
		      const char *table, const struct kernel_plan *plan,
		      uint64_t until, struct error *err);

/* tool_saved_read - NULL after an error: ENOENT where there is none,
 * ERROR_MALFORMED where the file is damaged.  tool_saved_parse reads it from
 * memory. */
struct tool_saved *tool_saved_read(const char *state_dir, const char *name,
				   struct error *err);
struct tool_saved *tool_saved_parse(const uint8_t *data, size_t size,
				    struct error *err);
void tool_saved_free(struct tool_saved *saved); /* NULL is allowed */

/* tool_confirm_hold - this process, and the children that it forks from now on, are
 * what TOOL_CONFIRM_WAITS waits for, under each of its names, until all of them have
 * closed *fd.  *fd is -1 after an error: ERROR_SYSTEM (ENOENT where it is gone,
 * EAGAIN where others have it open and locked). */
bool tool_confirm_hold(const char *state_dir, int *fd, struct error *err);

/* tool_confirm_waits - whether a change waits for its confirmation, or for what
 * follows from it, in a process that lives; *until is then its deadline. */
bool tool_confirm_waits(const char *state_dir, uint64_t *until);

/* tool_confirm_decide - say yes or no to what waits; false where nothing does, or
 * somebody was faster. */
bool tool_confirm_decide(const char *state_dir, bool yes);

#endif
