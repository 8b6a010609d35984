// SPDX-License-Identifier: GPL-2.0-or-later
/* Values: one function an option, which checks what was written and takes it.
 * None of them stops at a mistake: each says it and leaves the default. */
#include "conf_impl.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include <geoblock/words.h>

#include "nft_name.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

#define CONTACT_MAX    200 /* of a reply line's 512 bytes, RFC 5321 4.5.3.1.5 */
#define STATE_DIR_MAX  200 /* leaves room for file names in PATH_TEXT_MAX */
#define RUN_DIR_MAX    86  /* leaves room for a socket's name in sun_path */
#define PATH_TEXT_MAX  256 /* a source's name in the image, with its NUL */
#define LIST_FILES_MAX 4096
#define TIMEOUT_MAX_S  600
#define GRACE_DAYS_MAX 60

static bool fail(struct conf_reader *r, const struct conf_value *value,
		 const char *text)
{
	return conf_fail(r, r->path, value->line, "\"%.80s\" %s", value->text,
			 text);
}

void conf_say_word(struct conf_reader *r, const struct conf_value *value,
		   const char *what, const char *const *words, size_t count)
{
	const char *near = words_nearest(words, count, value->text);
	char list[200];

	if (near)
		conf_fail(r, r->path, value->line,
			  "%s \"%.80s\" is not known; did you mean \"%s\"?",
			  what, value->text, near);
	else
		conf_fail(r, r->path, value->line,
			  "%s \"%.80s\" is not known; it is %s", what,
			  value->text,
			  words_join(words, count, list, sizeof(list)));
}

/* Index of the value in words, or -1 and said. */
static int word_of(struct conf_reader *r, const struct conf_setting *setting,
		   const char *const *words, size_t count)
{
	int found = words_find(words, count, setting->values[0].text);

	if (found < 0)
		conf_say_word(r, &setting->values[0], setting->option->name,
			      words, count);
	return found;
}

bool conf_number(const char *text, unsigned long min, unsigned long max,
		 unsigned long *out)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	size_t len = strlen(digits);

	/* ten digits fit an unsigned long whatever they are */
	if (len == 0 || len > 10 ||
	    strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") !=
		    len)
		return false;
	*out = strtoul(digits, NULL, hex ? 16 : 10);
	return *out >= min && *out <= max;
}

static bool number_of(struct conf_reader *r, const struct conf_value *value,
		      unsigned long min, unsigned long max, const char *unit,
		      unsigned long *out)
{
	if (conf_number(value->text, min, max, out))
		return true;
	conf_fail(r, r->path, value->line,
		  "\"%.80s\" is no number from %lu to %lu%s", value->text, min,
		  max, unit);
	return false;
}

static bool copy(struct conf_reader *r, char **to, const char *text)
{
	free(*to);
	*to = strdup(text);
	if (*to)
		return true;
	conf_no_memory(r);
	return false;
}

/* An absolute path without a slash at its end. */
static void set_folder(struct conf_reader *r, const struct conf_value *value,
		       size_t max, char **to)
{
	size_t len = strlen(value->text);

	if (value->text[0] != '/') {
		fail(r, value, "is no absolute path; it begins with \"/\"");
		return;
	}
	if (len > max) {
		conf_fail(r, r->path, value->line,
			  "\"%.80s\" has %zu characters; at most %zu fit",
			  value->text, len, max);
		return;
	}
	if (!copy(r, to, value->text))
		return;
	while (len > 1 && (*to)[len - 1] == '/')
		(*to)[--len] = '\0';
}

/* ---- the top level ---- */

void conf_set_mode(struct conf_reader *r, const struct conf_setting *setting)
{
	static const char *const words[] = { "audit", "enforce" };
	int found = word_of(r, setting, words, LENGTH(words));

	if (found >= 0)
		r->conf->policy.audit = found == 0;
	r->conf->mode_given = true;
}

static bool has_port(const struct conf *conf, unsigned long port)
{
	for (size_t i = 0; i < conf->port_count; i++)
		if (conf->ports[i] == port)
			return true;
	return false;
}

void conf_set_ports(struct conf_reader *r, const struct conf_setting *setting)
{
	struct conf *conf = r->conf;
	unsigned long port;

	conf->port_count = 0;
	if (setting->count == 0)
		conf_fail(r, r->path, setting->line,
			  "no ports; leave \"ports\" out for {25}");
	for (size_t i = 0; i < setting->count; i++) {
		const struct conf_value *value = &setting->values[i];

		if (!number_of(r, value, 1, 65535, "", &port))
			continue;
		if (has_port(conf, port)) {
			conf_fail(r, r->path, value->line,
				  "port %lu is listed twice", port);
			continue;
		}
		if (conf->port_count == POLICY_PORTS_MAX) {
			conf_fail(r, r->path, value->line, "more than %d ports",
				  POLICY_PORTS_MAX);
			return;
		}
		conf->ports[conf->port_count++] = (uint16_t)port;
	}
}

static const char *const rule_only[] = { "allowed", "outside", "unknown" };

static bool keep_word(struct conf_reader *r, const char *word)
{
	struct conf *conf = r->conf;
	char **grown =
		reallocarray(conf->country_words, conf->country_word_count + 1,
			     sizeof(*grown));

	if (!grown)
		return conf_no_memory(r);
	conf->country_words = grown;
	grown[conf->country_word_count] = strdup(word);
	if (!grown[conf->country_word_count])
		return conf_no_memory(r);
	conf->country_word_count++;
	return true;
}

void conf_set_countries(struct conf_reader *r,
			const struct conf_setting *setting)
{
	r->countries_empty = setting->count == 0;
	for (size_t i = 0; i < setting->count; i++) {
		const struct conf_value *value = &setting->values[i];
		struct error err;

		if (words_find(rule_only, LENGTH(rule_only), value->text) >= 0)
			fail(r, value,
			     "is a condition of rules; here stand the "
			     "countries that are allowed");
		else if (!country_set_add_word(&r->conf->policy.allowed,
					       value->text, &err))
			conf_fail(r, r->path, value->line, "%s", err.text);
		else if (!keep_word(r, value->text))
			return;
	}
}

void conf_set_contact(struct conf_reader *r, const struct conf_setting *setting)
{
	const struct conf_value *value = &setting->values[0];
	size_t len = strlen(value->text);

	if (len == 0 || len > CONTACT_MAX) {
		conf_fail(r, r->path, value->line,
			  "contact has %zu characters; 1 to %d fit into an "
			  "SMTP reply",
			  len, CONTACT_MAX);
		return;
	}
	for (size_t i = 0; i < len; i++)
		if (value->text[i] < 0x20 || value->text[i] > 0x7e) {
			fail(r, value,
			     "is told to senders in an SMTP reply, which is "
			     "plain ASCII");
			return;
		}
	copy(r, &r->conf->contact, value->text);
}

void conf_set_default(struct conf_reader *r, const struct conf_setting *setting)
{
	conf_action(r, setting, &r->conf->policy.default_action);
}

void conf_set_state_dir(struct conf_reader *r,
			const struct conf_setting *setting)
{
	set_folder(r, &setting->values[0], STATE_DIR_MAX, &r->conf->state_dir);
}

void conf_set_run_dir(struct conf_reader *r, const struct conf_setting *setting)
{
	set_folder(r, &setting->values[0], RUN_DIR_MAX, &r->conf->run_dir);
}

void conf_set_table(struct conf_reader *r, const struct conf_setting *setting)
{
	const struct conf_value *value = &setting->values[0];

	if (!nft_name_valid(value->text, CONF_TABLE_MAX))
		conf_fail(r, r->path, value->line,
			  "\"%.80s\" is no name for a table: a letter, then "
			  "letters, digits, \"-\" and \"_\", %d at most",
			  value->text, CONF_TABLE_MAX - 1);
	else if (nft_name_reserved(value->text))
		fail(r, value,
		     "is a word of nft's language; take another name");
	else
		memcpy(r->conf->table, value->text, strlen(value->text) + 1);
}

/* Five marks are told apart (kernel_mark_value), so three bits side by side are
 * the least; one run of bits keeps the mask readable. */
void conf_set_mark(struct conf_reader *r, const struct conf_setting *setting)
{
	const struct conf_value *value = &setting->values[0];
	unsigned long mask, run;

	if (!conf_number(value->text, 1, UINT32_MAX, &mask)) {
		fail(r, value, "is no mask of 32 bits, such as 0x70000000");
		return;
	}
	run = mask >> __builtin_ctzl(mask);
	if ((run & (run + 1)) != 0 || run < 7) {
		fail(r, value,
		     "is not one run of three or more bits, such as "
		     "0x70000000");
		return;
	}
	r->conf->mark = (uint32_t)mask;
}

void conf_set_queue(struct conf_reader *r, const struct conf_setting *setting)
{
	unsigned long number;

	if (number_of(r, &setting->values[0], 0, 65535, "", &number))
		r->conf->queue = (uint16_t)number;
}

void conf_set_nflog_group(struct conf_reader *r,
			  const struct conf_setting *setting)
{
	unsigned long number;

	if (number_of(r, &setting->values[0], 0, 65535, "", &number))
		r->conf->nflog_group = (uint16_t)number;
}

/* ---- geoblockd ---- */

#define QUEUES_MAX 64
#define HOSTS_MIN  1000
#define HOSTS_MAX  16000000
#define USER_MAX   32 /* useradd(8) */

void conf_set_queue_count(struct conf_reader *r,
			  const struct conf_setting *setting)
{
	unsigned long number;

	if (number_of(r, &setting->values[0], 1, QUEUES_MAX, "", &number))
		r->conf->queue_count = (uint16_t)number;
}

void conf_set_queue_fail(struct conf_reader *r,
			 const struct conf_setting *setting)
{
	static const char *const words[] = { "open", "closed" };
	int found = word_of(r, setting, words, LENGTH(words));

	if (found >= 0)
		r->conf->queue_fail_closed = found == 1;
}

void conf_set_hosts(struct conf_reader *r, const struct conf_setting *setting)
{
	unsigned long number;

	if (number_of(r, &setting->values[0], HOSTS_MIN, HOSTS_MAX, "",
		      &number))
		r->conf->hosts = (uint32_t)number;
}

void conf_set_log_format(struct conf_reader *r,
			 const struct conf_setting *setting)
{
	static const char *const words[] = { "text", "json" };
	int found = word_of(r, setting, words, LENGTH(words));

	if (found >= 0)
		r->conf->log_json = found == 1;
}

void conf_user(struct conf_reader *r, const struct conf_setting *setting,
	       char **out)
{
	const struct conf_value *value = &setting->values[0];
	size_t len = strlen(value->text);

	if (len == 0 || len > USER_MAX || value->text[0] == '-' ||
	    strpbrk(value->text, ":/ "))
		fail(r, value, "is no name of a user");
	else
		copy(r, out, value->text);
}

void conf_set_user(struct conf_reader *r, const struct conf_setting *setting)
{
	conf_user(r, setting, &r->conf->user);
}

/* ---- geo ---- */

void conf_set_source(struct conf_reader *r, const struct conf_setting *setting)
{
	static const enum geo_kind kinds[] = { GEO_RIR, GEO_MMDB, GEO_IPFIRE,
					       GEO_CIDR, GEO_IMAGE };
	const char *words[LENGTH(kinds)];
	int found;

	for (size_t i = 0; i < LENGTH(kinds); i++)
		words[i] = geo_kind_name(kinds[i]);
	found = word_of(r, setting, words, LENGTH(words));

	if (found >= 0)
		r->conf->source = kinds[found];
}

void conf_set_mmdb(struct conf_reader *r, const struct conf_setting *setting)
{
	set_folder(r, &setting->values[0], PATH_TEXT_MAX - 1, &r->conf->mmdb);
}

void conf_set_agree(struct conf_reader *r, const struct conf_setting *setting)
{
	const char *words[AGREE_COUNT];
	int found;

	for (int i = 0; i < AGREE_COUNT; i++)
		words[i] = agree_name((enum agree)i);
	found = word_of(r, setting, words, LENGTH(words));
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
			return fail(r, value,
				    "has a blank or a letter beyond ASCII; "
				    "write it as %XX");
	if (text[0] == '/')
		return true;
	if (!colon)
		return fail(r, value,
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
		return fail(r, value,
			    "names no absolute path; three slashes follow "
			    "\"file:\"");
	if (colon[3] == '\0' ||
	    (strcmp(scheme, "file") != 0 && colon[3] == '/'))
		return fail(r, value, "names no host");
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
		    copy(r, &conf->urls[conf->url_count],
			 setting->values[i].text))
			conf->url_count++;
}

/* "7d"; at most ten years. */
static bool duration(const char *text, uint32_t *out)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = { { 's', 1 },
		      { 'm', 60 },
		      { 'h', 3600 },
		      { 'd', 86400 },
		      { 'w', 604800 } };
	size_t digits = strspn(text, "0123456789");
	uint64_t value;

	if (digits == 0 || digits > 9 || text[digits] == '\0' ||
	    text[digits + 1] != '\0')
		return false;
	value = strtoul(text, NULL, 10);
	for (size_t i = 0; i < LENGTH(units); i++)
		if (units[i].unit == text[digits]) {
			value *= units[i].seconds;
			if (value == 0 || value > 3650u * 86400u)
				return false;
			*out = (uint32_t)value;
			return true;
		}
	return false;
}

bool conf_duration(struct conf_reader *r, const struct conf_value *value,
		   uint32_t *out)
{
	return duration(value->text, out) ||
	       fail(r, value,
		    "is no duration from 1s to 3650d: a number and s, m, h, d "
		    "or w, such as 7d");
}

void conf_set_alike_after(struct conf_reader *r,
			  const struct conf_setting *setting)
{
	const struct conf_value *value = &setting->values[0];

	if (strcmp(value->text, "never") == 0)
		r->conf->alike_after_s = 0;
	else if (!duration(value->text, &r->conf->alike_after_s))
		fail(r, value,
		     "is neither a duration from 1s to 3650d, such as 1h, nor "
		     "never");
}

void conf_set_max_age(struct conf_reader *r, const struct conf_setting *setting)
{
	conf_duration(r, &setting->values[0], &r->conf->max_age_s);
}

void conf_set_max_shrink(struct conf_reader *r,
			 const struct conf_setting *setting)
{
	unsigned long number;

	if (number_of(r, &setting->values[0], 0, 100, " (per cent)", &number))
		r->conf->max_shrink = (unsigned)number;
}

void conf_set_ca_file(struct conf_reader *r, const struct conf_setting *setting)
{
	set_folder(r, &setting->values[0], PATH_TEXT_MAX - 1,
		   &r->conf->ca_file);
}

void conf_set_timeout(struct conf_reader *r, const struct conf_setting *setting)
{
	uint32_t seconds;

	if (duration(setting->values[0].text, &seconds) &&
	    seconds <= TIMEOUT_MAX_S)
		r->conf->timeout_s = seconds;
	else
		fail(r, &setting->values[0],
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
		fail(r, value,
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

		set_folder(r, &path, PATH_TEXT_MAX - 1,
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
	    (duration(text, &seconds) && seconds % 86400 == 0 &&
	     seconds <= GRACE_DAYS_MAX * 86400u))
		r->conf->grace_s = seconds;
	else
		fail(r, &setting->values[0],
		     "is no number of whole days up to 60d, such as 3d, nor 0 "
		     "for none");
}

void conf_set_floor(struct conf_reader *r, const struct conf_setting *setting)
{
	unsigned long number;

	if (number_of(r, &setting->values[0], 0, UINT32_MAX, " (addresses)",
		      &number))
		r->conf->floor = (uint32_t)number;
}

/* ---- exempt, deny ---- */

static struct conf_nets *nets_of(struct conf_reader *r,
				 const struct conf_setting *setting)
{
	return strcmp(setting->option->section, "exempt") == 0
		       ? &r->conf->exempt
		       : &r->conf->deny;
}

void conf_set_networks(struct conf_reader *r,
		       const struct conf_setting *setting)
{
	struct conf_nets *nets = nets_of(r, setting);

	for (size_t i = 0; i < setting->count; i++) {
		const struct conf_value *value = &setting->values[i];
		struct conf_net net = { .file = r->conf->path,
					.line = value->line };
		struct error err;

		if (!range_parse(value->text, strlen(value->text), &net.range,
				 &err)) {
			conf_fail(r, r->path, value->line, "%s", err.text);
			continue;
		}
		net.note = conf_text_note(r->text, value->line);
		if (!conf_nets_add(r, nets, &net))
			return;
	}
}

/* glob() asks whether to stop: not for a folder that is not there. */
static int unreadable(const char *path, int sys_errno)
{
	(void)path;
	return sys_errno != ENOENT && sys_errno != ENOTDIR;
}

/* A pattern that matches nothing is an empty folder; a name without a pattern
 * that is not there is a mistake. */
static void read_pattern(struct conf_reader *r, struct conf_nets *nets,
			 const struct conf_value *value)
{
	bool pattern = strpbrk(value->text, "*?[") != NULL;
	glob_t found = { 0 };
	int rc;

	if (value->text[0] != '/') {
		fail(r, value, "is no absolute path; it begins with \"/\"");
		return;
	}
	if (!pattern) {
		conf_nets_file(r, nets, value->text);
		return;
	}
	rc = glob(value->text, 0, unreadable, &found);
	if (rc != 0 && rc != GLOB_NOMATCH)
		fail(r, value, "names a folder that cannot be read");
	else if (found.gl_pathc > LIST_FILES_MAX)
		conf_fail(r, r->path, value->line,
			  "\"%.80s\" matches %zu files; at most %d are read",
			  value->text, found.gl_pathc, LIST_FILES_MAX);
	else
		for (size_t i = 0; i < found.gl_pathc; i++)
			conf_nets_file(r, nets, found.gl_pathv[i]);
	globfree(&found);
}

void conf_set_files(struct conf_reader *r, const struct conf_setting *setting)
{
	struct conf_nets *nets = nets_of(r, setting);

	for (size_t i = 0; i < setting->count; i++)
		read_pattern(r, nets, &setting->values[i]);
	if (setting->count > 0 && !nets->pattern)
		copy(r, &nets->pattern, setting->values[0].text);
}

void conf_bool(struct conf_reader *r, const struct conf_setting *setting,
	       bool *out)
{
	static const char *const words[] = { "false", "no",  "off",
					     "true",  "yes", "on" };
	int found = words_find(words, LENGTH(words), setting->values[0].text);

	if (found < 0)
		fail(r, &setting->values[0], "is neither true nor false");
	else
		*out = found >= 3;
}

void conf_set_private(struct conf_reader *r, const struct conf_setting *setting)
{
	conf_bool(r, setting, &r->conf->exempt_private);
}

void conf_set_deny_action(struct conf_reader *r,
			  const struct conf_setting *setting)
{
	static const char *const words[] = { "reset", "drop" };
	int found = word_of(r, setting, words, LENGTH(words));

	if (found >= 0)
		r->conf->policy.deny_action =
			found == 0 ? ACTION_RESET : ACTION_DROP;
}
