// SPDX-License-Identifier: GPL-2.0-or-later
/* A DNS message from whoever answers: the first byte chooses the question. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "tools/tool_dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum tool_dns_type types[] = { TOOL_DNS_A, TOOL_DNS_AAAA,
						    TOOL_DNS_TXT, TOOL_DNS_MX,
						    TOOL_DNS_PTR };
	struct tool_dns_answer a;
	enum tool_dns_type type;
	enum tool_dns_status status;

	if (size < 1)
		return 0;
	type = types[data[0] % (sizeof(types) / sizeof(*types))];
	status = tool_dns_parse(data + 1, size - 1, "a.example", type, &a);
	assert((status == TOOL_DNS_OK) == (a.count > 0));
	assert(status == TOOL_DNS_OK || a.why[0]);
	assert(a.count <= TOOL_DNS_RECORDS_MAX);
	for (size_t i = 0; i < a.count; i++)
		if (a.texts)
			assert(strlen(a.texts[i]) < 65536);
		else
			assert(a.addrs[i].family == 4 ||
			       a.addrs[i].family == 6);
	tool_dns_answer_clear(&a);
	return 0;
}
