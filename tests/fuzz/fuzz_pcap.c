// SPDX-License-Identifier: GPL-2.0-or-later
/* A capture, from the file to the judgement: libpcap, link layer, packet. */
#include <assert.h>
#include <stdlib.h>

#include <geoblock/fingerprint.h>

/* of the programs, not of a library */
#include "tools/tool_pcap.c" // NOLINT(bugprone-suspicious-include)

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

static void judge(void *ctx, const uint8_t *data, size_t len, int64_t seconds,
		  uint32_t microseconds)
{
	struct fingerprint f;
	struct packet p;

	(void)ctx;
	(void)seconds;
	(void)microseconds;
	if (packet_parse(data, len, &p) == PACKET_OK && packet_is_syn(&p))
		fingerprint_of(database(), &p, &f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pcap_counts counts;
	struct error err = { 0 };
	FILE *file;

	/* fmemopen() takes no empty file, and wants to be allowed to write */
	if (size == 0)
		return 0;
	file = fmemopen((void *)(uintptr_t)data, size, "rb");
	if (!file)
		return 0;
	if (!pcap_read_stream(file, "fuzz", judge, NULL, &counts, &err))
		assert(err.kind != ERROR_NONE && err.text[0] != '\0');
	return 0;
}
