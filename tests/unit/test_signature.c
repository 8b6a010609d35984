// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <geoblock/signature.h>

#include "syn.h"

#define DF 0x4000

static struct signatures *read_text(const char *text)
{
	struct signatures *db;
	struct error err = { 0 };

	assert_true(signatures_new(&db, &err));
	if (!signatures_read_text(db, "test.fp", text, strlen(text), &err))
		fail_msg("%s", err.text);
	return db;
}

static struct signatures *compile_text(const char *text)
{
	struct signatures *db = read_text(text);
	struct error err = { 0 };

	if (!signatures_compile(db, &err))
		fail_msg("%s", err.text);
	return db;
}

static struct packet parse_syn(const struct syn *s)
{
	uint8_t buf[SYN_MAX];
	struct packet p;

	assert_int_equal(packet_parse(buf, syn_build(s, buf), &p), PACKET_OK);
	return p;
}

/* ---- reading ------------------------------------------------------------- */

static void test_signature_fields(void **state)
{
	struct signatures *db = read_text(
		"; a comment\n"
		"classes = win,unix,other\n"
		"[mtu]\nlabel = not looked at\nsig = 1500\n"
		"[tcp:request]\r\n"
		"\n"
		"  label = s:win:Windows:10 or 11\r\n"
		"sig\t=  *:128:0:*:mss*44,8:mss,nop,ws,nop,nop,sok:df,id+:0 \n"
		"label = g:!:Tool:\n"
		"sys = @unix,Windows\n"
		"sig = 6:64-:40:1440:%512,*:sack,?99,eol+3:flow,ts1-,bad:+\n"
		"label = s:unix:Linux:\n"
		"sig = 4:60+4:0:0:mtu*3,14:::*\n"
		"[tcp:response]\nlabel = nor this\n"
		"[tcp:request]\nlabel = s:unix:Linux:(Android)\n"
		"sig = *:64:0:*:*,*:mss::0");
	const struct signature *s = signatures_get(db, 0);
	static const uint8_t layout[] = { 2, 1, 3, 1, 1, 4 };

	(void)state;
	assert_int_equal(signatures_count(db), 4);
	assert_int_equal(s->class, OS_WINDOWS);
	assert_false(s->generic);
	assert_string_equal(s->name, "Windows");
	assert_string_equal(s->flavour, "10 or 11");
	assert_string_equal(s->text, "*:128:0:*:mss*44,8:mss,nop,ws,nop,nop,sok"
				     ":df,id+:0");
	assert_string_equal(s->file, "test.fp");
	assert_int_equal(s->line, 9);
	assert_int_equal(s->version, 0);
	assert_int_equal(s->ttl, 128);
	assert_false(s->has_mss);
	assert_int_equal(s->window_kind, WINDOW_MSS);
	assert_int_equal(s->window, 44);
	assert_true(s->has_scale && s->scale == 8);
	assert_int_equal(s->layout_len, sizeof(layout));
	assert_memory_equal(s->layout, layout, sizeof(layout));
	assert_int_equal(s->quirks, QUIRK_DF | QUIRK_ID_PLUS);
	assert_true(s->has_payload && !s->payload);

	s = signatures_get(db, 1);
	assert_int_equal(s->class, OS_SCANNER);
	assert_true(s->generic && s->ttl_at_most);
	assert_int_equal(s->version, 6);
	assert_int_equal(s->ip_options, 40);
	assert_true(s->has_mss && s->mss == 1440);
	assert_int_equal(s->window_kind, WINDOW_MODULO);
	assert_int_equal(s->window, 512);
	assert_false(s->has_scale);
	assert_int_equal(s->layout[1], 99);
	assert_int_equal(s->eol_pad, 3);
	assert_int_equal(s->quirks,
			 QUIRK_FLOW | QUIRK_TS_OWN_MINUS | QUIRK_BAD);
	assert_true(s->payload);

	s = signatures_get(db, 2);
	assert_int_equal(s->ttl, 64);
	assert_int_equal(s->window_kind, WINDOW_MTU);
	assert_int_equal(s->layout_len, 0);
	assert_int_equal(s->quirks, 0);
	assert_false(s->has_payload);
	assert_int_equal(s->class, OS_LINUX);
	assert_int_equal(signatures_get(db, 3)->class, OS_ANDROID);
	signatures_free(db);
}

#define LABEL  "[tcp:request]\nlabel = s:unix:Linux:x\n"
#define NOPS10 "nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,"

/* What is wrong, and what the message has to say of it. */
static const struct {
	const char *text;
	const char *wants[3];
} bad[] = {
	{ LABEL "sig = 5:64:0:*:1,0:mss::0",
	  { "test.fp:3: IP version \"5\"", "4, 6 or *" } },
	{ LABEL "sig = *:0:0:*:1,0:mss::0",
	  { "initial TTL \"0\"", "1 to 255" } },
	{ LABEL "sig = *:256:0:*:1,0:mss::0", { "initial TTL \"256\"" } },
	{ LABEL "sig = *:250+6:0:*:1,0:mss::0", { "initial TTL \"250+6\"" } },
	{ LABEL "sig = *:64+x:0:*:1,0:mss::0",
	  { "\"64+x\"", "number of hops" } },
	{ LABEL "sig = *::0:*:1,0:mss::0", { "initial TTL \"\"" } },
	{ LABEL "sig = *:64:x:*:1,0:mss::0", { "length of IP options \"x\"" } },
	{ LABEL "sig = *:64:0:65536:1,0:mss::0",
	  { "MSS \"65536\"", "0 to 65535, or *" } },
	{ LABEL "sig = *:64:0:000001:1,0:mss::0", { "MSS \"000001\"" } },
	{ LABEL "sig = *:64:0:*:1:mss::0",
	  { "window \"1\"", "scale is missing" } },
	{ LABEL "sig = *:64:0:*:%1,0:mss::0",
	  { "window \"%1\"", "%n from 2" } },
	{ LABEL "sig = *:64:0:*:mss*0,0:mss::0", { "window \"mss*0\"" } },
	{ LABEL "sig = *:64:0:*:mtu*1001,0:mss::0", { "window \"mtu*1001\"" } },
	{ LABEL "sig = *:64:0:*:mss44,0:mss::0", { "window \"mss44\"" } },
	{ LABEL "sig = *:64:0:*:1,256:mss::0",
	  { "window scale \"256\"", "0 to 255, or *" } },
	{ LABEL "sig = *:64:0:*:1,0:mss,mms::0",
	  { "TCP option \"mms\"", "eol+n, nop, mss" } },
	{ LABEL "sig = *:64:0:*:1,0:eol+1,mss::0",
	  { "TCP option \"eol+1\"", "last" } },
	{ LABEL "sig = *:64:0:*:1,0:mss,eol::0", { "TCP option \"eol\"" } },
	{ LABEL "sig = *:64:0:*:1,0:?256::0", { "TCP option \"?256\"" } },
	{ LABEL "sig = *:64:0:*:1,0:mss,,ws::0", { "TCP option \"\"" } },
	{ LABEL "sig = *:64:0:*:1,0:" NOPS10 NOPS10 NOPS10 NOPS10 "nop::0",
	  { "TCP option \"nop\"", "room for 40" } },
	{ LABEL "sig = *:64:0:*:1,0:mss:fd:0",
	  { "quirk \"fd\"", "df, id+, id-, ecn", "exws or bad" } },
	{ LABEL "sig = 6:64:0:*:1,0:mss:df:0", { "quirk \"df\"", "IPv6" } },
	{ LABEL "sig = 4:64:0:*:1,0:mss:flow:0", { "quirk \"flow\"", "IPv4" } },
	{ LABEL "sig = *:64:0:*:1,0:mss::1", { "payload \"1\"", "0, + or *" } },
	{ LABEL "sig = *:64:0:*:1,0:mss:df", { "signature", "eight fields" } },
	{ LABEL "sig = *:64:0:*:1,0:mss:df:0:0", { "eight fields" } },
	{ LABEL "sig =", { "signature \"\"", "eight fields" } },
	{ LABEL "sgi = *:64:0:*:1,0:mss::0",
	  { "word \"sgi\"", "label, sig or sys" } },
	{ LABEL "sig", { "line \"sig\"", "word = value" } },
	{ "[tcp:request]\nsig = *:64:0:*:1,0:mss::0",
	  { "test.fp:2:", "a label has to go before it" } },
	{ "[tcp:request]\nlabel = x:unix:Linux:", { "label", "s:", "g:" } },
	{ "[tcp:request]\nlabel = s::Linux:", { "class: win, unix" } },
	{ "[tcp:request]\nlabel = s:unix::", { "the name" } },
	{ "[tcp:request]\nlabel = s:unix:Linux", { "the last one" } },
	{ "\n\n[tcp:request\n", { "test.fp:3: section", "ends with ]" } },
	{ LABEL "sig = *:64:0:*:1,0:\033[2J::0", { "TCP option \"?[2J\"" } },
};

static void test_signature_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct signatures *db =
			read_text(LABEL "sig = *:1:0:*:1,0:::0\n");
		struct error err = { 0 };

		if (signatures_read_text(db, "test.fp", bad[i].text,
					 strlen(bad[i].text), &err))
			fail_msg("accepted: %s", bad[i].text);
		assert_int_equal(err.kind, ERROR_MALFORMED);
		for (int j = 0; j < 3 && bad[i].wants[j]; j++)
			if (!strstr(err.text, bad[i].wants[j]))
				fail_msg("\"%s\" lacks \"%s\"", err.text,
					 bad[i].wants[j]);
		assert_null(strchr(err.text, '\033'));
		/* what was there stays, and goes on to work */
		assert_int_equal(signatures_count(db), 1);
		assert_true(signatures_compile(db, &err));
		signatures_free(db);
	}
}

static void test_signature_not_text(void **state)
{
	struct error err = { 0 };
	struct signatures *db;

	(void)state;
	assert_true(signatures_new(&db, &err));
	assert_false(signatures_read_text(db, "x", "a\0b", 3, &err));
	assert_non_null(strstr(err.text, "a zero byte at 1"));
	assert_false(signatures_read(db, "/nonexistent/x.fp", &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_false(signatures_read(db, "/", &err));
	assert_false(signatures_read(db, "/dev/zero", &err));
	assert_non_null(strstr(err.text, "not a regular file"));
	assert_true(signatures_read_folder(db, "/nonexistent", &err));
	assert_int_equal(signatures_count(db), 0);
	signatures_free(db);
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_signature_folder(void **state)
{
	static const char *const names[] = { "10.fp", "20.fp", "30.fp~",
					     ".40.fp", "50.fp" };
	char folder[] = "/tmp/test_signature.XXXXXX", path[600];
	struct error err = { 0 };
	struct signatures *db;

	(void)state;
	assert_non_null(mkdtemp(folder));
	write_file(folder, "20.fp", LABEL "sig = *:64:0:*:2,0:mss::0\n");
	write_file(folder, "10.fp", LABEL "sig = *:64:0:*:1,0:mss::0\n");
	write_file(folder, "30.fp~", "not read");
	write_file(folder, ".40.fp", "not read");
	assert_true(signatures_new(&db, &err));
	assert_true(signatures_read_folder(db, folder, &err));
	assert_int_equal(signatures_count(db), 2);
	assert_int_equal(signatures_get(db, 0)->window, 1);
	write_file(folder, "50.fp", "[tcp:request]\nx\n");
	assert_false(signatures_read_folder(db, folder, &err));
	assert_non_null(strstr(err.text, "50.fp:2: line \"x\""));
	signatures_free(db);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(folder), 0);
}

static void test_signature_hidden(void **state)
{
	static const char *const same[] = {
		LABEL "sig = *:64:0:*:1,0:mss:df:0\n"
		      "sig = *:64:0:*:1,0:mss:df:0\n",
		/* the second is part of the first */
		LABEL "sig = *:64:0:*:1,0:mss:df:*\n"
		      "sig = 4:64:0:*:1,0:mss:df:+\n",
		LABEL "sig = *:64:0:*:1,0:mss::0\n"
		      "sig = 6:64:0:*:1,0:mss:flow:0\n",
		LABEL "sig = *:64:0:*:1,0:mss:df:0\n"
		      "label = g:unix:Linux:y\nsig = *:64:0:*:1,0:mss:df:0\n",
	};
	static const char *const different[] = {
		/* the specific one has its turn although it comes later */
		"[tcp:request]\nlabel = g:unix:Linux:x\n"
		"sig = *:64:0:*:1,0:mss:df:0\n"
		"label = s:unix:Linux:y\nsig = *:64:0:*:1,0:mss:df:0\n",
		LABEL "sig = *:64:0:*:1,0:mss:df:0\n"
		      "sig = *:128:0:*:1,0:mss:df:0\n"
		      "sig = *:64-:0:*:1,0:mss:df:0\n"
		      "sig = *:64:0:*:1,0:mss:df,id+:0\n"
		      "sig = *:64:0:*:*,0:mss:df:0\n",
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
		struct signatures *db = read_text(same[i]);

		err.text[0] = '\0';
		assert_false(signatures_compile(db, &err));
		assert_non_null(strstr(err.text, "line 3 says the same"));
		signatures_free(db);
	}
	for (size_t i = 0; i < sizeof(different) / sizeof(*different); i++)
		signatures_free(compile_text(different[i]));
}

/* The same signature in two files: the first file's word counts. */
static void test_signature_overruled(void **state)
{
	static const char mine[] = "[tcp:request]\nlabel = s:unix:Mine:\nsig = "
				   "*:64:0:*:1,0:mss::0\n";
	static const char theirs[] =
		"[tcp:request]\nlabel = s:unix:Theirs:\nsig = "
		"*:64:0:*:1,0:mss::0\n";
	struct syn s = { .version = 4,
			 .ttl = 60,
			 .ip_id = 1,
			 .window = 1,
			 .options = "020405b4" };
	struct packet p = parse_syn(&s);
	enum signature_match how;
	struct error err = { 0 };
	struct signatures *db;

	(void)state;
	assert_true(signatures_new(&db, &err));
	assert_true(
		signatures_read_text(db, "a", mine, sizeof(mine) - 1, &err));
	assert_true(signatures_read_text(db, "b", theirs, sizeof(theirs) - 1,
					 &err));
	assert_true(signatures_compile(db, &err));
	assert_string_equal(signatures_find(db, &p, &how)->name, "Mine");
	assert_int_equal(how, SIGNATURE_EXACT);
	signatures_free(db);
}

static void test_signature_moduli(void **state)
{
	struct error err = { 0 };
	struct signatures *db;
	char text[2048] = LABEL;

	(void)state;
	for (int i = 0; i < 12; i++)
		sprintf(text + strlen(text), "sig = *:64:0:*:%%%d,0:mss::0\n",
			100 + i);
	signatures_free(compile_text(text));
	strcat(text, "sig = *:64:0:*:%99,0:mss::0\n");
	db = read_text(text);
	assert_false(signatures_compile(db, &err));
	assert_non_null(strstr(err.text, "test.fp:15: window \"%99\""));
	signatures_free(db);
}

/* Debian's file loads as it is, and so does ours. */
static void test_signature_databases(void **state)
{
	struct error err = { 0 };
	struct signatures *db;

	(void)state;
	assert_true(signatures_new(&db, &err));
	if (!signatures_read_builtin(db, &err))
		fail_msg("%s", err.text);
	assert_in_range(signatures_count(db), 150, 1000);
	if (access("/etc/p0f/p0f.fp", R_OK) == 0 &&
	    !signatures_read(db, "/etc/p0f/p0f.fp", &err))
		fail_msg("%s", err.text);
	if (!signatures_compile(db, &err))
		fail_msg("%s", err.text);
	signatures_free(db);
}

/* ---- matching ------------------------------------------------------------ */

#define W "020405b4 01 030308 01010402"

static const char matching[] =
	"[tcp:request]\n"
	"label = s:win:Windows:10\n"
	"sig = *:128:0:*:mss*44,8:mss,nop,ws,nop,nop,sok:df,id+:0\n"
	"sig = 6:64:0:*:mss*45,8:mss,nop,ws,nop,nop,sok:flow:0\n"
	"label = g:win:Windows:NT\n"
	"sig = *:128:0:*:*,*:mss,nop,ws,nop,nop,sok:df,id+:0\n"
	"label = s:other:Modulo:\n"
	"sig = *:64:0:*:%4096,8:mss,nop,ws,nop,nop,sok:df,id+:0\n"
	"label = s:other:Mtu:\n"
	"sig = *:64:0:*:mtu*4,8:mss,nop,ws,nop,nop,sok:df,id+:0\n"
	"label = s:other:Mss:\n"
	"sig = *:64:0:1380:5000,8:mss,nop,ws,nop,nop,sok:df,id+:0\n"
	"label = s:!:Tool:\n"
	"sig = *:64-:0:*:1024,0:mss::0\n"
	"label = s:other:Payload:\n"
	"sig = *:64:0:*:1,0:mss::+\n"
	"label = s:other:Options:\n"
	"sig = *:64:4:*:2,0:mss::0\n"
	"label = s:other:None:\n"
	"sig = *:64:0:0:3,0:::*\n"
	"label = s:other:Pad:\n"
	"sig = *:64:0:*:4,0:mss,eol+3::0\n";

static const struct {
	const char *name;
	struct syn syn;
	enum signature_match how;
	const char *want; /* name or flavour */
} matches[] = {
	{ "exact",
	  { .ttl = 117, .window = 64240, .options = W },
	  SIGNATURE_EXACT,
	  "10" },
	{ "generic",
	  { .ttl = 117, .window = 8192, .options = W },
	  SIGNATURE_GENERIC,
	  "NT" },
	{ "35 hops",
	  { .ttl = 93, .window = 64240, .options = W },
	  SIGNATURE_EXACT,
	  "10" },
	{ "36 hops are fuzzy",
	  { .ttl = 92, .window = 64240, .options = W },
	  SIGNATURE_FUZZY,
	  "10" },
	{ "a TTL above is fuzzy",
	  { .ttl = 129, .window = 64240, .options = W },
	  SIGNATURE_FUZZY,
	  "10" },
	{ "id+ lost",
	  { .ttl = 117, .ip_id = UINT16_MAX, .window = 64240, .options = W },
	  SIGNATURE_FUZZY,
	  "10" },
	{ "ecn gained",
	  { .ttl = 117, .window = 64240, .flags = 0xc2, .options = W },
	  SIGNATURE_FUZZY,
	  "10" },
	{ "a hard quirk",
	  { .ttl = 117, .window = 64240, .ack = 1, .options = W },
	  SIGNATURE_NONE,
	  NULL },
	{ "clamped: 64240 is 44 * 1460",
	  { .ttl = 117,
	    .window = 64240,
	    .options = "02040550 01 030308 01010402" },
	  SIGNATURE_EXACT,
	  "10" },
	{ "modulo",
	  { .ttl = 60, .window = 40960, .options = W },
	  SIGNATURE_EXACT,
	  "Modulo" },
	{ "mtu",
	  { .ttl = 60, .window = 6000, .options = W },
	  SIGNATURE_EXACT,
	  "Mtu" },
	{ "its MSS",
	  { .ttl = 60,
	    .window = 5000,
	    .options = "02040564 01 030308 01010402" },
	  SIGNATURE_EXACT,
	  "Mss" },
	{ "not its MSS",
	  { .ttl = 60, .window = 5000, .options = W },
	  SIGNATURE_FUZZY,
	  "NT" },
	{ "IPv6, either version's",
	  { .version = 6, .ttl = 120, .window = 64240, .options = W },
	  SIGNATURE_EXACT,
	  "10" },
	{ "IPv6, either version's, labelled",
	  { .version = 6,
	    .ttl = 120,
	    .window = 64240,
	    .flow = 5,
	    .options = W },
	  SIGNATURE_EXACT,
	  "10" },
	{ "IPv6, its own",
	  { .version = 6,
	    .ttl = 60,
	    .window = 64800,
	    .flow = 5,
	    .options = "020405a0 01 030308 01010402" },
	  SIGNATURE_EXACT,
	  "10" },
	{ "IPv6, its own, not labelled",
	  { .version = 6,
	    .ttl = 60,
	    .window = 64800,
	    .options = "020405a0 01 030308 01010402" },
	  SIGNATURE_FUZZY,
	  "NT" },
	{ "tool",
	  { .ttl = 50, .fragment = 1, .window = 1024, .options = "020405b4" },
	  SIGNATURE_EXACT,
	  "Tool" },
	{ "tool, TTL above",
	  { .ttl = 65, .fragment = 1, .window = 1024, .options = "020405b4" },
	  SIGNATURE_NONE,
	  NULL },
	{ "tool is never fuzzy",
	  { .ttl = 50,
	    .fragment = 1,
	    .window = 1024,
	    .flags = 0xc2,
	    .options = "020405b4" },
	  SIGNATURE_NONE,
	  NULL },
	{ "payload",
	  { .ttl = 64,
	    .fragment = 1,
	    .window = 1,
	    .payload = 1,
	    .options = "020405b4" },
	  SIGNATURE_EXACT,
	  "Payload" },
	{ "no payload",
	  { .ttl = 64, .fragment = 1, .window = 1, .options = "020405b4" },
	  SIGNATURE_NONE,
	  NULL },
	{ "IP options",
	  { .ttl = 64,
	    .fragment = 1,
	    .window = 2,
	    .ip_options = 4,
	    .options = "020405b4" },
	  SIGNATURE_EXACT,
	  "Options" },
	{ "other IP options",
	  { .ttl = 64,
	    .fragment = 1,
	    .window = 2,
	    .ip_options = 8,
	    .options = "020405b4" },
	  SIGNATURE_NONE,
	  NULL },
	{ "no options",
	  { .ttl = 64, .fragment = 1, .window = 3, .payload = 9 },
	  SIGNATURE_EXACT,
	  "None" },
	{ "padding",
	  { .ttl = 64,
	    .fragment = 1,
	    .window = 4,
	    .options = "020405b4 00000000" },
	  SIGNATURE_EXACT,
	  "Pad" },
	{ "other padding",
	  { .ttl = 64,
	    .fragment = 1,
	    .window = 4,
	    .options = "020405b4 00000000 00000000" },
	  SIGNATURE_NONE,
	  NULL },
	{ "unknown layout",
	  { .ttl = 64, .window = 4, .options = "0402 0402" },
	  SIGNATURE_NONE,
	  NULL },
};

/* Cases are short: DF and an IPID unless they say otherwise (fragment 1 stands
 * for neither, an IPID of 65535 for DF alone). */
static struct packet match_packet(struct syn s)
{
	if (s.version == 0)
		s.version = 4;
	if (s.fragment == 1) {
		s.fragment = 0;
		s.ip_id = 7;
	} else {
		s.fragment = DF;
		s.ip_id = s.ip_id == UINT16_MAX ? 0 : 7;
	}
	return parse_syn(&s);
}

static void test_signature_matching(void **state)
{
	struct signatures *db = compile_text(matching);

	(void)state;
	for (size_t i = 0; i < sizeof(matches) / sizeof(*matches); i++) {
		struct packet p = match_packet(matches[i].syn);
		enum signature_match how;
		const struct signature *s = signatures_find(db, &p, &how);

		if (how != matches[i].how)
			fail_msg("%s: %d, not %d", matches[i].name, how,
				 matches[i].how);
		if (!matches[i].want)
			assert_null(s);
		else if (strcmp(s->name, matches[i].want) != 0 &&
			 strcmp(s->flavour, matches[i].want) != 0)
			fail_msg("%s: %s %s", matches[i].name, s->name,
				 s->flavour);
	}
	signatures_free(db);
}

static void test_signature_empty(void **state)
{
	struct signatures *db = compile_text("");
	struct syn s = { .version = 4, .ttl = 64 };
	struct packet p = parse_syn(&s);
	enum signature_match how;

	(void)state;
	assert_null(signatures_find(db, &p, &how));
	assert_int_equal(how, SIGNATURE_NONE);
	signatures_free(db);
}

/* ---- the same by other means --------------------------------------------- */

/* p0f's way: every signature, one after the other, field by field. */
static enum signature_match compare(const struct signature *s,
				    const struct packet *p)
{
	uint32_t quirks = s->quirks, missing, added;
	unsigned factor;
	bool mtu, fuzzy = false;

	if (s->version && s->version != p->version)
		return SIGNATURE_NONE;
	if (!s->version && p->version == 4)
		quirks &= ~(uint32_t)QUIRK_FLOW;
	if (!s->version && p->version == 6)
		quirks = (quirks &
			  ~(uint32_t)(QUIRK_DF | QUIRK_ID_PLUS |
				      QUIRK_ID_MINUS | QUIRK_ZERO_PLUS)) |
			 (p->quirks & QUIRK_FLOW);
	if (s->layout_len != p->layout_len ||
	    memcmp(s->layout, p->layout, s->layout_len) != 0 ||
	    s->eol_pad != p->eol_pad || s->ip_options != p->ip_options ||
	    (s->has_mss && s->mss != p->mss) ||
	    (s->has_scale && s->scale != p->scale) ||
	    (s->has_payload && s->payload != (p->payload > 0)))
		return SIGNATURE_NONE;
	factor = packet_window_factor(p, &mtu);
	switch (s->window_kind) {
	case WINDOW_ANY:
		break;
	case WINDOW_EXACT:
		if (p->window != s->window)
			return SIGNATURE_NONE;
		break;
	case WINDOW_MSS:
		if (mtu || factor != s->window)
			return SIGNATURE_NONE;
		break;
	case WINDOW_MTU:
		if (!mtu || factor != s->window)
			return SIGNATURE_NONE;
		break;
	case WINDOW_MODULO:
		if (p->window % s->window)
			return SIGNATURE_NONE;
		break;
	}
	missing = quirks & ~p->quirks;
	added = p->quirks & ~quirks;
	if ((missing & ~(uint32_t)(QUIRK_DF | QUIRK_ID_PLUS)) ||
	    (added & ~(uint32_t)(QUIRK_ID_MINUS | QUIRK_ECN)))
		return SIGNATURE_NONE;
	fuzzy = missing || added;
	if (s->ttl_at_most) {
		if (p->ttl > s->ttl)
			return SIGNATURE_NONE;
	} else if (p->ttl > s->ttl || s->ttl - p->ttl > 35) {
		fuzzy = true;
	}
	if (fuzzy)
		return s->class == OS_SCANNER ? SIGNATURE_NONE
					      : SIGNATURE_FUZZY;
	return s->generic ? SIGNATURE_GENERIC : SIGNATURE_EXACT;
}

static const struct signature *find_slowly(const struct signatures *db,
					   const struct packet *p,
					   enum signature_match *how)
{
	const struct signature *best = NULL;

	*how = SIGNATURE_NONE;
	for (size_t i = 0; i < signatures_count(db); i++) {
		const struct signature *s = signatures_get(db, i);
		enum signature_match match = compare(s, p);

		if (match > *how) {
			*how = match;
			best = s;
		}
	}
	return best;
}

static uint64_t dice_state;

/* 0 to below - 1; splitmix64, so that a seed means the same everywhere */
static unsigned dice(unsigned below)
{
	uint64_t z = dice_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (unsigned)((z ^ z >> 31) % below);
}

#define PICK(list) list[dice(sizeof(list) / sizeof(*list))]

static const char *const layouts[] = {
	"mss", "mss,nop,ws", "mss,nop,nop,sok", "mss,sok,eol+1", "mss,sok,ts",
};
static const char *const option_bytes[] = {
	"020405b4",
	"020405b4 01 030308",
	"020405b4 01010402",
	"020405b4 0402 00 00",
	"020405b4 0402 080a 00000001 00000000",
	"02040550",
	"020405b4 01 030300",
};
static const char *const windows[] = { "*",     "1024",  "64240", "mss*44",
				       "mss*1", "mtu*1", "%1024", "%730" };
static const uint16_t window_values[] = { 1024, 64240, 1460, 1500,
					  1360, 2048,  7300 };
static const char *const ttls[] = { "64", "128", "255", "64-", "60+4" };
static const uint8_t ttl_values[] = { 30, 60, 64, 65, 93, 120, 128, 250 };
static const char *const quirk_lists[] = {
	"", "df", "df,id+", "id-", "ecn", "df,id+,ecn", "ts1-", "seq-"
};

/* A random database of up to 60 signatures, none hidden by another. */
static struct signatures *random_db(void)
{
	char text[16384];
	size_t lines = (size_t)dice(60) + 1;

	strcpy(text, "[tcp:request]\n");
	for (size_t i = 0; i < lines; i++) {
		struct error err = { 0 };
		struct signatures *db;
		size_t before = strlen(text);
		static const char *const labels[] = { "s:win:A:", "g:unix:B:",
						      "s:!:T:" };
		static const char *const versions[] = { "*", "4", "6" };
		static const char *const msses[] = { "*", "1460", "1360" };
		static const char *const scales[] = { "*", "0", "8" };
		static const char *const payloads[] = { "*", "0", "+" };
		const char *version = PICK(versions);

		snprintf(text + before, sizeof(text) - before,
			 "label = %s%zu\nsig = %s:%s:0:%s:%s,%s:%s:%s:%s\n",
			 PICK(labels), i, version, PICK(ttls), PICK(msses),
			 PICK(windows), PICK(scales), PICK(layouts),
			 version[0] == '6' ? "" : PICK(quirk_lists),
			 PICK(payloads));
		assert_true(signatures_new(&db, &err));
		assert_true(signatures_read_text(db, "r", text, strlen(text),
						 &err));
		if (!signatures_compile(db, &err))
			text[before] = '\0';
		signatures_free(db);
	}
	return compile_text(text);
}

static struct packet random_packet(void)
{
	struct syn s = {
		.version = dice(2) ? 4 : 6,
		.ttl = PICK(ttl_values),
		.ip_id = (uint16_t)(dice(2)),
		.fragment = dice(2) ? DF : 0,
		.flow = (uint32_t)(dice(2)),
		.seq = dice(4) ? 1 : ZERO_SEQ,
		.flags = dice(4) ? 2 : 0xc2,
		.window = PICK(window_values),
		.options = PICK(option_bytes),
		.payload = dice(2),
	};

	return parse_syn(&s);
}

static void test_signature_against_slow(void **state)
{
	const char *text = getenv("TEST_SEED");
	unsigned seed =
		text ? (unsigned)strtoul(text, NULL, 10) : (unsigned)time(NULL);
	unsigned seen[4] = { 0 };

	(void)state;
	dice_state = seed;
	print_message("TEST_SEED=%u\n", seed);
	for (int round = 0; round < 60; round++) {
		struct signatures *db = random_db();

		for (int i = 0; i < 500; i++) {
			struct packet p = random_packet();
			enum signature_match fast, slow;
			const struct signature *a, *b;

			a = signatures_find(db, &p, &fast);
			b = find_slowly(db, &p, &slow);
			seen[slow]++;
			if (a != b || fast != slow)
				fail_msg("seed %u: %s (%d) and %s (%d)", seed,
					 a ? a->text : "none", fast,
					 b ? b->text : "none", slow);
		}
		signatures_free(db);
	}
	for (int i = 0; i < 4; i++)
		assert_true(seen[i] > 100); /* or this tests nothing */
}

/* ---- writing ------------------------------------------------------------- */

static const struct {
	struct syn syn;
	const char *want;
} texts[] = {
	{ { .version = 4,
	    .ttl = 116,
	    .fragment = DF,
	    .ip_id = 1,
	    .window = 64240,
	    .options = W },
	  "4:116+12:0:1460:mss*44,8:mss,nop,ws,nop,nop,sok:df,id+:0" },
	{ { .version = 6,
	    .ttl = 63,
	    .flow = 1,
	    .window = 64800,
	    .flags = 0xc2,
	    .options = "020405a0 01 030308 01010402",
	    .payload = 1 },
	  "6:63+1:0:1440:mss*45,8:mss,nop,ws,nop,nop,sok:ecn,flow:+" },
	{ { .version = 4, .ttl = 255, .ip_options = 40 },
	  "4:255+0:40:0:0,0::id-:0" },
	{ { .version = 4,
	    .ttl = 1,
	    .ip_id = 1,
	    .window = 6000,
	    .options = "020405b4 fd04ffff 050a 0000000000000000 0000" },
	  "4:1+31:0:1460:mtu*4,0:mss,?253,sack,eol+1::0" },
	{ { .version = 4,
	    .ttl = 64,
	    .ip_id = 1,
	    .window = 65160,
	    .options = "020405b4 01 030308 0402 080a 00000001 00000002" },
	  "4:64+0:0:1460:mss*45,8:mss,nop,ws,sok,ts:ts2+:0" },
};

static void test_signature_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct packet p = parse_syn(&texts[i].syn);
		char buf[SIGNATURE_TEXT_MAX];

		assert_string_equal(signature_of_packet(&p, buf),
				    texts[i].want);
		assert_ptr_equal(signature_append(&p, buf),
				 buf + strlen(texts[i].want));
	}
}

/* The longest there can be fits its buffer. */
static void test_signature_text_longest(void **state)
{
	struct packet p = {
		.version = 6,
		.ttl = 200,
		.ip_options = 40,
		.mss = 65535,
		.window = 65535,
		.scale = 255,
		.payload = 1,
		.eol_pad = 255,
		.layout_len = PACKET_OPTIONS_MAX,
		.quirks = UINT32_MAX,
	};
	char buf[SIGNATURE_TEXT_MAX];

	(void)state;
	memset(p.layout, 255, sizeof(p.layout));
	assert_in_range(strlen(signature_of_packet(&p, buf)), 250,
			SIGNATURE_TEXT_MAX - 1);
}

/* What is written of a packet is a signature that matches it. */
static void test_signature_round_trip(void **state)
{
	(void)state;
	dice_state = 1;
	for (int i = 0; i < 2000; i++) {
		struct packet p = random_packet();
		char line[SIGNATURE_TEXT_MAX + 64] = LABEL "sig = ";
		enum signature_match how;
		struct signatures *db;

		if (ttl_distance(p.ttl) > SIGNATURE_HOPS_MAX)
			continue;
		signature_append(&p, line + strlen(line));
		db = compile_text(line);
		if (!signatures_find(db, &p, &how) || how != SIGNATURE_EXACT)
			fail_msg("%s", line);
		signatures_free(db);
	}
}

static void test_window_factor(void **state)
{
	static const struct {
		int version;
		uint16_t mss, window;
		uint32_t ts;
		unsigned want;
		bool mtu;
	} factors[] = {
		{ 4, 1460, 64240, 0, 44, false },
		{ 4, 1460, 65160, 1, 45, false },
		{ 4, 1360, 64240, 0, 44, false }, /* 1460 */
		{ 4, 1360, 65160, 0, 45, false }, /* 1448 */
		{ 6, 1360, 64800, 0, 45, false }, /* 1440 */
		{ 6, 1360, 64260, 0, 45, false }, /* 1428 */
		{ 4, 1360, 64260, 0, 0, false },
		{ 4, 1400, 5760, 0, 4, true },  /* MSS + 40 */
		{ 4, 1400, 5808, 0, 4, true },  /* MSS + headers, 52 */
		{ 6, 1400, 5840, 0, 4, false }, /* 1460 goes first */
		{ 6, 1390, 5800, 0, 4, true },  /* MSS + 60 */
		{ 4, 1400, 6000, 0, 4, true },  /* 1500 */
		{ 4, 1460, 0, 0, 0, false },
		{ 4, 99, 99, 0, 0, false },
		{ 4, 1460, 65535, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(factors) / sizeof(*factors); i++) {
		struct packet p = {
			.version = (uint8_t)factors[i].version,
			.mss = factors[i].mss,
			.window = factors[i].window,
			.ts_own = factors[i].ts,
			.headers = 52,
		};
		bool mtu;
		unsigned got = packet_window_factor(&p, &mtu);

		if (got != factors[i].want || mtu != factors[i].mtu)
			fail_msg("%u of %u: %u%s", p.window, p.mss, got,
				 mtu ? " mtu" : "");
	}
}

static void test_ttl_distance(void **state)
{
	(void)state;
	assert_int_equal(ttl_distance(32), 0);
	assert_int_equal(ttl_distance(33), 31);
	assert_int_equal(ttl_distance(64), 0);
	assert_int_equal(ttl_distance(117), 11);
	assert_int_equal(ttl_distance(129), 126);
	assert_int_equal(ttl_distance(255), 0);
	assert_int_equal(ttl_distance(0), 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signature_fields),
		cmocka_unit_test(test_signature_errors),
		cmocka_unit_test(test_signature_not_text),
		cmocka_unit_test(test_signature_folder),
		cmocka_unit_test(test_signature_hidden),
		cmocka_unit_test(test_signature_overruled),
		cmocka_unit_test(test_signature_moduli),
		cmocka_unit_test(test_signature_databases),
		cmocka_unit_test(test_signature_matching),
		cmocka_unit_test(test_signature_empty),
		cmocka_unit_test(test_signature_against_slow),
		cmocka_unit_test(test_signature_text),
		cmocka_unit_test(test_signature_text_longest),
		cmocka_unit_test(test_signature_round_trip),
		cmocka_unit_test(test_window_factor),
		cmocka_unit_test(test_ttl_distance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
