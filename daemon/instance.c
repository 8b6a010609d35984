// SPDX-License-Identifier: GPL-2.0-or-later
/* A POSIX record lock: it goes with its process, however that ends, and the kernel
 * says who has it. */
#include "daemon/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The process's name, as ps(1) shows it. */
static const char *name_of(pid_t pid, char *buf, size_t size)
{
	char path[40];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (!f || !fgets(buf, (int)size, f))
		snprintf(buf, size, "?");
	if (f)
		fclose(f);
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}

bool instance_take(const char *run_dir, struct error *err)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[128], name[32];
	int fd;

	if (mkdir(run_dir, 0755) != 0 && errno != EEXIST)
		return error_set(err, ERROR_SYSTEM, errno, "%s", run_dir);
	snprintf(path, sizeof(path), "%s/%s", run_dir, INSTANCE_LOCK);
	/* Not closed: the lock goes with the descriptor.  Who may read it could
	 * lock it for reading, and keep us out. */
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_set(err, ERROR_SYSTEM, errno, "%s", path);
	if (fcntl(fd, F_SETLK, &whole) == 0)
		return true;
	if (errno != EAGAIN && errno != EACCES)
		error_set(err, ERROR_SYSTEM, errno, "%s", path);
	else if (fcntl(fd, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK)
		error_set(err, ERROR_HELD, 0,
			  "another geoblockd runs with %s: process %d (%s)",
			  run_dir, (int)whole.l_pid,
			  name_of(whole.l_pid, name, sizeof(name)));
	else
		error_set(err, ERROR_HELD, 0, "another geoblockd runs with %s",
			  run_dir);
	close(fd);
	return false;
}
