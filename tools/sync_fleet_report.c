// SPDX-License-Identifier: GPL-2.0-or-later
/* What a run has published, or taken. */
#include <stdio.h>

#include "tools/sync_fleet.h"

json_t *sync_fleet_json(const struct sync *s)
{
	const struct manifest *m = &s->fleet.manifest;
	char time[TOOL_TIME_MAX], key[MANIFEST_KEY_TEXT];
	json_t *o;

	if (!s->fleet.result)
		return NULL;
	o = json_object();
	json_object_set_new(o, "result", json_string(s->fleet.result));
	if (s->fleet.url[0])
		json_object_set_new(o, "url", json_string(s->fleet.url));
	if (m->serial == 0)
		return o;
	json_object_set_new(o, "serial", json_integer((json_int_t)m->serial));
	json_object_set_new(o, "signed",
			    json_string(tool_time(m->signed_at, time)));
	json_object_set_new(o, "expires",
			    json_string(tool_time(m->expires, time)));
	json_object_set_new(o, "key",
			    json_string(manifest_key_text(&m->key, key)));
	json_object_set_new(o, "sources", json_string(m->sources));
	return o;
}

void sync_fleet_print(const struct sync *s)
{
	const struct manifest *m = &s->fleet.manifest;
	char time[TOOL_TIME_MAX];

	if (!s->fleet.result || m->serial == 0)
		return;
	printf("%-9s %s: %s, signed %s\n", "fleet",
	       s->publish ? s->publish : s->fleet.url, s->fleet.result,
	       tool_time(m->signed_at, time));
}
