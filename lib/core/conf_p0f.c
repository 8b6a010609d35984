// SPDX-License-Identifier: GPL-2.0-or-later
/* p0f { … }: the sockets that mail programs ask about a SYN. */
#include "conf_impl.h"

#include <stdlib.h>
#include <string.h>

void conf_set_p0f_socket(struct conf_reader *r,
			 const struct conf_setting *setting)
{
	static const char *const words[] = { "off", "on" };
	int found = conf_word(r, setting, words, 2);

	if (found >= 0)
		r->conf->p0f_socket = found == 1;
}

/* As chmod(1) takes it, with or without a 0 before the digits. */
void conf_set_p0f_mode(struct conf_reader *r,
		       const struct conf_setting *setting)
{
	const struct conf_value *value = &setting->values[0];
	const char *digits = value->text + (value->text[0] == '0');

	/* who may read but not write, or the reverse, cannot ask */
	if (strlen(digits) != 3 || digits[0] != '6' ||
	    strspn(digits, "06") != 3)
		conf_fail(r, r->path, value->line,
			  "\"%.80s\" is no mode of a socket: 0600, 0660 or "
			  "0666",
			  value->text);
	else
		r->conf->p0f_mode = (uint16_t)strtoul(digits, NULL, 8);
}

void conf_set_p0f_group(struct conf_reader *r,
			const struct conf_setting *setting)
{
	conf_account(r, &setting->values[0], "group", &r->conf->p0f_group);
}

static bool is_listed(const struct conf *conf, const struct conf_server *at)
{
	for (size_t i = 0; i < conf->amavis_count; i++)
		if (conf->amavis[i].port == at->port &&
		    conf->amavis[i].addr.family == at->addr.family &&
		    conf->amavis[i].addr.value == at->addr.value)
			return true;
	return false;
}

void conf_set_p0f_amavis(struct conf_reader *r,
			 const struct conf_setting *setting)
{
	struct conf *conf = r->conf;

	conf->amavis_count = 0;
	for (size_t i = 0; i < setting->count; i++) {
		const struct conf_value *value = &setting->values[i];
		struct conf_server at;

		if (!conf_server_parse(value->text, 0, &at))
			conf_fail(r, r->path, value->line,
				  "\"%.80s\" is no address with a port, such "
				  "as \"127.0.0.1:2345\" or \"[::1]:2345\"",
				  value->text);
		else if (!conf_is_local(&at.addr))
			conf_fail(r, r->path, value->line,
				  "\"%.80s\" is neither loopback nor of a "
				  "private network; what comes by UDP can be "
				  "forged, so that only these are served",
				  value->text);
		else if (is_listed(conf, &at))
			conf_fail(r, r->path, value->line,
				  "\"%.80s\" is listed twice", value->text);
		else if (conf->amavis_count == CONF_AMAVIS_MAX)
			conf_fail(r, r->path, value->line,
				  "more than %d addresses", CONF_AMAVIS_MAX);
		else
			conf->amavis[conf->amavis_count++] = at;
	}
}
