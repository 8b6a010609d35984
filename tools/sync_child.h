/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_SYNC_CHILD_H
#define TOOLS_SYNC_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/sync_fetch.h"

/* Both sides of sync_child_run():
 *
 *   sync_child.c    the parent: prepares, forks, listens, takes over
 *   sync_sandbox.c  the child gives its rights up
 *   sync_fetch.c    … downloads, all at once
 *   sync_steps.c      … what to ask for, and whether it is good
 *   sync_transfer.c   … one request (sync_curl.c has libcurl loaded)
 *   sync_md5.c        … what a checksum file says
 *   sync_cache.c    … keeps what is good
 *   sync_gpgv.c     … asks gpgv(1), in a process beside it
 *   sync_read.c     … reads the files into a table
 *   sync_message.c  what goes from the child to the parent */

#define CACHE_FOLDER   "cache"
#define FETCH_MD5_SIZE 16

/* ---- messages ---- */

enum message_kind {
	MESSAGE_PROGRESS, /* index: item; now, total: bytes */
	MESSAGE_WARN,     /* text */
	MESSAGE_ITEM,     /* index: item; its answer */
	MESSAGE_FILE,     /* index: file; its answer */
	MESSAGE_DONE,     /* all is said, and the table is there */
};

struct sync_message {
	uint32_t kind, index;
	uint64_t now, total; /* ITEM: bytes, downloaded */
	uint32_t state;      /* ITEM: enum fetch_state; FILE: 1 is ok */
	uint32_t late;       /* ITEM */
	uint32_t error_kind; /* FILE */
	char url[FETCH_URL_MAX];
	char text[FETCH_WHY_MAX];
};

#define SYNC_WARNINGS_TAKEN 256 /* more are dropped */

/* What the parent has heard so far. */
struct sync_heard {
	struct sync_job *job;
	unsigned warnings;
	bool done;
	/* of each item, for the progress line; may be NULL */
	uint64_t *now, *total;
};

/* sync_message_take - believe as much of a message as can be: false where no
 * child of ours would have sent it.  Texts are cut and cleaned. */
bool sync_message_take(struct sync_heard *heard, const void *data, size_t len,
		       struct error *err);

/* ---- the child ---- */

/* What is known of a file in the cache. */
struct sync_meta {
	char url[FETCH_URL_MAX];
	char etag[FETCH_URL_MAX];
	char modified[64]; /* as the server wrote it */
	uint8_t md5[FETCH_MD5_SIZE];
	uint64_t bytes;
	uint32_t date; /* of a delegation file: its end date */
	bool signed_;  /* by the item's key, then */
	bool known;    /* false: there is no NAME.meta */
};

/* An item on its way through the child. */
struct sync_got {
	bool cached;           /* there is a file NAME */
	struct sync_meta meta; /* of it */
	bool fresh;            /* there is a file NAME.new, checked */
	struct sync_meta fresh_meta;
	bool unchanged; /* NAME is what the server has */
	bool late;
	char why[FETCH_WHY_MAX]; /* "": nothing went wrong */
	uint64_t downloaded;
};

struct sync_child {
	struct sync_job *job;
	struct sync_got *got; /* one for each item */
	int out;              /* messages */
	int table;            /* a file in memory */
	int cache;            /* the folder; -1 where there are no items */
	int gpgv;             /* to the process that runs it; -1: none */
	pid_t parent;
	char *ca; /* certificates, PEM; NULL: the system's */
	size_t ca_len;
	char **keys; /* of each item; NULL: none */
	size_t *key_lens;
	bool change; /* to another user: */
	uid_t uid;
	gid_t gid;
};

/* sync_sandbox - for good: another user, no capability, limits, no way to write
 * but into the cache, few system calls. */
bool sync_sandbox(struct sync_child *c, struct error *err);

/* sync_fetch_all - download what is newer; fills got. */
bool sync_fetch_all(struct sync_child *c, struct error *err);

/* sync_read_all - read every file, keep or throw away what was downloaded, and
 * hand everything over. */
bool sync_read_all(struct sync_child *c, struct error *err);

/* sync_child_say - a message to the parent. */
void sync_child_say(struct sync_child *c, struct sync_message *message);

/* ---- the cache ---- */

#define CACHE_NAME_MAX (FETCH_NAME_MAX + 16)

/* cache_name - "NAME.new" and the like. */
const char *cache_name(const struct fetch_item *item, const char *suffix,
		       char buf[CACHE_NAME_MAX]);

/* cache_begin - clear what an earlier run left, read NAME.meta. */
void cache_begin(struct sync_child *c, size_t index);

/* cache_intact - NAME is, byte for byte, what NAME.meta says. */
bool cache_intact(struct sync_child *c, size_t index);

/* cache_promote - NAME.new takes NAME's place. */
bool cache_promote(struct sync_child *c, size_t index, struct error *err);

/* cache_refuse - NAME.new becomes NAME.refused, for somebody to look at. */
void cache_refuse(struct sync_child *c, size_t index);

/* cache_write - a small file of the child's, as a whole. */
bool cache_write(struct sync_child *c, const char *name, const void *data,
		 size_t len, struct error *err);

/* cache_head - what the version line of a delegation file says. */
bool cache_head(struct sync_child *c, const char *name,
		enum geo_registry *registry, uint32_t *date, struct error *err);

/* meta_parse, meta_format - NAME.meta; unknown lines are passed over. */
#define META_MAX 2048
void meta_parse(struct sync_meta *meta, const char *text, size_t len);
size_t meta_format(const struct sync_meta *meta, char buf[META_MAX]);

/* ---- checksums, signatures ---- */

/* md5_parse - the checksum of the file `name` in what the registries publish
 * beside their files:
 *
 *     MD5 (delegated-apnic-extended-latest) = 0123…        BSD
 *     0123…  delegated-arin-extended-20260928              GNU, its dated name
 *
 * or the digits alone.  Where there is a name it has to be `name`, or the same
 * with a date for "latest". */
bool md5_parse(const char *text, size_t len, const char *name,
	       uint8_t out[FETCH_MD5_SIZE], struct error *err);

/* keys_dearmor - an OpenPGP key ring as gpgv(1) wants it, binary: one that is
 * armored is unpacked, one that is not is copied.  *out is the caller's to
 * free. */
bool keys_dearmor(const char *data, size_t len, uint8_t **out, size_t *out_len,
		  struct error *err);

/* gpgv_start - the process beside, if an item has a key. */
bool gpgv_start(struct sync_child *c, struct error *err);

/* gpgv_check - NAME.asc is a signature of NAME.new by the item's key. */
bool gpgv_check(struct sync_child *c, size_t index, struct error *err);

/* Parts of sync_sandbox() that the process beside shares: sandbox_tied (to end with
 * its parent), sandbox_landlock (exec: may run programs, but write nothing; true
 * where the kernel has none); and sandbox_gpgv, its own list of system calls. */
bool sandbox_tied(pid_t parent, struct error *err);
bool sandbox_landlock(int cache, bool exec, struct error *err);
bool sandbox_gpgv(struct error *err);

#endif
