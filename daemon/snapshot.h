/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_SNAPSHOT_H
#define DAEMON_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <geoblock/conf.h>
#include <geoblock/error.h>
#include <geoblock/judge.h>
#include <geoblock/kernel.h>

#include "daemon/queue.h"

/* The files of the state folder that a snapshot is made of, as stat(2) tells them: none
 * that was renamed into another's place is told like it. */
struct snapshot_files {
	struct snapshot_file {
		uint64_t device, inode, size; /* all 0: not there */
		struct timespec modified, changed;
	} image, spf;
};

void snapshot_files_look(struct snapshot_files *files, const char *state_dir);
bool snapshot_files_differ(const struct snapshot_files *a,
			   const struct snapshot_files *b);

/* Everything that a verdict rests on: configuration, image and signatures, read
 * together and replaced together.  Nothing in it changes once it is made. */
struct snapshot {
	struct conf *conf;
	struct image *image; /* NULL: there is none, and nobody is judged */
	struct signatures *signatures;
	struct judge judge;
	struct queue_answer
		answers[ACTION_COUNT]; /* marks without the packet's */
	struct image_about about;      /* all zero bytes without an image */
	char digest[17];      /* of the image, its first half, as text */
	struct error missing; /* why the image is not the newest one, or none
			       * at all; ERROR_NONE: it is */
	struct snapshot_files files;
	uint64_t loaded; /* seconds since 1970 */
};

/* snapshot_load - read all of it.  Mistakes in the configuration are logged one by
 * one; err holds the first, or why the signatures cannot be read.  A missing or
 * damaged image is no failure. */
bool snapshot_load(struct snapshot **out, const char *config,
		   struct error *err);
void snapshot_free(struct snapshot *snapshot); /* NULL is allowed */

/* snapshot_apply - have the kernel enforce it.  Where there is nothing to go by
 * (no image, or one without an address of the countries chosen) nothing is
 * applied: ERROR_HELD says which. */
bool snapshot_apply(const struct snapshot *snapshot, struct kernel *kernel,
		    struct kernel_report *report, struct error *err);

/* snapshot_lost_spf - has `next` lost the answers of exempt.spf that `now` goes by?
 * Then it says so, and may not follow: the mail of whole providers would be
 * refused. */
bool snapshot_lost_spf(const struct snapshot *now, const struct snapshot *next,
		       struct error *err);

/* snapshot_keeps - may `next` follow while the daemon runs?  False, and said,
 * where it moves what was opened at start. */
bool snapshot_keeps(const struct snapshot *now, const struct snapshot *next,
		    struct error *err);

#endif
