// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages of the queue's socket, and the packets in them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <geoblock/packet.h>

#include "daemon/queue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* of its very size, so that a read beyond it is seen */
	void *message = malloc(size ? size : 1);
	struct queue_packet packet;
	struct packet syn;

	memcpy(message, data, size);
	if (queue_parse(message, size, &packet) && packet.len > 0)
		(void)packet_parse(packet.payload, packet.len, &syn);
	free(message);
	return 0;
}
