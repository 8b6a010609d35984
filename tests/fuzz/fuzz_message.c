// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages of a process that may have been taken over. */
#include "geo_input.h"

#include "tools/sync_child.h"

static void require_line(const char *text, size_t room)
{
	require(memchr(text, '\0', room) != NULL);
	for (; *text; text++)
		require((unsigned char)*text >= ' ' && *text != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct geo_warn warn = { fuzz_say, NULL };
	struct fetch_item items[2] = { { .max_bytes = 1000 },
				       { .max_bytes = UINT64_MAX } };
	struct sync_file files[2] = { 0 };
	uint64_t now[2], total[2];
	struct sync_job job = { .items = items,
				.item_count = 2,
				.files = files,
				.file_count = 2,
				.warn = &warn };
	struct sync_heard h = { .job = &job, .now = now, .total = total };
	struct error err = { 0 };

	while (size > 0) {
		size_t len = size < sizeof(struct sync_message)
				     ? size
				     : sizeof(struct sync_message);

		if (!sync_message_take(&h, data, len, &err)) {
			fuzz_error(&err);
			break;
		}
		data += len;
		size -= len;
	}
	for (int i = 0; i < 2; i++) {
		require(items[i].state <= FETCH_NEW &&
			items[i].bytes <= items[i].max_bytes);
		require_line(items[i].url, sizeof(items[i].url));
		require_line(items[i].why, sizeof(items[i].why));
		require_line(files[i].err.text, sizeof(files[i].err.text));
	}
	return 0;
}
