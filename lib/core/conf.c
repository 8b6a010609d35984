// SPDX-License-Identifier: GPL-2.0-or-later
/* The configuration: the grammar's table, defaults, and what options need of
 * each other.  conf_impl.h draws the way from the file to the object. */
#include "conf_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MAX_AGE_S  (7u * 86400u)
#define DEFAULT_TIMEOUT_S  30
#define DEFAULT_MAX_SHRINK 5 /* per cent */
#define DEFAULT_GRACE_S    (3 * 86400)
#define DEFAULT_FLOOR      256 /* addresses */
#define DEFAULT_STATE_DIR  "/var/lib/geoblock"
#define DEFAULT_RUN_DIR    "/run/geoblock"
#define DEFAULT_TABLE      "geoblock"
/* Bits 28 to 30: of what is known to use bits of the mark, only Calico
 * (0xffff0000) and Cilium claim them, and those take nearly all there are. */
#define DEFAULT_MARK          0x70000000u
#define DEFAULT_QUEUE         25
#define DEFAULT_NFLOG_GROUP   25
#define DEFAULT_P0F_MODE      0666   /* as p0f's: many users ask, all read */
#define DEFAULT_HOSTS         200000 /* 64 bytes each */
#define DEFAULT_ALIKE_AFTER_S 3600

const struct conf_option conf_options[] = {
	{ "", "mode", false, conf_set_mode },
	{ "", "ports", true, conf_set_ports },
	{ "", "countries", true, conf_set_countries },
	{ "", "contact", false, conf_set_contact },
	{ "", "default", false, conf_set_default },
	{ "", "state-dir", false, conf_set_state_dir },
	{ "", "run-dir", false, conf_set_run_dir },
	{ "", "table", false, conf_set_table },
	{ "", "mark", false, conf_set_mark },
	{ "", "queue", false, conf_set_queue },
	{ "", "nflog-group", false, conf_set_nflog_group },
	{ "", "queue-count", false, conf_set_queue_count },
	{ "", "queue-fail", false, conf_set_queue_fail },
	{ "", "hosts", false, conf_set_hosts },
	{ "", "alike-after", false, conf_set_alike_after },
	{ "", "log-format", false, conf_set_log_format },
	{ "", "user", false, conf_set_user },
	{ "", "dns", true, conf_set_dns },
	{ "geo", "source", false, conf_set_source },
	{ "geo", "mmdb", false, conf_set_mmdb },
	{ "geo", "agree", false, conf_set_agree },
	{ "geo", "urls", true, conf_set_urls },
	{ "geo", "ca-file", false, conf_set_ca_file },
	{ "geo", "keys", true, conf_set_keys },
	{ "geo", "timeout", false, conf_set_timeout },
	{ "geo", "key", true, conf_set_key },
	{ "geo", "max-age", false, conf_set_max_age },
	{ "geo", "max-shrink", false, conf_set_max_shrink },
	{ "geo", "grace", false, conf_set_grace },
	{ "geo", "floor", false, conf_set_floor },
	{ "exempt", "networks", true, conf_set_networks },
	{ "exempt", "files", true, conf_set_files },
	{ "exempt", "private", false, conf_set_private },
	{ "exempt", "spf", true, conf_set_spf },
	{ "deny", "networks", true, conf_set_networks },
	{ "deny", "files", true, conf_set_files },
	{ "deny", "action", false, conf_set_deny_action },
	{ "p0f", "socket", false, conf_set_p0f_socket },
	{ "p0f", "mode", false, conf_set_p0f_mode },
	{ "p0f", "group", false, conf_set_p0f_group },
	{ "p0f", "amavis", true, conf_set_p0f_amavis },
	{ "policyd", "listen", true, conf_set_policyd_listen },
	{ "policyd", "user", false, conf_set_policyd_user },
	{ "policyd", "header", false, conf_set_policyd_header },
	{ "greylist", "delay", false, conf_set_greylist_delay },
	{ "greylist", "window", false, conf_set_greylist_window },
	{ "greylist", "lifetime", false, conf_set_greylist_lifetime },
	{ "greylist", "network4", false, conf_set_greylist_network4 },
	{ "greylist", "network6", false, conf_set_greylist_network6 },
	{ "greylist", "clients", false, conf_set_greylist_clients },
	{ "greylist", "store", false, conf_set_greylist_store },
	{ "rule", "country", true, conf_set_rule_country },
	{ "rule", "os", true, conf_set_rule_os },
	{ "rule", "min-confidence", false, conf_set_rule_confidence },
	{ "rule", "rdns", true, conf_set_rule_rdns },
	{ "rule", "action", false, conf_set_rule_action },
};

const size_t conf_option_count = sizeof(conf_options) / sizeof(*conf_options);
_Static_assert(sizeof(conf_options) / sizeof(*conf_options) <= CONF_OPTIONS_MAX,
	       "raise it");

/* ---- errors ---- */

static bool report(struct conf_reader *r, const struct error *err)
{
	if (r->errors++ == 0 && r->err)
		*r->err = *err;
	if (!r->say || r->errors > CONF_ERRORS_MAX + 1)
		return false;
	if (r->errors > CONF_ERRORS_MAX)
		r->say(r->ctx, "there are more errors; they are not listed");
	else
		r->say(r->ctx, err->text);
	return false;
}

bool conf_fail(struct conf_reader *r, const char *file, unsigned line,
	       const char *fmt, ...)
{
	struct error err;
	char text[sizeof(err.text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++) /* our own stand-ins, if they got here */
		if ((unsigned char)*p < 0x20)
			*p = '?';
	if (line)
		error_set(&err, ERROR_MALFORMED, 0, "%s:%u: %s", file, line,
			  text);
	else
		error_set(&err, ERROR_MALFORMED, 0, "%s: %s", file, text);
	return report(r, &err);
}

bool conf_fail_errno(struct conf_reader *r, const char *file, int sys_errno,
		     const char *what)
{
	struct error err;

	error_set(&err, ERROR_SYSTEM, sys_errno, "%s: %s", file, what);
	return report(r, &err);
}

bool conf_no_memory(struct conf_reader *r)
{
	struct error err;

	error_set(&err, ERROR_LIMIT, 0, "%s: out of memory", r->path);
	return report(r, &err);
}

/* ---- reading ---- */

static bool set_defaults(struct conf *conf, const char *path)
{
	conf->path = strdup(path);
	conf->policy.audit = true;
	conf->policy.default_action = ACTION_ACCEPT;
	conf->policy.deny_action = ACTION_RESET;
	conf->ports[0] = 25;
	conf->port_count = 1;
	conf->source = GEO_RIR;
	conf->max_age_s = DEFAULT_MAX_AGE_S;
	conf->timeout_s = DEFAULT_TIMEOUT_S;
	conf->max_shrink = DEFAULT_MAX_SHRINK;
	conf->grace_s = DEFAULT_GRACE_S;
	conf->floor = DEFAULT_FLOOR;
	conf->exempt_private = true;
	conf->state_dir = strdup(DEFAULT_STATE_DIR);
	conf->run_dir = strdup(DEFAULT_RUN_DIR);
	memcpy(conf->table, DEFAULT_TABLE, sizeof(DEFAULT_TABLE));
	conf->mark = DEFAULT_MARK;
	conf->queue = DEFAULT_QUEUE;
	conf->nflog_group = DEFAULT_NFLOG_GROUP;
	conf->queue_count = 1;
	conf->hosts = DEFAULT_HOSTS;
	conf->alike_after_s = DEFAULT_ALIKE_AFTER_S;
	conf->p0f_socket = true;
	conf->p0f_mode = DEFAULT_P0F_MODE;
	conf->policyd_header = true;
	conf_greylist_defaults(&conf->greylist);
	return conf->path && conf->state_dir && conf->run_dir;
}

bool conf_once(struct conf_reader *r, const struct conf_setting *setting,
	       unsigned *first_line)
{
	const struct conf_option *option = setting->option;
	unsigned *first = &first_line[option - conf_options];

	if (*first)
		return conf_fail(r, r->path, setting->line,
				 "\"%s\" is set a second time (first in line "
				 "%u)",
				 option->name, *first);
	*first = setting->line;
	if (!option->list && setting->count != 1)
		return conf_fail(r, r->path, setting->line,
				 "\"%s\" takes one value, not %zu",
				 option->name, setting->count);
	return true;
}

static bool in_rule(const struct conf_tree *tree,
		    const struct conf_setting *setting)
{
	return strcmp(tree->sections[setting->section].name, "rule") == 0;
}

/* Line that an option was first set in, 0 if it was not. */
static unsigned line_of(const unsigned *first_line, const char *name)
{
	size_t i = 0;

	while (strcmp(conf_options[i].name, name) != 0)
		i++;
	return first_line[i];
}

static void check_countries(struct conf_reader *r, const unsigned *first_line)
{
	unsigned line = line_of(first_line, "countries");
	const struct policy *policy = &r->conf->policy;

	if (!r->needs_countries || policy->allowed.unknown ||
	    country_set_count(&policy->allowed) > 0)
		return;
	if (line && !r->countries_empty)
		return; /* each word was refused already */
	if (line)
		conf_fail(r, r->path, line,
			  "no country is allowed, so that all the world would "
			  "be outside; name those that may send, such as "
			  "{\"US\", \"CA\"} or \"@eu\"");
	else if (!policy->audit)
		conf_fail(r, r->path, line_of(first_line, "mode"),
			  "mode = enforce without \"countries\" would refuse "
			  "all the world; name those that may send, such as "
			  "countries = {\"US\", \"CA\"}");
}

/* What one option needs of another. */
static void check_whole(struct conf_reader *r, const unsigned *first_line)
{
	unsigned source = line_of(first_line, "source");
	struct conf *conf = r->conf;

	/* who chose no country has nothing to enforce yet */
	if (!conf->mode_given)
		conf->policy.audit = line_of(first_line, "countries") == 0;
	check_countries(r, first_line);
	if (conf->queue + conf->queue_count - 1 > UINT16_MAX)
		conf_fail(r, r->path, line_of(first_line, "queue-count"),
			  "%u queues from %u on pass 65535, the last there is",
			  conf->queue_count, conf->queue);
	conf_greylist_check(r, line_of(first_line, "window"),
			    line_of(first_line, "lifetime"));
	if (conf->source == GEO_MMDB && !conf->mmdb && conf->url_count == 0)
		conf_fail(r, r->path, source,
			  "source = mmdb needs the database's path in "
			  "\"mmdb\"");
	if (conf->agree != AGREE_FIRST && !conf_second(conf))
		conf_fail(r, r->path, line_of(first_line, "agree"),
			  "agree = %s compares two sources: name the second, a "
			  "MaxMind DB, in \"mmdb\", beside a source of another "
			  "kind or \"urls\"",
			  agree_name(conf->agree));
	conf_image_check(r, source, line_of(first_line, "key"));
	if (conf->source == GEO_CIDR && conf->url_count == 0)
		conf_fail(r, r->path, source,
			  "source = cidr needs the lists in \"urls\", one for "
			  "each country and family");
}

static void interpret(struct conf_reader *r, const struct conf_tree *tree)
{
	unsigned first_line[CONF_OPTIONS_MAX] = { 0 };
	struct conf *conf = r->conf;

	for (size_t i = 0; i < tree->setting_count; i++) {
		const struct conf_setting *setting = &tree->settings[i];

		if (!in_rule(tree, setting) &&
		    conf_once(r, setting, first_line))
			setting->option->set(r, setting);
	}
	if (conf->exempt_private)
		conf_nets_private(r, &conf->exempt);
	conf_nets_finish(r, &conf->exempt);
	conf_spf_load(r);
	conf_nets_finish(r, &conf->deny);
	conf_rules(r, tree);
	check_whole(r, first_line);
}

bool conf_read(struct conf **conf, const char *path,
	       void (*say)(void *ctx, const char *text), void *ctx,
	       struct error *err)
{
	struct conf_text text = { 0 };
	struct conf_tree tree = { 0 };
	struct conf_reader r = {
		.conf = calloc(1, sizeof(**conf)),
		.say = say,
		.ctx = ctx,
		.err = err,
		.text = &text,
	};

	r.path = path ? path : CONF_DEFAULT_PATH;
	if (!r.conf || !set_defaults(r.conf, r.path)) {
		conf_no_memory(&r);
	} else {
		r.path = r.conf->path;
		if (conf_text_load(&r, r.path, CONF_FILE_MAX, &text) &&
		    conf_text_prepare(&r, &text) &&
		    conf_parse(&r, &text, &tree))
			interpret(&r, &tree);
	}
	conf_tree_clear(&tree);
	conf_text_clear(&text);
	if (r.errors > 0) {
		conf_free(r.conf);
		r.conf = NULL;
	}
	*conf = r.conf;
	return r.conf != NULL;
}

const char *conf_second(const struct conf *conf)
{
	bool is_first = conf->source == GEO_MMDB && conf->url_count == 0;

	return is_first ? NULL : conf->mmdb;
}

void conf_free(struct conf *conf)
{
	if (!conf)
		return;
	for (size_t i = 0; i < conf->country_word_count; i++)
		free(conf->country_words[i]);
	for (size_t i = 0; i < conf->url_count; i++)
		free(conf->urls[i]);
	free(conf->country_words);
	free(conf->urls);
	free(conf->ca_file);
	for (size_t i = 0; i < REGISTRY_COUNT; i++)
		free(conf->keys[i]);
	free(conf->contact);
	free(conf->mmdb);
	free(conf->state_dir);
	free(conf->run_dir);
	free(conf->user);
	free(conf->p0f_group);
	conf_greylist_clear(&conf->greylist);
	free(conf->dns);
	free(conf->image_keys);
	free(conf->policyd_listen);
	free(conf->policyd_user);
	conf_nets_clear(&conf->exempt);
	conf_spf_clear(conf);
	conf_nets_clear(&conf->deny);
	free(conf->path);
	free(conf);
}
