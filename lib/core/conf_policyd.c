// SPDX-License-Identifier: GPL-2.0-or-later
/* The section policyd: where geoblock-policyd listens and what it adds. */
#include "conf_impl.h"

#include <stdlib.h>
#include <string.h>

#define UNIX "unix:"

static bool listen_path(struct conf_reader *r, const struct conf_value *value,
			struct conf_listen *out)
{
	const char *path = value->text + strlen(UNIX);

	if (path[0] != '/' || path[1] == '\0')
		return conf_refuse(r, value,
				   "names no absolute path after \"unix:\"");
	if (strlen(path) >= sizeof(out->path))
		return conf_fail(r, r->path, value->line,
				 "\"%.80s\" has a path of %zu characters; a "
				 "socket's has %zu at most",
				 value->text, strlen(path),
				 sizeof(out->path) - 1);
	memcpy(out->path, path, strlen(path) + 1);
	return true;
}

static bool listen_port(struct conf_reader *r, const struct conf_value *value,
			struct conf_listen *out)
{
	if (conf_server_parse(value->text, 0, &out->server))
		return true;
	return conf_refuse(
		r, value,
		"is no place to listen at; write unix:/path/of/socket, "
		"127.0.0.1:10040 or [::1]:10040");
}

static bool same_place(const struct conf_listen *a, const struct conf_listen *b)
{
	return strcmp(a->path, b->path) == 0 &&
	       a->server.port == b->server.port &&
	       a->server.addr.family == b->server.addr.family &&
	       a->server.addr.value == b->server.addr.value;
}

void conf_set_policyd_listen(struct conf_reader *r,
			     const struct conf_setting *setting)
{
	struct conf *conf = r->conf;

	if (setting->count == 0)
		conf_fail(r, r->path, setting->line,
			  "nowhere to listen; leave \"listen\" out for "
			  "policy.sock in run-dir");
	conf->policyd_listen =
		calloc(CONF_LISTEN_MAX, sizeof(*conf->policyd_listen));
	if (!conf->policyd_listen) {
		conf_no_memory(r);
		return;
	}
	for (size_t i = 0; i < setting->count; i++) {
		const struct conf_value *value = &setting->values[i];
		bool path = strncmp(value->text, UNIX, strlen(UNIX)) == 0;
		struct conf_listen place = { 0 };

		if (!(path ? listen_path(r, value, &place)
			   : listen_port(r, value, &place)))
			continue;
		if (conf->policyd_listen_count == CONF_LISTEN_MAX) {
			conf_fail(r, r->path, value->line,
				  "more than %d places to listen at",
				  CONF_LISTEN_MAX);
			return;
		}
		for (size_t j = 0; j < conf->policyd_listen_count; j++)
			if (same_place(&conf->policyd_listen[j], &place))
				conf_refuse(r, value, "is listed twice");
		conf->policyd_listen[conf->policyd_listen_count++] = place;
	}
}

void conf_set_policyd_user(struct conf_reader *r,
			   const struct conf_setting *setting)
{
	conf_account(r, &setting->values[0], "user", &r->conf->policyd_user);
}

void conf_set_policyd_header(struct conf_reader *r,
			     const struct conf_setting *setting)
{
	conf_bool(r, setting, &r->conf->policyd_header);
}
