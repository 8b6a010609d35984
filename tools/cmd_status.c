// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock status: how geoblockd is, geoblock-policyd where it runs, and the data
 * that they and the kernel go by.  The latter is read here, so that it is also told
 * where no daemon runs. */
#include <stdio.h>
#include <string.h>

#include <geoblock/log.h>

#include "tools/cmd.h"
#include "tools/tool.h"
#include "tools/tool_control.h"
#include "tools/tool_data.h"
#include "tools/tool_options.h"

static const char help[] =
	"usage: geoblock status [OPTION…]\n"
	"\n"
	"  --json          the whole of it, as one JSON object\n"
	"  --config FILE   instead of " CONF_DEFAULT_PATH "\n"
	"  --help          this text\n"
	"\n"
	"The country data at hand, and how the last sync came by it, is told "
	"also where\n"
	"geoblockd does not run.\n"
	"\n"
	"Exit status: 0 geoblockd runs, 2 usage or configuration error, 3 it "
	"does not\n"
	"run, or may not be asked.\n";

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

/* What mail programs asked, by protocol. */
static void print_asked(json_t *asked)
{
	const char *protocol;
	json_t *row;

	json_object_foreach(asked, protocol, row)
	{
		printf("%-10s%lld found, %lld unknown, %lld bad", protocol,
		       number(row, "found"), number(row, "unknown"),
		       number(row, "bad"));
		if (json_object_get(row, "clients"))
			printf("; %lld clients", number(row, "clients"));
		puts("");
	}
}

static void print(const json_t *o)
{
	const json_t *image = json_object_get(o, "image");
	const json_t *hosts = json_object_get(o, "hosts");
	const json_t *reload = json_object_get(o, "reload");
	json_t *queue, *alike;
	const char *family;
	size_t i;

	printf("geoblockd %s, process %lld, since %s\n", tool_get(o, "version"),
	       number(o, "pid"), tool_get(o, "started"));
	printf("mode      %s; %s of %s\n", tool_get(o, "mode"),
	       tool_get(o, "config"), tool_get(o, "loaded"));
	if (json_is_object(image))
		printf("data      of %s, %lld IPv4 and %lld IPv6 ranges\n",
		       tool_get(image, "built"), number(image, "ranges4"),
		       number(image, "ranges6"));
	else
		puts("data      none: nothing is enforced; run geoblock-sync");
	printf("table     inet %s, put right %lld times\n",
	       tool_get(o, "table"), number(o, "healed"));
	json_array_foreach(json_object_get(o, "queues"), i, queue)
		print_queue(queue);
	print_counts("verdicts", json_object_get(o, "verdicts"));
	print_counts("kernel", json_object_get(o, "kernel"));
	if (json_object_size(json_object_get(o, "not_judged")) > 0)
		print_counts("passed by", json_object_get(o, "not_judged"));
	json_object_foreach(json_object_get(o, "alike"), family, alike)
		printf("alike     %s: all senders since %s; nobody is judged "
		       "by system\n",
		       family, tool_get(alike, "since"));
	printf("hosts     %lld remembered of %lld, %lld forgotten\n",
	       number(hosts, "remembered"), number(hosts, "room"),
	       number(hosts, "evicted"));
	print_asked(json_object_get(o, "asked"));
	if (reload)
		printf("reload    %s: %s\n", tool_get(reload, "time"),
		       tool_get(reload, "text"));
}

static void print_policyd(const json_t *o)
{
	const json_t *clients = json_object_get(o, "clients");
	const json_t *delays = json_object_get(o, "delays");
	const json_t *reload = json_object_get(o, "reload");

	printf("geoblock-policyd %s, process %lld, since %s\n",
	       tool_get(o, "version"), number(o, "pid"),
	       tool_get(o, "started"));
	printf("mode      %s; %s of %s%s\n", tool_get(o, "mode"),
	       tool_get(o, "config"), tool_get(o, "loaded"),
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
		printf("reload    %s: %s\n", tool_get(reload, "time"),
		       tool_get(reload, "text"));
}

/* "2 days old"; a date that is still to come is no age. */
static void print_age(const json_t *source)
{
	long long days = number(source, "age") / 86400;

	if (!json_object_get(source, "date"))
		fputs("of unknown date", stdout);
	else if (number(source, "age") < 0)
		printf("of %s, which is still to come",
		       tool_get(source, "date"));
	else
		printf("of %s, %lld day%s old", tool_get(source, "date"), days,
		       days == 1 ? "" : "s");
}

static void print_source(const json_t *source)
{
	const char *name = tool_get(source, "registry");

	if (!json_object_get(source, "kind")) { /* a file that was refused */
		printf("          %s: %s\n", tool_get(source, "result"),
		       tool_get(source, "why"));
		return;
	}
	if (name[0] == '-')
		name = json_is_true(json_object_get(source, "second"))
			       ? "second"
			       : tool_get(source, "kind");
	printf("%-10s", name);
	print_age(source);
	if (json_is_true(json_object_get(source, "old")))
		fputs(" (older than max-age)", stdout);
	printf(", %lld records", number(source, "records"));
	if (json_object_get(source, "result"))
		printf(", %s", tool_get(source, "result"));
	if (json_object_get(source, "why"))
		printf(" (%s)", tool_get(source, "why"));
	putchar('\n');
}

/* "spf       _spf.example.com: 12 networks, kept from 2026-01-31T…: SERVFAIL" */
static void print_spf(const json_t *o)
{
	printf("spf       %s: %lld networks", tool_get(o, "domain"),
	       number(o, "networks"));
	if (json_object_get(o, "answered") && json_object_get(o, "why"))
		printf(", kept from %s: %s", tool_get(o, "answered"),
		       tool_get(o, "why"));
	else if (json_object_get(o, "why"))
		printf(": %s", tool_get(o, "why"));
	putchar('\n');
}

static void print_data(const json_t *o)
{
	const json_t *sync = json_object_get(o, "last_sync");
	const json_t *fleet = json_object_get(sync, "fleet");
	const json_t *sources = json_object_get(o, "sources");
	json_t *source;
	size_t i;

	if (json_object_get(o, "image_problem"))
		printf("image     %s\n", tool_get(o, "image_problem"));
	json_array_foreach(sources, i, source) print_source(source);
	if (json_object_get(o, "confirm"))
		printf("confirm   the new sets are on trial until %s; geoblock "
		       "confirm keeps them\n",
		       tool_get(json_object_get(o, "confirm"), "until"));
	if (!sync)
		return;
	printf("last sync %s: %s", tool_get(sync, "time"),
	       tool_get(sync, "result"));
	if (json_object_get(sync, "problem"))
		printf(" (exit status %lld): %s", number(sync, "exit"),
		       tool_get(sync, "problem"));
	putchar('\n');
	if (fleet)
		printf("fleet     %s: %s, signed %s\n", tool_get(fleet, "url"),
		       tool_get(fleet, "result"), tool_get(fleet, "signed"));
	json_array_foreach(json_object_get(sync, "spf"), i, source)
		print_spf(source);
}

/* Without a daemon; NULL takes the place of its answer. */
static json_t *without_daemon(const char *problem)
{
	return json_pack("{s:b, s:s}", "running", false, "problem", problem);
}

int cmd_status(int argc, char **argv)
{
	bool json = false;
	const struct tool_command command = { .name = "geoblock status",
					      .help = help,
					      .config = &cmd_config,
					      .json = &json };
	struct error err = { 0 };
	json_t *answer, *policyd;
	struct conf *conf;
	int status;

	conf = tool_options_conf(&command, argc, argv, &status);
	if (!conf)
		return status;
	status = STATUS_OK;
	answer = tool_control_ask_both(conf, "status", &policyd, &err);
	if (answer) {
		json_object_set_new(answer, "running", json_true());
	} else {
		log_err("%s", err.text);
		status = STATUS_UNABLE;
		answer = without_daemon(err.text);
	}
	if (policyd)
		json_object_set_new(answer, "policyd", policyd);
	tool_data_json(answer, conf);
	conf_free(conf);
	if (json)
		return tool_json_line(answer) && tool_flush() ? status
							      : STATUS_UNABLE;
	if (status == STATUS_OK)
		print(answer);
	if (policyd) /* beside a geoblockd that does not run, too */
		print_policyd(policyd);
	print_data(answer);
	json_decref(answer);
	return tool_flush() ? status : STATUS_UNABLE;
}
