// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock query: what becomes of an address, and why.
 *
 * A few addresses on the command line cost a few blocks of the image
 * (IMAGE_CHECK_TOUCHED); a list on standard input is streamed, one answer a
 * line as soon as it is known, over an image that was checked whole. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <geoblock/log.h>

#include "tools/cmd.h"
#include "tools/cmd_query.h"
#include "tools/tool.h"
#include "tools/tool_options.h"

#define NAME           "geoblock query"
#define LINE_MAX_BYTES 4096
#define DNS_MS         2500 /* a question; see QUERY_RDNS_MS */
#define DAEMON_MS      200  /* a hung daemon must not hang us */

static const char help[] =
	"usage: geoblock query [OPTION…] ADDRESS…\n"
	"       geoblock query [OPTION…] -          addresses from standard "
	"input\n"
	"\n"
	"  --json          one JSON object a line\n"
	"  --live          the kernel has to be asked, too: fail where that "
	"cannot be\n"
	"  --no-live       do not ask the kernel (default: ask it if that is "
	"allowed)\n"
	"  --rdns          look up the address's name, and judge as the SMTP "
	"stage does\n"
	"  --os CLASS      judge as if the sender's system were CLASS "
	"(windows, linux …)\n"
	"  --config FILE   instead of " CONF_DEFAULT_PATH "\n"
	"  --help          this text\n"
	"\n"
	"Exit status: 0 every address is let through, 1 some are refused, 2 "
	"usage or\n"
	"configuration error, 3 cannot answer now.\n";

/* The file that a record came from: a registry publishes one; other kinds are one
 * or a few files with one date. */
static const struct geo_source *source_of(const struct query *q,
					  const struct geo_record *record)
{
	for (size_t i = 0; i < q->source_count; i++)
		if (q->sources[i].registry == record->registry)
			return &q->sources[i];
	return NULL;
}

/* What geoblockd remembers of the address.  It is asked no more once it does not
 * answer. */
static json_t *ask_daemon(struct query *q, const char *address)
{
	struct error err;
	json_t *seen;

	if (!q->daemon)
		return NULL;
	seen = tool_control_send(q->daemon,
				 json_pack("{s:s, s:s}", "command", "host",
					   "address", address),
				 &err)
		       ? tool_control_read(q->daemon, &err)
		       : NULL;
	if (!seen) {
		tool_control_close(q->daemon);
		q->daemon = NULL;
	} else if (!json_object_get(seen, "last_seen")) {
		json_decref(seen);
		seen = NULL;
	}
	return seen;
}

/* What the last stage that was asked about carries out: at SMTP there is no silence and
 * no RST left to give. */
static struct verdict verdict_of(const struct query *q,
				 const struct subject *subject)
{
	struct verdict verdict = policy_step(&q->conf->policy, subject);

	if (verdict.stage == STAGE_SMTP &&
	    (verdict.action == ACTION_DROP || verdict.action == ACTION_RESET))
		verdict.action = ACTION_REFUSE;
	return verdict;
}

/* The system that is judged: the one asked about, or else the one that geoblockd saw
 * last, unless all senders look alike to it. */
static void set_system(const struct query *q, const json_t *seen,
		       struct subject *subject)
{
	const char *os = json_string_value(json_object_get(seen, "os"));

	if (q->has_os) {
		subject->has_os = true;
		subject->os = q->os;
		subject->confidence = 100;
	} else if (os && !json_is_true(json_object_get(seen, "alike")) &&
		   os_class_parse(os, &subject->os)) {
		subject->has_os = true;
		subject->confidence = (uint8_t)json_integer_value(
			json_object_get(seen, "confidence"));
	}
}

static void judge(struct query *q, struct query_answer *out)
{
	struct subject *subject = &out->subject;

	out->exempt = conf_find_net(&q->conf->exempt, &out->addr);
	out->denied = conf_find_net(&q->conf->deny, &out->addr);
	subject->exempt = out->exempt != NULL;
	subject->denied = out->denied != NULL;
	subject->country =
		out->hit.found ? out->hit.record.country : COUNTRY_NONE;
	set_system(q, out->seen, subject);
	if (q->dns) {
		query_rdns(q->dns, &out->addr, &out->rdns);
		subject->has_rdns = out->rdns.known;
		subject->rdns = out->rdns.rdns;
	}
	out->verdict = verdict_of(q, subject);
	out->waits_rdns =
		policy_waits_rdns(&q->conf->policy, subject, &out->verdict);
}

static bool look_up(struct query *q, const struct addr *addr,
		    struct query_answer *out, struct error *err)
{
	*out = (struct query_answer){ .addr = *addr };
	addr_format(addr, out->text);
	out->hit = image_find(q->image, addr);
	if (out->hit.damaged)
		return error_set(err, ERROR_MALFORMED, 0,
				 "%s: the image is damaged; run geoblock-sync",
				 q->conf->state_dir);
	range_format(&out->hit.range, out->range);
	if (out->hit.found)
		out->source = source_of(q, &out->hit.record);
	out->seen = ask_daemon(q, out->text);
	judge(q, out);
	if (q->second) {
		out->mmdb_country = out->hit.second;
		out->has_mmdb = true;
	} else if (q->mmdb) {
		if (!mmdb_find(q->mmdb, addr, &out->mmdb_country, err))
			return false;
		out->has_mmdb = true;
	}
	if (q->kernel) {
		if (!kernel_find(q->kernel, q->conf->table, addr, &out->live,
				 err))
			return false;
		out->has_live = true;
	}
	return true;
}

/* One address; false after an error that was said. */
static int query_one(struct query *q, const char *text, size_t len)
{
	struct error err = { 0 };
	struct addr addr;
	struct query_answer a;
	bool ok = true;

	if (!addr_parse(text, len, &addr, &err)) {
		log_err("%s", err.text);
		return STATUS_USAGE;
	}
	if (!look_up(q, &addr, &a, &err)) {
		log_err("%s", err.text);
		json_decref(a.seen);
		return STATUS_UNABLE;
	}
	q->refused |= query_is_refusal(a.verdict.action);
	if (q->json)
		ok = tool_json_line(query_json(q, &a));
	else
		query_print(q, &a);
	json_decref(a.seen);
	return ok ? STATUS_OK : STATUS_UNABLE;
}

/* Addresses from standard input, one a line; blank lines and what follows a # or
 * the first blank are passed over.  A line that is no address is named and
 * the rest still answered. */
static int query_stream(struct query *q)
{
	char line[LINE_MAX_BYTES];
	int status = STATUS_OK;
	unsigned long number = 0;

	while (fgets(line, sizeof(line), stdin)) {
		size_t len = strcspn(line, "#\r\n\t ");
		int one;

		number++;
		if (len == 0)
			continue;
		one = query_one(q, line, len);
		if (one == STATUS_UNABLE)
			return one;
		if (one != STATUS_OK) {
			log_err("standard input:%lu: passed over", number);
			status = one;
		}
	}
	if (ferror(stdin)) {
		log_err("standard input: %s", strerror(errno));
		return STATUS_UNABLE;
	}
	return status;
}

static bool open_kernel(struct query *q)
{
	struct error err = { 0 };

	if (q->live_mode == QUERY_LIVE_NO)
		return true;
	if (kernel_open(&q->kernel, &err))
		return true;
	q->kernel = NULL;
	if (q->live_mode == QUERY_LIVE_IF_ALLOWED)
		return true;
	log_err("%s", err.text);
	return false;
}

static bool open_all(struct query *q, bool many)
{
	struct image_about about;
	struct error err = { 0 };

	q->image = tool_image(q->conf,
			      many ? IMAGE_CHECK_ALL : IMAGE_CHECK_TOUCHED);
	if (!q->image)
		return false;
	image_about(q->image, &about);
	q->sources = about.sources;
	q->source_count = about.source_count;
	q->second = about.second;
	if (q->conf->mmdb && !q->second &&
	    !mmdb_open(&q->mmdb, q->conf->mmdb, &err)) {
		log_warn("%s; going on without its opinion", err.text);
		q->mmdb = NULL;
	}
	/* a list is answered from the image alone: it may be a long one */
	if (!many &&
	    !tool_control_open(&q->daemon, q->conf, DAEMON_MS, &q->no_daemon))
		q->daemon = NULL;
	if (q->ask_dns && !tool_dns_open(&q->dns, q->conf, DNS_MS, &err)) {
		log_err("%s", err.text);
		return false;
	}
	return open_kernel(q);
}

static const char *take_os(void *ctx, const char *word)
{
	struct query *q = ctx;

	q->has_os = os_class_parse(word, &q->os);
	return q->has_os ? NULL : "is no class";
}

/* STATUS_USAGE, or -1 to go on, as tool_options() does. */
static int parse_options(struct query *q, int argc, char **argv)
{
	bool live = false, no_live = false;
	const struct tool_command command = {
		.name = NAME,
		.help = help,
		.config = &cmd_config,
		.json = &q->json,
		.arguments = true,
		.ctx = q,
		.options = { { "live", .flag = &live },
			     { "no-live", .flag = &no_live },
			     { "rdns", .flag = &q->ask_dns },
			     { "os", .take = take_os } },
	};
	int status = tool_options(&command, argc, argv);

	if (status != -1)
		return status;
	if (live && no_live)
		return tool_usage(NAME, "--live and --no-live exclude each "
					"other");
	if (optind == argc)
		return tool_usage(NAME, "which address?");
	q->live_mode = live      ? QUERY_LIVE_MUST
		       : no_live ? QUERY_LIVE_NO
				 : QUERY_LIVE_IF_ALLOWED;
	return -1;
}

static int run(struct query *q, int argc, char **argv)
{
	int status = STATUS_OK;

	for (int i = optind; i < argc; i++) {
		int one = strcmp(argv[i], "-") == 0
				  ? query_stream(q)
				  : query_one(q, argv[i], strlen(argv[i]));

		if (one > status)
			status = one;
		if (one == STATUS_UNABLE)
			break;
	}
	if (!tool_flush())
		return STATUS_UNABLE;
	return status != STATUS_OK ? status
	       : q->refused        ? STATUS_NO
				   : STATUS_OK;
}

int cmd_query(int argc, char **argv)
{
	struct query q = { 0 };
	bool many;
	int status = parse_options(&q, argc, argv);

	if (status != -1)
		return status;
	many = argc - optind > 16 || strcmp(argv[optind], "-") == 0;
	q.brief = argc - optind > 1 || many;
	q.conf = tool_conf(cmd_config);
	if (!q.conf)
		return STATUS_USAGE;
	status = open_all(&q, many) ? run(&q, argc, argv) : STATUS_UNABLE;
	tool_control_close(q.daemon);
	tool_dns_close(q.dns);
	kernel_close(q.kernel);
	mmdb_close(q.mmdb);
	image_close(q.image);
	conf_free(q.conf);
	return status;
}
