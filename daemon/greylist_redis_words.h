/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_GREYLIST_REDIS_WORDS_H
#define DAEMON_GREYLIST_REDIS_WORDS_H

#include <nettle/sha1.h>

#include "daemon/greylist_impl.h"

/* The commands that Redis is sent, as words. */

#define REDIS_KEY_TEXT    (16 + 2 * GREYLIST_KEY_MAX + 2 * GREYLIST_HASH_SIZE)
#define REDIS_NUMBER_TEXT 24
#define REDIS_SHA_TEXT    (2 * SHA1_DIGEST_SIZE + 1)
#define REDIS_NET_TEXT    (2 * GREYLIST_KEY_MAX + 2)

/* Some words are in it, the others are the caller's. */
struct redis_words {
	char triplet[REDIS_KEY_TEXT], client[REDIS_KEY_TEXT];
	char numbers[8][REDIS_NUMBER_TEXT];
	const char *argv[16];
	size_t lengths[16];
	int argc;
};

/* redis_words_check - ask about a job's triplet: by the script's hash, redis_words_sha()'s,
 * or with the script itself (sha NULL).  An array of three integers answers: enum
 * greylist_answer, seconds to wait, first seen. */
void redis_words_check(struct redis_words *words, const char *sha,
		       const struct greylist_job *job);
void redis_words_sha(char sha[REDIS_SHA_TEXT]);

/* redis_words_tell - what the local store has answered; an integer answers. */
void redis_words_tell(struct redis_words *words,
		      const struct greylist_job *job);

/* redis_words_forget - one step through all keys, from cursor on; a string, the next
 * cursor, answers.  low and high: first and last network, redis_words_net()'s, or both
 * ""; else who: a sender, "@domain" or "<>", or "": all. */
void redis_words_forget(struct redis_words *words, const char *cursor,
			const char *low, const char *high, const char *who);
void redis_words_net(char out[REDIS_NET_TEXT], int family, addr6_t value);

#endif
