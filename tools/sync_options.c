// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line of geoblock-sync. */
#include "tools/sync.h"

#include "tools/tool_confirm.h"
#include "tools/tool_options.h"

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

/* What does not go together; -1: all does. */
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
	return -1;
}

int sync_options(struct sync *s, int argc, char **argv)
{
	const struct tool_command command = {
		.name = SYNC_NAME,
		.help = help,
		.config = &s->config,
		.json = &s->json,
		.version = true,
		.arguments = true,
		.ctx = &s->confirm_s,
		.options = {
			{ "offline", .flag = &s->offline },
			{ "dry-run", .flag = &s->dry_run },
			{ "force", .flag = &s->force },
			{ "report", .flag = &s->report },
			{ "confirm", .take = tool_confirm_take },
			{ "no-apply", .flag = &s->no_apply },
			{ "progress", .flag = &s->progress },
			{ "quiet", 'q', .flag = &s->quiet },
			{ "verbose", 'v', .flag = &s->verbose },
			{ "publish", .value = &s->publish },
			{ "key", .value = &s->key_file },
			{ "make-key", .value = &s->make_key },
		},
	};
	int status = tool_options(&command, argc, argv);

	return status == -1 ? check(s) : status;
}
