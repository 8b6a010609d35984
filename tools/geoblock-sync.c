// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock-sync: files in, image and kernel sets out.  One run is
 *
 *     read → settle → compile → guard → install → apply
 *
 * and whatever instant it dies at, image and kernel each are the old or the new
 * ones: the image by rename, the kernel by one switching transaction. */
#include "tools/sync.h"
#include "tools/sync_fleet.h"
#include "tools/sync_spf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <geoblock/log.h>

#include "tools/tool_confirm.h"
#include "tools/tool_control.h"
#include "tools/tool_lock.h"

void sync_warn(struct sync *s, const char *fmt, ...)
{
	char text[900];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (s->warning_count == SYNC_WARNINGS_MAX) {
		s->warnings_dropped++;
		return;
	}
	log_warn("%s", text);
	s->warnings[s->warning_count] = strdup(text);
	if (s->warnings[s->warning_count])
		s->warning_count++;
}

bool sync_fail(struct sync *s, const char *fmt, ...)
{
	char text[900];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_err("%s", text);
	if (!s->problem)
		s->problem = strdup(text);
	if (s->status < STATUS_UNABLE)
		s->status = STATUS_UNABLE;
	return false;
}

/* ---- the image ---------------------------------------------------------------- */

/* geoblockd takes the table's lock as soon as it sees a new image, and cannot make
 * its file: on the first run of all, that has to be there before the image. */
static void make_table_lock(const struct sync *s)
{
	struct error err = { 0 };
	int fd;

	if (tool_lock_table(&fd, s->conf, true, 0, &err))
		tool_unlock(fd);
}

/* One run at a time: two could each keep the other's work as "previous". The
 * lock goes with the process. */
static int lock_state(struct sync *s)
{
	struct error err = { 0 };
	int fd;

	if (mkdir(s->conf->state_dir, 0755) < 0 && errno != EEXIST) {
		sync_fail(s, "%s: cannot make the folder: %s",
			  s->conf->state_dir, strerror(errno));
		return -1;
	}
	if (tool_lock(&fd, s->conf->state_dir, TOOL_LOCK_STATE,
		      TOOL_LOCK_STATE_MODE, TOOL_LOCK_STATE_MS, &err)) {
		make_table_lock(s);
		return fd;
	}
	sync_fail(s, "%s%s", err.text,
		  err.kind == ERROR_HELD ? ": another geoblock-sync is running"
					 : "");
	return -1;
}

static void open_old(struct sync *s)
{
	struct error fallback = { 0 }, err = { 0 };

	if (!image_open_newest(&s->old_image, s->conf->state_dir,
			       IMAGE_CHECK_ALL, &fallback, &err)) {
		s->old_image = NULL;
		if (err.sys_errno != ENOENT)
			sync_warn(s, "%s", err.text);
		return;
	}
	if (fallback.kind != ERROR_NONE)
		sync_warn(s, "%s; going by the previous image", fallback.text);
}

static bool settle(struct sync *s)
{
	struct error err = { 0 };

	if (!geo_table_finish(&s->table, s->old_image ? image_first : NULL,
			      s->old_image, NULL, &err))
		return sync_fail(s, "%s", err.text);
	return sync_grace(s) && sync_second(s) && sync_sizes(s);
}

/* From here on the country that counts is the one that `agree` says. */
static bool agree(struct sync *s, struct image *image)
{
	struct error err = { 0 };

	return !image ||
	       image_agree(image, s->conf->agree, &s->conf->policy.allowed,
			   &err) ||
	       sync_fail(s, "%s", err.text);
}

static bool same_content(const struct image *a, const struct image *b)
{
	struct image_about about_a, about_b;

	if (!a || !b)
		return false;
	image_about(a, &about_a);
	image_about(b, &about_b);
	return memcmp(about_a.digest, about_b.digest, sizeof(about_a.digest)) ==
	       0;
}

/* In memory: it is looked at before it is let in. */
static bool compile(struct sync *s)
{
	struct error err = { 0 };

	return image_make(&s->new_image, &s->table, (uint64_t)time(NULL),
			  &err) ||
	       sync_fail(s, "%s", err.text);
}

bool sync_install(struct sync *s, struct error *err)
{
	bool changed;

	if (!sync_fleet_taken(s, err))
		return false;
	if (!s->new_image)
		return true;
	if (!image_install(s->new_image, s->conf->state_dir, &changed, err))
		return false;
	s->image_result = changed ? SYNC_IMAGE_NEW : SYNC_IMAGE_UNCHANGED;
	return true;
}

/* The new image takes the old one's place, unless it takes too much away. */
static bool take_over(struct sync *s)
{
	struct error err = { 0 };

	if (!agree(s, s->old_image) || !agree(s, s->new_image))
		return false;
	if (!sync_guard(s))
		return sync_fail(s, "update held, the image and the kernel's "
				    "sets stay as they were; --force accepts "
				    "it");
	if (!s->dry_run && !s->confirm_s)
		return sync_install(s, &err) || sync_fail(s, "%s", err.text);
	/* it is installed once confirmed */
	s->image_result = same_content(s->old_image, s->new_image)
				  ? SYNC_IMAGE_UNCHANGED
				  : SYNC_IMAGE_NEW;
	return true;
}

/* ---- the kernel ---------------------------------------------------------------- */

static bool apply_locked(struct sync *s, const struct tool_plan *plan,
			 const struct tool_plan *before)
{
	struct kernel *kernel = NULL;
	struct error err = { 0 };

	if (!kernel_open(&kernel, &err))
		return sync_fail(s, "%s", err.text);
	s->applied =
		kernel_apply(kernel, &plan->plan, before ? &before->plan : NULL,
			     s->dry_run, &s->kernel, &err);
	kernel_close(kernel);
	return s->applied ? true : sync_fail(s, "%s", err.text);
}

/* geoblockd writes to the table, too; then it is a moment's wait. */
static bool apply_plan(struct sync *s, const struct tool_plan *plan,
		       const struct tool_plan *before)
{
	struct error err = { 0 };
	int lock = -1;
	bool ok;

	if (!s->dry_run &&
	    !tool_lock_table(&lock, s->conf, true, TOOL_LOCK_TABLE_MS, &err)) {
		if (err.kind != ERROR_HELD)
			return sync_fail(
				s, "%s; the kernel's sets stay as they were",
				err.text);
		sync_warn(s, "%s; going on without the lock", err.text);
	}
	ok = apply_locked(s, plan, before);
	tool_unlock(lock);
	if (ok && plan->plan.queue.enabled &&
	    s->kernel.queue == KERNEL_QUEUE_NONE)
		sync_warn(s, "this kernel hands no packet to a queue "
			     "(CONFIG_NFT_QUEUE, or CONFIG_NFT_COMPAT with "
			     "CONFIG_NETFILTER_XT_TARGET_NFQUEUE): rules that "
			     "need a SYN's looks do not apply, the address "
			     "alone decides");
	return ok;
}

static bool apply_plans(struct sync *s, const struct sync_plans *plans)
{
	return apply_plan(s, plans->now, plans->before);
}

/* What is enforced from now on, so that a later --confirm can put it back. */
static void save_applied(struct sync *s, const struct tool_plan *plan)
{
	struct error err = { 0 };
	char path[4096];

	snprintf(path, sizeof(path), "%s/" TOOL_APPLIED_NAME,
		 s->conf->state_dir);
	if (s->dry_run)
		return;
	if (!tool_saved_write(s->conf->state_dir, TOOL_APPLIED_NAME,
			      s->conf->table, &plan->plan, 0, &err)) {
		unlink(path); /* what it says is not so any more */
		sync_warn(s, "%s", err.text);
	}
}

static bool apply_checked(struct sync *s, const struct sync_plans *plans)
{
	bool ok = s->confirm_s && !s->dry_run
			  ? sync_confirm(s, plans, apply_plans)
			  : apply_plans(s, plans);

	if (ok)
		save_applied(s, plans->now);
	return ok;
}

static bool apply(struct sync *s, const struct image *image)
{
	struct error err = { 0 };
	struct tool_plan *plan, *before = NULL;
	bool ok = false;

	plan = tool_plan_build(s->conf, image, &err);
	if (plan && s->old_image && (s->old_image != image || s->confirm_s))
		before = tool_plan_build(s->conf, s->old_image, &err);
	if (!plan)
		sync_fail(s, "%s", err.text);
	else if (plan->empty_allow &&
		 !sync_override(s, "no address would be let through"))
		sync_fail(s, "no address would be let through: the kernel's "
			     "sets stay as they were; --force enforces it");
	else
		ok = apply_checked(s, &(struct sync_plans){ plan, before });
	tool_plan_free(before);
	tool_plan_free(plan);
	return ok;
}

/* ---- the run ---------------------------------------------------------------------- */

/* Data that nobody renewed for long is still enforced, but said. */
static void check_age(struct sync *s, const struct image *image)
{
	struct image_about about;
	time_t now = time(NULL);

	image_about(image, &about);
	for (size_t i = 0; i < about.source_count; i++) {
		const struct geo_source *source = &about.sources[i];
		char date[TOOL_DATE_MAX];
		long days;

		if (tool_is_old(source->date, s->conf->max_age_s, now, &days))
			sync_warn(s,
				  "%s: data of %s, %ld days old: older than "
				  "max-age",
				  source->path, tool_date(source->date, date),
				  days);
	}
}

/* What another host has compiled. */
static bool update_from_fleet(struct sync *s)
{
	struct error err = { 0 };

	if (!sync_fleet(s))
		return false;
	if (s->new_image)
		return take_over(s);
	if (!agree(s, s->old_image))
		return false;
	if (!sync_fleet_taken(s, &err))
		sync_fail(s, "%s", err.text);
	return true;
}

static bool update(struct sync *s, int argc, char **argv)
{
	if (s->conf->source == GEO_IMAGE && argc == 0)
		return update_from_fleet(s);
	if (!sync_inputs(s, argc, argv))
		return false;
	sync_read(s);
	sync_dates(s);
	if ((s->refused > 0 || s->older > 0) && !sync_keep(s))
		return false;
	if (s->table.count4 == 0 && s->table.count6 == 0)
		return s->old_image
			       ? agree(s, s->old_image)
			       : sync_fail(s, "no country data: nothing is "
					      "enforced by country");
	sync_missing(s);
	return settle(s) && compile(s) && take_over(s);
}

/* A provider's new networks do not wait until somebody has looked at why country
 * data was held: they are applied beside the image at hand. */
static void apply_exemptions(struct sync *s)
{
	if (s->spf_changed && s->old_image && !s->no_apply && !s->confirm_s &&
	    agree(s, s->old_image))
		apply(s, s->old_image);
}

/* geoblockd sees by the table that its lists have changed; geoblock-policyd has to be
 * told, or it would go on refusing whom they exempt. */
static void tell_policyd(struct sync *s)
{
	struct error err = { 0 };
	const char *why = err.text;
	json_t *answer;

	if (!s->applied || s->dry_run || s->reverted)
		return;
	answer = tool_control_ask_policyd(
		s->conf, json_pack("{s:s}", "command", "reload"), &err);
	if (json_is_true(json_object_get(answer, "ok")) ||
	    (!answer && tool_control_away(&err)))
		why = NULL;
	else if (answer)
		why = json_string_value(json_object_get(answer, "text"));
	if (why)
		sync_warn(s, "geoblock-policyd goes on with what it had: %s",
			  why);
	json_decref(answer);
}

static void run(struct sync *s, int argc, char **argv)
{
	const struct image *image;
	int lock = -1;

	/* a dry run downloads, too, and so writes the cache */
	if (!s->dry_run || (argc == 0 && !s->offline)) {
		lock = lock_state(s);
		if (lock < 0)
			return;
	}
	open_old(s);
	if (!s->dry_run && !sync_confirm_left(s))
		goto out;
	sync_spf(s);
	if (update(s, argc, argv)) {
		image = s->new_image ? s->new_image : s->old_image;
		check_age(s, image);
		if (!s->no_apply)
			apply(s, image);
		if (s->publish && !s->dry_run && !s->reverted)
			sync_publish(s);
	} else {
		apply_exemptions(s);
	}
	tell_policyd(s);
out:
	if (lock < 0)
		return;
	if (!s->dry_run)
		sync_save(s);
	tool_unlock(lock);
}

static void clear(struct sync *s)
{
	image_close(s->new_image);
	image_close(s->old_image);
	geo_table_clear(&s->table);
	for (size_t i = 0; i < s->input_count; i++) {
		free(s->inputs[i].path);
		free(s->inputs[i].why);
	}
	free(s->inputs);
	free(s->items);
	free(s->countries);
	free(s->sizes);
	for (int i = 0; i < REGISTRY_COUNT; i++)
		free(s->kept_why[i]);
	free(s->second_why);
	json_decref(s->overridden);
	for (size_t i = 0; i < s->warning_count; i++)
		free(s->warnings[i]);
	free(s->problem);
	conf_free(s->conf);
}

int main(int argc, char **argv)
{
	struct sync s = { 0 };
	int status;

	log_init(SYNC_NAME);
	status = sync_options(&s, argc, argv);
	if (status != -1)
		return status;
	if (s.make_key)
		return sync_make_key(s.make_key);
	s.conf = tool_conf(s.config);
	if (!s.conf)
		return STATUS_USAGE;
	run(&s, argc - optind, argv + optind);
	status = sync_print(&s) ? s.status : STATUS_UNABLE;
	clear(&s);
	return status;
}
