// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/tool_rights.h"

#include <cap-ng.h>
#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

bool tool_has_capability(int capability)
{
	return capng_have_capability(CAPNG_EFFECTIVE, (unsigned)capability);
}

bool tool_drop(const struct tool_drop *to, struct error *err)
{
	/* the bounding set may only be cleared by who has SETPCAP */
	bool bounding = tool_has_capability(CAP_SETPCAP);
	int result;

	capng_clear(CAPNG_SELECT_BOTH);
	if (to->keep >= 0)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
			     (unsigned)to->keep);
	if (to->change)
		result = capng_change_id(
			(int)to->uid, (int)to->gid,
			(to->groups ? CAPNG_INIT_SUPP_GRP
				    : CAPNG_DROP_SUPP_GRP) |
				(bounding ? CAPNG_CLEAR_BOUNDING : 0));
	else
		result = capng_apply(bounding ? CAPNG_SELECT_BOTH
					      : CAPNG_SELECT_CAPS);
	if (result != 0)
		return error_set(err, ERROR_SYSTEM, errno,
				 "cannot give up capabilities (libcap-ng: %d)",
				 result);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return error_set(err, ERROR_SYSTEM, errno, "no_new_privs");
	if (to->change && (setuid(0) == 0 || seteuid(0) == 0))
		return error_set(err, ERROR_SYSTEM, 0,
				 "still able to become root again");
	return true;
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

/* What the C library does in any program that works on what is open, reads files and
 * waits. */
static const int everywhere[] = {
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
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(futex),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(restart_syscall),
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
	SCMP_SYS(rseq),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

static int add_calls(scmp_filter_ctx filter, const struct tool_calls *c,
		     uint32_t action)
{
	int rc = 0;

	for (size_t i = 0; i < c->count; i++)
		rc |= seccomp_rule_add_array(filter, action, c->calls[i], 0,
					     NULL);
	return rc;
}

static int add_conditions(scmp_filter_ctx filter,
			  const struct tool_conditions *list)
{
	int rc = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct tool_condition *c = &list->conditions[i];
		struct scmp_arg_cmp cmp = SCMP_CMP32(
			c->argument, SCMP_CMP_MASKED_EQ, c->mask, c->value);

		rc |= seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, c->call, 1,
					     &cmp);
	}
	return rc;
}

bool tool_filter_load(const struct tool_filter *f, enum rights_filter how,
		      struct error *err)
{
	uint32_t otherwise = how == RIGHTS_FILTER_KILL ? SCMP_ACT_KILL_PROCESS
						       : SCMP_ACT_ERRNO(EPERM);
	const struct tool_calls base = { everywhere, LENGTH(everywhere) };
	scmp_filter_ctx filter;
	int rc;

	if (how == RIGHTS_FILTER_OFF)
		return true;
	filter = seccomp_init(otherwise);
	if (!filter)
		return error_set(err, ERROR_LIMIT, 0, "seccomp: out of memory");
	/* threads may run already */
	rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	rc |= add_calls(filter, &base, SCMP_ACT_ALLOW);
	for (size_t i = 0; i < LENGTH(f->allowed); i++)
		rc |= add_calls(filter, &f->allowed[i], SCMP_ACT_ALLOW);
	for (size_t i = 0; i < LENGTH(f->conditions); i++)
		rc |= add_conditions(filter, &f->conditions[i]);
	rc |= add_calls(filter, &f->absent, SCMP_ACT_ERRNO(ENOSYS));
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	if (rc != 0)
		return error_set(err, ERROR_SYSTEM, rc > -4096 ? -rc : 0,
				 "seccomp filter");
	return true;
}
