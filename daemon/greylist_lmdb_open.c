// SPDX-License-Identifier: GPL-2.0-or-later
/* The database's folder and file: whose they are, and whether they are whole.
 *
 * LMDB trusts its pages: in a damaged file it may read anything, or end the process.
 * So a child process walks over the whole database first, and what it does not
 * survive is moved aside. */
#include "daemon/greylist_lmdb_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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
#define DATA_FILE    "data.mdb"
#define DAMAGED_FILE "data.mdb.damaged"

/* A record takes less than 800 bytes: the longest texts, in half-filled pages; a
 * batch writes each page that it touches anew.  So it is the number that is the bound,
 * and the map does not fill up.  The file grows as far as it is used. */
const struct greylist_limits greylist_limits_default = {
	.map_size = (size_t)1 << 31,
	.records = 1000000,
};

/* ---- is it whole? ---- */

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

/* ---- whose is it? ---- */

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

/* ---- opening ---- */

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
		greylist_lmdb_fail(rc, folder, err);
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
