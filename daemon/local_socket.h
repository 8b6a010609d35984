/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_LOCAL_SOCKET_H
#define DAEMON_LOCAL_SOCKET_H

#include <sys/types.h>

#include <geoblock/error.h>

/* local_socket_listen - a Unix stream socket that listens at path, non-blocking, with
 * that mode from its first moment on, and that group ((gid_t)-1: as it comes).
 *
 * The folder may belong to somebody else, so that links are not followed, neither
 * in making it nor in changing it.  A dead socket at path is replaced; one that
 * somebody listens at is an error, as is whatever is no socket.  Changes the
 * process's umask meanwhile: not for use beside threads that make files.  -1 on
 * error. */
int local_socket_listen(const char *path, mode_t mode, gid_t gid, int backlog,
			struct error *err);

#endif
