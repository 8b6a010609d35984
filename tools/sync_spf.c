// SPDX-License-Identifier: GPL-2.0-or-later
/* exempt.spf in a run.  A domain whose answers cannot be had keeps its last ones,
 * however old: an exemption that goes away because a name server slept would
 * refuse the mail of a whole provider. */
#include "tools/sync_spf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- old and new answers ---- */

static bool has_note(const struct spf_entry *entry, const char *note)
{
	for (size_t i = 0; entry && i < entry->nets.note_count; i++)
		if (strcmp(entry->nets.notes[i], note) == 0)
			return true;
	return false;
}

/* What is passed over is said when it is news. */
static void say_notes(struct sync *s, const struct spf_entry *before,
		      const struct spf_entry *now)
{
	for (size_t i = 0; i < now->nets.note_count; i++)
		if (!has_note(before, now->nets.notes[i]))
			sync_warn(s, "exempt.spf: %s", now->nets.notes[i]);
}

static void say_kept(struct sync *s, const struct spf_entry *entry)
{
	long long days = (long long)(entry->asked - entry->answered) / 86400;
	char date[TOOL_TIME_MAX];

	if (entry->answered == 0)
		sync_fail(s,
			  "exempt.spf: %s: %s; there are no earlier answers, "
			  "so nothing of it is exempt",
			  entry->domain, entry->failed);
	else
		sync_warn(s,
			  "exempt.spf: %s: %s; its %zu networks of %s are kept "
			  "(%lld days old)",
			  entry->domain, entry->failed, entry->nets.count,
			  tool_time(entry->answered, date), days);
}

static bool copy_nets(struct spf_nets *to, const struct spf_nets *from,
		      struct error *err)
{
	bool ok = true;

	for (size_t i = 0; ok && i < from->count; i++) {
		const struct spf_net *net = &from->nets[i];

		ok = spf_nets_add(to, &net->range, net->via, net->term,
				  strlen(net->term), err);
	}
	for (size_t i = 0; i < from->note_count; i++)
		spf_nets_note(to, "%s", from->notes[i]);
	return ok;
}

/* The entry of a domain in the new store: what was answered now, or else what was
 * answered last. */
static bool merge(struct sync *s, struct spf_store *out, struct spf_store *got,
		  const char *domain, const char *why)
{
	const struct spf_entry *old =
		spf_store_find(&s->conf->spf_answers, domain);
	struct spf_entry *now = spf_store_find(got, domain);
	struct error err = { 0 };
	struct spf_entry *entry = spf_store_add(out, domain, &err);

	if (!entry)
		return sync_fail(s, "exempt.spf: %s", err.text);
	entry->asked = (uint64_t)time(NULL);
	if (now && !now->failed) {
		entry->answered = entry->asked;
		entry->nets = now->nets;
		memset(&now->nets, 0, sizeof(now->nets));
		say_notes(s, old, entry);
		return true;
	}
	entry->failed = strdup(now ? now->failed : why);
	if (!entry->failed)
		return sync_fail(s, "exempt.spf: out of memory");
	if (old && !copy_nets(&entry->nets, &old->nets, &err))
		return sync_fail(s, "exempt.spf: %s", err.text);
	if (old)
		entry->answered = old->answered;
	if (entry->answered > entry->asked) /* the clock was set back */
		entry->answered = entry->asked;
	say_kept(s, entry);
	return true;
}

/* ---- the run ---- */

static bool store(struct sync *s, const struct spf_store *answers)
{
	size_t len = 0;
	char *text = spf_store_text(answers, &len);
	struct error err = { 0 };
	bool ok;

	if (!text)
		return sync_fail(s, "exempt.spf: out of memory");
	ok = tool_write(s->conf->state_dir, SPF_STORE_NAME, text, len, &err) ||
	     sync_fail(s, "exempt.spf: %s; the last answers stay", err.text);
	free(text);
	return ok;
}

static void say_offline(struct sync *s)
{
	const struct conf *conf = s->conf;

	for (size_t i = 0; i < conf->spf_domain_count; i++) {
		const struct spf_entry *entry = spf_store_find(
			&conf->spf_answers, conf->spf_domains[i]);

		if (!entry || entry->answered == 0)
			sync_warn(s,
				  "exempt.spf: %s was never looked up: nothing "
				  "of it is exempt; run geoblock-sync without "
				  "--offline",
				  conf->spf_domains[i]);
	}
}

/* Exempt in this run what the answers say. */
static void take(struct sync *s, struct spf_store *answers)
{
	uint8_t before[ISET_DIGEST_SIZE], now[ISET_DIGEST_SIZE];
	struct error err = { 0 };

	iset_digest(&s->conf->exempt.set, before);
	if (!conf_take_spf(s->conf, answers, &err))
		sync_fail(s, "exempt.spf: %s", err.text);
	iset_digest(&s->conf->exempt.set, now);
	s->spf_changed = memcmp(before, now, sizeof(now)) != 0;
}

/* They were read with the configuration, before this run had the lock: another one
 * may have been about to write them. */
static void reread(struct sync *s)
{
	struct conf *conf = s->conf;
	struct spf_store last = { 0 };
	struct error err = { 0 };
	size_t len;
	uint8_t *text = tool_read(conf->spf_path, SPF_STORE_BYTES, &len, NULL);

	if (text && spf_store_read((char *)text, len, &last, NULL) &&
	    !conf_take_spf(conf, &last, &err))
		sync_fail(s, "exempt.spf: %s", err.text);
	free(text);
}

void sync_spf(struct sync *s)
{
	struct spf_store got, next = { 0 };
	struct conf *conf = s->conf;
	struct error err = { 0 };
	bool ok = true;

	if (conf->spf_domain_count == 0)
		return;
	reread(s);
	if (s->offline) {
		say_offline(s);
		return;
	}
	if (!sync_spf_ask(conf, &got, &err))
		sync_warn(s, "exempt.spf: %s", err.text);
	for (size_t i = 0; ok && i < conf->spf_domain_count; i++)
		ok = merge(s, &next, &got, conf->spf_domains[i],
			   err.kind != ERROR_NONE ? err.text : "not asked");
	if (ok && !s->dry_run)
		ok = store(s, &next);
	if (ok)
		take(s, &next);
	spf_store_clear(&next);
	spf_store_clear(&got);
}

/* ---- what is said ---- */

static const char *result(const struct spf_entry *entry)
{
	if (!entry || entry->answered == 0)
		return "none";
	return entry->failed ? "kept" : "read";
}

static json_t *entry_json(const char *domain, const struct spf_entry *entry)
{
	json_t *o = json_object(), *notes;
	char time[TOOL_TIME_MAX];

	tool_put(o, "domain", domain);
	tool_put(o, "result", result(entry));
	json_object_set_new(
		o, "networks",
		json_integer(entry ? (json_int_t)entry->nets.count : 0));
	if (!entry)
		return o;
	if (entry->answered)
		tool_put(o, "answered", tool_time(entry->answered, time));
	tool_put(o, "asked", tool_time(entry->asked, time));
	tool_put(o, "why", entry->failed);
	if (entry->nets.note_count == 0)
		return o;
	notes = json_array();
	for (size_t i = 0; i < entry->nets.note_count; i++)
		json_array_append_new(notes, json_string(entry->nets.notes[i]));
	json_object_set_new(o, "notes", notes);
	return o;
}

json_t *sync_spf_json(const struct sync *s)
{
	const struct conf *conf = s->conf;
	json_t *list = json_array();

	for (size_t i = 0; i < conf->spf_domain_count; i++)
		json_array_append_new(
			list, entry_json(conf->spf_domains[i],
					 spf_store_find(&conf->spf_answers,
							conf->spf_domains[i])));
	return list;
}

void sync_spf_print(const struct sync *s)
{
	const struct conf *conf = s->conf;

	for (size_t i = 0; i < conf->spf_domain_count; i++) {
		const char *domain = conf->spf_domains[i];
		const struct spf_entry *entry =
			spf_store_find(&conf->spf_answers, domain);
		char time[TOOL_TIME_MAX];

		printf("%-9s %s: %zu networks", "spf", domain,
		       entry ? entry->nets.count : 0);
		if (entry && entry->failed && entry->answered)
			printf(" (kept from %s)",
			       tool_time(entry->answered, time));
		putchar('\n');
		for (size_t n = 0;
		     entry && s->verbose && n < entry->nets.note_count; n++)
			printf("%-9s   passed over: %s\n", "",
			       entry->nets.notes[n]);
	}
}
