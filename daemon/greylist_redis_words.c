// SPDX-License-Identifier: GPL-2.0-or-later
/* What a question means is decided in Redis, by scripts on two keys:
 *
 *   geoblock:1:{NET}:HASH   a hash: f first seen, p passed, s sender, r recipient
 *   geoblock:1:{NET}        how many triplets of the network passed
 *
 * with the network and the hash of greylist_impl.h in hex.  The braces keep what one
 * script touches on one node of a cluster.  Redis itself forgets: each key has the time
 * to live that the local store would give it.  Times are those of whoever asks. */
#include "daemon/greylist_redis_words.h"

#include <stdio.h>
#include <string.h>

#include "tools/tool.h"

/* KEYS: triplet, network.  ARGV: now, delay, window, lifetime, clients, regardless,
 * sender, recipient.  Gives answer (enum greylist_answer), seconds to wait, first
 * seen.  A first time in the future comes from a clock that was set back, or another
 * host's: it counts as now. */
static const char check_script[] =
	"local k, c = KEYS[1], KEYS[2]\n"
	"local now, delay, window = tonumber(ARGV[1]), tonumber(ARGV[2]), "
	"tonumber(ARGV[3])\n"
	"local life, clients = tonumber(ARGV[4]), tonumber(ARGV[5])\n"
	"local counts = clients > 0 and ARGV[6] == '0'\n"
	"if counts and (tonumber(redis.call('GET', c) or '0') or 0) >= clients "
	"then\n"
	"  redis.call('EXPIRE', c, life)\n"
	"  return {4, 0, 0}\n"
	"end\n"
	"local r = redis.call('HMGET', k, 'f', 'p')\n"
	"local first, passed = tonumber(r[1] or ''), r[2] == '1'\n"
	"if first and passed then\n"
	"  redis.call('EXPIRE', k, life)\n"
	"  return {3, 0, 0}\n"
	"end\n"
	"if not first or first + window <= now then\n"
	"  redis.call('HSET', k, 'f', now, 'p', 0, 's', ARGV[7], 'r', "
	"ARGV[8])\n"
	"  redis.call('EXPIRE', k, window)\n"
	"  return {0, delay, 0}\n"
	"end\n"
	"if first > now then\n"
	"  redis.call('HSET', k, 'f', now)\n"
	"  redis.call('EXPIRE', k, window)\n"
	"  first = now\n"
	"end\n"
	"if now - first < delay then\n"
	"  return {1, first + delay - now, first}\n"
	"end\n"
	"redis.call('HSET', k, 'p', 1)\n"
	"redis.call('EXPIRE', k, life)\n"
	"if counts then\n"
	"  redis.call('INCR', c)\n"
	"  redis.call('EXPIRE', c, life)\n"
	"end\n"
	"return {2, 0, first}\n";

/* The same KEYS and ARGV, and first seen, passed. */
static const char tell_script[] =
	"local k, c = KEYS[1], KEYS[2]\n"
	"local now, window, life = tonumber(ARGV[1]), tonumber(ARGV[3]), "
	"tonumber(ARGV[4])\n"
	"local first, passed = tonumber(ARGV[9]), ARGV[10] == '1'\n"
	"local r = redis.call('HMGET', k, 'f', 'p')\n"
	"local before = tonumber(r[1] or '')\n"
	"if before and before < first then first = before end\n"
	"local left = first + window - now\n"
	"if r[2] == '1' or (not passed and left <= 0) then return 0 end\n"
	"redis.call('HSET', k, 'f', first, 'p', passed and 1 or 0, 's', "
	"ARGV[7], 'r', ARGV[8])\n"
	"redis.call('EXPIRE', k, passed and life or math.min(left, window))\n"
	"if passed and tonumber(ARGV[5]) > 0 and ARGV[6] == '0' then\n"
	"  redis.call('INCR', c)\n"
	"  redis.call('EXPIRE', c, life)\n"
	"end\n"
	"return 1\n";

/* ARGV: cursor; first and last network in hex, or ''; sender or '@domain' or '<>', or
 * ''.  One step through all keys, which gives the next cursor. */
static const char forget_script[] =
	"local step = redis.call('SCAN', ARGV[1], 'MATCH', 'geoblock:1:{*', "
	"'COUNT', 500)\n"
	"local low, high, who = ARGV[2], ARGV[3], ARGV[4]\n"
	"for _, k in ipairs(step[2]) do\n"
	"  local drop = low == '' and who == ''\n"
	"  local net = string.match(k, '^geoblock:1:{(%x+)}')\n"
	"  if net and low ~= '' then\n"
	"    drop = #net == #low and net >= low and net <= high\n"
	"  elseif who ~= '' and string.find(k, '}:', 1, true) then\n"
	"    local s = redis.call('HGET', k, 's')\n"
	"    s = s and string.lower(s) or false\n"
	"    local domain = s and string.match(s, '(@[^@]*)$')\n"
	"    drop = s and (s == who or domain == who or (s == '' and who == "
	"'<>'))\n"
	"  end\n"
	"  if drop then redis.call('DEL', k) end\n"
	"end\n"
	"return step[1]\n";

static void add(struct redis_words *w, const char *text)
{
	w->argv[w->argc] = text;
	w->lengths[w->argc++] = strlen(text);
}

static void add_number(struct redis_words *w, unsigned slot, uint64_t number)
{
	snprintf(w->numbers[slot], REDIS_NUMBER_TEXT, "%ju", (uintmax_t)number);
	add(w, w->numbers[slot]);
}

/* The network of a client's key: the family, then the address. */
static void net_text(char *out, const struct greylist_key *client)
{
	out[0] = client->bytes[1] == 4 ? '4' : '6';
	tool_hex(client->bytes + 2, client->len - 2u, out + 1);
}

static void job_words(struct redis_words *w, const char *command,
		      const char *script, const struct greylist_job *job)
{
	char net[2 * GREYLIST_KEY_MAX + 1];
	char hash[2 * GREYLIST_HASH_SIZE + 1];

	net_text(net, &job->client);
	tool_hex(job->key.bytes + job->client.len, GREYLIST_HASH_SIZE, hash);
	snprintf(w->triplet, REDIS_KEY_TEXT, "geoblock:1:{%s}:%s", net, hash);
	snprintf(w->client, REDIS_KEY_TEXT, "geoblock:1:{%s}", net);
	w->argc = 0;
	add(w, command);
	add(w, script);
	add(w, "2");
	add(w, w->triplet);
	add(w, w->client);
	add_number(w, 0, job->now);
	add_number(w, 1, job->conf.delay_s);
	add_number(w, 2, job->conf.window_s);
	add_number(w, 3, job->conf.lifetime_s);
	add_number(w, 4, job->conf.clients);
	add_number(w, 5, job->regardless);
	add(w, job->sender);
	add(w, job->recipient);
}

void redis_words_check(struct redis_words *words, const char *sha,
		       const struct greylist_job *job)
{
	job_words(words, sha ? "EVALSHA" : "EVAL", sha ? sha : check_script,
		  job);
}

void redis_words_sha(char sha[REDIS_SHA_TEXT])
{
	uint8_t digest[SHA1_DIGEST_SIZE];
	struct sha1_ctx sha1;

	sha1_init(&sha1);
	sha1_update(&sha1, strlen(check_script), (const uint8_t *)check_script);
	sha1_digest(&sha1, sizeof(digest), digest);
	tool_hex(digest, sizeof(digest), sha);
}

void redis_words_tell(struct redis_words *words, const struct greylist_job *job)
{
	const struct greylist_result *result = &job->result;

	job_words(words, "EVAL", tell_script, job);
	add_number(words, 6,
		   result->first_seen ? result->first_seen : job->now);
	add_number(words, 7, result->answer == GREYLIST_PASSED);
}

void redis_words_forget(struct redis_words *words, const char *cursor,
			const char *low, const char *high, const char *who)
{
	words->argc = 0;
	add(words, "EVAL");
	add(words, forget_script);
	add(words, "0");
	add(words, cursor);
	add(words, low);
	add(words, high);
	add(words, who);
}

void redis_words_net(char out[REDIS_NET_TEXT], int family, addr6_t value)
{
	unsigned bits = family == 4 ? 32 : 128;
	struct greylist_key key = { .bytes = { 'c', (uint8_t)family } };

	for (unsigned i = 0; i < bits / 8; i++)
		key.bytes[2 + i] = (uint8_t)(value >> (bits - 8 - 8 * i));
	key.len = (uint8_t)(2 + bits / 8);
	net_text(out, &key);
}
