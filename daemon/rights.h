/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_RIGHTS_H
#define DAEMON_RIGHTS_H

#include <stdbool.h>
#include <sys/types.h>

#include <geoblock/error.h>

#include "tools/tool_rights.h"

/* What a service may still do once it runs: a user of its own, the system calls
 * that its work needs, and
 *   geoblockd         CAP_NET_ADMIN, which the kernel asks for with each verdict
 *                     (nfnetlink_rcv, net/netfilter/nfnetlink.c); netlink
 *   geoblock-policyd  no capability; sockets to geoblockd and to a shared store of
 *                     greylisting, and writing to files that are open */
enum rights_service { RIGHTS_GEOBLOCKD, RIGHTS_POLICYD };

struct rights {
	enum rights_service service;
	bool change; /* to another user: we are root, and there is one */
	uid_t uid;
	gid_t gid;
	char name[33];
};

/* rights_find - who to become.  wanted NULL: the service's user ("geoblock",
 * "geoblock-policy") if there is one, else nobody else.  A wanted user that does not
 * exist is an error; being no root and another user than wanted as well. */
bool rights_find(struct rights *out, enum rights_service service,
		 const char *wanted, struct error *err);

/* rights_drop - become that user, keep the service's capability and nothing else,
 * gain nothing ever again (no_new_privs). */
bool rights_drop(const struct rights *rights, struct error *err);

/* rights_filter - the service's seccomp list, over all threads.  After it no file can
 * be opened for writing, no program run, no socket opened but the service's kinds. */
bool rights_filter(const struct rights *rights, enum rights_filter how,
		   struct error *err);

#endif
