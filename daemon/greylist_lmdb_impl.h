/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_GREYLIST_LMDB_IMPL_H
#define DAEMON_GREYLIST_LMDB_IMPL_H

#include <lmdb.h>

#include "daemon/greylist_impl.h"

struct greylist_lmdb {
	MDB_env *env;
	MDB_dbi triplet, expiry;
	MDB_txn *txn; /* the batch */
	bool changed; /* by it */
	size_t limit;
	int lock; /* the folder, locked */
};

/* greylist_lmdb_fail - say what LMDB could not do; rc is its answer. */
bool greylist_lmdb_fail(int rc, const char *what, struct error *err);

#endif
