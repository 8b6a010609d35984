/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_SYNC_H
#define TOOLS_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/sync_fetch.h"
#include "tools/tool.h"

/* geoblock-sync in parts: sync_input (which files, read into the table),
 * sync_keep (records carried over from the image before), sync_trust (dates,
 * ranges in no file, the second source), sync_guard (does a country lose too
 * much?), sync_peak (compared with what it had lately), sync_disagree (where two sources differ), sync_report (what is printed
 * and left for `status`). */

#define SYNC_NAME         "geoblock-sync"
#define SYNC_WARNINGS_MAX 64

struct sync_input {
	char *path;
	int item; /* it is downloaded: index into sync.items; else -1 */
	enum {
		INPUT_READ,
		INPUT_REFUSED,
		INPUT_KEPT, /* read, but it is the last good one */
	} result;
	char *why; /* refused, kept: the reason */
};

/* The most that a country had lately, in files. */
struct sync_peak {
	uint64_t count;
	uint32_t date; /* YYYYMMDD, when it last had that */
};

/* A chosen country, before and after. */
struct sync_country {
	country_t country;
	uint64_t was4, was6; /* addresses; /64 networks */
	uint64_t now4, now6;
	uint64_t was_kept4, was_kept6; /* of was: in no file any more */
	uint64_t kept4, kept6;         /* of now */
	struct sync_peak peak4, peak6; /* at least was, less what was kept */
	bool held;                     /* loses more than max-shrink */
};

/* What a source has delegated. */
struct sync_size {
	uint64_t addresses4, networks6; /* IPv6: of /64 */
};

enum sync_image { SYNC_IMAGE_NONE, SYNC_IMAGE_UNCHANGED, SYNC_IMAGE_NEW };

struct sync {
	/* options */
	const char *config;
	bool progress; /* wanted */
	bool offline, dry_run, force, no_apply, json, quiet, verbose, report;

	unsigned confirm_s; /* 0: at once and for good */
	bool confirmed, reverted;

	struct conf *conf;
	struct sync_input *inputs;
	size_t input_count, input_room;
	struct fetch_item *items; /* what is downloaded */
	size_t item_count;
	bool asked_for_files; /* FILE arguments: they stand in for downloads */
	bool fallback;        /* IPFire's text had to do for the registries */
	size_t refused;       /* inputs */
	size_t older;         /* sources that were left for their date */
	bool kept[REGISTRY_COUNT];      /* carried over from the image before */
	char *kept_why[REGISTRY_COUNT]; /* NULL: not known */
	char *second_why;               /* the second source's opinions were */

	struct geo_table table;
	struct sync_size *sizes; /* beside table.sources; NULL: not settled */
	struct image_graced graced;
	struct image *old_image; /* NULL: there was none */
	struct image *new_image;
	enum sync_image image_result;

	struct sync_country *countries;
	size_t country_count;
	bool held;

	bool applied;
	struct kernel_report kernel;

	bool spf_changed; /* other networks are exempt than before */

	/* --publish, source = image */
	const char *publish, *key_file, *make_key;
	struct {
		const char *result; /* "published", "new" …; NULL: neither */
		struct manifest manifest;
		char url[256];
		char text[MANIFEST_MAX]; /* of the manifest that was taken */
		size_t text_len;
	} fleet;

	char *warnings[SYNC_WARNINGS_MAX];
	size_t warning_count, warnings_dropped;
	json_t *overridden; /* what --force overrode: an array of texts */
	char *problem;      /* why the exit status is not 0 */
	int status;         /* exit status so far */
};

/* sync_options - the command line.  -1: go on with what follows optind; else the status
 * to exit with, as tool_options() has it. */
int sync_options(struct sync *s, int argc, char **argv);

/* sync_warn - on stderr, and into the JSON result. */
void sync_warn(struct sync *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* sync_fail - the same at error level; the exit status becomes at least
 * STATUS_UNABLE.  Returns false. */
bool sync_fail(struct sync *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* sync_inputs - the files to read, from the arguments or the configuration.
 * Leaves none where the image at hand has to do. */
bool sync_inputs(struct sync *s, int argc, char **argv);

/* sync_sources - the five registries' extended files, each with its mirrors at the
 * other registries.  sync_source - one address of the configuration; delegation
 * files of one name in several places are mirrors of each other.  An input is
 * added where there is none of that name yet. */
bool sync_sources(struct sync *s);
bool sync_source(struct sync *s, const char *url);

/* sync_add_input - item: -1 where it is a local file. */
bool sync_add_input(struct sync *s, const char *path, int item);

/* sync_read - download and read them.  A refused file is said, counted, and does not stop
 * the others. */
void sync_read(struct sync *s);

/* sync_keep - carry over, from the old image, the records of every registry that
 * a refused file left out. */
bool sync_keep(struct sync *s);

/* sync_missing - warn of registries of which there is no data at all. */
void sync_missing(struct sync *s);

/* sync_override - whether --force takes what would be held for this reason; if so
 * that is said, here and in the result. */
bool sync_override(struct sync *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* sync_dates - put out of the table what is older than what the image has of the
 * same registry; say which dates cannot be. */
void sync_dates(struct sync *s);

/* sync_grace - keep, in a settled table, what is in no file any more. */
bool sync_grace(struct sync *s);

/* sync_second - the second source's opinions, read or kept, beside a settled
 * table. */
bool sync_second(struct sync *s);

/* sync_sizes - count what each source of the settled table has. */
bool sync_sizes(struct sync *s);

/* sync_guard - compare every chosen country with the most that it had in the last
 * 30 days; false where the update is to be held. */
bool sync_guard(struct sync *s);

/* sync_peaks_read - that most, from the old image and the state folder, into
 * s->countries.  A damaged file is warned of, and then is none.  sync_peaks_write
 * keeps it, but for countries that --force took although they were held. */
void sync_peaks_read(struct sync *s);
void sync_peaks_write(struct sync *s);

/* sync_install - the new image, where there is one, takes its place, and the manifest
 * that it came with. */
bool sync_install(struct sync *s, struct error *err);

/* sync_confirm - apply on trial: then a wait of s->confirm_s; the image is installed
 * once somebody said yes, else what the kernel enforced is put back, and the exit
 * status is at least STATUS_NO.  Where the kernel enforces it already there is no
 * trial. */
struct sync_plans {
	const struct tool_plan *now;
	const struct tool_plan *before; /* configuration and image as they are
	                                 * would have this, or NULL */
};

bool sync_confirm(struct sync *s, const struct sync_plans *plans,
		  bool (*apply)(struct sync *s,
				const struct sync_plans *plans));

/* sync_confirm_left - a trial whose process was killed: put back what was before,
 * and go no further (false). */
bool sync_confirm_left(struct sync *s);

/* sync_disagree_json, sync_disagree_print - where the two sources of an image
 * differ most; NULL where it has only one. */
json_t *sync_disagree_json(const struct image *image);
void sync_disagree_print(const struct conf *conf, const struct image *image);

/* sync_print - the result as text or JSON. */
bool sync_print(struct sync *s);

/* sync_save - leave the result in the state folder, for `geoblock status`. */
void sync_save(struct sync *s);

#endif
