// SPDX-License-Identifier: GPL-2.0-or-later
/* What the last sync did, for whoever asks later: `geoblock status`, with geoblockd
 * or without. */
#include "tools/tool.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void put(json_t *o, const char *key, const char *value)
{
	if (value && value[0])
		json_object_set_new(o, key, json_string(value));
}

static void put_number(json_t *o, const char *key, uint64_t value)
{
	json_object_set_new(o, key,
			    json_integer(value > INT64_MAX
						 ? INT64_MAX
						 : (json_int_t)value));
}

json_t *tool_source_json(const struct geo_source *g)
{
	json_t *o = json_object();
	char date[TOOL_DATE_MAX], hex[65];

	put(o, "path", g->path);
	put(o, "kind", geo_kind_name(g->kind));
	put(o, "registry", geo_registry_name(g->registry));
	put(o, "date", tool_date(g->date, date));
	if (g->date != 0)
		json_object_set_new(
			o, "age",
			json_integer((json_int_t)time(NULL) -
				     86400 * (json_int_t)geo_days(g->date)));
	if (g->kind == GEO_RIR)
		put_number(o, "serial", g->serial);
	put_number(o, "records", (uint64_t)g->records4 + g->records6);
	put_number(o, "records4", g->records4);
	put_number(o, "records6", g->records6);
	put_number(o, "bytes", g->bytes);
	put(o, "sha256", tool_hex(g->sha256, sizeof(g->sha256), hex));
	return o;
}

void tool_source_sizes(json_t *o, uint64_t addresses4, uint64_t networks6)
{
	put_number(o, "addresses", addresses4);
	put_number(o, "networks6", networks6);
}

bool tool_json_save(const char *state_dir, const char *name, const json_t *o,
		    struct error *err)
{
	char *text = json_dumps(o, JSON_COMPACT);
	bool ok = text ? tool_write(state_dir, name, text, strlen(text), err)
		       : error_set(err, ERROR_LIMIT, 0, "out of memory");

	free(text);
	return ok;
}

json_t *tool_json_load(const char *state_dir, const char *name, size_t max,
		       struct error *err)
{
	char path[4096];
	json_t *o = NULL;
	uint8_t *text;
	size_t len;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", state_dir, name) >=
	    sizeof(path)) {
		error_set(err, ERROR_LIMIT, 0, "%s: path too long", state_dir);
		return NULL;
	}
	text = tool_read(path, max, &len, err);
	if (!text)
		return NULL;
	o = json_loadb((const char *)text, len, 0, NULL);
	free(text);
	if (json_is_object(o))
		return o;
	json_decref(o);
	error_set(err, ERROR_MALFORMED, 0, "%s: is no JSON object", path);
	return NULL;
}
