/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_FUZZ_STREAM_H
#define TESTS_FUZZ_STREAM_H

/* A protocol of daemon/clients.h fed as its clients are: what was read, request by
 * request, until there is no whole one left; then more is read. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clients.h"
#include "tests/unit/memory.h"

/* Answer what is whole; false: the client is hung up on. */
static inline bool stream_turn(const struct clients_protocol *protocol,
			       void *ctx, char *in, size_t *len, bool ended,
			       void (*check)(const char *answer, size_t len))
{
	enum clients_step step = CLIENTS_ANSWERED;
	char *out = malloc(protocol->answer_max);

	while (*len > 0 && step == CLIENTS_ANSWERED) {
		size_t used = 0, answer = 0;
		char *exact = malloc(*len); /* a read beyond it is seen */

		memcpy(exact, in, *len);
		step = protocol->answer(ctx, exact, *len, ended, &used, out,
					&answer);
		free(exact);
		if (step == CLIENTS_MORE)
			break;
		assert(used > 0 && used <= *len);
		assert(answer <= protocol->answer_max);
		check(out, answer);
		*len -= used;
		memmove(in, in + used, *len);
	}
	free(out);
	assert(step != CLIENTS_MORE || *len < protocol->request_max);
	return step != CLIENTS_HANG_UP;
}

/* The first byte is how much comes with each read. */
static inline int stream_run(const struct clients_protocol *protocol, void *ctx,
			     const uint8_t *data, size_t size,
			     void (*check)(const char *answer, size_t len))
{
	char in[CLIENTS_INPUT];
	size_t len = 0, piece;

	if (size < 2)
		return 0;
	piece = data[0] ? data[0] : 1;
	data++;
	size--;
	while (size > 0) {
		size_t now = piece < size ? piece : size;

		now = now < sizeof(in) - len ? now : sizeof(in) - len;
		memcpy(in + len, data, now);
		len += now;
		data += now;
		size -= now;
		if (!stream_turn(protocol, ctx, in, &len, size == 0, check))
			return 0;
	}
	return 0;
}

#endif
