// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock replay: what this policy does with each SYN of a capture, without any
 * kernel: judge_syn(), the way the daemon goes, on the packets of a file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <geoblock/judge.h>
#include <geoblock/log.h>

#include "tools/cmd.h"
#include "tools/tool.h"
#include "tools/tool_options.h"
#include "tools/tool_pcap.h"
#include "tools/tool_signatures.h"

#define NAME "geoblock replay"

static const char help[] =
	"usage: geoblock replay [OPTION…] PCAP…\n"
	"\n"
	"  --json          one JSON object a line\n"
	"  --summary       counts only\n"
	"  --any-port      SYNs to other ports than those configured, too\n"
	"  --config FILE   instead of " CONF_DEFAULT_PATH "\n"
	"  --help          this text\n"
	"\n"
	"PCAP is a pcap or pcapng file, \"-\" is standard input.  Rules on "
	"reverse DNS\n"
	"take no part: a capture does not tell it.\n"
	"Exit status: 0 every capture was read, 2 usage or configuration "
	"error, 3 one\n"
	"could not be read, or there is no country data.\n";

struct replay {
	struct conf *conf;
	struct image *image;
	struct signatures *signatures;
	struct judge judge;
	bool json, summary, any_port, failed;
	uint64_t actions[ACTION_COUNT];
	uint64_t syns, other_ports;
};

static bool has_port(const struct conf *conf, uint16_t port)
{
	for (size_t i = 0; i < conf->port_count; i++)
		if (conf->ports[i] == port)
			return true;
	return false;
}

static json_t *to_json(const struct replay *r, const struct packet *syn,
		       const struct judgement *j, const char *when)
{
	const struct fingerprint *f = &j->fingerprint;
	struct addr to = packet_destination(syn);
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX], country[3];
	json_t *o = json_pack("{s:s, s:s, s:s, s:i, s:i}", "time", when, "src",
			      addr_format(&j->source, src), "dst",
			      addr_format(&to, dst), "sport", syn->sport,
			      "dport", syn->dport);

	if (j->country)
		json_object_set_new(
			o, "country",
			json_string(country_text(j->country, country)));
	json_object_set_new(o, "os", json_string(os_class_name(f->class)));
	json_object_set_new(o, "confidence", json_integer(f->confidence));
	if (f->signature)
		json_object_set_new(o, "signature",
				    json_string(f->signature->text));
	json_object_set_new(o, "verdict",
			    json_string(action_name(j->verdict.action)));
	json_object_set_new(
		o, "rule",
		json_string(rule_title(&r->conf->policy, j->verdict.rule)));
	json_object_set_new(o, "stage",
			    json_string(stage_name(j->verdict.stage)));
	return o;
}

static void print_text(const struct replay *r, const struct packet *syn,
		       const struct judgement *j, const char *when)
{
	char src[ADDR_TEXT_MAX], country[3];

	printf("%s %-8s %s:%u %s %s/%u \"%s\" (%s)\n", when,
	       action_name(j->verdict.action), addr_format(&j->source, src),
	       syn->sport, country_text(j->country, country),
	       os_class_name(j->fingerprint.class), j->fingerprint.confidence,
	       rule_title(&r->conf->policy, j->verdict.rule),
	       stage_name(j->verdict.stage));
}

static void on_packet(void *ctx, const uint8_t *data, size_t len,
		      int64_t seconds, uint32_t microseconds)
{
	struct replay *r = ctx;
	struct judgement judgement;
	struct packet syn;
	char when[TOOL_TIME_MAX];

	(void)microseconds;
	if (packet_parse(data, len, &syn) != PACKET_OK || !packet_is_syn(&syn))
		return;
	if (!r->any_port && !has_port(r->conf, syn.dport)) {
		r->other_ports++;
		return;
	}
	r->syns++;
	judge_syn(&r->judge, &syn, &judgement);
	r->actions[judgement.verdict.action]++;
	if (r->summary || r->failed)
		return;
	tool_time(seconds > 0 ? (uint64_t)seconds : 0, when);
	if (!r->json)
		print_text(r, &syn, &judgement, when);
	else if (!tool_json_line(to_json(r, &syn, &judgement, when)))
		r->failed = true;
}

static bool print_summary(const struct replay *r)
{
	json_t *o;

	if (!r->json) {
		for (int i = 0; i < ACTION_COUNT; i++)
			printf("%-10s %10llu\n", action_name((enum action)i),
			       (unsigned long long)r->actions[i]);
		printf("%-10s %10llu\n", "SYNs", (unsigned long long)r->syns);
		return true;
	}
	o = json_object();
	for (int i = 0; i < ACTION_COUNT; i++)
		json_object_set_new(o, action_name((enum action)i),
				    json_integer((json_int_t)r->actions[i]));
	json_object_set_new(o, "syns", json_integer((json_int_t)r->syns));
	json_object_set_new(o, "other_ports",
			    json_integer((json_int_t)r->other_ports));
	return tool_json_line(o);
}

static int run(struct replay *r, char **paths)
{
	int status = STATUS_OK;

	for (; *paths; paths++) {
		struct pcap_counts counts = { 0 };
		struct error err = { 0 };

		if (!pcap_read_file(*paths, on_packet, r, &counts, &err)) {
			log_err("%s", err.text);
			status = STATUS_UNABLE;
		}
	}
	if (r->summary && !print_summary(r))
		r->failed = true;
	if (!tool_flush() || r->failed)
		return STATUS_UNABLE;
	if (r->syns == 0 && r->other_ports > 0)
		log_warn("no SYN to the ports configured, but %llu to others; "
			 "--any-port judges them",
			 (unsigned long long)r->other_ports);
	return status;
}

static bool load(struct replay *r)
{
	struct error err = { 0 };

	r->image = tool_image(r->conf, IMAGE_CHECK_ALL);
	if (!r->image)
		return false;
	if (!tool_signatures(&r->signatures, &err)) {
		log_err("%s", err.text);
		return false;
	}
	r->judge = (struct judge){ .policy = &r->conf->policy,
				   .image = r->image,
				   .signatures = r->signatures,
				   .exempt = &r->conf->exempt.set,
				   .deny = &r->conf->deny.set };
	return true;
}

int cmd_replay(int argc, char **argv)
{
	struct replay r = { 0 };
	const struct tool_command command = {
		.name = NAME,
		.help = help,
		.config = &cmd_config,
		.json = &r.json,
		.arguments = true,
		.options = { { "summary", .flag = &r.summary },
			     { "any-port", .flag = &r.any_port } },
	};
	int status = tool_options(&command, argc, argv);

	if (status != -1)
		return status;
	if (optind == argc)
		return tool_usage(NAME, "which capture?");
	r.conf = tool_conf(cmd_config);
	if (!r.conf)
		return STATUS_USAGE;
	status = load(&r) ? run(&r, argv + optind) : STATUS_UNABLE;
	signatures_free(r.signatures);
	image_close(r.image);
	conf_free(r.conf);
	return status;
}
