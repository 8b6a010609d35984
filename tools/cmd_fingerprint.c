// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock fingerprint: the operating system behind each SYN of a capture. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <geoblock/fingerprint.h>
#include <geoblock/log.h>

#include "tools/cmd.h"
#include "tools/cmd_fingerprint.h"
#include "tools/tool.h"
#include "tools/tool_options.h"
#include "tools/tool_pcap.h"

#define NAME      "geoblock fingerprint"
#define FILES_MAX 64

struct run {
	struct signatures *db;
	bool json, summary;
	uint64_t classes[OS_CLASS_COUNT];
	uint64_t ipv4, ipv6;
	uint64_t not_tcp; /* IP, but no TCP segment that can be read */
	uint64_t not_syn; /* TCP, but no SYN, or one with ACK */
	uint64_t frames, not_ip;
	struct lines out;
};

/* ---- packets ------------------------------------------------------------- */

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
		lines_object(&run->out, &p, &f, seconds, microseconds);
	else
		lines_row(&run->out, &p, &f);
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

static const char help[] =
	"usage: geoblock fingerprint [OPTION…] PCAP…\n\n"
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
	"geoblock-fingerprint(1),\ngeoblock-os.fp(5).\n";

struct options {
	const char *files[FILES_MAX]; /* --signatures */
	size_t file_count;
	bool only, json, summary;
};

static const char *take_signatures(void *ctx, const char *path)
{
	struct options *o = ctx;

	if (o->file_count == FILES_MAX)
		return "is one file too many";
	o->files[o->file_count++] = path;
	return NULL;
}

/* STATUS_USAGE, or -1 to go on, as tool_options() does. */
static int parse_options(struct options *o, int argc, char **argv)
{
	const struct tool_command command = {
		.name = NAME,
		.help = help,
		.config = &cmd_config, /* nothing of it matters here */
		.json = &o->json,
		.arguments = true,
		.ctx = o,
		.options = { { "summary", .flag = &o->summary },
			     { "signatures", .take = take_signatures },
			     { "only", .flag = &o->only } },
	};
	int status = tool_options(&command, argc, argv);

	if (status != -1)
		return status;
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
			lines_flush(
				&run->out); /* what was read stands before the error */
			log_err("%s", err.text);
			ok = false;
		}
		run->frames += counts.frames;
		run->not_ip += counts.not_ip;
	}
	lines_flush(&run->out);
	if (run->out.write_errno == 0)
		return ok;
	log_err("cannot write the output: %s", strerror(run->out.write_errno));
	return false;
}

int cmd_fingerprint(int argc, char **argv)
{
	struct options o = { 0 };
	struct run *run;
	int status = parse_options(&o, argc, argv);

	if (status != -1)
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
