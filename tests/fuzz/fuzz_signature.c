// SPDX-License-Identifier: GPL-2.0-or-later
/* A file of signatures: read, compiled, and asked. */
#include <assert.h>
#include <string.h>

#include <geoblock/fingerprint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A packet much like what the signature wants. */
static void ask(const struct signatures *db, const struct signature *s)
{
	struct packet p = {
		.version = s->version ? s->version : 4,
		.ttl = s->ttl,
		.flags = PACKET_SYN,
		.window = s->window,
		.mss = s->mss,
		.scale = s->scale,
		.ip_options = s->ip_options,
		.eol_pad = s->eol_pad,
		.quirks = s->quirks,
		.layout_len = s->layout_len,
	};
	enum signature_match how;
	const struct signature *found;
	struct fingerprint f;

	memcpy(p.layout, s->layout, sizeof(p.layout));
	found = signatures_find(db, &p, &how);
	assert((found != NULL) == (how != SIGNATURE_NONE));
	fingerprint_of(db, &p, &f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct signatures *db = NULL;
	struct error err = { 0 };

	if (!signatures_new(&db, &err))
		return 0;
	if (!signatures_read_text(db, "fuzz.fp", (const char *)data, size,
				  &err)) {
		assert(err.kind != ERROR_NONE && err.text[0] != '\0');
		assert(!strpbrk(err.text, "\n\033"));
		assert(signatures_count(db) == 0);
	} else if (signatures_compile(db, &err)) {
		for (size_t i = 0; i < signatures_count(db) && i < 16; i++)
			ask(db, signatures_get(db, i));
	}
	signatures_free(db);
	return 0;
}
