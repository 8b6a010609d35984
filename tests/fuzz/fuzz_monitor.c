// SPDX-License-Identifier: GPL-2.0-or-later
/* Notifications of nf_tables, whole datagrams of them: whatever is in one, what is
 * told of it is bounded text that cannot upset a log. */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nft/nft_monitor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t room)
{
	size_t len = strnlen(text, room);

	assert(len < room);
	for (size_t i = 0; i < len; i++)
		assert(isprint((unsigned char)text[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nft_watch watch = { .table = "geoblock", .own = 0x01020304 };
	struct kernel_change change = { 0 };
	uint8_t *copy = malloc(size ? size : 1); /* ends where the input ends */

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	/* twice: what the first left behind is where the second begins */
	for (int i = 0; i < 2; i++) {
		nft_watch_hear(&watch, copy, size, &change);
		check_text(change.what, sizeof(change.what));
		check_text(change.by, sizeof(change.by));
		assert(change.changed || (!change.gone && !change.what[0]));
	}
	free(copy);
	return 0;
}
