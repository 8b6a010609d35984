// SPDX-License-Identifier: GPL-2.0-or-later
/* The top level: one function an option, which checks what was written and takes
 * it.  None of them stops at a mistake: each says it and leaves the default. */
#include "conf_impl.h"

#include <stdlib.h>
#include <string.h>

#include <geoblock/words.h>

#include "nft_name.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

#define CONTACT_MAX   200 /* of a reply line's 512 bytes, RFC 5321 4.5.3.1.5 */
#define STATE_DIR_MAX 200 /* leaves room for file names in 256 */
#define RUN_DIR_MAX   86  /* leaves room for a socket's name in sun_path */
#define DNS_PORT      53

void conf_set_mode(struct conf_reader *r, const struct conf_setting *setting)
{
	static const char *const words[] = { "audit", "enforce" };
	int found = conf_word(r, setting, words, LENGTH(words));

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

		if (!conf_take_number(r, value, 1, 65535, "", &port))
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
			conf_refuse(r, value,
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
			conf_refuse(
				r, value,
				"is told to senders in an SMTP reply, which is "
				"plain ASCII");
			return;
		}
	conf_copy(r, &r->conf->contact, value->text);
}

void conf_set_default(struct conf_reader *r, const struct conf_setting *setting)
{
	conf_action(r, setting, &r->conf->policy.default_action);
}

void conf_set_state_dir(struct conf_reader *r,
			const struct conf_setting *setting)
{
	conf_path(r, &setting->values[0], STATE_DIR_MAX, &r->conf->state_dir);
}

void conf_set_run_dir(struct conf_reader *r, const struct conf_setting *setting)
{
	conf_path(r, &setting->values[0], RUN_DIR_MAX, &r->conf->run_dir);
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
		conf_refuse(r, value,
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
		conf_refuse(r, value,
			    "is no mask of 32 bits, such as 0x70000000");
		return;
	}
	run = mask >> __builtin_ctzl(mask);
	if ((run & (run + 1)) != 0 || run < 7) {
		conf_refuse(r, value,
			    "is not one run of three or more bits, such as "
			    "0x70000000");
		return;
	}
	r->conf->mark = (uint32_t)mask;
}

void conf_set_queue(struct conf_reader *r, const struct conf_setting *setting)
{
	unsigned long number;

	if (conf_take_number(r, &setting->values[0], 0, 65535, "", &number))
		r->conf->queue = (uint16_t)number;
}

void conf_set_nflog_group(struct conf_reader *r,
			  const struct conf_setting *setting)
{
	unsigned long number;

	if (conf_take_number(r, &setting->values[0], 0, 65535, "", &number))
		r->conf->nflog_group = (uint16_t)number;
}

void conf_set_dns(struct conf_reader *r, const struct conf_setting *setting)
{
	struct conf *conf = r->conf;

	conf->dns = calloc(CONF_DNS_MAX, sizeof(*conf->dns));
	if (!conf->dns) {
		conf_no_memory(r);
		return;
	}
	for (size_t i = 0; i < setting->count; i++) {
		const struct conf_value *value = &setting->values[i];

		if (conf->dns_count == CONF_DNS_MAX) {
			conf_fail(r, r->path, value->line,
				  "more than %d name servers", CONF_DNS_MAX);
			return;
		}
		if (conf_server_parse(value->text, DNS_PORT,
				      &conf->dns[conf->dns_count]))
			conf->dns_count++;
		else
			conf_fail(r, r->path, value->line,
				  "\"%.80s\" is no name server: an address, "
				  "with a port as in 127.0.0.1:53 or [::1]:53",
				  value->text);
	}
}

/* ---- geoblockd ---- */

#define QUEUES_MAX 64
#define HOSTS_MIN  1000
#define HOSTS_MAX  16000000

void conf_set_queue_count(struct conf_reader *r,
			  const struct conf_setting *setting)
{
	unsigned long number;

	if (conf_take_number(r, &setting->values[0], 1, QUEUES_MAX, "",
			     &number))
		r->conf->queue_count = (uint16_t)number;
}

void conf_set_queue_fail(struct conf_reader *r,
			 const struct conf_setting *setting)
{
	static const char *const words[] = { "open", "closed" };
	int found = conf_word(r, setting, words, LENGTH(words));

	if (found >= 0)
		r->conf->queue_fail_closed = found == 1;
}

void conf_set_hosts(struct conf_reader *r, const struct conf_setting *setting)
{
	unsigned long number;

	if (conf_take_number(r, &setting->values[0], HOSTS_MIN, HOSTS_MAX, "",
			     &number))
		r->conf->hosts = (uint32_t)number;
}

void conf_set_log_format(struct conf_reader *r,
			 const struct conf_setting *setting)
{
	static const char *const words[] = { "text", "json" };
	int found = conf_word(r, setting, words, LENGTH(words));

	if (found >= 0)
		r->conf->log_json = found == 1;
}

void conf_set_user(struct conf_reader *r, const struct conf_setting *setting)
{
	conf_account(r, &setting->values[0], "user", &r->conf->user);
}

void conf_set_alike_after(struct conf_reader *r,
			  const struct conf_setting *setting)
{
	const struct conf_value *value = &setting->values[0];

	if (strcmp(value->text, "never") == 0)
		r->conf->alike_after_s = 0;
	else if (!conf_duration_parse(value->text, &r->conf->alike_after_s))
		conf_refuse(r, value,
			    "is neither a duration from 1s to 3650d, such as "
			    "1h, nor "
			    "never");
}
