// SPDX-License-Identifier: GPL-2.0-or-later
/* The policy protocol: a request in pieces and at once, the reply that it gets, and
 * as geoblockd's answer whatever follows it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <geoblock/rdns.h>

#include "daemon/policyd_answer.h"
#include "daemon/policyd_request.h"
#include "daemon/policyd_syn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_reply(const struct policyd_request *request,
			const struct policyd_looks *looks, uint8_t seed)
{
	static char contact[] = "https://mail.example.com/";
	static struct conf conf = { .contact = contact };
	struct policyd_ruling ruling = { 0 };
	struct subject *subject = &ruling.subject;
	char buf[POLICYD_REPLY_MAX];
	size_t len;

	if (!addr_parse(request->client_address,
			strlen(request->client_address), &ruling.client, NULL))
		return;
	conf.policy.audit = seed & 1;
	conf.policyd_header = seed & 2;
	conf.policy.default_action = (enum action)((seed >> 2) % ACTION_COUNT);
	subject->country = (country_t)(seed & 4 ? COUNTRY('U', 'S') : 0);
	subject->has_os = looks->seen > POLICYD_UNSEEN;
	subject->os = looks->os;
	subject->confidence = looks->confidence;
	subject->has_rdns = true;
	subject->rdns = rdns_classify(&ruling.client, request->client_name,
				      request->reverse_client_name, NULL);
	ruling.verdict = policyd_decide(&conf.policy, subject);
	len = policyd_reply(&conf, &ruling, policyd_action(&conf, &ruling),
			    buf);
	if (len < strlen("action=DUNNO\n\n") || buf[len] != '\0' ||
	    memcmp(buf + len - 2, "\n\n", 2) != 0)
		abort();
	for (size_t i = 0; i < len - 2; i++)
		if (buf[i] < 0x20 || buf[i] > 0x7e)
			abort();
}

/* Cut into two, the request has to be the same. */
static void check_pieces(const struct policyd_parser *whole,
			 enum policyd_parsed want, const char *text, size_t len,
			 size_t cut)
{
	static struct policyd_parser parser;
	enum policyd_parsed parsed;
	const char *why;
	size_t used;

	policyd_parser_reset(&parser);
	cut = len ? cut % (len + 1) : 0;
	parsed = policyd_parse(&parser, text, cut, &used, &why);
	if (parsed == POLICYD_MORE)
		parsed = policyd_parse(&parser, text + cut, len - cut, &used,
				       &why);
	if (parsed != want || memcmp(&parser.request, &whole->request,
				     sizeof(whole->request)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct policyd_parser parser;
	struct policyd_looks looks;
	enum policyd_parsed parsed;
	const char *why = NULL;
	size_t used;
	char *text;

	if (size < 2)
		return 0;
	text = malloc(size); /* one for a NUL */
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	policyd_parser_reset(&parser);
	parsed = policyd_parse(&parser, text, size - 1, &used, &why);
	if (used > size - 1 || (parsed == POLICYD_BAD) != (why != NULL) ||
	    (parsed == POLICYD_MORE && used != size - 1))
		abort();
	check_pieces(&parser, parsed, text, size - 1, data[0]);
	if (policyd_looks_read(text + (parsed == POLICYD_DONE ? used : 0),
			       &looks) == (looks.seen == POLICYD_AWAY) ||
	    looks.confidence > 100 || looks.os >= OS_CLASS_COUNT)
		abort();
	if (parsed == POLICYD_DONE)
		check_reply(&parser.request, &looks, data[0]);
	free(text);
	return 0;
}
