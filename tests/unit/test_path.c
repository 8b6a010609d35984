// SPDX-License-Identifier: GPL-2.0-or-later
/* From a queue's packet to the answer, and what is written down of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/memory.h"

#define NOW  1767225600u
#define MASK 0x70000000u

enum { TAG = 1, GREYLIST = 2, REFUSE = 3, ACCEPT = 4, RESET = 5 };

#define MARK(value) ((uint32_t)(value) << 28)

static const struct syn windows = { .version = 4,
				    .ttl = 121,
				    .ip_id = 7,
				    .fragment = 0x4000,
				    .window = 64240,
				    .options = MEMORY_WINDOWS };
static const struct syn unix4 = { .version = 4,
				  .ttl = 57,
				  .ip_id = 7,
				  .fragment = 0x4000,
				  .window = 64240,
				  .options = MEMORY_LINUX };

static struct path *path_with(const char *conf)
{
	static const uint8_t key[SIPHASH_KEY_SIZE];
	struct path *path = calloc(1, sizeof(*path));
	struct snapshot *snapshot;
	struct error err;

	memory_snapshot(&snapshot, conf);
	if (!path || !hosts_new(&path->hosts, 4096, key, &err) ||
	    !hosts_new(&path->connections, 4096, key, &err) ||
	    !hosts_new(&path->nets, 64, key, &err))
		abort();
	journal_init(&path->journal);
	path->snapshot = snapshot;
	path->now = NOW;
	return path;
}

static void path_done(struct path *path)
{
	hosts_free(path->hosts);
	hosts_free(path->connections);
	hosts_free(path->nets);
	snapshot_free((struct snapshot *)(uintptr_t)path->snapshot);
	free(path);
}

static struct queue_answer judge(struct path *path, const char *from,
				 const struct syn *syn, uint32_t mark)
{
	struct queue_packet packet = { .id = 1, .mark = mark };
	uint8_t bytes[SYN_MAX];
	struct addr addr;

	packet.len = syn_build(syn, bytes);
	packet.payload = bytes;
	assert_true(addr_parse(from, strlen(from), &addr, NULL));
	put32(bytes + 12, (uint32_t)addr.value);
	return path_judge(path, &packet);
}

static void test_answers(void **state)
{
	static const struct {
		const char *from;
		const struct syn *syn;
		bool drop;
		uint32_t mark;
	} table[] = {
		{ "3.5.0.25", &unix4, false, ACCEPT },
		{ "3.5.0.26", &windows, false, GREYLIST },
		{ "3.5.0.99", &windows, false, ACCEPT }, /* exempt */
		{ "5.43.0.25", &unix4, false, RESET },
		{ "5.43.0.26", &windows, true, 0 },
		{ "9.9.9.9", &unix4, false, RESET }, /* in no country */
	};
	struct path *path = path_with(memory_conf);

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct queue_answer answer =
			judge(path, table[i].from, table[i].syn, 0x8000000f);

		assert_int_equal(answer.drop, table[i].drop);
		if (answer.drop)
			continue;
		/* an administrator's bits stay */
		assert_true(answer.set_mark);
		assert_int_equal(answer.mark, MARK(table[i].mark) | 0x8000000f);
	}
	path_done(path);
}

static void test_audit(void **state)
{
	struct path *path = path_with(
		"mode = audit\ncountries = {US}\n"
		"rule \"bot\" { country = outside os = windows action = drop "
		"}\n");
	struct queue_answer answer = judge(path, "5.43.0.26", &windows, 0);

	(void)state;
	assert_false(answer.drop);
	assert_int_equal(answer.mark, MARK(ACCEPT));
	path_record(path);
	assert_int_equal(path->counters.actions[ACTION_DROP], 1);
	assert_int_equal(path->journal.count, 1);
	assert_true(path->journal.ring[0].audit);
	path_done(path);
}

/* What is not judged goes on with its mark as it is, and is counted. */
static void test_not_judged(void **state)
{
	static const uint8_t rubbish[] = { 0x45, 0, 0 };
	struct path *path = path_with(memory_conf);
	struct snapshot bare = *path->snapshot;
	struct queue_packet packet = { .payload = rubbish,
				       .len = sizeof(rubbish) };
	const struct snapshot *before = path->snapshot;
	struct queue_answer answer = path_judge(path, &packet);
	struct syn ack = unix4;
	uint64_t unreadable = 0;

	(void)state;
	assert_false(answer.drop || answer.set_mark);
	packet.payload = NULL;
	packet.len = 0;
	answer = path_judge(path, &packet);
	assert_false(answer.drop || answer.set_mark);
	for (int i = 0; i < PACKET_STATUS_COUNT; i++)
		unreadable += path->counters.unreadable[i];
	assert_int_equal(unreadable, 2);

	ack.flags = PACKET_ACK;
	answer = judge(path, "5.43.0.26", &ack, 7);
	assert_false(answer.drop || answer.set_mark);
	assert_int_equal(path->counters.not_syn, 1);

	bare.image = NULL;
	path->snapshot = &bare;
	answer = judge(path, "5.43.0.26", &windows, 7);
	assert_false(answer.drop || answer.set_mark);
	assert_int_equal(path->counters.unjudged, 1);
	path->snapshot = before;
	assert_int_equal(path->counters.packets, 4);
	assert_int_equal(path->pending_count, 0);
	path_record(path);
	assert_int_equal(hosts_count(path->hosts), 0);
	assert_int_equal(path->journal.count, 0);
	path_done(path);
}

static const struct host *find(const struct path *path, const char *text,
			       uint16_t port)
{
	struct addr addr;

	assert_true(addr_parse(text, strlen(text), &addr, NULL));
	return hosts_find(port ? path->connections : path->hosts, &addr, port);
}

/* A SYN that is sent again gets its verdict, and is counted once. */
static void test_sent_again(void **state)
{
	struct path *path = path_with(memory_conf);
	struct syn syn = windows;

	(void)state;
	syn.sport = 40001;
	syn.seq = 99;
	for (int i = 0; i < 4; i++) {
		path->now = NOW + (1u << i) - 1; /* 0, 1, 3, 7 s */
		assert_true(judge(path, "5.43.0.26", &syn, 0).drop);
		path_record(path);
	}
	assert_int_equal(path->counters.again, 3);
	assert_int_equal(path->counters.actions[ACTION_DROP], 1);
	assert_int_equal(path->journal.count, 1);
	assert_int_equal(find(path, "5.43.0.26", 0)->count, 1);
	assert_int_equal(find(path, "5.43.0.26", 0)->last, NOW + 7);
	syn.seq = 100; /* the same port, but another attempt */
	judge(path, "5.43.0.26", &syn, 0);
	path_record(path);
	assert_int_equal(find(path, "5.43.0.26", 0)->count, 2);
	path->now += PATH_AGAIN_S + 1; /* and so is this one, so late */
	judge(path, "5.43.0.26", &syn, 0);
	path_record(path);
	assert_int_equal(find(path, "5.43.0.26", 0)->count, 3);
	assert_int_equal(path->counters.again, 3);
	assert_non_null(find(path, "5.43.0.26", 40001));
	assert_null(find(path, "5.43.0.26", 40002));
	path_done(path);
}

/* Nothing is written down before the answers are given, and nothing lost when
 * more come than a batch has. */
static void test_record(void **state)
{
	struct path *path = path_with(memory_conf);
	char from[16];

	(void)state;
	for (unsigned i = 0; i < QUEUE_BATCH; i++) {
		snprintf(from, sizeof(from), "3.5.0.%u", i);
		judge(path, from, &unix4, 0);
	}
	assert_int_equal(hosts_count(path->hosts), 0);
	judge(path, "3.5.0.200", &unix4, 0);
	assert_int_equal(hosts_count(path->hosts), QUEUE_BATCH);
	path_record(path);
	assert_int_equal(hosts_count(path->hosts), QUEUE_BATCH + 1);
	path_record(path);
	assert_int_equal(path->counters.actions[ACTION_ACCEPT],
			 QUEUE_BATCH + 1);
	path_done(path);
}

/* After a reload, what was counted and remembered under a title stays with it. */
static void test_swap(void **state)
{
	struct path *path = path_with(
		"mode = enforce\ncountries = {US}\n"
		"rule \"gone\" { country = outside action = drop }\n"
		"rule \"stays\" { os = windows action = greylist }\n");
	const struct snapshot *before = path->snapshot;
	struct snapshot *next;

	(void)state;
	judge(path, "5.43.0.25", &unix4, 0);
	judge(path, "3.5.0.26", &windows, 0);
	path_record(path);
	assert_int_equal(find(path, "3.5.0.26", 0)->rule, 1);
	memory_snapshot(&next,
			"mode = enforce\ncountries = {US}\n"
			"rule \"stays\" { os = windows action = tag }\n"
			"rule \"new\" { country = outside action = reset }\n");
	path_swap(path, next);
	snapshot_free((struct snapshot *)(uintptr_t)before);
	assert_int_equal(find(path, "3.5.0.26", 0)->rule, 0);
	assert_int_equal(find(path, "5.43.0.25", 0)->rule, HOST_RULE_GONE);
	assert_int_equal(path->counters.reasons[REASON_OF(0)], 1);
	assert_int_equal(path->counters.reasons[REASON_OF(1)], 0);
	assert_int_equal(judge(path, "3.5.0.26", &windows, 0).mark, MARK(TAG));
	path_done(path);
}

static void test_copy(void **state)
{
	struct path *path = path_with(memory_conf);
	uint8_t bytes[SYN_MAX];
	size_t len = syn_build(&windows, bytes);

	(void)state;
	put32(bytes + 12, 0x052b001a); /* 5.43.0.26 */
	path_copy(path, bytes, len);
	path_copy(path, bytes, 3);
	/* the address alone decided: no drop for a bot */
	assert_int_equal(path->counters.actions[ACTION_RESET], 1);
	assert_int_equal(path->counters.packets, 0);
	assert_int_equal(find(path, "5.43.0.26", 0)->os, OS_WINDOWS);
	path_done(path);
}

/* Where all senders look alike rules on systems are left out, and no system is
 * remembered. */
static void test_alike(void **state)
{
	struct path *path = path_with(memory_conf);

	(void)state;
	path->alike[0].on = true;
	assert_int_equal(judge(path, "3.5.0.26", &windows, 0).mark,
			 MARK(ACCEPT));
	assert_int_equal(judge(path, "5.43.0.26", &windows, 0).mark,
			 MARK(RESET));
	path_record(path);
	assert_int_equal(find(path, "3.5.0.26", 0)->os, OS_UNKNOWN);
	assert_int_equal(find(path, "3.5.0.26", 0)->confidence, 0);
	path->alike[0].on = false;
	path->alike[1].on = true; /* the other family's matter */
	assert_true(judge(path, "5.43.0.26", &windows, 0).drop);
	path_done(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_audit),
		cmocka_unit_test(test_not_judged),
		cmocka_unit_test(test_sent_again),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
