// SPDX-License-Identifier: GPL-2.0-or-later
/* The greylist's database with a stranger's records in it, and a stranger's command.
 *
 * The input is lines.  Each but the last is a key and a record, with a colon between
 * them; the last is the command.  Then the same store is asked about a triplet, and the
 * cleaner goes over all of it. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "daemon/greylist_lmdb_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct greylist_limits small = { 1 << 22, 100 };
static struct greylist greylist; /* one database for all inputs */

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void ignore(void *ctx)
{
	(void)ctx;
}

static void drop_job(struct greylist_job *job)
{
	free(job);
}

/* In memory, where there is such a folder. */
static void open_store(void)
{
	static char folder[64] = "/dev/shm/geoblock-fuzz-XXXXXX";
	char damaged[256];
	struct error err;

	if (access("/dev/shm", W_OK) != 0)
		strcpy(folder, "/tmp/geoblock-fuzz-XXXXXX");
	if (!mkdtemp(folder) ||
	    !greylist_lmdb_open(&greylist.lmdb, folder, &small, damaged, &err))
		abort();
	/* the files stay open */
	unlinkat(greylist.lmdb->lock, "data.mdb", 0);
	unlinkat(greylist.lmdb->lock, "lock.mdb", 0);
	rmdir(folder);
	/* forgetting is a job that the loop would take back */
	if (!greylist_local_open(&greylist.local, greylist.lmdb, ignore, NULL,
				 &err))
		abort();
	greylist.conf = (struct conf_greylist){ .delay_s = 300,
						.window_s = 3600,
						.lifetime_s = 7200,
						.network4 = 24,
						.network6 = 64,
						.clients = 2 };
}

/* A key and a record as they are, and an entry of `expiry` that may not fit. */
static void plant(const uint8_t *data, size_t size)
{
	const uint8_t *colon = memchr(data, ':', size);
	size_t key = colon ? (size_t)(colon - data) : size;
	/* LMDB does not write to what it is given */
	MDB_val k = { key, (void *)(uintptr_t)data }, v = { 0 }, empty = { 0 };

	if (key == 0 || key > 200)
		return;
	if (colon)
		v = (MDB_val){ size - key - 1, (void *)(uintptr_t)(colon + 1) };
	must(mdb_put(greylist.lmdb->txn, greylist.lmdb->triplet, &k, &v, 0) ==
	     0);
	must(mdb_put(greylist.lmdb->txn, greylist.lmdb->expiry, &k, &empty,
		     0) == 0);
	greylist.lmdb->changed = true;
}

static bool look(void *ctx, const struct greylist_key *key,
		 const struct greylist_record *record)
{
	uint8_t packed[GREYLIST_RECORD_MAX];
	struct greylist_record again;
	struct greylist_result result;

	(void)key;
	(void)ctx;
	must(greylist_unpack(packed, greylist_pack(record, packed), &again));
	greylist_step(&greylist.conf, &again, true, 1000000, &result);
	assert(result.wait_s <= greylist.conf.delay_s);
	return true;
}

static void command(const uint8_t *data, size_t size)
{
	char *text = greylist_command(&greylist, (const char *)data, size);
	struct greylist_job *job, *next;
	json_t *answer;

	assert(text);
	answer = json_loads(text, 0, NULL);
	assert(json_is_object(answer));
	json_decref(answer);
	free(text);
	while (greylist.jobs > 0) {
		job = greylist_local_take(greylist.local);
		for (; job; job = next) {
			next = job->next;
			drop_job(job);
			greylist.jobs--;
		}
	}
	greylist.forgets = 0;
}

static void clean(void)
{
	struct greylist_lmdb_stats stats;
	struct error err;
	MDB_stat left;

	must(greylist_lmdb_begin(greylist.lmdb, &err));
	must(greylist_lmdb_clean(greylist.lmdb, UINT64_MAX, 10000, &err));
	must(mdb_stat(greylist.lmdb->txn, greylist.lmdb->expiry, &left) == 0);
	assert(left.ms_entries == 0);
	/* what had no entry of its own */
	must(mdb_drop(greylist.lmdb->txn, greylist.lmdb->triplet, 0) == 0);
	greylist.lmdb->changed = true;
	must(greylist_lmdb_commit(greylist.lmdb, &err));
	must(greylist_lmdb_stats(greylist.lmdb, &stats));
	assert(stats.records == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size, *line = data, *next;
	struct greylist_key after = { 0 };
	struct error err;

	if (!greylist.lmdb)
		open_store();
	must(greylist_lmdb_begin(greylist.lmdb, &err));
	while (line < end &&
	       (next = memchr(line, '\n', (size_t)(end - line)))) {
		plant(line, (size_t)(next - line));
		line = next + 1;
	}
	must(greylist_lmdb_commit(greylist.lmdb, &err));
	must(greylist_lmdb_each(greylist.lmdb, &after, 1000, look, NULL, &err));
	command(line, (size_t)(end - line));
	clean();
	return 0;
}
