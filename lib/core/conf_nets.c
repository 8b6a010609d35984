// SPDX-License-Identifier: GPL-2.0-or-later
/* Lists of networks: those that are exempt, those that are denied.
 *
 * Every entry keeps where it was written, so that `query` can name the line
 * that let an address through.  A list file has one network a line; what stands
 * behind "#"
 * is its note. */
#include "conf_impl.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LIST_FILES_MAX 4096

static const struct {
	const char *net, *note;
} private_nets[] = {
	{ "10.0.0.0/8", "private network (RFC 1918)" },
	{ "172.16.0.0/12", "private network (RFC 1918)" },
	{ "192.168.0.0/16", "private network (RFC 1918)" },
	{ "127.0.0.0/8", "loopback" },
	{ "169.254.0.0/16", "link-local" },
	{ "::1", "loopback" },
	{ "fe80::/10", "link-local" },
	{ "fc00::/7", "private network (RFC 4193)" },
};

void conf_nets_clear(struct conf_nets *nets)
{
	for (size_t i = 0; i < nets->count; i++)
		if (nets->nets[i].file) /* those built in are not ours */
			free((char *)(uintptr_t)nets->nets[i].note);
	for (size_t i = 0; i < nets->file_count; i++)
		free(nets->files[i]);
	free(nets->nets);
	free(nets->files);
	free(nets->pattern);
	iset_clear(&nets->set);
	memset(nets, 0, sizeof(*nets));
}

static bool add_net(struct conf_reader *r, struct conf_nets *nets,
		    const struct conf_net *net)
{
	struct conf_net *added;
	struct error err;

	if (nets->count == CONF_NETS_MAX)
		return conf_fail(r, net->file, net->line,
				 "more than %u networks", CONF_NETS_MAX);
	if (nets->count == nets->room) {
		size_t room = nets->room * 2 + 16;

		added = reallocarray(nets->nets, room, sizeof(*added));
		if (!added)
			return conf_no_memory(r);
		nets->nets = added;
		nets->room = room;
	}
	if (!iset_add(&nets->set, &net->range, &err))
		return conf_no_memory(r);
	added = &nets->nets[nets->count];
	*added = *net;
	if (net->file && net->note) {
		added->note = strdup(net->note);
		if (!added->note)
			return conf_no_memory(r);
	}
	nets->count++;
	return true;
}

/* The file's name, kept with the list. */
static const char *keep_file(struct conf_reader *r, struct conf_nets *nets,
			     const char *path)
{
	char **grown =
		reallocarray(nets->files, nets->file_count + 1, sizeof(*grown));

	if (grown) {
		nets->files = grown;
		grown[nets->file_count] = strdup(path);
		if (grown[nets->file_count])
			return grown[nets->file_count++];
	}
	conf_no_memory(r);
	return NULL;
}

static char *trim(char *from, char *to)
{
	while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
		to--;
	*to = '\0';
	return from + strspn(from, " \t");
}

/* One line of a list, which it may write to. */
static bool read_line(struct conf_reader *r, struct conf_nets *nets,
		      const char *file, unsigned line, char *text, char *end)
{
	char *hash = memchr(text, '#', (size_t)(end - text));
	struct conf_net net = { .file = file, .line = line };
	struct error err;

	if (hash) {
		net.note = trim(hash + 1, end);
		if (net.note[0] == '\0')
			net.note = NULL;
		end = hash;
	}
	text = trim(text, end);
	if (text[0] == '\0')
		return true;
	if (strpbrk(text, " \t")) {
		conf_fail(r, file, line,
			  "\"%.80s\": one network a line; a note follows \"#\"",
			  text);
		return true;
	}
	if (!range_parse(text, strlen(text), &net.range, &err)) {
		conf_fail(r, file, line, "%s", err.text);
		return true;
	}
	return add_net(r, nets, &net);
}

/* The networks of one list. */
static void read_list(struct conf_reader *r, struct conf_nets *nets,
		      const char *path)
{
	struct conf_text text = { 0 };
	const char *file = keep_file(r, nets, path);
	unsigned line = 1;

	if (file && conf_text_load(r, path, CONF_LIST_FILE_MAX, &text)) {
		char *p = text.data, *end = p + text.len;

		for (; p < end; line++) {
			char *eol = memchr(p, '\n', (size_t)(end - p));

			if (!read_line(r, nets, file, line, p, eol))
				break;
			p = eol + 1;
		}
	}
	conf_text_clear(&text);
}

void conf_nets_private(struct conf_reader *r, struct conf_nets *nets)
{
	for (size_t i = 0; i < sizeof(private_nets) / sizeof(*private_nets);
	     i++) {
		const char *text = private_nets[i].net;
		struct conf_net net = { .note = private_nets[i].note };
		struct error err;

		if (!range_parse(text, strlen(text), &net.range, &err) ||
		    !add_net(r, nets, &net))
			return;
	}
}

bool conf_is_local(const struct addr *addr)
{
	for (size_t i = 0; i < sizeof(private_nets) / sizeof(*private_nets);
	     i++) {
		const char *text = private_nets[i].net;
		struct range net;

		if (range_parse(text, strlen(text), &net, NULL) &&
		    net.family == addr->family && net.first <= addr->value &&
		    addr->value <= net.last)
			return true;
	}
	return false;
}

void conf_nets_finish(struct conf_reader *r, struct conf_nets *nets)
{
	struct error err;

	if (!iset_normalise(&nets->set, &err))
		conf_no_memory(r);
}

const struct conf_net *conf_find_net(const struct conf_nets *nets,
				     const struct addr *addr)
{
	const struct conf_net *best = NULL;

	for (size_t i = 0; i < nets->count; i++) {
		const struct range *r = &nets->nets[i].range;

		if (r->family == addr->family && r->first <= addr->value &&
		    addr->value <= r->last &&
		    (!best ||
		     r->last - r->first < best->range.last - best->range.first))
			best = &nets->nets[i];
	}
	return best;
}

/* ---- the sections exempt and deny ---- */

static struct conf_nets *nets_of(struct conf_reader *r,
				 const struct conf_setting *setting)
{
	return strcmp(setting->option->section, "exempt") == 0
		       ? &r->conf->exempt
		       : &r->conf->deny;
}

void conf_set_networks(struct conf_reader *r,
		       const struct conf_setting *setting)
{
	struct conf_nets *nets = nets_of(r, setting);

	for (size_t i = 0; i < setting->count; i++) {
		const struct conf_value *value = &setting->values[i];
		struct conf_net net = { .file = r->conf->path,
					.line = value->line };
		struct error err;

		if (!range_parse(value->text, strlen(value->text), &net.range,
				 &err)) {
			conf_fail(r, r->path, value->line, "%s", err.text);
			continue;
		}
		net.note = conf_text_note(r->text, value->line);
		if (!add_net(r, nets, &net))
			return;
	}
}

/* glob() asks whether to stop: not for a folder that is not there. */
static int unreadable(const char *path, int sys_errno)
{
	(void)path;
	return sys_errno != ENOENT && sys_errno != ENOTDIR;
}

/* A pattern that matches nothing is an empty folder; a name without a pattern
 * that is not there is a mistake. */
static void read_pattern(struct conf_reader *r, struct conf_nets *nets,
			 const struct conf_value *value)
{
	bool pattern = strpbrk(value->text, "*?[") != NULL;
	glob_t found = { 0 };
	struct stat there;
	int rc;

	if (value->text[0] != '/') {
		conf_refuse(r, value,
			    "is no absolute path; it begins with \"/\"");
		return;
	}
	if (!pattern) {
		if (stat(value->text, &there) != 0)
			conf_fail(r, r->path, value->line,
				  "\"%.200s\" cannot be read: %s", value->text,
				  strerror(errno));
		else
			read_list(r, nets, value->text);
		return;
	}
	rc = glob(value->text, 0, unreadable, &found);
	if (rc != 0 && rc != GLOB_NOMATCH)
		conf_refuse(r, value, "names a folder that cannot be read");
	else if (found.gl_pathc > LIST_FILES_MAX)
		conf_fail(r, r->path, value->line,
			  "\"%.80s\" matches %zu files; at most %d are read",
			  value->text, found.gl_pathc, LIST_FILES_MAX);
	else
		for (size_t i = 0; i < found.gl_pathc; i++)
			read_list(r, nets, found.gl_pathv[i]);
	globfree(&found);
}

void conf_set_files(struct conf_reader *r, const struct conf_setting *setting)
{
	struct conf_nets *nets = nets_of(r, setting);

	for (size_t i = 0; i < setting->count; i++)
		read_pattern(r, nets, &setting->values[i]);
	if (setting->count > 0 && !nets->pattern)
		conf_copy(r, &nets->pattern, setting->values[0].text);
}

void conf_set_private(struct conf_reader *r, const struct conf_setting *setting)
{
	conf_bool(r, setting, &r->conf->exempt_private);
}

void conf_set_deny_action(struct conf_reader *r,
			  const struct conf_setting *setting)
{
	static const char *const words[] = { "reset", "drop" };
	int found = conf_word(r, setting, words, 2);

	if (found >= 0)
		r->conf->policy.deny_action =
			found == 0 ? ACTION_RESET : ACTION_DROP;
}
