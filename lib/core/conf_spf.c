// SPDX-License-Identifier: GPL-2.0-or-later
/* exempt.spf: which domains, and what their SPF last said.
 *
 * Names are looked up by geoblock-sync alone; whoever else reads the configuration
 * takes the answers that it left in the state folder, so that a verdict never
 * waits for the DNS.  Only domains that are still in the configuration count. */
#include "conf_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the option ---- */

static bool add_domain(struct conf *conf, const char *domain)
{
	char **grown;

	for (size_t i = 0; i < conf->spf_domain_count; i++)
		if (strcmp(conf->spf_domains[i], domain) == 0)
			return true;
	grown = reallocarray(conf->spf_domains, conf->spf_domain_count + 1,
			     sizeof(*grown));
	if (!grown)
		return false;
	conf->spf_domains = grown;
	grown[conf->spf_domain_count] = strdup(domain);
	if (!grown[conf->spf_domain_count])
		return false;
	conf->spf_domain_count++;
	return true;
}

static bool add_word(struct conf *conf, const char *word, unsigned line,
		     const struct spf_provider *provider)
{
	struct conf_spf *grown =
		reallocarray(conf->spf, conf->spf_count + 1, sizeof(*grown));

	if (!grown)
		return false;
	conf->spf = grown;
	grown += conf->spf_count;
	grown->word = strdup(word);
	grown->line = line;
	grown->provider = provider;
	if (!grown->word)
		return false;
	conf->spf_count++;
	return true;
}

static bool say_unknown(struct conf_reader *r, const struct conf_value *value)
{
	const char *near = spf_provider_nearest(value->text);

	if (near)
		return conf_fail(r, r->path, value->line,
				 "provider \"%.80s\" is not known; did you "
				 "mean \"%s\"?",
				 value->text, near);
	return conf_fail(r, r->path, value->line,
			 "provider \"%.80s\" is not known (geoblock.conf(5) "
			 "lists them); write the domain whose SPF has its "
			 "networks, such as \"_spf.example.com\"",
			 value->text);
}

static bool set_word(struct conf_reader *r, const struct conf_value *value)
{
	const struct spf_provider *provider = spf_provider_find(value->text);
	char domain[SPF_DOMAIN_MAX];
	bool ok = true;

	if (!provider && !strchr(value->text, '.'))
		return say_unknown(r, value);
	if (!provider &&
	    !spf_domain(value->text, strlen(value->text), domain, NULL))
		return conf_fail(r, r->path, value->line,
				 "\"%.80s\" is no domain name; one with other "
				 "letters than a to z is written as xn--…",
				 value->text);
	for (size_t i = 0; ok && provider && provider->domains[i]; i++)
		ok = add_domain(r->conf, provider->domains[i]);
	if (!provider)
		ok = add_domain(r->conf, domain);
	ok = ok && add_word(r->conf, provider ? provider->name : domain,
			    value->line, provider);
	return ok || conf_no_memory(r);
}

void conf_set_spf(struct conf_reader *r, const struct conf_setting *setting)
{
	for (size_t i = 0; i < setting->count; i++) {
		if (r->conf->spf_domain_count > SPF_DOMAINS_MAX - 2) {
			conf_fail(r, r->path, setting->values[i].line,
				  "more than %d domains", SPF_DOMAINS_MAX - 2);
			return;
		}
		set_word(r, &setting->values[i]);
	}
}

/* ---- the answers ---- */

/* Those in exempt that came from answers. */
static void drop_nets(struct conf_nets *nets)
{
	size_t kept = 0;

	for (size_t i = 0; i < nets->count; i++)
		if (nets->nets[i].spf)
			free((char *)(uintptr_t)nets->nets[i].note);
		else
			nets->nets[kept++] = nets->nets[i];
	nets->count = kept;
}

/* "example.com → _spf.example.com → ip4:192.0.2.0/24"; what the term does not say
 * itself is behind it. */
static char *net_note(const char *domain, const struct spf_net *net)
{
	bool direct = strcmp(domain, net->via) == 0;
	const char *term = net->term[0] == '+' ? net->term + 1 : net->term;
	char range[RANGE_TEXT_MAX], *note;
	bool said;

	range_format(&net->range, range);
	said = strncmp(term, "ip", 2) == 0 &&
	       strcmp(term + strcspn(term, ":") + 1, range) == 0;
	if (asprintf(&note, "%s → %s%s%s%s%s", domain, direct ? "" : net->via,
		     direct ? "" : " → ", term, said ? "" : " = ",
		     said ? "" : range) < 0)
		return NULL;
	return note;
}

static bool add_nets(struct conf *conf, const char *domain,
		     const struct spf_nets *from, struct error *err)
{
	struct conf_nets *nets = &conf->exempt;
	size_t room = nets->count + from->count;
	struct conf_net *grown =
		reallocarray(nets->nets, room ? room : 1, sizeof(*grown));

	if (!grown)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	nets->nets = grown;
	nets->room = room ? room : 1;
	for (size_t i = 0; i < from->count; i++) {
		struct conf_net net = { .range = from->nets[i].range,
					.file = conf->spf_path,
					.spf = domain };

		net.note = net_note(domain, &from->nets[i]);
		if (!net.note)
			return error_set(err, ERROR_LIMIT, 0, "out of memory");
		nets->nets[nets->count++] = net;
	}
	return true;
}

/* The set of all networks that are exempt now. */
static bool build_set(struct conf_nets *nets, struct error *err)
{
	bool ok = true;

	iset_clear(&nets->set);
	for (size_t i = 0; ok && i < nets->count; i++)
		ok = iset_add(&nets->set, &nets->nets[i].range, err);
	return ok && iset_normalise(&nets->set, err);
}

bool conf_take_spf(struct conf *conf, struct spf_store *answers,
		   struct error *err)
{
	bool ok = true;

	drop_nets(&conf->exempt);
	spf_store_clear(&conf->spf_answers);
	conf->spf_answers = *answers;
	memset(answers, 0, sizeof(*answers));
	for (size_t i = 0; ok && i < conf->spf_domain_count; i++) {
		const struct spf_entry *entry = spf_store_find(
			&conf->spf_answers, conf->spf_domains[i]);

		if (entry)
			ok = add_nets(conf, conf->spf_domains[i], &entry->nets,
				      err);
	}
	if (!ok)
		drop_nets(&conf->exempt);
	return build_set(&conf->exempt, ok ? err : NULL) && ok;
}

void conf_spf_load(struct conf_reader *r)
{
	struct error err = { 0 };
	struct conf_reader quiet = { .err = &err };
	struct spf_store answers = { 0 };
	struct conf_text text = { 0 };
	struct conf *conf = r->conf;

	if (conf->spf_domain_count == 0)
		return;
	if (asprintf(&conf->spf_path, "%s/%s", conf->state_dir,
		     SPF_STORE_NAME) < 0) {
		conf->spf_path = NULL;
		conf_no_memory(r);
		return;
	}
	quiet.path = conf->spf_path;
	if (stat(conf->spf_path, &conf->spf_file) != 0)
		memset(&conf->spf_file, 0, sizeof(conf->spf_file));
	if (conf_text_load(&quiet, conf->spf_path, SPF_STORE_BYTES, &text) &&
	    !spf_store_read(text.data, text.len, &answers, &err))
		error_wrap(&err, "%s", conf->spf_path);
	conf_text_clear(&text);
	if (err.kind == ERROR_NONE && !conf_take_spf(conf, &answers, &err))
		conf_no_memory(r);
	else if (err.kind != ERROR_NONE && err.sys_errno != ENOENT)
		conf->spf_problem = strdup(err.text);
}

void conf_spf_clear(struct conf *conf)
{
	for (size_t i = 0; i < conf->spf_count; i++)
		free(conf->spf[i].word);
	for (size_t i = 0; i < conf->spf_domain_count; i++)
		free(conf->spf_domains[i]);
	free(conf->spf);
	free(conf->spf_domains);
	free(conf->spf_path);
	free(conf->spf_problem);
	spf_store_clear(&conf->spf_answers);
}
