// SPDX-License-Identifier: GPL-2.0-or-later
/* What is enforced is what the image says; how it came to be, and what a later sync
 * refused, is in the result that the last sync left.  Where both are of the same
 * source they are shown as one. */
#include "tools/tool_data.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "tools/tool.h"
#include "tools/tool_confirm.h"

struct sizes {
	uint64_t addresses4[REGISTRY_COUNT], networks6[REGISTRY_COUNT];
};

static bool add(void *ctx, const struct range *range,
		const struct geo_record *record)
{
	struct sizes *sizes = ctx;
	uint64_t *sum = &sizes->networks6[record->registry];
	uint64_t n = ADDR6_HI(range->last) - ADDR6_HI(range->first);

	if (record->country == COUNTRY_NONE)
		return true;
	if (range->family == 4)
		sizes->addresses4[record->registry] +=
			(uint64_t)(range->last - range->first) + 1;
	else if (__builtin_add_overflow(*sum, n + (n != UINT64_MAX), sum))
		*sum = UINT64_MAX;
	return true;
}

/* What the last sync said of the same source. */
static const json_t *said_of(const json_t *result, const json_t *source)
{
	const json_t *digest = json_object_get(source, "sha256");
	const json_t *list = json_object_get(result, "sources");
	const json_t *one;
	size_t i;

	json_array_foreach(
		list, i,
		one) if (json_equal(json_object_get(one, "sha256"), digest) &&
			 json_equal(
				 json_object_get(one, "path"),
				 json_object_get(source, "path"))) return one;
	return NULL;
}

static json_t *source_json(const struct geo_source *source,
			   const struct sizes *sizes, bool sized,
			   const json_t *result, uint32_t max_age_s)
{
	json_t *o = tool_source_json(source);
	const json_t *said = said_of(result, o);
	static const char *const keys[] = { "result", "why" };
	long days;

	if (tool_is_old(source->date, max_age_s, time(NULL), &days))
		json_object_set_new(o, "old", json_true());
	if (sized)
		tool_source_sizes(o, sizes->addresses4[source->registry],
				  sizes->networks6[source->registry]);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		json_t *value = json_object_get(said, keys[i]);

		if (value)
			json_object_set(o, keys[i], value);
	}
	return o;
}

/* A registry's records are told from others'; of sources without registry only a
 * single one is. */
static bool is_sized(const struct image_about *about,
		     const struct geo_source *source)
{
	size_t others = 0;

	if (source == about->second)
		return false;
	for (size_t i = 0; i < about->source_count; i++)
		others += &about->sources[i] != about->second &&
			  about->sources[i].registry == source->registry;
	return others == 1;
}

static json_t *image_sources(const struct image *image, const json_t *result,
			     uint32_t max_age_s)
{
	struct image_about about;
	struct sizes sizes = { 0 };
	json_t *list = json_array();

	image_about(image, &about);
	image_each(image, add, &sizes);
	for (size_t i = 0; i < about.source_count; i++) {
		const struct geo_source *source = &about.sources[i];
		json_t *o =
			source_json(source, &sizes, is_sized(&about, source),
				    result, max_age_s);

		if (source == about.second)
			json_object_set_new(o, "second", json_true());
		json_array_append_new(list, o);
	}
	return list;
}

/* Files that were refused belong to no source. */
static void add_refused(json_t *sources, const json_t *result)
{
	const json_t *list = json_object_get(result, "sources");
	json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		const char *how =
			json_string_value(json_object_get(one, "result"));

		if (how && strcmp(how, "refused") == 0)
			json_array_append(sources, one);
	}
}

static json_t *last_sync(const json_t *result)
{
	static const char *const keys[] = { "time",    "result",     "exit",
					    "problem", "overridden", "spf",
					    "fleet" };
	json_t *o = json_object();

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		json_t *value = json_object_get(result, keys[i]);

		if (value)
			json_object_set(o, keys[i], value);
	}
	return o;
}

static void add_confirm(json_t *o, const struct conf *conf)
{
	char text[TOOL_TIME_MAX];
	uint64_t until;

	if (tool_confirm_waits(conf->state_dir, &until))
		json_object_set_new(
			o, "confirm",
			json_pack("{s:s}", "until", tool_time(until, text)));
}

void tool_data_json(json_t *o, const struct conf *conf)
{
	struct error err = { 0 }, fallback;
	json_t *sources,
		*result = tool_json_load(conf->state_dir, TOOL_RESULT_NAME,
					 TOOL_RESULT_MAX, &err);
	struct image *image;

	if (image_open_newest(&image, conf->state_dir, IMAGE_CHECK_ALL,
			      &fallback, &err)) {
		sources = image_sources(image, result, conf->max_age_s);
		image_close(image);
	} else {
		sources = json_array();
		if (err.sys_errno != ENOENT)
			json_object_set_new(o, "image_problem",
					    json_string(err.text));
	}
	add_refused(sources, result);
	json_object_set_new(o, "sources", sources);
	if (result)
		json_object_set_new(o, "last_sync", last_sync(result));
	json_decref(result);
	add_confirm(o, conf);
}
