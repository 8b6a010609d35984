// SPDX-License-Identifier: GPL-2.0-or-later
/* flock(2): other than with a record lock, a descriptor for reading will do, and it
 * is the same for threads and processes.  It knows no time-out, so it is asked
 * again and again. */
#include "tools/tool_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/tool_rights.h"

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

#define NOBODY ((gid_t)-1)

/* What the file is to be from now on; an older version may have made it. */
static void settle(int fd, mode_t mode, gid_t group)
{
	if (group != NOBODY && fchown(fd, (uid_t)-1, group) != 0)
		mode |= S_IROTH;
	(void)!fchmod(fd, mode);
}

static bool lock(int *fd, const char *folder, const char *name, mode_t mode,
		 gid_t group, unsigned wait_ms, struct error *err)
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
		settle(*fd, mode, group);
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

bool tool_lock(int *fd, const char *folder, const char *name, mode_t mode,
	       unsigned wait_ms, struct error *err)
{
	return lock(fd, folder, name, mode, NOBODY, wait_ms, err);
}

bool tool_lock_table(int *fd, const struct conf *conf, bool make,
		     unsigned wait_ms, struct error *err)
{
	const struct passwd *user =
		make ? getpwnam(conf->user ? conf->user : TOOL_USER) : NULL;
	mode_t mode = !make ? 0 : user ? 0640 : 0644;

	return lock(fd, conf->state_dir, TOOL_LOCK_TABLE, mode,
		    user ? user->pw_gid : NOBODY, wait_ms, err);
}

void tool_unlock(int fd)
{
	if (fd >= 0)
		close(fd);
}
