// SPDX-License-Identifier: GPL-2.0-or-later
/* The child's second half: files into a table.  What was downloaded is good when
 * it could be read: then it takes its place in the cache.  Where it could not,
 * the file before it is read instead, and the new one stays as NAME.refused. */
#include "tools/sync_child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

void sync_child_say(struct sync_child *c, struct sync_message *message)
{
	while (send(c->out, message, sizeof(*message), MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			_exit(1); /* nobody listens any more */
}

static void say_warning(void *ctx, const char *text)
{
	struct sync_message message = { .kind = MESSAGE_WARN };

	snprintf(message.text, sizeof(message.text), "%s", text);
	sync_child_say(ctx, &message);
}

/* ---- one round of files ---------------------------------------------------------- */

struct round {
	struct geo_file *files;
	char (*paths)[GEO_PATH_MAX];
	size_t *of; /* index of the sync_file */
	size_t count;
};

static size_t item_of(const struct sync_child *c, const struct sync_file *file)
{
	return (size_t)(file->item - c->job->items);
}

static void cache_path(const struct sync_child *c, const char *name,
		       char path[GEO_PATH_MAX])
{
	snprintf(path, GEO_PATH_MAX, "%s/" CACHE_FOLDER "/%s",
		 c->job->state_dir, name);
}

static void add(struct round *r, size_t file, int fd, const char *path)
{
	snprintf(r->paths[r->count], GEO_PATH_MAX, "%s", path);
	r->files[r->count] =
		(struct geo_file){ .path = r->paths[r->count], .fd = fd };
	r->of[r->count++] = file;
}

/* A new file goes by the name that it will have if it is refused. */
static void add_cached(struct sync_child *c, struct round *r, size_t index)
{
	struct sync_file *file = &c->job->files[index];
	const struct sync_got *got = &c->got[item_of(c, file)];
	char name[CACHE_NAME_MAX], path[GEO_PATH_MAX];
	int fd = openat(c->cache,
			cache_name(file->item, got->fresh ? ".new" : "", name),
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	cache_path(c,
		   cache_name(file->item, got->fresh ? ".refused" : "", name),
		   path);
	if (fd >= 0)
		add(r, index, fd, path);
	else
		error_set(&file->err, ERROR_SYSTEM, errno, "%s", path);
}

static void read_round(struct sync_child *c, struct round *r)
{
	const struct geo_warn warn = { say_warning, c };

	geo_read_all(&c->job->table, r->files, r->count, &warn);
	for (size_t i = 0; i < r->count; i++) {
		struct sync_file *file = &c->job->files[r->of[i]];

		file->ok = r->files[i].ok;
		file->err = r->files[i].err;
	}
	r->count = 0;
}

/* ---- what becomes of what was downloaded ---------------------------------------- */

static void rename_source(struct sync_child *c, const struct fetch_item *item)
{
	char from[GEO_PATH_MAX], to[GEO_PATH_MAX], name[CACHE_NAME_MAX];

	cache_path(c, cache_name(item, ".refused", name), from);
	cache_path(c, item->name, to);
	for (size_t i = 0; i < c->job->table.source_count; i++)
		if (strcmp(c->job->table.sources[i].path, from) == 0)
			memcpy(c->job->table.sources[i].path, to, sizeof(to));
}

static enum fetch_state promote(struct sync_child *c, size_t item)
{
	struct sync_got *got = &c->got[item];
	struct error err = { 0 };

	if (cache_promote(c, item, &err)) {
		rename_source(c, &c->job->items[item]);
		return FETCH_NEW;
	}
	/* read it was; the next run has to download it once more */
	snprintf(got->why, sizeof(got->why), "%s", err.text);
	return got->cached ? FETCH_KEPT : FETCH_FAILED;
}

static void add_why(struct sync_got *got, const char *text)
{
	size_t used = strlen(got->why);

	snprintf(got->why + used, sizeof(got->why) - used, "%s%s",
		 used ? "; " : "", text);
}

/* A new file that could not be read: the one before it, if there is one. */
static void fall_back(struct sync_child *c, struct round *r, size_t index)
{
	struct sync_file *file = &c->job->files[index];
	size_t item = item_of(c, file);
	struct sync_got *got = &c->got[item];

	add_why(got, file->err.text);
	cache_refuse(c, item);
	if (got->cached)
		add_cached(c, r, index);
}

/* What the cache has turned out to be no good: the next run downloads it. */
static void forget(struct sync_child *c, size_t item)
{
	char name[CACHE_NAME_MAX];

	unlinkat(c->cache, cache_name(&c->job->items[item], ".meta", name), 0);
}

static enum fetch_state state_of(struct sync_child *c, size_t item)
{
	struct sync_got *got = &c->got[item];

	if (got->fresh)
		return promote(c, item);
	if (got->unchanged || (c->job->offline && got->cached))
		return FETCH_UNCHANGED;
	return got->cached ? FETCH_KEPT : FETCH_FAILED;
}

static void say_item(struct sync_child *c, size_t item, enum fetch_state state)
{
	struct sync_message message = { .kind = MESSAGE_ITEM,
					.index = (uint32_t)item,
					.state = state };
	const struct sync_got *got = &c->got[item];
	struct stat st;

	if (got->cached && fstatat(c->cache, c->job->items[item].name, &st,
				   AT_SYMLINK_NOFOLLOW) == 0)
		message.now = (uint64_t)st.st_size;
	message.total = got->downloaded;
	message.late = got->late;
	snprintf(message.url, sizeof(message.url), "%s", got->meta.url);
	snprintf(message.text, sizeof(message.text), "%s", got->why);
	sync_child_say(c, &message);
}

static void say_file(struct sync_child *c, size_t index)
{
	const struct sync_file *file = &c->job->files[index];
	struct sync_message message = { .kind = MESSAGE_FILE,
					.index = (uint32_t)index,
					.state = file->ok,
					.error_kind = file->err.kind };

	snprintf(message.text, sizeof(message.text), "%s", file->err.text);
	sync_child_say(c, &message);
}

static void finish_items(struct sync_child *c)
{
	for (size_t i = 0; i < c->job->item_count; i++) {
		enum fetch_state state = state_of(c, i);

		for (size_t k = 0; k < c->job->file_count; k++) {
			const struct sync_file *file = &c->job->files[k];

			if (file->item != &c->job->items[i] || file->ok)
				continue;
			forget(c, i);
			state = FETCH_FAILED;
			if (!c->got[i].why[0])
				add_why(&c->got[i], file->err.text);
		}
		say_item(c, i, state);
	}
}

static bool make_round(struct round *r, size_t count, struct error *err)
{
	r->files = calloc(count + 1, sizeof(*r->files));
	r->paths = calloc(count + 1, sizeof(*r->paths));
	r->of = calloc(count + 1, sizeof(*r->of));
	return (r->files && r->paths && r->of) ||
	       error_set(err, ERROR_SYSTEM, ENOMEM, "cannot read");
}

static void first_round(struct sync_child *c, struct round *r)
{
	for (size_t i = 0; i < c->job->file_count; i++) {
		struct sync_file *file = &c->job->files[i];
		const struct sync_got *got;

		if (!file->item && file->fd >= 0)
			add(r, i, file->fd, file->path);
		if (!file->item) /* what could not be opened has its error */
			continue;
		got = &c->got[item_of(c, file)];
		if (got->fresh || got->cached)
			add_cached(c, r, i);
		else
			error_set(&file->err, ERROR_SYSTEM, 0, "%s",
				  got->why[0] ? got->why
					      : "was never downloaded");
	}
	read_round(c, r);
}

static void second_round(struct sync_child *c, struct round *r)
{
	for (size_t i = 0; i < c->job->file_count; i++) {
		struct sync_file *file = &c->job->files[i];

		if (file->item && !file->ok && c->got[item_of(c, file)].fresh)
			fall_back(c, r, i);
	}
	if (r->count > 0)
		read_round(c, r);
}

bool sync_read_all(struct sync_child *c, struct error *err)
{
	struct sync_message message = { .kind = MESSAGE_DONE };
	struct round r = { 0 };
	bool ok = make_round(&r, c->job->file_count, err);

	if (ok) {
		first_round(c, &r);
		second_round(c, &r);
		finish_items(c);
		for (size_t i = 0; i < c->job->file_count; i++)
			say_file(c, i);
		ok = geo_table_send(&c->job->table, c->table, err);
	}
	if (ok)
		sync_child_say(c, &message);
	free(r.files);
	free(r.paths);
	free(r.of);
	return ok;
}
