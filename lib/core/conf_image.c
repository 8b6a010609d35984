// SPDX-License-Identifier: GPL-2.0-or-later
/* source = image: where the manifest is, and whose signature counts. */
#include "conf_impl.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 4 /* the one in use, and those that replace it */

void conf_set_key(struct conf_reader *r, const struct conf_setting *setting)
{
	struct conf *conf = r->conf;

	conf->image_keys = calloc(KEYS_MAX, sizeof(*conf->image_keys));
	if (!conf->image_keys) {
		conf_no_memory(r);
		return;
	}
	for (size_t i = 0; i < setting->count; i++) {
		const struct conf_value *value = &setting->values[i];
		struct error err;

		if (conf->image_key_count == KEYS_MAX) {
			conf_fail(r, r->path, value->line, "more than %d keys",
				  KEYS_MAX);
			return;
		}
		if (manifest_key_parse(value->text, strlen(value->text),
				       &conf->image_keys[conf->image_key_count],
				       &err))
			conf->image_key_count++;
		else
			conf_fail(r, r->path, value->line, "\"%.80s\" is %s",
				  value->text, err.text);
	}
}

static bool is_web(const char *url)
{
	return strncmp(url, "http://", 7) == 0 ||
	       strncmp(url, "https://", 8) == 0;
}

void conf_image_check(struct conf_reader *r, unsigned source, unsigned key)
{
	const struct conf *conf = r->conf;

	if (conf->source != GEO_IMAGE) {
		if (key)
			conf_fail(r, r->path, key,
				  "\"key\" is for source = image");
		return;
	}
	if (conf->url_count == 0)
		conf_fail(r, r->path, source,
			  "source = image needs the manifest's address in "
			  "\"urls\"");
	for (size_t i = 0; i < conf->url_count; i++)
		if (!is_web(conf->urls[i]))
			conf_fail(r, r->path, source,
				  "source = image is fetched from the web; "
				  "\"%.80s\" is no http:// or https:// address",
				  conf->urls[i]);
	if (!key || (conf->image_key_count == 0 && r->errors == 0))
		conf_fail(r, r->path, source,
			  "source = image needs the publisher's public key in "
			  "\"key\"");
}
