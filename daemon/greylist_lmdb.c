// SPDX-License-Identifier: GPL-2.0-or-later
/* The database's records; greylist_lmdb_open.c opens it, and nothing else knows LMDB.
 *
 * Two tables: `triplet` has the records by key, `expiry` their keys by the time when
 * they are over (eight bytes, big-endian, then the key).  So what is over, or has to
 * go because there is too much, stands at the front of the second, and cleaning up is
 * a few steps with every batch, never a walk over all.  Where the two do not agree,
 * as in a database that something else has written to, `triplet` is right, and the
 * entry of `expiry` goes.
 *
 * LMDB commits by writing new pages and then one that points at them, so that a power
 * cut or a kill leaves the state of the last commit. */
#include "daemon/greylist_lmdb_impl.h"

#include <errno.h>
#include <string.h>

#define EXPIRY_KEY (8 + GREYLIST_KEY_MAX)

bool greylist_lmdb_fail(int rc, const char *what, struct error *err)
{
	bool full = rc == MDB_MAP_FULL || rc == MDB_TXN_FULL;

	/* positive ones are errno's */
	return error_set(err, full ? ERROR_LIMIT : ERROR_SYSTEM,
			 rc > 0 ? rc : 0, "greylist database: %s%s%s", what,
			 rc > 0 ? "" : ": ", rc > 0 ? "" : mdb_strerror(rc));
}

/* ---- a batch ---- */

bool greylist_lmdb_begin(struct greylist_lmdb *lmdb, struct error *err)
{
	int rc = mdb_txn_begin(lmdb->env, NULL, 0, &lmdb->txn);

	lmdb->changed = false;
	if (rc == 0)
		return true;
	lmdb->txn = NULL;
	return greylist_lmdb_fail(rc, "no transaction", err);
}

void greylist_lmdb_abort(struct greylist_lmdb *lmdb)
{
	if (lmdb->txn)
		mdb_txn_abort(lmdb->txn);
	lmdb->txn = NULL;
}

bool greylist_lmdb_commit(struct greylist_lmdb *lmdb, struct error *err)
{
	int rc;

	if (!lmdb->changed) {
		greylist_lmdb_abort(lmdb);
		return true;
	}
	rc = mdb_txn_commit(lmdb->txn);
	lmdb->txn = NULL;
	/* EIO is also LMDB's word for a write that a full disk cut short */
	return rc == 0 ||
	       greylist_lmdb_fail(rc,
				  rc == EIO ? "cannot be written, or the disk "
					      "is full"
					    : "cannot be written",
				  err);
}

static MDB_val value_of(const void *data, size_t len)
{
	/* LMDB does not write to what it is given */
	return (MDB_val){ len, (void *)(uintptr_t)data };
}

static MDB_val expiry_key(uint8_t buf[EXPIRY_KEY], uint64_t expires,
			  const void *key, size_t len)
{
	for (unsigned i = 0; i < 8; i++)
		buf[i] = (uint8_t)(expires >> (56 - 8 * i));
	memcpy(buf + 8, key, len);
	return value_of(buf, 8 + len);
}

static bool del(struct greylist_lmdb *lmdb, MDB_dbi table, MDB_val key,
		struct error *err)
{
	int rc = mdb_del(lmdb->txn, table, &key, NULL);

	lmdb->changed |= rc == 0;
	return rc == 0 || rc == MDB_NOTFOUND ||
	       greylist_lmdb_fail(rc, "cannot be changed", err);
}

static bool put(struct greylist_lmdb *lmdb, MDB_dbi table, MDB_val key,
		MDB_val data, struct error *err)
{
	int rc = mdb_put(lmdb->txn, table, &key, &data, 0);

	lmdb->changed = true;
	return rc == 0 || greylist_lmdb_fail(rc, "cannot be changed", err);
}

bool greylist_lmdb_get(struct greylist_lmdb *lmdb,
		       const struct greylist_key *key, bool *found,
		       struct greylist_record *out, struct error *err)
{
	MDB_val k = value_of(key->bytes, key->len), data;
	int rc = mdb_get(lmdb->txn, lmdb->triplet, &k, &data);

	if (rc != 0 && rc != MDB_NOTFOUND)
		return greylist_lmdb_fail(rc, "cannot be read", err);
	*found = rc == 0 && greylist_unpack(data.mv_data, data.mv_size, out);
	return true;
}

bool greylist_lmdb_forget(struct greylist_lmdb *lmdb,
			  const struct greylist_key *key, struct error *err)
{
	struct greylist_record old;
	uint8_t buf[EXPIRY_KEY];
	bool found = false;

	if (!greylist_lmdb_get(lmdb, key, &found, &old, err))
		return false;
	if (found &&
	    !del(lmdb, lmdb->expiry,
		 expiry_key(buf, old.expires, key->bytes, key->len), err))
		return false;
	return del(lmdb, lmdb->triplet, value_of(key->bytes, key->len), err);
}

bool greylist_lmdb_put(struct greylist_lmdb *lmdb,
		       const struct greylist_key *key,
		       const struct greylist_record *record, struct error *err)
{
	uint8_t packed[GREYLIST_RECORD_MAX], buf[EXPIRY_KEY];
	size_t len = greylist_pack(record, packed);

	return greylist_lmdb_forget(lmdb, key, err) &&
	       put(lmdb, lmdb->triplet, value_of(key->bytes, key->len),
		   value_of(packed, len), err) &&
	       put(lmdb, lmdb->expiry,
		   expiry_key(buf, record->expires, key->bytes, key->len),
		   value_of("", 0), err);
}

/* The first entry of `expiry` goes, and its record, unless that has another time.
 * before: only if it is over by then.  *done: there was none. */
static bool drop_first(struct greylist_lmdb *lmdb, MDB_cursor *cursor,
		       uint64_t before, bool *done, struct error *err)
{
	struct greylist_key key = { 0 };
	struct greylist_record record;
	uint64_t expires = 0;
	MDB_val entry, data;
	bool found = false;
	int rc = mdb_cursor_get(cursor, &entry, &data, MDB_FIRST);

	*done = rc == MDB_NOTFOUND;
	if (*done)
		return true;
	if (rc != 0)
		return greylist_lmdb_fail(rc, "cannot be read", err);
	if (entry.mv_size > 8 && entry.mv_size <= EXPIRY_KEY) {
		const uint8_t *p = entry.mv_data;

		for (unsigned i = 0; i < 8; i++)
			expires = expires << 8 | p[i];
		*done = expires > before;
		if (*done)
			return true;
		key.len = (uint8_t)(entry.mv_size - 8);
		memcpy(key.bytes, p + 8, key.len);
	}
	rc = mdb_cursor_del(cursor, 0);
	lmdb->changed = true;
	if (rc != 0)
		return greylist_lmdb_fail(rc, "cannot be changed", err);
	if (key.len == 0)
		return true;
	if (!greylist_lmdb_get(lmdb, &key, &found, &record, err))
		return false;
	if (found && record.expires != expires)
		return true;
	return del(lmdb, lmdb->triplet, value_of(key.bytes, key.len), err);
}

static bool drop(struct greylist_lmdb *lmdb, uint64_t before, unsigned max,
		 struct error *err)
{
	bool done = false, ok = true;
	MDB_cursor *cursor;
	int rc = mdb_cursor_open(lmdb->txn, lmdb->expiry, &cursor);

	if (rc != 0)
		return greylist_lmdb_fail(rc, "cannot be read", err);
	for (unsigned i = 0; ok && !done && i < max; i++)
		ok = drop_first(lmdb, cursor, before, &done, err);
	mdb_cursor_close(cursor);
	return ok;
}

bool greylist_lmdb_shed(struct greylist_lmdb *lmdb, unsigned max,
			struct error *err)
{
	return drop(lmdb, UINT64_MAX, max, err);
}

bool greylist_lmdb_clean(struct greylist_lmdb *lmdb, uint64_t now, unsigned max,
			 struct error *err)
{
	MDB_stat stat;
	int rc = mdb_stat(lmdb->txn, lmdb->expiry, &stat);

	if (rc != 0)
		return greylist_lmdb_fail(rc, "cannot be read", err);
	return drop(lmdb, stat.ms_entries > lmdb->limit ? UINT64_MAX : now, max,
		    err);
}

/* ---- for people ---- */

static bool visit_all(MDB_cursor *cursor, struct greylist_key *after,
		      unsigned max, greylist_visit *visit, void *ctx,
		      struct error *err)
{
	MDB_val entry = value_of(after->bytes, after->len), data;
	bool on = true;
	int rc = mdb_cursor_get(cursor, &entry, &data,
				after->len ? MDB_SET_RANGE : MDB_FIRST);

	if (rc == 0 && after->len && entry.mv_size == after->len &&
	    memcmp(entry.mv_data, after->bytes, after->len) == 0)
		rc = mdb_cursor_get(cursor, &entry, &data, MDB_NEXT);
	for (unsigned i = 0; rc == 0 && on && i < max; i++) {
		struct greylist_record record;

		if (entry.mv_size <= GREYLIST_KEY_MAX) {
			after->len = (uint8_t)entry.mv_size;
			memcpy(after->bytes, entry.mv_data, entry.mv_size);
			if (greylist_unpack(data.mv_data, data.mv_size,
					    &record))
				on = visit(ctx, after, &record);
		}
		rc = mdb_cursor_get(cursor, &entry, &data, MDB_NEXT);
	}
	if (rc == MDB_NOTFOUND)
		after->len = 0;
	return rc == 0 || rc == MDB_NOTFOUND ||
	       greylist_lmdb_fail(rc, "cannot be read", err);
}

bool greylist_lmdb_each(struct greylist_lmdb *lmdb, struct greylist_key *after,
			unsigned max, greylist_visit *visit, void *ctx,
			struct error *err)
{
	MDB_cursor *cursor;
	MDB_txn *txn;
	int rc = mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &txn);
	bool ok;

	if (rc != 0)
		return greylist_lmdb_fail(rc, "no transaction", err);
	rc = mdb_cursor_open(txn, lmdb->triplet, &cursor);
	ok = rc == 0 ? visit_all(cursor, after, max, visit, ctx, err)
		     : greylist_lmdb_fail(rc, "cannot be read", err);
	if (rc == 0)
		mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	return ok;
}

bool greylist_lmdb_stats(struct greylist_lmdb *lmdb,
			 struct greylist_lmdb_stats *out)
{
	MDB_envinfo info;
	MDB_stat stat, page;
	MDB_txn *txn;
	bool ok;

	if (mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &txn) != 0)
		return false;
	ok = mdb_stat(txn, lmdb->triplet, &stat) == 0 &&
	     mdb_env_info(lmdb->env, &info) == 0 &&
	     mdb_env_stat(lmdb->env, &page) == 0;
	mdb_txn_abort(txn);
	if (!ok)
		return false;
	out->records = stat.ms_entries;
	out->bytes = (uint64_t)(info.me_last_pgno + 1) * page.ms_psize;
	out->limit = lmdb->limit;
	return true;
}
