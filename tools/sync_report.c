// SPDX-License-Identifier: GPL-2.0-or-later
/* What a run has to say: text for people, JSON for programs. */
#include "tools/sync.h"
#include "tools/sync_fleet.h"
#include "tools/sync_spf.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

static const char *const how_names[] = { [KERNEL_KEPT] = "kept",
					 [KERNEL_STAGED] = "staged",
					 [KERNEL_CHANGED] = "changed" };
static const char *const image_names[] = {
	[SYNC_IMAGE_NONE] = "none",
	[SYNC_IMAGE_UNCHANGED] = "unchanged",
	[SYNC_IMAGE_NEW] = "new",
};

static const char *result_name(const struct sync *s)
{
	if (s->held)
		return "held";
	if (s->reverted)
		return "reverted";
	if (s->status != STATUS_OK)
		return s->applied ? "partial" : "failed";
	if (s->image_result == SYNC_IMAGE_NEW || s->kernel.batches > 0)
		return "changed";
	return "unchanged";
}

/* "1,707,014,240": long numbers are read by people. */
static const char *grouped(uint64_t n, char buf[32])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n), at = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			buf[at++] = ',';
		buf[at++] = digits[i];
	}
	buf[at] = '\0';
	return buf;
}

/* ---- JSON --------------------------------------------------------------------- */

static bool is_second(const struct sync *s, const struct geo_source *g)
{
	return s->table.second > 0 &&
	       g == &s->table.sources[s->table.second - 1];
}

/* The input that a source was read from; NULL: from the image at hand. */
static const struct sync_input *input_of(const struct sync *s,
					 const struct geo_source *g)
{
	for (size_t i = 0; i < s->input_count; i++)
		if (s->inputs[i].result != INPUT_REFUSED &&
		    strcmp(s->inputs[i].path, g->path) == 0)
			return &s->inputs[i];
	return NULL;
}

static const char *const fetched_names[] = {
	[FETCH_FAILED] = "kept",
	[FETCH_KEPT] = "kept",
	[FETCH_UNCHANGED] = "unchanged",
	[FETCH_NEW] = "fetched",
};

/* Where it is from, and where that needs a reason, the reason. */
static const char *how(const struct sync *s, const struct geo_source *g,
		       const char **why)
{
	bool kept = g->registry != REGISTRY_NONE && s->kept[g->registry];
	const struct sync_input *input = input_of(s, g);

	*why = NULL;
	if (is_second(s, g)) {
		*why = s->second_why;
		return s->second_why ? "kept" : "file";
	}
	if (kept)
		*why = s->kept_why[g->registry];
	else if (input && input->item >= 0)
		*why = input->why;
	if (kept || !input)
		return "kept";
	return input->item < 0 ? "file"
			       : fetched_names[s->items[input->item].state];
}

static json_t *source_json(const struct sync *s, size_t at)
{
	const struct geo_source *g = &s->table.sources[at];
	const struct sync_input *input = input_of(s, g);
	json_t *o = tool_source_json(g);
	const char *why;

	if (is_second(s, g))
		json_object_set_new(o, "second", json_true());
	else if (s->sizes)
		tool_source_sizes(o, s->sizes[at].addresses4,
				  s->sizes[at].networks6);
	tool_put(o, "result", how(s, g, &why));
	tool_put(o, "why", why);
	if (input && input->item >= 0)
		tool_put(o, "url", s->items[input->item].url);
	return o;
}

static json_t *sources_json(const struct sync *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->table.source_count; i++)
		json_array_append_new(list, source_json(s, i));
	for (size_t i = 0; i < s->input_count; i++) {
		json_t *o;

		if (s->inputs[i].result != INPUT_REFUSED)
			continue;
		o = json_object();
		tool_put(o, "path", s->inputs[i].path);
		tool_put(o, "result", "refused");
		tool_put(o, "why", s->inputs[i].why);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *countries_json(const struct sync *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->country_count; i++) {
		const struct sync_country *c = &s->countries[i];
		json_t *o = json_object();
		char code[3];

		tool_put(o, "country", country_text(c->country, code));
		tool_put_number(o, "addresses4", c->now4);
		tool_put_number(o, "networks6", c->now6);
		if (s->old_image) {
			tool_put_number(o, "before4", c->was4);
			tool_put_number(o, "before6", c->was6);
		}
		if (c->kept4 > 0 || c->kept6 > 0) {
			tool_put_number(o, "kept4", c->kept4);
			tool_put_number(o, "kept6", c->kept6);
		}
		if (c->held)
			json_object_set_new(o, "held", json_true());
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *kernel_json(const struct sync *s)
{
	json_t *o = json_object(), *sets = json_array();

	tool_put(o, "table", s->conf->table);
	tool_put_number(o, "batches", s->kernel.batches);
	tool_put_number(o, "bytes", s->kernel.bytes);
	json_object_set_new(o, "rules_changed",
			    json_boolean(s->kernel.rules_changed));
	for (size_t i = 0; i < s->kernel.set_count; i++) {
		const struct kernel_set_report *r = &s->kernel.sets[i];
		json_t *set = json_object();

		tool_put(set, "name", r->name);
		tool_put(set, "how", how_names[r->how]);
		tool_put_number(set, "ranges", r->ranges);
		tool_put_number(set, "added", r->added);
		tool_put_number(set, "removed", r->removed);
		json_array_append_new(sets, set);
	}
	json_object_set_new(o, "sets", sets);
	return o;
}

static json_t *image_json(const struct sync *s, const struct image *image)
{
	struct image_about about;
	json_t *o = json_object();
	char hex[65], built[TOOL_TIME_MAX], path[4200];

	image_about(image, &about);
	snprintf(path, sizeof(path), "%s/%s", s->conf->state_dir, IMAGE_NAME);
	tool_put(o, "path", path);
	tool_put(o, "result", image_names[s->image_result]);
	tool_put(o, "built", tool_time(about.built, built));
	tool_put_number(o, "bytes", about.file_bytes);
	tool_put_number(o, "ranges4", about.ranges4);
	tool_put_number(o, "ranges6", about.ranges6);
	tool_put(o, "digest",
		 tool_hex(about.digest, sizeof(about.digest), hex));
	return o;
}

/* What is in no file any more. */
static json_t *graced_json(const struct image_graced *g)
{
	json_t *o = json_object();

	tool_put_number(o, "ranges4", g->ranges4);
	tool_put_number(o, "ranges6", g->ranges6);
	tool_put_number(o, "addresses4", g->addresses4);
	tool_put_number(o, "expired4", g->expired4);
	tool_put_number(o, "expired6", g->expired6);
	return o;
}

static json_t *result_json(const struct sync *s)
{
	const struct image *image = s->new_image ? s->new_image : s->old_image;
	json_t *o = json_object(), *warnings = json_array();
	char now[TOOL_TIME_MAX];

	tool_put(o, "result", result_name(s));
	tool_put(o, "problem", s->problem);
	json_object_set_new(o, "exit", json_integer(s->status));
	tool_put(o, "time", tool_time((uint64_t)time(NULL), now));
	if (s->dry_run)
		json_object_set_new(o, "dry_run", json_true());
	if (s->confirm_s)
		json_object_set_new(o, "confirmed", json_boolean(s->confirmed));
	if (s->fallback)
		json_object_set_new(o, "fallback", json_true());
	json_object_set_new(o, "sources", sources_json(s));
	if (image)
		json_object_set_new(o, "image", image_json(s, image));
	json_object_set_new(o, "countries", countries_json(s));
	if (s->fleet.result)
		json_object_set_new(o, "fleet", sync_fleet_json(s));
	if (s->conf->spf_domain_count > 0)
		json_object_set_new(o, "spf", sync_spf_json(s));
	if (s->graced.ranges4 + s->graced.ranges6 + s->graced.expired4 +
		    s->graced.expired6 >
	    0)
		json_object_set_new(o, "in_no_file", graced_json(&s->graced));
	if (s->overridden)
		json_object_set(o, "overridden", s->overridden);
	if (s->applied)
		json_object_set_new(o, "kernel", kernel_json(s));
	for (size_t i = 0; i < s->warning_count; i++)
		json_array_append_new(warnings, json_string(s->warnings[i]));
	json_object_set_new(o, "warnings", warnings);
	return o;
}

static bool print_json(const struct sync *s)
{
	const struct image *image = s->new_image ? s->new_image : s->old_image;
	json_t *o = result_json(s);
	json_t *report = s->report && image ? sync_disagree_json(image) : NULL;

	if (report)
		json_object_set_new(o, "report", report);
	return tool_json_line(o);
}

void sync_save(struct sync *s)
{
	json_t *o = result_json(s);
	struct error err = { 0 };

	if (!tool_json_save(s->conf->state_dir, TOOL_RESULT_NAME, o, &err))
		sync_warn(s, "%s", err.text);
	json_decref(o);
}

/* ---- text ------------------------------------------------------------------------ */

static void print_source(const struct sync *s, const struct geo_source *g)
{
	const char *name = g->registry != REGISTRY_NONE
				   ? geo_registry_name(g->registry)
				   : geo_kind_name(g->kind);
	char date[TOOL_DATE_MAX], n4[32], n6[32];
	const char *why, *result = how(s, g, &why);

	printf("%-9s %s: %s IPv4 and %s IPv6 records%s%s (%s)\n",
	       is_second(s, g) ? "second" : name, g->path,
	       grouped(g->records4, n4), grouped(g->records6, n6),
	       g->date ? " of " : "", tool_date(g->date, date), result);
}

static void print_graced(const struct sync *s)
{
	const struct image_graced *g = &s->graced;
	char n[32];

	if (g->ranges4 + g->ranges6 > 0)
		printf("%-9s %" PRIu64
		       " IPv4 ranges (%s addresses) and %" PRIu64
		       " IPv6 ranges are in no file any more: kept for now\n",
		       "grace", g->ranges4, grouped(g->addresses4, n),
		       g->ranges6);
	if (g->expired4 + g->expired6 > 0)
		printf("%-9s %" PRIu64 " IPv4 and %" PRIu64 " IPv6 ranges are "
		       "in no file any more: gone\n",
		       "", g->expired4, g->expired6);
}

static void print_forced(const struct sync *s)
{
	json_t *text;
	size_t i;

	json_array_foreach(s->overridden, i, text)
		printf("%-9s %s\n", "forced", json_string_value(text));
}

static void print_allow(const struct sync *s)
{
	uint64_t sum4 = 0, sum6 = 0, was4 = 0;
	char n4[32], n6[32], w4[32];

	for (size_t i = 0; i < s->country_count; i++) {
		sum4 += s->countries[i].now4;
		sum6 += s->countries[i].now6;
		was4 += s->countries[i].was4;
	}
	printf("%-9s %zu countries: %s IPv4 addresses, %s IPv6 /64 networks",
	       "allow", s->country_count, grouped(sum4, n4), grouped(sum6, n6));
	if (s->old_image && was4 != sum4)
		printf(" (%s IPv4 before)", grouped(was4, w4));
	putchar('\n');
}

static void print_kernel(const struct sync *s)
{
	char bytes[32];

	if (s->kernel.batches == 0 && !s->dry_run) {
		printf("%-9s table inet %s: nothing to change\n", "kernel",
		       s->conf->table);
	} else {
		printf("%-9s table inet %s%s: %zu batches, %s bytes\n",
		       "kernel", s->conf->table,
		       s->dry_run ? " would change" : "", s->kernel.batches,
		       grouped(s->kernel.bytes, bytes));
	}
	for (size_t i = 0; i < s->kernel.set_count; i++) {
		const struct kernel_set_report *r = &s->kernel.sets[i];

		if (r->how == KERNEL_KEPT && !s->verbose)
			continue;
		printf("%-9s %s: %zu ranges, +%zu -%zu, %s\n", "", r->name,
		       r->ranges, r->added, r->removed, how_names[r->how]);
	}
	if (s->conf->policy.audit)
		printf("%-9s mode = audit: counted, nothing is refused\n", "");
}

static void print_text(const struct sync *s)
{
	const struct image *image = s->new_image ? s->new_image : s->old_image;
	struct image_about about;
	char n4[32], n6[32];

	for (size_t i = 0; i < s->table.source_count; i++)
		print_source(s, &s->table.sources[i]);
	print_graced(s);
	print_forced(s);
	if (image) {
		image_about(image, &about);
		printf("%-9s %s/%s: %s IPv4 and %s IPv6 ranges, %s%s\n",
		       "image", s->conf->state_dir, IMAGE_NAME,
		       grouped(about.ranges4, n4), grouped(about.ranges6, n6),
		       s->image_result == SYNC_IMAGE_NONE
			       ? "as it was"
			       : image_names[s->image_result],
		       s->dry_run ? " (dry run: not written)" : "");
	}
	if (s->country_count > 0)
		print_allow(s);
	sync_fleet_print(s);
	sync_spf_print(s);
	if (s->applied)
		print_kernel(s);
	if (s->report && image)
		sync_disagree_print(s->conf, image);
}

bool sync_print(struct sync *s)
{
	if (s->warnings_dropped > 0)
		fprintf(stderr, SYNC_NAME ": %zu more warnings\n",
			s->warnings_dropped);
	if (s->json)
		return print_json(s) && tool_flush();
	if (!s->quiet)
		print_text(s);
	return tool_flush();
}
