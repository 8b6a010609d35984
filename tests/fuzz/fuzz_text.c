// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines of the text protocol, cut where the first byte says; each answer is read
 * back the way that geoblock-policyd does. */
#include <assert.h>
#include <stdint.h>

#include "daemon/text.h"
#include "tests/fuzz/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *answer, size_t len)
{
	char line[TEXT_ANSWER_MAX + 1], value[TEXT_ANSWER_MAX];

	assert(len > 1 && len <= TEXT_ANSWER_MAX && answer[len - 1] == '\n');
	memcpy(line, answer, len);
	line[len] = '\0';
	for (size_t i = 0; i + 1 < len; i++)
		assert((unsigned char)line[i] >= 0x20 && line[i] != 0x7f);
	assert(text_value(line, "seen", value, sizeof(value)) ||
	       text_value(line, "error", value, sizeof(value)));
}

/* What somebody else says on that socket. */
static void read_back(const uint8_t *data, size_t size)
{
	char line[256], value[64];

	size = size < sizeof(line) ? size : sizeof(line) - 1;
	memcpy(line, data, size);
	line[size] = '\0';
	if (!text_value(line, "os", value, sizeof(value)))
		assert(value[0] == '\0');
	text_value(line, "rule", value, 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct path path;
	static struct text text;

	if (!path.hosts)
		memory_open(&path);
	text.path = &path;
	read_back(data, size);
	return stream_run(&text_protocol, &text, data, size, check);
}
