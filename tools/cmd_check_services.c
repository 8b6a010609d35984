// SPDX-License-Identifier: GPL-2.0-or-later
/* The sections of the mail side, defaults included, as text and as JSON.  Passwords are
 * in neither. */
#include <stdio.h>

#include "tools/cmd_check.h"
#include "tools/cmd_text.h"

#define POLICY_SOCKET "policy.sock"
#define P0F_SOCKET    "p0f.sock"
#define TEXT_SOCKET   "text.sock"

#define PLACE_MAX (128 + ADDR_TEXT_MAX)

static const char *in_run_dir(const struct conf *conf, const char *name,
			      char place[PLACE_MAX])
{
	snprintf(place, PLACE_MAX, "%s/%s", conf->run_dir, name);
	return place;
}

/* "192.0.2.1:25", "[2001:db8::1]:25" */
static const char *server_text(const struct conf_server *server,
			       char place[PLACE_MAX])
{
	char addr[ADDR_TEXT_MAX];
	bool v6 = server->addr.family == 6;

	snprintf(place, PLACE_MAX, "%s%s%s:%u", v6 ? "[" : "",
		 addr_format(&server->addr, addr), v6 ? "]" : "", server->port);
	return place;
}

/* The n-th place that policyd listens at; NULL: there are no more. */
static const char *policyd_place(const struct conf *conf, size_t n,
				 char place[PLACE_MAX])
{
	const struct conf_listen *listen = &conf->policyd_listen[n];

	if (conf->policyd_listen_count == 0)
		return n == 0 ? in_run_dir(conf, POLICY_SOCKET, place) : NULL;
	if (n >= conf->policyd_listen_count)
		return NULL;
	return listen->path[0] ? listen->path
			       : server_text(&listen->server, place);
}

/* "5m": as the configuration takes it, in the largest unit without a rest. */
static void add_duration(struct text *text, uint32_t seconds)
{
	static const struct {
		char letter;
		uint32_t seconds;
	} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };
	size_t i = 0;

	while (seconds % units[i].seconds != 0)
		i++;
	text_add(text, "%u%c", seconds / units[i].seconds, units[i].letter);
}

/* ---- for people ---------------------------------------------------------------- */

static void print_policyd(const struct conf *conf)
{
	struct text text = { .used = 0 };
	char room[PLACE_MAX];
	const char *place;

	for (size_t i = 0; (place = policyd_place(conf, i, room)); i++)
		text_add(&text, "%s%s", i ? ", " : "", place);
	text_add(&text, "; %s header", conf->policyd_header ? "adds a" : "no");
	if (conf->policyd_user)
		text_add(&text, "; user %s", conf->policyd_user);
	text_entry("policyd", &text);
}

static void add_store(struct text *text, const struct conf *conf)
{
	const struct conf_greylist *greylist = &conf->greylist;

	text_add(text, "%s ", greylist->redis ? "redis" : "lmdb");
	if (greylist->path)
		text_add(text, "%s", greylist->path);
	else if (!greylist->redis)
		text_add(text, "%s/greylist", conf->state_dir);
	else
		text_add(text, "%s port %u", greylist->host, greylist->port);
	if (greylist->redis)
		text_add(text, ", database %u", greylist->db);
	if (greylist->user)
		text_add(text, ", user %s", greylist->user);
	if (greylist->redis)
		text_add(text, "; while it is away, lmdb %s/greylist",
			 conf->state_dir);
}

static void print_greylist(const struct conf *conf)
{
	const struct conf_greylist *greylist = &conf->greylist;
	struct text text = { .used = 0 };

	text_add(&text, "to come again after ");
	add_duration(&text, greylist->delay_s);
	text_add(&text, " and within ");
	add_duration(&text, greylist->window_s);
	text_add(&text, ", then known for ");
	add_duration(&text, greylist->lifetime_s);
	text_add(&text, "; by /%u and IPv6 /%u, ", greylist->network4,
		 greylist->network6);
	if (greylist->clients)
		text_add(&text, "known as a whole after %u that passed",
			 greylist->clients);
	else
		text_add(&text, "never known as a whole");
	text_entry("greylist", &text);
	text.used = 0;
	add_store(&text, conf);
	text_entry("", &text);
}

static void print_p0f(const struct conf *conf)
{
	struct text text = { .used = 0 };
	char place[PLACE_MAX];

	if (conf->p0f_socket)
		text_add(&text, "%s, ", in_run_dir(conf, P0F_SOCKET, place));
	text_add(&text, "%s; mode %04o", in_run_dir(conf, TEXT_SOCKET, place),
		 conf->p0f_mode);
	if (conf->p0f_group)
		text_add(&text, ", group %s", conf->p0f_group);
	for (size_t i = 0; i < conf->amavis_count; i++)
		text_add(&text, "%s %s", i ? "," : "; amavis",
			 server_text(&conf->amavis[i], place));
	text_entry("p0f", &text);
}

void check_services(const struct conf *conf)
{
	print_policyd(conf);
	print_greylist(conf);
	print_p0f(conf);
}

/* ---- for programs ---------------------------------------------------------------- */

static json_t *policyd_json(const struct conf *conf)
{
	json_t *listen = json_array();
	char room[PLACE_MAX];
	const char *place;

	for (size_t i = 0; (place = policyd_place(conf, i, room)); i++)
		json_array_append_new(listen, json_string(place));
	return json_pack("{s:o, s:b, s:s*}", "listen", listen, "header",
			 conf->policyd_header, "user", conf->policyd_user);
}

static json_t *store_json(const struct conf *conf)
{
	const struct conf_greylist *greylist = &conf->greylist;
	char local[PLACE_MAX * 4];

	snprintf(local, sizeof(local), "%s/greylist", conf->state_dir);
	if (!greylist->redis)
		return json_pack("{s:s, s:s}", "kind", "lmdb", "path",
				 greylist->path ? greylist->path : local);
	if (greylist->path)
		return json_pack("{s:s, s:s, s:i, s:s*, s:s}", "kind", "redis",
				 "path", greylist->path, "database",
				 (int)greylist->db, "user", greylist->user,
				 "fallback", local);
	return json_pack("{s:s, s:s, s:i, s:i, s:s*, s:s}", "kind", "redis",
			 "host", greylist->host, "port", (int)greylist->port,
			 "database", (int)greylist->db, "user", greylist->user,
			 "fallback", local);
}

static json_t *greylist_json(const struct conf *conf)
{
	const struct conf_greylist *greylist = &conf->greylist;

	return json_pack("{s:I, s:I, s:I, s:i, s:i, s:i, s:o}", "delay",
			 (json_int_t)greylist->delay_s, "window",
			 (json_int_t)greylist->window_s, "lifetime",
			 (json_int_t)greylist->lifetime_s, "network4",
			 (int)greylist->network4, "network6",
			 (int)greylist->network6, "clients",
			 (int)greylist->clients, "store", store_json(conf));
}

static json_t *p0f_json(const struct conf *conf)
{
	json_t *sockets = json_array(), *amavis = json_array();
	char place[PLACE_MAX], mode[8];

	if (conf->p0f_socket)
		json_array_append_new(
			sockets,
			json_string(in_run_dir(conf, P0F_SOCKET, place)));
	json_array_append_new(
		sockets, json_string(in_run_dir(conf, TEXT_SOCKET, place)));
	for (size_t i = 0; i < conf->amavis_count; i++)
		json_array_append_new(
			amavis,
			json_string(server_text(&conf->amavis[i], place)));
	snprintf(mode, sizeof(mode), "%04o", conf->p0f_mode);
	return json_pack("{s:o, s:s, s:s*, s:o}", "sockets", sockets, "mode",
			 mode, "group", conf->p0f_group, "amavis", amavis);
}

void check_services_json(json_t *o, const struct conf *conf)
{
	json_object_set_new(o, "policyd", policyd_json(conf));
	json_object_set_new(o, "greylist", greylist_json(conf));
	json_object_set_new(o, "p0f", p0f_json(conf));
}
