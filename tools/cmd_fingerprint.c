// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock fingerprint: the operating system behind each SYN of a capture.
 *
 * A capture may hold millions of SYNs, so lines are put together by hand in one
 * large buffer: printf() and a JSON library would take most of the time. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <geoblock/fingerprint.h>
#include <geoblock/log.h>

#include "tools/cmd.h"
#include "tools/tool.h"
#include "tools/tool_pcap.h"

#define NAME          "geoblock fingerprint"
#define BUFFER_SIZE   (1 << 17)
#define LINE_MAX_SIZE 4096 /* one line, all fields at their longest */
#define TEXT_MAX      255  /* of a name or a signature; the rest is cut */

struct run {
	struct signatures *db;
	bool json, summary;
	uint64_t classes[OS_CLASS_COUNT];
	uint64_t ipv4, ipv6;
	uint64_t not_tcp; /* IP, but no TCP segment that can be read */
	uint64_t not_syn; /* TCP, but no SYN, or one with ACK */
	uint64_t frames, not_ip;
	bool write_failed;
	int write_errno;
	int64_t second; /* that `stamp` is of */
	char stamp[TOOL_TIME_MAX];
	size_t used;
	char buffer[BUFFER_SIZE];
};

/* ---- output -----------------------------------------------------------------
 */

static void flush(struct run *run)
{
	size_t done = 0;

	while (done < run->used && !run->write_failed) {
		ssize_t n = write(STDOUT_FILENO, run->buffer + done,
				  run->used - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			run->write_failed = true;
			run->write_errno = errno;
		} else {
			done += (size_t)n;
		}
	}
	run->used = 0;
}

/* Where a line goes: there is room for LINE_MAX_SIZE. */
static char *line_begin(struct run *run)
{
	if (BUFFER_SIZE - run->used < LINE_MAX_SIZE)
		flush(run);
	return run->buffer + run->used;
}

static void line_end(struct run *run, char *at)
{
	*at++ = '\n';
	run->used = (size_t)(at - run->buffer);
}

static char *put_bytes(char *at, const char *text, size_t len)
{
	memcpy(at, text, len);
	return at + len;
}

static char *put(char *at, const char *text)
{
	return put_bytes(at, text, strlen(text));
}

static char *put_number(char *at, unsigned value)
{
	char digits[10];
	unsigned n = 0;

	do
		digits[n++] = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	while (n > 0)
		*at++ = digits[--n];
	return at;
}

static char *put_padded(char *at, const char *from, unsigned width)
{
	while (at < from + width)
		*at++ = ' ';
	*at++ = ' ';
	return at;
}

/* Text of a database goes into JSON: quotes, and what a terminal would obey. */
static char *put_quoted(char *at, const char *text)
{
	size_t len = strnlen(text, TEXT_MAX);

	*at++ = '"';
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < ' ' || c == 0x7f)
			c = ' ';
		if (c == '"' || c == '\\')
			*at++ = '\\';
		*at++ = (char)c;
	}
	*at++ = '"';
	return at;
}

static char *put_ip4(char *at, uint32_t ip)
{
	for (int shift = 24; shift >= 0; shift -= 8) {
		at = put_number(at, ip >> shift & 0xff);
		if (shift)
			*at++ = '.';
	}
	return at;
}

static char *put_addr(char *at, const struct packet *p, addr6_t addr)
{
	char text[ADDR_TEXT_MAX];

	if (p->version == 4)
		return put_ip4(at, (uint32_t)addr);
	return put(at, addr6_format(addr, text));
}

/* RFC 3339, UTC; the calendar is asked once a second. */
static char *put_time(struct run *run, char *at, int64_t seconds,
		      uint32_t microseconds)
{
	size_t len;

	if (seconds != run->second || run->stamp[0] == '\0') {
		run->second = seconds;
		tool_time((uint64_t)seconds, run->stamp);
		len = strlen(run->stamp);
		if (len > 0)
			run->stamp[len - 1] = '\0'; /* Z comes behind it */
	}
	at = put(at, run->stamp);
	*at++ = '.';
	for (uint32_t digit = 100000; digit > 0; digit /= 10)
		*at++ = (char)('0' + microseconds / digit % 10);
	*at++ = 'Z';
	return at;
}

/* "FreeBSD 9 or newer"; the flavour alone where the class says the name. */
static const char *flavour(const struct fingerprint *f, char *buf, size_t size)
{
	switch (f->class) {
	case OS_UNKNOWN:
	case OS_WINDOWS:
	case OS_LINUX:
	case OS_ANDROID:
	case OS_MACOS:
	case OS_IOS:
		return f->flavour;
	default:
		if (f->flavour[0] == '\0')
			return f->name;
		if (f->name[0] == '\0')
			return f->flavour;
		snprintf(buf, size, "%s %s", f->name, f->flavour);
		return buf;
	}
}

static char *put_endpoint(char *at, const struct packet *p, addr6_t addr,
			  uint16_t port)
{
	if (p->version == 6)
		*at++ = '[';
	at = put_addr(at, p, addr);
	if (p->version == 6)
		*at++ = ']';
	*at++ = ':';
	return put_number(at, port);
}

static const char table_head[] =
	"SOURCE                DESTINATION           CLASS    SURE  MATCH  "
	"HOPS FLAVOUR                    SIGNATURE\n";

static void write_row(struct run *run, const struct packet *p,
		      const struct fingerprint *f)
{
	char name[2 * TEXT_MAX], *begin = line_begin(run), *at = begin, *from;
	const char *text;

	at = put_endpoint(at, p, p->saddr, p->sport);
	at = put_padded(at, begin, 21);
	from = at;
	at = put_endpoint(at, p, p->daddr, p->dport);
	at = put_padded(at, from, 21);
	from = at;
	at = put(at, os_class_name(f->class));
	at = put_padded(at, from, 8);
	from = at;
	if (f->match != FINGERPRINT_NONE) {
		at = put_number(at, f->confidence);
		*at++ = '%';
	} else {
		*at++ = '-';
	}
	at = put_padded(at, from, 5);
	from = at;
	at = put(at, fingerprint_match_name(f->match));
	at = put_padded(at, from, 6);
	from = at;
	at = put_number(at, f->distance);
	at = put_padded(at, from, 4);
	from = at;
	text = flavour(f, name, sizeof(name));
	at = put_bytes(at, text, strnlen(text, TEXT_MAX));
	at = put_padded(at, from, 26);
	line_end(run, signature_append(p, at));
}

static void write_object(struct run *run, const struct packet *p,
			 const struct fingerprint *f, int64_t seconds,
			 uint32_t microseconds)
{
	char name[2 * TEXT_MAX], *at = line_begin(run);

	at = put(at, "{\"time\":\"");
	at = put_time(run, at, seconds, microseconds);
	at = put(at, "\",\"src\":\"");
	at = put_addr(at, p, p->saddr);
	at = put(at, "\",\"dst\":\"");
	at = put_addr(at, p, p->daddr);
	at = put(at, "\",\"sport\":");
	at = put_number(at, p->sport);
	at = put(at, ",\"dport\":");
	at = put_number(at, p->dport);
	at = put(at, ",\"class\":\"");
	at = put(at, os_class_name(f->class));
	at = put(at, "\",\"flavour\":");
	at = put_quoted(at, flavour(f, name, sizeof(name)));
	if (f->class == OS_WINDOWS) {
		at = put(at, ",\"generation\":\"");
		at = put(at, windows_generation_name(f->generation));
		*at++ = '"';
	}
	at = put(at, ",\"match\":\"");
	at = put(at, fingerprint_match_name(f->match));
	at = put(at, "\",\"confidence\":");
	at = put_number(at, f->confidence);
	at = put(at, ",\"distance\":");
	at = put_number(at, f->distance);
	at = put(at, ",\"signature\":\"");
	/* it was taken apart: there is nothing in it to be quoted */
	if (f->signature)
		at = put(at, f->signature->text);
	at = put(at, "\",\"raw\":\"");
	at = signature_append(p, at);
	at = put(at, "\",\"reason\":\"");
	at = put(at, fingerprint_reason_text(f->reason));
	*at++ = '"';
	*at++ = '}';
	line_end(run, at);
}

/* ---- packets ----------------------------------------------------------------
 */

static void on_packet(void *ctx, const uint8_t *data, size_t len,
		      int64_t seconds, uint32_t microseconds)
{
	struct run *run = ctx;
	struct fingerprint f;
	struct packet p;

	if (packet_parse(data, len, &p) != PACKET_OK) {
		run->not_tcp++;
		return;
	}
	if (!packet_is_syn(&p)) {
		run->not_syn++;
		return;
	}
	fingerprint_of(run->db, &p, &f);
	run->classes[f.class]++;
	if (p.version == 4)
		run->ipv4++;
	else
		run->ipv6++;
	if (run->summary)
		return;
	if (run->json)
		write_object(run, &p, &f, seconds, microseconds);
	else
		write_row(run, &p, &f);
}

static void print_summary(const struct run *run)
{
	uint64_t syns = run->ipv4 + run->ipv6;

	for (unsigned i = 0; i < OS_CLASS_COUNT; i++) {
		enum os_class class = (enum os_class)((i + 1) % OS_CLASS_COUNT);
		uint64_t n = run->classes[class];

		if (n > 0)
			printf("%-8s %10" PRIu64 "  %5.1f %%\n",
			       os_class_name(class), n,
			       100.0 * (double)n / (double)syns);
	}
	printf("%-8s %10" PRIu64 "  (%" PRIu64 " IPv4, %" PRIu64 " IPv6)\n",
	       "SYNs", syns, run->ipv4, run->ipv6);
	printf("%-8s %10" PRIu64 "  (%" PRIu64 " not IP, %" PRIu64
	       " not TCP or broken, %" PRIu64 " not a SYN)\n",
	       "skipped", run->frames - syns, run->not_ip, run->not_tcp,
	       run->not_syn);
}

static void print_summary_json(const struct run *run)
{
	printf("{\"syns\":%" PRIu64 ",\"ipv4\":%" PRIu64 ",\"ipv6\":%" PRIu64,
	       run->ipv4 + run->ipv6, run->ipv4, run->ipv6);
	printf(",\"not_ip\":%" PRIu64 ",\"not_tcp\":%" PRIu64
	       ",\"not_syn\":%" PRIu64 ",\"classes\":{",
	       run->not_ip, run->not_tcp, run->not_syn);
	for (unsigned i = 0; i < OS_CLASS_COUNT; i++)
		printf("%s\"%s\":%" PRIu64, i ? "," : "",
		       os_class_name((enum os_class)i), run->classes[i]);
	puts("}}");
}

/* ---- command line
 * ------------------------------------------------------------- */

static void help(void)
{
	fputs("usage: geoblock fingerprint [OPTION…] PCAP…\n\n"
	      "The operating system behind each SYN (without ACK) of captures "
	      "in "
	      "pcap or\npcapng format; - is standard input.\n\n"
	      "  --json             one object per SYN, on a line\n"
	      "  --summary          only how many of each class\n"
	      "  --signatures FILE  read FILE's signatures before the others; "
	      "may "
	      "be repeated\n"
	      "  --only             no other signatures than those of "
	      "--signatures\n"
	      "  --config FILE      as every command; nothing of it matters "
	      "here\n"
	      "  --help             this text\n\n"
	      "Signatures: --signatures, then " SIGNATURES_FOLDER
	      "/*.fp, then geoblock's own.\n"
	      "Exit status: 0 ok, 2 usage or a signature file with a mistake, "
	      "3 a "
	      "capture that\ncannot be read, or not to its end.  Manual: "
	      "geoblock-fingerprint(1),\ngeoblock-os.fp(5).\n",
	      stdout);
}

struct options {
	const char *files[64]; /* --signatures */
	size_t file_count;
	bool only, json, summary, help;
};

/* Gives -1 where the run goes on, else its exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "summary", no_argument, NULL, 's' },
		{ "signatures", required_argument, NULL, 'S' },
		{ "only", no_argument, NULL, 'o' },
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int found;

	opterr = 0;
	while ((found = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
		switch (found) {
		case 'j':
			o->json = true;
			break;
		case 's':
			o->summary = true;
			break;
		case 'S':
			if (o->file_count == 64)
				return tool_usage(NAME, "--signatures: 64 "
							"files at most");
			o->files[o->file_count++] = optarg;
			break;
		case 'o':
			o->only = true;
			break;
		case 'c': /* every command takes it; nothing of it matters here
			   */
			break;
		case 'h':
			help();
			return tool_flush() ? STATUS_OK : STATUS_UNABLE;
		default:
			return tool_getopt_error(NAME, argv, found);
		}
	}
	if (o->only && o->file_count == 0)
		return tool_usage(NAME, "--only goes with --signatures FILE");
	if (optind == argc)
		return tool_usage(NAME, "which captures? - is standard input");
	return -1;
}

static struct signatures *load_signatures(const struct options *o)
{
	struct signatures *db = NULL;
	struct error err = { 0 };
	bool ok = signatures_new(&db, &err);

	for (size_t i = 0; ok && i < o->file_count; i++)
		ok = signatures_read(db, o->files[i], &err);
	ok = ok &&
	     (o->only || (signatures_read_folder(db, SIGNATURES_FOLDER, &err) &&
			  signatures_read_builtin(db, &err)));
	if (ok && signatures_compile(db, &err))
		return db;
	log_err("%s", err.text);
	signatures_free(db);
	return NULL;
}

/* Every capture, as far as it can be read. */
static bool read_captures(struct run *run, char **paths)
{
	bool ok = true;

	for (; *paths; paths++) {
		struct error err = { 0 };
		struct pcap_counts counts;

		if (!pcap_read_file(*paths, on_packet, run, &counts, &err)) {
			flush(run); /* what was read stands before the error */
			log_err("%s", err.text);
			ok = false;
		}
		run->frames += counts.frames;
		run->not_ip += counts.not_ip;
	}
	flush(run);
	if (!run->write_failed)
		return ok;
	log_err("cannot write the output: %s", strerror(run->write_errno));
	return false;
}

int cmd_fingerprint(int argc, char **argv)
{
	struct options o = { 0 };
	struct run *run;
	int status = parse_options(argc, argv, &o);

	if (status >= 0)
		return status;
	run = calloc(1, sizeof(*run));
	if (!run)
		return STATUS_UNABLE;
	run->json = o.json;
	run->summary = o.summary;
	run->db = load_signatures(&o);
	if (!run->db) {
		free(run);
		return STATUS_USAGE;
	}
	if (!run->json && !run->summary) {
		memcpy(run->buffer, table_head, sizeof(table_head) - 1);
		run->used = sizeof(table_head) - 1;
	}
	status = read_captures(run, argv + optind) ? STATUS_OK : STATUS_UNABLE;
	if (run->summary && run->json)
		print_summary_json(run);
	else if (run->summary)
		print_summary(run);
	if (!tool_flush())
		status = STATUS_UNABLE;
	signatures_free(run->db);
	free(run);
	return status;
}
