// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock greylist: what geoblock-policyd remembers of who came.  It answers in pages,
 * so that a long list holds up no mail; the pages are asked for one after the other. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <geoblock/log.h>

#include "tools/cmd.h"
#include "tools/tool.h"
#include "tools/tool_control.h"
#include "tools/tool_options.h"

#define NAME "geoblock greylist"

#define FORGET_MS 30000 /* without a sign of life of the store's disk */

static const char help[] =
	"usage: geoblock greylist list [OPTION…] [NETWORK|SENDER…]\n"
	"       geoblock greylist forget [OPTION…] NETWORK|SENDER…|all\n"
	"       geoblock greylist stats [OPTION…]\n"
	"\n"
	"  list       who was told to come again, who did, and which networks "
	"are known\n"
	"  forget     as if they had never come; with Redis, there as well\n"
	"  stats      how many, what was answered, how the store is\n"
	"\n"
	"SENDER is user@example.com, @example.com for a domain, or \"<>\" for "
	"bounces.\n"
	"\n"
	"  --json          one JSON object a line\n"
	"  --config FILE   instead of " CONF_DEFAULT_PATH "\n"
	"  --help          this text\n"
	"\n"
	"Exit status: 0 ok, 1 nothing was found, 2 usage or configuration "
	"error, 3 cannot\n"
	"ask geoblock-policyd.\n";

static json_t *ask(const struct conf *conf, json_t *request)
{
	struct error err = { 0 };
	json_t *answer = tool_control_ask_policyd(conf, request, &err);

	if (!answer)
		log_err("%s", err.text);
	return answer;
}

static long long number(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

/* ---- list ---- */

/* A stranger's address is no command to a terminal: C0, DEL and C1 become "?". */
static void put_plain(const char *address)
{
	const unsigned char *p = (const unsigned char *)address;

	if (*p == '\0')
		fputs("<>", stdout);
	for (; *p; p++) {
		if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p++;
		else if (*p >= 0x20 && *p != 0x7f) {
			putchar(*p);
			continue;
		}
		putchar('?');
	}
}

static void print_row(const json_t *row)
{
	const json_t *passed = json_object_get(row, "passed");

	printf("%-8s  %-20s  ", tool_get(row, "state"),
	       tool_get(row, "network"));
	if (passed) {
		printf("%" JSON_INTEGER_FORMAT " passed",
		       json_integer_value(passed));
	} else {
		put_plain(tool_get(row, "sender"));
		fputs(" -> ", stdout);
		put_plain(tool_get(row, "recipient"));
	}
	printf("  first %s  last %s  until %s\n", tool_get(row, "first_seen"),
	       tool_get(row, "last_seen"), tool_get(row, "expires"));
}

static bool show_rows(const json_t *rows, bool json)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (!json)
			print_row(row);
		else if (!tool_json_line(json_incref(row)))
			return false;
	}
	return true;
}

/* One request a page; `next` leads to the one after it. */
static json_t *page(const struct conf *conf, const char *command, json_t *only,
		    bool all, json_t *next)
{
	json_t *request = json_pack("{s:s}", "command", command);

	if (only)
		json_object_set(request, "only", only);
	if (all)
		json_object_set_new(request, "all", json_true());
	if (next)
		json_object_set(request, "after", next);
	return ask(conf, request);
}

static int list(const struct conf *conf, json_t *only, bool json)
{
	json_t *next = NULL;
	size_t count = 0;
	bool ok = true;

	do {
		json_t *answer = page(conf, "list", only, false, next);
		const json_t *rows = json_object_get(answer, "rows");

		json_decref(next);
		next = json_incref(json_object_get(answer, "next"));
		ok = answer && show_rows(rows, json);
		count += json_array_size(rows);
		json_decref(answer);
	} while (ok && next);
	json_decref(next);
	if (!ok || !tool_flush())
		return STATUS_UNABLE;
	return only && count == 0 ? STATUS_NO : STATUS_OK;
}

/* ---- forget ---- */

/* After a page that got nowhere: the disk has to come after.  *before were waiting for
 * it the last time, *since when that changed; false: it does not come. */
static bool wait_for_disk(long long waiting, long long *before, int64_t *since)
{
	static const struct timespec pause = { .tv_nsec = 10000000 };
	int64_t now = tool_now_ms();

	if (waiting != *before)
		*since = now;
	*before = waiting;
	if (now - *since > FORGET_MS) {
		log_err("geoblock-policyd: its disk has done nothing for %d s; "
			"what was asked for may be forgotten in part",
			FORGET_MS / 1000);
		return false;
	}
	nanosleep(&pause, NULL);
	return true;
}

static int forget(const struct conf *conf, json_t *only, bool json)
{
	json_t *next = NULL, *shared = NULL, *out;
	long long count = 0, before = 0;
	int64_t since = tool_now_ms();
	bool ok = true;

	do {
		json_t *answer = page(conf, "forget", only, !only, next);
		json_t *said = json_object_get(answer, "shared");
		long long found = number(answer, "forgotten");
		long long waiting = number(answer, "waiting");

		json_decref(next);
		next = json_incref(json_object_get(answer, "next"));
		if (said && !shared)
			shared = json_incref(said);
		count += found;
		ok = answer != NULL;
		if (found > 0 || waiting == 0)
			before = 0;
		else
			ok = ok && wait_for_disk(waiting, &before, &since);
		json_decref(answer);
	} while (ok && next);
	json_decref(next);
	out = json_pack("{s:I}", "forgotten", (json_int_t)count);
	if (shared)
		json_object_set(out, "shared", shared);
	if (ok && json)
		ok = tool_json_line(json_incref(out));
	else if (ok)
		printf("%lld forgotten%s%s\n", count,
		       shared ? "; the shared store: " : "",
		       shared ? json_string_value(shared) : "");
	json_decref(out);
	json_decref(shared);
	if (!ok || !tool_flush())
		return STATUS_UNABLE;
	return count == 0 ? STATUS_NO : STATUS_OK;
}

/* ---- stats ---- */

static void print_stats(const json_t *stats)
{
	const json_t *database = json_object_get(stats, "database");
	const json_t *shared = json_object_get(stats, "shared");
	const char *name, *between = "";
	json_t *value;

	fputs("answers   ", stdout);
	json_object_foreach(json_object_get(stats, "answers"), name, value)
	{
		printf("%s%s %" JSON_INTEGER_FORMAT, between, name,
		       json_integer_value(value));
		between = ", ";
	}
	printf("\ndatabase  %lld records of %lld, %lld KiB\n",
	       number(database, "records"), number(database, "limit"),
	       number(database, "bytes") / 1024);
	if (!shared)
		return;
	printf("shared    %s, %s; failed %lld times, %lld answers in its "
	       "place, %lld to tell it\n",
	       tool_get(shared, "server"),
	       json_is_true(json_object_get(shared, "up")) ? "asked" : "away",
	       number(shared, "failures"), number(stats, "local_answers"),
	       number(shared, "behind"));
}

static int stats(const struct conf *conf, bool json)
{
	json_t *answer = ask(conf, json_pack("{s:s}", "command", "stats"));

	if (!answer)
		return STATUS_UNABLE;
	if (json)
		return tool_json_line(answer) && tool_flush() ? STATUS_OK
							      : STATUS_UNABLE;
	print_stats(answer);
	json_decref(answer);
	return tool_flush() ? STATUS_OK : STATUS_UNABLE;
}

/* ---- the command line ---- */

/* What comes after "list" and "forget"; NULL where nothing does. */
static json_t *patterns(int argc, char **argv)
{
	json_t *only = NULL;

	for (int i = 0; i < argc; i++) {
		if (!only)
			only = json_array();
		json_array_append_new(only, json_string(argv[i]));
	}
	return only;
}

static int run(const struct conf *conf, const char *verb, int argc, char **argv,
	       bool json)
{
	bool all = argc == 1 && strcmp(argv[0], "all") == 0;
	json_t *only = all ? NULL : patterns(argc, argv);
	int status;

	if (strcmp(verb, "list") == 0)
		status = list(conf, only, json);
	else if (strcmp(verb, "forget") == 0)
		status = forget(conf, only, json);
	else
		status = stats(conf, json);
	json_decref(only);
	return status;
}

/* Before anybody is asked: a mistake in them is no trouble of the service's. */
static bool are_words(int argc, char **argv)
{
	struct error err = { 0 };
	struct range net;
	bool is_net;

	for (int i = 0; i < argc; i++)
		if (!(argc == 1 && strcmp(argv[i], "all") == 0) &&
		    !tool_whom(argv[i], &net, &is_net, &err)) {
			tool_usage(NAME, "%s", err.text);
			return false;
		}
	return true;
}

int cmd_greylist(int argc, char **argv)
{
	bool json = false;
	const struct tool_command command = { .name = NAME,
					      .help = help,
					      .config = &cmd_config,
					      .json = &json,
					      .arguments = true };
	int status = tool_options(&command, argc, argv);
	const char *verb = argv[optind];
	struct conf *conf;

	if (status != -1)
		return status;
	if (!verb)
		return tool_usage(NAME, "what? list, forget or stats");
	if (strcmp(verb, "list") != 0 && strcmp(verb, "forget") != 0 &&
	    strcmp(verb, "stats") != 0)
		return tool_usage(NAME, "\"%s\" is not list, forget or stats",
				  verb);
	argc -= optind + 1;
	argv += optind + 1;
	if (strcmp(verb, "forget") == 0 && argc == 0)
		return tool_usage(NAME, "forget whom? a network, a sender or "
					"\"all\"");
	if (strcmp(verb, "stats") == 0 && argc > 0)
		return tool_usage(NAME, "there is no argument \"%s\"", argv[0]);
	if (!are_words(argc, argv))
		return STATUS_USAGE;
	conf = tool_conf(cmd_config);
	if (!conf)
		return STATUS_USAGE;
	status = run(conf, verb, argc, argv, json);
	conf_free(conf);
	return status;
}
