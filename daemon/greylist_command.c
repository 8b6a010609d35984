// SPDX-License-Identifier: GPL-2.0-or-later
/* What `geoblock greylist` asks, of the local store.  A database can hold a million
 * records, and the loop must not be held up: each request looks for some milliseconds
 * and says where the next one has to go on.
 *
 *   {"command":"list", "only":[PATTERN…], "after":K}    → {"rows":[…], "next":K}
 *   {"command":"forget", "only":[PATTERN…], "after":K}  → {"forgotten":N,
 *                                                          "waiting":N, "next":K}
 *   {"command":"stats"}                                 → an object
 *
 * A pattern is a network, a sender (user@example.com), or all of a domain
 * (@example.com); forget wants at least one, or "all":true.  next is absent at the
 * end.
 *
 * What is to be forgotten goes to the store's thread, and nobody waits for its disk
 * here: "waiting" are not on disk yet, and while there are any there is a next.  The
 * first request, without "after", looks at nothing: what was asked before it has to be
 * in the database first. */
#include "greylist_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "daemon/control.h"
#include "daemon/greylist_redis.h"
#include "tools/tool.h"

#define LOOK_MAX     20000 /* records for one request, */
#define LOOK_MS      10    /* and the time for them … */
#define LOOK_STEP    64    /* … after these, so that each gets on */
#define ROWS_MAX     (CONTROL_OUTPUT_MAX / 2) /* bytes; one more row fits */
#define PATTERNS_MAX 64
#define FORGETS_MAX  500 /* at the disk, where mail waits for them */

/* What somebody asked for. */
struct pattern {
	bool is_net;
	struct range net;
	const char *text; /* belongs to the request */
};

struct search {
	struct greylist *greylist;
	struct pattern patterns[PATTERNS_MAX];
	size_t count;              /* 0: all */
	bool begun;                /* there is an "after" */
	struct greylist_key after; /* len 0: from the first one */
	unsigned looked;
	int64_t until; /* tool_now_ms() */
	json_t *rows;  /* list */
	size_t bytes;  /* of them */
	size_t found;  /* forget */
	bool failed;   /* forget: no memory, or the store is behind */
	bool done;     /* forget: and it is on disk */
};

static char *dump(json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	return text;
}

static char *say_error(const char *text)
{
	return dump(json_pack("{s:s}", "error", text));
}

/* ---- what is searched for ---- */

static bool take_pattern(struct search *search, const json_t *value,
			 struct error *err)
{
	const char *text = json_string_value(value);
	struct pattern *pattern = &search->patterns[search->count];

	if (!text || search->count == PATTERNS_MAX)
		return error_set(err, ERROR_MALFORMED, 0,
				 "\"only\" has at most %d texts", PATTERNS_MAX);
	pattern->text = text;
	if (!tool_whom(text, &pattern->net, &pattern->is_net, err))
		return false;
	search->count++;
	return true;
}

static bool take_after(struct search *search, const char *hex)
{
	size_t len = hex ? strlen(hex) : 0;

	if (len % 2 || len / 2 > GREYLIST_KEY_MAX)
		return false;
	search->after.len = (uint8_t)(len / 2);
	if (hex && strspn(hex, "0123456789abcdef") != len)
		return false;
	for (size_t i = 0; i < len / 2; i++) {
		char byte[3] = { hex[2 * i], hex[2 * i + 1] };

		search->after.bytes[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return true;
}

static bool take_request(struct search *search, const json_t *request,
			 struct error *err)
{
	const json_t *only = json_object_get(request, "only"), *value;
	const json_t *after = json_object_get(request, "after");
	size_t i;

	if (only && !json_is_array(only))
		return error_set(err, ERROR_MALFORMED, 0,
				 "\"only\" is a list of texts");
	json_array_foreach(only, i, value)
	{
		if (!take_pattern(search, value, err))
			return false;
	}
	search->begun = after != NULL;
	if (after && !take_after(search, json_string_value(after)))
		return error_set(err, ERROR_MALFORMED, 0,
				 "\"after\" is not what \"next\" said");
	return true;
}

/* The last address of a key's network, as the configuration has it now. */
static addr6_t last_of(const struct greylist *greylist, const struct addr *net)
{
	unsigned bits = net->family == 4 ? 32 : 128;
	unsigned length = net->family == 4 ? greylist->conf.network4
					   : greylist->conf.network6;

	return net->value |
	       (length < bits ? ((addr6_t)1 << (bits - length)) - 1 : 0);
}

static bool matches_sender(const char *pattern, const char *sender)
{
	const char *at = strrchr(sender, '@');

	if (strcmp(pattern, "<>") == 0)
		return sender[0] == '\0';
	if (pattern[0] == '@')
		return at && strcasecmp(pattern, at) == 0;
	return strcasecmp(pattern, sender) == 0;
}

static bool wanted(const struct search *search, const struct addr *net,
		   enum greylist_kind kind,
		   const struct greylist_record *record)
{
	for (size_t i = 0; i < search->count; i++) {
		const struct pattern *p = &search->patterns[i];

		if (!p->is_net) {
			if (kind == GREYLIST_TRIPLET &&
			    matches_sender(p->text, record->sender))
				return true;
		} else if (p->net.family == net->family &&
			   p->net.first <= last_of(search->greylist, net) &&
			   p->net.last >= net->value) {
			return true;
		}
	}
	return search->count == 0;
}

static void put_next(json_t *out, const struct greylist_key *after)
{
	char hex[2 * GREYLIST_KEY_MAX + 1];

	json_object_set_new(
		out, "next",
		json_string(tool_hex(after->bytes, after->len, hex)));
}

/* ---- list ---- */

/* An address that may be no UTF-8, and cut anywhere. */
static json_t *text_of(const char *address)
{
	char plain[GREYLIST_TEXT_MAX];
	json_t *text = json_string(address);

	if (text)
		return text;
	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (unsigned char)address[i] >= 0x80 ? '?' : address[i];
	plain[sizeof(plain) - 1] = '\0';
	return json_string(plain);
}

static void put_time(json_t *row, const char *key, uint64_t seconds)
{
	char text[TOOL_TIME_MAX];

	json_object_set_new(row, key, json_string(tool_time(seconds, text)));
}

static bool has_time(struct search *search)
{
	return ++search->looked % LOOK_STEP != 0 ||
	       tool_now_ms() < search->until;
}

static bool list_one(void *ctx, const struct greylist_key *key,
		     const struct greylist_record *record)
{
	struct search *search = ctx;
	struct range range;
	char net[RANGE_TEXT_MAX];
	enum greylist_kind kind;
	struct addr first;
	json_t *row;

	if (!greylist_key_network(key, &first, &kind) ||
	    !wanted(search, &first, kind, record))
		return has_time(search);
	range = (struct range){ first.family, first.value,
				last_of(search->greylist, &first) };
	row = json_object();
	json_object_set_new(row, "network",
			    json_string(range_format(&range, net)));
	if (kind == GREYLIST_TRIPLET) {
		json_object_set_new(row, "sender", text_of(record->sender));
		json_object_set_new(row, "recipient",
				    text_of(record->recipient));
		json_object_set_new(
			row, "state",
			json_string(record->passed ? "passed" : "waiting"));
	} else {
		json_object_set_new(
			row, "state",
			json_string(
				search->greylist->conf.clients > 0 &&
						record->count >=
							search->greylist->conf
								.clients
					? "client"
					: "counting"));
		json_object_set_new(row, "passed", json_integer(record->count));
	}
	put_time(row, "first_seen", record->first);
	put_time(row, "last_seen", record->last);
	put_time(row, "expires", record->expires);
	/* escapes can make a sender six times as long */
	search->bytes += json_dumpb(row, NULL, 0, JSON_COMPACT);
	json_array_append_new(search->rows, row);
	return search->bytes < ROWS_MAX && has_time(search);
}

static char *list(struct search *search)
{
	struct error err = { 0 };
	json_t *out;

	search->rows = json_array();
	if (!greylist_lmdb_each(search->greylist->lmdb, &search->after,
				LOOK_MAX, list_one, search, &err)) {
		json_decref(search->rows);
		return say_error(err.text);
	}
	out = json_pack("{s:o}", "rows", search->rows);
	if (search->after.len)
		put_next(out, &search->after);
	return dump(out);
}

/* ---- forget ---- */

static bool forget_key(struct search *search, const struct greylist_key *key)
{
	struct greylist *greylist = search->greylist;
	struct greylist_job *job = greylist_job_new(greylist, GREYLIST_FORGET);

	search->failed = true;
	if (!job)
		return false;
	job->key = *key;
	if (greylist_job_local(greylist, job)) {
		greylist->forgets++;
		search->failed = false;
	}
	greylist_job_drop(greylist, job);
	return !search->failed;
}

static bool forget_one(void *ctx, const struct greylist_key *key,
		       const struct greylist_record *record)
{
	struct search *search = ctx;
	struct greylist *greylist = search->greylist;
	enum greylist_kind kind;
	struct addr first;

	if (!greylist_key_network(key, &first, &kind) ||
	    !wanted(search, &first, kind, record))
		return has_time(search);
	search->found++;
	return forget_key(search, key) && greylist->forgets < FORGETS_MAX &&
	       has_time(search);
}

/* The shared store's part, begun with the first page. */
static const char *forget_shared(const struct search *search)
{
	struct greylist *greylist = search->greylist;
	struct greylist_redis_pattern shared = { 0 };
	char text[GREYLIST_TEXT_MAX];
	bool ok = true;

	if (search->count == 0)
		ok = greylist_redis_forget(greylist->redis, &shared);
	for (size_t i = 0; ok && i < search->count; i++) {
		const struct pattern *p = &search->patterns[i];
		struct range net = p->net;

		if (p->is_net) {
			net.first &= ~(last_of(
				greylist, &(struct addr){ net.family, 0 }));
			shared.net = &net;
		} else {
			greylist_text(text, p->text);
			for (char *c = text; *c; c++)
				if (*c >= 'A' && *c <= 'Z')
					*c = (char)(*c + 'a' - 'A');
			shared.net = NULL;
			shared.text = text;
		}
		ok = greylist_redis_forget(greylist->redis, &shared);
	}
	return ok ? "asked to forget" : "away: it will remember";
}

/* Look on, where there is room for what is found; false: it cannot be read. */
static bool forget_some(struct search *search, struct error *err)
{
	static const struct greylist_key end = { 1, { 0xff } };
	struct greylist *greylist = search->greylist;

	if (greylist->forgets >= (search->after.len ? FORGETS_MAX : 1))
		return true;
	if (!greylist_lmdb_each(greylist->lmdb, &search->after, LOOK_MAX,
				forget_one, search, err))
		return false;
	search->done = search->after.len == 0 && greylist->forgets == 0;
	if (search->after.len == 0)
		search->after = end;
	return true;
}

/* Before anything is looked at. */
static const char *forget_begin(struct search *search)
{
	static const struct greylist_key none;

	search->greylist->forget_failed = false;
	forget_key(search, &none);
	return search->greylist->redis ? forget_shared(search) : NULL;
}

static char *forget(struct search *search, bool all)
{
	struct greylist *greylist = search->greylist;
	const char *shared = NULL;
	struct error err = { 0 };
	json_t *out;

	if (search->count == 0 && !all)
		return say_error("forget what? \"only\" or \"all\" is missing");
	if (!search->begun)
		shared = forget_begin(search);
	else if (!forget_some(search, &err))
		return say_error(err.text);
	if (search->failed || greylist->forget_failed)
		return say_error("the database is too slow, or cannot be "
				 "written; what was asked for may be forgotten "
				 "in part");
	out = json_pack("{s:I, s:I}", "forgotten", (json_int_t)search->found,
			"waiting", (json_int_t)greylist->forgets);
	if (shared)
		json_object_set_new(out, "shared", json_string(shared));
	if (!search->done)
		put_next(out, &search->after);
	return dump(out);
}

/* ---- stats ---- */

static char *stats(struct greylist *greylist)
{
	struct greylist_lmdb_stats lmdb = { 0 };
	json_t *counts = json_object(), *out;

	for (int i = 0; i < GREYLIST_ANSWER_COUNT; i++)
		json_object_set_new(
			counts, greylist_answer_name((enum greylist_answer)i),
			json_integer((json_int_t)greylist->answers[i]));
	out = json_pack("{s:o, s:I}", "answers", counts, "local_answers",
			(json_int_t)greylist->local_answers);
	if (greylist_lmdb_stats(greylist->lmdb, &lmdb))
		json_object_set_new(out, "database",
				    json_pack("{s:I, s:I, s:I}", "records",
					      (json_int_t)lmdb.records, "limit",
					      (json_int_t)lmdb.limit, "bytes",
					      (json_int_t)lmdb.bytes));
	if (greylist->redis) {
		struct greylist_redis_stats shared;

		greylist_redis_stats(greylist->redis, &shared);
		json_object_set_new(
			out, "shared",
			json_pack("{s:s, s:b, s:I, s:I}", "server",
				  shared.server, "up", shared.up, "failures",
				  (json_int_t)shared.failures, "behind",
				  (json_int_t)shared.behind));
	}
	return dump(out);
}

char *greylist_command(struct greylist *greylist, const char *request,
		       size_t len)
{
	json_t *object = json_loadb(request, len, JSON_REJECT_DUPLICATES, NULL);
	const char *command =
		json_string_value(json_object_get(object, "command"));
	struct search *search = calloc(1, sizeof(*search));
	struct error err = { 0 };
	char *text;

	if (search) {
		search->greylist = greylist;
		search->until = tool_now_ms() + LOOK_MS;
	}
	if (!search)
		text = NULL;
	else if (!json_is_object(object) || !command)
		text = say_error("a request is one JSON object with a "
				 "\"command\"");
	else if (!take_request(search, object, &err))
		text = say_error(err.text);
	else if (strcmp(command, "list") == 0)
		text = list(search);
	else if (strcmp(command, "forget") == 0)
		text = forget(search,
			      json_is_true(json_object_get(object, "all")));
	else if (strcmp(command, "stats") == 0)
		text = stats(greylist);
	else
		text = say_error("\"command\" is list, forget or stats");
	json_decref(object);
	free(search);
	return text;
}
