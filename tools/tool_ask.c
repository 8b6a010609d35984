// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/tool_ask.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

#define READ_US 20000

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	if (number != SIGALRM)
		caught = number;
}

/* A terminal, and not one that another job reads from. */
static bool is_ours(int fd)
{
	return isatty(fd) && tcgetpgrp(fd) == getpgrp();
}

void tool_ask_catch(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGTERM, SIGQUIT,
				       SIGALRM };
	struct sigaction action = { .sa_handler = on_signal };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigaction(numbers[i], &action, NULL);
}

void tool_ask_start(const char *program, unsigned seconds)
{
	bool terminal = is_ours(STDIN_FILENO);

	/* what was typed before the question is no answer to it */
	if (terminal)
		tcflush(STDIN_FILENO, TCIFLUSH);
	fprintf(stderr,
		"%s: enforced for %u seconds: %s`geoblock confirm` keeps it, "
		"else what was before comes back\n",
		program, seconds, terminal ? "Enter, or elsewhere " : "");
}

/* Another program may have read what was typed (`… | less`): then this must not wait
 * for more, as the time would go by unseen. */
static ssize_t read_now(char *line, size_t size)
{
	static const struct itimerval often = { { 0, READ_US },
						{ 0, READ_US } };
	static const struct itimerval never;
	ssize_t n;

	setitimer(ITIMER_REAL, &often, NULL);
	n = read(STDIN_FILENO, line, size);
	setitimer(ITIMER_REAL, &never, NULL);
	return n;
}

static enum tool_word read_word(void)
{
	char line[64];
	ssize_t n = read_now(line, sizeof(line) - 1);

	if (n < 0 && errno == EINTR && !caught)
		return TOOL_WORD_NONE;
	if (n <= 0)
		return TOOL_WORD_GONE;
	line[n] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	if (!*line || strcmp(line, "y") == 0 || strcmp(line, "yes") == 0)
		return TOOL_WORD_YES;
	if (strcmp(line, "n") == 0 || strcmp(line, "no") == 0)
		return TOOL_WORD_NO;
	fputs("yes or no? ", stderr);
	return TOOL_WORD_NONE;
}

enum tool_word tool_ask(int ms)
{
	struct pollfd in = { .fd = is_ours(STDIN_FILENO) ? STDIN_FILENO : -1,
			     .events = POLLIN };
	int ready = caught ? 0 : poll(&in, 1, ms);

	if (caught)
		return TOOL_WORD_GONE;
	return ready > 0 ? read_word() : TOOL_WORD_NONE;
}
