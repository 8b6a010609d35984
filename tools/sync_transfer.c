// SPDX-License-Identifier: GPL-2.0-or-later
/* One HTTP request, and what comes back, within bounds: bytes as they come over
 * the network and as they come out of the compression, redirects, time without
 * progress, time at all.  A body goes into NAME.new and through MD5 as it
 * comes; where it breaks off and the server named it by a strong validator, the
 * next request asks for the rest. */
#include "tools/sync_transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <geoblock/write_all.h>

#include "tools/tool.h"

#define REDIRECTS_MAX 5L
#define SPEED_MIN     4096L /* bytes a second, over the time-out */
#define TOTAL_FACTOR  20L   /* time-outs that one request may last */
#define PROGRESS_MS   200

void transfer_reset(struct transfer *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	t->bytes = 0;
	t->resumable = false;
	md5_init(&t->md5);
}

const char *transfer_shown(const char *url, char out[FETCH_URL_MAX])
{
	const char *colon = strstr(url, "://");
	const char *host = colon ? colon + 3 : url, *at;
	size_t scheme = (size_t)(host - url), len = strcspn(host, "/?#");

	at = memrchr(host, '@', len);
	if (at)
		host = at + 1;
	len = strcspn(host, "?#");
	snprintf(out, FETCH_URL_MAX, "%.*s%.*s%s", (int)scheme, url, (int)len,
		 host, host[len] == '?' ? "?…" : "");
	return out;
}

static bool is_body(const struct transfer *t)
{
	return t->step == STEP_BODY;
}

static bool too_big(struct transfer *t, uint64_t max)
{
	return error_set(&t->failed, ERROR_LIMIT, 0, "has more than %llu bytes",
			 (unsigned long long)max);
}

/* ---- callbacks: what arrives --------------------------------------------------- */

static bool open_body(struct transfer *t)
{
	char name[CACHE_NAME_MAX];

	if (t->fd >= 0 && t->ranged)
		return true;
	transfer_reset(t);
	cache_name(t->item, ".new", name);
	t->fd = openat(t->child->cache, name,
		       O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		       0644);
	if (t->fd >= 0)
		return true;
	return error_set(&t->failed, ERROR_SYSTEM, errno,
			 "cannot write %s/%s/%s", t->child->job->state_dir,
			 CACHE_FOLDER, name);
}

static bool put_body(struct transfer *t, const char *p, size_t len)
{
	md5_update(&t->md5, len, (const uint8_t *)p);
	t->bytes += len;
	return write_all(t->fd, p, len) ||
	       error_set(&t->failed, ERROR_SYSTEM, errno,
			 "cannot write %s/%s/%s.new", t->child->job->state_dir,
			 CACHE_FOLDER, t->item->name);
}

/* A part is taken where it was asked for: of the same file, from where it broke
 * off. */
static bool check_part(struct transfer *t)
{
	long status = 0;

	curl.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 206) {
		t->ranged = false;
		return true;
	}
	if (t->fd >= 0 && t->ranged && !t->encoded &&
	    strcmp(t->etag, t->body_etag) == 0)
		return true;
	return error_set(&t->failed, ERROR_MALFORMED, 0,
			 "the server sends another part than was asked for");
}

static bool on_body(struct transfer *t, const char *p, size_t len)
{
	if (!t->begun) {
		if (!check_part(t) || !open_body(t))
			return false;
		t->begun = true;
		snprintf(t->body_etag, sizeof(t->body_etag), "%s", t->etag);
		snprintf(t->body_modified, sizeof(t->body_modified), "%s",
			 t->modified);
		/* a part of what is compressed anew is a part of nothing; a
		 * weak name may be that of two files (RFC 9110 13.1.5) */
		t->resumable = !t->encoded && t->etag[0] == '"';
	}
	if (len > t->item->max_bytes - t->bytes)
		return too_big(t, t->item->max_bytes);
	return put_body(t, p, len);
}

static size_t on_data(char *p, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = size * count;

	if (is_body(t))
		return on_body(t, p, len) ? len : 0;
	if (len > sizeof(t->text) - t->text_len)
		return too_big(t, sizeof(t->text)) ? len : 0;
	memcpy(t->text + t->text_len, p, len);
	t->text_len += len;
	return len;
}

static bool header_is(const char *p, size_t len, const char *name,
		      const char **value, size_t *value_len)
{
	size_t n = strlen(name);

	if (len <= n || p[n] != ':' || strncasecmp(p, name, n) != 0)
		return false;
	p += n + 1;
	len -= n + 1;
	while (len > 0 && (*p == ' ' || *p == '\t')) {
		p++;
		len--;
	}
	while (len > 0 && strchr(" \t\r\n", p[len - 1]))
		len--;
	*value = p;
	*value_len = len;
	return true;
}

/* Only what can go back into a request and into a line of NAME.meta. */
static void keep(char *to, size_t room, const char *value, size_t len)
{
	to[0] = '\0';
	if (len >= room)
		return;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
			return;
	memcpy(to, value, len);
	to[len] = '\0';
}

static bool range_follows(const struct transfer *t, const char *value,
			  size_t len)
{
	static const char unit[] = "bytes ";
	char text[64], *end;
	uint64_t first;

	keep(text, sizeof(text), value, len);
	if (strncmp(text, unit, sizeof(unit) - 1) != 0)
		return false;
	first = strtoull(text + sizeof(unit) - 1, &end, 10);
	return *end == '-' && first == t->bytes;
}

static size_t on_header(char *p, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = size * count, n;
	const char *value;

	if (len > 5 && strncasecmp(p, "HTTP/", 5) == 0) { /* a new answer */
		t->etag[0] = t->modified[0] = '\0';
		t->encoded = t->ranged = false;
	}
	if (header_is(p, len, "ETag", &value, &n))
		keep(t->etag, sizeof(t->etag), value, n);
	else if (header_is(p, len, "Last-Modified", &value, &n))
		keep(t->modified, sizeof(t->modified), value, n);
	else if (header_is(p, len, "Content-Encoding", &value, &n))
		t->encoded = true;
	else if (header_is(p, len, "Content-Range", &value, &n))
		t->ranged = range_follows(t, value, n);
	return len;
}

static int on_progress(void *ctx, curl_off_t total, curl_off_t now,
		       curl_off_t up_total, curl_off_t up_now)
{
	struct transfer *t = ctx;
	struct sync_message message = { .kind = MESSAGE_PROGRESS,
					.index = (uint32_t)t->index };
	int64_t ms;

	(void)up_total;
	(void)up_now;
	t->raw = (uint64_t)now;
	if ((uint64_t)now > t->item->max_bytes) {
		too_big(t, t->item->max_bytes);
		return 1;
	}
	if (!t->child->job->progress || !is_body(t))
		return 0;
	ms = tool_now_ms();
	if (now != total && ms - t->shown_ms < PROGRESS_MS)
		return 0;
	t->shown_ms = ms;
	message.now = (uint64_t)now;
	message.total = (uint64_t)total;
	sync_child_say(t->child, &message);
	return 0;
}

/* ---- requests ---------------------------------------------------------------------- */

static bool add_header(struct transfer *t, const char *name, const char *value)
{
	char line[FETCH_URL_MAX + 32];
	struct curl_slist *grown;

	snprintf(line, sizeof(line), "%s: %s", name, value);
	grown = curl.slist_append(t->headers, line);
	if (grown)
		t->headers = grown;
	return grown != NULL;
}

/* Is NAME from here, so that its validators mean something here? */
static bool is_from_here(const struct transfer *t)
{
	char shown[FETCH_URL_MAX];

	return t->got->meta.known &&
	       strcmp(t->got->meta.url,
		      transfer_shown(t->item->urls[t->place], shown)) == 0 &&
	       cache_intact(t->child, t->index);
}

/* What the answer is to depend on. */
static bool add_conditions(struct transfer *t)
{
	const struct sync_meta *meta = &t->got->meta;
	char range[32];

	if (!is_body(t))
		return t->step != STEP_SUM_AGAIN ||
		       add_header(t, "Cache-Control", "no-cache");
	if (t->bytes > 0 && t->resumable) {
		snprintf(range, sizeof(range), "bytes=%llu-",
			 (unsigned long long)t->bytes);
		return add_header(t, "Range", range) &&
		       add_header(t, "If-Range", t->body_etag);
	}
	/* where there is a checksum, it said already that the file is new */
	if (t->has_sum || !is_from_here(t))
		return true;
	return (!meta->etag[0] || add_header(t, "If-None-Match", meta->etag)) &&
	       (!meta->modified[0] ||
		add_header(t, "If-Modified-Since", meta->modified));
}

static const char *suffix(const struct transfer *t)
{
	if (t->step == STEP_BODY)
		return "";
	return t->step == STEP_SIGNATURE ? ".asc" : ".md5";
}

static int set_bounds(struct transfer *t)
{
	const struct sync_job *job = t->child->job;
	long timeout = job->timeout_s ? (long)job->timeout_s : FETCH_TIMEOUT_S;
	bool tls = strncmp(t->url, "https:", 6) == 0;
	int rc = 0;

	rc |= curl.easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	rc |= curl.easy_setopt(t->easy, CURLOPT_REDIR_PROTOCOLS_STR,
			       tls ? "https" : "http,https");
	rc |= curl.easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 1L);
	rc |= curl.easy_setopt(t->easy, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	rc |= curl.easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT, timeout);
	rc |= curl.easy_setopt(t->easy, CURLOPT_LOW_SPEED_TIME, timeout);
	rc |= curl.easy_setopt(t->easy, CURLOPT_LOW_SPEED_LIMIT, SPEED_MIN);
	rc |= curl.easy_setopt(t->easy, CURLOPT_TIMEOUT,
			       TOTAL_FACTOR * timeout);
	rc |= curl.easy_setopt(t->easy, CURLOPT_MAXFILESIZE_LARGE,
			       (curl_off_t)t->item->max_bytes);
	rc |= curl.easy_setopt(t->easy, CURLOPT_SSLVERSION,
			       (long)CURL_SSLVERSION_TLSv1_2);
	return rc;
}

static int set_trust(struct transfer *t)
{
	struct curl_blob ca = { .data = t->child->ca,
				.len = t->child->ca_len,
				.flags = CURL_BLOB_NOCOPY };

	return t->child->ca ? (int)curl.easy_setopt(t->easy,
						    CURLOPT_CAINFO_BLOB, &ca)
			    : 0;
}

static int set_callbacks(struct transfer *t)
{
	int rc = 0;

	rc |= curl.easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	rc |= curl.easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->curl_error);
	rc |= curl.easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_data);
	rc |= curl.easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	rc |= curl.easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
	rc |= curl.easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	rc |= curl.easy_setopt(t->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	rc |= curl.easy_setopt(t->easy, CURLOPT_XFERINFODATA, t);
	rc |= curl.easy_setopt(t->easy, CURLOPT_NOPROGRESS, 0L);
	return rc;
}

static int set_request(struct transfer *t)
{
	bool part = is_body(t) && t->bytes > 0 && t->resumable;
	int rc = 0;

	rc |= curl.easy_setopt(t->easy, CURLOPT_URL, t->url);
	rc |= curl.easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
	rc |= curl.easy_setopt(t->easy, CURLOPT_FAILONERROR, 1L);
	rc |= curl.easy_setopt(t->easy, CURLOPT_BUFFERSIZE, 256L << 10);
	rc |= curl.easy_setopt(t->easy, CURLOPT_USERAGENT,
			       "geoblock-sync/" GEOBLOCK_VERSION);
	rc |= curl.easy_setopt(t->easy, CURLOPT_ACCEPT_ENCODING,
			       part ? NULL : "gzip");
	rc |= curl.easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	return rc;
}

bool transfer_start(struct transfer *t, CURLM *multi, struct error *err)
{
	const char *url = t->item->urls[t->place];
	int len = (int)strcspn(url, "?#");

	snprintf(t->url, sizeof(t->url), "%.*s%s%s", len, url, suffix(t),
		 url + len);
	/* a new one: connections belong to the multi handle, and a used one keeps
	 * what options cannot change */
	curl.easy_cleanup(t->easy);
	t->easy = curl.easy_init();
	curl.slist_free_all(t->headers);
	t->headers = NULL;
	t->curl_error[0] = '\0';
	t->failed = (struct error){ 0 };
	t->begun = false;
	t->text_len = 0;
	t->raw = 0;
	if (is_body(t) && !t->resumable)
		transfer_reset(t);
	if (!t->easy || !add_conditions(t) || set_request(t) || set_bounds(t) ||
	    set_trust(t) || set_callbacks(t) ||
	    curl.multi_add_handle(multi, t->easy) != CURLM_OK)
		return error_set(err, ERROR_SYSTEM, 0,
				 "libcurl does not take the request");
	t->running = true;
	return true;
}

void transfer_stop(struct transfer *t, CURLM *multi)
{
	curl.multi_remove_handle(multi, t->easy);
	t->running = false;
	t->got->downloaded += t->raw;
}
