// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line of geoblock-sync. */
#include "tools/sync.h"

#include <getopt.h>

#include "tools/tool_confirm.h"

static const char help[] =
	"usage: geoblock-sync [OPTION…] [FILE…]\n"
	"\n"
	"Reads country data, compiles it, and makes the kernel enforce it.  "
	"FILEs\n"
	"(delegation files of the registries, IPFire text, country lists, "
	"MMDB; plain,\n"
	".gz or .xz; told by their content) stand in for what is configured.\n"
	"\n"
	"  --offline       use what is on this machine; without FILEs, the "
	"image at hand\n"
	"  --dry-run       say what would be done, change nothing\n"
	"  --force         take what would be held: an update that takes much "
	"of a chosen\n"
	"                  country away, older data; what that was is said\n"
	"  --report        say where geo.mmdb and the source differ most\n"
	"  --confirm TIME  put back what was enforced before, unless it is "
	"confirmed within\n"
	"                  TIME (60s, 5m): by Enter here, or by `geoblock "
	"confirm`\n"
	"  --no-apply      compile only, leave the kernel alone\n"
	"  --progress      of downloads, on a terminal, even with --quiet or "
	"--json\n"
	"  --publish DIR   leave the image and a signed manifest in DIR, for "
	"a web server\n"
	"  --key FILE      the secret key to sign with\n"
	"  --make-key FILE make one, and print the public key\n"
	"  --json          the result as one JSON object\n"
	"  -q, --quiet     print warnings and errors only\n"
	"  -v, --verbose   more about the kernel's sets\n"
	"  --config FILE   instead of " CONF_DEFAULT_PATH "\n"
	"  --version       which version this is\n"
	"  --help          this text\n"
	"\n"
	"Exit status: 0 done, or nothing to do; 1 not confirmed; 2 usage or "
	"configuration "
	"error;\n"
	"3 not, or not all, could be done: the reason is on standard error.\n"
	"Manual: geoblock-sync(8).\n";

static const struct option options[] = {
	{ "offline", no_argument, NULL, 'o' },
	{ "dry-run", no_argument, NULL, 'd' },
	{ "force", no_argument, NULL, 'f' },
	{ "report", no_argument, NULL, 'r' },
	{ "confirm", required_argument, NULL, 'C' },
	{ "no-apply", no_argument, NULL, 'n' },
	{ "progress", no_argument, NULL, 'p' },
	{ "json", no_argument, NULL, 'j' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "publish", required_argument, NULL, 'P' },
	{ "key", required_argument, NULL, 'k' },
	{ "make-key", required_argument, NULL, 'K' },
	{ "config", required_argument, NULL, 'c' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* STATUS_OK: go on; -1: all is said. */
static int take(struct sync *s, int option, char **argv)
{
	switch (option) {
	case 'o':
		s->offline = true;
		break;
	case 'd':
		s->dry_run = true;
		break;
	case 'f':
		s->force = true;
		break;
	case 'C':
		if (!tool_confirm_time(optarg, &s->confirm_s))
			return tool_usage(SYNC_NAME,
					  "--confirm wants a time from "
					  "1s to 1h, not \"%s\"",
					  optarg);
		break;
	case 'r':
		s->report = true;
		break;
	case 'n':
		s->no_apply = true;
		break;
	case 'p':
		s->progress = true;
		break;
	case 'j':
		s->json = true;
		break;
	case 'q':
		s->quiet = true;
		break;
	case 'v':
		s->verbose = true;
		break;
	case 'P':
		s->publish = optarg;
		break;
	case 'k':
		s->key_file = optarg;
		break;
	case 'K':
		s->make_key = optarg;
		break;
	case 'c':
		s->config = optarg;
		break;
	case 'V':
		puts(SYNC_NAME " " GEOBLOCK_VERSION);
		return -1;
	case 'h':
		fputs(help, stdout);
		return -1;
	default:
		return tool_getopt_error(SYNC_NAME, argv, option);
	}
	return STATUS_OK;
}

static int check(const struct sync *s)
{
	if ((s->publish != NULL) != (s->key_file != NULL))
		return tool_usage(SYNC_NAME, "--publish and --key go together");
	if (s->confirm_s && s->no_apply)
		return tool_usage(SYNC_NAME, "--confirm and --no-apply: there "
					     "would be nothing to confirm");
	if (s->confirm_s && s->publish)
		return tool_usage(SYNC_NAME, "--confirm and --publish: what is "
					     "not confirmed is not published");
	return STATUS_OK;
}

int sync_options(struct sync *s, int argc, char **argv)
{
	int option, status = STATUS_OK;

	opterr = 0;
	while (status == STATUS_OK &&
	       (option = getopt_long(argc, argv, ":hqv", options, NULL)) != -1)
		status = take(s, option, argv);
	return status == STATUS_OK ? check(s) : status;
}
