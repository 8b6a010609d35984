// SPDX-License-Identifier: GPL-2.0-or-later
/* check --json: the same for programs.  Keys are stable; what is not set is
 * absent. */
#include <stdio.h>
#include <string.h>

#include "tools/cmd_check.h"
#include "tools/tool.h"

static void put_bool(json_t *o, const char *key, bool value)
{
	json_object_set_new(o, key, json_boolean(value));
}

static json_t *strings(char *const *text, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_string(text[i]));
	return array;
}

static json_t *codes(const struct country_set *set)
{
	json_t *array = json_array();
	char code[3];

	for (country_t cc = country_set_next(set, COUNTRY_NONE); cc;
	     cc = country_set_next(set, cc))
		json_array_append_new(array,
				      json_string(country_text(cc, code)));
	return array;
}

/* "country": "outside", or ["BR"]; "country_except": ["US"]; "unknown": true */
static void put_set(json_t *o, const struct check_set *set)
{
	if (set->word)
		tool_put(o, "country",
			 strcmp(set->word, "every country") == 0 ? "all"
								 : set->word);
	else
		json_object_set_new(o,
				    set->except ? "country_except" : "country",
				    codes(&set->codes));
	if (set->unknown)
		put_bool(o, "unknown", true);
}

static json_t *ports(const struct conf *conf)
{
	json_t *array = json_array();

	for (size_t i = 0; i < conf->port_count; i++)
		json_array_append_new(array, json_integer(conf->ports[i]));
	return array;
}

static json_t *groups(const struct conf *conf)
{
	json_t *array = json_array();

	for (size_t i = 0; i < conf->country_word_count; i++)
		for (const struct country_group *g = country_groups; g->name;
		     g++) {
			const char *word = conf->country_words[i];
			struct country_set set = { 0 };
			json_t *o;

			if (word[0] != '@' ||
			    strcasecmp(word + 1, g->name) != 0)
				continue;
			country_set_add_word(&set, word, NULL);
			o = json_object();
			tool_put(o, "name", g->name);
			tool_put(o, "title", g->title);
			tool_put(o, "source", g->source);
			json_object_set_new(o, "members", codes(&set));
			json_array_append_new(array, o);
		}
	return array;
}

static json_t *os_classes(const struct rule *rule)
{
	json_t *array = json_array();

	for (int i = 0; i < OS_CLASS_COUNT; i++)
		if (rule->os >> i & 1)
			json_array_append_new(
				array,
				json_string(os_class_name((enum os_class)i)));
	return array;
}

static json_t *rdns_classes(const struct rule *rule)
{
	json_t *array = json_array();

	for (int i = 0; i < RDNS_CLASS_COUNT; i++)
		if (rule->rdns >> i & 1)
			json_array_append_new(array,
					      json_string(rdns_class_name(
						      (enum rdns_class)i)));
	return array;
}

static json_t *rule_json(const struct conf *conf, size_t number)
{
	const struct rule *rule = &conf->policy.rules[number];
	struct check_set set =
		check_describe(&rule->country, &conf->policy.allowed);
	char counter[RULE_COUNTER_MAX];
	json_t *o = json_object();

	tool_put(o, "title", rule->title);
	tool_put(o, "action", action_name(rule->action));
	tool_put(o, "stage", stage_name(rule_stage(rule)));
	tool_put(o, "counter",
		 rule_counter(&conf->policy, (int)number, counter));
	if (rule->line)
		tool_put_number(o, "line", rule->line);
	if (rule->has_country)
		put_set(o, &set);
	if (rule->has_os)
		json_object_set_new(o, "os", os_classes(rule));
	if (rule->has_os || rule->has_confidence)
		tool_put_number(o, "min_confidence", rule->min_confidence);
	if (rule->has_rdns)
		json_object_set_new(o, "rdns", rdns_classes(rule));
	return o;
}

static json_t *rules(const struct conf *conf)
{
	json_t *array = json_array();

	for (size_t i = 0; i < conf->policy.rule_count; i++)
		json_array_append_new(array, rule_json(conf, i));
	return array;
}

static json_t *class_json(const struct conf *conf,
			  const struct verdict *verdict, bool needs_syn)
{
	json_t *o = json_object();

	tool_put(o, "rule", rule_title(&conf->policy, verdict->rule));
	tool_put(o, "action", action_name(verdict->action));
	put_bool(o, "needs_syn", needs_syn);
	return o;
}

static json_t *kernel(const struct conf *conf, const struct policy_split *split)
{
	json_t *o = json_object(), *classes = json_array();

	for (size_t i = 0; i < split->class_count; i++) {
		const struct policy_class *class = &split->classes[i];
		struct check_set set = check_describe(
			&class->countries, &(struct country_set){ 0 });
		json_t *one =
			class_json(conf, &class->verdict, class->needs_syn);

		put_set(one, &set);
		json_array_append_new(classes, one);
	}
	json_object_set_new(o, "classes", classes);
	json_object_set_new(
		o, "rest",
		class_json(conf, &split->rest, split->rest_needs_syn));
	return o;
}

static json_t *nets_json(const struct conf *conf, const struct conf_nets *nets)
{
	json_t *o = json_object(), *files = json_array();

	for (size_t i = 0; i < nets->file_count; i++) {
		json_t *file = json_object();

		tool_put(file, "path", nets->files[i]);
		tool_put_number(file, "networks",
				check_count(nets, nets->files[i]));
		json_array_append_new(files, file);
	}
	tool_put_number(o, "networks", nets->count);
	tool_put_number(o, "built_in", check_count(nets, NULL));
	tool_put_number(o, "in_configuration", check_count(nets, conf->path));
	json_object_set_new(o, "files", files);
	tool_put_number(o, "addresses4", iset_addresses4(&nets->set));
	tool_put_number(o, "networks6", iset_networks6(&nets->set));
	return o;
}

static json_t *domain_json(const struct conf *conf, const char *domain)
{
	const struct spf_entry *answer =
		spf_store_find(&conf->spf_answers, domain);
	json_t *o = json_object();
	char time[TOOL_TIME_MAX];

	tool_put(o, "domain", domain);
	if (!answer)
		return o;
	tool_put_number(o, "networks", answer->nets.count);
	if (answer->answered)
		tool_put(o, "answered", tool_time(answer->answered, time));
	tool_put(o, "why", answer->failed);
	json_object_set_new(
		o, "notes",
		strings(answer->nets.notes, answer->nets.note_count));
	return o;
}

static json_t *spf_json(const struct conf *conf)
{
	json_t *list = json_array();

	for (size_t i = 0; i < conf->spf_count; i++) {
		const struct conf_spf *spf = &conf->spf[i];
		json_t *o = json_object(), *domains = json_array();

		tool_put(o, "word", spf->word);
		tool_put(o, "provider",
			 spf->provider ? spf->provider->title : NULL);
		for (size_t d = 0; spf->provider && spf->provider->domains[d];
		     d++)
			json_array_append_new(
				domains,
				domain_json(conf, spf->provider->domains[d]));
		if (!spf->provider)
			json_array_append_new(domains,
					      domain_json(conf, spf->word));
		json_object_set_new(o, "domains", domains);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *dns_json(const struct conf *conf)
{
	json_t *list = json_array();
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < conf->dns_count; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:i}", "address",
					addr_format(&conf->dns[i].addr, text),
					"port", (int)conf->dns[i].port));
	return list;
}

static json_t *keys(const struct conf *conf)
{
	json_t *o = json_object();

	for (int i = 1; i < REGISTRY_COUNT; i++)
		tool_put(o, geo_registry_name((enum geo_registry)i),
			 conf->keys[i]);
	return o;
}

static json_t *image_keys_json(const struct conf *conf)
{
	json_t *list = json_array();
	char key[MANIFEST_KEY_TEXT];

	for (size_t i = 0; i < conf->image_key_count; i++)
		json_array_append_new(list,
				      json_string(manifest_key_text(
					      &conf->image_keys[i], key)));
	return list;
}

static json_t *geo(const struct conf *conf)
{
	json_t *o = json_object();

	tool_put(o, "source", geo_kind_name(conf->source));
	tool_put(o, "mmdb", conf->mmdb);
	json_object_set_new(o, "urls", strings(conf->urls, conf->url_count));
	tool_put(o, "ca_file", conf->ca_file);
	tool_put_number(o, "timeout", conf->timeout_s);
	json_object_set_new(o, "keys", keys(conf));
	if (conf->image_key_count > 0)
		json_object_set_new(o, "key", image_keys_json(conf));
	tool_put_number(o, "max_age", conf->max_age_s);
	tool_put(o, "agree", agree_name(conf->agree));
	tool_put_number(o, "max_shrink", conf->max_shrink);
	tool_put_number(o, "grace", conf->grace_s);
	tool_put_number(o, "floor", conf->floor);
	return o;
}

static json_t *countries(const struct conf *conf)
{
	struct country_set none = { 0 };
	struct check_set set = check_describe(&conf->policy.allowed, &none);
	json_t *o = json_object();

	json_object_set_new(
		o, "words",
		strings(conf->country_words, conf->country_word_count));
	put_set(o, &set);
	json_object_set_new(o, "groups", groups(conf));
	return o;
}

static void put_places(json_t *o, const struct conf *conf)
{
	char mark[16];

	snprintf(mark, sizeof(mark), "0x%x", conf->mark);
	tool_put(o, "state_dir", conf->state_dir);
	tool_put(o, "run_dir", conf->run_dir);
	tool_put(o, "table", conf->table);
	tool_put(o, "mark", mark);
	tool_put_number(o, "queue", conf->queue);
	tool_put_number(o, "queue_count", conf->queue_count);
	tool_put(o, "queue_fail", conf->queue_fail_closed ? "closed" : "open");
	tool_put_number(o, "nflog_group", conf->nflog_group);
	tool_put_number(o, "hosts", conf->hosts);
	tool_put_number(o, "alike_after", conf->alike_after_s);
	tool_put(o, "log_format", conf->log_json ? "json" : "text");
	tool_put(o, "user", conf->user);
	if (conf->dns_count > 0)
		json_object_set_new(o, "dns", dns_json(conf));
}

json_t *check_json(const struct conf *conf, const struct policy_split *split,
		   const struct check_notes *notes)
{
	json_t *o = json_object(), *deny = nets_json(conf, &conf->deny);
	json_t *exempt = nets_json(conf, &conf->exempt);

	if (conf->spf_count > 0)
		json_object_set_new(exempt, "spf", spf_json(conf));
	tool_put(deny, "action", action_name(conf->policy.deny_action));
	tool_put(o, "file", conf->path);
	put_bool(o, "ok", true);
	tool_put(o, "mode", conf->policy.audit ? "audit" : "enforce");
	json_object_set_new(o, "ports", ports(conf));
	json_object_set_new(o, "countries", countries(conf));
	tool_put(o, "contact", conf->contact);
	json_object_set_new(o, "geo", geo(conf));
	json_object_set_new(o, "exempt", exempt);
	json_object_set_new(o, "deny", deny);
	json_object_set_new(o, "rules", rules(conf));
	tool_put(o, "default", action_name(conf->policy.default_action));
	json_object_set_new(o, "kernel", kernel(conf, split));
	put_places(o, conf);
	check_services_json(o, conf);
	json_object_set_new(o, "notes", strings(notes->text, notes->count));
	return o;
}
