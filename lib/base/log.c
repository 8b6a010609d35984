// SPDX-License-Identifier: GPL-2.0-or-later
#include <geoblock/log.h>

#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One program, one log: state of the process, not of an object. */
static const char *log_program = "geoblock";
static enum log_level log_max = LOG_LEVEL_INFO;
static bool log_levels; /* "<N>" in front, for the journal */
static bool log_waits = true;
static atomic_ullong log_dropped;

/* systemd.exec(5): the variable outlives a redirection, so it says which file the
 * journal's is. */
static bool is_journal(void)
{
	const char *wanted = getenv("JOURNAL_STREAM");
	struct stat file;
	char text[48];

	if (!wanted || fstat(STDERR_FILENO, &file) != 0)
		return false;
	snprintf(text, sizeof(text), "%llu:%llu",
		 (unsigned long long)file.st_dev,
		 (unsigned long long)file.st_ino);
	return strcmp(text, wanted) == 0;
}

void log_init(const char *program)
{
	log_program = program;
	log_levels = is_journal();
}

void log_threshold(enum log_level max)
{
	log_max = max;
}

void log_never_wait(void)
{
	log_waits = false;
}

unsigned long long log_lost(void)
{
	return log_dropped;
}

/* A pipe or socket that is ready takes a whole line: pipe(7), unix(7). */
static void put(const char *line)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (!log_waits && poll(&out, 1, 0) == 0)
		log_dropped++;
	else
		fputs(line, stderr);
}

/* One write a line, so that lines of several processes do not mix. */
static void __attribute__((format(printf, 2, 0)))
log_line(enum log_level level, const char *fmt, va_list ap)
{
	char line[1024], text[900];

	if (level > log_max)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	if (log_levels)
		snprintf(line, sizeof(line), "<%d>%s: %s\n", (int)level,
			 log_program, text);
	else
		snprintf(line, sizeof(line), "%s: %s\n", log_program, text);
	put(line);
}

void log_plain(enum log_level level, const char *text)
{
	char line[1024];

	if (level > log_max)
		return;
	if (log_levels)
		snprintf(line, sizeof(line), "<%d>%s\n", (int)level, text);
	else
		snprintf(line, sizeof(line), "%s\n", text);
	put(line);
}

#define LOG_FUNCTION(name, level)                                              \
	void name(const char *fmt, ...)                                        \
	{                                                                      \
		va_list ap;                                                    \
                                                                               \
		va_start(ap, fmt);                                             \
		log_line(level, fmt, ap);                                      \
		va_end(ap);                                                    \
	}

LOG_FUNCTION(log_err, LOG_LEVEL_ERR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)

void fatal(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_ERR, fmt, ap);
	va_end(ap);
	exit(status);
}
