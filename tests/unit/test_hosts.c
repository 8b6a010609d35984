// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/hosts.h"

static const uint8_t key[SIPHASH_KEY_SIZE] = "0123456789abcde";
static uint64_t rng = 0x9e3779b97f4a7c15;

static uint64_t next(void)
{
	rng ^= rng << 13; /* Marsaglia's xorshift64 */
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

static struct addr v4(uint32_t value)
{
	return (struct addr){ .family = 4, .value = value };
}

static struct host *see(struct hosts *hosts, const struct addr *addr,
			uint16_t sport, uint32_t now)
{
	struct host *host = hosts_get(hosts, addr, sport);

	if (host->count++ == 0)
		host->first = now;
	host->last = now;
	return host;
}

static void test_bounds(void **state)
{
	struct hosts *hosts;
	struct error err;

	(void)state;
	assert_false(hosts_new(&hosts, 0, key, &err));
	assert_null(hosts);
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_false(
		hosts_new(&hosts, (size_t)HOSTS_ENTRIES_MAX + 1, key, &err));
	assert_true(hosts_new(&hosts, 9, key, &err));
	assert_int_equal(hosts_room(hosts), 16);
	hosts_free(hosts);
	hosts_free(NULL);
}

static void test_get_find(void **state)
{
	struct hosts *hosts;
	struct addr a = v4(0xc0000201), b = v4(0xc0000202);
	struct addr c = { .family = 6, .value = 0xc0000201 };
	const struct host *found;
	struct addr back;

	(void)state;
	assert_true(hosts_new(&hosts, 1000, key, NULL));
	assert_null(hosts_find(hosts, &a, 0));
	see(hosts, &a, 0, 10);
	see(hosts, &a, 0, 20);
	see(hosts, &a, 4711, 30);
	see(hosts, &c, 0, 40); /* ::192.0.2.1 is somebody else */
	assert_int_equal(hosts_count(hosts), 3);
	found = hosts_find(hosts, &a, 0);
	assert_non_null(found);
	assert_int_equal(found->first, 10);
	assert_int_equal(found->last, 20);
	assert_int_equal(found->count, 2);
	back = host_addr(found);
	assert_int_equal(back.family, 4);
	assert_true(back.value == a.value);
	assert_int_equal(hosts_find(hosts, &a, 4711)->count, 1);
	back = host_addr(hosts_find(hosts, &c, 0));
	assert_int_equal(back.family, 6);
	assert_true(back.value == c.value);
	assert_null(hosts_find(hosts, &b, 0));
	hosts_free(hosts);
}

/* One set: who has to go is decided as the header says. */
static void test_eviction(void **state)
{
	struct hosts *hosts;
	struct addr a;

	(void)state;
	assert_true(hosts_new(&hosts, HOSTS_WAYS, key, NULL));
	/* six came back, two are strangers */
	for (uint32_t i = 1; i <= 8; i++) {
		a = v4(i);
		see(hosts, &a, 0, 100 + i);
		if (i <= 6)
			see(hosts, &a, 0, 100 + i);
	}
	assert_int_equal(hosts_evicted(hosts), 0);
	/* a flood passes through the strangers' ways alone */
	for (uint32_t i = 1000; i < 3000; i++) {
		a = v4(i);
		see(hosts, &a, 0, i);
	}
	assert_int_equal(hosts_evicted(hosts), 2000);
	assert_int_equal(hosts_count(hosts), 8);
	for (uint32_t i = 1; i <= 8; i++) {
		a = v4(i);
		assert_int_equal(hosts_find(hosts, &a, 0) != NULL, i <= 6);
	}
	/* a seventh that comes back: the oldest of the returned goes next */
	a = v4(2999);
	see(hosts, &a, 0, 5000);
	a = v4(6000);
	see(hosts, &a, 0, 6000);
	a = v4(6001);
	see(hosts, &a, 0, 6001);
	a = v4(1);
	assert_null(hosts_find(hosts, &a, 0));
	a = v4(2999);
	assert_non_null(hosts_find(hosts, &a, 0));
	hosts_free(hosts);
}

static bool count_visit(void *ctx, const struct host *host)
{
	size_t *left = ctx;

	assert_true(host->count > 0);
	return --*left > 0;
}

static size_t resident_kb(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long size = 0, resident = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &size, &resident), 2);
	fclose(f);
	return resident * 4;
}

/* A million strangers of both families, between them a thousand senders that
 * come back: memory stays where it was bound to be, and the thousand are still
 * known. */
static void test_flood(void **state)
{
	enum { ROOM = 65536, STRANGERS = 1000000, REGULARS = 1000 };
	size_t before = resident_kb(), known = 0, left = 100;
	struct hosts *hosts;

	(void)state;
	assert_true(hosts_new(&hosts, ROOM, key, NULL));
	for (uint32_t day = 0; day < 2; day++)
		for (uint32_t i = 0; i < REGULARS; i++) {
			struct addr a = v4(0x0a000000 + i * 977);

			see(hosts, &a, 0, day);
		}
	for (uint32_t i = 0; i < STRANGERS; i++) {
		struct addr a = v4((uint32_t)next() | 0x80000000);

		if (i & 1)
			a = (struct addr){ .family = 6,
					   .value = ADDR6(next(), next()) };
		see(hosts, &a, 0, 10 + i / 200000);
	}
	for (uint32_t i = 0; i < REGULARS; i++) {
		struct addr a = v4(0x0a000000 + i * 977);

		known += hosts_find(hosts, &a, 0) != NULL;
	}
	assert_true(known >= REGULARS * 99 / 100);
	assert_true(hosts_count(hosts) <= ROOM);
	assert_true(hosts_count(hosts) > ROOM * 95 / 100);
	assert_true(hosts_evicted(hosts) >=
		    STRANGERS + REGULARS - ROOM - STRANGERS / 1000);
	if (resident_kb() - before > ROOM * sizeof(struct host) / 1024 + 1024)
		fail_msg("%zu kB more", resident_kb() - before);
	hosts_each(hosts, count_visit, &left);
	assert_int_equal(left, 0);
	hosts_free(hosts);
}

/* A Linux SYN: mss*44,7 with mss, sok, ts, nop, ws. */
static const struct packet linux_syn = {
	.saddr = 0xc0000201,
	.version = 4,
	.sport = 40000,
	.flags = PACKET_SYN,
	.seq = 12345,
	.quirks = QUIRK_DF | QUIRK_ID_PLUS,
	.mss = 1460,
	.window = 64240,
	.ttl = 52,
	.scale = 7,
	.ts_own = 99,
	.tcp_options = 20,
	.headers = 60,
	.layout_len = 5,
	.layout = { OPTION_MSS, OPTION_SOK, OPTION_TS, OPTION_NOP, OPTION_WS },
};

static void test_remember(void **state)
{
	struct fingerprint fingerprint = { .class = OS_LINUX,
					   .match = FINGERPRINT_EXACT,
					   .confidence = 95,
					   .distance = 12 };
	struct packet packet = linux_syn, back;
	struct hosts *hosts;
	struct addr a = v4(0xc0000201);
	struct host *host;

	(void)state;
	assert_true(hosts_new(&hosts, 8, key, NULL));
	host = see(hosts, &a, 40000, 1);
	host_remember(host, &packet, &fingerprint);
	assert_int_equal(host->os, OS_LINUX);
	assert_int_equal(host->confidence, 95);
	assert_true(host_packet(host, &back));
	packet.ts_own = 1; /* what is kept is that it was not 0 */
	assert_memory_equal(&back, &packet, sizeof(packet));

	/* more than an entry holds, and what has no name */
	packet.layout_len = HOST_LAYOUT_MAX + 1;
	host_remember(host, &packet, &fingerprint);
	assert_false(host_packet(host, &back));
	packet.layout_len = 5;
	packet.layout[2] = 200;
	host_remember(host, &packet, &fingerprint);
	assert_false(host_packet(host, &back));
	hosts_free(hosts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_get_find),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_remember),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
