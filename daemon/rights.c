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
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* What the services differ in. */
static const struct {
	const char *user;
	int capability; /* -1: none */
} services[] = {
	[RIGHTS_GEOBLOCKD] = { "geoblock", CAP_NET_ADMIN },
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
	int capability = services[rights->service].capability;
	int result;

	capng_clear(CAPNG_SELECT_BOTH);
	if (capability >= 0)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
			     (unsigned)capability);
	if (rights->change)
		result = capng_change_id((int)rights->uid, (int)rights->gid,
					 CAPNG_INIT_SUPP_GRP |
						 CAPNG_CLEAR_BOUNDING);
	else
		/* the bounding set may only be cleared by who has SETPCAP */
		result = capng_apply(geteuid() == 0 ? CAPNG_SELECT_BOTH
						    : CAPNG_SELECT_CAPS);
	if (result != 0)
		return error_set(err, ERROR_SYSTEM, errno,
				 "cannot give up capabilities (libcap-ng: %d)",
				 result);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return error_set(err, ERROR_SYSTEM, errno, "no_new_privs");
	if (rights->change && (setuid(0) == 0 || seteuid(0) == 0))
		return error_set(err, ERROR_SYSTEM, 0,
				 "still able to become root again");
	return true;
}

/* Calls without a condition. */
static const int allowed[] = {
	/* descriptors and files */
	SCMP_SYS(read),
	SCMP_SYS(pread64),
	SCMP_SYS(readv),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(close),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(statx),
	SCMP_SYS(lseek),
	SCMP_SYS(getdents64),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(fcntl),
	SCMP_SYS(fadvise64),
	/* waiting */
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(futex),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(inotify_add_watch),
	SCMP_SYS(inotify_rm_watch),
	SCMP_SYS(statfs), /* libev: does inotify work there? */
	/* sockets that are open */
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(recvmmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(accept4),
	SCMP_SYS(bind),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown),
	/* memory */
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	/* time, signals, ourselves */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getrandom),
	SCMP_SYS(sysinfo),
	SCMP_SYS(uname),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(prlimit64),
	SCMP_SYS(rseq),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(tgkill),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* Of geoblock-policyd alone: the greylist's store, which is open, is written; lost
 * connections to geoblockd and to a shared store are made anew. */
static const int allowed_policyd[] = {
	SCMP_SYS(connect),   SCMP_SYS(pwrite64),  SCMP_SYS(pwritev),
	SCMP_SYS(fdatasync), SCMP_SYS(fsync),     SCMP_SYS(msync),
	SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(getpeername),
};

static const int sockets_geoblockd[] = { AF_NETLINK };
static const int sockets_policyd[] = { AF_UNIX, AF_INET, AF_INET6 };

static int add(scmp_filter_ctx filter, int call, struct scmp_arg_cmp condition)
{
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1,
				      &condition);
}

static int add_all(scmp_filter_ctx filter, const int *calls, size_t count)
{
	int rc = 0;

	for (size_t i = 0; i < count; i++)
		rc |= seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, calls[i],
					     0, NULL);
	return rc;
}

static int add_sockets(scmp_filter_ctx filter, const int *families,
		       size_t count)
{
	int rc = 0;

	for (size_t i = 0; i < count; i++)
		rc |= add(filter, SCMP_SYS(socket),
			  SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)families[i], 0));
	return rc;
}

/* Calls that depend on an argument: memory that cannot be executed, files for
 * reading. */
static int add_conditional(scmp_filter_ctx filter)
{
	int writes = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
	int rc = 0;

	rc |= add(filter, SCMP_SYS(mmap),
		  SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	rc |= add(filter, SCMP_SYS(mprotect),
		  SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	rc |= add(filter, SCMP_SYS(openat),
		  SCMP_A2_32(SCMP_CMP_MASKED_EQ, (uint32_t)writes, O_RDONLY));
	rc |= add(filter, SCMP_SYS(open),
		  SCMP_A1_32(SCMP_CMP_MASKED_EQ, (uint32_t)writes, O_RDONLY));
	/* isatty(3), which libconfuse's scanner asks */
	rc |= add(filter, SCMP_SYS(ioctl), SCMP_A1_32(SCMP_CMP_EQ, TCGETS, 0));
	return rc;
}

static int add_service(scmp_filter_ctx filter, enum rights_service service)
{
	if (service == RIGHTS_GEOBLOCKD)
		return add_sockets(filter, sockets_geoblockd,
				   LENGTH(sockets_geoblockd));
	return add_all(filter, allowed_policyd, LENGTH(allowed_policyd)) |
	       add_sockets(filter, sockets_policyd, LENGTH(sockets_policyd));
}

enum rights_filter rights_filter_kind(void)
{
	const char *word = getenv("GEOBLOCK_SECCOMP");

	if (word && strcmp(word, "kill") == 0)
		return RIGHTS_FILTER_KILL;
	if (word && strcmp(word, "off") == 0)
		return RIGHTS_FILTER_OFF;
	return RIGHTS_FILTER_ERRNO;
}

bool rights_filter(const struct rights *rights, enum rights_filter how,
		   struct error *err)
{
	uint32_t otherwise = how == RIGHTS_FILTER_KILL ? SCMP_ACT_KILL_PROCESS
						       : SCMP_ACT_ERRNO(EPERM);
	scmp_filter_ctx filter;
	int rc = 0;

	if (how == RIGHTS_FILTER_OFF)
		return true;
	filter = seccomp_init(otherwise);
	if (!filter)
		return error_set(err, ERROR_LIMIT, 0, "seccomp: out of memory");
	/* the worker thread runs already */
	rc |= seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	rc |= add_all(filter, allowed, LENGTH(allowed));
	rc |= add_conditional(filter);
	rc |= add_service(filter, rights->service);
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	if (rc != 0)
		return error_set(err, ERROR_SYSTEM, rc > -4096 ? -rc : 0,
				 "seccomp filter");
	return true;
}
