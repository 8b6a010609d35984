// SPDX-License-Identifier: GPL-2.0-or-later
/* What is asked of Redis.
 *
 *   geoblock:1:{NET}:HASH   a hash: f first seen, p passed, s sender, r recipient
 *   geoblock:1:{NET}        how many triplets of the network passed
 *
 * with the network and the hash of greylist_impl.h in hex.  The braces keep what one
 * script touches on one node of a cluster.  Redis itself forgets: each key has the time
 * to live that the local store would give it.  Times are those of whoever asks.
 *
 * While the server is away, the local database answers (greylist.c), and what it let in
 * or let pass is kept in a list.  When the server is back it is told all of it before it
 * is asked anything: the earlier first sight holds, and passed is passed.  The list has
 * an end; what does not fit, and what a restart loses, is a sender who waits once
 * more at another host. */
#include "greylist_redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/sha1.h>

#include <geoblock/log.h>

#include "greylist_redis_link.h"
#include "tools/tool.h"

#define BEHIND_MAX  5000
#define TELL_WINDOW 50
#define KEY_TEXT    (16 + 2 * GREYLIST_KEY_MAX + 2 * GREYLIST_HASH_SIZE)
#define NUMBER_TEXT 24
#define SECONDS_MAX (1ll << 40)

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

struct greylist_redis {
	struct redis_link *link;
	struct greylist_redis_events events;
	char sha[2 * SHA1_DIGEST_SIZE + 1]; /* of check_script */
	bool ready;                         /* it was told everything */
	bool refuses;                       /* said already */
	uint64_t failures;
	/* what it has to be told; the first `telling` of it are on the way */
	struct greylist_job *behind, **behind_last;
	size_t behind_count, telling;
};

/* ---- the words of a command ---- */

/* KEYS and ARGV of a job's scripts, as text. */
struct words {
	char triplet[KEY_TEXT], client[KEY_TEXT];
	char numbers[8][NUMBER_TEXT];
	const char *argv[16];
	size_t lengths[16];
	int argc;
};

static void add(struct words *w, const char *text)
{
	w->argv[w->argc] = text;
	w->lengths[w->argc++] = strlen(text);
}

static void add_number(struct words *w, unsigned slot, uint64_t number)
{
	snprintf(w->numbers[slot], NUMBER_TEXT, "%ju", (uintmax_t)number);
	add(w, w->numbers[slot]);
}

/* The network of a client's key: the family, then the address. */
static void net_text(char *out, const struct greylist_key *client)
{
	out[0] = client->bytes[1] == 4 ? '4' : '6';
	tool_hex(client->bytes + 2, client->len - 2u, out + 1);
}

static void job_words(struct words *w, const char *command, const char *script,
		      const struct greylist_job *job)
{
	char net[2 * GREYLIST_KEY_MAX + 1];
	char hash[2 * GREYLIST_HASH_SIZE + 1];

	net_text(net, &job->client);
	tool_hex(job->key.bytes + job->client.len, GREYLIST_HASH_SIZE, hash);
	snprintf(w->triplet, KEY_TEXT, "geoblock:1:{%s}:%s", net, hash);
	snprintf(w->client, KEY_TEXT, "geoblock:1:{%s}", net);
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

/* ---- asking ---- */

static bool take_result(const redisReply *reply, const struct greylist_job *job,
			struct greylist_result *out)
{
	long long number[3];

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (!reply->element[i] ||
		    reply->element[i]->type != REDIS_REPLY_INTEGER)
			return false;
		number[i] = reply->element[i]->integer;
	}
	if (number[0] < GREYLIST_NEW || number[0] > GREYLIST_CLIENT ||
	    number[1] < 0 || number[1] > job->conf.delay_s || number[2] < 0 ||
	    number[2] > SECONDS_MAX)
		return false;
	*out = (struct greylist_result){
		.answer = (enum greylist_answer)number[0],
		.wait_s = (uint32_t)number[1],
		.first_seen = (uint64_t)number[2],
	};
	return true;
}

/* An answer that is an error, said once until there is a good one. */
static void refused(struct greylist_redis *redis, const redisReply *reply)
{
	bool words = reply->type == REDIS_REPLY_ERROR;
	char text[161] = "an answer that is none";

	for (size_t i = 0; words && i < sizeof(text) - 1; i++) {
		char c = reply->str[i];

		text[i] = c == '\0' || (c >= 0x20 && c < 0x7f) ? c : '?';
		text[i + 1] = '\0';
		if (c == '\0')
			break;
	}
	if (!redis->refuses)
		log_warn("greylist: %s: %s; going by the local database",
			 redis_link_name(redis->link), text);
	redis->refuses = true;
	redis->failures++;
}

static void on_eval(void *ctx, void *arg, const redisReply *reply)
{
	struct greylist_redis *redis = ctx;
	struct greylist_job *job = arg;
	struct greylist_result result;

	if (reply && take_result(reply, job, &result)) {
		redis->refuses = false;
		redis_link_good(redis->link);
		job->result = result;
		redis->events.answered(redis->events.ctx, job, true);
		return;
	}
	if (reply)
		refused(redis, reply);
	redis->events.answered(redis->events.ctx, job, false);
}

static void on_check(void *ctx, void *arg, const redisReply *reply)
{
	struct greylist_redis *redis = ctx;
	struct words words;

	if (reply && reply->type == REDIS_REPLY_ERROR &&
	    strncmp(reply->str, "NOSCRIPT", 8) == 0) {
		/* it was restarted; this makes it known again */
		job_words(&words, "EVAL", check_script, arg);
		if (redis_link_send(redis->link, on_eval, arg, words.argc,
				    words.argv, words.lengths))
			return;
	}
	on_eval(ctx, arg, reply);
}

bool greylist_redis_check(struct greylist_redis *redis,
			  struct greylist_job *job)
{
	struct words words;

	if (!redis->ready)
		return false;
	job_words(&words, "EVALSHA", redis->sha, job);
	return redis_link_send(redis->link, on_check, job, words.argc,
			       words.argv, words.lengths);
}

void greylist_redis_late(struct greylist_redis *redis)
{
	redis_link_drop(redis->link, "does not answer in time");
}

/* ---- telling ---- */

static void on_told(void *ctx, void *arg, const redisReply *reply);

/* Send what is not on its way yet, some of it at a time. */
static void tell(struct greylist_redis *redis)
{
	struct greylist_job *job = redis->behind;
	struct words words;

	for (size_t i = 0; job && i < redis->telling; i++)
		job = job->next;
	for (; job && redis->telling < TELL_WINDOW; job = job->next) {
		bool passed = job->result.answer == GREYLIST_PASSED;

		job_words(&words, "EVAL", tell_script, job);
		add_number(&words, 6,
			   job->result.first_seen ? job->result.first_seen
						  : job->now);
		add_number(&words, 7, passed);
		if (!redis_link_send(redis->link, on_told, NULL, words.argc,
				     words.argv, words.lengths))
			return;
		redis->telling++;
	}
	redis->ready = redis_link_is_up(redis->link) && !redis->behind;
}

static void forget_first(struct greylist_redis *redis)
{
	struct greylist_job *job = redis->behind;

	redis->behind = job->next;
	if (!redis->behind)
		redis->behind_last = &redis->behind;
	redis->behind_count--;
	redis->events.told(redis->events.ctx, job);
}

static void on_told(void *ctx, void *arg, const redisReply *reply)
{
	struct greylist_redis *redis = ctx;

	(void)arg;
	if (!reply)
		return; /* on_down() */
	if (reply->type != REDIS_REPLY_INTEGER) {
		refused(redis, reply);
		redis_link_drop(redis->link, "takes in nothing");
		return;
	}
	redis->telling--;
	redis_link_good(redis->link);
	forget_first(redis);
	tell(redis);
}

static void on_up(void *ctx)
{
	struct greylist_redis *redis = ctx;

	redis->telling = 0;
	tell(redis);
}

static void on_down(void *ctx)
{
	struct greylist_redis *redis = ctx;

	redis->ready = false;
	redis->telling = 0;
	redis->failures++;
}

bool greylist_redis_tell(struct greylist_redis *redis, struct greylist_job *job)
{
	if (redis->behind_count == BEHIND_MAX)
		return false;
	job->next = NULL;
	*redis->behind_last = job;
	redis->behind_last = &job->next;
	redis->behind_count++;
	if (redis_link_is_up(redis->link)) {
		redis->ready = false;
		tell(redis);
	}
	return true;
}

/* ---- forgetting ---- */

/* A walk through the keys, one step after the other. */
struct sweep {
	char cursor[NUMBER_TEXT];
	char low[2 * GREYLIST_KEY_MAX + 2], high[2 * GREYLIST_KEY_MAX + 2];
	char who[GREYLIST_TEXT_MAX];
};

static bool sweep_on(struct greylist_redis *redis, struct sweep *sweep);

static void on_sweep(void *ctx, void *arg, const redisReply *reply)
{
	struct greylist_redis *redis = ctx;
	struct sweep *sweep = arg;

	if (reply && reply->type == REDIS_REPLY_STRING &&
	    reply->len < sizeof(sweep->cursor) &&
	    strcmp(reply->str, "0") != 0) {
		memcpy(sweep->cursor, reply->str, reply->len + 1);
		if (sweep_on(redis, sweep))
			return;
	} else if (reply && reply->type != REDIS_REPLY_STRING) {
		refused(redis, reply);
	}
	if (!reply)
		log_warn("greylist: %s: lost while it was to forget; ask again",
			 redis_link_name(redis->link));
	free(sweep);
}

static bool sweep_on(struct greylist_redis *redis, struct sweep *sweep)
{
	struct words words;

	words.argc = 0;
	add(&words, "EVAL");
	add(&words, forget_script);
	add(&words, "0");
	add(&words, sweep->cursor);
	add(&words, sweep->low);
	add(&words, sweep->high);
	add(&words, sweep->who);
	return redis_link_send(redis->link, on_sweep, sweep, words.argc,
			       words.argv, words.lengths);
}

static void bound_text(char *out, int family, addr6_t value)
{
	unsigned bits = family == 4 ? 32 : 128;
	struct greylist_key key = { .bytes = { 'c', (uint8_t)family } };

	for (unsigned i = 0; i < bits / 8; i++)
		key.bytes[2 + i] = (uint8_t)(value >> (bits - 8 - 8 * i));
	key.len = (uint8_t)(2 + bits / 8);
	net_text(out, &key);
}

bool greylist_redis_forget(struct greylist_redis *redis,
			   const struct greylist_redis_pattern *pattern)
{
	struct sweep *sweep = calloc(1, sizeof(*sweep));
	const struct range *net = pattern->net;

	if (!sweep)
		return false;
	strcpy(sweep->cursor, "0");
	if (net) {
		bound_text(sweep->low, net->family, net->first);
		bound_text(sweep->high, net->family, net->last);
	} else if (pattern->text) {
		snprintf(sweep->who, sizeof(sweep->who), "%s", pattern->text);
	}
	/* what it has not been told yet would come after this */
	if (redis->ready && sweep_on(redis, sweep))
		return true;
	free(sweep);
	return false;
}

/* ---- opening ---- */

bool greylist_redis_open(struct greylist_redis **out,
			 const struct conf_greylist *conf, struct ev_loop *loop,
			 const struct greylist_redis_events *events,
			 struct error *err)
{
	struct greylist_redis *redis = calloc(1, sizeof(*redis));
	struct redis_link_events link = { on_up, on_down, redis };
	uint8_t digest[SHA1_DIGEST_SIZE];
	struct sha1_ctx sha1;

	*out = NULL;
	if (!redis)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	sha1_init(&sha1);
	sha1_update(&sha1, strlen(check_script), (const uint8_t *)check_script);
	sha1_digest(&sha1, sizeof(digest), digest);
	tool_hex(digest, sizeof(digest), redis->sha);
	redis->events = *events;
	redis->behind_last = &redis->behind;
	if (!redis_link_open(&redis->link, conf, loop, &link, err)) {
		free(redis);
		return false;
	}
	*out = redis;
	return true;
}

void greylist_redis_close(struct greylist_redis *redis)
{
	if (!redis)
		return;
	redis->ready = false;
	redis_link_close(redis->link);
	while (redis->behind)
		forget_first(redis);
	free(redis);
}

void greylist_redis_stats(const struct greylist_redis *redis,
			  struct greylist_redis_stats *out)
{
	out->server = redis_link_name(redis->link);
	out->up = redis->ready;
	out->failures = redis->failures;
	out->behind = redis->behind_count;
}
