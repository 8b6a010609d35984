// SPDX-License-Identifier: GPL-2.0-or-later
/* TCP options: the first bytes say what is around them, up to 40 that follow are
 * the options of a SYN.  What is written of it has to be a signature that matches
 * it. */
#include <assert.h>
#include <string.h>

#include <geoblock/fingerprint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define AROUND 4 /* bytes: version and more, TTL, window */

static size_t build(const uint8_t *data, size_t size, uint8_t *out)
{
	size_t ip = data[0] & 1 ? 40 : 20, options = size - AROUND;
	uint8_t *tcp = out + ip;

	if (options > PACKET_OPTIONS_MAX)
		options = PACKET_OPTIONS_MAX;
	options &= ~(size_t)3;
	memset(out, 0, ip + 20);
	if (ip == 40) {
		out[0] = 0x60;
		out[3] = data[0] >> 1; /* flow label */
		out[5] = (uint8_t)(20 + options);
		out[6] = 6;
		out[7] = data[1];
	} else {
		out[0] = 0x45;
		out[1] = data[0] >> 6; /* ECN */
		out[3] = (uint8_t)(40 + options);
		out[5] = data[0] >> 4 & 1; /* IPID */
		out[6] = (uint8_t)(data[0] & 2 ? 0x40 : 0);
		out[8] = data[1];
		out[9] = 6;
	}
	tcp[7] = (uint8_t)(data[0] >> 2 & 1); /* sequence number */
	tcp[12] = (uint8_t)((20 + options) / 4 << 4);
	tcp[13] = 2;
	memcpy(tcp + 14, data + 2, 2);
	memcpy(tcp + 20, data + AROUND, options);
	return ip + 20 + options;
}

static void round_trip(const struct packet *p)
{
	char line[SIGNATURE_TEXT_MAX + 64] =
		"[tcp:request]\nlabel = s:unix:x:\nsig = ";
	struct signatures *db = NULL;
	enum signature_match how;

	signature_append(p, line + strlen(line));
	assert(signatures_new(&db, NULL));
	assert(signatures_read_text(db, "x", line, strlen(line), NULL));
	assert(signatures_compile(db, NULL));
	assert(signatures_find(db, p, &how) && how == SIGNATURE_EXACT);
	signatures_free(db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[40 + 20 + PACKET_OPTIONS_MAX];
	struct packet p;

	if (size < AROUND)
		return 0;
	assert(packet_parse(bytes, build(data, size, bytes), &p) == PACKET_OK);
	assert(packet_is_syn(&p));
	if (p.ttl > 0 && ttl_distance(p.ttl) <= SIGNATURE_HOPS_MAX)
		round_trip(&p);
	return 0;
}
