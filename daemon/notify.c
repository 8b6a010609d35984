// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* One manager, one socket: state of the process. */
static int manager = -1;
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static socklen_t address_len;
static const char *unsaid; /* NULL: nothing */

void notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;

	if (len < 2 || len >= sizeof(address.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@') /* abstract, unix(7) */
		address.sun_path[0] = '\0';
	address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* False: the manager has no room for it now.  One that does not listen at all is no
 * reason to stop. */
static bool say(const char *state)
{
	return sendto(manager, state, strlen(state), MSG_NOSIGNAL,
		      (const struct sockaddr *)&address, address_len) >= 0 ||
	       errno != EAGAIN;
}

void notify(const char *state)
{
	if (manager < 0)
		return;
	if (unsaid && say(unsaid))
		unsaid = NULL;
	if (!say(state) && strcmp(state, "WATCHDOG=1") != 0)
		unsaid = state;
}

double notify_watchdog_s(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && strtol(pid, NULL, 10) != getpid()))
		return 0;
	return (double)strtoul(usec, NULL, 10) / 2e6;
}
