// SPDX-License-Identifier: GPL-2.0-or-later
/* The section geo: where country data comes from, and how far it is believed. */
#include "conf_impl.h"

#include <stdlib.h>
#include <string.h>

#include <geoblock/words.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

#define PATH_TEXT_MAX  256 /* a source's name in the image, with its NUL */
#define TIMEOUT_MAX_S  600
#define GRACE_DAYS_MAX 60
#define IMAGE_KEYS_MAX 4 /* the one in use, and those that replace it */

void conf_set_source(struct conf_reader *r, const struct conf_setting *setting)
{
	static const enum geo_kind kinds[] = { GEO_RIR, GEO_MMDB, GEO_IPFIRE,
					       GEO_CIDR, GEO_IMAGE };
	const char *words[LENGTH(kinds)];
	int found;

	for (size_t i = 0; i < LENGTH(kinds); i++)
		words[i] = geo_kind_name(kinds[i]);
	found = conf_word(r, setting, words, LENGTH(words));

	if (found >= 0)
		r->conf->source = kinds[found];
}

void conf_set_mmdb(struct conf_reader *r, const struct conf_setting *setting)
{
	conf_path(r, &setting->values[0], PATH_TEXT_MAX - 1, &r->conf->mmdb);
}

void conf_set_agree(struct conf_reader *r, const struct conf_setting *setting)
{
	const char *words[AGREE_COUNT];
	int found;

	for (int i = 0; i < AGREE_COUNT; i++)
		words[i] = agree_name((enum agree)i);
	found = conf_word(r, setting, words, LENGTH(words));
	if (found >= 0)
		r->conf->agree = (enum agree)found;
}

/* A web address, a file:// address or an absolute path.  What is behind the
 * host is the server's business. */
static bool check_url(struct conf_reader *r, const struct conf_value *value)
{
	static const char *const schemes[] = { "http", "https", "file" };
	const char *text = value->text, *colon = strstr(text, "://");
	char scheme[16] = "";

	if (strlen(text) >= PATH_TEXT_MAX)
		return conf_fail(r, r->path, value->line,
				 "\"%.80s\" … has more than %d bytes", text,
				 PATH_TEXT_MAX - 1);
	for (const char *p = text; *p; p++)
		if (*p <= 0x20 || *p > 0x7e)
			return conf_refuse(
				r, value,
				"has a blank or a letter beyond ASCII; "
				"write it as %XX");
	if (text[0] == '/')
		return true;
	if (!colon)
		return conf_refuse(
			r, value,
			"is neither http://…, https://…, file:///… nor an "
			"absolute path");
	if ((size_t)(colon - text) < sizeof(scheme))
		memcpy(scheme, text, (size_t)(colon - text));
	if (words_find(schemes, LENGTH(schemes), scheme) < 0) {
		struct conf_value part = { scheme, value->line };

		conf_say_word(r, &part, "scheme", schemes, LENGTH(schemes));
		return false;
	}
	if (strcmp(scheme, "file") == 0 && colon[3] != '/')
		return conf_refuse(
			r, value,
			"names no absolute path; three slashes follow "
			"\"file:\"");
	if (colon[3] == '\0' ||
	    (strcmp(scheme, "file") != 0 && colon[3] == '/'))
		return conf_refuse(r, value, "names no host");
	return true;
}

void conf_set_urls(struct conf_reader *r, const struct conf_setting *setting)
{
	struct conf *conf = r->conf;

	if (setting->count == 0) /* the source's default */
		return;
	conf->urls = calloc(setting->count, sizeof(*conf->urls));
	if (!conf->urls) {
		conf_no_memory(r);
		return;
	}
	for (size_t i = 0; i < setting->count; i++)
		if (check_url(r, &setting->values[i]) &&
		    conf_copy(r, &conf->urls[conf->url_count],
			      setting->values[i].text))
			conf->url_count++;
}

void conf_set_max_age(struct conf_reader *r, const struct conf_setting *setting)
{
	conf_duration(r, &setting->values[0], &r->conf->max_age_s);
}

void conf_set_max_shrink(struct conf_reader *r,
			 const struct conf_setting *setting)
{
	unsigned long number;

	if (conf_take_number(r, &setting->values[0], 0, 100, " (per cent)",
			     &number))
		r->conf->max_shrink = (unsigned)number;
}

void conf_set_ca_file(struct conf_reader *r, const struct conf_setting *setting)
{
	conf_path(r, &setting->values[0], PATH_TEXT_MAX - 1, &r->conf->ca_file);
}

void conf_set_timeout(struct conf_reader *r, const struct conf_setting *setting)
{
	uint32_t seconds;

	if (conf_duration_parse(setting->values[0].text, &seconds) &&
	    seconds <= TIMEOUT_MAX_S)
		r->conf->timeout_s = seconds;
	else
		conf_refuse(r, &setting->values[0],
			    "is no duration from 1s to 10m, such as 30s");
}

/* "apnic:/etc/geoblock/keys/apnic.asc" */
static void take_key(struct conf_reader *r, const struct conf_value *value)
{
	const char *colon = strchr(value->text, ':');
	const char *words[REGISTRY_COUNT - 1];
	char name[16] = "";
	int found;

	for (int i = 1; i < REGISTRY_COUNT; i++)
		words[i - 1] = geo_registry_name((enum geo_registry)i);
	if (!colon || colon[1] != '/') {
		conf_refuse(
			r, value,
			"is no registry and the absolute path of its key, such "
			"as apnic:/etc/geoblock/keys/apnic.asc");
		return;
	}
	if ((size_t)(colon - value->text) < sizeof(name))
		memcpy(name, value->text, (size_t)(colon - value->text));
	found = words_find(words, LENGTH(words), name);
	if (found < 0) {
		struct conf_value part = { name, value->line };

		conf_say_word(r, &part, "registry", words, LENGTH(words));
	} else if (r->conf->keys[found + 1]) {
		conf_fail(r, r->path, value->line, "a second key of %s", name);
	} else {
		struct conf_value path = {
			value->text + (colon + 1 - value->text), value->line
		};

		conf_path(r, &path, PATH_TEXT_MAX - 1,
			  &r->conf->keys[found + 1]);
	}
}

void conf_set_keys(struct conf_reader *r, const struct conf_setting *setting)
{
	for (size_t i = 0; i < setting->count; i++)
		take_key(r, &setting->values[i]);
}

/* Registries date their files by the day. */
void conf_set_grace(struct conf_reader *r, const struct conf_setting *setting)
{
	const char *text = setting->values[0].text;
	uint32_t seconds = 0;

	if (strcmp(text, "0") == 0 ||
	    (conf_duration_parse(text, &seconds) && seconds % 86400 == 0 &&
	     seconds <= GRACE_DAYS_MAX * 86400u))
		r->conf->grace_s = seconds;
	else
		conf_refuse(r, &setting->values[0],
			    "is no number of whole days up to 60d, such as 3d, "
			    "nor 0 "
			    "for none");
}

void conf_set_floor(struct conf_reader *r, const struct conf_setting *setting)
{
	unsigned long number;

	if (conf_take_number(r, &setting->values[0], 0, UINT32_MAX,
			     " (addresses)", &number))
		r->conf->floor = (uint32_t)number;
}

/* ---- source = image: where the manifest is, and whose signature counts ---- */

void conf_set_key(struct conf_reader *r, const struct conf_setting *setting)
{
	struct conf *conf = r->conf;

	conf->image_keys = calloc(IMAGE_KEYS_MAX, sizeof(*conf->image_keys));
	if (!conf->image_keys) {
		conf_no_memory(r);
		return;
	}
	for (size_t i = 0; i < setting->count; i++) {
		const struct conf_value *value = &setting->values[i];
		struct error err;

		if (conf->image_key_count == IMAGE_KEYS_MAX) {
			conf_fail(r, r->path, value->line, "more than %d keys",
				  IMAGE_KEYS_MAX);
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
