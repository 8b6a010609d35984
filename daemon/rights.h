/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_RIGHTS_H
#define DAEMON_RIGHTS_H

#include <stdbool.h>
#include <sys/types.h>

#include <geoblock/error.h>

/* What the process may still do once it runs: CAP_NET_ADMIN, which the kernel asks
 * for with each verdict (nfnetlink_rcv, net/netfilter/nfnetlink.c), a user of its
 * own, and the system calls that reading files and talking to netlink need. */

#define RIGHTS_USER "geoblock"

struct rights {
	bool change; /* to another user: we are root, and there is one */
	uid_t uid;
	gid_t gid;
	char name[33];
};

/* rights_find - who to become.  wanted NULL: RIGHTS_USER if there is one, else
 * nobody else.  A wanted user that does not exist is an error; being no root and
 * another user than wanted as well. */
bool rights_find(struct rights *out, const char *wanted, struct error *err);

/* rights_drop - become that user, keep CAP_NET_ADMIN and nothing else, gain
 * nothing ever again (no_new_privs). */
bool rights_drop(const struct rights *rights, struct error *err);

enum rights_filter {
	RIGHTS_FILTER_ERRNO, /* a call that is not allowed fails with EPERM */
	RIGHTS_FILTER_KILL,  /* … ends the process: for tests */
	RIGHTS_FILTER_OFF,
};

/* rights_filter - the seccomp list, over all threads.  After it no file can be
 * written, no program run, no socket opened but netlink's. */
bool rights_filter(enum rights_filter how, struct error *err);

#endif
