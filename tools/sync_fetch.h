/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_SYNC_FETCH_H
#define TOOLS_SYNC_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/error.h>
#include <geoblock/geo.h>

/* Downloads, and everything else that is done with what strangers wrote: in a
 * child process without any right but to write into one folder, STATE/cache.
 *
 *     struct fetch_item item = { .name = "fleet.manifest", … };
 *     struct sync_job job = { .items = &item, .item_count = 1, … };
 *     sync_child_run(&job, &err), then item.state, sync_cache_open()
 *
 * A good file stays in the cache as NAME until a better one takes its place;
 * what is known of it (validators, checksum, where it came from) is beside it
 * as NAME.meta.  What the child says is taken as hostile: bounded, checked. */

#define FETCH_NAME_MAX 64  /* with its NUL: letters, digits, "-_." */
#define FETCH_URLS_MAX 8   /* of one item: where it is, and its mirrors */
#define FETCH_URL_MAX  256 /* with its NUL */
#define FETCH_WHY_MAX  512

enum fetch_sum {
	FETCH_SUM_NONE,     /* nothing beside it says what it should be */
	FETCH_SUM_IF_THERE, /* URL.md5, where the server has one */
	FETCH_SUM_NEEDED,   /* URL.md5, or the file is not taken */
};

enum fetch_state {
	FETCH_FAILED,    /* nothing usable is in the cache; why says why */
	FETCH_KEPT,      /* the cache's file stays, a newer one was not to be
			  * had or not to be trusted; why says why */
	FETCH_UNCHANGED, /* the server has what the cache has */
	FETCH_NEW,       /* downloaded, checked, in the cache */
};

/* One file to be had from one of several places. */
struct fetch_item {
	/* asked; borrowed */
	char name[FETCH_NAME_MAX]; /* of the file in the cache */
	const char *urls[FETCH_URLS_MAX];
	size_t url_count;
	uint64_t max_bytes; /* as it comes out of the transfer's compression */
	enum fetch_sum sum;
	enum geo_registry registry; /* it has to be a delegation file of this
	                             * registry, not older than the one in the
	                             * cache; REGISTRY_NONE: anything */
	const char *key; /* an OpenPGP key ring: URL.asc has to be a signature
			  * by it; NULL: not looked for */

	/* answered */
	enum fetch_state state;
	bool late; /* KEPT because the checksum is of an older file than the
	            * one beside it: normal for minutes */
	char url[FETCH_URL_MAX]; /* whence the cache's file is, "" if unknown */
	char why[FETCH_WHY_MAX]; /* FAILED, KEPT; NEW from a mirror: why not
	                          * from the first place */
	uint64_t bytes;          /* of the cache's file */
	uint64_t downloaded;     /* bytes that went over the network */
};

/* One file to be read into the table: a local one (fd is open for reading, and
 * path is what messages call it), or an item's. */
struct sync_file {
	const char *path;
	int fd;                  /* -1: the item's file in the cache */
	struct fetch_item *item; /* NULL: a local file */
	bool ok;                 /* it is in the table */
	struct error err;        /* where it is not */
};

struct sync_job {
	/* asked */
	const char *state_dir; /* its cache is made where items need it */
	struct fetch_item *items;
	size_t item_count;
	struct sync_file *files;
	size_t file_count;
	const char *ca_file; /* certificates to trust instead of the system's */
	uint32_t timeout_s;  /* of no progress; 0: FETCH_TIMEOUT_S */
	bool offline;        /* what the cache has is what there is */
	bool older;          /* take an older file than the cache's (--force) */
	bool progress;       /* shown on stderr, which is a terminal */
	const struct geo_warn *warn; /* may be NULL */

	/* answered, where there are files; geo_table_clear() it */
	struct geo_table table;
};

#define FETCH_TIMEOUT_S 30
#define FETCH_LIMIT_MS  (12 * 60 * 1000) /* all downloads of a job, together */

/* sync_child_run - fetch the items, all at once, then read the files.
 *
 * False where the child could not be run or died or talked nonsense: then
 * nothing of it is to be used, the table is empty, and the cache's files are as
 * they were.  Otherwise each item and each file has its own result.  An item's
 * new file is kept only where a sync_file of it could be read, if there is one;
 * otherwise the file before it is read, and the item is KEPT. */
bool sync_child_run(struct sync_job *job, struct error *err);

/* sync_cache_open - an item's file, for reading: a regular file, no link.  -1
 * after an error. */
int sync_cache_open(const char *state_dir, const char *name, struct error *err);

#endif
