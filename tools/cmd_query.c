// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock query: what becomes of an address, and why.
 *
 * A few addresses on the command line cost a few blocks of the image
 * (IMAGE_CHECK_TOUCHED); a list on standard input is streamed, one answer a
 * line as soon as it is known, over an image that was checked whole. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <geoblock/log.h>

#include "tools/cmd.h"
#include "tools/cmd_query_rdns.h"
#include "tools/tool.h"
#include "tools/tool_control.h"

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

enum live_mode { LIVE_IF_ALLOWED, LIVE_MUST, LIVE_NO };

struct query {
	struct conf *conf;
	struct image *image;
	const struct geo_source *sources; /* belong to image */
	const struct geo_source *second;  /* one of them, or NULL */
	size_t source_count;
	struct mmdb *mmdb;
	struct kernel *kernel; /* NULL: not asked */
	enum live_mode live_mode;
	struct tool_control *daemon; /* NULL: away, or not asked */
	bool json;
	bool brief; /* one line an address */
	bool has_os;
	enum os_class os;
	bool ask_dns;
	struct tool_dns *dns; /* NULL: not asked */
	bool refused;         /* at least one was */
};

/* Everything there is to say about one address. */
struct answer {
	struct addr addr;
	char text[ADDR_TEXT_MAX];
	char range[RANGE_TEXT_MAX];
	struct image_hit hit;
	const struct geo_source *source; /* NULL: not told by the image */
	const struct conf_net *exempt, *denied;
	struct verdict verdict;
	struct query_rdns rdns; /* where the DNS is asked */
	bool has_live;
	struct kernel_hit live;
	bool has_mmdb;
	country_t mmdb_country;
	json_t *seen; /* what the daemon remembers, NULL where nothing; belongs
	               * to the answer */
};

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

static bool look_up(struct query *q, const struct addr *addr,
		    struct answer *out, struct error *err)
{
	struct subject subject = { .has_os = q->has_os,
				   .os = q->os,
				   .confidence = 100 };

	*out = (struct answer){ .addr = *addr };
	addr_format(addr, out->text);
	out->hit = image_find(q->image, addr);
	if (out->hit.damaged)
		return error_set(err, ERROR_MALFORMED, 0,
				 "%s: the image is damaged; run geoblock-sync",
				 q->conf->state_dir);
	range_format(&out->hit.range, out->range);
	if (out->hit.found)
		out->source = source_of(q, &out->hit.record);
	out->exempt = conf_find_net(&q->conf->exempt, addr);
	out->denied = conf_find_net(&q->conf->deny, addr);
	subject.exempt = out->exempt != NULL;
	subject.denied = out->denied != NULL;
	subject.country =
		out->hit.found ? out->hit.record.country : COUNTRY_NONE;
	if (q->dns) {
		query_rdns(q->dns, addr, &out->rdns);
		subject.has_rdns = out->rdns.known;
		subject.rdns = out->rdns.rdns;
	}
	out->verdict = verdict_of(q, &subject);
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
	out->seen = ask_daemon(q, out->text);
	return true;
}

static bool is_refusal(enum action action)
{
	return action == ACTION_DROP || action == ACTION_RESET ||
	       action == ACTION_REFUSE;
}

static country_t country_of(const struct answer *a)
{
	return a->hit.found ? a->hit.record.country : COUNTRY_NONE;
}

/* "exempt.d/office.cidr:3: 192.0.2.0/24" */
static const char *net_origin(const struct conf_net *net, char *buf,
			      size_t size)
{
	char range[RANGE_TEXT_MAX];

	range_format(&net->range, range);
	if (net->spf)
		snprintf(buf, size, "spf %s", net->note);
	else if (net->file)
		snprintf(buf, size, "%s (%s:%u%s%s)", range, net->file,
			 net->line, net->note ? ": " : "",
			 net->note ? net->note : "");
	else
		snprintf(buf, size, "%s (%s)", range,
			 net->note ? net->note : "built in");
	return buf;
}

static void countries_text(const struct conf *conf, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < conf->country_word_count && used < size; i++) {
		int n = snprintf(buf + used, size - used, "%s%s", i ? ", " : "",
				 conf->country_words[i]);

		if (n < 0)
			break;
		used += (size_t)n;
	}
}

/* why - the sentence that an administrator can act on. */
static void why(const struct query *q, const struct answer *a, char *buf,
		size_t size)
{
	const struct policy *policy = &q->conf->policy;
	const char *title = rule_title(policy, a->verdict.rule);
	country_t cc = country_of(a);
	char code[3], list[256], net[512];

	country_text(cc, code);
	countries_text(q->conf, list, sizeof(list));
	if (a->exempt) {
		snprintf(buf, size, "exempt: %s",
			 net_origin(a->exempt, net, sizeof(net)));
	} else if (a->denied) {
		snprintf(buf, size, "denied: %s",
			 net_origin(a->denied, net, sizeof(net)));
	} else if (a->hit.found && cc == COUNTRY_NONE &&
		   a->hit.record.status >= STATUS_AVAILABLE) {
		snprintf(buf, size,
			 "%s by %s: delegated to nobody, so in no "
			 "country; rule \"%s\"",
			 geo_status_name(a->hit.record.status),
			 geo_registry_name(a->hit.record.registry), title);
	} else if (cc == COUNTRY_NONE) {
		snprintf(buf, size, "no country is known for it; rule \"%s\"",
			 title);
	} else if (country_set_has(&policy->allowed, cc)) {
		snprintf(buf, size, "%s is among countries = %s", code, list);
	} else {
		snprintf(buf, size, "%s is not among countries = %s", code,
			 list);
	}
}

static void put(json_t *object, const char *key, const char *value)
{
	if (value && value[0])
		json_object_set_new(object, key, json_string(value));
}

static void put_net(json_t *object, const char *key, const struct conf_net *net)
{
	char text[512];

	if (net)
		put(object, key, net_origin(net, text, sizeof(text)));
}

/* Two opinions that differ: then one of them decided. */
static bool is_disputed(const struct query *q, const struct answer *a)
{
	return q->second && a->hit.second != COUNTRY_NONE &&
	       a->hit.first != a->hit.second;
}

static bool second_decided(const struct query *q, const struct answer *a)
{
	return is_disputed(q, a) && country_of(a) == a->hit.second;
}

/* The registry's first file that will not have it any more. */
static uint32_t kept_until(const struct query *q, const struct answer *a)
{
	return geo_date(geo_days(a->hit.since) +
			(int32_t)(q->conf->grace_s / 86400));
}

static void put_opinions(const struct query *q, json_t *o,
			 const struct answer *a)
{
	char code[3], date[TOOL_DATE_MAX];

	if (a->has_mmdb && a->mmdb_country != COUNTRY_NONE)
		put(o, "mmdb_country", country_text(a->mmdb_country, code));
	if (is_disputed(q, a)) {
		if (a->hit.first != COUNTRY_NONE)
			put(o, "first_country",
			    country_text(a->hit.first, code));
		put(o, "agree", agree_name(q->conf->agree));
		put(o, "decided", second_decided(q, a) ? "second" : "first");
	}
	if (a->hit.since) {
		put(o, "kept_since", tool_date(a->hit.since, date));
		put(o, "kept_until", tool_date(kept_until(q, a), date));
	}
}

static void put_record(json_t *o, const struct answer *a)
{
	char code[3], date[TOOL_DATE_MAX];

	if (!a->hit.found)
		return;
	if (a->hit.record.country != COUNTRY_NONE)
		put(o, "country", country_text(a->hit.record.country, code));
	if (a->source) {
		put(o, "source", geo_kind_name(a->source->kind));
		put(o, "source_date", tool_date(a->source->date, date));
	}
	put(o, "registry", geo_registry_name(a->hit.record.registry));
	put(o, "status", geo_status_name(a->hit.record.status));
	put(o, "date", tool_date(a->hit.record.date, date));
	put(o, "range", a->range);
}

static const char *seen_text(const struct answer *a, const char *key)
{
	return json_string_value(json_object_get(a->seen, key));
}

static void put_seen(const struct query *q, json_t *o, const struct answer *a)
{
	static const char *const keys[] = { "os",   "confidence", "signature",
					    "raw",  "first_seen", "last_seen",
					    "count" };

	if (q->has_os)
		put(o, "os", os_class_name(q->os));
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		json_t *value = json_object_get(a->seen, keys[i]);

		/* --os is a question, and stays what it is */
		if (value && !json_object_get(o, keys[i]))
			json_object_set(o, keys[i], value);
	}
}

/* "2026-11-23T13:23:30Z, windows (98 %), greylist by "windows", 3 times" */
static void print_seen(const struct answer *a)
{
	if (!a->seen)
		return;
	printf("  last SYN %s, %s (%lld %%), %s by \"%s\", %lld seen since "
	       "%s\n",
	       seen_text(a, "last_seen"), seen_text(a, "os"),
	       (long long)json_integer_value(
		       json_object_get(a->seen, "confidence")),
	       seen_text(a, "verdict"),
	       seen_text(a, "rule") ? seen_text(a, "rule") : "?",
	       (long long)json_integer_value(json_object_get(a->seen, "count")),
	       seen_text(a, "first_seen"));
}

static json_t *to_json(const struct query *q, const struct answer *a)
{
	const struct policy *policy = &q->conf->policy;
	json_t *o = json_object();
	char reason[1024];

	put(o, "address", a->text);
	json_object_set_new(o, "family", json_integer(a->addr.family));
	put_record(o, a);
	json_object_set_new(
		o, "allowed",
		json_boolean(country_set_has(&policy->allowed, country_of(a))));
	put_net(o, "exempt", a->exempt);
	put_net(o, "deny", a->denied);
	put(o, "verdict", action_name(a->verdict.action));
	put(o, "rule", rule_title(policy, a->verdict.rule));
	put(o, "stage", stage_name(a->verdict.stage));
	if (policy->audit)
		put(o, "mode", "audit");
	put_seen(q, o, a);
	put_opinions(q, o, a);
	if (a->has_live && a->live.table) {
		json_object_set_new(
			o, "live",
			json_boolean(a->live.found &&
				     strcmp(a->live.class_name, "allow") == 0));
		put(o, "live_set", a->live.set);
	}
	if (q->dns)
		json_object_set_new(o, "rdns", query_rdns_json(&a->rdns));
	why(q, a, reason, sizeof(reason));
	put(o, "why", reason);
	return o;
}

static void print_opinions(const struct query *q, const struct answer *a)
{
	char code[3], first[3], since[TOOL_DATE_MAX], until[TOOL_DATE_MAX];

	if (a->hit.since)
		printf("  kept     in no file since %s; kept until %s has one "
		       "of %s\n",
		       tool_date(a->hit.since, since),
		       geo_registry_name(a->hit.record.registry),
		       tool_date(kept_until(q, a), until));
	if (!a->has_mmdb)
		return;
	printf("  mmdb     %s (%s)", country_text(a->mmdb_country, code),
	       q->second ? q->second->path : q->conf->mmdb);
	if (is_disputed(q, a))
		printf("; the source says %s; agree = %s: %s counts",
		       country_text(a->hit.first, first),
		       agree_name(q->conf->agree),
		       second_decided(q, a) ? code : first);
	putchar('\n');
}

static void print_record(const struct query *q, const struct answer *a)
{
	country_t cc = country_of(a);
	const char *name = country_name(cc);
	char code[3], date[TOOL_DATE_MAX], as_of[TOOL_DATE_MAX];

	if (!a->hit.found) {
		printf("  country  unknown: in no record; the gap is %s\n",
		       a->range);
		return;
	}
	printf("  country  %s%s%s\n", country_text(cc, code), name ? " " : "",
	       name ? name : "");
	printf("  record   %s", a->range);
	if (a->hit.record.registry != REGISTRY_NONE)
		printf(", %s %s", geo_registry_name(a->hit.record.registry),
		       geo_status_name(a->hit.record.status));
	if (a->hit.record.date != 0)
		printf(" %s", tool_date(a->hit.record.date, date));
	if (a->source)
		printf("; %s data of %s", geo_kind_name(a->source->kind),
		       a->source->date ? tool_date(a->source->date, as_of)
				       : "unknown date");
	putchar('\n');
	print_opinions(q, a);
}

/* "by rule "abroad"", "by the exempt list", "by default" */
static void print_by(const struct query *q, const struct answer *a)
{
	const char *title = rule_title(&q->conf->policy, a->verdict.rule);

	if (a->verdict.rule >= 0)
		printf("by rule \"%s\"", title);
	else if (a->verdict.rule == RULE_DEFAULT)
		printf("by default");
	else
		printf("by the %s list", title);
}

static void print_long(const struct query *q, const struct answer *a)
{
	char reason[1024];

	printf("%s  %s, ", a->text, action_name(a->verdict.action));
	print_by(q, a);
	printf(", %s stage%s\n", stage_name(a->verdict.stage),
	       q->conf->policy.audit ? " (audit mode: counted, but let through)"
				     : "");
	why(q, a, reason, sizeof(reason));
	printf("  why      %s\n", reason);
	print_record(q, a);
	if (q->dns)
		query_rdns_print(&a->rdns);
	print_seen(a);
	if (!a->has_live)
		return;
	if (!a->live.table)
		printf("  kernel   table inet %s is not there: nothing is "
		       "enforced; run geoblock-sync\n",
		       q->conf->table);
	else if (a->live.found)
		printf("  kernel   in set %s of table inet %s\n", a->live.set,
		       q->conf->table);
	else
		printf("  kernel   in no set of table inet %s\n",
		       q->conf->table);
}

static void print_brief(const struct query *q, const struct answer *a)
{
	char code[3];

	printf("%s\t%s\t%s\t%s%s%s%s%s\n", a->text,
	       action_name(a->verdict.action),
	       country_text(country_of(a), code),
	       rule_title(&q->conf->policy, a->verdict.rule),
	       !q->dns ? "" : "\t",
	       !q->dns         ? ""
	       : a->rdns.known ? rdns_class_name(a->rdns.rdns)
			       : "-",
	       a->has_live ? "\t" : "",
	       !a->has_live     ? ""
	       : a->live.set[0] ? a->live.set
				: "-");
}

/* One address; false after an error that was said. */
static int query_one(struct query *q, const char *text, size_t len)
{
	struct error err = { 0 };
	struct addr addr;
	struct answer a;
	bool ok = true;

	if (!addr_parse(text, len, &addr, &err)) {
		log_err("%s", err.text);
		return STATUS_USAGE;
	}
	if (!look_up(q, &addr, &a, &err)) {
		log_err("%s", err.text);
		return STATUS_UNABLE;
	}
	q->refused |= is_refusal(a.verdict.action);
	if (q->json)
		ok = tool_json_line(to_json(q, &a));
	else if (q->brief)
		print_brief(q, &a);
	else
		print_long(q, &a);
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

	if (q->live_mode == LIVE_NO)
		return true;
	if (kernel_open(&q->kernel, &err))
		return true;
	q->kernel = NULL;
	if (q->live_mode == LIVE_IF_ALLOWED)
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
	if (!many && !tool_control_open(&q->daemon, q->conf, DAEMON_MS, NULL))
		q->daemon = NULL;
	if (q->ask_dns && !tool_dns_open(&q->dns, q->conf, DNS_MS, &err)) {
		log_err("%s", err.text);
		return false;
	}
	return open_kernel(q);
}

static int parse_options(struct query *q, const char **config, int argc,
			 char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "live", no_argument, NULL, 'l' },
		{ "no-live", no_argument, NULL, 'n' },
		{ "rdns", no_argument, NULL, 'r' },
		{ "os", required_argument, NULL, 'o' },
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			q->json = true;
			break;
		case 'l':
			q->live_mode = LIVE_MUST;
			break;
		case 'n':
			q->live_mode = LIVE_NO;
			break;
		case 'r':
			q->ask_dns = true;
			break;
		case 'o':
			if (!os_class_parse(optarg, &q->os))
				return tool_usage(NAME,
						  "--os \"%s\" is no class",
						  optarg);
			q->has_os = true;
			break;
		case 'c':
			*config = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return -1;
		default:
			return tool_getopt_error(NAME, argv, option);
		}
	}
	return STATUS_OK;
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
	const char *config = cmd_config;
	bool many;
	int status = parse_options(&q, &config, argc, argv);

	if (status == -1)
		return tool_flush() ? STATUS_OK : STATUS_UNABLE;
	if (status != STATUS_OK)
		return status;
	if (optind == argc)
		return tool_usage(NAME, "which address?");
	many = argc - optind > 16 || strcmp(argv[optind], "-") == 0;
	q.brief = argc - optind > 1 || many;
	q.conf = tool_conf(config);
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
