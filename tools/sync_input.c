// SPDX-License-Identifier: GPL-2.0-or-later
/* Which files, and having them read. */
#include "tools/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Debian's tor-geoipdb: IPFire's location data as text. */
static const char *const ipfire_files[] = { "/usr/share/tor/geoip",
					    "/usr/share/tor/geoip6" };

bool sync_add_input(struct sync *s, const char *path, int item)
{
	char *copy = strdup(path);

	if (s->input_count == s->input_room) {
		size_t room = s->input_room ? 2 * s->input_room : 16;
		struct sync_input *grown =
			reallocarray(s->inputs, room, sizeof(*s->inputs));

		if (!grown) {
			free(copy);
			return sync_fail(s, "out of memory");
		}
		s->inputs = grown;
		s->input_room = room;
	}
	if (!copy)
		return sync_fail(s, "out of memory");
	s->inputs[s->input_count++] =
		(struct sync_input){ .path = copy, .item = item };
	return true;
}

/* A path of the configuration may be a pattern: a CIDR source has hundreds of
 * files. */
static bool add_pattern(struct sync *s, const char *pattern)
{
	glob_t found = { 0 };
	bool ok = true;
	int result = glob(pattern, GLOB_ERR, NULL, &found);

	if (result == GLOB_NOMATCH)
		ok = sync_fail(s, "%s: no such file", pattern);
	else if (result != 0)
		ok = sync_fail(s, "%s: %s", pattern,
			       result == GLOB_NOSPACE ? "out of memory"
						      : strerror(errno));
	for (size_t i = 0; ok && i < found.gl_pathc; i++)
		ok = sync_add_input(s, found.gl_pathv[i], -1);
	globfree(&found);
	return ok;
}

static bool is_remote(const char *url)
{
	return strncmp(url, "http://", 7) == 0 ||
	       strncmp(url, "https://", 8) == 0;
}

static bool add_urls(struct sync *s)
{
	for (size_t i = 0; i < s->conf->url_count; i++) {
		const char *url = s->conf->urls[i];

		if (strncmp(url, "file://", 7) == 0)
			url += 7;
		if (!(is_remote(url) ? sync_source(s, url)
				     : add_pattern(s, url)))
			return false;
	}
	return true;
}

static bool add_ipfire(struct sync *s)
{
	for (size_t i = 0; i < 2; i++)
		if (access(ipfire_files[i], R_OK) < 0)
			return sync_fail(s,
					 "%s: %s; install the package "
					 "tor-geoipdb, which ships it",
					 ipfire_files[i], strerror(errno));
	return sync_add_input(s, ipfire_files[0], -1) &&
	       sync_add_input(s, ipfire_files[1], -1);
}

/* The registries' own data in the image at hand? */
static bool has_registry_data(const struct image *image)
{
	struct image_about about;

	if (!image)
		return false;
	image_about(image, &about);
	for (size_t i = 0; i < about.source_count; i++)
		if (about.sources[i].kind == GEO_RIR)
			return true;
	return false;
}

static bool configured_inputs(struct sync *s)
{
	switch (s->conf->source) {
	case GEO_IMAGE: /* no file: sync_fleet */
		return true;
	case GEO_IPFIRE:
		return s->conf->url_count ? add_urls(s) : add_ipfire(s);
	case GEO_MMDB:
		if (s->conf->url_count == 0 && !s->conf->mmdb)
			return sync_fail(s,
					 "%s: source = mmdb wants geo.mmdb "
					 "or a path in geo.urls",
					 s->conf->path);
		return s->conf->url_count
			       ? add_urls(s)
			       : sync_add_input(s, s->conf->mmdb, -1);
	case GEO_CIDR:
		if (s->conf->url_count == 0)
			return sync_fail(s,
					 "%s: source = cidr wants the lists "
					 "in geo.urls",
					 s->conf->path);
		return add_urls(s);
	case GEO_RIR:
		break;
	}
	return s->conf->url_count ? add_urls(s) : sync_sources(s);
}

bool sync_inputs(struct sync *s, int argc, char **argv)
{
	s->asked_for_files = argc > 0;
	for (int i = 0; i < argc; i++)
		if (!sync_add_input(s, argv[i], -1))
			return false;
	if (s->asked_for_files)
		return true;
	if (s->offline && s->old_image)
		return true; /* what is there is what is asked for */
	return configured_inputs(s);
}

static void warn_line(void *ctx, const char *text)
{
	sync_warn(ctx, "%s", text);
}

static void refuse(struct sync *s, struct sync_input *input, const char *why)
{
	input->result = INPUT_REFUSED;
	input->why = strdup(why);
	s->refused++;
	sync_fail(s, "%s", why);
}

/* ---- one run of the child ------------------------------------------------------- */

/* The folder and the file may be root's alone. */
static int open_local(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	/* 0, 1 and 2 are what the child's standard streams will be */
	if (fd >= 0 && fd < 3) {
		int low = fd;

		fd = fcntl(low, F_DUPFD_CLOEXEC, 3);
		close(low);
	}
	if (fd < 0) {
		error_set(err, ERROR_SYSTEM, errno, "cannot open");
		error_wrap(err, "%s", path);
	}
	return fd;
}

/* A list of countries is hundreds of files. */
static void raise_files(void)
{
	struct rlimit now;

	if (getrlimit(RLIMIT_NOFILE, &now) == 0) {
		now.rlim_cur = now.rlim_max;
		setrlimit(RLIMIT_NOFILE, &now);
	}
}

static struct sync_file *make_files(struct sync *s, size_t first)
{
	struct sync_file *files =
		calloc(s->input_count - first + 1, sizeof(*files));

	if (s->input_count - first > 500)
		raise_files();
	for (size_t i = first; files && i < s->input_count; i++) {
		struct sync_file *file = &files[i - first];

		file->path = s->inputs[i].path;
		file->fd = -1;
		if (s->inputs[i].item >= 0)
			file->item = &s->items[s->inputs[i].item];
		else
			file->fd = open_local(file->path, &file->err);
	}
	return files;
}

/* What became of one that is downloaded, besides its being read or not. */
static void say_fetched(struct sync *s, struct sync_input *input)
{
	const struct fetch_item *item = &s->items[input->item];

	if (item->why[0] == '\0')
		return;
	if (item->state != FETCH_KEPT) {
		sync_warn(s, "%s: %s; taken from elsewhere", input->path,
			  item->why);
		return;
	}
	input->result = INPUT_KEPT;
	input->why = strdup(item->why);
	if (item->late)
		sync_warn(s, "%s: the last good file stays for now: %s",
			  input->path, item->why);
	else
		sync_fail(s, "%s: the last good file stays: %s", input->path,
			  item->why);
}

static void take_results(struct sync *s, size_t first,
			 const struct sync_file *files)
{
	for (size_t i = first; i < s->input_count; i++) {
		struct sync_input *input = &s->inputs[i];
		const struct sync_file *file = &files[i - first];

		if (!file->ok)
			refuse(s, input, file->err.text);
		else if (input->item >= 0)
			say_fetched(s, input);
	}
}

static void refuse_all(struct sync *s, size_t first, const char *why)
{
	sync_fail(s, "%s", why);
	for (size_t i = first; i < s->input_count; i++) {
		s->inputs[i].result = INPUT_REFUSED;
		s->inputs[i].why = strdup(why);
		s->refused++;
	}
}

static void read_from(struct sync *s, size_t first)
{
	const struct geo_warn warn = { .say = warn_line, .ctx = s };
	struct sync_file *files = make_files(s, first);
	struct sync_job job = {
		.state_dir = s->conf->state_dir,
		.items = first == 0 ? s->items : NULL,
		.item_count = first == 0 ? s->item_count : 0,
		.files = files,
		.file_count = s->input_count - first,
		.ca_file = s->conf->ca_file,
		.timeout_s = s->conf->timeout_s,
		.offline = s->offline,
		.older = s->force,
		.progress =
			isatty(2) && (s->progress || !(s->quiet || s->json)),
		.warn = &warn,
	};
	struct error err = { 0 };

	if (!files)
		refuse_all(s, first, "out of memory");
	else if (!sync_child_run(&job, &err))
		refuse_all(s, first, err.text);
	else
		take_results(s, first, files);
	for (size_t i = 0; files && i < job.file_count; i++)
		if (files[i].fd >= 0)
			close(files[i].fd);
	free(files);
	geo_table_clear(&s->table);
	s->table = job.table;
}

/* Nothing of the registries was to be had, and nothing of them is at hand: the
 * country data that the distribution ships, where it is. */
static void fall_back(struct sync *s)
{
	size_t first = s->input_count;

	sync_warn(s, "no data of the registries: falling back on IPFire's, as "
		     "the package tor-geoipdb ships it");
	if (!add_ipfire(s))
		return;
	s->fallback = true;
	s->refused = 0;
	read_from(s, first);
}

void sync_read(struct sync *s)
{
	if (s->input_count == 0)
		return;
	read_from(s, 0);
	if (s->conf->source == GEO_RIR && s->item_count > 0 &&
	    s->table.source_count == 0 && !has_registry_data(s->old_image))
		fall_back(s);
}
