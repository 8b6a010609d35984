/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_LOG_H
#define GEOBLOCK_LOG_H

#include <stdbool.h>

/* One event is one line: "program: what key=value".  On a terminal or in a
 * pipe it goes to stderr as it is; where stderr is the journal's (JOURNAL_STREAM)
 * the line begins with "<N>", the syslog level, see sd-daemon(3). lib/core never logs:
 * it returns. */

enum log_level {
	LOG_LEVEL_ERR = 3,     /* an operator must act */
	LOG_LEVEL_WARNING = 4, /* we went on without something */
	LOG_LEVEL_INFO = 6,    /* state changed */
	LOG_LEVEL_DEBUG = 7,   /* per packet, per message */
};

/* log_init - name the program, once, before anything is logged.
 * program is kept, not copied. */
void log_init(const char *program);

/* log_threshold - lines above this level are not written; INFO at the start. */
void log_threshold(enum log_level max);

/* log_never_wait - from now on a line that nobody takes (a pipe or socket that is
 * full) is left out, and log_lost() counts it: for a program that others wait for. */
void log_never_wait(void);
unsigned long long log_lost(void);

void log_err(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* log_plain - a line as it is, without the program's name: for lines that other
 * programs read (JSON). */
void log_plain(enum log_level level, const char *text);

/* fatal - log at ERR and exit(status).  At start only: once the first packet
 * was seen nothing exits this way. */
void fatal(int status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

#endif
