/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_POLICYD_REQUEST_H
#define DAEMON_POLICYD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/addr.h>
#include <geoblock/rdns.h>

/* A request of Postfix's policy delegation protocol (SMTPD_POLICY_README):
 *
 *	request=smtpd_access_policy LF
 *	name=value LF                       any number, in any order
 *	LF
 *
 * read byte by byte as it comes, into fields of a fixed size: what a client sends
 * costs no memory.  Attributes that are not known are passed over; of one that comes
 * twice the last holds; a value that is too long is cut. */

#define POLICYD_REQUEST_MAX 65536 /* bytes of one request */
#define POLICYD_MAILBOX_MAX                                                    \
	512 /* RFC 5321 4.5.3.1.3: 256; with room for more */

/* Bits: what was there, be it empty. */
enum policyd_given {
	POLICYD_CLIENT_NAME = 1,
	POLICYD_REVERSE_CLIENT_NAME = 2,
};

struct policyd_request {
	char request[24];
	char protocol_state[24];
	char client_address[ADDR_TEXT_MAX + 8]; /* or "unknown" */
	char client_port[8], server_port[8];
	char client_name[RDNS_NAME_MAX]; /* verified, or "unknown" */
	char reverse_client_name[RDNS_NAME_MAX];
	char sender[POLICYD_MAILBOX_MAX];
	char recipient[POLICYD_MAILBOX_MAX];
	char instance[128];
	char sasl_username[2]; /* all that matters is whether there is one */
	unsigned given;
};

struct policyd_parser {
	struct policyd_request request;
	size_t total;
	char name[32];
	size_t name_len; /* may pass the size of name: one that is not known */
	bool in_value;
	char *value; /* NULL: an attribute that is not kept */
	size_t value_len, value_room;
};

enum policyd_parsed {
	POLICYD_MORE, /* all was read, and the request goes on */
	POLICYD_DONE, /* parser->request is whole */
	POLICYD_BAD,  /* no request; the client is not worth another byte */
};

/* policyd_parser_reset - before each request. */
void policyd_parser_reset(struct policyd_parser *parser);

/* policyd_parse - more bytes of a request; *used is how many of them belong to it.
 * POLICYD_BAD: *why says in a few words what was found (a static string). */
enum policyd_parsed policyd_parse(struct policyd_parser *parser,
				  const char *data, size_t len, size_t *used,
				  const char **why);

#endif
