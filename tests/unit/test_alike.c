// SPDX-License-Identifier: GPL-2.0-or-later
/* When all senders look alike, and when somebody only wants it to seem so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/alike.h"

#define START 1767225600u
#define HOUR  3600u

static struct packet syn_from(uint32_t network, uint8_t ttl)
{
	return (struct packet){ .version = 4,
				.saddr = (addr6_t)network << 8 | 25,
				.ttl = ttl,
				.window = 64240,
				.mss = (uint16_t)(1200 + network % 260),
				.scale = 8,
				.quirks = QUIRK_DF,
				.layout_len = 3,
				.layout = { OPTION_MSS, OPTION_NOP,
					    OPTION_WS } };
}

/* `count` networks from `first` on, evenly between two points in time. */
static void senders(struct alike *alike, uint32_t first, uint32_t count,
		    uint64_t from, uint64_t to)
{
	for (uint32_t i = 0; i < count; i++) {
		struct packet syn = syn_from(first + i, 63);

		alike_note(alike, &syn,
			   from + (to - from) * i / (count > 1 ? count - 1 : 1),
			   HOUR);
	}
}

static void other(struct alike *alike, uint32_t network, uint64_t now)
{
	struct packet syn = syn_from(network, 52);

	alike_note(alike, &syn, now, HOUR);
}

static void test_proxy(void **state)
{
	struct alike alike = { 0 };

	(void)state;
	senders(&alike, 1000, 2000, START, START + HOUR - 1);
	assert_false(alike.on);
	assert_true(alike.networks >= ALIKE_NETWORKS);
	senders(&alike, 5000, 1, START + HOUR, START + HOUR);
	assert_true(alike.on);
	assert_int_equal(alike.since, START);
}

static void test_ipv6(void **state)
{
	struct alike alike = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		struct packet syn = syn_from(0, 63);

		/* 60 bits apart: other /48s */
		syn.version = 6;
		syn.saddr = ADDR6(0x2001000000000000u + ((uint64_t)i << 16), 1);
		alike_note(&alike, &syn, START + i * 10, HOUR);
	}
	assert_true(alike.on);
}

static void test_too_few(void **state)
{
	struct alike alike = { 0 };

	(void)state;
	for (int i = 0; i < 50; i++)
		senders(&alike, 1000, 150, START + (uint64_t)i * HOUR,
			START + (uint64_t)(i + 1) * HOUR);
	assert_false(alike.on);
	/* one network, many addresses */
	memset(&alike, 0, sizeof(alike));
	for (uint32_t i = 0; i < 5000; i++) {
		struct packet syn = syn_from(7, 63);

		syn.saddr = 7 << 8 | i % 256;
		alike_note(&alike, &syn, START + i * 10, HOUR);
	}
	assert_false(alike.on);
	assert_int_equal(alike.networks, 1);
}

/* The Internet: the same system, from different distances. */
static void test_distances(void **state)
{
	struct alike alike = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		struct packet syn =
			syn_from(i * 7919 % 100003, (uint8_t)(45 + i % 12));

		alike_note(&alike, &syn, START + i, HOUR);
		assert_false(alike.on);
	}
}

static void test_others(void **state)
{
	struct alike alike = { 0 };

	(void)state;
	/* a monitor that comes from beside the proxy, again and again */
	senders(&alike, 1000, 500, START, START + HOUR / 2);
	for (uint64_t i = 0; i < 100; i++) {
		other(&alike, 1, START + HOUR / 2 + i);
		other(&alike, 2, START + HOUR / 2 + i);
	}
	senders(&alike, 2000, 500, START + HOUR / 2 + 100, START + 2 * HOUR);
	assert_true(alike.on);
	/* a third one, long after them */
	other(&alike, 3, START + 4 * HOUR);
	assert_true(alike.on);
	other(&alike, 1, START + 4 * HOUR);
	assert_true(alike.on);
	other(&alike, 2, START + 4 * HOUR + 1);
	assert_false(alike.on);
	/* and it takes an hour again */
	senders(&alike, 1000, 500, START + 5 * HOUR, START + 6 * HOUR - 1);
	assert_false(alike.on);
}

/* One fingerprint from forged addresses, as many as one likes. */
static void test_forged(void **state)
{
	struct alike alike = { 0 };

	(void)state;
	/* slowly enough to be counted: three real senders an hour are too many */
	for (uint32_t hour = 0; hour < 24; hour++) {
		uint64_t at = START + hour * HOUR;

		senders(&alike, 10000, 100000, at, at + HOUR - 4);
		for (uint32_t i = 0; i < 3; i++)
			other(&alike, hour * 3 + i, at + HOUR - 3 + i);
		assert_false(alike.on);
	}
	/* fast enough to fill the queue, so that no real one is seen */
	memset(&alike, 0, sizeof(alike));
	for (uint64_t s = 0; s < 2 * HOUR; s++)
		senders(&alike, (uint32_t)s, ALIKE_RATE_MAX + 1, START + s,
			START + s);
	assert_false(alike.on);
	/* the hour begins when that is over */
	senders(&alike, 1000, 500, START + 2 * HOUR, START + 3 * HOUR - 2);
	assert_false(alike.on);
}

static void test_switch(void **state)
{
	struct alike alike = { 0 };
	struct packet syn = syn_from(1, 63);

	(void)state;
	senders(&alike, 1000, 500, START, START + HOUR);
	assert_true(alike.on);
	alike_note(&alike, &syn, START + HOUR, 0);
	assert_false(alike.on);
	/* a clock that is put back */
	memset(&alike, 0, sizeof(alike));
	senders(&alike, 1000, 500, START + HOUR, START + 2 * HOUR - 1);
	senders(&alike, 1000, 500, START, START + HOUR - 1);
	assert_false(alike.on);
	senders(&alike, 1000, 1, START + HOUR, START + HOUR);
	assert_true(alike.on);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_too_few),
		cmocka_unit_test(test_distances),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_switch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
