// SPDX-License-Identifier: GPL-2.0-or-later
/* Where the data is.  Each registry publishes its own file and mirrors those of
 * the others, under paths that differ a little; a mirror may lag a day, so the
 * registry itself is asked first. */
#include "tools/sync.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define DELEGATION_MAX ((uint64_t)128 << 20) /* bytes; the longest has 18 MB */

#define FILE_OF(name)   "/delegated-" name "-extended-latest"
#define AT_RIPE(name)   "https://ftp.ripe.net/pub/stats/" name FILE_OF(name)
#define AT_ARIN(name)   "https://ftp.arin.net/pub/stats/" name FILE_OF(name)
#define AT_LACNIC(name) "https://ftp.lacnic.net/pub/stats/" name FILE_OF(name)
#define AT_APNIC(folder, name)                                                 \
	"https://ftp.apnic.net/stats/" folder FILE_OF(name)
#define AT_AFRINIC(name) "https://ftp.afrinic.net/pub/stats/" name FILE_OF(name)

static const struct {
	enum geo_registry registry;
	const char *urls[4];
} registries[] = {
	{ REGISTRY_AFRINIC,
	  { AT_AFRINIC("afrinic"), AT_RIPE("afrinic"),
	    AT_APNIC("afrinic", "afrinic"), AT_ARIN("afrinic") } },
	{ REGISTRY_APNIC,
	  { AT_APNIC("apnic", "apnic"), AT_RIPE("apnic"), AT_ARIN("apnic"),
	    AT_LACNIC("apnic") } },
	{ REGISTRY_ARIN,
	  { AT_ARIN("arin"), AT_RIPE("arin"), AT_APNIC("arin", "arin"),
	    AT_LACNIC("arin") } },
	{ REGISTRY_LACNIC,
	  { AT_LACNIC("lacnic"), AT_RIPE("lacnic"),
	    AT_APNIC("lacnic", "lacnic"), AT_ARIN("lacnic") } },
	{ REGISTRY_RIPENCC,
	  { AT_RIPE("ripencc"), AT_APNIC("ripe-ncc", "ripencc"),
	    AT_ARIN("ripencc"), AT_LACNIC("ripencc") } },
};

static bool add_item(struct sync *s, const struct fetch_item *item)
{
	struct fetch_item *grown =
		reallocarray(s->items, s->item_count + 1, sizeof(*s->items));
	char path[4096];

	if (!grown)
		return sync_fail(s, "out of memory");
	s->items = grown;
	s->items[s->item_count++] = *item;
	snprintf(path, sizeof(path), "%s/cache/%s", s->conf->state_dir,
		 item->name);
	return sync_add_input(s, path, (int)s->item_count - 1);
}

bool sync_sources(struct sync *s)
{
	for (size_t i = 0; i < sizeof(registries) / sizeof(*registries); i++) {
		enum geo_registry registry = registries[i].registry;
		struct fetch_item item = {
			.url_count = sizeof(registries[i].urls) /
				     sizeof(*registries[i].urls),
			.max_bytes = DELEGATION_MAX,
			.sum = FETCH_SUM_NEEDED,
			.registry = registry,
			.key = s->conf->keys[registry],
		};

		snprintf(item.name, sizeof(item.name),
			 "delegated-%s-extended-latest",
			 geo_registry_name(registry));
		for (size_t k = 0; k < item.url_count; k++)
			item.urls[k] = registries[i].urls[k];
		if (!add_item(s, &item))
			return false;
	}
	return true;
}

/* "delegated-arin-…", whole and plain. */
static enum geo_registry registry_of(const char *name)
{
	static const char head[] = "delegated-";
	const char *word = name + sizeof(head) - 1;
	size_t len = strlen(name);

	if (strncmp(name, head, sizeof(head) - 1) != 0 ||
	    (len > 3 && (strcmp(name + len - 3, ".gz") == 0 ||
			 strcmp(name + len - 3, ".xz") == 0)))
		return REGISTRY_NONE;
	for (int i = 1; i < REGISTRY_COUNT; i++) {
		const char *registry = geo_registry_name((enum geo_registry)i);
		size_t n = strlen(registry);

		if (strncmp(word, registry, n) == 0 && word[n] == '-')
			return (enum geo_registry)i;
	}
	return REGISTRY_NONE;
}

/* FNV-1a, 32 bit: tells "us.zone" of two folders apart. */
static uint32_t hash(const char *text)
{
	uint32_t h = 2166136261u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619u;
	return h;
}

/* The last part of the address; the head of it, which says the country of a list,
 * stays. */
static void name_of(const char *url, char out[FETCH_NAME_MAX])
{
	size_t len = strcspn(url, "?#"), at = len, n = 0;

	while (at > 0 && url[at - 1] != '/')
		at--;
	for (; at < len && n < FETCH_NAME_MAX - 10; at++)
		out[n++] = isalnum((unsigned char)url[at]) ||
					   strchr("-_.", url[at])
				   ? url[at]
				   : '_';
	out[n] = '\0';
	if (out[0] == '.')
		out[0] = '_';
}

static struct fetch_item *find_item(struct sync *s, const char *name)
{
	for (size_t i = 0; i < s->item_count; i++)
		if (strcmp(s->items[i].name, name) == 0)
			return &s->items[i];
	return NULL;
}

bool sync_source(struct sync *s, const char *url)
{
	struct fetch_item item = { .urls = { url }, .url_count = 1 }, *same;
	size_t len;

	name_of(url, item.name);
	item.registry = registry_of(item.name);
	if (item.registry != REGISTRY_NONE) {
		item.max_bytes = DELEGATION_MAX;
		item.sum = FETCH_SUM_IF_THERE;
		item.key = s->conf->keys[item.registry];
	} else {
		item.max_bytes = GEO_FILE_MAX;
		len = strlen(item.name);
		snprintf(item.name + len, sizeof(item.name) - len, "-%08x",
			 hash(url));
	}
	same = find_item(s, item.name);
	if (!same)
		return add_item(s, &item);
	if (same->url_count == FETCH_URLS_MAX)
		return sync_fail(s,
				 "%s: more than %d addresses of a file of this "
				 "name",
				 url, FETCH_URLS_MAX);
	same->urls[same->url_count++] = url;
	return true;
}
