// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock log: each decision as it is made, by whichever service.  What was decided
 * before is in the system's log, where they write the same lines. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <geoblock/log.h>

#include "tools/cmd.h"
#include "tools/tool.h"
#include "tools/tool_control.h"
#include "tools/tool_options.h"

#define NAME "geoblock log"

static const char help[] =
	"usage: geoblock log -f [OPTION…]\n"
	"\n"
	"  -f, --follow    each decision from now on, until interrupted\n"
	"  --json          one JSON object a line\n"
	"  --config FILE   instead of " CONF_DEFAULT_PATH "\n"
	"  --help          this text\n"
	"\n"
	"Of both services, each line with the one that it is of.  Earlier "
	"decisions:\n"
	"journalctl -u geoblockd -u geoblock-policyd\n";

#define SERVICES 2

static void print_value(const char *key, const json_t *value)
{
	char *quoted;

	if (strcmp(key, "rule") == 0) { /* the only one with spaces */
		quoted = json_dumps(value, JSON_ENCODE_ANY);
		printf(" %s=%s", key, quoted ? quoted : "?");
		free(quoted);
	} else if (json_is_string(value)) {
		printf(" %s=%s", key, json_string_value(value));
	} else if (json_is_integer(value)) {
		printf(" %s=%lld", key, (long long)json_integer_value(value));
	} else if (json_is_true(value)) {
		printf(" %s=yes", key);
	}
}

/* As the service writes it into the system's log, and in the same order. */
static void print(json_t *o)
{
	const char *verdict = json_string_value(json_object_get(o, "verdict"));
	const char *key;
	json_t *value;

	fputs(verdict ? verdict : "suppressed", stdout);
	json_object_foreach(o, key, value)
	{
		if (strcmp(key, "verdict") != 0 && strcmp(key, "time") != 0)
			print_value(key, value);
	}
	putchar('\n');
}

/* One line, which is given back; false: nobody reads what we write. */
static bool tell(json_t *line, const char *service, bool json)
{
	json_object_set_new(line, "service", json_string(service));
	if (json)
		return tool_json_line(line) && tool_flush();
	print(line);
	json_decref(line);
	return tool_flush();
}

struct follow {
	struct tool_control *from[SERVICES]; /* NULL: not there (any more) */
	bool json;
	bool deaf; /* nobody reads what we write */
};

/* What one of them has sent; who sends no more is left. */
static void take(struct follow *f, struct tool_control **from)
{
	struct error err = { 0 };
	bool more = tool_control_fill(*from, &err);
	json_t *line;

	while (more && !f->deaf && (line = tool_control_line(*from, &err)))
		f->deaf = !tell(line, tool_control_name(*from), f->json);
	if (more && err.kind == ERROR_NONE)
		return;
	if (err.kind == ERROR_NONE)
		log_err("%s went away", tool_control_name(*from));
	else
		log_err("%s", err.text);
	tool_control_close(*from);
	*from = NULL;
}

/* Until the last of them is gone. */
static void follow(struct follow *f)
{
	while (!f->deaf && (f->from[0] || f->from[1])) {
		struct pollfd fds[SERVICES];
		int ready;

		for (int i = 0; i < SERVICES; i++)
			fds[i] = (struct pollfd){
				.fd = f->from[i] ? tool_control_fd(f->from[i])
						 : -1,
				.events = POLLIN,
			};
		ready = poll(fds, SERVICES, -1);
		for (int i = 0; i < SERVICES && ready > 0; i++)
			if (fds[i].revents)
				take(f, &f->from[i]);
	}
}

/* Those that run; false: none. */
static bool begin(struct follow *f, const struct conf *conf)
{
	struct error err[SERVICES] = { { 0 } };

	tool_control_open(&f->from[0], conf, 0, &err[0]);
	tool_control_open_policyd(&f->from[1], conf, 0, &err[1]);
	for (int i = 0; i < SERVICES; i++) {
		json_t *request = json_pack("{s:s}", "command", "log");

		if (!f->from[i])
			json_decref(request);
		else if (!tool_control_send(f->from[i], request, &err[i])) {
			tool_control_close(f->from[i]);
			f->from[i] = NULL;
		}
	}
	/* not everybody wants the second one */
	if (!f->from[0])
		log_err("%s", err[0].text);
	if (!f->from[1] && !tool_control_away(&err[1]))
		log_err("%s", err[1].text);
	return f->from[0] || f->from[1];
}

int cmd_log(int argc, char **argv)
{
	bool wanted = false;
	struct follow f = { .deaf = false };
	const struct tool_command command = {
		.name = NAME,
		.help = help,
		.config = &cmd_config,
		.json = &f.json,
		.options = { { "follow", 'f', .flag = &wanted } },
	};
	struct conf *conf;
	int status;

	conf = tool_options_conf(&command, argc, argv, &status);
	if (!conf)
		return status;
	if (!wanted)
		status = tool_usage(NAME, "-f is needed: decisions from now "
					  "on; earlier ones are in the "
					  "system's log (journalctl -u "
					  "geoblockd -u geoblock-policyd)");
	else if (begin(&f, conf))
		follow(&f);
	conf_free(conf);
	for (int i = 0; i < SERVICES; i++)
		tool_control_close(f.from[i]);
	return wanted ? STATUS_UNABLE : status;
}
