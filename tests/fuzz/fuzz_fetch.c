// SPDX-License-Identifier: GPL-2.0-or-later
/* What a server puts beside a file, what the cache has beside it, and keys.  The
 * first byte says which. */
#include "geo_input.h"

#include "tools/sync_child.h"

static void one_sum(const char *text, size_t len)
{
	uint8_t sum[FETCH_MD5_SIZE];
	struct error err = { 0 };

	if (!md5_parse(text, len, "delegated-arin-extended-latest", sum, &err))
		fuzz_error(&err);
}

/* What was read can be written, and is then read as the same. */
static void one_meta(const char *text, size_t len)
{
	struct sync_meta a, b;
	char again[META_MAX];
	size_t n;

	meta_parse(&a, text, len);
	require(strlen(a.url) < sizeof(a.url) &&
		strlen(a.etag) < sizeof(a.etag));
	n = meta_format(&a, again);
	require(n > 0);
	meta_parse(&b, again, n);
	require(strcmp(a.etag, b.etag) == 0 && a.bytes == b.bytes);
}

static void one_key(const char *text, size_t len)
{
	uint8_t *out = NULL;
	size_t out_len;

	if (keys_dearmor(text, len, &out, &out_len, NULL))
		require(out_len > 0 && out_len <= len);
	else
		require(out == NULL);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy;

	if (size == 0)
		return 0;
	copy = malloc(size); /* of its very size: ASan sees a byte too many */
	require(copy != NULL);
	memcpy(copy, data + 1, size - 1);
	if (data[0] == 'm')
		one_meta(copy, size - 1);
	else if (data[0] == 'k')
		one_key(copy, size - 1);
	else
		one_sum(copy, size - 1);
	free(copy);
	return 0;
}
