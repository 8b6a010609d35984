// SPDX-License-Identifier: GPL-2.0-or-later
/* For the run-dir a POSIX record lock: it goes with its process, however that ends,
 * and the kernel says who has it.
 *
 * For the table a listening socket with an abstract name (unix(7)): like the table
 * it is one network namespace's, and it goes with its process, too.  Anybody may
 * have taken the name; whose it is, the kernel tells who connects, and a stranger's
 * is as good as none. */
#include "daemon/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <geoblock/log.h>

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

static bool take_folder(const char *run_dir, struct error *err)
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

/* Who listens at the name: false where that cannot be told any more. */
static bool holder(const struct sockaddr_un *name, socklen_t len,
		   struct ucred *out)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t size = sizeof(*out);
	bool known = fd >= 0 &&
		     connect(fd, (const struct sockaddr *)name, len) == 0 &&
		     getsockopt(fd, SOL_SOCKET, SO_PEERCRED, out, &size) == 0;

	if (fd >= 0)
		close(fd);
	return known;
}

static bool take_table(const char *table, uid_t user, int *asked,
		       struct error *err)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct ucred who = { .uid = (uid_t)-1 };
	char process[32];
	socklen_t len;
	int fd;

	/* sun_path[0] stays 0: an abstract name */
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			  (size_t)snprintf(name.sun_path + 1,
					   sizeof(name.sun_path) - 1,
					   "geoblockd/table/%s", table));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&name, len) == 0 &&
	    listen(fd, 64) == 0) {
		*asked = fd;
		return true;
	}
	if (fd < 0 || errno != EADDRINUSE)
		return error_set(err, ERROR_SYSTEM, errno,
				 "cannot hold table %s", table);
	close(fd);
	if (holder(&name, len, &who) &&
	    (who.uid == 0 || who.uid == user || who.uid == geteuid()))
		return error_set(err, ERROR_HELD, 0,
				 "another geoblockd keeps table %s: process %d "
				 "(%s); two on one machine need a table, mark, "
				 "queue, nflog-group and run-dir each",
				 table, (int)who.pid,
				 name_of(who.pid, process, sizeof(process)));
	log_warn("user %d, who has no business with it, has taken the name by "
		 "which geoblockd tells that it keeps table %s; going on",
		 (int)who.uid, table);
	return true;
}

bool instance_take(const char *run_dir, const char *table, uid_t user,
		   int *asked, struct error *err)
{
	*asked = -1;
	return take_folder(run_dir, err) && take_table(table, user, asked, err);
}

void instance_answer(int asked)
{
	int fd = accept4(asked, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		close(fd);
}
