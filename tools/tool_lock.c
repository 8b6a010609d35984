// SPDX-License-Identifier: GPL-2.0-or-later
/* flock(2): other than with a record lock, a descriptor for reading will do, and it
 * is the same for threads and processes.  It knows no time-out, so it is asked
 * again and again. */
#include "tools/tool_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define AGAIN_MS 10

static bool try(int fd, unsigned wait_ms)
{
	const struct timespec pause = { 0, AGAIN_MS * 1000000 };

	for (unsigned waited = 0; flock(fd, LOCK_EX | LOCK_NB) != 0;
	     waited += AGAIN_MS) {
		if ((errno != EWOULDBLOCK && errno != EINTR) ||
		    waited >= wait_ms)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

bool tool_lock(int *fd, const char *folder, const char *name, mode_t mode,
	       unsigned wait_ms, struct error *err)
{
	int flags = mode ? O_RDWR | O_CREAT : O_RDONLY;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	*fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, mode);
	if (*fd < 0 && errno == ENOENT && !mode)
		return true;
	if (*fd < 0)
		return error_set(err, ERROR_SYSTEM, errno, "%s%s", path,
				 errno == EACCES ? ": be root, or the folder's "
						   "owner"
						 : "");
	if (mode)
		(void)!fchmod(*fd, mode); /* an older version's */
	if (try(*fd, wait_ms))
		return true;
	if (errno == EWOULDBLOCK)
		error_set(err, ERROR_HELD, 0, "%s: another program holds it",
			  path);
	else
		error_set(err, ERROR_SYSTEM, errno, "%s", path);
	close(*fd);
	*fd = -1;
	return false;
}

void tool_unlock(int fd)
{
	if (fd >= 0)
		close(fd);
}
