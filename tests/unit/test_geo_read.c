// SPDX-License-Identifier: GPL-2.0-or-later
/* Files with every quirk that was seen in real ones, and every fault that could
 * be thought of. */
#include "geo_files.h"

#include <fcntl.h>
#include <lzma.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <zlib.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* An extended file's head, with the counts it promises. */
#define HEAD(total, asn, n4, n6)                                               \
	"2.3|arin|1567951216119|" #total "|19700101|20260908|-0400\n"          \
	"arin|*|asn|*|" #asn "|summary\n"                                      \
	"arin|*|ipv4|*|" #n4 "|summary\n"                                      \
	"arin|*|ipv6|*|" #n6 "|summary\n"
#define ONE "arin|US|ipv4|192.0.2.0|256|20200101|allocated|a1\n"
#define SIX "arin|US|ipv6|2001:db8::|32|20200101|allocated|a1\n"

struct file_case {
	const char *name; /* NULL: "f" */
	const char *text;
	const char *want;     /* what is read, one range a line; or the error */
	const char *warnings; /* NULL: none */
};

static const struct file_case rir_cases[] = {
	{ NULL, HEAD(1, 0, 1, 0) ONE,
	  "192.0.2.0/24 US allocated 20200101 line 5\n", NULL },
	/* a banner, blank lines, carriage returns, no last line feed */
	{ NULL,
	  "#\n# banner\t\n\n2|APNIC|20260131|2|19830613|20260130|+1000\r\n"
	  "apnic|*|asn|*|0|summary\r\n\r\napnic|*|ipv4|*|1|summary\r\n"
	  "apnic|*|ipv6|*|1|summary\r\n"
	  "apnic|jp|IPV4|192.0.2.0|768|20110811|Allocated\r\n# in between\r\n"
	  "apnic||ipv6|2001:de3::|48|20250703|assigned",
	  "192.0.2.0-192.0.4.255 JP allocated 20110811 line 9\n"
	  "2001:de3::/48 -- assigned 20250703 line 11\n",
	  NULL },
	/* a byte order mark is what some editors leave */
	{ NULL, "\xef\xbb\xbf" HEAD(1, 0, 1, 0) ONE,
	  "192.0.2.0/24 US allocated 20200101 line 5\n", NULL },
	/* in no order, and with what is not delegated */
	{ NULL,
	  HEAD(5, 1, 3, 1) "arin|US|ipv4|198.51.100.0|256|20200101|allocated\n"
			   "arin||ipv4|23.128.1.0|768||reserved|\n" SIX
			   "arin|US|asn|1|1|20010920|allocated|e5\n"
			   "arin|CA|ipv4|10.0.0.0|256|00000000|assigned|e5\n",
	  "10.0.0.0/24 CA assigned 0 line 9\n"
	  "23.128.1.0-23.128.3.255 -- reserved 0 line 6\n"
	  "198.51.100.0/24 US allocated 20200101 line 5\n"
	  "2001:db8::/32 US allocated 20200101 line 7\n",
	  NULL },
	/* the summaries hold; all else that counts is only warned of */
	{ NULL, HEAD(7, 6, 1, 0) ONE,
	  "192.0.2.0/24 US allocated 20200101 line 5\n",
	  "f:2: header says 6 asn records, the file has 0\n"
	  "f:1: header says 7 records in all, the file has 1\n" },
	{ NULL, HEAD(0, 0, 1, 0) ONE "arin|US|ipx|1|1|20200101|allocated\n",
	  "192.0.2.0/24 US allocated 20200101 line 5\n",
	  "f:6: a record of a type that is none of asn, ipv4, ipv6: skipped\n"
	  "f:1: header says 0 records in all, the file has 2\n" },
	{ NULL,
	  HEAD(1, 0, 1, 0) "arin|US|ipv4|192.0.2.0|256|20209999|allocated\n",
	  "192.0.2.0/24 US allocated 0 line 5\n",
	  "f:5: the date is none; taken as unknown\n" },
	{ NULL,
	  "2|arin|1|1|19700101|tomorrow|-0400\narin|*|ipv4|*|1|summary\n" ONE,
	  "192.0.2.0/24 US allocated 20200101 line 3\n",
	  "f:1: the end date is no date: the age of this file is not known\n" },
	{ NULL,
	  "2|arin|1|1|||-0400\narin|*|ipv4|*|1|summary\n"
	  "arin|*|ipv9|*|1|summary\n" ONE,
	  "192.0.2.0/24 US allocated 20200101 line 4\n",
	  "f:3: summary of an unknown type\n" },
	/* counts */
	{ NULL, HEAD(2, 0, 2, 0) ONE,
	  "f:3: header says 2 ipv4 records, the file has 1: truncated?", NULL },
	{ NULL, HEAD(1, 0, 1, 1) ONE,
	  "f:4: header says 1 ipv6 records, the file has 0: truncated?", NULL },
	{ NULL, HEAD(1, 0, 0, 1) ONE SIX,
	  "f:3: header says 0 ipv4 records, the file has 1: edited, or two "
	  "files joined?",
	  NULL },
	{ NULL, "2|arin|1|2|||-0400\narin|*|ipv4|*|1|summary\n" ONE SIX,
	  "f: the file has 1 ipv6 records and no summary line that says so",
	  NULL },
	{ NULL, "2|arin|1|1|||-0400\n" ONE,
	  "f: no summary lines (registry|*|ipv4|*|count|summary): truncated?",
	  NULL },
	{ NULL, HEAD(0, 0, 0, 0), "f: no ipv4 and no ipv6 records", NULL },
	{ NULL, HEAD(1, 0, 1, 0) "arin|*|ipv4|*|1|summary\n" ONE,
	  "f:5: a second summary of ipv4, after that of line 3", NULL },
	/* cut short: where the counts still hold, and where not */
	{ NULL, HEAD(2, 0, 1, 0) ONE "arin|US|asn|17|1|2020",
	  "f:6: the file ends in mid-line, truncated?: "
	  "\"arin|US|asn|17|1|2020\": 6 fields, want 7 or more: registry|"
	  "country|type|start|value|date|status",
	  NULL },
	{ NULL, HEAD(1, 0, 1, 0) "arin|US|ipv4|192.0.2.0|256|20200101|alloc",
	  "f:5: the file ends in mid-line, truncated?: status \"alloc\": want "
	  "allocated, assigned, available or reserved",
	  NULL },
	{ NULL,
	  HEAD(1, 0, 1, 0) "arin|US|ipv4|192.0.2.0|256|20200101|allocated",
	  "192.0.2.0/24 US allocated 20200101 line 5\n", NULL },
	{ NULL, "2|arin|1|1|||-0400\narin|*|ipv4|*|1|summ",
	  "f:2: the file ends in mid-line, truncated?: \"arin|*|ipv4|*|1|summ\""
	  ": 6 fields, want 7 or more: registry|country|type|start|value|date|"
	  "status",
	  NULL },
	/* overlaps name both lines, the later one first */
	{ NULL, HEAD(2, 0, 2, 0) ONE ONE,
	  "f:6: 192.0.2.0/24 overlaps 192.0.2.0/24 of line 5: an address has "
	  "one record",
	  NULL },
	{ NULL,
	  HEAD(2, 0, 2, 0) ONE
	  "arin|CA|ipv4|192.0.0.0|513|20200101|allocated\n",
	  "f:6: 192.0.0.0-192.0.2.0 overlaps 192.0.2.0/24 of line 5: an "
	  "address has one record",
	  NULL },
	{ NULL,
	  HEAD(3, 0, 0, 3) SIX "arin|US|ipv6|2001:db9::|32|20200101|allocated\n"
			       "arin||ipv6|2001:db8:ff00::|40||available|\n",
	  "f:7: 2001:db8:ff00::/40 overlaps 2001:db8::/32 of line 5: an "
	  "address has one record",
	  NULL },
	/* order of things */
	{ NULL, ONE,
	  "f:1: a record before the version line "
	  "(2|registry|serial|…)",
	  NULL },
	{ NULL, HEAD(2, 0, 1, 0) ONE HEAD(1, 0, 1, 0) ONE,
	  "f:6: a second version line, after that of line 1: are these two "
	  "files joined?",
	  NULL },
	{ NULL,
	  HEAD(1, 0, 1, 0) "apnic|US|ipv4|192.0.2.0|256|20200101|allocated\n",
	  "f:5: a record of apnic in a file of arin", NULL },
	{ NULL, HEAD(1, 0, 1, 0) "nic|US|asn|1|1|20200101|allocated\n",
	  "f:5: a record of an unknown registry in a file of arin", NULL },
	{ NULL,
	  "2|iana|20190911|973|19830101|20190612|+0000\n"
	  "iana|*|asn|*|133|summary\n|3|19990401|arin\n",
	  "f:1: registry \"iana\": its file names no countries of its own; "
	  "those of afrinic, apnic, arin, lacnic and ripencc do",
	  NULL },
	/* what rir_line() says gets its place */
	{ NULL,
	  HEAD(1, 0, 1,
	       0) "arin|US|ipv4|255.255.255.0|257|20200101|allocated\n",
	  "f:5: ipv4 count \"257\": runs past 255.255.255.255; from "
	  "255.255.255.0 at most 256 are left",
	  NULL },
};

static const struct file_case other_cases[] = {
	/* IPFire */
	{ NULL,
	  "# Generated: Thu, 25 Jun 2026 04:33:59 GMT\n"
	  "15726992,15726999,??\n16777216,16777471,AU\r\n\n"
	  "2001:200::,2001:200:134:ffff:ffff:ffff:ffff:ffff,JP",
	  "0.239.249.144/29 -- 0 line 2\n"
	  "1.0.0.0/24 AU 0 line 3\n"
	  "2001:200::-2001:200:134:ffff:ffff:ffff:ffff:ffff JP 0 line 5\n"
	  "date 20260625\n",
	  NULL },
	{ NULL,
	  "0,4294967295,A1\n::,ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,T1\n",
	  "0.0.0.0/0 A1 0 line 1\n::/0 T1 0 line 2\n", NULL },
	{ NULL,
	  "#Generated: 1 Feb 2026\n# Generated: 2 Mar 2026\n5,6,AU\n"
	  "# Generated: 3 Apr 2026\n",
	  "0.0.0.5-0.0.0.6 AU 0 line 3\ndate 20260201\n", NULL },
	{ NULL, "# Generated: the 40th of Foo 2026\n5,6,AU\n",
	  "0.0.0.5-0.0.0.6 AU 0 line 2\n", NULL },
	{ NULL, "1.0.0.0,1.0.0.255,AU\n", "1.0.0.0/24 AU 0 line 1\n", NULL },
	{ NULL, "0,4294967296,AU\n",
	  "f:1: \"4294967296\": want an address of the same family that is not "
	  "before the first",
	  NULL },
	{ NULL, "5,4,AU\n",
	  "f:1: \"4\": want an address of the same family that is not before "
	  "the first",
	  NULL },
	{ NULL, "5,::5,AU\n",
	  "f:1: \"::5\": want an address of the same family that is not before "
	  "the first",
	  NULL },
	{ NULL, "5,6,AUS\n", "f:1: country \"AUS\": want two letters or ??",
	  NULL },
	{ NULL, "5,6,AU\n7,8,A", "f:2: country \"A\": want two letters or ??",
	  NULL },
	{ NULL, "5,6,AU\n7,8\n", "f:2: \"7,8\": want first,last,country",
	  NULL },
	{ NULL, "5,6,AU\n7x,8,AU\n", "f:2: \"7x\" is no address", NULL },
	{ NULL, "5,6,AU,more\n",
	  "f:1: country \"AU,more\": want two letters "
	  "or ??",
	  NULL },
	{ NULL, "5,6,AU\n6,8,AU\n",
	  "f:2: 0.0.0.6-0.0.0.8 begins before the end of line 1: want ranges "
	  "in "
	  "order, without overlap",
	  NULL },
	{ NULL, "5,6,AU\n\n1,2,AU\n",
	  "f:3: 0.0.0.1-0.0.0.2 begins before the end of line 1: want ranges "
	  "in "
	  "order, without overlap",
	  NULL },
	{ NULL, "2001:db8::,2001:db8::f,AU\n2001:db8::f,2001:db8::ff,AU\n",
	  "f:2: 2001:db8::f-2001:db8::ff begins before the end of line 1: want "
	  "ranges in order, without overlap",
	  NULL },
	/* CIDR lists: prefixes, addresses, ranges; joined where they overlap */
	{ "us.ipv4.zone",
	  "203.0.113.7\n192.0.2.0/24\n# a comment\n192.0.2.128/25 # one more\n"
	  "192.0.2.250-192.0.3.9\n192.0.0.0/16",
	  "192.0.0.0/16 US 0 line 6\n203.0.113.7 US 0 line 1\n", NULL },
	{ "de.ipv6.zone", "2001:db8::/32\n2001:db8:1::/48\n2001:db9::/32\n",
	  "2001:db8::/32 DE 0 line 1\n2001:db9::/32 DE 0 line 3\n", NULL },
	{ "Mx-aggregated.zone", "192.0.2.0/24\n", "192.0.2.0/24 MX 0 line 1\n",
	  NULL },
	{ "id_country_pe.netset",
	  "#\n# Source File Date: Sun Oct  8 12:07:27 UTC 2017\n192.0.2.0/24\n",
	  "192.0.2.0/24 PE 0 line 3\ndate 20171008\n", NULL },
	{ "us", "::\n", ":: US 0 line 1\n", NULL },
	{ "us.zone", "192.0.2.0/24\n192.0.2.1/24\n",
	  "us.zone:2: \"192.0.2.1/24\" has bits set beyond its prefix; did you "
	  "mean 192.0.2.0/24?",
	  NULL },
	{ "us.zone", "192.0.2.0/24\n\nnonsense\n",
	  "us.zone:3: \"nonsense\" is no address, prefix (192.0.2.0/24) or "
	  "range "
	  "(192.0.2.1-192.0.2.9)",
	  NULL },
	{ "us.zone", "192.0.2.0/33\n",
	  "us.zone:1: \"192.0.2.0/33\": the prefix length is not a number from "
	  "0 "
	  "to 32",
	  NULL },
	{ "list.txt", "192.0.2.0/24\n",
	  "list.txt: a CIDR list's country is the two letters at the head of "
	  "its "
	  "name, as in us.zone, us.ipv4.zone, us-aggregated.zone or "
	  "id_country_us.netset",
	  NULL },
	{ "ip.txt", "192.0.2.0/24\n",
	  "ip.txt: a CIDR list's country is the two letters at the head of its "
	  "name, as in us.zone, us.ipv4.zone, us-aggregated.zone or "
	  "id_country_us.netset",
	  NULL },
	{ "u", "192.0.2.0/24\n",
	  "u: a CIDR list's country is the two letters at the head of its "
	  "name, "
	  "as in us.zone, us.ipv4.zone, us-aggregated.zone or "
	  "id_country_us.netset",
	  NULL },
	/* neither */
	{ NULL, "", "f: the file is empty", NULL },
	{ NULL, "# nothing\n\n   \n", "f: nothing but comments and blank lines",
	  NULL },
	{ NULL, "\n<!DOCTYPE html>\n<html><body>503|504</body></html>\n",
	  "f:2: looks like HTML: a web server's error page?", NULL },
	{ NULL, "{\"error\": 404, \"text\": \"no\"}\n",
	  "f:1: \"{\"error\": 404, \"text\": \"no\"}\" begins neither a "
	  "delegation file nor IPFire text nor a CIDR list",
	  NULL },
	{ NULL, "Copyright (c) somebody\n",
	  "f:1: \"Copyright (c) somebody\" begins neither a delegation file "
	  "nor "
	  "IPFire text nor a CIDR list",
	  NULL },
};

static size_t tell(char *buf, size_t size, const struct range *range,
		   const struct geo_record *rec, uint32_t line)
{
	const char *status = geo_status_name((enum geo_status)rec->status);
	char cc[3], at[RANGE_TEXT_MAX];

	return (size_t)snprintf(buf, size, "%s %s %s%s%u line %u\n",
				range_format(range, at),
				country_text(rec->country, cc), status,
				status[0] ? " " : "", rec->date, line);
}

static void tell_ranges(const struct geo_table *t, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < t->count4; i++)
		used += tell(
			buf + used, size - used,
			&(struct range){ 4, t->v4[i].first, t->v4[i].last },
			&t->v4[i].record, t->v4[i].line);
	for (size_t i = 0; i < t->count6; i++)
		used += tell(
			buf + used, size - used,
			&(struct range){ 6, t->v6[i].first, t->v6[i].last },
			&t->v6[i].record, t->v6[i].line);
	if (t->sources[0].kind != GEO_RIR && t->sources[0].date != 0)
		snprintf(buf + used, size - used, "date %u\n",
			 t->sources[0].date);
}

static void check_case(const struct file_case *c)
{
	const char *name = c->name ? c->name : "f";
	struct geo_table table = { 0 };
	struct heard heard = { 0 };
	struct geo_warn warn = { hear, &heard };
	struct error err = { 0 };
	char told[2048];

	write_text(name, c->text);
	if (geo_read(&table, name, &warn, &err)) {
		assert_int_equal(table.source_count, 1);
		assert_int_equal(table.sources[0].records4, table.count4);
		assert_int_equal(table.sources[0].records6, table.count6);
		assert_int_equal(table.sources[0].bytes, strlen(c->text));
		assert_string_equal(table.sources[0].path, name);
		tell_ranges(&table, told, sizeof(told));
		assert_string_equal(told, c->want);
	} else {
		assert_string_equal(err.text, c->want);
		assert_int_equal(table.source_count, 0);
		assert_int_equal(table.count4, 0);
		assert_int_equal(table.count6, 0);
	}
	assert_string_equal(heard.text, c->warnings ? c->warnings : "");
	geo_table_clear(&table);
	unlink(name);
}

static void test_rir(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(rir_cases); i++)
		check_case(&rir_cases[i]);
}

static void test_other_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(other_cases); i++)
		check_case(&other_cases[i]);
}

/* Whatever is cut off a file's end, it is refused, unless the cut only took the
 * last line feed, or of the last line what nobody reads. */
static void test_rir_truncated(void **state)
{
	static const char text[] = HEAD(3, 1, 1, 1) ONE
		"arin|US|asn|17|1|20200101|assigned|a1\n" SIX;
	size_t whole = strlen(text), needed = whole - strlen("|a1\n");

	(void)state;
	for (size_t len = 0; len <= whole; len++) {
		struct geo_table table = { 0 };
		struct error err = { 0 };

		write_bytes("f", text, len);
		assert_int_equal(geo_read(&table, "f", NULL, &err),
				 len >= needed);
		assert_int_equal(table.count6, len >= needed);
		geo_table_clear(&table);
	}
}

static void test_second_file_of_a_registry(void **state)
{
	struct geo_table table = { 0 };
	struct error err = { 0 };

	(void)state;
	write_text("one", HEAD(1, 0, 1, 0) ONE);
	write_text("two", "# later\n" HEAD(1, 0, 0, 1) SIX);
	write_text("three",
		   "2|lacnic|1|1|||-0300\nlacnic|*|ipv6|*|1|summary\n"
		   "lacnic|BR|ipv6|2001:1280::|32|20200101|allocated\n");
	assert_true(geo_read(&table, "one", NULL, &err));
	assert_int_equal(table.sources[0].serial, 1567951216119);
	assert_int_equal(table.sources[0].date, 20260908);
	assert_int_equal(table.sources[0].registry, REGISTRY_ARIN);
	assert_false(geo_read(&table, "two", NULL, &err));
	assert_string_equal(err.text,
			    "two:2: a second file of arin; the first is one");
	assert_true(geo_read(&table, "three", NULL, &err));
	assert_int_equal(table.source_count, 2);
	assert_int_equal(table.count4, 1);
	assert_int_equal(table.count6, 1);
	assert_int_equal(table.v6[0].source, 1);
	geo_table_clear(&table);
}

/* What is refused leaves what was read before it. */
static void test_refused_leaves_the_rest(void **state)
{
	struct geo_table table = { 0 };
	struct error err = { 0 };

	(void)state;
	write_text("us.zone", "192.0.2.0/24\n2001:db8::/32\n");
	write_text("ca.zone", "198.51.100.0/24\n2001:db9::/32\nx\n");
	assert_true(geo_read(&table, "us.zone", NULL, &err));
	assert_false(geo_read(&table, "ca.zone", NULL, &err));
	assert_int_equal(table.source_count, 1);
	assert_int_equal(table.count4, 1);
	assert_int_equal(table.count6, 1);
	assert_int_equal(table.v4[0].first, 0xc0000200);
	geo_table_clear(&table);
}

static void refused(const char *path, enum error_kind kind, const char *want)
{
	struct geo_table table = { 0 };
	struct error err = { 0 };

	assert_false(geo_read(&table, path, NULL, &err));
	assert_string_equal(err.text, want);
	assert_int_equal(err.kind, kind);
	geo_table_clear(&table);
}

/* None of these may be waited for. */
static void test_no_regular_file(void **state)
{
	struct sockaddr_un sun = { AF_UNIX, "socket" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(mkdir("dir", 0700), 0);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	refused("dir", ERROR_MALFORMED,
		"dir: is a directory, want a regular file");
	refused("fifo", ERROR_MALFORMED,
		"fifo: is a FIFO, want a regular file");
	refused("socket", ERROR_SYSTEM,
		"socket: cannot open: No such device or address");
	refused("/dev/zero", ERROR_MALFORMED,
		"/dev/zero: is a device, want a regular file");
	refused("nothing", ERROR_SYSTEM,
		"nothing: cannot open: No such file or directory");
	refused("", ERROR_SYSTEM, ": cannot open: No such file or directory");
	close(fd);
	if (geteuid() != 0) { /* root may read anything */
		write_text("secret", "x");
		assert_int_equal(chmod("secret", 0), 0);
		refused("secret", ERROR_SYSTEM,
			"secret: cannot open: Permission denied");
	}
}

static void test_long_name(void **state)
{
	char name[GEO_PATH_MAX + 1], want[200];

	(void)state;
	memset(name, 'x', GEO_PATH_MAX);
	name[GEO_PATH_MAX] = '\0';
	snprintf(want, sizeof(want),
		 "%.60s…: a file name of more than 255 bytes", name);
	refused(name, ERROR_LIMIT, want);
	/* the longest that is taken, and what a folder leaves of it */
	name[GEO_PATH_MAX - 1] = '\0';
	memcpy(name, "./us.", 5);
	write_text(name, "192.0.2.0/24\n");
	struct geo_table table = { 0 };
	assert_true(geo_read(&table, name, NULL, NULL));
	assert_string_equal(table.sources[0].path, name);
	geo_table_clear(&table);
}

static void test_binary(void **state)
{
	static const char nul[] = "2|arin|1\0", junk[] = "\x7f"
							 "ELF\x02\x01\x01";
	static const char tail[] = HEAD(1, 0, 1, 0) ONE "\0\0\0\0";
	static const char utf16[] = "\xff\xfe"
				    "2\0|\0a\0";

	(void)state;
	write_bytes("f", nul, sizeof(nul));
	refused("f", ERROR_MALFORMED,
		"f: binary data, but no MaxMind DB: it has "
		"no metadata marker");
	write_bytes("f", junk, sizeof(junk) - 1);
	refused("f", ERROR_MALFORMED,
		"f: binary data, but no MaxMind DB: it has "
		"no metadata marker");
	write_bytes("f", tail, sizeof(tail) - 1);
	refused("f", ERROR_MALFORMED,
		"f: binary data, but no MaxMind DB: it has "
		"no metadata marker");
	write_bytes("f", utf16, sizeof(utf16) - 1);
	refused("f", ERROR_MALFORMED,
		"f: binary data, but no MaxMind DB: it has "
		"no metadata marker");
}

/* A file that fills several chunks, so that lines are cut everywhere. */
static char *many_lines(size_t lines, size_t *len)
{
	char *text = malloc(lines * 80 + 400);
	size_t used = (size_t)sprintf(text,
				      "2|arin|1|%zu|||-0400\n"
				      "arin|*|ipv4|*|%zu|summary\n",
				      lines, lines);

	assert_non_null(text);
	for (size_t i = 0; i < lines; i++)
		used += (size_t)sprintf(
			text + used,
			"arin|US|ipv4|10.%zu.%zu.%zu|%d|20200101|%s\n", i >> 16,
			i >> 8 & 255, i & 255, 1,
			i % 7 ? "allocated" : "assigned|5a6c8e4f7d9b0a1c");
	*len = used;
	return text;
}

static void check_many(const char *name, size_t lines, size_t bytes)
{
	struct geo_table table = { 0 };
	struct error err = { 0 };

	if (!geo_read(&table, name, NULL, &err))
		fail_msg("%s", err.text);
	assert_int_equal(table.count4, lines);
	assert_int_equal(table.sources[0].bytes, bytes);
	for (size_t i = 0; i < lines; i++) {
		assert_int_equal(table.v4[i].first, 0x0a000000 + i);
		assert_int_equal(table.v4[i].line, i + 3);
	}
	geo_table_clear(&table);
}

static void test_chunks(void **state)
{
	size_t len;
	char *text = many_lines(20000, &len);

	(void)state;
	assert_true(len > (size_t)900 << 10);
	/* shifted by a byte each time, so that every place of a line is cut */
	for (size_t i = 1; i < 60; i++) {
		struct geo_table table = { 0 };
		struct error err = { 0 };
		char *shifted = malloc(i + 1 + len);

		memset(shifted, '#', i);
		shifted[i] = '\n';
		memcpy(shifted + i + 1, text, len);
		write_bytes("f", shifted, i + 1 + len);
		free(shifted);
		if (!geo_read(&table, "f", NULL, &err))
			fail_msg("%s", err.text);
		assert_int_equal(table.count4, 20000);
		assert_int_equal(table.v4[19999].first, 0x0a000000 + 19999);
		assert_int_equal(table.v4[19999].line, 20003);
		geo_table_clear(&table);
	}
	write_bytes("f", text, len);
	check_many("f", 20000, len);
	free(text);
}

static size_t gzip(const void *data, size_t len, unsigned char *out,
		   size_t room)
{
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)data,
		       .avail_in = (uInt)len,
		       .next_out = out,
		       .avail_out = (uInt)room };

	assert_int_equal(
		deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY),
		Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

static size_t xz(const void *data, size_t len, unsigned char *out, size_t room)
{
	size_t used = 0;

	assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL,
						 data, len, out, &used, room),
			 LZMA_OK);
	return used;
}

/* Whole, in several members, cut anywhere, damaged, and with a tail. */
static void check_packed(size_t pack(const void *, size_t, unsigned char *,
				     size_t),
			 const char *truncated, const char *tailed)
{
	size_t len, half, packed, room = 1 << 20;
	char *text = many_lines(5000, &len);
	unsigned char *out = malloc(room);
	uint8_t digest[32];
	struct geo_table table = { 0 };

	packed = pack(text, len, out, room);
	write_bytes("us.gz", out, packed);
	check_many("us.gz", 5000, len);
	for (size_t cut = 1; cut < packed; cut += cut < 40 ? 1 : packed / 50) {
		struct error err = { 0 };

		write_bytes("f", out, cut);
		assert_false(geo_read(&table, "f", NULL, &err));
		if (cut > 40)
			assert_string_equal(err.text, truncated);
	}
	memset(out + packed, 'x', 100);
	write_bytes("f", out, packed + 100);
	refused("f", ERROR_MALFORMED, tailed);
	out[packed / 2] ^= 0x40;
	write_bytes("f", out, packed);
	assert_false(geo_read(&table, "f", NULL, NULL));

	half = len / 3;
	packed = pack(text, half, out, room);
	packed += pack(text + half, len - half, out + packed, room - packed);
	write_bytes("f", out, packed);
	check_many("f", 5000, len);

	/* the hash is that of the unpacked bytes */
	assert_true(geo_read(&table, "f", NULL, NULL));
	memcpy(digest, table.sources[0].sha256, sizeof(digest));
	geo_table_clear(&table);
	write_bytes("f", text, len);
	assert_true(geo_read(&table, "f", NULL, NULL));
	assert_memory_equal(digest, table.sources[0].sha256, sizeof(digest));
	geo_table_clear(&table);
	free(out);
	free(text);
}

static void test_gzip(void **state)
{
	(void)state;
	check_packed(gzip, "f: gzip: ends before its data does: truncated?",
		     "f: gzip: damaged: incorrect header check");
}

static void test_xz(void **state)
{
	(void)state;
	check_packed(xz, "f: xz: ends before its data does: truncated?",
		     "f: xz: damaged");
}

/* A known answer, so that the hash is SHA-256 and not just always the same. */
static void test_sha256(void **state)
{
	static const uint8_t want[] = {
		0x7c, 0x05, 0xf4, 0x76, 0x48, 0x5b, 0x46, 0xce,
		0x90, 0xb6, 0x13, 0xf8, 0xe5, 0x94, 0xed, 0x25,
		0x24, 0x5c, 0xac, 0xfc, 0x03, 0x37, 0xff, 0xb2,
		0x5c, 0x47, 0xb4, 0x77, 0x18, 0x07, 0xf6, 0xa4,
	};
	struct geo_table table = { 0 };

	(void)state;
	write_text("us.zone", "192.0.2.0/24\n");
	assert_true(geo_read(&table, "us.zone", NULL, NULL));
	assert_memory_equal(table.sources[0].sha256, want, sizeof(want));
	geo_table_clear(&table);
}

static void test_long_lines(void **state)
{
	char *text = malloc(1 << 20);
	size_t head = (size_t)sprintf(text, HEAD(1, 0, 1, 0) ONE);

	(void)state;
	/* 4096 bytes are taken, one more is not, nor are many more */
	memset(text + head, '#', 4096);
	write_bytes("f", text, head + 4096);
	struct geo_table table = { 0 };
	assert_true(geo_read(&table, "f", NULL, NULL));
	geo_table_clear(&table);
	memset(text + head, '#', 4097);
	write_bytes("f", text, head + 4097);
	refused("f", ERROR_LIMIT, "f:6: a line of more than 4096 bytes");
	memset(text + head, 'x', (1 << 20) - head);
	write_bytes("f", text, 1 << 20);
	refused("f", ERROR_LIMIT, "f:6: a line of more than 4096 bytes");
	memset(text, '#', 1 << 20);
	write_bytes("f", text, 1 << 20);
	refused("f", ERROR_MALFORMED,
		"f: nothing but comments and blank lines at its head");
	free(text);
}

/* A small file that unpacks to more than is allowed. */
static void test_too_big(void **state)
{
	enum { MEMBER = 8 << 20 };
	char *lines = malloc(MEMBER);
	unsigned char *packed = malloc(1 << 20);
	size_t member;
	FILE *f;

	(void)state;
	memset(lines, '#', MEMBER);
	for (size_t i = 4095; i < MEMBER; i += 4096)
		lines[i] = '\n';
	memcpy(lines, "2|arin|1|1|||\n", 14);
	member = gzip(lines, MEMBER, packed, 1 << 20);
	f = fopen("bomb.gz", "wb");
	assert_int_equal(fwrite(packed, 1, member, f), member);
	memset(lines, '#', 14);
	member = gzip(lines, MEMBER, packed, 1 << 20);
	for (size_t len = MEMBER; len <= GEO_FILE_MAX; len += MEMBER)
		assert_int_equal(fwrite(packed, 1, member, f), member);
	fclose(f);
	refused("bomb.gz", ERROR_LIMIT,
		"bomb.gz: has more than 512 MiB unpacked");
	unlink("bomb.gz");
	free(packed);
	free(lines);
}

static void test_too_many_files(void **state)
{
	struct geo_table table = { 0 };
	struct error err = { 0 };

	(void)state;
	write_text("us.zone", "192.0.2.0/24\n");
	for (int i = 0; i < GEO_SOURCES_MAX; i++)
		assert_true(geo_read(&table, "us.zone", NULL, &err));
	assert_false(geo_read(&table, "us.zone", NULL, &err));
	assert_string_equal(err.text, "us.zone: more than 1024 files");
	assert_true(geo_table_finish(&table, NULL, NULL, NULL, &err));
	assert_int_equal(table.count4, 1);
	geo_table_clear(&table);
}

/* A file with a fault in every line does not fill the log. */
static void test_warnings_are_bounded(void **state)
{
	struct geo_table table = { 0 };
	struct heard heard = { 0 };
	struct geo_warn warn = { hear, &heard };
	FILE *f = fopen("f", "w");

	(void)state;
	fputs(HEAD(1000, 0, 1, 0) ONE, f);
	for (int i = 0; i < 999; i++)
		fputs("arin|US|ipx|1|1|20200101|allocated\n", f);
	fclose(f);
	assert_true(geo_read(&table, "f", &warn, NULL));
	assert_int_equal(heard.count, 11);
	assert_non_null(
		strstr(heard.text, "f: more such lines are not listed"));
	geo_table_clear(&table);
}

/* Big enough for threads: a list of /30s, in descending order. */
static void write_list(const char *name, unsigned octet)
{
	FILE *f = fopen(name, "w");

	for (unsigned i = 30000; i-- != 0;)
		fprintf(f, "%u.%u.%u.%u/30\n%x:%x::/32\n", octet, i >> 12,
			i >> 4 & 255, (i & 15) << 4, 0x2000 + octet, i);
	fclose(f);
}

/* geo_read_all() makes what geo_read() would have made of one after the other,
 * with the same words on the way. */
static void test_read_all(void **state)
{
	static const char *const names[] = {
		"us.zone", "arin",  "bad.zone", "ca.zone", "nothing",
		"lacnic",  "again", "mx.zone",  "apnic",   "de.zone",
	};
	struct geo_file files[LENGTH(names)];
	struct geo_table one = { 0 }, all = { 0 };
	struct heard one_heard = { 0 }, all_heard = { 0 };
	struct geo_warn one_warn = { hear, &one_heard };
	struct geo_warn all_warn = { hear, &all_heard };
	struct error err = { 0 };

	(void)state;
	write_list("us.zone", 20);
	write_list("ca.zone", 21);
	write_list("mx.zone", 22);
	write_list("de.zone", 21); /* as ca.zone: conflicts */
	write_text("bad.zone", "192.0.2.0/24\nx\n");
	write_text("fr.zone", "192.0.2.0/24\n2001:db8::/32\n");
	write_text("arin", HEAD(9, 0, 1, 0) ONE);
	write_text("again", "# a banner\n" HEAD(1, 0, 0, 1) SIX);
	write_text("lacnic",
		   "2|lacnic|1|1|||-0300\nlacnic|*|ipv6|*|2|summary\n"
		   "lacnic|BR|ipv6|2001:1280::|32|20200101|allocated\n");
	write_text("apnic", "2|apnic|1|8|||\napnic|*|ipv6|*|1|summary\n"
			    "apnic||ipv6|2001:de3::|48|20209999|assigned\n");
	/* both tables have something in them already */
	assert_true(geo_read(&one, "fr.zone", NULL, &err));
	assert_true(geo_read(&all, "fr.zone", NULL, &err));
	for (size_t i = 0; i < LENGTH(names); i++)
		files[i] = (struct geo_file){ .path = names[i] };
	geo_read_all(&all, files, LENGTH(names), &all_warn);
	for (size_t i = 0; i < LENGTH(names); i++) {
		bool ok = geo_read(&one, names[i], &one_warn, &err);

		assert_int_equal(files[i].ok, ok);
		if (!ok) {
			assert_string_equal(files[i].err.text, err.text);
			assert_int_equal(files[i].err.kind, err.kind);
		}
	}
	assert_string_equal(one_heard.text, all_heard.text);
	assert_int_equal(one_heard.count, 3);
	assert_int_equal(all.source_count, 7);
	assert_int_equal(all.source_count, one.source_count);
	for (size_t i = 0; i < all.source_count; i++)
		assert_memory_equal(&one.sources[i], &all.sources[i],
				    sizeof(one.sources[i]));
	assert_true(geo_table_finish(&one, NULL, NULL, NULL, NULL));
	assert_true(geo_table_finish(&all, NULL, NULL, NULL, NULL));
	assert_int_equal(one.count4, all.count4);
	assert_int_equal(one.count6, all.count6);
	assert_int_equal(one.count4, 3 * 30000 + 1);
	assert_memory_equal(one.v4, all.v4, one.count4 * sizeof(*one.v4));
	assert_memory_equal(one.v6, all.v6, one.count6 * sizeof(*one.v6));
	geo_table_clear(&one);
	geo_table_clear(&all);
}

static void test_read_all_of_nothing(void **state)
{
	struct geo_file file = { .path = "no such file" };
	struct geo_table t = { 0 };

	(void)state;
	geo_read_all(&t, NULL, 0, NULL);
	geo_read_all(&t, &file, 1, NULL);
	assert_false(file.ok);
	assert_string_equal(file.err.text, "no such file: cannot open: No such "
					   "file or directory");
	assert_int_equal(t.count4 + t.count6 + t.source_count, 0);
	assert_true(geo_table_finish(&t, NULL, NULL, NULL, NULL));
	geo_table_clear(&t);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(geo_kind_name(GEO_RIR), "rir");
	assert_string_equal(geo_kind_name(GEO_IPFIRE), "ipfire");
	assert_string_equal(geo_kind_name(GEO_CIDR), "cidr");
	assert_string_equal(geo_kind_name(GEO_MMDB), "mmdb");
	assert_string_equal(geo_registry_name(REGISTRY_NONE), "");
	assert_string_equal(geo_registry_name(REGISTRY_RIPENCC), "ripencc");
	assert_string_equal(geo_status_name(STATUS_NONE), "");
	assert_string_equal(geo_status_name(STATUS_RESERVED), "reserved");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rir),
		cmocka_unit_test(test_other_kinds),
		cmocka_unit_test(test_rir_truncated),
		cmocka_unit_test(test_second_file_of_a_registry),
		cmocka_unit_test(test_refused_leaves_the_rest),
		cmocka_unit_test(test_no_regular_file),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_xz),
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_too_many_files),
		cmocka_unit_test(test_warnings_are_bounded),
		cmocka_unit_test(test_read_all),
		cmocka_unit_test(test_read_all_of_nothing),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
