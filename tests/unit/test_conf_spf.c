// SPDX-License-Identifier: GPL-2.0-or-later
/* exempt.spf: what of the last answers becomes exempt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <geoblock/conf.h>

static char folder[] = "/tmp/geoblock-unit-XXXXXX";

#define ANSWERS                                                                \
	"geoblock-spf 1\n"                                                     \
	"domain a.example asked 1764000000 answered 1764000000\n"              \
	"192.0.2.0/24 a.example ip4:192.0.2.0/24\n"                            \
	"198.51.100.7 b.example +mx\n"                                         \
	"domain gone.example asked 1764000000 answered 1764000000\n"           \
	"203.0.113.0/24 gone.example ip4:203.0.113.0/24\n"                     \
	"end 5\n"

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static struct conf *read_conf(const char *words)
{
	char path[128], text[512];
	struct error err = { 0 };
	struct conf *conf;

	snprintf(path, sizeof(path), "%s/conf", folder);
	snprintf(text, sizeof(text),
		 "state-dir = \"%s\"\nexempt { spf = {%s} networks = "
		 "{\"192.0.2.0/25\"} }\n",
		 folder, words);
	write_file("conf", text);
	if (!conf_read(&conf, path, NULL, NULL, &err))
		fail_msg("%s", err.text);
	return conf;
}

static const struct conf_net *find(const struct conf *conf, const char *text)
{
	struct addr addr;

	assert_true(addr_parse(text, strlen(text), &addr, NULL));
	return conf_find_net(&conf->exempt, &addr);
}

static void test_exempt(void **state)
{
	struct conf *conf;
	const struct conf_net *net;

	(void)state;
	write_file(SPF_STORE_NAME, ANSWERS);
	conf = read_conf("\"A.Example\", \"microsoft365\", \"a.example\"");
	assert_int_equal(conf->spf_count, 3);
	assert_int_equal(conf->spf_domain_count, 2);
	assert_null(conf->spf_problem);
	net = find(conf, "192.0.2.200");
	assert_string_equal(net->spf, "a.example");
	assert_string_equal(net->note, "a.example → ip4:192.0.2.0/24");
	net = find(conf, "198.51.100.7");
	assert_string_equal(net->note,
			    "a.example → b.example → mx = 198.51.100.7");
	/* the narrower one, from the file */
	net = find(conf, "192.0.2.1");
	assert_null(net->spf);
	assert_int_equal(net->line, 2);
	/* of a domain that is not in the configuration */
	assert_null(find(conf, "203.0.113.1"));
	assert_true(iset_has4(&conf->exempt.set, 0xc00002c8));
	assert_false(iset_has4(&conf->exempt.set, 0xcb007101));
	conf_free(conf);
}

/* New answers instead of old ones. */
static void test_take(void **state)
{
	struct spf_store answers = { 0 };
	struct spf_entry *entry;
	struct error err = { 0 };
	struct range range = { 4, 0xcb007100, 0xcb0071ff };
	struct conf *conf;
	size_t before;

	(void)state;
	write_file(SPF_STORE_NAME, ANSWERS);
	conf = read_conf("\"a.example\"");
	before = conf->exempt.count;
	entry = spf_store_add(&answers, "a.example", &err);
	assert_true(
		spf_nets_add(&entry->nets, &range, "a.example", "x", 1, &err));
	assert_true(conf_take_spf(conf, &answers, &err));
	assert_int_equal(conf->exempt.count, before - 1);
	assert_null(find(conf, "198.51.100.7"));
	assert_non_null(find(conf, "203.0.113.1"));
	assert_non_null(find(conf, "192.0.2.1"));
	assert_non_null(find(conf, "10.0.0.1"));
	assert_true(iset_has4(&conf->exempt.set, 0xcb007101));
	assert_false(iset_has4(&conf->exempt.set, 0xc6336407));
	assert_int_equal(answers.count, 0);
	conf_free(conf);
}

/* The configuration is right all the same; nothing is exempt by SPF. */
static void test_damaged(void **state)
{
	static const char *const texts[] = {
		"",
		"geoblock-spf 1\nend 1\n",
		("geoblock-spf 1\ndomain a.example asked 1 answered 1\n"
		 "0.0.0.0/0 a.example all\nend 2\n"),
		"\x01\x02",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct conf *conf;

		write_file(SPF_STORE_NAME, texts[i]);
		conf = read_conf("\"a.example\"");
		assert_non_null(conf->spf_problem);
		assert_non_null(strstr(conf->spf_problem, folder));
		assert_null(find(conf, "203.0.113.1"));
		assert_non_null(find(conf, "192.0.2.1"));
		conf_free(conf);
	}
}

static void test_missing(void **state)
{
	struct conf *conf;
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/" SPF_STORE_NAME, folder);
	unlink(path);
	conf = read_conf("\"a.example\"");
	assert_null(conf->spf_problem);
	assert_int_equal(conf->spf_answers.count, 0);
	assert_int_equal(conf->spf_file.st_ino, 0);
	conf_free(conf);
}

/* Who watches the file has to know which one was read, not which one is there. */
static void test_which(void **state)
{
	struct conf *conf;
	struct stat was, now;
	char path[128], next[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/" SPF_STORE_NAME, folder);
	snprintf(next, sizeof(next), "%s/next", folder);
	write_file(SPF_STORE_NAME, ANSWERS);
	assert_int_equal(stat(path, &was), 0);
	conf = read_conf("\"a.example\"");
	write_file("next", ANSWERS);
	assert_int_equal(rename(next, path), 0);
	assert_int_equal(stat(path, &now), 0);
	assert_true(conf->spf_file.st_ino == was.st_ino);
	assert_true(conf->spf_file.st_ino != now.st_ino);
	conf_free(conf);
}

static int begin(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
	static const char *const names[] = { "conf", SPF_STORE_NAME };
	char path[128];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exempt),  cmocka_unit_test(test_take),
		cmocka_unit_test(test_damaged), cmocka_unit_test(test_missing),
		cmocka_unit_test(test_which),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
