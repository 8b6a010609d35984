/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_ERROR_H
#define GEOBLOCK_ERROR_H

#include <stdbool.h>

/* An error is a value: the caller owns the struct, the callee fills it once,
 * and each level on the way up may put its own context in front.  Nothing is
 * allocated, so it works when memory is short.
 *
 * The sentence says what was found, what was wanted and, where there is one,
 * the remedy.  It has no line break and no full stop at its end. */

enum error_kind {
	ERROR_NONE,
	ERROR_SYSTEM,    /* a system call failed; sys_errno says which way */
	ERROR_MALFORMED, /* input from outside is not what it should be */
	ERROR_LIMIT,     /* a bound of ours was reached */
	ERROR_KERNEL,    /* the kernel refused; sys_errno is its answer */
	ERROR_HELD,      /* possible, but refused unless the operator insists */
};

struct error {
	enum error_kind kind;
	int sys_errno; /* 0 where none applies */
	char text[512];
};

/* Both return false, so that a failing function can `return error_set(...)`.
 * err may be NULL: then nobody wants the text. A text that does not fit is cut. */

/* error_set - say what went wrong.
 * For ERROR_SYSTEM and ERROR_KERNEL with a sys_errno, ": " and strerror()
 * are appended. */
bool error_set(struct error *err, enum error_kind kind, int sys_errno,
	       const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* error_wrap - put "context: " in front of the text already there. */
bool error_wrap(struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
