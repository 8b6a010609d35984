// SPDX-License-Identifier: GPL-2.0-or-later
/* What the last sync did, for whoever asks later: `geoblock status`, with geoblockd
 * or without. */
#include "tools/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RESULT_MAX (4u << 20) /* bytes: a thousand sources */

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

bool tool_result_save(const char *state_dir, json_t *result, struct error *err)
{
	char *text = json_dumps(result, JSON_COMPACT);
	bool ok = text ? tool_write(state_dir, TOOL_RESULT_NAME, text,
				    strlen(text), err)
		       : error_set(err, ERROR_LIMIT, 0, "out of memory");

	free(text);
	return ok;
}

json_t *tool_result_load(const char *state_dir)
{
	struct stat st;
	char path[4096];
	json_t *o = NULL;
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/" TOOL_RESULT_NAME,
			     state_dir) >= sizeof(path))
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size <= RESULT_MAX)
		o = json_loadfd(fd, 0, NULL);
	close(fd);
	if (json_is_object(o))
		return o;
	json_decref(o);
	return NULL;
}
