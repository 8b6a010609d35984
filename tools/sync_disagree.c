// SPDX-License-Identifier: GPL-2.0-or-later
/* Where two sources differ most: what an administrator has to look at before he
 * sets `agree`.  Ranges are counted in addresses (IPv6: /64 networks), and also by
 * pair of countries, as a pair's many small ranges may weigh more than one large
 * one. */
#include "tools/sync.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ROWS      20
#define PAIRS_MAX 4096 /* of countries; more are counted in the total only */

struct pair {
	country_t first, second, country;
	uint64_t size, ranges;
};

struct top {
	struct image_dispute row[ROWS]; /* the largest first */
	size_t count;
	struct pair *pairs;
	size_t pair_count;
	uint64_t ranges, size;
	uint64_t won; /* of size: the second source's country counts */
};

struct tops {
	struct top v4, v6;
};

static uint64_t size_of(const struct range *r)
{
	uint64_t networks = ADDR6_HI(r->last) - ADDR6_HI(r->first);

	if (r->family == 4)
		return (uint64_t)(r->last - r->first) + 1;
	return networks + (networks != UINT64_MAX);
}

static void add_row(struct top *top, const struct image_dispute *d)
{
	uint64_t size = size_of(&d->range);
	size_t at = top->count;

	while (at > 0 && size_of(&top->row[at - 1].range) < size)
		at--;
	if (at == ROWS)
		return;
	if (top->count < ROWS)
		top->count++;
	memmove(&top->row[at + 1], &top->row[at],
		(top->count - at - 1) * sizeof(*top->row));
	top->row[at] = *d;
}

static void add_pair(struct top *top, const struct image_dispute *d)
{
	size_t i = 0;

	while (i < top->pair_count && (top->pairs[i].first != d->first ||
				       top->pairs[i].second != d->second))
		i++;
	if (i == top->pair_count) {
		if (i == PAIRS_MAX)
			return;
		top->pairs[top->pair_count++] =
			(struct pair){ .first = d->first,
				       .second = d->second,
				       .country = d->country };
	}
	top->pairs[i].ranges++;
	if (__builtin_add_overflow(top->pairs[i].size, size_of(&d->range),
				   &top->pairs[i].size))
		top->pairs[i].size = UINT64_MAX;
}

static bool take(void *ctx, const struct image_dispute *d)
{
	struct tops *tops = ctx;
	struct top *top = d->range.family == 4 ? &tops->v4 : &tops->v6;
	uint64_t size = size_of(&d->range);

	top->ranges++;
	if (__builtin_add_overflow(top->size, size, &top->size))
		top->size = UINT64_MAX;
	if (d->country == d->second &&
	    __builtin_add_overflow(top->won, size, &top->won))
		top->won = UINT64_MAX;
	add_row(top, d);
	add_pair(top, d);
	return true;
}

static int larger(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return x->first != y->first ? x->first - y->first
				    : x->second - y->second;
}

static void clear(struct tops *tops)
{
	if (tops) {
		free(tops->v4.pairs);
		free(tops->v6.pairs);
	}
	free(tops);
}

/* NULL for an image of one source, and for lack of memory. */
static struct tops *collect(const struct image *image)
{
	struct tops *tops;
	struct image_about about;

	image_about(image, &about);
	tops = about.second ? calloc(1, sizeof(*tops)) : NULL;
	if (!tops)
		return NULL;
	tops->v4.pairs = calloc(PAIRS_MAX, sizeof(*tops->v4.pairs));
	tops->v6.pairs = calloc(PAIRS_MAX, sizeof(*tops->v6.pairs));
	if (!tops->v4.pairs || !tops->v6.pairs) {
		clear(tops);
		return NULL;
	}
	image_each_dispute(image, take, tops);
	qsort(tops->v4.pairs, tops->v4.pair_count, sizeof(struct pair), larger);
	qsort(tops->v6.pairs, tops->v6.pair_count, sizeof(struct pair), larger);
	return tops;
}

/* ---- JSON --------------------------------------------------------------------- */

static json_t *opinions(country_t first, country_t second, country_t country)
{
	char a[3], b[3], c[3];

	return json_pack("{s:s, s:s, s:s, s:s}", "first",
			 country_text(first, a), "second",
			 country_text(second, b), "country",
			 country_text(country, c), "decided",
			 country == second ? "second" : "first");
}

static json_t *top_json(const struct top *top, const char *unit)
{
	json_t *o = json_object(), *rows = json_array(), *pairs = json_array();

	tool_put_number(o, "ranges", top->ranges);
	tool_put_number(o, unit, top->size);
	tool_put_number(o, "decided_by_second", top->won);
	for (size_t i = 0; i < top->count; i++) {
		const struct image_dispute *d = &top->row[i];
		json_t *row = opinions(d->first, d->second, d->country);
		char text[RANGE_TEXT_MAX];

		json_object_set_new(row, "range",
				    json_string(range_format(&d->range, text)));
		tool_put_number(row, unit, size_of(&d->range));
		json_array_append_new(rows, row);
	}
	for (size_t i = 0; i < top->pair_count && i < ROWS; i++) {
		const struct pair *p = &top->pairs[i];
		json_t *row = opinions(p->first, p->second, p->country);

		tool_put_number(row, "ranges", p->ranges);
		tool_put_number(row, unit, p->size);
		json_array_append_new(pairs, row);
	}
	json_object_set_new(o, "largest", rows);
	json_object_set_new(o, "pairs", pairs);
	return o;
}

json_t *sync_disagree_json(const struct image *image)
{
	struct tops *tops = collect(image);
	json_t *o;

	if (!tops)
		return NULL;
	o = json_object();
	json_object_set_new(o, "ipv4", top_json(&tops->v4, "addresses"));
	json_object_set_new(o, "ipv6", top_json(&tops->v6, "networks"));
	clear(tops);
	return o;
}

/* ---- text ---------------------------------------------------------------------- */

static void print_row(const char *what, uint64_t size, country_t first,
		      country_t second, country_t country)
{
	char a[3], b[3], c[3];

	printf("  %-34s %13" PRIu64 "  %s  %s  %s\n", what, size,
	       country_text(first, a), country_text(second, b),
	       country_text(country, c));
}

static void print_top(const struct top *top, int family, const char *unit)
{
	char text[RANGE_TEXT_MAX > 64 ? RANGE_TEXT_MAX : 64];

	printf("IPv%d: %" PRIu64 " ranges, %" PRIu64 " %s; the second source "
	       "decides for %" PRIu64 "\n",
	       family, top->ranges, top->size, unit, top->won);
	if (top->count > 0)
		printf("  %-34s %13s  1st 2nd counts\n", "largest ranges",
		       unit);
	for (size_t i = 0; i < top->count; i++) {
		const struct image_dispute *d = &top->row[i];

		print_row(range_format(&d->range, text), size_of(&d->range),
			  d->first, d->second, d->country);
	}
	if (top->pair_count > 0)
		puts("  by pair of countries");
	for (size_t i = 0; i < top->pair_count && i < ROWS; i++) {
		const struct pair *p = &top->pairs[i];

		snprintf(text, sizeof(text), "%" PRIu64 " ranges", p->ranges);
		print_row(text, p->size, p->first, p->second, p->country);
	}
}

void sync_disagree_print(const struct conf *conf, const struct image *image)
{
	struct tops *tops = collect(image);

	if (!tops) {
		puts("report    the image has one source only: name a second "
		     "one in geo.mmdb");
		return;
	}
	printf("report    where %s (1st) and the database (2nd) differ, and "
	       "what counts by agree = %s\n",
	       geo_kind_name(conf->source), agree_name(conf->agree));
	print_top(&tops->v4, 4, "addresses");
	print_top(&tops->v6, 6, "/64 networks");
	clear(tops);
}
