// SPDX-License-Identifier: GPL-2.0-or-later
/* The database, the one place that knows LMDB.
 *
 * Two tables: `triplet` has the records by key, `expiry` their keys by the time when
 * they are over (eight bytes, big-endian, then the key).  So what is over, or has to
 * go because there is too much, stands at the front of the second, and cleaning up is
 * a few steps with every batch, never a walk over all.  Where the two do not agree,
 * as in a database that something else has written to, `triplet` is right, and the
 * entry of `expiry` goes.
 *
 * LMDB commits by writing new pages and then one that points at them, so that a power
 * cut or a kill leaves the state of the last commit.  It trusts the pages, though: in
 * a damaged file it may read anything, or end the process.  So a child process walks
 * over the whole database first, and what it does not survive is moved aside. */
#include "greylist_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODE         0640
#define FOLDER_MODE  0750
#define CHECK_CPU_S  30 /* for the child's walk: a second, but for a circle */
#define EXPIRY_KEY   (8 + GREYLIST_KEY_MAX)
#define DATA_FILE    "data.mdb"
#define DAMAGED_FILE "data.mdb.damaged"

/* A record takes less than 800 bytes: the longest texts, in half-filled pages; a
 * batch writes each page that it touches anew.  So it is the number that is the bound,
 * and the map does not fill up.  The file grows as far as it is used. */
const struct greylist_limits greylist_limits_default = {
	.map_size = (size_t)1 << 31,
	.records = 1000000,
};

struct greylist_lmdb {
	MDB_env *env;
	MDB_dbi triplet, expiry;
	MDB_txn *txn; /* the batch */
	bool changed; /* by it */
	size_t limit;
	int lock; /* the folder, locked */
};

static bool fail(int rc, const char *what, struct error *err)
{
	bool full = rc == MDB_MAP_FULL || rc == MDB_TXN_FULL;

	/* positive ones are errno's */
	return error_set(err, full ? ERROR_LIMIT : ERROR_SYSTEM,
			 rc > 0 ? rc : 0, "greylist database: %s%s%s", what,
			 rc > 0 ? "" : ": ", rc > 0 ? "" : mdb_strerror(rc));
}

/* ---- opening ---- */

static int open_env(MDB_env **env, const char *folder, size_t map_size,
		    unsigned flags)
{
	int rc = mdb_env_create(env);

	if (rc != 0) {
		*env = NULL;
		return rc;
	}
	rc = mdb_env_set_maxdbs(*env, 2);
	if (rc == 0)
		rc = mdb_env_set_mapsize(*env, map_size);
	if (rc == 0)
		rc = mdb_env_open(*env, folder, flags, MODE);
	if (rc != 0) {
		mdb_env_close(*env);
		*env = NULL;
	}
	return rc;
}

static int open_tables(MDB_txn *txn, unsigned flags, MDB_dbi *triplet,
		       MDB_dbi *expiry)
{
	int rc = mdb_dbi_open(txn, "triplet1", flags, triplet);

	return rc == 0 ? mdb_dbi_open(txn, "expiry1", flags, expiry) : rc;
}

static void touch(const MDB_val *value)
{
	const volatile uint8_t *p = value->mv_data;

	for (size_t i = 0; i < value->mv_size; i++)
		(void)p[i];
}

/* Every page, and every byte of what is in them. */
static int walk(MDB_txn *txn, MDB_dbi table)
{
	MDB_cursor *cursor;
	MDB_val key, data;
	int rc = mdb_cursor_open(txn, table, &cursor);

	while (rc == 0) {
		rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
		if (rc != 0)
			break;
		if (key.mv_size > 511 || data.mv_size > 65536)
			return MDB_CORRUPTED;
		touch(&key);
		touch(&data);
	}
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* The child: ends with 0 where all could be read. */
static void walk_all(const char *folder, size_t map_size)
	__attribute__((noreturn));

static void walk_all(const char *folder, size_t map_size)
{
	static const int deadly[] = { SIGSEGV, SIGBUS, SIGABRT,
				      SIGFPE,  SIGILL, SIGXCPU };
	static const struct rlimit no_core = { 0, 0 };
	/* no time of the clock: a slow disk is no damage */
	static const struct rlimit cpu = { CHECK_CPU_S, CHECK_CPU_S + 1 };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	MDB_dbi triplet, expiry;
	MDB_env *env;
	MDB_txn *txn;
	int rc;

	setrlimit(RLIMIT_CORE, &no_core);
	for (size_t i = 0; i < sizeof(deadly) / sizeof(*deadly); i++)
		signal(deadly[i], SIG_DFL);
	setrlimit(RLIMIT_CPU, &cpu);
	if (null >= 0)
		dup2(null, STDERR_FILENO);
	rc = open_env(&env, folder, map_size, MDB_RDONLY | MDB_NOLOCK);
	if (rc == 0)
		rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
	if (rc == 0)
		rc = open_tables(txn, 0, &triplet, &expiry);
	if (rc == MDB_NOTFOUND) /* new, or killed before it had any */
		_exit(0);
	if (rc == 0)
		rc = walk(txn, triplet);
	if (rc == 0)
		rc = walk(txn, expiry);
	_exit(rc == 0 ? 0 : 1);
}

static bool readable(const char *folder, size_t map_size)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		walk_all(folder, map_size);
	if (child < 0)
		return true; /* no process to be had: take it as it is */
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return true;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool set_aside(const char *folder, char damaged[256], struct error *err)
{
	char data[256];

	snprintf(data, sizeof(data), "%s/" DATA_FILE, folder);
	snprintf(damaged, 256, "%s/" DAMAGED_FILE, folder);
	if (rename(data, damaged) != 0)
		return error_set(err, ERROR_SYSTEM, errno,
				 "%s is damaged, and cannot be renamed", data);
	return true;
}

/* One that is nearly full, as something else has written to it, gets the room that
 * deleting needs. */
static size_t map_for(const struct greylist_limits *limits, off_t size)
{
	size_t used = (size_t)size;

	return used / 7 >= limits->map_size / 8 ? used / 4 * 5
						: limits->map_size;
}

static bool lock_folder(struct greylist_lmdb *lmdb, const char *folder,
			struct error *err)
{
	if (mkdir(folder, FOLDER_MODE) != 0 && errno != EEXIST)
		return error_set(err, ERROR_SYSTEM, errno, "%s", folder);
	lmdb->lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lmdb->lock < 0)
		return error_set(err, ERROR_SYSTEM, errno, "%s", folder);
	if (flock(lmdb->lock, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (errno == EWOULDBLOCK)
		return error_set(err, ERROR_HELD, 0,
				 "%s is in use by another process; each "
				 "instance needs a state-dir of its own",
				 folder);
	return error_set(err, ERROR_SYSTEM, errno, "%s", folder);
}

/* The tables are made only where they are missing: a full disk is no reason not to
 * begin. */
static int make_tables(struct greylist_lmdb *lmdb)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return rc;
	rc = open_tables(txn, 0, &lmdb->triplet, &lmdb->expiry);
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	if (rc != MDB_NOTFOUND)
		return rc;
	rc = mdb_txn_begin(lmdb->env, NULL, 0, &txn);
	if (rc != 0)
		return rc;
	rc = open_tables(txn, MDB_CREATE, &lmdb->triplet, &lmdb->expiry);
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

/* As long as the folder is root's, nobody else can put a link into it. */
static int give_away(int folder, unsigned uid, unsigned gid)
{
	static const char *const names[] = { DATA_FILE, "lock.mdb" };
	struct stat st;

	if (fstat(folder, &st) != 0)
		return -1;
	if (st.st_uid != 0)
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (fchownat(folder, names[i], uid, gid, AT_SYMLINK_NOFOLLOW) !=
			    0 &&
		    errno != ENOENT)
			return -1;
	return fchown(folder, uid, gid);
}

/* Empty, or a greylist's: a name that was mistyped may be that of /etc. */
static bool is_free(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	bool is_free = dir != NULL;

	if (fd >= 0 && !dir)
		close(fd);
	while (is_free && (entry = readdir(dir)))
		is_free = strcmp(entry->d_name, ".") == 0 ||
			  strcmp(entry->d_name, "..") == 0;
	if (dir)
		closedir(dir);
	return is_free ||
	       faccessat(folder, DATA_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool greylist_lmdb_prepare(const char *folder, unsigned uid, unsigned gid,
			   struct error *err)
{
	int fd, saved;
	bool ok;

	if (mkdir(folder, FOLDER_MODE) != 0 && errno != EEXIST)
		return error_set(err, ERROR_SYSTEM, errno, "%s", folder);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ELOOP || errno == ENOTDIR ||
		       error_set(err, ERROR_SYSTEM, errno, "%s", folder);
	ok = !is_free(fd) || give_away(fd, uid, gid) == 0;
	saved = errno;
	close(fd);
	return ok || error_set(err, ERROR_SYSTEM, saved, "%s", folder);
}

bool greylist_lmdb_open(struct greylist_lmdb **out, const char *folder,
			const struct greylist_limits *limits, char damaged[256],
			struct error *err)
{
	struct greylist_lmdb *lmdb = calloc(1, sizeof(*lmdb));
	struct stat st = { 0 };
	size_t map_size;
	int rc;

	*out = NULL;
	damaged[0] = '\0';
	if (!lmdb)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	lmdb->lock = -1;
	lmdb->limit = limits->records;
	if (!lock_folder(lmdb, folder, err))
		goto out;
	if (fstatat(lmdb->lock, DATA_FILE, &st, 0) != 0)
		st.st_size = 0;
	map_size = map_for(limits, st.st_size);
	if (st.st_size > 0 && !readable(folder, map_size) &&
	    !set_aside(folder, damaged, err))
		goto out;
	rc = open_env(&lmdb->env, folder, map_size, MDB_NOTLS);
	if (rc == 0)
		rc = make_tables(lmdb);
	if (rc != 0) {
		fail(rc, folder, err);
		goto out;
	}
	*out = lmdb;
	return true;
out:
	greylist_lmdb_close(lmdb);
	return false;
}

void greylist_lmdb_close(struct greylist_lmdb *lmdb)
{
	if (!lmdb)
		return;
	greylist_lmdb_abort(lmdb);
	if (lmdb->env)
		mdb_env_close(lmdb->env);
	if (lmdb->lock >= 0)
		close(lmdb->lock);
	free(lmdb);
}

/* ---- a batch ---- */

bool greylist_lmdb_begin(struct greylist_lmdb *lmdb, struct error *err)
{
	int rc = mdb_txn_begin(lmdb->env, NULL, 0, &lmdb->txn);

	lmdb->changed = false;
	if (rc == 0)
		return true;
	lmdb->txn = NULL;
	return fail(rc, "no transaction", err);
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
	       fail(rc,
		    rc == EIO ? "cannot be written, or the disk is full"
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
	       fail(rc, "cannot be changed", err);
}

static bool put(struct greylist_lmdb *lmdb, MDB_dbi table, MDB_val key,
		MDB_val data, struct error *err)
{
	int rc = mdb_put(lmdb->txn, table, &key, &data, 0);

	lmdb->changed = true;
	return rc == 0 || fail(rc, "cannot be changed", err);
}

bool greylist_lmdb_get(struct greylist_lmdb *lmdb,
		       const struct greylist_key *key, bool *found,
		       struct greylist_record *out, struct error *err)
{
	MDB_val k = value_of(key->bytes, key->len), data;
	int rc = mdb_get(lmdb->txn, lmdb->triplet, &k, &data);

	if (rc != 0 && rc != MDB_NOTFOUND)
		return fail(rc, "cannot be read", err);
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
		return fail(rc, "cannot be read", err);
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
		return fail(rc, "cannot be changed", err);
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
		return fail(rc, "cannot be read", err);
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
		return fail(rc, "cannot be read", err);
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
	return rc == 0 || rc == MDB_NOTFOUND || fail(rc, "cannot be read", err);
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
		return fail(rc, "no transaction", err);
	rc = mdb_cursor_open(txn, lmdb->triplet, &cursor);
	ok = rc == 0 ? visit_all(cursor, after, max, visit, ctx, err)
		     : fail(rc, "cannot be read", err);
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
