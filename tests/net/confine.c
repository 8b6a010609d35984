// SPDX-License-Identifier: GPL-2.0-or-later
/* confine CALLS COMMAND… - with the system calls that a unit's sandbox leaves.
 *
 * CALLS has a line for each: the name of a call that is allowed, or "family NUMBER"
 * for an address family that socket(2) may have.  Names that this machine does not
 * know are passed over, as systemd does; every other call fails with EPERM. */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int allow(scmp_filter_ctx filter, const char *line)
{
	unsigned family;
	int call;

	if (sscanf(line, "family %u", &family) == 1)
		return seccomp_rule_add(filter, SCMP_ACT_ALLOW,
					SCMP_SYS(socket), 1,
					SCMP_A0_32(SCMP_CMP_EQ, family, 0));
	call = seccomp_syscall_resolve_name(line);
	if (call == __NR_SCMP_ERROR || call == SCMP_SYS(socket))
		return 0;
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
}

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	FILE *calls = argc > 2 ? fopen(argv[1], "re") : NULL;
	char line[128];
	int rc = 0;

	if (!filter || !calls) {
		fprintf(stderr, "usage: confine CALLS COMMAND…\n");
		return 2;
	}
	while (rc == 0 && fgets(line, sizeof(line), calls)) {
		line[strcspn(line, "\n")] = '\0';
		rc = allow(filter, line);
	}
	fclose(calls);
	if (rc == 0)
		rc = seccomp_load(filter);
	if (rc != 0) {
		fprintf(stderr, "confine: %s\n", strerror(-rc));
		return 3;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 3;
}
