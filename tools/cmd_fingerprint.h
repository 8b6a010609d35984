/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_CMD_FINGERPRINT_H
#define TOOLS_CMD_FINGERPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/fingerprint.h>

#include "tools/tool.h"

/* Lines on their way to standard output, past stdio. */
struct lines {
	bool headed;     /* the table has its head */
	int write_errno; /* 0, or why nothing is written any more */
	int64_t second;  /* that `stamp` is of */
	char stamp[TOOL_TIME_MAX];
	size_t used;
	char buffer[1 << 17];
};

/* One line for a SYN: of the table, with a head before the first, or as a JSON
 * object. */
void lines_row(struct lines *to, const struct packet *p,
	       const struct fingerprint *f);
void lines_object(struct lines *to, const struct packet *p,
		  const struct fingerprint *f, int64_t seconds,
		  uint32_t microseconds);

void lines_flush(struct lines *to);

#endif
