// SPDX-License-Identifier: GPL-2.0-or-later
/* A packet from its IP header on, judged with our own database. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <geoblock/fingerprint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct signatures *database(void)
{
	static struct signatures *db;

	if (!db &&
	    (!signatures_new(&db, NULL) || !signatures_read_builtin(db, NULL) ||
	     !signatures_compile(db, NULL)))
		abort();
	return db;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[SIGNATURE_TEXT_MAX];
	struct fingerprint f;
	struct packet p;

	if (packet_parse(data, size, &p) != PACKET_OK)
		return 0;
	assert(p.version == 4 || p.version == 6);
	assert(p.headers <= size);
	assert(p.layout_len <= p.tcp_options);
	assert(strlen(signature_of_packet(&p, text)) < sizeof(text));
	if (!packet_is_syn(&p))
		return 0;
	fingerprint_of(database(), &p, &f);
	assert((f.class == OS_UNKNOWN) == (f.match == FINGERPRINT_NONE));
	assert((f.class == OS_UNKNOWN) == (f.confidence == 0));
	assert(f.confidence <= 100 && f.name && f.flavour);
	assert(fingerprint_reason_text(f.reason));
	return 0;
}
