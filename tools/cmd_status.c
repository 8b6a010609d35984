// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock status: how geoblockd is, and geoblock-policyd where it runs. */
#include <stdio.h>
#include <string.h>

#include <geoblock/log.h>

#include "tools/cmd.h"
#include "tools/tool.h"
#include "tools/tool_control.h"

static const char help[] =
	"usage: geoblock status [OPTION…]\n"
	"\n"
	"  --json          the whole of it, as one JSON object\n"
	"  --config FILE   instead of " CONF_DEFAULT_PATH "\n"
	"  --help          this text\n"
	"\n"
	"Exit status: 0 geoblockd runs, 2 usage or configuration error, 3 it "
	"does not\n"
	"run, or may not be asked.\n";

static const char *text(const json_t *o, const char *key)
{
	const char *value = json_string_value(json_object_get(o, key));

	return value ? value : "-";
}

static long long number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

/* "accept 12, drop 3": those that are not 0. */
static void print_counts(const char *title, json_t *counts)
{
	const char *name, *between = "";
	json_t *value;

	printf("%-10s", title);
	json_object_foreach(counts, name, value)
	{
		if (json_integer_value(value) == 0)
			continue;
		printf("%s%s %lld", between, name,
		       (long long)json_integer_value(value));
		between = ", ";
	}
	puts(*between ? "" : "none");
}

static void print_queue(const json_t *queue)
{
	printf("queue %-4lld%lld SYNs, %lld waiting, %lld dropped, "
	       "%lld overruns\n",
	       number(queue, "number"), number(queue, "packets"),
	       number(queue, "waiting"),
	       number(queue, "dropped_full") + number(queue, "dropped_unsent"),
	       number(queue, "overruns"));
}

static void print(const json_t *o)
{
	const json_t *image = json_object_get(o, "image");
	const json_t *hosts = json_object_get(o, "hosts");
	const json_t *reload = json_object_get(o, "reload");
	json_t *queue;
	size_t i;

	printf("geoblockd %s, process %lld, since %s\n", text(o, "version"),
	       number(o, "pid"), text(o, "started"));
	printf("mode      %s; %s of %s\n", text(o, "mode"), text(o, "config"),
	       text(o, "loaded"));
	if (json_is_object(image))
		printf("data      of %s, %lld IPv4 and %lld IPv6 ranges\n",
		       text(image, "built"), number(image, "ranges4"),
		       number(image, "ranges6"));
	else
		puts("data      none: nothing is enforced; run geoblock-sync");
	printf("table     inet %s, put right %lld times\n", text(o, "table"),
	       number(o, "healed"));
	json_array_foreach(json_object_get(o, "queues"), i, queue)
		print_queue(queue);
	print_counts("verdicts", json_object_get(o, "verdicts"));
	print_counts("kernel", json_object_get(o, "kernel"));
	if (json_object_size(json_object_get(o, "not_judged")) > 0)
		print_counts("passed by", json_object_get(o, "not_judged"));
	printf("hosts     %lld remembered of %lld, %lld forgotten\n",
	       number(hosts, "remembered"), number(hosts, "room"),
	       number(hosts, "evicted"));
	if (reload)
		printf("reload    %s: %s\n", text(reload, "time"),
		       text(reload, "text"));
}

static void print_policyd(const json_t *o)
{
	const json_t *clients = json_object_get(o, "clients");
	const json_t *delays = json_object_get(o, "delays");
	const json_t *reload = json_object_get(o, "reload");

	printf("geoblock-policyd %s, process %lld, since %s\n",
	       text(o, "version"), number(o, "pid"), text(o, "started"));
	printf("mode      %s; %s of %s%s\n", text(o, "mode"), text(o, "config"),
	       text(o, "loaded"),
	       json_is_true(json_object_get(o, "geoblockd"))
		       ? ""
		       : "; geoblockd does not answer, all pass");
	printf("requests  %lld on %lld connections, %lld us each\n",
	       number(o, "requests"), number(clients, "connections"),
	       number(delays, "mean_us"));
	print_counts("replies", json_object_get(o, "replies"));
	print_counts("verdicts", json_object_get(o, "verdicts"));
	print_counts("passed by", json_object_get(o, "not_judged"));
	print_counts("greylist", json_object_get(o, "greylist"));
	if (reload)
		printf("reload    %s: %s\n", text(reload, "time"),
		       text(reload, "text"));
}

int cmd_status(int argc, char **argv)
{
	struct tool_control_options options = { .name = "geoblock status",
						.help = help };
	struct error err = { 0 }, policyd_err = { 0 };
	json_t *answer, *policyd;
	struct conf *conf;
	int status;

	conf = tool_control_options(&options, cmd_config, argc, argv, &status);
	if (!conf)
		return status;
	answer = tool_control_ask(conf, json_pack("{s:s}", "command", "status"),
				  &err);
	policyd = tool_control_ask_policyd(
		conf, json_pack("{s:s}", "command", "status"), &policyd_err);
	conf_free(conf);
	if (!policyd && !tool_control_away(&policyd_err))
		log_warn("%s", policyd_err.text);
	if (!answer)
		log_err("%s", err.text);
	if (answer && policyd)
		json_object_set(answer, "policyd", policyd);
	if (options.json && answer)
		answer = tool_json_line(answer) ? json_object() : NULL;
	else if (answer)
		print(answer);
	/* beside one that does not run, too */
	if (policyd && !options.json)
		print_policyd(policyd);
	status = answer && tool_flush() ? STATUS_OK : STATUS_UNABLE;
	json_decref(answer);
	json_decref(policyd);
	return status;
}
