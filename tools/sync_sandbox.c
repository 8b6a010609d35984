// SPDX-License-Identifier: GPL-2.0-or-later
/* The child's fences, outermost first: another user without a capability and
 * without a way to get one; limits; Landlock, where the kernel has it, so that
 * nothing can be written but the cache, no program run, and little read beyond
 * libraries, certificates and what a name service needs; and a list of system
 * calls.  It may connect to wherever it likes: it has to download. */
#include "tools/sync_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/tool_rights.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* newer than Debian 12's headers */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#define LIMIT_CPU_S  300
#define LIMIT_FILE   ((rlim_t)1 << 30)
#define LIMIT_MEMORY ((rlim_t)3 << 30)

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static bool limit(int what, rlim_t value, struct error *err)
{
	struct rlimit now;

	if (getrlimit(what, &now) == 0 && now.rlim_max < value)
		value = now.rlim_max;
	if (setrlimit(what, &(struct rlimit){ value, value }) == 0)
		return true;
	return error_set(err, ERROR_SYSTEM, errno, "setrlimit");
}

static bool limits(struct error *err)
{
	return limit(RLIMIT_CPU, LIMIT_CPU_S, err) &&
	       limit(RLIMIT_FSIZE, LIMIT_FILE, err) &&
	       limit(RLIMIT_CORE, 0, err) &&
	       /* a sanitizer's shadow is terabytes */
	       (SANITIZED || limit(RLIMIT_DATA, LIMIT_MEMORY, err));
}

bool sandbox_tied(pid_t parent, struct error *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return error_set(err, ERROR_SYSTEM, errno, "PR_SET_PDEATHSIG");
	if (getppid() != parent) /* too late */
		_exit(1);
	return true;
}

/* ---- Landlock ------------------------------------------------------------------ */

#define MAKE                                                                   \
	(LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |          \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |         \
	 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |         \
	 LANDLOCK_ACCESS_FS_MAKE_REG)

static bool allow_beneath(int ruleset, int folder, uint64_t rights)
{
	const struct landlock_path_beneath_attr beneath = {
		.allowed_access = rights,
		.parent_fd = folder,
	};

	return syscall(SYS_landlock_add_rule, ruleset,
		       LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0;
}

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* What is loaded and looked up while it works; files and folders. */
static const char *const readable[] = {
	"/usr",
	"/lib",
	"/lib64",
	"/etc/alternatives",
	"/etc/ca-certificates",
	"/etc/pki",
	"/etc/ssl/cert.pem",
	"/etc/ssl/certs",
	"/etc/ssl/openssl.cnf",
	"/etc/gai.conf",
	"/etc/group",
	"/etc/host.conf",
	"/etc/hosts",
	"/etc/ld.so.cache",
	"/etc/ld.so.preload",
	"/etc/localtime",
	"/etc/nsswitch.conf",
	"/etc/passwd",
	"/etc/protocols",
	"/etc/resolv.conf",
	"/etc/services",
	"/run/nscd",
	"/run/resolvconf",
	"/run/systemd/resolve",
	"/var/lib/ca-certificates",
	"/proc",
	"/sys/devices/system/cpu",
	"/sys/kernel/mm/transparent_hugepage",
	"/dev/null",
	"/dev/random",
	"/dev/urandom",
};

/* What is not there is not allowed; a file has no folder's rights. */
static void allow_reading(int ruleset, bool exec)
{
	uint64_t rights = READ | (exec ? LANDLOCK_ACCESS_FS_EXECUTE : 0);
	struct stat st;

	for (size_t i = 0; i < LENGTH(readable); i++) {
		int fd = open(readable[i], O_PATH | O_CLOEXEC);

		if (fd < 0)
			continue;
		if (fstat(fd, &st) == 0)
			allow_beneath(ruleset, fd,
				      S_ISDIR(st.st_mode)
					      ? rights
					      : LANDLOCK_ACCESS_FS_READ_FILE);
		close(fd);
	}
}

static bool restrict_to(int ruleset, int cache, uint64_t rights)
{
	return (cache < 0 || allow_beneath(ruleset, cache, rights)) &&
	       syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
}

bool sandbox_landlock(int cache, bool exec, struct error *err)
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_WRITE_FILE |
				     LANDLOCK_ACCESS_FS_REMOVE_DIR |
				     LANDLOCK_ACCESS_FS_REMOVE_FILE |
				     LANDLOCK_ACCESS_FS_EXECUTE | READ | MAKE,
	};
	uint64_t mine = READ | LANDLOCK_ACCESS_FS_WRITE_FILE |
			LANDLOCK_ACCESS_FS_MAKE_REG |
			LANDLOCK_ACCESS_FS_REMOVE_FILE |
			LANDLOCK_ACCESS_FS_TRUNCATE;
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);
	int ruleset;
	bool ok = false;

	if (version < 1) /* an older kernel, or switched off */
		return true;
	if (version >= 3)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (exec) /* gpgv, which only reads there */
		mine = READ;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr),
			       0);
	if (ruleset >= 0) {
		allow_reading(ruleset, exec);
		ok = restrict_to(ruleset, cache, mine & attr.handled_access_fs);
	}
	if (!ok)
		error_set(err, ERROR_SYSTEM, errno, "Landlock");
	if (ruleset >= 0)
		close(ruleset);
	return ok;
}

/* ---- system calls ------------------------------------------------------------------ */

/* Of both processes, beside what tool_filter_load() knows. */
static const int of_both[] = {
	SCMP_SYS(pwrite64),        SCMP_SYS(open),        SCMP_SYS(openat),
	SCMP_SYS(fstatfs),         SCMP_SYS(statfs),      SCMP_SYS(getcwd),
	SCMP_SYS(pipe2),           SCMP_SYS(select),      SCMP_SYS(pselect6),
	SCMP_SYS(clock_getres),    SCMP_SYS(sigaltstack), SCMP_SYS(getppid),
	SCMP_SYS(getgid),          SCMP_SYS(getegid),     SCMP_SYS(umask),
	SCMP_SYS(getrlimit),       SCMP_SYS(getrusage),   SCMP_SYS(times),
	SCMP_SYS(set_tid_address), SCMP_SYS(arch_prctl),
};

/* Of the child that downloads and reads. */
static const int of_child[] = {
	SCMP_SYS(connect),       SCMP_SYS(bind),         SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),       SCMP_SYS(sendmmsg),     SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),       SCMP_SYS(recvmmsg),     SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),   SCMP_SYS(getsockopt),   SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown),      SCMP_SYS(socketpair),   SCMP_SYS(eventfd2),
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),    SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),   SCMP_SYS(unlink),       SCMP_SYS(unlinkat),
	SCMP_SYS(rename),        SCMP_SYS(renameat),     SCMP_SYS(renameat2),
	SCMP_SYS(ftruncate),     SCMP_SYS(memfd_create),
};

/* Of the process that runs gpgv. */
static const int of_gpgv[] = {
	SCMP_SYS(execve),    SCMP_SYS(clone),  SCMP_SYS(fork),
	SCMP_SYS(vfork),     SCMP_SYS(wait4),  SCMP_SYS(dup2),
	SCMP_SYS(dup3),      SCMP_SYS(pipe),   SCMP_SYS(chdir),
	SCMP_SYS(fchdir),    SCMP_SYS(prctl),  SCMP_SYS(setrlimit),
	SCMP_SYS(prlimit64), SCMP_SYS(sendto), SCMP_SYS(recvfrom),
	SCMP_SYS(tgkill),
};

#define W_X ((uint32_t)(PROT_WRITE | PROT_EXEC))

/* Code is mapped (name services are loaded when they are asked), never made. */
static const struct tool_condition memory[] = {
	{ SCMP_SYS(mmap), 2, W_X, 0 },
	{ SCMP_SYS(mmap), 2, W_X, PROT_WRITE },
	{ SCMP_SYS(mmap), 2, W_X, PROT_EXEC },
	{ SCMP_SYS(mprotect), 2, PROT_EXEC, 0 },
};

/* Threads, and no processes; sockets to the net, to a name service, and to ask
 * the kernel for its addresses; limits to be read. */
static const struct tool_condition of_child_only[] = {
	{ SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD },
	{ SCMP_SYS(socket), 0, UINT32_MAX, AF_INET },
	{ SCMP_SYS(socket), 0, UINT32_MAX, AF_INET6 },
	{ SCMP_SYS(socket), 0, UINT32_MAX, AF_UNIX },
	{ SCMP_SYS(socket), 0, UINT32_MAX, AF_NETLINK },
	{ SCMP_SYS(ioctl), 1, UINT32_MAX, FIONREAD },
	{ SCMP_SYS(ioctl), 1, UINT32_MAX, FIONBIO },
	{ SCMP_SYS(prlimit64), 2, UINT32_MAX, 0 },
	{ SCMP_SYS(prctl), 0, UINT32_MAX, PR_SET_NAME },
	{ SCMP_SYS(prctl), 0, UINT32_MAX, PR_SET_VMA },
};

/* Its arguments are out of a filter's sight: the C library takes clone(2). */
static const int absent[] = { SCMP_SYS(clone3) };
/* … and asks /etc/passwd where it cannot ask a name service. */
static const int absent_gpgv[] = { SCMP_SYS(clone3), SCMP_SYS(socket) };

bool sandbox_gpgv(struct error *err)
{
	const struct tool_filter list = {
		.allowed = { { of_both, LENGTH(of_both) },
			     { of_gpgv, LENGTH(of_gpgv) } },
		.conditions = { { memory, LENGTH(memory) } },
		.absent = { absent_gpgv, LENGTH(absent_gpgv) },
	};

	return tool_filter_load(&list, rights_filter_kind(), err);
}

static bool filter_child(struct error *err)
{
	/* abort() raises a signal; where nobody is another user, others' end
	 * with it just as well */
	const struct tool_condition own[] = {
		{ SCMP_SYS(tgkill), 0, UINT32_MAX, (uint32_t)getpid() },
	};
	const struct tool_filter list = {
		.allowed = { { of_both, LENGTH(of_both) },
			     { of_child, LENGTH(of_child) } },
		.conditions = { { memory, LENGTH(memory) },
				{ of_child_only, LENGTH(of_child_only) },
				{ own, LENGTH(own) } },
		.absent = { absent, LENGTH(absent) },
	};

	return tool_filter_load(&list, rights_filter_kind(), err);
}

bool sync_sandbox(struct sync_child *c, struct error *err)
{
	const struct tool_drop to = {
		.change = c->change,
		.uid = c->uid,
		.gid = c->gid,
		.keep = -1,
	};

	/* who changes his user is no longer tied: that comes after */
	return limits(err) && tool_drop(&to, err) &&
	       sandbox_tied(c->parent, err) && gpgv_start(c, err) &&
	       sandbox_landlock(c->cache, false, err) && filter_child(err);
}
