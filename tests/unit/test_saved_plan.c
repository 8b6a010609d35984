// SPDX-License-Identifier: GPL-2.0-or-later
/* A plan in a file: what is written is what is read, and nothing that a disk did to it
 * is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/iset_equal.h"
#include "tools/tool_confirm.h"

static char folder[] = "/tmp/test-plan-XXXXXX";

static void add(struct iset *set, const char *text)
{
	struct range r;

	assert_true(range_parse(text, strlen(text), &r, NULL));
	assert_true(iset_add(set, &r, NULL));
}

static struct kernel_plan sample(struct iset *allow, struct iset *deny)
{
	struct kernel_plan plan = {
		.table = "geoblock",
		.ports = { 25, 587 },
		.port_count = 2,
		.audit = true,
		.mark = 0x70000000,
		.class_count = 2,
		.rest_counter = "abroad",
		.rest_action = ACTION_RESET,
		.rest_needs_syn = true,
		.queue = { .enabled = true,
			   .first = 25,
			   .last = 28,
			   .fanout = true,
			   .fail_closed = true },
		.nflog_group = 25,
	};

	add(allow, "192.0.2.0/24");
	add(allow, "203.0.113.0/25");
	add(allow, "2001:db8::/32");
	plan.classes[0] = (struct kernel_class){ .name = "deny",
						 .counter = "deny",
						 .action = ACTION_DROP,
						 .ranges = deny };
	plan.classes[1] = (struct kernel_class){ .name = "allow",
						 .counter = "default",
						 .action = ACTION_ACCEPT,
						 .needs_syn = true,
						 .ranges = allow };
	return plan;
}

static void test_round_trip(void **state)
{
	struct iset allow = { 0 }, deny = { 0 };
	struct kernel_plan plan = sample(&allow, &deny);
	struct error err = { 0 };
	struct tool_saved *saved;

	(void)state;
	assert_true(
		tool_saved_write(folder, "plan", "geoblock", &plan, 77, &err));
	saved = tool_saved_read(folder, "plan", &err);
	assert_non_null(saved);
	assert_true(saved->table);
	assert_int_equal(saved->until, 77);
	assert_string_equal(saved->plan.table, "geoblock");
	assert_memory_equal(saved->plan.ports, plan.ports, sizeof(plan.ports));
	assert_int_equal(saved->plan.port_count, 2);
	assert_true(saved->plan.audit);
	assert_int_equal(saved->plan.mark, plan.mark);
	assert_string_equal(saved->plan.rest_counter, "abroad");
	assert_int_equal(saved->plan.rest_action, ACTION_RESET);
	assert_true(saved->plan.rest_needs_syn);
	assert_memory_equal(&saved->plan.queue, &plan.queue,
			    sizeof(plan.queue));
	assert_int_equal(saved->plan.nflog_group, 25);
	assert_int_equal(saved->plan.class_count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct kernel_class *a = &plan.classes[i],
					  *b = &saved->plan.classes[i];

		assert_string_equal(a->name, b->name);
		assert_string_equal(a->counter, b->counter);
		assert_int_equal(a->action, b->action);
		assert_int_equal(a->needs_syn, b->needs_syn);
		assert_true(iset_equal(a->ranges, b->ranges));
	}
	tool_saved_free(saved);
	assert_true(tool_saved_write(folder, "plan", "other", NULL, 0, &err));
	saved = tool_saved_read(folder, "plan", &err);
	assert_non_null(saved);
	assert_false(saved->table);
	assert_string_equal(saved->name, "other");
	tool_saved_free(saved);
	iset_clear(&allow);
}

static uint8_t *bytes_of(size_t *size)
{
	char path[64];
	uint8_t *bytes;
	FILE *f;

	snprintf(path, sizeof(path), "%s/plan", folder);
	f = fopen(path, "r");
	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	*size = (size_t)ftell(f);
	rewind(f);
	bytes = malloc(*size);
	assert_int_equal(fread(bytes, 1, *size, f), *size);
	fclose(f);
	return bytes;
}

/* Every byte, every length. */
static void test_damaged(void **state)
{
	struct iset allow = { 0 }, deny = { 0 };
	struct kernel_plan plan = sample(&allow, &deny);
	struct error err = { 0 };
	uint8_t *bytes;
	size_t size;

	(void)state;
	assert_true(
		tool_saved_write(folder, "plan", "geoblock", &plan, 0, &err));
	bytes = bytes_of(&size);
	for (size_t i = 0; i < size; i++) {
		bytes[i] ^= 1u << i % 8;
		assert_null(tool_saved_parse(bytes, size, &err));
		bytes[i] ^= 1u << i % 8;
		assert_null(tool_saved_parse(bytes, i, &err));
	}
	assert_int_equal(err.kind, ERROR_MALFORMED);
	tool_saved_free(tool_saved_parse(bytes, size, &err));
	free(bytes);
	iset_clear(&allow);
	assert_null(tool_saved_read(folder, "none", &err));
	assert_int_equal(err.sys_errno, 2);
	assert_null(tool_saved_read(folder, ".", &err));
}

static void test_waiting(void **state)
{
	struct flock reads = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	char path[64];
	uint64_t until = 0;
	int fd;

	(void)state;
	assert_false(tool_confirm_waits(folder, &until));
	assert_false(tool_confirm_decide(folder, true));
	assert_true(tool_saved_write(folder, TOOL_CONFIRM_WAITS, "geoblock",
				     NULL, 99, NULL));
	/* of a process that is gone */
	assert_false(tool_confirm_waits(folder, &until));
	/* kept locked by somebody who may only read it */
	snprintf(path, sizeof(path), "%s/" TOOL_CONFIRM_WAITS, folder);
	fd = open(path, O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &reads), 0);
	assert_false(tool_confirm_waits(folder, &until));
	close(fd);
	assert_true(tool_confirm_hold(folder, &fd, NULL));
	assert_true(tool_confirm_waits(folder, &until));
	assert_int_equal(until, 99);
	/* one of those who decide is the first */
	assert_true(tool_confirm_decide(folder, false));
	assert_false(tool_confirm_decide(folder, true));
	assert_true(tool_confirm_waits(folder, NULL)); /* it is being done */
	close(fd);
	assert_false(tool_confirm_waits(folder, NULL));
	snprintf(path, sizeof(path), "%s/" TOOL_CONFIRM_NO, folder);
	unlink(path);
	assert_false(tool_confirm_hold(folder, &fd, NULL));
	assert_int_equal(fd, -1);
	assert_true(tool_saved_write(folder, TOOL_CONFIRM_WAITS, "geoblock",
				     NULL, 99, NULL));
	assert_true(tool_confirm_hold(folder, &fd, NULL));
	assert_true(tool_confirm_decide(folder, true));
	assert_true(tool_confirm_waits(folder, NULL)); /* the same */
	close(fd);
	assert_false(tool_confirm_waits(folder, NULL));
	snprintf(path, sizeof(path), "%s/" TOOL_CONFIRM_YES, folder);
	unlink(path);
}

static void test_times(void **state)
{
	static const struct {
		const char *text;
		unsigned seconds; /* 0: none */
	} cases[] = { { "60s", 60 },  { "60", 60 },    { "5m", 300 },
		      { "1h", 3600 }, { "1s", 1 },     { "0s", 0 },
		      { "2h", 0 },    { "61m", 0 },    { "", 0 },
		      { "s", 0 },     { "-1s", 0 },    { "1d", 0 },
		      { "1s ", 0 },   { "99999h", 0 }, { "4294967297s", 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		unsigned seconds = 0;

		assert_int_equal(!tool_confirm_take(&seconds, cases[i].text),
				 cases[i].seconds != 0);
		if (cases[i].seconds)
			assert_int_equal(seconds, cases[i].seconds);
	}
}

static int make(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int take_away(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/plan", folder);
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests_name("saved_plan", tests, make,
					   take_away);
}
