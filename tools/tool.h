/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <jansson.h>

#include <geoblock/conf.h>
#include <geoblock/image.h>
#include <geoblock/iset.h>
#include <geoblock/kernel.h>
#include <geoblock/policy.h>

/* What the command line programs share. */

/* Exit statuses, the same for every program. */
enum {
	STATUS_OK = 0,
	STATUS_NO = 1,     /* "no", refused */
	STATUS_USAGE = 2,  /* usage or configuration error */
	STATUS_UNABLE = 3, /* cannot be done now */
};

/* tool_conf - read the configuration; its errors go to stderr, each on a line
 * of its own.  NULL after an error. */
struct conf *tool_conf(const char *path);

/* tool_image - open the newest image of conf's state-dir; says on stderr what is
 * wrong with it, also where the previous one had to do.  Of two opinions in it the
 * one counts that conf's `agree` says.  NULL after an error. */
struct image *tool_image(const struct conf *conf, enum image_trust trust);

/* tool_json_line - print an object on one line, and give it back.  False (and
 * a message) where the output cannot be written. */
bool tool_json_line(json_t *object);

/* tool_put - a text, unless it is NULL or ""; tool_put_number - a number, at most
 * INT64_MAX.  tool_get - the text of a key, "-" where there is none; it belongs to the
 * object. */
void tool_put(json_t *o, const char *key, const char *text);
void tool_put_number(json_t *o, const char *key, uint64_t number);
const char *tool_get(const json_t *o, const char *key);

/* tool_flush - flush stdout; false (and a message) where that fails: a full
 * disk must not look like success. */
bool tool_flush(void);

/* tool_date - "2026-01-31" from 20260131; "" for 0. buf has 11 bytes. */
#define TOOL_DATE_MAX 11
const char *tool_date(uint32_t date, char *buf);

/* tool_is_old - whether data of that date (20260131; 0: never) is older than max-age,
 * at `now`; *days: how old.  The date is the last whole day that the data knows. */
bool tool_is_old(uint32_t date, uint32_t max_age_s, time_t now, long *days);

/* tool_time - RFC 3339, UTC, from seconds since 1970. */
#define TOOL_TIME_MAX 32
const char *tool_time(uint64_t seconds, char *buf);

/* tool_child_end - waits for a child's end, at most ms, then kills it.  Its status
 * as of waitpid(2); -1: there is no such child. */
int tool_child_end(pid_t pid, unsigned ms);

/* tool_now_ms - a clock that nobody sets, in milliseconds: CLOCK_MONOTONIC. */
int64_t tool_now_ms(void);

/* tool_whom - one word of whom the greylist is asked about: a network or an address
 * (*net, and *is_net true), or a sender: user@example.com, @example.com, <>. */
bool tool_whom(const char *text, struct range *net, bool *is_net,
	       struct error *err);

/* tool_hex - digest as text; buf has 2 * size + 1 bytes. */
const char *tool_hex(const uint8_t *data, size_t size, char *buf);

/* tool_source_json - what there is to say of a source: path, kind, registry, date,
 * age in seconds (of its date, which is the registries' last whole day), serial,
 * records, bytes, sha256.  tool_source_sizes adds what it has delegated: IPv4
 * addresses and IPv6 /64 networks. */
json_t *tool_source_json(const struct geo_source *g);
void tool_source_sizes(json_t *o, uint64_t addresses4, uint64_t networks6);

/* The last run of geoblock-sync, as its --json tells it, in a file of the state
 * folder.  What is in it was written by us, but nothing may depend on that. */
#define TOOL_RESULT_NAME "last-sync.json"
#define TOOL_RESULT_MAX  (4u << 20) /* bytes: a thousand sources */

/* tool_json_load - an object from a file of the state folder of at most max bytes;
 * NULL after an error, which names the file (sys_errno ENOENT: there is none).
 * tool_json_save - one into such a file, as tool_write() does. */
json_t *tool_json_load(const char *state_dir, const char *name, size_t max,
		       struct error *err);
bool tool_json_save(const char *state_dir, const char *name, const json_t *o,
		    struct error *err);

/* tool_read - a whole regular file of at most max bytes, the caller's to free; NULL
 * after an error, which names it.  tool_read_fd - the same from its beginning, of a
 * descriptor, which is closed; the error does not know its name. */
uint8_t *tool_read(const char *path, size_t max, size_t *len,
		   struct error *err);
uint8_t *tool_read_fd(int fd, size_t max, size_t *len, struct error *err);

/* tool_write - a file of the state folder, whole and on the disk or not at all:
 * written under another name and renamed.  tool_write_clear - what a run that was
 * killed left under that name; who holds the folder's lock may do it. */
void tool_write_clear(const char *state_dir, const char *name);
bool tool_write(const char *state_dir, const char *name, const void *data,
		size_t size, struct error *err);

/* The kernel plan of a configuration and an image, with the sets it points at. */
struct tool_plan {
	struct kernel_plan plan;
	struct iset owned[POLICY_CLASSES_MAX];
	size_t owned_count;
	bool empty_allow; /* of no country's addresses is a SYN let through, and
	                   * the verdict of `rest` is not accept */
};

/* tool_plan_build - NULL after an error.  The plan borrows conf's lists: conf
 * has to live as long. */
struct tool_plan *tool_plan_build(const struct conf *conf,
				  const struct image *image, struct error *err);
void tool_plan_free(struct tool_plan *plan); /* NULL is allowed */

#endif
