// SPDX-License-Identifier: GPL-2.0-or-later
/* The folder of the child: STATE/cache, named by a descriptor only.  NAME is the
 * last good file, NAME.meta what is known of it.  A new file is written as
 * NAME.new; when it has been read without a fault the old NAME.meta goes first,
 * then NAME is replaced, then the new NAME.meta comes: killed in between, the
 * file is there and nothing wrong is known of it. */
#include "tools/sync_child.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/md5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <geoblock/rir.h>
#include <geoblock/write_all.h>

#define HEAD_MAX ((size_t)64 << 10) /* the version line is within */

const char *cache_name(const struct fetch_item *item, const char *suffix,
		       char buf[CACHE_NAME_MAX])
{
	snprintf(buf, CACHE_NAME_MAX, "%s%s", item->name, suffix);
	return buf;
}

static int open_cached(const struct sync_child *c, const char *name)
{
	return openat(c->cache, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/* The first len bytes, or all there are. */
static size_t read_head(const struct sync_child *c, const char *name, char *buf,
			size_t len)
{
	int fd = open_cached(c, name);
	size_t got = 0;

	while (fd >= 0 && got < len) {
		ssize_t n = read(fd, buf + got, len - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	return got;
}

/* ---- NAME.meta --------------------------------------------------------------- */

static void take_text(char *to, size_t room, const char *value, size_t len)
{
	if (len >= room)
		return;
	memcpy(to, value, len);
	to[len] = '\0';
}

static void take_pair(struct sync_meta *meta, const char *key, size_t key_len,
		      const char *value, size_t len)
{
	char number[24] = "";

	take_text(number, sizeof(number), value, len);
	if (key_len == 3 && memcmp(key, "url", 3) == 0)
		take_text(meta->url, sizeof(meta->url), value, len);
	else if (key_len == 4 && memcmp(key, "etag", 4) == 0)
		take_text(meta->etag, sizeof(meta->etag), value, len);
	else if (key_len == 8 && memcmp(key, "modified", 8) == 0)
		take_text(meta->modified, sizeof(meta->modified), value, len);
	else if (key_len == 3 && memcmp(key, "md5", 3) == 0)
		meta->known = md5_parse(value, len, "", meta->md5, NULL);
	else if (key_len == 5 && memcmp(key, "bytes", 5) == 0)
		meta->bytes = strtoull(number, NULL, 10);
	else if (key_len == 4 && memcmp(key, "date", 4) == 0)
		meta->date = (uint32_t)strtoul(number, NULL, 10);
	else if (key_len == 6 && memcmp(key, "signed", 6) == 0)
		meta->signed_ = strcmp(number, "1") == 0;
}

void meta_parse(struct sync_meta *meta, const char *text, size_t len)
{
	const char *end = text + len;

	memset(meta, 0, sizeof(*meta));
	while (text < end) {
		const char *feed = memchr(text, '\n', (size_t)(end - text));
		const char *blank;

		if (!feed) /* cut off: not what we wrote */
			break;
		blank = memchr(text, ' ', (size_t)(feed - text));
		if (blank)
			take_pair(meta, text, (size_t)(blank - text), blank + 1,
				  (size_t)(feed - blank - 1));
		text = feed + 1;
	}
}

size_t meta_format(const struct sync_meta *meta, char buf[META_MAX])
{
	char md5[2 * FETCH_MD5_SIZE + 1];
	int n;

	for (size_t i = 0; i < FETCH_MD5_SIZE; i++)
		snprintf(md5 + 2 * i, 3, "%02x", meta->md5[i]);
	n = snprintf(buf, META_MAX,
		     "url %s\netag %s\nmodified %s\nbytes %llu\ndate %u\n"
		     "signed %d\nmd5 %s\n",
		     meta->url, meta->etag, meta->modified,
		     (unsigned long long)meta->bytes, meta->date, meta->signed_,
		     md5);
	return n > 0 && n < META_MAX ? (size_t)n : 0;
}

bool cache_write(struct sync_child *c, const char *name, const void *data,
		 size_t len, struct error *err)
{
	int fd = openat(c->cache, name,
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			0644);
	bool ok = fd >= 0 && write_all(fd, data, len);

	if (!ok)
		error_set(err, ERROR_SYSTEM, errno, "cannot write %s/%s/%s",
			  c->job->state_dir, CACHE_FOLDER, name);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* ---- a run --------------------------------------------------------------------- */

void cache_begin(struct sync_child *c, size_t index)
{
	static const char *const left[] = { ".new", ".meta.new", ".asc",
					    ".keys" };
	const struct fetch_item *item = &c->job->items[index];
	struct sync_got *got = &c->got[index];
	char name[CACHE_NAME_MAX], text[META_MAX] = "";
	struct stat st;

	for (size_t i = 0; i < sizeof(left) / sizeof(*left); i++)
		unlinkat(c->cache, cache_name(item, left[i], name), 0);
	got->cached =
		fstatat(c->cache, item->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISREG(st.st_mode) &&
		/* else it is of a time when it was allowed to be longer */
		(uint64_t)st.st_size <= item->max_bytes;
	meta_parse(&got->meta, text,
		   read_head(c, cache_name(item, ".meta", name), text,
			     sizeof(text)));
	if (!got->cached || (uint64_t)st.st_size != got->meta.bytes)
		got->meta.known = false;
}

bool cache_intact(struct sync_child *c, size_t index)
{
	const struct fetch_item *item = &c->job->items[index];
	struct sync_got *got = &c->got[index];
	uint8_t digest[FETCH_MD5_SIZE];
	static char buf[1 << 16];
	struct md5_ctx md5;
	ssize_t n = 0;
	int fd;

	if (!got->meta.known)
		return false;
	fd = open_cached(c, item->name);
	md5_init(&md5);
	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0)
		md5_update(&md5, (size_t)n, (const uint8_t *)buf);
	if (fd >= 0)
		close(fd);
	md5_digest(&md5, sizeof(digest), digest);
	if (fd < 0 || n < 0 ||
	    memcmp(digest, got->meta.md5, sizeof(digest)) != 0)
		got->meta.known = false;
	return got->meta.known;
}

bool cache_promote(struct sync_child *c, size_t index, struct error *err)
{
	const struct fetch_item *item = &c->job->items[index];
	struct sync_got *got = &c->got[index];
	char name[CACHE_NAME_MAX], meta[CACHE_NAME_MAX], text[META_MAX];
	size_t len = meta_format(&got->fresh_meta, text);

	cache_name(item, ".meta", meta);
	unlinkat(c->cache, meta, 0);
	if (renameat(c->cache, cache_name(item, ".new", name), c->cache,
		     item->name) < 0)
		return error_set(err, ERROR_SYSTEM, errno,
				 "cannot rename %s/%s/%s", c->job->state_dir,
				 CACHE_FOLDER, name);
	got->cached = true;
	got->fresh = false;
	got->meta = got->fresh_meta;
	/* without it the next run downloads what it need not */
	if (cache_write(c, cache_name(item, ".meta.new", name), text, len,
			err) &&
	    renameat(c->cache, name, c->cache, meta) < 0)
		error_set(err, ERROR_SYSTEM, errno, "cannot rename %s", name);
	return true;
}

void cache_refuse(struct sync_child *c, size_t index)
{
	const struct fetch_item *item = &c->job->items[index];
	char from[CACHE_NAME_MAX], to[CACHE_NAME_MAX];

	c->got[index].fresh = false;
	renameat(c->cache, cache_name(item, ".new", from), c->cache,
		 cache_name(item, ".refused", to));
}

/* ---- what is it? ------------------------------------------------------------------ */

static bool no_delegation_file(struct error *err)
{
	return error_set(err, ERROR_MALFORMED, 0,
			 "is no delegation file (2|registry|serial|…)");
}

bool cache_head(struct sync_child *c, const char *name,
		enum geo_registry *registry, uint32_t *date, struct error *err)
{
	static char buf[HEAD_MAX + RIR_PADDING];
	size_t len = read_head(c, name, buf, HEAD_MAX);
	const char *p = buf, *end = buf + len;
	struct rir_line line;

	memset(buf + len, 0, RIR_PADDING);
	while (p < end) {
		const char *feed = memchr(p, '\n', (size_t)(end - p));

		if (!feed || feed - p > RIR_LINE_MAX ||
		    !rir_line(p, (size_t)(feed - p), &line, NULL))
			return no_delegation_file(err);
		if (line.kind == RIR_VERSION) {
			*registry = line.registry;
			*date = line.end_date;
			return true;
		}
		if (line.kind != RIR_SKIP)
			return no_delegation_file(err);
		p = feed + 1;
	}
	return no_delegation_file(err);
}
