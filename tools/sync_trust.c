// SPDX-License-Identifier: GPL-2.0-or-later
/* What of the new data is believed, in the light of what was known before: by the
 * dates in the files' headers (a serial is a day, a second or a millisecond,
 * depending on the registry), by what is in no file any more, and by what a second
 * source says.
 *
 * Nothing here may wedge: a date that lies in the future, be it for the file or
 * for this machine's clock, is said, and does not keep out what comes later. */
#include "tools/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool sync_override(struct sync *s, const char *fmt, ...)
{
	char text[700];
	va_list ap;

	if (!s->force)
		return false;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sync_warn(s, "--force: taken all the same: %s", text);
	if (!s->overridden)
		s->overridden = json_array();
	json_array_append_new(s->overridden, json_string(text));
	return true;
}

static const struct geo_source *source_before(const struct sync *s,
					      enum geo_registry registry)
{
	const struct geo_source *source;
	struct image_about about;

	if (!s->old_image || registry == REGISTRY_NONE)
		return NULL;
	image_about(s->old_image, &about);
	source = about.sources; /* belong to the image */
	for (size_t i = 0; i < about.source_count; i++, source++)
		if (source->registry == registry)
			return source;
	return NULL;
}

/* Older than what is at hand.  What is at hand may itself be of a day to come: it
 * then does not count against a date that can be. */
static bool is_older(const struct geo_source *now,
		     const struct geo_source *before)
{
	return before && now->date != 0 && now->date < before->date &&
	       (!geo_ahead(before->date, time(NULL)) ||
		geo_ahead(now->date, time(NULL)));
}

static void leave(struct sync *s, size_t at, const struct geo_source *before)
{
	struct geo_source *now = &s->table.sources[at];
	char of[TOOL_DATE_MAX], at_hand[TOOL_DATE_MAX], why[200];

	snprintf(why, sizeof(why),
		 "data of %s is older than that of %s at hand",
		 tool_date(now->date, of), tool_date(before->date, at_hand));
	if (sync_override(s, "%s: %s", now->path, why))
		return;
	sync_fail(s, "%s: %s; --force takes it", now->path, why);
	free(s->kept_why[now->registry]);
	s->kept_why[now->registry] = strdup(why);
	s->older++;
	geo_table_drop(&s->table, at);
}

void sync_dates(struct sync *s)
{
	for (size_t i = s->table.source_count; i-- > 0;) {
		const struct geo_source *now = &s->table.sources[i];
		const struct geo_source *before =
			source_before(s, now->registry);
		char of[TOOL_DATE_MAX];

		if (now->date != 0 && geo_ahead(now->date, time(NULL)))
			sync_warn(s,
				  "%s: data of %s, which is still to come: "
				  "is this machine's clock right?",
				  now->path, tool_date(now->date, of));
		if (is_older(now, before))
			leave(s, i, before);
	}
}

/* --force takes the files as they are: what they leave out is then gone at once,
 * also where they are of an earlier day. */
bool sync_grace(struct sync *s)
{
	unsigned days = s->force ? 0 : s->conf->grace_s / 86400;
	struct error err = { 0 };

	if (!s->old_image)
		return true;
	if (!image_grace(s->old_image, &s->table, days, &s->graced, &err))
		return sync_fail(s, "%s", err.text);
	if (s->graced.expired4 + s->graced.expired6 > 0 && s->conf->grace_s > 0)
		sync_override(s,
			      "%llu IPv4 and %llu IPv6 ranges that are in no "
			      "file any more get no grace",
			      (unsigned long long)s->graced.expired4,
			      (unsigned long long)s->graced.expired6);
	return true;
}

/* ---- the second source -------------------------------------------------------- */

static void warn_line(void *ctx, const char *text)
{
	sync_warn(ctx, "%s", text);
}

/* By a process without rights, as everything from outside. */
static bool read_second(struct sync *s, const char *path,
			struct geo_table *table, struct error *err)
{
	const struct geo_warn warn = { .say = warn_line, .ctx = s };
	struct sync_file file = { .path = path,
				  .fd = open(path, O_RDONLY | O_CLOEXEC |
							   O_NONBLOCK) };
	struct sync_job job = { .state_dir = s->conf->state_dir,
				.files = &file,
				.file_count = 1,
				.offline = true,
				.warn = &warn };
	bool ok;

	if (file.fd < 0)
		return error_set(err, ERROR_SYSTEM, errno, "%s", path);
	ok = sync_child_run(&job, err);
	close(file.fd);
	*table = job.table;
	if (ok && !file.ok) {
		*err = file.err;
		ok = false;
	}
	return ok && geo_table_finish(table, NULL, NULL, &warn, err);
}

/* The database cannot be read: what the image at hand knows of it stays.  Where it
 * knows nothing, an allow-list that hangs on it cannot be made. */
static bool keep_second(struct sync *s, struct geo_table *table,
			const struct error *why)
{
	struct error err = { 0 };

	s->second_why = strdup(why->text);
	if (s->old_image && !image_keep_second(s->old_image, table, &err))
		return sync_fail(s, "%s", err.text);
	if (table->source_count > 0) {
		sync_fail(s, "%s; its opinions are kept as they were",
			  why->text);
		return true;
	}
	table->finished = true;
	if (s->conf->agree == AGREE_FIRST) {
		sync_warn(s, "%s; going on without its opinion", why->text);
		return true;
	}
	if (sync_override(s, "agree = %s without a second source: %s",
			  agree_name(s->conf->agree), why->text))
		return true;
	sync_fail(s, "%s", why->text);
	return sync_fail(s,
			 "update held: agree = %s wants a second source; "
			 "--force goes on without it",
			 agree_name(s->conf->agree));
}

bool sync_second(struct sync *s)
{
	const char *path = conf_second(s->conf);
	struct geo_table table = { 0 };
	struct error err = { 0 };
	bool ok = true;

	if (!path)
		return true;
	if (!read_second(s, path, &table, &err)) {
		geo_table_clear(&table);
		ok = keep_second(s, &table, &err);
	}
	if (ok && !geo_table_second(&s->table, &table, &err))
		ok = sync_fail(s, "%s", err.text);
	geo_table_clear(&table);
	return ok;
}

/* ---- how much ------------------------------------------------------------------ */

bool sync_sizes(struct sync *s)
{
	const struct geo_table *t = &s->table;

	s->sizes = calloc(t->source_count + 1, sizeof(*s->sizes));
	if (!s->sizes)
		return sync_fail(s, "out of memory");
	for (size_t i = 0; i < t->count4; i++)
		if (t->v4[i].record.country != COUNTRY_NONE)
			s->sizes[t->v4[i].source].addresses4 +=
				(uint64_t)t->v4[i].last - t->v4[i].first + 1;
	for (size_t i = 0; i < t->count6; i++) {
		uint64_t *sum = &s->sizes[t->v6[i].source].networks6;
		uint64_t n = ADDR6_HI(t->v6[i].last) - ADDR6_HI(t->v6[i].first);

		if (t->v6[i].record.country != COUNTRY_NONE &&
		    __builtin_add_overflow(*sum, n + (n != UINT64_MAX), sum))
			*sum = UINT64_MAX;
	}
	return true;
}
