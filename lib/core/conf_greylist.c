// SPDX-License-Identifier: GPL-2.0-or-later
/* The section greylist. */
#include "conf_impl.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_DELAY_S    300u
#define DEFAULT_WINDOW_S   (2u * 86400u)
#define DEFAULT_LIFETIME_S (35u * 86400u)
#define DEFAULT_NETWORK4   24
#define DEFAULT_NETWORK6   64
#define DEFAULT_CLIENTS    5
#define DEFAULT_PORT       6379

#define PATH_MAX_BYTES   200 /* leaves room for LMDB's file names */
#define SOCKET_MAX_BYTES 107 /* sun_path */
#define DATABASE_MAX     100000

void conf_greylist_defaults(struct conf_greylist *greylist)
{
	*greylist = (struct conf_greylist){
		.delay_s = DEFAULT_DELAY_S,
		.window_s = DEFAULT_WINDOW_S,
		.lifetime_s = DEFAULT_LIFETIME_S,
		.network4 = DEFAULT_NETWORK4,
		.network6 = DEFAULT_NETWORK6,
		.clients = DEFAULT_CLIENTS,
	};
}

void conf_greylist_clear(struct conf_greylist *greylist)
{
	free(greylist->path);
	free(greylist->host);
	free(greylist->user);
	free(greylist->password);
}

void conf_greylist_check(struct conf_reader *r, unsigned window_line,
			 unsigned lifetime_line)
{
	const struct conf_greylist *greylist = &r->conf->greylist;

	if (greylist->delay_s >= greylist->window_s)
		conf_fail(r, r->path, window_line,
			  "a greylist window of %u s is over before the delay "
			  "of %u s is: nothing would ever pass",
			  greylist->window_s, greylist->delay_s);
	if (greylist->window_s > greylist->lifetime_s)
		conf_fail(r, r->path, lifetime_line,
			  "a greylist lifetime of %u s is shorter than the "
			  "window of %u s",
			  greylist->lifetime_s, greylist->window_s);
}

void conf_set_greylist_delay(struct conf_reader *r,
			     const struct conf_setting *setting)
{
	conf_duration(r, &setting->values[0], &r->conf->greylist.delay_s);
}

void conf_set_greylist_window(struct conf_reader *r,
			      const struct conf_setting *setting)
{
	conf_duration(r, &setting->values[0], &r->conf->greylist.window_s);
}

void conf_set_greylist_lifetime(struct conf_reader *r,
				const struct conf_setting *setting)
{
	conf_duration(r, &setting->values[0], &r->conf->greylist.lifetime_s);
}

static void set_number(struct conf_reader *r,
		       const struct conf_setting *setting, unsigned long min,
		       unsigned long max, unsigned *out)
{
	unsigned long number;

	if (conf_take_number(r, &setting->values[0], min, max, "", &number))
		*out = (unsigned)number;
}

void conf_set_greylist_network4(struct conf_reader *r,
				const struct conf_setting *setting)
{
	set_number(r, setting, 8, 32, &r->conf->greylist.network4);
}

void conf_set_greylist_network6(struct conf_reader *r,
				const struct conf_setting *setting)
{
	set_number(r, setting, 16, 128, &r->conf->greylist.network6);
}

void conf_set_greylist_clients(struct conf_reader *r,
			       const struct conf_setting *setting)
{
	set_number(r, setting, 0, 1000000, &r->conf->greylist.clients);
}

/* ---- store ---- */

/* A part of the text, with its %XX resolved (RFC 3986 2.1); false and said where
 * that is not possible. */
static bool part(struct conf_reader *r, const struct conf_value *value,
		 const char *from, size_t len, char **out)
{
	char *to = calloc(1, len + 1);
	size_t used = 0;

	free(*out);
	*out = to;
	if (!to)
		return conf_no_memory(r);
	for (size_t i = 0; i < len; i++) {
		char hex[5] = "0x";
		unsigned long byte = (unsigned char)from[i];

		if (from[i] == '%') {
			memcpy(hex + 2, from + i + 1, len - i > 2 ? 2 : 0);
			if (!conf_number(hex, 0x01, 0xff, &byte) ||
			    strlen(hex) != 4)
				/* not quoted: it may be a password */
				return conf_fail(r, r->path, value->line,
						 "the store has a \"%%\" that "
						 "is not followed by two hex "
						 "digits");
			i += 2;
		}
		to[used++] = (char)byte;
	}
	return true;
}

static bool store_lmdb(struct conf_reader *r, const struct conf_value *value,
		       const char *path, struct conf_greylist *out)
{
	if (path[0] == '\0')
		return true;
	if (path[0] != '/' || path[1] == '\0')
		return conf_refuse(
			r, value,
			"names no absolute path after \"lmdb:\"; leave it "
			"out for \"greylist\" in state-dir");
	if (strlen(path) > PATH_MAX_BYTES)
		return conf_fail(r, r->path, value->line,
				 "\"%.80s\" has a path of %zu characters; at "
				 "most %d fit",
				 value->text, strlen(path), PATH_MAX_BYTES);
	out->path = strdup(path);
	return out->path || conf_no_memory(r);
}

/* "user:password@", ":password@": gives what is behind it, NULL after an error. */
static const char *credentials(struct conf_reader *r,
			       const struct conf_value *value, const char *from,
			       struct conf_greylist *out)
{
	const char *at = strrchr(from, '@'), *colon;

	if (!at)
		return from;
	colon = memchr(from, ':', (size_t)(at - from));
	if (!colon || colon + 1 == at) {
		/* not quoted: it may be a password in the wrong place */
		conf_fail(r, r->path, value->line,
			  "the store has a \"@\", but no password before it: "
			  "redis://:password@host or "
			  "redis://user:password@host");
		return NULL;
	}
	if (colon > from &&
	    !part(r, value, from, (size_t)(colon - from), &out->user))
		return NULL;
	return part(r, value, colon + 1, (size_t)(at - colon - 1),
		    &out->password)
		       ? at + 1
		       : NULL;
}

static bool database(struct conf_reader *r, const struct conf_value *value,
		     const char *text, struct conf_greylist *out)
{
	unsigned long number;

	if (!conf_number(text, 0, DATABASE_MAX, &number))
		return conf_fail(r, r->path, value->line,
				 "\"%.40s\" is no number of a Redis database",
				 text);
	out->db = (unsigned)number;
	return true;
}

/* redis://[user:password@]host[:port][/db]; a host with colons in brackets. */
static bool store_redis(struct conf_reader *r, const struct conf_value *value,
			const char *from, struct conf_greylist *out)
{
	const char *host = credentials(r, value, from, out), *end;
	unsigned long port = DEFAULT_PORT;
	char text[8] = "";
	size_t len;

	if (!host)
		return false;
	out->redis = true;
	if (host[0] == '[') {
		len = strcspn(++host, "]");
		end = host + len + (host[len] == ']');
	} else {
		len = strcspn(host, ":/");
		end = host + len;
	}
	if (len == 0)
		return conf_fail(r, r->path, value->line,
				 "the store names no host: "
				 "redis://host[:port][/database]");
	if (!part(r, value, host, len, &out->host))
		return false;
	if (*end == ':') {
		len = strcspn(++end, "/");
		memcpy(text, end, len < sizeof(text) ? len : 0);
		if (!conf_number(text, 1, 65535, &port))
			return conf_fail(r, r->path, value->line,
					 "\"%.*s\" is no port from 1 to 65535",
					 (int)(len < 40 ? len : 40), end);
		end += len;
	}
	out->port = (uint16_t)port;
	if (end[0] == '/' && end[1])
		return database(r, value, end + 1, out);
	return *end == '\0' || *end == '/' ||
	       conf_fail(r, r->path, value->line,
			 "\"%.40s\" is left over behind the store's host", end);
}

/* unix://[user:password@]/path[?db=N] */
static bool store_unix(struct conf_reader *r, const struct conf_value *value,
		       const char *from, struct conf_greylist *out)
{
	const char *path = credentials(r, value, from, out), *query;

	if (!path)
		return false;
	out->redis = true;
	query = strchr(path, '?');
	if (!part(r, value, path, strcspn(path, "?"), &out->path))
		return false;
	if (out->path[0] != '/' || strlen(out->path) > SOCKET_MAX_BYTES)
		return conf_fail(r, r->path, value->line,
				 "the store names no absolute path of a "
				 "socket: unix:///run/redis/redis.sock");
	if (!query)
		return true;
	if (strncmp(query, "?db=", 4) != 0)
		return conf_fail(r, r->path, value->line,
				 "\"%.40s\" is left over behind the socket's "
				 "path; only ?db=NUMBER may be",
				 query);
	return database(r, value, query + 4, out);
}

void conf_set_greylist_store(struct conf_reader *r,
			     const struct conf_setting *setting)
{
	static const struct {
		const char *scheme;
		bool (*take)(struct conf_reader *r,
			     const struct conf_value *value, const char *from,
			     struct conf_greylist *out);
	} schemes[] = {
		{ "lmdb:", store_lmdb },
		{ "redis://", store_redis },
		{ "unix://", store_unix },
	};
	const struct conf_value *value = &setting->values[0];

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		size_t len = strlen(schemes[i].scheme);

		if (strncmp(value->text, schemes[i].scheme, len) != 0)
			continue;
		schemes[i].take(r, value, value->text + len,
				&r->conf->greylist);
		return;
	}
	conf_fail(r, r->path, value->line,
		  "the store begins with none of lmdb:, redis:// and unix:// "
		  "(Redis over TLS needs a tunnel, such as stunnel's)");
}
