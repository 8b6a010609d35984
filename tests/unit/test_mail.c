// SPDX-License-Identifier: GPL-2.0-or-later
/* What mail programs are answered: the p0f API byte by byte, the text protocol,
 * amavis's datagrams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/amavis.h"
#include "daemon/p0f.h"
#include "daemon/text.h"
#include "tests/unit/memory.h"

static struct path path;

static int setup(void **state)
{
	(void)state;
	memory_open(&path);
	return 0;
}

/* ---- p0f ------------------------------------------------------------------- */

static uint32_t u32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static void query_of(const char *address, uint8_t query[P0F_QUERY_SIZE])
{
	const uint32_t magic = 0x50304601;
	struct addr addr;
	int bytes;

	assert_true(addr_parse(address, strlen(address), &addr, NULL));
	memset(query, 0, P0F_QUERY_SIZE);
	memcpy(query, &magic, sizeof(magic));
	query[4] = (uint8_t)addr.family;
	bytes = addr.family == 4 ? 4 : 16;
	for (int i = 0; i < bytes; i++)
		query[5 + i] = (uint8_t)(addr.value >> 8 * (bytes - 1 - i));
}

static enum asked ask_p0f(const char *address, uint8_t answer[P0F_ANSWER_SIZE])
{
	uint8_t query[P0F_QUERY_SIZE];

	query_of(address, query);
	memset(answer, 0xaa, P0F_ANSWER_SIZE);
	return p0f_answer(&path, query, answer);
}

static void test_p0f_windows(void **state)
{
	static const uint8_t zero[64];
	uint8_t a[P0F_ANSWER_SIZE];
	int16_t distance;

	(void)state;
	assert_int_equal(ask_p0f("3.5.0.26", a), ASKED_FOUND);
	assert_int_equal(u32(a), 0x50304602);
	assert_int_equal(u32(a + 4), 0x10);
	assert_int_equal(u32(a + 8), 1767225600);  /* first seen */
	assert_int_equal(u32(a + 12), 1767225602); /* last seen */
	assert_int_equal(u32(a + 16), 3);          /* connections */
	assert_memory_equal(a + 20, zero, 16);     /* uptime, NAT, change */
	memcpy(&distance, a + 36, sizeof(distance));
	assert_int_equal(distance, 7);
	assert_int_equal(a[38], 0);
	assert_int_equal(a[39], 0); /* exact */
	assert_string_equal((char *)a + 40, "Windows");
	assert_string_equal((char *)a + 72, "10 or 11");
	assert_memory_equal(a + 104, zero, 64); /* HTTP */
	assert_string_equal((char *)a + 168, "Ethernet or modem");
	assert_memory_equal(a + 200, zero, 32);
	/* no byte behind a text is left over from before */
	assert_memory_equal(a + 48, zero, 24);
	assert_memory_equal(a + 81, zero, 23);
}

static void test_p0f_others(void **state)
{
	uint8_t a[P0F_ANSWER_SIZE];

	(void)state;
	assert_int_equal(ask_p0f("5.43.0.25", a), ASKED_FOUND);
	assert_string_equal((char *)a + 40, "Linux");
	assert_int_equal(ask_p0f("2600:1::26", a), ASKED_FOUND);
	assert_string_equal((char *)a + 40, "Windows");
	assert_int_equal(ask_p0f("2a01:14::25", a), ASKED_FOUND);
	assert_string_equal((char *)a + 40, "Linux");
	/* seen, but nothing known: OK without a name */
	assert_int_equal(ask_p0f("2a01:14:0:1::77", a), ASKED_FOUND);
	assert_int_equal(u32(a + 4), 0x10);
	assert_int_equal(a[40], 0);
}

static void test_p0f_no_match(void **state)
{
	static const uint8_t zero[P0F_ANSWER_SIZE - 8];
	uint8_t a[P0F_ANSWER_SIZE], q[P0F_QUERY_SIZE];

	(void)state;
	assert_int_equal(ask_p0f("198.51.100.77", a), ASKED_UNKNOWN);
	assert_int_equal(u32(a), 0x50304602);
	assert_int_equal(u32(a + 4), 0x20);
	assert_memory_equal(a + 8, zero, sizeof(zero));
	query_of("3.5.0.26", q);
	q[4] = 5;
	assert_int_equal(p0f_answer(&path, q, a), ASKED_BAD);
	assert_int_equal(u32(a), 0x50304602);
	assert_int_equal(u32(a + 4), 0x00);
	assert_memory_equal(a + 8, zero, sizeof(zero));
}

/* memcpy(query.addr, address, sizeof(address)) with address a pointer */
static void test_p0f_milter_greylist(void **state)
{
	uint8_t a[P0F_ANSWER_SIZE], q[P0F_QUERY_SIZE];

	(void)state;
	query_of("3.5.0.26", q);
	memcpy(q + 9, "\x00\x19\xde\xad", 4);
	assert_int_equal(p0f_answer(&path, q, a), ASKED_FOUND);
	assert_string_equal((char *)a + 40, "Windows");
	query_of("2600:1::26", q);
	memset(q + 13, 0, 8);
	assert_int_equal(p0f_answer(&path, q, a), ASKED_FOUND);
	assert_string_equal((char *)a + 40, "Windows");
	query_of("2600:1:0:1::", q); /* a /64 where nobody was */
	assert_int_equal(p0f_answer(&path, q, a), ASKED_UNKNOWN);
	query_of("2600:1::27", q); /* a whole address stands for nobody else */
	assert_int_equal(p0f_answer(&path, q, a), ASKED_UNKNOWN);
	/* ::ffff:a.b.c.d, as a dual-stack socket shows it */
	query_of("::", q);
	memcpy(q + 15, "\xff\xff\x03\x05\x00\x1a", 6);
	assert_int_equal(p0f_answer(&path, q, a), ASKED_FOUND);
}

/* The latest host of a /64 is told where only the /64 is asked. */
static void test_p0f_latest_of_net(void **state)
{
	struct syn syn = { .version = 6,
			   .ttl = 57,
			   .flow = 7,
			   .window = 64800,
			   .sport = 40010,
			   .options = MEMORY_LINUX };
	uint8_t a[P0F_ANSWER_SIZE];

	(void)state;
	memory_syn(&path, "2600:1::99", &syn, 1767225650);
	assert_int_equal(ask_p0f("2600:1::", a), ASKED_FOUND);
	assert_string_equal((char *)a + 40, "Linux");
	assert_int_equal(ask_p0f("2600:1::26", a), ASKED_FOUND);
	assert_string_equal((char *)a + 40, "Windows");
}

/* Who was seen long ago is not who connects now. */
static void test_p0f_old(void **state)
{
	const uint64_t now = path.now, seen = 1767225602;
	uint8_t a[P0F_ANSWER_SIZE];
	char out[AMAVIS_ANSWER_MAX];
	size_t len;

	(void)state;
	path.now = seen + 7200;
	assert_int_equal(ask_p0f("3.5.0.26", a), ASKED_FOUND);
	assert_int_equal(amavis_answer(&path, "[3.5.0.26] n", 12, out, &len),
			 ASKED_FOUND);
	path.now++;
	assert_int_equal(ask_p0f("3.5.0.26", a), ASKED_UNKNOWN);
	assert_int_equal(u32(a + 4), 0x20);
	assert_int_equal(amavis_answer(&path, "[3.5.0.26] n", 12, out, &len),
			 ASKED_UNKNOWN);
	path.now = seen - 100000; /* the clock was set back */
	assert_int_equal(ask_p0f("3.5.0.26", a), ASKED_FOUND);
	path.now = now;
}

static size_t step(const struct clients_protocol *protocol, void *ctx,
		   const char *in, size_t len, bool ended,
		   enum clients_step *how, char *out, size_t *answer)
{
	size_t used = 0;

	*answer = 0;
	*how = protocol->answer(ctx, in, len, ended, &used, out, answer);
	return used;
}

static void test_p0f_stream(void **state)
{
	char in[64] = { 0 }, out[P0F_ANSWER_SIZE];
	struct p0f p0f = { .path = &path };
	enum clients_step how;
	size_t answer;

	(void)state;
	query_of("3.5.0.26", (uint8_t *)in);
	for (size_t len = 1; len < P0F_QUERY_SIZE; len++) {
		step(&p0f_protocol, &p0f, in, len, len % 2, &how, out, &answer);
		assert_int_equal(how, CLIENTS_MORE);
	}
	assert_int_equal(
		step(&p0f_protocol, &p0f, in, 40, false, &how, out, &answer),
		P0F_QUERY_SIZE);
	assert_int_equal(how, CLIENTS_ANSWERED);
	assert_int_equal(answer, P0F_ANSWER_SIZE);
	/* p0f v2's magic, whose queries have 20 bytes: not waited for */
	memcpy(in, "\xed\xac\xef\x0d", 4);
	assert_int_equal(
		step(&p0f_protocol, &p0f, in, 20, false, &how, out, &answer),
		20);
	assert_int_equal(how, CLIENTS_HANG_UP);
	assert_int_equal(u32((uint8_t *)out + 4), 0);
	assert_int_equal(p0f.asked[ASKED_FOUND], 1);
	assert_int_equal(p0f.asked[ASKED_BAD], 1);
}

/* ---- text ------------------------------------------------------------------ */

static const char *ask_text(const char *line, enum asked wanted)
{
	static char out[TEXT_ANSWER_MAX + 1];
	size_t len;

	assert_int_equal(text_answer(&path, line, strlen(line), out, &len),
			 wanted);
	assert_in_range(len, 2, TEXT_ANSWER_MAX);
	assert_int_equal(out[len - 1], '\n');
	out[len - 1] = '\0';
	assert_null(strchr(out, '\n'));
	return out;
}

static void test_text_alike(void **state)
{
	(void)state;
	path.alike[1].on = true; /* the other family's matter */
	assert_null(strstr(ask_text("3.5.0.26 40001", ASKED_FOUND), "alike"));
	path.alike[0].on = true;
	assert_non_null(strstr(ask_text("3.5.0.26 40001", ASKED_FOUND),
			       " mode=enforce alike=yes count="));
	path.alike[0].on = path.alike[1].on = false;
}

static void test_text_lines(void **state)
{
	(void)state;
	assert_string_equal(
		ask_text("3.5.0.26 40001", ASKED_FOUND),
		"seen=connection os=windows name=\"Windows\" flavour=\"10 or "
		"11\" confidence=98 match=exact distance=7 country=US "
		"verdict=greylist rule=\"windows\" stage=syn mode=enforce "
		"count=3 first-seen=1767225600 last-seen=1767225600 "
		"raw=\"4:121+7:0:1460:mss*44,8:mss,nop,ws,nop,nop,sok:df,id+:0"
		"\"");
	assert_string_equal(
		ask_text("5.43.0.25", ASKED_FOUND),
		"seen=address os=linux name=\"Linux\" flavour=\"4.20 or "
		"newer\" confidence=95 match=exact distance=7 country=PT "
		"verdict=reset "
		"rule=\"abroad\" stage=syn mode=enforce count=1 "
		"first-seen=1767225610 last-seen=1767225610 "
		"raw=\"4:57+7:0:1460:mss*44,7:mss,sok,ts,nop,ws:df,id+:0\"");
	assert_string_equal(
		ask_text("2a01:14:0:1::77", ASKED_FOUND),
		"seen=address os=unknown confidence=0 match=none distance=7 "
		"country=PT verdict=reset rule=\"abroad\" stage=syn "
		"mode=enforce count=1 first-seen=1767225640 "
		"last-seen=1767225640");
	assert_string_equal(ask_text("5.43.0.99", ASKED_UNKNOWN),
			    "seen=no country=PT verdict=reset rule=\"abroad\" "
			    "stage=kernel mode=enforce");
	assert_string_equal(ask_text("3.5.0.99", ASKED_UNKNOWN),
			    "seen=no country=US verdict=accept rule=\"exempt\" "
			    "stage=kernel mode=enforce");
	assert_string_equal(ask_text("9.9.9.9", ASKED_UNKNOWN),
			    "seen=no verdict=reset rule=\"abroad\" "
			    "stage=kernel mode=enforce");
}

static void test_text_by_port(void **state)
{
	(void)state;
	assert_ptr_equal(strstr(ask_text("3.5.0.26 40002", ASKED_FOUND),
				"seen=connection"),
			 ask_text("3.5.0.26 40002", ASKED_FOUND));
	assert_non_null(strstr(ask_text("3.5.0.26 40002", ASKED_FOUND),
			       "last-seen=1767225602"));
	/* a port that was not seen: the address */
	assert_ptr_equal(
		strstr(ask_text("3.5.0.26 5", ASKED_FOUND), "seen=address"),
		ask_text("3.5.0.26 5", ASKED_FOUND));
	assert_non_null(strstr(ask_text("::ffff:3.5.0.26 40001", ASKED_FOUND),
			       "seen=connection"));
	assert_non_null(
		strstr(ask_text(" \t2600:1::26  40004\t\r", ASKED_FOUND),
		       "seen=connection"));
}

/* A port that was used long ago is another connection's by now. */
static void test_text_old(void **state)
{
	const uint64_t now = path.now;

	(void)state;
	path.now = 1767225602 + 7200;
	assert_non_null(strstr(ask_text("3.5.0.26 40002", ASKED_FOUND),
			       "seen=connection"));
	path.now++;
	assert_non_null(strstr(ask_text("3.5.0.26 40002", ASKED_FOUND),
			       "seen=address"));
	path.now = now;
}

static void test_text_errors(void **state)
{
	static const struct {
		const char *line, *part;
	} bad[] = {
		{ "", "empty" },
		{ " \r", "empty" },
		{ "3.5.0", "address" },
		{ "mail.example.com", "address" },
		{ "3.5.0.26 0", "port" },
		{ "3.5.0.26 65536", "port" },
		{ "3.5.0.26 99999999999", "port" },
		{ "3.5.0.26 -1", "port" },
		{ "3.5.0.26 25 26", "port" },
		{ "3.5.0.26:25", "address" },
		{ "\xff\xfe\x01", "address" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *answer = ask_text(bad[i].line, ASKED_BAD);

		assert_ptr_equal(strstr(answer, "error=\""), answer);
		assert_non_null(strstr(answer, bad[i].part));
	}
}

static void test_text_stream(void **state)
{
	struct text text = { .path = &path };
	char in[512], out[TEXT_ANSWER_MAX];
	enum clients_step how;
	size_t answer;

	(void)state;
	memcpy(in, "3.5.0.26\n::1\n", 13);
	step(&text_protocol, &text, in, 8, false, &how, out, &answer);
	assert_int_equal(how, CLIENTS_MORE);
	/* Exim leaves the last line open and ends */
	assert_int_equal(
		step(&text_protocol, &text, in, 8, true, &how, out, &answer),
		8);
	assert_int_equal(how, CLIENTS_ANSWERED);
	assert_int_equal(
		step(&text_protocol, &text, in, 13, false, &how, out, &answer),
		9);
	assert_int_equal(how, CLIENTS_ANSWERED);
	/* longest line, and one byte more */
	memset(in, ' ', sizeof(in));
	in[TEXT_LINE_MAX - 1] = '\n';
	assert_int_equal(
		step(&text_protocol, &text, in, 200, false, &how, out, &answer),
		TEXT_LINE_MAX);
	assert_int_equal(how, CLIENTS_ANSWERED);
	in[TEXT_LINE_MAX - 1] = ' ';
	step(&text_protocol, &text, in, 127, false, &how, out, &answer);
	assert_int_equal(how, CLIENTS_MORE);
	step(&text_protocol, &text, in, 128, false, &how, out, &answer);
	assert_int_equal(how, CLIENTS_HANG_UP);
	assert_memory_equal(out, "error=\"", 7);
	assert_int_equal(text.asked[ASKED_FOUND], 2);
	assert_int_equal(text.asked[ASKED_BAD], 2);
}

/* The longest of everything fits an answer. */
static void test_text_longest(void **state)
{
	struct snapshot *before = (struct snapshot *)(uintptr_t)path.snapshot;
	const uint64_t now = path.now;
	char title[RULE_TITLE_MAX];
	struct syn syn = { .version = 4,
			   .ttl = 255,
			   .fragment = 0x8000,
			   .sport = 65535,
			   .flags = 0x1ff & ~0x10,
			   .ack = 1,
			   .urgent = 1,
			   .window = 65535,
			   .payload = 1,
			   .options = "020405b4 03030f ff02 ff02 ff02 ff02 01 "
				      "ff02 ff02 0508 01020304" };
	struct snapshot *next;

	(void)state;
	memset(title, '"', sizeof(title) - 1);
	title[sizeof(title) - 1] = '\0';
	memory_snapshot(&next, memory_conf);
	memcpy(next->conf->policy.rules[1].title, title, sizeof(title));
	path.snapshot = next;
	memory_syn(&path, "198.51.100.77", &syn, UINT32_MAX);
	assert_non_null(strstr(ask_text("198.51.100.77 65535", ASKED_FOUND),
			       "\\\"\\\"\\\"\" stage="));
	path.snapshot = before;
	path.now = now;
	snapshot_free(next);
}

static void test_text_value(void **state)
{
	static const char line[] = "seen=address rule=\"bot \\\"x\\\" \\\\ "
				   "y=1\" count=3 raw=\"4:1\"";
	char value[32];

	(void)state;
	assert_true(text_value(line, "seen", value, sizeof(value)));
	assert_string_equal(value, "address");
	assert_true(text_value(line, "rule", value, sizeof(value)));
	assert_string_equal(value, "bot \"x\" \\ y=1");
	assert_true(text_value(line, "raw", value, sizeof(value)));
	assert_string_equal(value, "4:1");
	assert_false(text_value(line, "y", value, sizeof(value)));
	assert_string_equal(value, "");
	assert_false(text_value(line, "see", value, sizeof(value)));
	assert_false(text_value(line, "rule", value, 8));
	assert_string_equal(value, "");
	assert_false(text_value("a=\"open", "a", value, sizeof(value)));
	assert_false(text_value("a=\"x\"y b=1", "b", value, sizeof(value)));
	assert_false(text_value("none", "none", value, sizeof(value)));
	assert_true(text_value("error=\"e\"\nb=1", "error", value, 32));
	assert_false(text_value("error=\"e\"\nb=1", "b", value, 32));
	/* what we say can be read back */
	assert_true(text_value(ask_text("3.5.0.26", ASKED_FOUND), "flavour",
			       value, sizeof(value)));
	assert_string_equal(value, "10 or 11");
}

/* ---- amavis ------------------------------------------------------------------ */

static void test_amavis(void **state)
{
	static const struct {
		const char *request, *answer; /* NULL: none */
	} cases[] = {
		{ "[3.5.0.26]:40001 4711-x",
		  "[3.5.0.26]:40001 4711-x Windows 10 or 11; dist: 7; link: "
		  "Ethernet or modem\r\n" },
		{ "[3.5.0.26] n",
		  "[3.5.0.26] n Windows 10 or 11; dist: 7; link: Ethernet or "
		  "modem\r\n" },
		{ "[IPv6:2600:1:0:0:0:0:0:26]:40004 n",
		  "[IPv6:2600:1:0:0:0:0:0:26]:40004 n Windows 10 or 11; dist: "
		  "4; link: Ethernet or modem\r\n" },
		{ "[2a01:14::25]:40005 ",
		  "[2a01:14::25]:40005  Linux 4.20 or newer; dist: 7\r\n" },
		{ "[2a01:14:0:1::77]:40006 n",
		  "[2a01:14:0:1::77]:40006 n ???; dist: 7\r\n" },
		{ "[9.9.9.9]:25 n", "[9.9.9.9]:25 n \r\n" },
		{ "", NULL },
		{ "[", NULL },
		{ "[]", NULL },
		{ "[]:1 n", NULL },
		{ "3.5.0.26:40001 n", NULL },
		{ "[3.5.0.26]:40001", NULL },
		{ "[3.5.0.26]: n", NULL },
		{ "[3.5.0.26]:65536 n", NULL },
		{ "[3.5.0.26]:99999999999999999999 n", NULL },
		{ "[3.5.0.26]x n", NULL },
		{ "[3.5.0.26]:1 n\n", NULL },
		{ "[3.5.0.26]:1 \x80", NULL },
		{ "[mail.example.com]:1 n", NULL },
	};
	char out[AMAVIS_ANSWER_MAX];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		enum asked asked =
			amavis_answer(&path, cases[i].request,
				      strlen(cases[i].request), out, &len);

		if (!cases[i].answer) {
			assert_int_equal(asked, ASKED_BAD);
			assert_int_equal(len, 0);
			continue;
		}
		assert_int_not_equal(asked, ASKED_BAD);
		assert_string_equal(out, cases[i].answer);
		assert_int_equal(len, strlen(cases[i].answer));
	}
}

static void test_amavis_longest(void **state)
{
	char request[AMAVIS_REQUEST_MAX + 1], out[AMAVIS_ANSWER_MAX];
	size_t len;

	(void)state;
	memset(request, 'n', sizeof(request));
	memcpy(request, "[3.5.0.26]:40001 ", 17);
	assert_int_equal(
		amavis_answer(&path, request, AMAVIS_REQUEST_MAX, out, &len),
		ASKED_FOUND);
	assert_int_equal(len, AMAVIS_REQUEST_MAX + 53);
	assert_int_equal(
		amavis_answer(&path, request, sizeof(request), out, &len),
		ASKED_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_p0f_windows),
		cmocka_unit_test(test_p0f_others),
		cmocka_unit_test(test_p0f_no_match),
		cmocka_unit_test(test_p0f_milter_greylist),
		cmocka_unit_test(test_p0f_latest_of_net),
		cmocka_unit_test(test_p0f_old),
		cmocka_unit_test(test_p0f_stream),
		cmocka_unit_test(test_text_lines),
		cmocka_unit_test(test_text_alike),
		cmocka_unit_test(test_text_by_port),
		cmocka_unit_test(test_text_old),
		cmocka_unit_test(test_text_errors),
		cmocka_unit_test(test_text_stream),
		cmocka_unit_test(test_text_longest),
		cmocka_unit_test(test_text_value),
		cmocka_unit_test(test_amavis),
		cmocka_unit_test(test_amavis_longest),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
