// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <geoblock/log.h>

#include "tools/tool.h"
#include "tools/tool_signatures.h"

static struct snapshot_file file_of(const struct stat *st)
{
	return (struct snapshot_file){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = (uint64_t)st->st_size,
		.modified = st->st_mtim,
		.changed = st->st_ctim,
	};
}

static void look(struct snapshot_file *file, const char *folder,
		 const char *name)
{
	char path[4096];
	struct stat st;

	memset(file, 0, sizeof(*file));
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (stat(path, &st) == 0)
		*file = file_of(&st);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_file(const struct snapshot_file *a,
		      const struct snapshot_file *b)
{
	return a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && same_time(&a->modified, &b->modified) &&
	       same_time(&a->changed, &b->changed);
}

void snapshot_files_look(struct snapshot_files *files, const char *state_dir)
{
	look(&files->image, state_dir, IMAGE_NAME);
	look(&files->spf, state_dir, SPF_STORE_NAME);
}

bool snapshot_files_differ(const struct snapshot_files *a,
			   const struct snapshot_files *b)
{
	return !same_file(&a->image, &b->image) || !same_file(&a->spf, &b->spf);
}

static void load_image(struct snapshot *snapshot)
{
	const char *folder = snapshot->conf->state_dir;
	struct error fallback = { 0 }, *missing = &snapshot->missing;

	snapshot_files_look(&snapshot->files, folder);
	/* read with the configuration: it may have changed since */
	if (snapshot->conf->spf_domain_count > 0)
		snapshot->files.spf = file_of(&snapshot->conf->spf_file);
	if (!image_open_newest(&snapshot->image, folder, IMAGE_CHECK_ALL,
			       &fallback, missing))
		return;
	*missing = fallback;
	if (!image_agree(snapshot->image, snapshot->conf->agree,
			 &snapshot->conf->policy.allowed, missing)) {
		image_close(snapshot->image);
		snapshot->image = NULL;
		return;
	}
	image_about(snapshot->image, &snapshot->about);
	tool_hex(snapshot->about.digest, 8, snapshot->digest);
}

/* What goes back to the kernel for each action.  Drop is the queue's own verdict;
 * the others travel as marks, which the table's next chain carries out. */
static void set_answers(struct snapshot *snapshot)
{
	const struct conf *conf = snapshot->conf;

	for (int i = 0; i < ACTION_COUNT; i++) {
		enum action action =
			conf->policy.audit ? ACTION_ACCEPT : (enum action)i;

		snapshot->answers[i] = (struct queue_answer){
			.drop = action == ACTION_DROP,
			.set_mark = action != ACTION_DROP,
			.mark = kernel_mark_judged(conf->mark, action),
		};
	}
}

static void say(void *ctx, const char *text)
{
	(void)ctx;
	log_err("%s", text);
}

bool snapshot_load(struct snapshot **out, const char *config, struct error *err)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	*out = NULL;
	if (!snapshot)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	if (!conf_read(&snapshot->conf, config, say, NULL, err) ||
	    !tool_signatures(&snapshot->signatures, err)) {
		snapshot_free(snapshot);
		return false;
	}
	load_image(snapshot);
	set_answers(snapshot);
	snapshot->judge = (struct judge){
		.policy = &snapshot->conf->policy,
		.image = snapshot->image,
		.signatures = snapshot->signatures,
		.exempt = &snapshot->conf->exempt.set,
		.deny = &snapshot->conf->deny.set,
	};
	snapshot->loaded = (uint64_t)time(NULL);
	*out = snapshot;
	return true;
}

void snapshot_free(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	signatures_free(snapshot->signatures);
	image_close(snapshot->image);
	conf_free(snapshot->conf);
	free(snapshot);
}

bool snapshot_apply(const struct snapshot *snapshot, struct kernel *kernel,
		    struct kernel_report *report, struct error *err)
{
	struct tool_plan *plan;
	bool ok;

	memset(report, 0, sizeof(*report));
	if (!snapshot->image)
		return error_set(err, ERROR_HELD, 0,
				 "no country data: the table is left as it "
				 "is, and where there is none nothing is "
				 "enforced; run geoblock-sync");
	plan = tool_plan_build(snapshot->conf, snapshot->image, err);
	if (!plan)
		return false;
	if (plan->empty_allow)
		ok = error_set(err, ERROR_HELD, 0,
			       "the country data has no address of the "
			       "countries chosen; the table is left as it is");
	else
		ok = kernel_apply(kernel, &plan->plan, NULL, false, report,
				  err);
	tool_plan_free(plan);
	return ok;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The sockets for mail programs. */
static bool same_mail(const struct conf *a, const struct conf *b)
{
	if (a->p0f_socket != b->p0f_socket || a->p0f_mode != b->p0f_mode ||
	    !same_text(a->p0f_group, b->p0f_group) ||
	    a->amavis_count != b->amavis_count)
		return false;
	for (size_t i = 0; i < a->amavis_count; i++)
		if (a->amavis[i].port != b->amavis[i].port ||
		    a->amavis[i].addr.family != b->amavis[i].addr.family ||
		    a->amavis[i].addr.value != b->amavis[i].addr.value)
			return false;
	return true;
}

bool snapshot_keeps(const struct snapshot *now, const struct snapshot *next,
		    struct error *err)
{
	const struct conf *a = now->conf, *b = next->conf;
	const char *what = NULL;

	if (strcmp(a->table, b->table) != 0)
		what = "table";
	else if (strcmp(a->run_dir, b->run_dir) != 0)
		what = "run-dir";
	else if (a->queue != b->queue || a->queue_count != b->queue_count ||
		 a->queue_fail_closed != b->queue_fail_closed)
		what = "queue";
	else if (a->mark != b->mark) /* table and answers change one by one */
		what = "mark";
	else if (a->nflog_group != b->nflog_group)
		what = "nflog-group";
	else if (a->hosts != b->hosts)
		what = "hosts";
	else if (!same_mail(a, b))
		what = "p0f";
	if (!what)
		return true;
	return error_set(err, ERROR_HELD, 0,
			 "%s: \"%s\" cannot change while geoblockd runs; "
			 "restart it for that",
			 b->path, what);
}

bool snapshot_lost_spf(const struct snapshot *now, const struct snapshot *next,
		       struct error *err)
{
	if (!next->conf->spf_problem || now->conf->spf_answers.count == 0)
		return false;
	error_set(err, ERROR_HELD, 0, "%s", next->conf->spf_problem);
	return true;
}
