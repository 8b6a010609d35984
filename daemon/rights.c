// SPDX-License-Identifier: GPL-2.0-or-later
/* Rights, given up in this order: user, capabilities, no_new_privs, system calls.
 * A reload reads files and applies a table, so the list keeps openat(2) for
 * reading and netlink sockets; it has no way to run a program, to trace one, to
 * write a file or to change a right. */
#include "daemon/rights.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* What the services differ in. */
static const struct {
	const char *user;
	int capability; /* -1: none */
} services[] = {
	[RIGHTS_GEOBLOCKD] = { TOOL_USER, CAP_NET_ADMIN },
	[RIGHTS_POLICYD] = { "geoblock-policy", -1 },
};

bool rights_find(struct rights *out, enum rights_service service,
		 const char *wanted, struct error *err)
{
	const char *name = wanted ? wanted : services[service].user;
	struct passwd *user;

	memset(out, 0, sizeof(*out));
	out->service = service;
	if (!wanted && geteuid() != 0)
		return true;
	errno = 0;
	user = getpwnam(name);
	if (!user && !wanted)
		return true;
	if (!user)
		return error_set(err, ERROR_MALFORMED, errno,
				 "user \"%s\" does not exist", name);
	if (user->pw_uid == geteuid())
		return true;
	if (geteuid() != 0)
		return error_set(err, ERROR_SYSTEM, EPERM,
				 "only root can become user \"%s\"", name);
	out->change = true;
	out->uid = user->pw_uid;
	out->gid = user->pw_gid;
	snprintf(out->name, sizeof(out->name), "%s", name);
	return true;
}

bool rights_drop(const struct rights *rights, struct error *err)
{
	const struct tool_drop to = {
		.change = rights->change,
		.uid = rights->uid,
		.gid = rights->gid,
		.groups = true,
		.keep = services[rights->service].capability,
	};

	return tool_drop(&to, err);
}

/* Of both services, beside what tool_filter_load() knows: an event loop,
 * sockets that are open, the lock of the table, abort(). */
static const int allowed[] = {
	SCMP_SYS(flock),       SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),   SCMP_SYS(recvfrom),   SCMP_SYS(recvmsg),
	SCMP_SYS(recvmmsg),    SCMP_SYS(sendto),     SCMP_SYS(sendmsg),
	SCMP_SYS(sendmmsg),    SCMP_SYS(accept4),    SCMP_SYS(bind),
	SCMP_SYS(getsockname), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown),    SCMP_SYS(prlimit64),  SCMP_SYS(tgkill),
};

/* Of geoblock-policyd alone: the greylist's store, which is open, is written; lost
 * connections to geoblockd and to a shared store are made anew. */
static const int allowed_policyd[] = {
	SCMP_SYS(connect),   SCMP_SYS(pwrite64),  SCMP_SYS(pwritev),
	SCMP_SYS(fdatasync), SCMP_SYS(fsync),     SCMP_SYS(msync),
	SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(getpeername),
};

static const struct tool_condition sockets_geoblockd[] = {
	{ SCMP_SYS(socket), 0, UINT32_MAX, AF_NETLINK },
};
static const struct tool_condition sockets_policyd[] = {
	{ SCMP_SYS(socket), 0, UINT32_MAX, AF_UNIX },
	{ SCMP_SYS(socket), 0, UINT32_MAX, AF_INET },
	{ SCMP_SYS(socket), 0, UINT32_MAX, AF_INET6 },
};

#define WRITES (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND)

/* Calls that depend on an argument: memory that cannot be executed, files for
 * reading. */
static const struct tool_condition conditions[] = {
	{ SCMP_SYS(mmap), 2, PROT_EXEC, 0 },
	{ SCMP_SYS(mprotect), 2, PROT_EXEC, 0 },
	{ SCMP_SYS(openat), 2, WRITES, O_RDONLY },
	{ SCMP_SYS(open), 1, WRITES, O_RDONLY },
	/* isatty(3), which libconfuse's scanner asks */
	{ SCMP_SYS(ioctl), 1, UINT32_MAX, TCGETS },
};

bool rights_filter(const struct rights *rights, enum rights_filter how,
		   struct error *err)
{
	struct tool_filter filter = {
		.allowed = { { allowed, LENGTH(allowed) } },
		.conditions = { { conditions, LENGTH(conditions) },
				{ sockets_geoblockd,
				  LENGTH(sockets_geoblockd) } },
	};

	if (rights->service == RIGHTS_POLICYD) {
		filter.allowed[1] =
			(struct tool_calls){ allowed_policyd,
					     LENGTH(allowed_policyd) };
		filter.conditions[1] =
			(struct tool_conditions){ sockets_policyd,
						  LENGTH(sockets_policyd) };
	}
	return tool_filter_load(&filter, how, err);
}
