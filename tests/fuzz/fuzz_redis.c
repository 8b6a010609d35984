// SPDX-License-Identifier: GPL-2.0-or-later
/* A Redis server that says anything: the parser as it is bounded, and what takes an
 * answer of the shared store for one. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <geoblock/log.h>

#include "daemon/greylist_redis.c" // NOLINT(bugprone-suspicious-include)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const redisReply *reply)
{
	struct greylist_job job = { .conf = { .delay_s = 300 } };
	struct greylist_result result;

	if (take_result(reply, &job, &result)) {
		assert(result.answer <= GREYLIST_CLIENT);
		assert(result.wait_s <= 300);
		assert(reply->type == REDIS_REPLY_ARRAY);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	redisReader *reader = redis_line_reader();
	void *reply;
	size_t at = 0;

	assert(reader);
	/* in pieces, as a network brings it */
	while (at < size) {
		size_t len = size - at < 7 ? size - at : 7;

		if (redisReaderFeed(reader, (const char *)data + at, len) !=
		    REDIS_OK)
			break;
		at += len;
		while (redisReaderGetReply(reader, &reply) == REDIS_OK &&
		       reply) {
			use(reply);
			freeReplyObject(reply);
		}
	}
	redisReaderFree(reader);
	return 0;
}
