// SPDX-License-Identifier: GPL-2.0-or-later
/* geoblock export: addresses of countries, for other programs.
 *
 * A file is written beside its place and then renamed: who reads it meets the old
 * list or the new one, whatever happens in between. */
#include "tools/cmd_export.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <geoblock/log.h>
#include <geoblock/words.h>

#include "tools/cmd.h"
#include "tools/tool.h"
#include "tools/tool_options.h"

#define NAME          "geoblock export"
#define OUTPUT_BUFFER (256u << 10)

static const char help[] =
	"usage: geoblock export --format FORMAT [OPTION…]\n"
	"\n"
	"  --format FORMAT   cidr     prefixes, as few as possible, one a "
	"line\n"
	"                    ranges   first and last address, one range a "
	"line\n"
	"                    nft      a file for nft -f\n"
	"                    ipset    a file for ipset restore\n"
	"                    postfix  a table for cidr_table(5)\n"
	"                    json     one object: what it is, and prefixes\n"
	"                    mmdb     a MaxMind DB\n"
	"  --countries LIST  US,CA,MX; groups as @eu; all: every country that "
	"the\n"
	"                    image has.  Default: the configuration's "
	"countries "
	"less\n"
	"                    its deny lists, which is what the kernel is "
	"given\n"
	"  -4, -6            only this family\n"
	"  --output FILE     instead of standard output; replaced as a whole\n"
	"  --result TEXT     what a line of a postfix table says; default OK\n"
	"  --json            the same as --format json\n"
	"  --config FILE     instead of " CONF_DEFAULT_PATH "\n"
	"  --help            this text\n"
	"\n"
	"Exit status: 0 written, 2 usage or configuration error, 3 there is no "
	"image,\n"
	"it has no such addresses, or the output cannot be written.\n";

struct request {
	const struct export_format *format;
	const char *countries; /* NULL: the configuration's */
	const char *output;    /* NULL: standard output */
	const char *result;
	bool only4, only6;
};

/* ---- what to export --------------------------------------------------------------- */

static bool parse_countries(const char *list, struct country_set *out,
			    struct error *err)
{
	char copy[4096], *word, *rest = copy;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", list) >= sizeof(copy))
		return error_set(err, ERROR_LIMIT, 0, "the list is too long");
	while ((word = strsep(&rest, ","))) {
		word += strspn(word, " ");
		word[strcspn(word, " ")] = '\0';
		if (!country_set_add_word(out, word, err))
			return false;
	}
	out->unknown = false;
	return true;
}

/* The chosen countries that the image has; the others are named, for a list that
 * lacks one may refuse all of it. */
static void keep_present(struct export_job *job, bool named)
{
	static uint64_t v4[COUNTRY_INDEXES], v6[COUNTRY_INDEXES];
	struct country_set chosen = job->countries;
	char missing[256] = "", code[3];
	country_t cc = COUNTRY_NONE;
	size_t used = 0;

	memset(&job->countries, 0, sizeof(job->countries));
	image_addresses(job->image, v4, v6);
	while ((cc = country_set_next(&chosen, cc)) != COUNTRY_NONE) {
		unsigned i = country_index(cc);

		if ((job->v4 && v4[i]) || (job->v6 && v6[i]))
			country_set_add(&job->countries, cc);
		else if (used + 5 < sizeof(missing))
			used += (size_t)snprintf(missing + used,
						 sizeof(missing) - used, " %s",
						 country_text(cc, code));
	}
	if (named && used > 0)
		log_warn("the image has no addresses of%s", missing);
}

static bool collect(struct export_job *job, const struct conf *conf,
		    const struct request *request, struct error *err)
{
	struct iset all = { 0 };
	const char *list = request->countries;
	bool ok;

	keep_present(job, !list || strcasecmp(list, "all") != 0);
	if (!image_ranges(job->image, &job->countries, &all, err))
		return false;
	if (!job->v4)
		all.v4.count = 0;
	if (!job->v6)
		all.v6.count = 0;
	if (list) {
		job->set = all;
		return true;
	}
	ok = iset_subtract(&job->set, &all, &conf->deny.set, err);
	iset_clear(&all);
	return ok;
}

/* ---- where to ------------------------------------------------------------------------ */

struct output {
	FILE *file;
	char *path; /* its place; NULL: standard output, or no regular file */
	char *temporary;
};

/* What may be replaced by rename(2): a regular file, or nothing yet. */
static bool is_replaceable(const char *path, mode_t *mode)
{
	struct stat st;

	*mode = 0;
	if (stat(path, &st) != 0)
		return errno == ENOENT;
	*mode = st.st_mode & 07777;
	return S_ISREG(st.st_mode);
}

static bool open_output(struct output *out, const char *path, struct error *err)
{
	mode_t mode;
	int fd;

	*out = (struct output){ .file = stdout };
	if (!path)
		return true;
	if (!is_replaceable(path, &mode)) {
		out->file = fopen(path, "we");
		if (!out->file)
			return error_set(err, ERROR_SYSTEM, errno,
					 "cannot open %s", path);
		return true;
	}
	/* a link stays, what it points to is replaced */
	out->path = realpath(path, NULL);
	if (!out->path)
		out->path = strdup(path);
	if (!out->path || asprintf(&out->temporary, "%s.tmp.%ld", out->path,
				   (long)getpid()) < 0)
		return error_set(err, ERROR_LIMIT, 0, "no memory");
	out->file = fopen(out->temporary, "wxe");
	if (!out->file)
		return error_set(err, ERROR_SYSTEM, errno, "cannot create %s",
				 out->temporary);
	fd = fileno(out->file);
	if (mode != 0 && fchmod(fd, mode) != 0)
		return error_set(err, ERROR_SYSTEM, errno,
				 "cannot set the mode of %s", out->temporary);
	return true;
}

/* Everything is written, or nothing is changed. */
static bool close_output(struct output *out, bool ok, struct error *err)
{
	const char *name = out->path             ? out->path
			   : out->file == stdout ? "standard output"
						 : "the output";

	if (ok && (fflush(out->file) != 0 || ferror(out->file)))
		ok = error_set(err, ERROR_SYSTEM, errno, "cannot write %s",
			       name);
	if (ok && out->path && fsync(fileno(out->file)) != 0)
		ok = error_set(err, ERROR_SYSTEM, errno, "cannot write %s",
			       name);
	if (out->file && out->file != stdout && fclose(out->file) != 0 && ok)
		ok = error_set(err, ERROR_SYSTEM, errno, "cannot write %s",
			       name);
	if (ok && out->path && rename(out->temporary, out->path) != 0)
		ok = error_set(err, ERROR_SYSTEM, errno, "cannot replace %s",
			       out->path);
	if (!ok && out->file && out->temporary)
		unlink(out->temporary);
	free(out->path);
	free(out->temporary);
	return ok;
}

static bool write_output(const struct export_job *job,
			 const struct request *request, struct error *err)
{
	static char buffer[OUTPUT_BUFFER];
	struct output out;
	bool ok = open_output(&out, request->output, err);

	if (ok) {
		setvbuf(out.file, buffer, _IOFBF, sizeof(buffer));
		ok = request->format->write(job, out.file, err);
	}
	return close_output(&out, ok, err);
}

/* ---- the run ------------------------------------------------------------------------- */

static int export(struct export_job *job, const struct conf *conf,
		  const struct request *request)
{
	struct error err = { 0 };
	struct image *image = tool_image(conf, IMAGE_CHECK_ALL);
	bool ok;

	if (!image)
		return STATUS_UNABLE;
	job->image = image;
	image_about(image, &job->about);
	ok = collect(job, conf, request, &err);
	/* an allow-list that allows nobody is nobody's wish */
	if (ok && job->set.v4.count == 0 && job->set.v6.count == 0)
		ok = error_set(&err, ERROR_HELD, 0,
			       "the image has no addresses of these countries: "
			       "nothing is written");
	ok = ok && write_output(job, request, &err);
	if (!ok)
		log_err("%s", err.text);
	iset_clear(&job->set);
	image_close(image);
	return ok ? STATUS_OK : STATUS_UNABLE;
}

static int run(const struct request *request)
{
	struct export_job job = { .v4 = !request->only6,
				  .v6 = !request->only4,
				  .result = request->result };
	struct error err = { 0 };
	struct conf *conf;
	int status;

	if (request->countries &&
	    !parse_countries(request->countries, &job.countries, &err))
		return tool_usage(NAME, "--countries: %s", err.text);
	conf = tool_conf(cmd_config);
	if (!conf)
		return STATUS_USAGE;
	if (!request->countries)
		job.countries = conf->policy.allowed;
	if (country_set_count(&job.countries) == 0)
		status = tool_usage(NAME,
				    "the configuration names no countries: "
				    "give --countries");
	else
		status = export(&job, conf, request);
	conf_free(conf);
	return status;
}

static const struct export_format *find_format(const char *name)
{
	for (size_t i = 0; i < EXPORT_FORMATS; i++)
		if (strcmp(export_formats[i].name, name) == 0)
			return &export_formats[i];
	return NULL;
}

static void format_error(const char *name)
{
	const char *names[EXPORT_FORMATS], *near;
	char list[128];

	for (size_t i = 0; i < EXPORT_FORMATS; i++)
		names[i] = export_formats[i].name;
	words_join(names, EXPORT_FORMATS, list, sizeof(list));
	near = name ? words_nearest(names, EXPORT_FORMATS, name) : NULL;
	if (!name)
		tool_usage(NAME, "--format is missing: %s", list);
	else if (near)
		tool_usage(NAME,
			   "there is no format \"%s\"; did you mean \"%s\"?",
			   name, near);
	else
		tool_usage(NAME, "there is no format \"%s\", but %s", name,
			   list);
}

/* What the options come to, taken together. */
static int check_request(const struct request *r, const char *format)
{
	if (!r->format) {
		format_error(format);
		return STATUS_USAGE;
	}
	if (r->only4 && r->only6)
		return tool_usage(NAME, "-4 and -6 exclude each other; without "
					"them both families are written");
	if (r->result && strcmp(r->format->name, "postfix") != 0)
		return tool_usage(NAME, "--result is for --format postfix");
	if (r->result && (!*r->result || strpbrk(r->result, "\r\n")))
		return tool_usage(NAME, "--result is one line of text");
	if (r->format->binary && !r->output && isatty(STDOUT_FILENO))
		return tool_usage(NAME,
				  "%s is binary and this is a terminal: give "
				  "--output FILE",
				  r->format->name);
	return STATUS_OK;
}

int cmd_export(int argc, char **argv)
{
	struct request request = { 0 };
	const char *format = NULL;
	bool json = false;
	const struct tool_command command = {
		.name = NAME,
		.help = help,
		.config = &cmd_config,
		.json = &json,
		.options = { { "format", .value = &format },
			     { "countries", .value = &request.countries },
			     { "output", .value = &request.output },
			     { "result", .value = &request.result },
			     { .letter = '4', .flag = &request.only4 },
			     { .letter = '6', .flag = &request.only6 } },
	};
	int status = tool_options(&command, argc, argv);

	if (status != -1)
		return status;
	if (json)
		format = "json";
	if (request.output && strcmp(request.output, "-") == 0)
		request.output = NULL;
	request.format = format ? find_format(format) : NULL;
	status = check_request(&request, format);
	if (status != STATUS_OK)
		return status;
	if (!request.result)
		request.result = "OK";
	/* a reader that goes away is an error like a full disk, and is told */
	signal(SIGPIPE, SIG_IGN);
	return run(&request);
}
