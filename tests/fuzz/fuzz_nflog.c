// SPDX-License-Identifier: GPL-2.0-or-later
/* Datagrams of NFLOG's socket. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <geoblock/packet.h>

#include "daemon/nflog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_copy(void *ctx, const void *payload, size_t len)
{
	struct packet packet;

	(void)ctx;
	(void)packet_parse(payload, len, &packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* of its very size, so that a read beyond it is seen */
	void *datagram = malloc(size ? size : 1);

	memcpy(datagram, data, size);
	(void)nflog_parse(datagram, size, on_copy, NULL);
	free(datagram);
	return 0;
}
