// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/local_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int new_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* One that lets nobody in is as good as dead to us. */
static bool is_alive(const struct sockaddr_un *address)
{
	int fd = new_socket();
	bool alive = fd < 0 ||
		     connect(fd, (const struct sockaddr *)address,
			     sizeof(*address)) == 0 ||
		     (errno != ECONNREFUSED && errno != EACCES);

	if (fd >= 0)
		close(fd);
	return alive;
}

/* chmod(2) would follow a link that somebody put there meanwhile. */
static int bind_with_mode(int fd, const struct sockaddr_un *address,
			  mode_t mode)
{
	mode_t before = umask(~mode & 0777);
	int rc = bind(fd, (const struct sockaddr *)address, sizeof(*address));

	umask(before);
	return rc;
}

static bool bind_at(int fd, const struct sockaddr_un *address, mode_t mode)
{
	const char *path = address->sun_path;
	struct stat there;

	if (bind_with_mode(fd, address, mode) == 0)
		return true;
	if (errno != EADDRINUSE)
		return false;
	if (lstat(path, &there) != 0 || !S_ISSOCK(there.st_mode) ||
	    is_alive(address)) {
		errno = EADDRINUSE;
		return false;
	}
	return unlink(path) == 0 && bind_with_mode(fd, address, mode) == 0;
}

int local_socket_listen(const char *path, mode_t mode, gid_t gid, int backlog,
			struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path)) {
		error_set(err, ERROR_LIMIT, 0,
			  "%s: longer than the %zu bytes that the name of a "
			  "socket may have",
			  path, sizeof(address.sun_path) - 1);
		return -1;
	}
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	fd = new_socket();
	if (fd < 0 || !bind_at(fd, &address, mode))
		error_set(err, ERROR_SYSTEM, errno, "cannot listen at %s",
			  path);
	else if (gid != (gid_t)-1 && lchown(path, (uid_t)-1, gid) != 0)
		error_set(err, ERROR_SYSTEM, errno,
			  "%s: cannot be given to group %u", path, gid);
	else if (listen(fd, backlog) != 0)
		error_set(err, ERROR_SYSTEM, errno, "cannot listen at %s",
			  path);
	else
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}
