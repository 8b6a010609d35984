/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include <geoblock/error.h>
#include <geoblock/kernel.h>

#include "daemon/snapshot.h"

/* A thread for what takes long: reading configuration, image and signatures anew
 * and having the kernel enforce them, while the event loop goes on with verdicts.
 * The two share nothing but a mailbox: the worker makes a snapshot, the loop takes
 * it over and frees the one before. */

struct worker;

/* How much nicer its thread is than that which starts it: packets come first.  Where
 * the start may, it takes that much more for them (main()), and the worker has what
 * others have: on a machine that is busy a flushed table must not wait for the rest. */
#define WORKER_NICE 5

enum worker_cause {
	WORKER_RELOAD = 1, /* asked for: a signal, the control socket */
	WORKER_IMAGE = 2,  /* there is a new image */
	WORKER_HEAL = 4,   /* somebody else wrote to the table */
	WORKER_BACK = 8,   /* worker_back(): not asked for by itself */
};

struct worker_result {
	unsigned causes;           /* bits of enum worker_cause */
	uint64_t number;           /* of the latest request that it answers */
	struct snapshot *snapshot; /* NULL: what runs goes on */
	bool ok;
	bool later;       /* !ok: a trial of geoblock-sync, ask again */
	struct error err; /* !ok: why the new state was not taken */
	struct error
		unlocked;  /* kind not NONE: somebody kept the table's lock */
	struct error held; /* kind not NONE: why the kernel's table is not
	                       * what it should be */
	struct kernel_report report;
};

/* worker_start - `kernel` and `path` are the worker's from now on; `current` is
 * what runs (borrowed until a result replaces it).  wake(ctx) is called in the
 * worker's thread when there is a result. */
bool worker_start(struct worker **out, struct kernel *kernel, const char *path,
		  const struct snapshot *current, void (*wake)(void *ctx),
		  void *ctx, struct error *err);

/* worker_ask - never waits.  What is asked for while it works is done once more
 * afterwards: the request is answered by the first result that has its number, which
 * is the value, or a higher one. */
uint64_t worker_ask(struct worker *worker, enum worker_cause cause);

/* worker_back - go back to a snapshot that ran before, whatever the configuration
 * says now; it comes back as a result.  Until the next WORKER_RELOAD that
 * configuration is then left alone; one that waits to be read now is not read. */
void worker_back(struct worker *worker, struct snapshot *snapshot);

/* worker_take - the result, if there is one; its snapshot is the caller's.  The
 * one that ran before is not used any more. */
bool worker_take(struct worker *worker, struct worker_result *out);

/* worker_stop - waits for what it is doing. */
void worker_stop(struct worker *worker); /* NULL is allowed */

#endif
