/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_GREYLIST_IMPL_H
#define DAEMON_GREYLIST_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/greylist.h"

/* How a triplet is asked about:
 *
 *   greylist_check ─ greylist_key.c ─► job ─┬─ greylist_local.c: a thread
 *                                           │    greylist_step.c, greylist_lmdb.c
 *                                           └─ greylist_redis.c: the shared store
 *   done ◄─ greylist.c ◄─ the same job, with its result
 *
 * The local store has a thread of its own because a commit waits for the disk, which
 * may take longer than a mail server should wait for us.  What comes while it waits
 * is the next batch: one commit for all of it. */

/* ---- what is stored ---- */

/* A key begins with the network, so that one network's keys are neighbours:
 *
 *   triplet   't'  family  network (4 or 16 bytes)  hash (16 bytes)
 *   client    'c'  family  network
 *
 * The hash is over the normalised sender and recipient, so that their length is no
 * one's problem. */
#define GREYLIST_HASH_SIZE 16
#define GREYLIST_KEY_MAX   (2 + 16 + GREYLIST_HASH_SIZE)

enum greylist_kind { GREYLIST_TRIPLET = 't', GREYLIST_CLIENT_RECORD = 'c' };

struct greylist_key {
	uint8_t len;
	uint8_t bytes[GREYLIST_KEY_MAX];
};

/* Addresses are kept for people to read only, and cut. */
#define GREYLIST_TEXT_MAX 97

struct greylist_record {
	bool passed;
	uint32_t count;                /* client: triplets that passed */
	uint64_t first, last, expires; /* seconds since 1970 */
	char sender[GREYLIST_TEXT_MAX], recipient[GREYLIST_TEXT_MAX];
};

/* greylist_client_key - of the network that client belongs to. */
void greylist_client_key(struct greylist_key *out,
			 const struct conf_greylist *conf,
			 const struct addr *client);

/* greylist_triplet_key - client is greylist_client_key()'s. */
void greylist_triplet_key(struct greylist_key *out,
			  const struct greylist_key *client, const char *sender,
			  const char *recipient);

/* greylist_key_network - the first address of the key's network, and which kind it
 * is; false where these bytes are no key. */
bool greylist_key_network(const struct greylist_key *key, struct addr *out,
			  enum greylist_kind *kind);

/* greylist_text - an address for people: cut, at no byte that is part of a
 * character. */
void greylist_text(char out[GREYLIST_TEXT_MAX], const char *address);

#define GREYLIST_RECORD_MAX (32 + 2 * (GREYLIST_TEXT_MAX - 1))

/* greylist_pack, greylist_unpack - a record as bytes, the same on every machine.
 * Unpacking takes any bytes; false, and *out as it was, where they are no record. */
size_t greylist_pack(const struct greylist_record *record,
		     uint8_t out[GREYLIST_RECORD_MAX]);
bool greylist_unpack(const void *data, size_t len, struct greylist_record *out);

/* ---- what follows from it ---- */

/* greylist_step - the rules, on one record.  known: there is one; else *record is
 * made.  True: the record changed, and has to be stored. */
bool greylist_step(const struct conf_greylist *conf,
		   struct greylist_record *record, bool known, uint64_t now,
		   struct greylist_result *out);

/* greylist_client_known - the same for a network's record: whether enough of its
 * triplets passed.  greylist_client_passed - one more did. */
bool greylist_client_known(const struct conf_greylist *conf,
			   struct greylist_record *record, uint64_t now,
			   bool *changed);
void greylist_client_passed(const struct conf_greylist *conf,
			    struct greylist_record *record, bool known,
			    uint64_t now);

/* ---- LMDB ---- */

struct greylist_lmdb;

struct greylist_limits {
	size_t map_size;
	size_t records; /* beyond that the first to expire go */
};
extern const struct greylist_limits greylist_limits_default;

/* greylist_lmdb_open - the database in a folder, made where it is not there.  One
 * that is damaged is moved aside, *damaged says where it is, and a new one
 * begun.  Held by one process at a time. */
bool greylist_lmdb_open(struct greylist_lmdb **out, const char *folder,
			const struct greylist_limits *limits, char damaged[256],
			struct error *err);

/* greylist_lmdb_prepare - root makes the folder another user's: makes it, or gives
 * away one that is root's, empty or with the database in it.  Every other one, and what a
 * link leads to, is left alone; whether it will do, opening it will tell. */
bool greylist_lmdb_prepare(const char *folder, unsigned uid, unsigned gid,
			   struct error *err);
void greylist_lmdb_close(struct greylist_lmdb *lmdb);

/* A batch: begin, any number of the others, then commit or abort; by one thread.
 * Each fails for good: what remains is abort.  commit after nothing was changed
 * costs nothing.  ERROR_LIMIT: the map is full. */
bool greylist_lmdb_begin(struct greylist_lmdb *lmdb, struct error *err);
bool greylist_lmdb_get(struct greylist_lmdb *lmdb,
		       const struct greylist_key *key, bool *found,
		       struct greylist_record *out, struct error *err);
bool greylist_lmdb_put(struct greylist_lmdb *lmdb,
		       const struct greylist_key *key,
		       const struct greylist_record *record, struct error *err);
bool greylist_lmdb_forget(struct greylist_lmdb *lmdb,
			  const struct greylist_key *key, struct error *err);
/* greylist_lmdb_clean - at most max records that are over, or too many. */
bool greylist_lmdb_clean(struct greylist_lmdb *lmdb, uint64_t now, unsigned max,
			 struct error *err);
/* greylist_lmdb_shed - the max first to expire, whatever their time. */
bool greylist_lmdb_shed(struct greylist_lmdb *lmdb, unsigned max,
			struct error *err);
bool greylist_lmdb_commit(struct greylist_lmdb *lmdb, struct error *err);
void greylist_lmdb_abort(struct greylist_lmdb *lmdb);

/* greylist_lmdb_each - records from the key after `after` on (len 0: from the
 * first), at most max of them, until visit says false; for any thread.  *after is
 * then the last one seen, len 0 where that was the last there is. */
typedef bool greylist_visit(void *ctx, const struct greylist_key *key,
			    const struct greylist_record *record);
bool greylist_lmdb_each(struct greylist_lmdb *lmdb, struct greylist_key *after,
			unsigned max, greylist_visit *visit, void *ctx,
			struct error *err);

struct greylist_lmdb_stats {
	uint64_t records, bytes; /* used of the map */
	uint64_t limit;          /* of records */
};
bool greylist_lmdb_stats(struct greylist_lmdb *lmdb,
			 struct greylist_lmdb_stats *out);

/* ---- jobs ---- */

enum greylist_task {
	GREYLIST_CHECK,
	GREYLIST_NOTE,   /* the shared store said result: remember it here */
	GREYLIST_FORGET, /* this key; none: what was asked before it is done */
};

struct greylist_job {
	/* what is asked; nobody changes it */
	enum greylist_task task;
	struct greylist_key key, client;
	bool regardless;
	uint64_t now;
	struct conf_greylist conf; /* its numbers; no strings */
	char sender[GREYLIST_TEXT_MAX], recipient[GREYLIST_TEXT_MAX];

	/* the local store's, from greylist_local_submit() until it is handed back */
	struct greylist_job *next;
	struct greylist_result result;
	bool ok;

	/* the loop's */
	bool at_redis; /* it has been asked, and may still answer */
	unsigned refs;
	greylist_done *done; /* NULL: was answered */
	void *ctx;
	uint64_t deadline, redis_deadline; /* in ticks */
	struct greylist_job *newer, *older;
};

/* ---- the local store's thread ---- */

struct greylist_local;

/* greylist_local_open - finished(ctx) is called in the thread when there are jobs to
 * take. */
bool greylist_local_open(struct greylist_local **out,
			 struct greylist_lmdb *lmdb,
			 void (*finished)(void *ctx), void *ctx,
			 struct error *err);
/* waits for the batch at hand; jobs that were not taken go with it */
void greylist_local_close(struct greylist_local *local,
			  void (*drop)(struct greylist_job *job));

void greylist_local_submit(struct greylist_local *local,
			   struct greylist_job *job);

/* greylist_local_take - finished jobs, as a list by next. */
struct greylist_job *greylist_local_take(struct greylist_local *local);

/* ---- the whole ---- */

struct greylist {
	struct ev_loop *loop;
	struct conf_greylist conf; /* its numbers; no strings */
	struct greylist_lmdb *lmdb;
	struct greylist_local *local;
	struct greylist_redis *redis; /* NULL: there is no shared store */
	ev_async finished;
	ev_timer tick;                        /* while somebody waits */
	uint64_t ticks, patience;             /* patience: for an answer */
	struct greylist_job *oldest, *newest; /* that wait, by deadline */
	size_t jobs;
	size_t forgets;     /* of them: GREYLIST_FORGET */
	bool forget_failed; /* one of those, since the last answer about it */
	uint64_t answers[GREYLIST_ANSWER_COUNT];
	uint64_t local_answers; /* in place of the shared store */
};

/* greylist_job_new - with one reference; NULL where there is no memory.
 * greylist_job_drop - give that back. */
struct greylist_job *greylist_job_new(struct greylist *greylist,
				      enum greylist_task task);
void greylist_job_drop(struct greylist *greylist, struct greylist_job *job);

/* greylist_job_local - hand it to the local store, with a reference of its own.
 * False where that is too far behind. */
bool greylist_job_local(struct greylist *greylist, struct greylist_job *job);

#endif
