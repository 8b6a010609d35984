// SPDX-License-Identifier: GPL-2.0-or-later
/* Which files, and reading them. */
#include "tools/sync.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Debian's tor-geoipdb: IPFire's location data as text. */
static const char *const ipfire_files[] = { "/usr/share/tor/geoip",
					    "/usr/share/tor/geoip6" };

static bool add_input(struct sync *s, const char *path)
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
	s->inputs[s->input_count++] = (struct sync_input){ .path = copy };
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
		ok = add_input(s, found.gl_pathv[i]);
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
		if (!is_remote(url) && !add_pattern(s, url))
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
	return add_input(s, ipfire_files[0]) && add_input(s, ipfire_files[1]);
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

/* No file of the registries is at hand: the image has to do, or, on a machine
 * that never had any, the country data that the distribution ships. */
static bool without_registries(struct sync *s)
{
	if (has_registry_data(s->old_image)) {
		if (s->offline)
			return true;
		return sync_fail(s, "this version does not download: name the "
				    "registries' files as arguments or as "
				    "file:// in geo.urls; keeping the data "
				    "there is") ||
		       true;
	}
	sync_warn(s, "no data of the registries: falling back on IPFire's, as "
		     "the package tor-geoipdb ships it");
	s->fallback = true;
	return add_ipfire(s);
}

static bool configured_inputs(struct sync *s)
{
	switch (s->conf->source) {
	case GEO_IPFIRE:
		return s->conf->url_count ? add_urls(s) : add_ipfire(s);
	case GEO_MMDB:
		if (s->conf->url_count == 0 && !s->conf->mmdb)
			return sync_fail(s,
					 "%s: source = mmdb wants geo.mmdb "
					 "or a path in geo.urls",
					 s->conf->path);
		return s->conf->url_count ? add_urls(s)
					  : add_input(s, s->conf->mmdb);
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
	if (!add_urls(s))
		return false;
	return s->input_count > 0 ? true : without_registries(s);
}

bool sync_inputs(struct sync *s, int argc, char **argv)
{
	s->asked_for_files = argc > 0;
	for (int i = 0; i < argc; i++)
		if (!add_input(s, argv[i]))
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

void sync_read(struct sync *s)
{
	struct geo_warn warn = { .say = warn_line, .ctx = s };
	struct geo_file *files = calloc(s->input_count + 1, sizeof(*files));

	for (size_t i = 0; files && i < s->input_count; i++)
		files[i].path = s->inputs[i].path;
	if (files)
		geo_read_all(&s->table, files, s->input_count, &warn);
	for (size_t i = 0; i < s->input_count; i++)
		if (!files)
			refuse(s, &s->inputs[i], "out of memory");
		else if (!files[i].ok)
			refuse(s, &s->inputs[i], files[i].err.text);
	free(files);
}
