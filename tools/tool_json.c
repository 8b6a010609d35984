// SPDX-License-Identifier: GPL-2.0-or-later
/* JSON: what programs are told, and what the state folder keeps. */
#include "tools/tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <geoblock/log.h>

void tool_put(json_t *o, const char *key, const char *text)
{
	if (text && text[0])
		json_object_set_new(o, key, json_string(text));
}

void tool_put_number(json_t *o, const char *key, uint64_t number)
{
	json_object_set_new(o, key,
			    json_integer(number > INT64_MAX
						 ? INT64_MAX
						 : (json_int_t)number));
}

const char *tool_get(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "-";
}

bool tool_json_line(json_t *object)
{
	bool ok = object && json_dumpf(object, stdout, JSON_COMPACT) == 0 &&
		  putchar('\n') != EOF;

	json_decref(object);
	if (!ok)
		log_err("cannot write the output: %s", strerror(errno));
	return ok;
}

json_t *tool_source_json(const struct geo_source *g)
{
	json_t *o = json_object();
	char date[TOOL_DATE_MAX], hex[65];

	tool_put(o, "path", g->path);
	tool_put(o, "kind", geo_kind_name(g->kind));
	tool_put(o, "registry", geo_registry_name(g->registry));
	tool_put(o, "date", tool_date(g->date, date));
	if (g->date != 0)
		json_object_set_new(
			o, "age",
			json_integer((json_int_t)time(NULL) -
				     86400 * (json_int_t)geo_days(g->date)));
	if (g->kind == GEO_RIR)
		tool_put_number(o, "serial", g->serial);
	tool_put_number(o, "records", (uint64_t)g->records4 + g->records6);
	tool_put_number(o, "records4", g->records4);
	tool_put_number(o, "records6", g->records6);
	tool_put_number(o, "bytes", g->bytes);
	tool_put(o, "sha256", tool_hex(g->sha256, sizeof(g->sha256), hex));
	return o;
}

void tool_source_sizes(json_t *o, uint64_t addresses4, uint64_t networks6)
{
	tool_put_number(o, "addresses", addresses4);
	tool_put_number(o, "networks6", networks6);
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
