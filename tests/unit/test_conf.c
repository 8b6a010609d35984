// SPDX-License-Identifier: GPL-2.0-or-later
/* What a configuration comes out as.  The wording of each error is in
 * tests/golden/conf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <geoblock/conf.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static char folder[] = "/tmp/test_conf.XXXXXX";

static const char *path_of(const char *name)
{
	static char path[2][256];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[0]), "%s/%s", folder, name);
	return path[turn];
}

static const char *put(const char *name, const char *text, size_t len)
{
	const char *path = path_of(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	return path;
}

struct heard {
	unsigned count;
	char last[512];
};

static void hear(void *ctx, const char *text)
{
	struct heard *heard = ctx;

	heard->count++;
	snprintf(heard->last, sizeof(heard->last), "%s", text);
}

static struct conf *read_text(const char *text)
{
	struct error err = { 0 };
	struct heard heard = { 0 };
	struct conf *conf;

	if (!conf_read(&conf, put("conf", text, strlen(text)), hear, &heard,
		       &err))
		fail_msg("%s", err.text);
	assert_int_equal(heard.count, 0);
	return conf;
}

/* Refused; returns the first error, without the path in front. */
static const char *refuse_bytes(const char *text, size_t len)
{
	static struct error err;
	struct heard heard = { 0 };
	struct conf *conf = (struct conf *)&err;
	const char *path = put("conf", text, len);

	if (conf_read(&conf, path, hear, &heard, &err))
		fail_msg("accepted: %s", text);
	assert_null(conf);
	assert_true(heard.count > 0);
	if (heard.count == 1)
		assert_string_equal(heard.last, err.text);
	assert_int_equal(strncmp(err.text, path, strlen(path)), 0);
	return err.text + strlen(path);
}

static const char *refuse(const char *text)
{
	return refuse_bytes(text, strlen(text));
}

static bool has(const struct country_set *set, const char *code)
{
	return country_set_has(set, COUNTRY(code[0], code[1]));
}

/* Who names countries means them; who names none has nothing to enforce. */
static void test_mode_default(void **state)
{
	struct conf *conf = read_text("countries = {\"US\"}\n");

	(void)state;
	assert_false(conf->policy.audit);
	assert_false(conf->mode_given);
	conf_free(conf);
	conf = read_text("mode = audit\ncountries = {\"US\"}\n");
	assert_true(conf->policy.audit);
	conf_free(conf);
}

static void test_defaults(void **state)
{
	struct conf *conf = read_text("");

	(void)state;
	assert_true(conf->policy.audit);
	assert_false(conf->mode_given);
	assert_int_equal(conf->port_count, 1);
	assert_int_equal(conf->ports[0], 25);
	assert_int_equal(country_set_count(&conf->policy.allowed), 0);
	assert_null(conf->contact);
	assert_int_equal(conf->source, GEO_RIR);
	assert_int_equal(conf->url_count, 0);
	assert_null(conf->mmdb);
	assert_int_equal(conf->max_age_s, 7 * 86400);
	assert_int_equal(conf->max_shrink, 5);
	assert_int_equal(conf->deny.count, 0);
	assert_int_equal(conf->policy.default_action, ACTION_ACCEPT);
	assert_int_equal(conf->policy.deny_action, ACTION_RESET);
	assert_string_equal(conf->state_dir, "/var/lib/geoblock");
	assert_string_equal(conf->run_dir, "/run/geoblock");
	assert_string_equal(conf->table, "geoblock");
	assert_int_equal(conf->mark, 0x70000000);
	assert_int_equal(conf->queue, 25);
	assert_int_equal(conf->nflog_group, 25);
	assert_int_equal(conf->queue_count, 1);
	assert_int_equal(conf->alike_after_s, 3600);
	assert_false(conf->queue_fail_closed);
	assert_int_equal(conf->hosts, 200000);
	assert_false(conf->log_json);
	assert_null(conf->user);
	conf_free(conf);
}

/* Without a rule in the file, those that are shipped. */
static void test_shipped_rules(void **state)
{
	struct conf *conf = read_text("countries = {US, \"ca\"}");
	const struct policy *policy = &conf->policy;

	(void)state;
	assert_int_equal(policy->rule_count, 4);
	assert_string_equal(policy->rules[0].title, "bot abroad");
	assert_int_equal(policy->rules[0].action, ACTION_DROP);
	assert_int_equal(policy->rules[0].min_confidence, 80);
	assert_int_equal(policy->rules[0].os, 1 << OS_WINDOWS);
	assert_int_equal(policy->rules[0].line, 0);
	assert_string_equal(policy->rules[1].title, "abroad");
	assert_int_equal(policy->rules[1].action, ACTION_RESET);
	assert_true(has(&policy->rules[1].country, "PT"));
	assert_false(has(&policy->rules[1].country, "US"));
	assert_false(has(&policy->rules[1].country, "CA"));
	assert_true(policy->rules[1].country.unknown);
	assert_int_equal(policy->rules[2].action, ACTION_REFUSE);
	assert_int_equal(policy->rules[2].rdns,
			 1 << RDNS_NONE | 1 << RDNS_GENERIC);
	assert_int_equal(policy->rules[3].action, ACTION_GREYLIST);
	assert_int_equal(policy->rules[3].min_confidence, 60);
	assert_false(policy->rules[3].has_country);
	conf_free(conf);
}

static const char full[] =
	"default = drop\n"
	"rule \"first one\" { country = outside os = {windows, scanner}\n"
	"  min-confidence = 70 action = drop }\n"
	"rule second { country = {allowed, unknown, \"@nordic\", BR}\n"
	"  rdns = mismatch action = tag }\n"
	"rule third { action = refuse }\n"
	"mode = enforce ports = {587, 25}\n"
	"countries = {\"@dach\", 'LI'} contact = \"see \\\"faq\\\"\"\n"
	"geo { source = mmdb mmdb = /x/y.mmdb agree = first\n"
	"  urls = {\"https://a/b?c=d\", \"file:///x\", /abs}\n"
	"  max-age = 36h max-shrink = 0 }\n"
	"deny { networks = 198.51.100.0/24 action = drop }\n"
	"exempt { private = no }\n"
	"state-dir = /s/ run-dir = /r table = t-1 mark = 0xff0000\n"
	"queue = 0 nflog-group = 65535 queue-count = 4 queue-fail = closed\n"
	"alike-after = 2h\n"
	"hosts = 5000 log-format = json user = nobody\n";

static void test_everything(void **state)
{
	struct conf *conf = read_text(full);
	const struct policy *policy = &conf->policy;

	(void)state;
	assert_false(policy->audit);
	assert_true(conf->mode_given);
	assert_int_equal(conf->port_count, 2);
	assert_int_equal(conf->ports[0], 587);
	assert_int_equal(conf->ports[1], 25);
	assert_int_equal(country_set_count(&policy->allowed), 4);
	assert_int_equal(conf->country_word_count, 2);
	assert_string_equal(conf->country_words[0], "@dach");
	assert_string_equal(conf->contact, "see \"faq\"");
	assert_int_equal(policy->default_action, ACTION_DROP);
	assert_int_equal(policy->deny_action, ACTION_DROP);
	assert_int_equal(conf->source, GEO_MMDB);
	assert_string_equal(conf->mmdb, "/x/y.mmdb");
	assert_int_equal(conf->url_count, 3);
	assert_string_equal(conf->urls[0], "https://a/b?c=d");
	assert_string_equal(conf->urls[2], "/abs");
	assert_int_equal(conf->max_age_s, 36 * 3600);
	assert_int_equal(conf->max_shrink, 0);
	assert_int_equal(conf->exempt.count, 0);
	assert_int_equal(conf->deny.count, 1);
	assert_string_equal(conf->state_dir, "/s");
	assert_string_equal(conf->run_dir, "/r");
	assert_string_equal(conf->table, "t-1");
	assert_int_equal(conf->mark, 0xff0000);
	assert_int_equal(conf->queue, 0);
	assert_int_equal(conf->nflog_group, 65535);
	assert_int_equal(conf->queue_count, 4);
	assert_int_equal(conf->alike_after_s, 2 * 3600);
	assert_true(conf->queue_fail_closed);
	assert_int_equal(conf->hosts, 5000);
	assert_true(conf->log_json);
	assert_string_equal(conf->user, "nobody");
	conf_free(conf);
}

static void test_rules(void **state)
{
	struct conf *conf = read_text(full);
	const struct rule *rules = conf->policy.rules;

	(void)state;
	assert_int_equal(conf->policy.rule_count, 3);
	assert_string_equal(rules[0].title, "first one");
	assert_int_equal(rules[0].line, 2);
	assert_true(rules[0].has_country && rules[0].has_os);
	assert_true(rules[0].has_confidence && !rules[0].has_rdns);
	assert_int_equal(rules[0].os, 1 << OS_WINDOWS | 1 << OS_SCANNER);
	assert_int_equal(rules[0].min_confidence, 70);
	/* `countries` stands behind the rule, and counts all the same */
	assert_false(has(&rules[0].country, "DE"));
	assert_false(has(&rules[0].country, "LI"));
	assert_true(has(&rules[0].country, "US"));
	assert_true(rules[0].country.unknown);

	assert_string_equal(rules[1].title, "second");
	assert_int_equal(rules[1].line, 4);
	assert_int_equal(country_set_count(&rules[1].country), 4 + 5 + 1);
	assert_true(rules[1].country.unknown);
	assert_int_equal(rules[1].rdns, 1 << RDNS_MISMATCH);
	assert_int_equal(rules[1].min_confidence, 60);
	assert_int_equal(rules[2].line, 6);
	assert_int_equal(rules[2].min_confidence, 80);
	assert_false(rules[2].has_country || rules[2].has_os ||
		     rules[2].has_rdns || rules[2].has_confidence);
	conf_free(conf);
}

static void test_private(void **state)
{
	static const char *const inside[] = {
		"10.0.0.1",  "172.31.255.255", "192.168.1.1",
		"127.0.0.1", "169.254.1.1",    "::1",
		"fe80::1",   "fd00::1",
	};
	static const char *const beyond[] = {
		"11.0.0.0", "172.32.0.0", "192.0.2.1",   "8.8.8.8",
		"::2",      "fec0::1",    "2001:db8::1",
	};
	struct conf *conf = read_text("exempt { networks = 192.0.2.2 }");
	const struct conf_net *net;
	struct addr a;

	(void)state;
	for (size_t i = 0; i < LENGTH(inside); i++) {
		assert_true(addr_parse(inside[i], strlen(inside[i]), &a, NULL));
		assert_true(iset_has(&conf->exempt.set, &a));
		net = conf_find_net(&conf->exempt, &a);
		assert_non_null(net);
		assert_null(net->file);
		assert_non_null(net->note);
	}
	for (size_t i = 0; i < LENGTH(beyond); i++) {
		assert_true(addr_parse(beyond[i], strlen(beyond[i]), &a, NULL));
		assert_false(iset_has(&conf->exempt.set, &a));
		assert_null(conf_find_net(&conf->exempt, &a));
	}
	conf_free(conf);
}

static void test_list_files(void **state)
{
	static const char one[] = "# ours\n"
				  "192.0.2.0/24\r\n"
				  "\n"
				  "  192.0.2.64/26 # the office  \n"
				  "2001:db8::/32#v6\n"
				  "192.0.2.200-192.0.2.210 #";
	static const char two[] = "192.0.2.65";
	char text[1024];
	struct conf *conf;
	const struct conf_net *net;
	struct addr a;

	(void)state;
	put("one.cidr", one, strlen(one));
	put("two.cidr", two, strlen(two));
	put("three.txt", "nonsense", 8);
	snprintf(text, sizeof(text),
		 "exempt { private = false files = {\"%s/*.cidr\",\n"
		 "\"%s/none.d/*\", \"%s/no*\"}\n"
		 "networks = {\"192.0.2.66\", # a friend\n"
		 "\"192.0.2.67\"} }",
		 folder, folder, folder);
	conf = read_text(text);
	assert_int_equal(conf->exempt.count, 7);
	assert_int_equal(conf->exempt.file_count, 2);
	assert_int_equal(conf->exempt.set.v4.count, 1);
	assert_int_equal(conf->exempt.set.v6.count, 1);

	assert_true(addr_parse("192.0.2.64", 10, &a, NULL));
	net = conf_find_net(&conf->exempt, &a);
	assert_int_equal(net->line, 4);
	assert_string_equal(net->file, path_of("one.cidr"));
	assert_string_equal(net->note, "the office");

	assert_true(addr_parse("192.0.2.65", 10, &a, NULL));
	net = conf_find_net(&conf->exempt, &a);
	assert_string_equal(net->file, path_of("two.cidr"));
	assert_int_equal(net->line, 1);
	assert_null(net->note);

	assert_true(addr_parse("192.0.2.66", 10, &a, NULL));
	net = conf_find_net(&conf->exempt, &a);
	assert_string_equal(net->file, conf->path);
	assert_int_equal(net->line, 3);
	assert_string_equal(net->note, "a friend");

	assert_true(addr_parse("192.0.2.67", 10, &a, NULL));
	assert_null(conf_find_net(&conf->exempt, &a)->note);
	assert_true(addr_parse("192.0.2.205", 11, &a, NULL));
	assert_int_equal(conf_find_net(&conf->exempt, &a)->line, 6);
	assert_true(addr_parse("2001:db8::5", 11, &a, NULL));
	assert_string_equal(conf_find_net(&conf->exempt, &a)->note, "v6");
	assert_true(addr_parse("2001:db9::", 10, &a, NULL));
	assert_null(conf_find_net(&conf->exempt, &a));
	conf_free(conf);
	unlink(path_of("one.cidr"));
	unlink(path_of("two.cidr"));
}

/* A bad line refuses the configuration, with its own place. */
static void test_list_file_errors(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "192.0.2.0/24\n192.0.2.1/24", "/bad:2: \"192.0.2.1/24\"" },
		{ "192.0.2.0/24 until friday", "/bad:1: \"192.0.2.0/24 until "
					       "friday\": one network a line" },
		{ "\n\nexample.com", "/bad:3: \"example.com\" is no address" },
		{ "192.0.2.0/24 # \xff", "/bad:1: byte 0xff is not UTF-8" },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct conf *conf;
		struct error err;

		put("bad", cases[i].text, strlen(cases[i].text));
		snprintf(text, sizeof(text), "deny { files = \"%s/bad\" }",
			 folder);
		assert_false(conf_read(&conf, put("conf", text, strlen(text)),
				       NULL, NULL, &err));
		assert_null(conf);
		if (!strstr(err.text, cases[i].want))
			fail_msg("%s: %s", cases[i].want, err.text);
	}
	unlink(path_of("bad"));
	assert_non_null(strstr(refuse("deny { files = relative }"),
			       "no absolute path"));
	assert_false(conf_read(&(struct conf *){ NULL }, path_of("bad"), NULL,
			       NULL, NULL));
}

/* What is no text file, or no file. */
static void test_not_a_configuration(void **state)
{
	struct conf *conf;
	struct error err;
	char big[4096];
	FILE *f;

	(void)state;
	assert_false(conf_read(&conf, path_of("none"), NULL, NULL, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_non_null(strstr(err.text, "No such file"));
	assert_false(conf_read(&conf, folder, NULL, NULL, &err));
	assert_non_null(strstr(err.text, "is a folder"));
	assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
	assert_false(conf_read(&conf, path_of("fifo"), NULL, NULL, &err));
	assert_non_null(strstr(err.text, "is a pipe"));
	unlink(path_of("fifo"));
	assert_false(conf_read(&conf, "/dev/null", NULL, NULL, &err));
	assert_non_null(strstr(err.text, "is a device"));

	f = fopen(path_of("big"), "w");
	memset(big, '#', sizeof(big));
	for (int i = 0; i < 257; i++)
		fwrite(big, 1, sizeof(big), f);
	fclose(f);
	assert_false(conf_read(&conf, path_of("big"), NULL, NULL, &err));
	assert_non_null(strstr(err.text, "at most 1048576 are read"));
	unlink(path_of("big"));

	assert_non_null(strstr(refuse_bytes("mode = audit\n\0x", 15),
			       ":2: control character 0x00"));
	assert_non_null(strstr(refuse("contact = \"\033[2J\""),
			       ":1: control character 0x1b"));
	assert_non_null(strstr(refuse("#\xc2\x9b"), "control character 0x9b"));
	assert_non_null(strstr(refuse("# caf\xe9\n"), "byte 0xe9"));
	assert_non_null(strstr(refuse("#\xc0\x80"), "byte 0xc0"));
	assert_non_null(strstr(refuse("#\xed\xa0\x80"), "byte 0xed"));
	assert_non_null(strstr(refuse("#\xf4\x90\x80\x80"), "byte 0xf4"));
	assert_non_null(strstr(refuse("#\xe2\x82"), "byte 0xe2"));
	assert_non_null(strstr(refuse("mode\r= audit"), "0x0d"));
}

static void test_odd_but_fine(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"#",
		"//",
		"/**/",
		"# \xe2\x82\xac \xf0\x9f\x93\xa7",
		"\xef\xbb\xbfmode = audit\n",
		"mode = audit\r\nports = {\r\n25 }\r\n",
		"mode=audit#x",
		"geo{}exempt{}deny{}",
		"geo { source = rir } geo { max-shrink = 1 }",
		"countries = {US,\n\tCA,}",
		"countries = US",
		"\"mode\" = 'audit'",
		"exempt { networks = {} files = {} } geo { urls = {} }",
		"countries = {} rule x { country = BR action = drop }",
		"rule \"r\303\251gion\" { action = drop }",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(texts); i++)
		conf_free(read_text(texts[i]));
}

/* Lines are right behind every kind of comment and string. */
static void test_lines(void **state)
{
	(void)state;
	assert_non_null(strstr(refuse("# a\n// b\n/* c */ /* d\ne */\n\n"
				      "/* * ** /* */\n"
				      "contact = \"x\" # } { \" ' /*\n"
				      "mode = x"),
			       ":8: mode \"x\""));
	assert_non_null(strstr(refuse("ports = {\n1,\n\n99999 }"), ":4: "));
	assert_non_null(strstr(refuse("/* a\nb\n*/ contact = \"x"), ":3: the"));
	assert_non_null(strstr(refuse("/* a\nb */\n\nrule x { os = bsd }"),
			       ":4: rule"));
}

/* Many mistakes: each is said, up to a bound, and the first is in err. */
static void test_all_are_said(void **state)
{
	struct heard heard = { 0 };
	struct conf *conf;
	struct error err;
	char text[8192] = "a=1 b=2\n";

	(void)state;
	strcat(text, "ports = {x, y}\nrule z { action = x }");
	assert_false(conf_read(&conf, put("conf", text, strlen(text)), hear,
			       &heard, &err));
	assert_int_equal(heard.count, 5);
	assert_non_null(strstr(err.text, ":1: there is no option \"a\""));
	assert_non_null(strstr(heard.last, ":3: action \"x\""));

	strcpy(text, "countries = {");
	for (int i = 0; i < 200; i++)
		strcat(text, "QQ, ");
	strcat(text, "US}");
	heard.count = 0;
	assert_false(conf_read(&conf, put("conf", text, strlen(text)), hear,
			       &heard, &err));
	assert_int_equal(heard.count, 51);
	assert_string_equal(heard.last,
			    "there are more errors; they are not listed");
}

static void test_environment_is_not_asked(void **state)
{
	(void)state;
	setenv("GEOBLOCK_TEST", "enforce", 1);
	assert_non_null(
		strstr(refuse("mode = \"${GEOBLOCK_TEST}\""), "not replaced"));
	assert_non_null(
		strstr(refuse("mode = ${GEOBLOCK_TEST}"), "not replaced"));
}

static void test_bounds(void **state)
{
	char text[70000] = "";

	(void)state;
	for (int i = 0; i <= RULES_MAX; i++)
		snprintf(text + strlen(text), 64, "rule r%d { action=tag }\n",
			 i);
	assert_non_null(strstr(refuse(text), ":65: more than 64 rules"));

	text[0] = '\0';
	for (int i = 0; i < 1025; i++)
		strcat(text, "geo { }\n");
	assert_non_null(strstr(refuse(text), ":1025: more than 1024 sections"));

	strcpy(text, "deny { networks = {");
	for (int i = 0; i < 4097; i++)
		strcat(text, "192.0.2.1,");
	strcat(text, "} }");
	assert_non_null(strstr(refuse(text), "more than 4096 values"));

	memset(text, 'x', 2000);
	strcpy(text + 2000, " = 1");
	assert_non_null(strstr(refuse(text), "there is no option \"xxxx"));
	strcpy(text, "contact = ");
	memset(text + 10, 'x', 2000);
	text[2010] = '\0';
	assert_non_null(strstr(refuse(text), "more than 1023 bytes"));
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path_of("conf"));
	unlink(path_of("three.txt"));
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_mode_default),
		cmocka_unit_test(test_shipped_rules),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_list_files),
		cmocka_unit_test(test_list_file_errors),
		cmocka_unit_test(test_not_a_configuration),
		cmocka_unit_test(test_odd_but_fine),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_all_are_said),
		cmocka_unit_test(test_environment_is_not_asked),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
