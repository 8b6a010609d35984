// SPDX-License-Identifier: GPL-2.0-or-later
/* Two states, in a name and in a value; each line ends one.  A field is found when
 * its name is complete, and its bytes are then copied as they come. */
#include "daemon/policyd_request.h"

#include <string.h>

#define FIELD(name, given)                                                     \
	{                                                                      \
#name, offsetof(struct policyd_request, name),                 \
			sizeof(((struct policyd_request *)0)->name), given     \
	}

static const struct field {
	const char *name;
	size_t offset, size;
	unsigned given;
} fields[] = {
	FIELD(request, 0),
	FIELD(protocol_state, 0),
	FIELD(client_address, 0),
	FIELD(client_port, 0),
	FIELD(server_port, 0),
	FIELD(client_name, POLICYD_CLIENT_NAME),
	FIELD(reverse_client_name, POLICYD_REVERSE_CLIENT_NAME),
	FIELD(sender, 0),
	FIELD(recipient, 0),
	FIELD(instance, 0),
	FIELD(sasl_username, 0),
};

void policyd_parser_reset(struct policyd_parser *parser)
{
	memset(parser, 0, sizeof(*parser));
}

static void begin_value(struct policyd_parser *parser)
{
	struct policyd_request *request = &parser->request;

	parser->in_value = true;
	parser->value = NULL;
	parser->value_len = 0;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (strlen(fields[i].name) == parser->name_len &&
		    memcmp(fields[i].name, parser->name, parser->name_len) ==
			    0) {
			parser->value = (char *)request + fields[i].offset;
			parser->value_room = fields[i].size - 1;
			memset(parser->value, 0, fields[i].size);
			request->given |= fields[i].given;
			return;
		}
}

static enum policyd_parsed in_name(struct policyd_parser *parser, char c,
				   const char **why)
{
	if (c == '=' && parser->name_len > 0) {
		begin_value(parser);
		return POLICYD_MORE;
	}
	if (c == '\n' && parser->name_len == 0) {
		if (strcmp(parser->request.request, "smtpd_access_policy") == 0)
			return POLICYD_DONE;
		*why = parser->request.request[0]
			       ? "a request of a type that is not known"
			       : "a request without its type";
		return POLICYD_BAD;
	}
	if (c == '=' || c == '\n') {
		*why = c == '=' ? "a value without a name"
				: "a line without \"=\"";
		return POLICYD_BAD;
	}
	if (parser->name_len < sizeof(parser->name))
		parser->name[parser->name_len] = c;
	parser->name_len++;
	return POLICYD_MORE;
}

static void in_value(struct policyd_parser *parser, char c)
{
	if (c == '\n') {
		parser->in_value = false;
		parser->name_len = 0;
	} else if (parser->value && parser->value_len < parser->value_room) {
		parser->value[parser->value_len++] = c;
	}
}

enum policyd_parsed policyd_parse(struct policyd_parser *parser,
				  const char *data, size_t len, size_t *used,
				  const char **why)
{
	for (*used = 0; *used < len;) {
		char c = data[(*used)++];
		enum policyd_parsed parsed = POLICYD_MORE;

		if (c == '\0') {
			*why = "a NUL";
			return POLICYD_BAD;
		}
		if (++parser->total > POLICYD_REQUEST_MAX) {
			*why = "a request that is too long";
			return POLICYD_BAD;
		}
		if (parser->in_value)
			in_value(parser, c);
		else
			parsed = in_name(parser, c, why);
		if (parsed != POLICYD_MORE)
			return parsed;
	}
	return POLICYD_MORE;
}
