// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <geoblock/fingerprint.h>

#include "syn.h"

#define DF 0x4000

/* layouts, as bytes */
#define MSS             "020405b4 "
#define MSS1360         "02040550 "
#define MSS6            "020405a0 "
#define TS              "080a 00000007 00000000 "
#define NOTS            "01010101010101010101 "
#define WIN(mss, ws)    mss "01 0303" ws " 01010402"
#define WIN_TS(mss, ws) mss "01 0303" ws " 0402 " TS
#define PLAIN(mss)      mss "01010402"
#define LINUX(mss, ws)  mss "0402 " TS "01 0303" ws
#define DARWIN(mss, ws) mss "01 0303" ws " 0101 " TS "0402 0000"

static struct signatures *db;

static int load(void **state)
{
	struct error err = { 0 };

	(void)state;
	return signatures_new(&db, &err) && signatures_read_builtin(db, &err) &&
			       signatures_compile(db, &err)
		       ? 0
		       : -1;
}

static int unload(void **state)
{
	(void)state;
	signatures_free(db);
	return 0;
}

static struct fingerprint look(const struct signatures *with, struct syn s)
{
	uint8_t buf[SYN_MAX];
	struct fingerprint f;
	struct packet p;

	assert_int_equal(packet_parse(buf, syn_build(&s, buf), &p), PACKET_OK);
	memset(&f, 0xa5, sizeof(f));
	fingerprint_of(with, &p, &f);
	assert_non_null(f.name);
	assert_non_null(f.flavour);
	assert_true(f.confidence <= 98);
	assert_non_null(fingerprint_reason_text(f.reason));
	assert_int_equal(f.class == OS_UNKNOWN, f.match == FINGERPRINT_NONE);
	assert_int_equal(f.class == OS_UNKNOWN, f.confidence == 0);
	return f;
}

/* A case says what differs from: IPv4 with DF and an IPID, source port 50000. */
struct expectation {
	const char *name;
	struct syn syn;
	enum os_class class;
	int least, most; /* confidence */
	const char *flavour;
	enum fingerprint_reason reason;
};

static struct syn with_defaults(struct syn s)
{
	if (s.version == 0) {
		s.version = 4;
		s.fragment = DF;
		s.ip_id = 7;
	}
	if (s.version == 6 && s.flow == 0)
		s.flow = 0x12345;
	return s;
}

static void check(const struct expectation *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct expectation *e = &list[i];
		struct fingerprint f = look(db, with_defaults(e->syn));

		if (f.class != e->class || f.confidence < e->least ||
		    f.confidence > e->most ||
		    (e->flavour && strcmp(f.flavour, e->flavour) != 0) ||
		    (e->reason && f.reason != e->reason))
			fail_msg("%s: %s \"%s\" %d, match %s: %s", e->name,
				 os_class_name(f.class), f.flavour,
				 f.confidence, fingerprint_match_name(f.match),
				 fingerprint_reason_text(f.reason));
	}
}

#define CHECK(list) check(list, sizeof(list) / sizeof(*list))

static void test_fingerprint_windows(void **state)
{
	static const struct expectation list[] = {
		{ "11",
		  { .ttl = 116, .window = 65535, .options = WIN(MSS, "08") },
		  OS_WINDOWS,
		  95,
		  98,
		  "10 or 11",
		  REASON_EXACT },
		{ "10",
		  { .ttl = 116, .window = 64240, .options = WIN(MSS, "08") },
		  OS_WINDOWS,
		  95,
		  98,
		  "10 or 11",
		  REASON_EXACT },
		{ "10 with ECN",
		  { .ttl = 116,
		    .window = 64240,
		    .flags = 0xc2,
		    .options = WIN(MSS, "08") },
		  OS_WINDOWS,
		  95,
		  98,
		  "10 or 11",
		  0 },
		{ "10 with timestamps",
		  { .ttl = 116, .window = 65160, .options = WIN_TS(MSS, "08") },
		  OS_WINDOWS,
		  85,
		  98,
		  "10 or 11",
		  0 },
		{ "7",
		  { .ttl = 120, .window = 8192, .options = WIN(MSS, "08") },
		  OS_WINDOWS,
		  95,
		  98,
		  "Vista to 8.1",
		  REASON_EXACT },
		{ "7, restricted",
		  { .ttl = 120, .window = 8192, .options = WIN(MSS, "02") },
		  OS_WINDOWS,
		  95,
		  98,
		  "Vista to 8.1",
		  0 },
		{ "2008, no scaling",
		  { .ttl = 120, .window = 8192, .options = PLAIN(MSS) },
		  OS_WINDOWS,
		  90,
		  98,
		  "Vista to 8.1",
		  0 },
		{ "XP",
		  { .ttl = 110,
		    .window = 65535,
		    .sport = 1042,
		    .options = PLAIN(MSS) },
		  OS_WINDOWS,
		  90,
		  98,
		  "XP or 2003",
		  REASON_EXACT },
		{ "2000",
		  { .ttl = 110,
		    .window = 17520,
		    .sport = 1042,
		    .options = PLAIN(MSS) },
		  OS_WINDOWS,
		  85,
		  98,
		  "XP or 2003",
		  0 },
		{ "XP with scaling",
		  { .ttl = 110,
		    .window = 65535,
		    .sport = 1042,
		    .options = WIN(MSS, "02") },
		  OS_WINDOWS,
		  85,
		  98,
		  "XP or 2003",
		  0 },
		{ "the same of a later one",
		  { .ttl = 110, .window = 65535, .options = WIN(MSS, "02") },
		  OS_WINDOWS,
		  85,
		  98,
		  "Vista to 8.1",
		  REASON_BUFFER },
		{ "a buffer of its own",
		  { .ttl = 110, .window = 51200, .options = WIN(MSS, "00") },
		  OS_WINDOWS,
		  80,
		  90,
		  "Vista to 8.1",
		  REASON_BUFFER },
		{ "IPv6, hop limit 64",
		  { .version = 6,
		    .ttl = 57,
		    .window = 64800,
		    .options = WIN(MSS6, "08") },
		  OS_WINDOWS,
		  90,
		  98,
		  "10 or 11",
		  REASON_EXACT },
		{ "IPv6, hop limit 128",
		  { .version = 6,
		    .ttl = 120,
		    .window = 65535,
		    .options = WIN(MSS6, "08") },
		  OS_WINDOWS,
		  90,
		  98,
		  "10 or 11",
		  REASON_EXACT },
		{ "IPv6, tunnel",
		  { .version = 6,
		    .ttl = 57,
		    .window = 64320,
		    .options = WIN("0204053c", "08") },
		  OS_WINDOWS,
		  90,
		  98,
		  "10 or 11",
		  0 },
		{ "an unlisted build, 128",
		  { .ttl = 116, .window = 62780, .options = WIN(MSS, "08") },
		  OS_WINDOWS,
		  80,
		  98,
		  "10 or 11",
		  REASON_FAMILY },
		{ "last of three tries",
		  { .ttl = 116, .window = 8192, .options = MSS },
		  OS_WINDOWS,
		  60,
		  79,
		  "Vista to 8.1",
		  REASON_RETRIED },
	};

	(void)state;
	CHECK(list);
}

/* What paths do to it. */
static void test_fingerprint_windows_paths(void **state)
{
	static const struct expectation list[] = {
		{ "MSS clamped",
		  { .ttl = 116,
		    .window = 64240,
		    .options = WIN(MSS1360, "08") },
		  OS_WINDOWS,
		  90,
		  98,
		  "10 or 11",
		  REASON_CLAMPED },
		{ "MSS clamped, timestamps on",
		  { .ttl = 116,
		    .window = 65160,
		    .options = WIN_TS(MSS1360, "08") },
		  OS_WINDOWS,
		  85,
		  98,
		  "10 or 11",
		  REASON_CLAMPED },
		{ "TTL rewritten to 64",
		  { .ttl = 55, .window = 64240, .options = WIN(MSS, "08") },
		  OS_WINDOWS,
		  60,
		  79,
		  "10 or 11",
		  REASON_TTL },
		{ "and to 255",
		  { .ttl = 243, .window = 64240, .options = WIN(MSS, "08") },
		  OS_WINDOWS,
		  60,
		  79,
		  "10 or 11",
		  REASON_TTL },
		{ "IPID cleared",
		  { .version = 4,
		    .fragment = DF,
		    .ttl = 116,
		    .window = 64240,
		    .options = WIN(MSS, "08") },
		  OS_WINDOWS,
		  80,
		  92,
		  "10 or 11",
		  REASON_QUIRKS },
		{ "DF cleared",
		  { .version = 4,
		    .ip_id = 7,
		    .ttl = 116,
		    .window = 64240,
		    .options = WIN(MSS, "08") },
		  OS_WINDOWS,
		  80,
		  92,
		  "10 or 11",
		  REASON_QUIRKS },
		{ "SACK cleared",
		  { .ttl = 116,
		    .window = 64240,
		    .options = MSS "01 030308 01010101" },
		  OS_WINDOWS,
		  80,
		  92,
		  "10 or 11",
		  REASON_CLEARED },
		{ "scale cleared",
		  { .ttl = 116,
		    .window = 64240,
		    .options = MSS "01 010101 01010402" },
		  OS_WINDOWS,
		  60,
		  92,
		  NULL,
		  REASON_CLEARED },
		{ "timestamps cleared",
		  { .ttl = 116,
		    .window = 65160,
		    .options = MSS "01 030308 0402 " NOTS },
		  OS_WINDOWS,
		  60,
		  92,
		  "10 or 11",
		  REASON_CLEARED },
		{ "Fast Open",
		  { .ttl = 116,
		    .window = 65535,
		    .payload = 10,
		    .options = WIN(MSS, "08") "2202 0101" },
		  OS_WINDOWS,
		  90,
		  98,
		  "10 or 11",
		  0 },
		{ "far away",
		  { .ttl = 70, .window = 64240, .options = WIN(MSS, "08") },
		  OS_WINDOWS,
		  90,
		  98,
		  "10 or 11",
		  0 },
	};

	(void)state;
	CHECK(list);
}

/* Others that build like Windows: never enough to drop mail, nor to greylist. */
static const struct expectation look_alikes[] = {
	{ "Solaris 10",
	  { .ttl = 60, .window = 49640, .options = WIN(MSS, "00") },
	  OS_SOLARIS,
	  80,
	  98,
	  NULL,
	  0 },
	{ "Solaris 9",
	  { .ttl = 60, .window = 49640, .options = PLAIN(MSS) },
	  OS_SOLARIS,
	  80,
	  98,
	  NULL,
	  0 },
	{ "Solaris 10 clamped",
	  { .ttl = 60, .window = 49640, .options = WIN(MSS1360, "00") },
	  OS_SOLARIS,
	  60,
	  98,
	  NULL,
	  0 },
	{ "IRIX",
	  { .version = 4,
	    .ip_id = 7,
	    .ttl = 55,
	    .window = 49152,
	    .options = WIN(MSS, "03") },
	  OS_OTHER,
	  60,
	  98,
	  NULL,
	  0 },
	{ "IRIX, plain",
	  { .version = 4,
	    .ip_id = 7,
	    .ttl = 55,
	    .window = 61440,
	    .options = PLAIN(MSS) },
	  OS_OTHER,
	  60,
	  98,
	  NULL,
	  0 },
	{ "Linux 2.6 without timestamps and scaling",
	  { .ttl = 55, .window = 5840, .options = PLAIN(MSS) },
	  OS_LINUX,
	  60,
	  79,
	  NULL,
	  REASON_SHARED },
	{ "Linux 3.10 likewise",
	  { .ttl = 55, .window = 29200, .options = PLAIN(MSS) },
	  OS_LINUX,
	  60,
	  79,
	  NULL,
	  REASON_SHARED },
	{ "4.20 likewise, or an XP behind a proxy",
	  { .ttl = 55, .window = 64240, .options = PLAIN(MSS) },
	  OS_UNKNOWN,
	  0,
	  0,
	  NULL,
	  0 },
	{ "Nintendo",
	  { .ttl = 55, .window = 32768, .options = PLAIN(MSS) },
	  OS_UNKNOWN,
	  0,
	  0,
	  NULL,
	  0 },
	{ "FreeBSD",
	  { .ttl = 55, .window = 65535, .options = WIN_TS(MSS, "06") },
	  OS_BSD,
	  80,
	  98,
	  NULL,
	  0 },
	{ "FreeBSD, untuned scale",
	  { .ttl = 55, .window = 65535, .options = WIN_TS(MSS, "09") },
	  OS_BSD,
	  50,
	  79,
	  NULL,
	  0 },
	{ "FreeBSD or Windows at 64",
	  { .ttl = 55, .window = 65535, .options = WIN_TS(MSS, "08") },
	  OS_UNKNOWN,
	  0,
	  0,
	  NULL,
	  0 },
	{ "the same at 255",
	  { .ttl = 245, .window = 65535, .options = WIN_TS(MSS, "08") },
	  OS_UNKNOWN,
	  0,
	  0,
	  NULL,
	  REASON_PROXY },
	{ "terminating proxy",
	  { .ttl = 250, .window = 65535, .options = MSS "01 030303 0402 0000" },
	  OS_OTHER,
	  50,
	  79,
	  NULL,
	  REASON_PROXY },
	{ "BIG-IP",
	  { .ttl = 250, .window = 4380, .options = MSS "0402 0000" },
	  OS_OTHER,
	  60,
	  98,
	  NULL,
	  0 },
	{ "Redline",
	  { .version = 4,
	    .ip_id = 7,
	    .ttl = 250,
	    .window = 65535,
	    .options = PLAIN(MSS) },
	  OS_OTHER,
	  60,
	  98,
	  NULL,
	  0 },
	{ "DragonFly, timestamps off",
	  { .version = 4,
	    .ip_id = 7,
	    .ttl = 60,
	    .window = 57344,
	    .options = WIN(MSS, "05") },
	  OS_UNKNOWN,
	  0,
	  0,
	  NULL,
	  0 },
	{ "ZMap in Windows' clothes",
	  { .version = 4,
	    .ip_id = 4711,
	    .ttl = 240,
	    .window = 65535,
	    .options = WIN(MSS, "08") },
	  OS_SCANNER,
	  80,
	  98,
	  NULL,
	  0 },
	{ "AIX",
	  { .version = 4,
	    .ip_id = 7,
	    .ttl = 60,
	    .window = 65535,
	    .options = MSS "01 030301 0101 " TS "01010402" },
	  OS_OTHER,
	  60,
	  98,
	  NULL,
	  0 },
	{ "macOS, timestamps cleared",
	  { .version = 4,
	    .fragment = DF,
	    .ttl = 60,
	    .window = 65535,
	    .options = MSS "01 030306 0101 " NOTS "0402 0000" },
	  OS_MACOS,
	  60,
	  98,
	  NULL,
	  REASON_CLEARED },
	{ "macOS, a late try",
	  { .version = 4,
	    .fragment = DF,
	    .ttl = 60,
	    .window = 65535,
	    .options = MSS "0402 0000" },
	  OS_MACOS,
	  60,
	  98,
	  NULL,
	  REASON_RETRIED },
	{ "only an MSS, at 64",
	  { .ttl = 60, .window = 8192, .options = MSS },
	  OS_UNKNOWN,
	  0,
	  0,
	  NULL,
	  REASON_SHARED },
	{ "NetWare",
	  { .ttl = 120, .window = 16384, .options = MSS },
	  OS_UNKNOWN,
	  0,
	  0,
	  NULL,
	  REASON_SHARED },
};

static void test_fingerprint_look_alikes(void **state)
{
	(void)state;
	CHECK(look_alikes);
	for (size_t i = 0; i < sizeof(look_alikes) / sizeof(*look_alikes); i++)
		for (int hops = 0; hops <= 30; hops++) {
			struct syn s = with_defaults(look_alikes[i].syn);
			struct fingerprint f;

			s.ttl = (uint8_t)(s.ttl - hops);
			f = look(db, s);
			if (f.class == OS_WINDOWS && f.confidence >= 60)
				fail_msg("%s, TTL %u", look_alikes[i].name,
					 s.ttl);
		}
}

static void test_fingerprint_others(void **state)
{
	static const struct expectation list[] = {
		{ "Linux 6",
		  { .ttl = 55, .window = 64240, .options = LINUX(MSS, "07") },
		  OS_LINUX,
		  90,
		  98,
		  "4.20 or newer",
		  REASON_EXACT },
		{ "Linux 6, IPv6",
		  { .version = 6,
		    .ttl = 55,
		    .window = 64800,
		    .options = LINUX(MSS6, "07") },
		  OS_LINUX,
		  90,
		  98,
		  "4.20 or newer",
		  REASON_EXACT },
		{ "Linux 4",
		  { .ttl = 55, .window = 29200, .options = LINUX(MSS, "07") },
		  OS_LINUX,
		  90,
		  98,
		  "3.10 to 4.19",
		  0 },
		{ "Linux 2.6",
		  { .ttl = 55, .window = 5840, .options = LINUX(MSS, "06") },
		  OS_LINUX,
		  90,
		  98,
		  "2.6",
		  0 },
		{ "Linux, no window of any",
		  { .ttl = 55, .window = 12345, .options = LINUX(MSS, "03") },
		  OS_LINUX,
		  80,
		  98,
		  "",
		  REASON_FAMILY },
		{ "Linux, timestamps off",
		  { .ttl = 55,
		    .window = 64240,
		    .options = MSS "01010402 01 030307" },
		  OS_LINUX,
		  80,
		  98,
		  NULL,
		  0 },
		{ "Linux, timestamps cleared",
		  { .ttl = 55,
		    .window = 64240,
		    .options = MSS "0402 " NOTS "01 030307" },
		  OS_LINUX,
		  80,
		  98,
		  NULL,
		  REASON_CLEARED },
		{ "Linux, MPTCP",
		  { .ttl = 55,
		    .window = 64240,
		    .options = LINUX(MSS, "07") "1e04 0081" },
		  OS_LINUX,
		  90,
		  98,
		  NULL,
		  0 },
		{ "Linux, Fast Open",
		  { .ttl = 55,
		    .window = 64240,
		    .payload = 5,
		    .options = LINUX(MSS, "07") "2202 0101" },
		  OS_LINUX,
		  80,
		  98,
		  NULL,
		  0 },
		{ "Android",
		  { .ttl = 55, .window = 65535, .options = LINUX(MSS, "08") },
		  OS_ANDROID,
		  70,
		  98,
		  NULL,
		  0 },
		{ "macOS",
		  { .version = 4,
		    .fragment = DF,
		    .ttl = 55,
		    .window = 65535,
		    .options = DARWIN(MSS, "06") },
		  OS_MACOS,
		  85,
		  98,
		  "10.15 or newer",
		  REASON_EXACT },
		{ "macOS, Fast Open",
		  { .version = 4,
		    .fragment = DF,
		    .ttl = 55,
		    .window = 65535,
		    .payload = 9,
		    .options = MSS "01 030306 0101 " TS "0402 220a"
				   "0000000000000000 " },
		  OS_MACOS,
		  70,
		  98,
		  NULL,
		  0 },
		{ "iOS",
		  { .version = 6,
		    .ttl = 55,
		    .window = 65535,
		    .options = DARWIN(MSS6, "07") },
		  OS_IOS,
		  60,
		  98,
		  NULL,
		  0 },
		{ "OpenBSD",
		  { .ttl = 55,
		    .window = 16384,
		    .options = MSS "01010402 01 030306 0101 " TS },
		  OS_BSD,
		  85,
		  98,
		  "6.1 or newer",
		  REASON_EXACT },
		{ "NetBSD",
		  { .ttl = 55,
		    .window = 32768,
		    .options = MSS "01 030303 0402 0101 0101 " TS },
		  OS_BSD,
		  85,
		  98,
		  NULL,
		  REASON_EXACT },
		{ "Solaris 11",
		  { .ttl = 55, .window = 64240, .options = LINUX(MSS, "01") },
		  OS_SOLARIS,
		  60,
		  98,
		  "11 or illumos",
		  0 },
		{ "Cisco",
		  { .version = 4,
		    .ip_id = 1,
		    .ttl = 250,
		    .window = 4128,
		    .options = MSS },
		  OS_OTHER,
		  60,
		  98,
		  NULL,
		  0 },
	};

	(void)state;
	CHECK(list);
}

static void test_fingerprint_scanners(void **state)
{
	static const struct expectation list[] = {
		{ "nmap -sS",
		  { .version = 4,
		    .ip_id = 7,
		    .ttl = 43,
		    .window = 1024,
		    .options = MSS },
		  OS_SCANNER,
		  80,
		  98,
		  "SYN scan",
		  REASON_TOOL },
		{ "nmap -O",
		  { .version = 4,
		    .ip_id = 7,
		    .ttl = 43,
		    .window = 1,
		    .options = "03030a 01 020405b4 " TS "0402" },
		  OS_SCANNER,
		  80,
		  98,
		  "OS detection",
		  REASON_TOOL },
		{ "nmap -O, timestamp cleared",
		  { .version = 4,
		    .ip_id = 7,
		    .ttl = 43,
		    .window = 2048,
		    .options = "03030a 01 02040109 " NOTS "0000" },
		  OS_SCANNER,
		  80,
		  98,
		  NULL,
		  REASON_CRAFTED },
		{ "masscan",
		  { .version = 4,
		    .ip_id = 7,
		    .ttl = 241,
		    .window = 1024,
		    .options = MSS },
		  OS_SCANNER,
		  80,
		  98,
		  NULL,
		  REASON_TOOL },
		{ "zmap",
		  { .version = 4, .ip_id = 54321, .ttl = 241, .window = 65535 },
		  OS_SCANNER,
		  80,
		  98,
		  NULL,
		  0 },
		{ "zmap by its IPID",
		  { .version = 4,
		    .ip_id = 54321,
		    .ttl = 60,
		    .window = 65535,
		    .options = MSS },
		  OS_SCANNER,
		  80,
		  98,
		  NULL,
		  REASON_CRAFTED },
		{ "Mirai",
		  { .version = 4,
		    .ip_id = 7,
		    .ttl = 50,
		    .seq = 0xc6336419,
		    .window = 14322 },
		  OS_SCANNER,
		  80,
		  98,
		  NULL,
		  REASON_CRAFTED },
		{ "SYN and FIN",
		  { .flags = 3,
		    .ttl = 116,
		    .window = 64240,
		    .options = WIN(MSS, "08") },
		  OS_SCANNER,
		  80,
		  98,
		  NULL,
		  0 },
		{ "SYN and RST",
		  { .flags = 6,
		    .ttl = 50,
		    .window = 64240,
		    .options = LINUX(MSS, "07") },
		  OS_SCANNER,
		  80,
		  98,
		  NULL,
		  0 },
	};

	(void)state;
	CHECK(list);
}

static void test_fingerprint_unknown(void **state)
{
	static const struct expectation list[] = {
		{ "no options",
		  { .ttl = 60, .window = 5000 },
		  OS_UNKNOWN,
		  0,
		  0,
		  NULL,
		  REASON_SHARED },
		{ "an order of its own",
		  { .ttl = 60,
		    .window = 5000,
		    .options = "0402 020405b4 01 030308 0101" },
		  OS_UNKNOWN,
		  0,
		  0,
		  NULL,
		  REASON_NONE },
		{ "broken options",
		  { .ttl = 120,
		    .window = 64240,
		    .options = MSS "01 030308 0101 04ff" },
		  OS_UNKNOWN,
		  0,
		  0,
		  NULL,
		  REASON_NONE },
		{ "Windows with an ack number",
		  { .ttl = 55,
		    .window = 64240,
		    .ack = 9,
		    .options = WIN(MSS, "08") },
		  OS_UNKNOWN,
		  0,
		  0,
		  NULL,
		  0 },
	};

	(void)state;
	CHECK(list);
}

/* Seen by TTL alone, Windows' confidence only ever falls away from 128. */
static void test_fingerprint_ttl_sweep(void **state)
{
	(void)state;
	for (unsigned ttl = 1; ttl <= 255; ttl++) {
		struct syn s = { .version = 4,
				 .fragment = DF,
				 .ip_id = 7,
				 .ttl = (uint8_t)ttl,
				 .window = 64240,
				 .options = WIN(MSS, "08") };
		struct fingerprint f = look(db, s);

		assert_int_equal(f.class, OS_WINDOWS);
		if (ttl > 64 && ttl <= 128)
			assert_in_range(f.confidence, 90, 98);
		else
			assert_in_range(f.confidence, 60, 79);
		s.version = 6;
		s.flow = 1;
		f = look(db, s);
		assert_int_equal(f.class, OS_WINDOWS);
		if (ttl <= 128)
			assert_in_range(f.confidence, 80, 98);
	}
}

static void test_fingerprint_distance(void **state)
{
	struct syn s = { .version = 4,
			 .fragment = DF,
			 .ip_id = 7,
			 .ttl = 100,
			 .window = 64240,
			 .options = WIN(MSS, "08") };

	(void)state;
	assert_int_equal(look(db, s).distance, 28);
	s.ttl = 70; /* too far for the signature, not for a guess */
	assert_int_equal(look(db, s).distance, 58);
	s.ttl = 55;
	assert_int_equal(look(db, s).distance, 9);
	s.ttl = 200;
	assert_int_equal(look(db, s).distance, 55);
	s.ttl = 30; /* Linux at 30 was 64, not 32 */
	s.options = LINUX(MSS, "07");
	assert_int_equal(look(db, s).distance, 34);
}

/* The bytes of a packet that a signature describes. */
static struct packet packet_of(const struct signature *s, unsigned version)
{
	struct packet p = {
		.version = (uint8_t)version,
		.ttl = s->ttl > 8 ? (uint8_t)(s->ttl - 7) : s->ttl,
		.ip_id = 7,
		.flags = PACKET_SYN,
		.seq = 1,
		.sport = 50000,
		.mss = s->has_mss     ? s->mss
		       : version == 6 ? 1440
				      : 1460,
		.scale = s->has_scale ? s->scale : 7,
		.eol_pad = s->eol_pad,
		.ip_options = s->ip_options,
		.layout_len = s->layout_len,
		.quirks = s->quirks,
		.payload = s->has_payload && s->payload ? 1 : 0,
	};
	static const uint8_t sizes[] = { 1, 1, 4, 3, 2, 10, 2, 2, 10 };
	bool ts = false, mss = false;

	if (s->version == 0)
		p.quirks &= version == 6
				    ? ~(uint32_t)(QUIRK_DF | QUIRK_ID_PLUS |
						  QUIRK_ID_MINUS)
				    : ~(uint32_t)QUIRK_FLOW;
	memcpy(p.layout, s->layout, sizeof(p.layout));
	for (unsigned i = 0; i < s->layout_len; i++) {
		p.tcp_options =
			(uint8_t)(p.tcp_options + (s->layout[i] < sizeof(sizes)
							   ? sizes[s->layout[i]]
							   : 4));
		ts |= s->layout[i] == OPTION_TS;
		mss |= s->layout[i] == OPTION_MSS;
	}
	p.tcp_options = (uint8_t)(p.tcp_options + s->eol_pad);
	p.headers = (uint16_t)((version == 6 ? 60 : 40) + p.tcp_options);
	p.ts_own = ts && !(s->quirks & QUIRK_TS_OWN_MINUS);
	if (!mss)
		p.mss = 0;
	switch (s->window_kind) {
	case WINDOW_ANY:
		p.window = 12345;
		break;
	case WINDOW_EXACT:
	case WINDOW_MODULO:
		p.window = s->window;
		break;
	case WINDOW_MSS:
		/* an MSS with which the product fits the field */
		while ((unsigned)p.mss * s->window > 65535)
			p.mss--;
		p.window = (uint16_t)(p.mss * s->window);
		break;
	case WINDOW_MTU:
		p.window = (uint16_t)((p.mss + 40) * s->window);
		break;
	}
	return p;
}

/* Every signature of ours is found by what it describes, and the rules of the
 * family do not contradict it. */
static void test_fingerprint_own_signatures(void **state)
{
	(void)state;
	for (size_t i = 0; i < signatures_count(db); i++) {
		const struct signature *s = signatures_get(db, i);

		for (unsigned version = 4; version <= 6; version += 2) {
			struct packet p;
			struct fingerprint f;

			if (s->version && s->version != version)
				continue;
			p = packet_of(s, version);
			fingerprint_of(db, &p, &f);
			if (f.class != s->class || f.confidence < 60 ||
			    f.match != FINGERPRINT_EXACT)
				fail_msg("%s:%u %s: %s %s %d: %s", s->name,
					 s->line, s->text,
					 os_class_name(f.class),
					 fingerprint_match_name(f.match),
					 f.confidence,
					 fingerprint_reason_text(f.reason));
			if (f.class == OS_WINDOWS && s->ttl == 128)
				assert_in_range(f.confidence, 80, 98);
		}
	}
}

/* Of Windows, the flavour in the database is the one that the rules give. */
static void test_fingerprint_generations(void **state)
{
	static const char *const flavours[] = {
		[WINDOWS_XP] = "XP or 2003",
		[WINDOWS_VISTA] = "Vista to 8.1",
		[WINDOWS_10] = "10 or 11",
	};

	(void)state;
	for (size_t i = 0; i < signatures_count(db); i++) {
		const struct signature *s = signatures_get(db, i);
		struct fingerprint f;
		struct packet p;

		if (s->class != OS_WINDOWS || s->flavour[0] == '\0')
			continue;
		p = packet_of(s, s->version == 6 ? 6 : 4);
		if (strcmp(s->flavour, flavours[WINDOWS_XP]) == 0)
			p.sport = 1100;
		fingerprint_of(db, &p, &f);
		assert_true(f.generation != WINDOWS_UNKNOWN);
		if (strcmp(s->flavour, flavours[f.generation]) != 0)
			fail_msg("line %u: \"%s\", the rules say \"%s\"",
				 s->line, s->flavour, flavours[f.generation]);
	}
}

/* What p0f's database calls something else is not called Windows. */
static void test_fingerprint_p0f_others(void **state)
{
	struct error err = { 0 };
	struct signatures *theirs;
	unsigned tried = 0;

	(void)state;
	assert_true(signatures_new(&theirs, &err));
	if (!signatures_read(theirs, "/etc/p0f/p0f.fp", &err)) {
		print_message("the package p0f is not installed\n");
		signatures_free(theirs);
		skip();
	}
	for (size_t i = 0; i < signatures_count(theirs); i++) {
		const struct signature *s = signatures_get(theirs, i);

		if (s->class == OS_WINDOWS)
			continue;
		for (unsigned version = 4; version <= 6; version += 2) {
			struct packet p;
			struct fingerprint f;

			if (s->version && s->version != version)
				continue;
			p = packet_of(s, version);
			fingerprint_of(db, &p, &f);
			tried++;
			if (f.class == OS_WINDOWS && f.confidence >= 60)
				fail_msg("%s (%s %s): windows %d", s->text,
					 s->name, s->flavour, f.confidence);
		}
	}
	assert_true(tried > 80);
	signatures_free(theirs);
}

/* A database that calls everything Windows does not get mail dropped. */
static void test_fingerprint_foreign_windows(void **state)
{
	static const char text[] =
		"[tcp:request]\n"
		"label = s:win:Windows:XP\n"
		"sig = *:64:0:*:*,*:mss,sok,ts,nop,ws:df,id+:0\n"
		"label = g:win:Windows:NT\n"
		"sig = *:64:0:*:*,*:mss,nop,nop,sok:df,id+:0\n"
		"sig = *:64:0:*:*,*:mss,nop,ws,sok,ts:df,id+:0\n";
	static const struct syn syns[] = {
		{ .ttl = 60, .window = 64240, .options = LINUX(MSS, "07") },
		{ .ttl = 60, .window = 5840, .options = PLAIN(MSS) },
		{ .ttl = 60, .window = 32768, .options = PLAIN(MSS) },
		{ .ttl = 60, .window = 65535, .options = WIN_TS(MSS, "06") },
	};
	struct error err = { 0 };
	struct signatures *theirs;

	(void)state;
	assert_true(signatures_new(&theirs, &err));
	assert_true(signatures_read_text(theirs, "x", text, sizeof(text) - 1,
					 &err));
	assert_true(signatures_compile(theirs, &err));
	for (size_t i = 0; i < sizeof(syns) / sizeof(*syns); i++) {
		struct fingerprint f = look(theirs, with_defaults(syns[i]));

		if (f.class == OS_WINDOWS && f.confidence >= 60)
			fail_msg("%zu: windows %d", i, f.confidence);
	}
	signatures_free(theirs);
}

static void test_fingerprint_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FINGERPRINT_MATCH_COUNT; i++)
		assert_non_null(fingerprint_match_name(i));
	for (unsigned i = 0; i < WINDOWS_GENERATION_COUNT; i++)
		assert_non_null(windows_generation_name(i));
	for (unsigned i = 0; i < REASON_COUNT; i++)
		assert_non_null(fingerprint_reason_text(i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fingerprint_windows),
		cmocka_unit_test(test_fingerprint_windows_paths),
		cmocka_unit_test(test_fingerprint_look_alikes),
		cmocka_unit_test(test_fingerprint_others),
		cmocka_unit_test(test_fingerprint_scanners),
		cmocka_unit_test(test_fingerprint_unknown),
		cmocka_unit_test(test_fingerprint_ttl_sweep),
		cmocka_unit_test(test_fingerprint_distance),
		cmocka_unit_test(test_fingerprint_own_signatures),
		cmocka_unit_test(test_fingerprint_generations),
		cmocka_unit_test(test_fingerprint_p0f_others),
		cmocka_unit_test(test_fingerprint_foreign_windows),
		cmocka_unit_test(test_fingerprint_names),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
