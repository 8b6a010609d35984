// SPDX-License-Identifier: GPL-2.0-or-later
/* `dns`: the servers that names are asked of; and how a server is written. */
#include "conf_impl.h"

#include <stdlib.h>
#include <string.h>

#define DNS_PORT 53

bool conf_server_parse(const char *text, uint16_t default_port,
		       struct conf_server *out)
{
	const char *bracket = text[0] == '[' ? strchr(text, ']') : NULL;
	const char *colon = strrchr(text, ':'), *port = NULL;
	size_t len = strlen(text);
	unsigned long number = default_port;

	if (bracket) {
		text++;
		len = (size_t)(bracket - text);
		port = bracket[1] == ':' ? bracket + 2 : NULL;
		if (bracket[1] != '\0' && !port)
			return false;
	} else if (colon && strchr(text, ':') == colon) {
		len = (size_t)(colon - text);
		port = colon + 1;
	}
	if ((port && !conf_number(port, 1, UINT16_MAX, &number)) || number == 0)
		return false;
	out->port = (uint16_t)number;
	return addr_parse(text, len, &out->addr, NULL);
}

void conf_set_dns(struct conf_reader *r, const struct conf_setting *setting)
{
	struct conf *conf = r->conf;

	conf->dns = calloc(CONF_DNS_MAX, sizeof(*conf->dns));
	if (!conf->dns) {
		conf_no_memory(r);
		return;
	}
	for (size_t i = 0; i < setting->count; i++) {
		const struct conf_value *value = &setting->values[i];

		if (conf->dns_count == CONF_DNS_MAX) {
			conf_fail(r, r->path, value->line,
				  "more than %d name servers", CONF_DNS_MAX);
			return;
		}
		if (conf_server_parse(value->text, DNS_PORT,
				      &conf->dns[conf->dns_count]))
			conf->dns_count++;
		else
			conf_fail(r, r->path, value->line,
				  "\"%.80s\" is no name server: an address, "
				  "with a port as in 127.0.0.1:53 or [::1]:53",
				  value->text);
	}
}
