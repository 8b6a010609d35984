// SPDX-License-Identifier: GPL-2.0-or-later
/* The steps of a download.  Each item goes its way by itself:
 *
 *     URL.md5 ─ is of what we have: unchanged
 *        └ URL ─ is what URL.md5 says? ─ no: URL.md5 once more ─ URL.asc ─ good
 *
 * and where a step fails, on to the next place.  A registry's file and its
 * checksum are not replaced in one instant, APNIC's are nine minutes apart.
 * Until they agree, what we have is the last that is known to be good, and a day
 * old at most; so a file that does not fit its checksum is never taken, whatever
 * the reason may be.  TLS says that nobody changed it on its way, the counts
 * inside say that it is whole; neither says that a mirror has not got it wrong.
 *
 * ARIN's servers each give another ETag for one file: validators are asked only
 * where there is no checksum. */
#include "tools/sync_transfer.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "tools/tool.h"

#define TRIES_MAX  3 /* of one request that broke off */
#define PASSES_MAX 2 /* over all places */
#define BACKOFF_MS 1000

/* ---- giving up, going on --------------------------------------------------------- */

static void note(struct transfer *t, const char *what)
{
	char *why = t->got->why, shown[FETCH_URL_MAX];
	size_t used = strlen(why);

	/* "no route" and the like does not name its place */
	snprintf(why + used, FETCH_WHY_MAX - used, "%s%s: %s", used ? "; " : "",
		 transfer_shown(t->url, shown), what);
}

/* From half to one and a half of what doubles each time: those who fail
 * together do not come back together. */
static void wait_a_while(struct transfer *t, unsigned times)
{
	int64_t base = (int64_t)BACKOFF_MS << times;
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)tool_now_ms();
	t->wake_ms = tool_now_ms() + base / 2 + random % (base + 1);
}

static void go(struct transfer *t, enum transfer_step step)
{
	t->step = step;
	t->tries = 0;
}

void transfer_begin(struct transfer *t)
{
	transfer_reset(t);
	t->has_sum = false;
	go(t, t->item->sum == FETCH_SUM_NONE ? STEP_BODY : STEP_SUM);
}

static void done(struct transfer *t)
{
	transfer_reset(t);
	go(t, STEP_DONE);
}

/* A mirror may have what this place has not; once more round if one of them may
 * have been unwell only for a moment. */
static void next_place(struct transfer *t)
{
	if (++t->place < t->item->url_count) {
		transfer_begin(t);
		return;
	}
	if (!t->transient || ++t->pass == PASSES_MAX) {
		done(t);
		return;
	}
	t->place = 0;
	t->transient = false;
	t->got->why[0] = '\0';
	transfer_begin(t);
	wait_a_while(t, t->pass);
}

static void give_up_place(struct transfer *t, const struct error *err)
{
	note(t, err->text);
	next_place(t);
}

/* ---- what has come ------------------------------------------------------------------- */

static void unchanged(struct transfer *t)
{
	t->got->unchanged = true;
	done(t);
}

/* What we have counts for nothing where it was never checked by the key. */
static bool have_signed(const struct transfer *t)
{
	return !t->child->keys[t->index] || t->got->meta.signed_;
}

static bool take_sum(struct transfer *t, struct error *err)
{
	if (!md5_parse(t->text, t->text_len, t->item->name, t->sum, err))
		return false;
	t->has_sum = true;
	snprintf(t->sum_modified, sizeof(t->sum_modified), "%s", t->modified);
	return true;
}

static void on_sum(struct transfer *t)
{
	struct error err = { 0 };

	if (!take_sum(t, &err))
		give_up_place(t, &err);
	else if (t->got->meta.known && have_signed(t) &&
		 memcmp(t->sum, t->got->meta.md5, sizeof(t->sum)) == 0 &&
		 cache_intact(t->child, t->index))
		unchanged(t);
	else
		go(t, STEP_BODY);
}

static void fill_meta(struct transfer *t, uint32_t date)
{
	struct sync_meta *meta = &t->got->fresh_meta;

	*meta = (struct sync_meta){ .bytes = t->bytes,
				    .date = date,
				    .known = true };
	transfer_shown(t->item->urls[t->place], meta->url);
	snprintf(meta->etag, sizeof(meta->etag), "%s", t->body_etag);
	snprintf(meta->modified, sizeof(meta->modified), "%s",
		 t->body_modified);
	memcpy(meta->md5, t->digest, sizeof(meta->md5));
}

/* A delegation file has to be the one that was asked for, and none of
 * yesterday: mirrors lag, and an old file can be given out to undo a change. */
static bool check_head(struct transfer *t, uint32_t *date, struct error *err)
{
	enum geo_registry registry;
	char name[CACHE_NAME_MAX];

	if (t->item->registry == REGISTRY_NONE)
		return true;
	cache_name(t->item, ".new", name);
	if (!cache_head(t->child, name, &registry, date, err))
		return false;
	if (registry != t->item->registry)
		return error_set(err, ERROR_MALFORMED, 0,
				 "is a file of %s, want %s's",
				 geo_registry_name(registry),
				 geo_registry_name(t->item->registry));
	if (t->got->meta.known && !t->child->job->older &&
	    *date < t->got->meta.date &&
	    !geo_ahead(t->got->meta.date, time(NULL)))
		return error_set(err, ERROR_HELD, 0,
				 "is of %u, older than the file of %u that "
				 "there is",
				 *date, t->got->meta.date);
	return true;
}

static void take_body(struct transfer *t)
{
	struct error err = { 0 };
	uint32_t date = 0;

	if (!check_head(t, &date, &err)) {
		give_up_place(t, &err);
		return;
	}
	fill_meta(t, date);
	if (t->child->keys[t->index]) {
		go(t, STEP_SIGNATURE);
		return;
	}
	t->got->fresh = true;
	done(t);
}

static bool fits_sum(const struct transfer *t)
{
	return !t->has_sum || memcmp(t->sum, t->digest, sizeof(t->digest)) == 0;
}

static void on_body(struct transfer *t)
{
	long status = 0;

	curl.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 304) {
		unchanged(t);
		return;
	}
	if (t->fd < 0) { /* nothing at all came */
		give_up_place(t, &(struct error){ .text = "is empty" });
		return;
	}
	md5_digest(&t->md5, sizeof(t->digest), t->digest);
	t->resumable = false;
	if (fits_sum(t))
		take_body(t);
	else
		go(t, STEP_SUM_AGAIN);
}

static time_t http_time(const char *text)
{
	return text[0] ? curl.getdate(text, NULL) : -1;
}

/* The file is newer than its checksum, or than its signature. */
static bool is_late(const struct transfer *t, const char *beside)
{
	time_t body = http_time(t->body_modified), other = http_time(beside);

	return body != -1 && other != -1 && other < body;
}

static void on_sum_again(struct transfer *t)
{
	struct error err = { 0 };

	if (!take_sum(t, &err)) {
		give_up_place(t, &err);
		return;
	}
	if (fits_sum(t)) {
		take_body(t);
		return;
	}
	t->got->late |= t->place == 0 && is_late(t, t->sum_modified);
	error_set(&err, ERROR_MALFORMED, 0,
		  "the file beside it is not the one of this checksum%s",
		  is_late(t, t->sum_modified)
			  ? ", which is older: it is not there yet"
			  : ": damaged?");
	give_up_place(t, &err);
}

static void on_signature(struct transfer *t)
{
	char name[CACHE_NAME_MAX];
	struct error err = { 0 };

	if (cache_write(t->child, cache_name(t->item, ".asc", name), t->text,
			t->text_len, &err) &&
	    gpgv_check(t->child, t->index, &err)) {
		t->got->fresh_meta.signed_ = true;
		t->got->fresh = true;
		done(t);
		return;
	}
	t->got->late |= t->place == 0 && is_late(t, t->modified);
	give_up_place(t, &err);
}

/* ---- what has not come --------------------------------------------------------------- */

/* May it be better in a moment?  Asked for a second time where it broke off;
 * where nobody answers, others are asked first. */
static bool breaks_off(CURLcode code, long status)
{
	switch (code) {
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return true;
	case CURLE_HTTP_RETURNED_ERROR:
		return status == 408 || status == 429 || status >= 500;
	default:
		return false;
	}
}

static bool may_pass(CURLcode code)
{
	return code == CURLE_COULDNT_RESOLVE_HOST ||
	       code == CURLE_COULDNT_RESOLVE_PROXY ||
	       code == CURLE_COULDNT_CONNECT || code == CURLE_SSL_CONNECT_ERROR;
}

static void say_failure(struct transfer *t, CURLcode code, struct error *err)
{
	if (t->failed.kind != ERROR_NONE)
		*err = t->failed;
	else
		error_set(err, ERROR_SYSTEM, 0, "%s",
			  t->curl_error[0] ? t->curl_error
					   : curl.easy_strerror(code));
}

static void on_failure(struct transfer *t, CURLcode code)
{
	bool gone_sum =
		t->step == STEP_SUM && t->item->sum == FETCH_SUM_IF_THERE;
	struct error err = { 0 };
	long status = 0;

	curl.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	say_failure(t, code, &err);
	if (gone_sum && code == CURLE_HTTP_RETURNED_ERROR &&
	    (status == 404 || status == 410)) {
		go(t, STEP_BODY);
	} else if (t->failed.kind == ERROR_SYSTEM) { /* ours: a full disk */
		note(t, err.text);
		done(t);
	} else if (breaks_off(code, status) && ++t->tries < TRIES_MAX) {
		wait_a_while(t, t->tries - 1);
	} else {
		t->transient |= may_pass(code) || breaks_off(code, status);
		give_up_place(t, &err);
	}
}

void transfer_end(struct transfer *t, CURLcode code)
{
	if (code != CURLE_OK)
		on_failure(t, code);
	else if (t->step == STEP_SUM)
		on_sum(t);
	else if (t->step == STEP_BODY)
		on_body(t);
	else if (t->step == STEP_SUM_AGAIN)
		on_sum_again(t);
	else
		on_signature(t);
}

void transfer_give_up(struct transfer *t, const char *why)
{
	note(t, why);
	done(t);
}
