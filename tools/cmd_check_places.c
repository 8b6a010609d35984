// SPDX-License-Identifier: GPL-2.0-or-later
/* check -v: where the data come from, and what is kept where. */
#include <stdio.h>

#include "tools/cmd_check.h"
#include "tools/cmd_text.h"
#include "tools/tool.h"

static void print_list(const char **label, const char *file, size_t count)
{
	struct text text = { .used = 0 };

	text_add(&text, "%zu%c%s in %s", count, TEXT_KEEP,
		 count == 1 ? "network" : "networks", file);
	text_entry(*label, &text);
	*label = "";
}

static void print_lists(const char *label, const struct conf *conf,
			const struct conf_nets *nets)
{
	size_t here = check_count(nets, conf->path);

	if (here)
		print_list(&label, conf->path, here);
	for (size_t i = 0; i < nets->file_count; i++)
		print_list(&label, nets->files[i],
			   check_count(nets, nets->files[i]));
}

/* "_spf.example.com (12 networks of 2026-01-31T04:00:00Z)" */
static void add_domain(struct text *text, const struct conf *conf,
		       const char *domain)
{
	const struct spf_entry *answer =
		spf_store_find(&conf->spf_answers, domain);
	char time[TOOL_TIME_MAX];

	text_add(text, "%s ", domain);
	if (!answer || answer->answered == 0)
		text_add(text, "(no answer yet: run geoblock-sync)");
	else
		text_add(text, "(%zu network%s of %s%s%s)", answer->nets.count,
			 answer->nets.count == 1 ? "" : "s",
			 tool_time(answer->answered, time),
			 answer->failed ? "; since then " : "",
			 answer->failed ? answer->failed : "");
}

static void print_passed_over(const struct conf *conf, const char *domain)
{
	const struct spf_entry *answer =
		spf_store_find(&conf->spf_answers, domain);

	for (size_t i = 0; answer && i < answer->nets.note_count; i++) {
		struct text text = { .used = 0 };

		text_add(&text, "passed over: %s", answer->nets.notes[i]);
		text_entry("", &text);
	}
}

static void print_spf(const struct conf *conf)
{
	for (size_t i = 0; i < conf->spf_count; i++) {
		const struct conf_spf *spf = &conf->spf[i];
		const char *const *domains =
			spf->provider ? spf->provider->domains
				      : (const char *[]){ spf->word, NULL };
		struct text text = { .used = 0 };

		if (spf->provider)
			text_add(&text, "%s = %s: ", spf->word,
				 spf->provider->title);
		for (size_t d = 0; domains[d]; d++) {
			text_add(&text, "%s", d ? ", " : "");
			add_domain(&text, conf, domains[d]);
		}
		text_entry(i ? "" : "spf", &text);
		for (size_t d = 0; domains[d]; d++)
			print_passed_over(conf, domains[d]);
	}
	if (conf->spf_problem)
		text_line("", conf->spf_problem);
}

void check_places(const struct conf *conf)
{
	char text[80];

	printf("\n");
	text_line("source", geo_kind_name(conf->source));
	for (size_t i = 0; i < conf->url_count; i++)
		text_line(i ? "" : "urls", conf->urls[i]);
	for (size_t i = 0; i < conf->image_key_count; i++) {
		char key[MANIFEST_KEY_TEXT];

		text_line(i ? "" : "key",
			  manifest_key_text(&conf->image_keys[i], key));
	}
	if (conf->mmdb)
		text_line("mmdb", conf->mmdb);
	if (conf->agree != AGREE_FIRST)
		text_line("agree", agree_name(conf->agree));
	print_lists("exempt", conf, &conf->exempt);
	print_spf(conf);
	print_lists("deny", conf, &conf->deny);
	text_line("state-dir", conf->state_dir);
	text_line("run-dir", conf->run_dir);
	snprintf(text, sizeof(text), "inet %s, mark 0x%x", conf->table,
		 conf->mark);
	text_line("table", text);
}
