// SPDX-License-Identifier: GPL-2.0-or-later
/* source = image: what another host has compiled.
 *
 * The manifest comes first.  Nothing in it is believed before its signature holds;
 * then it says which image is meant, and an older one than that in force is not
 * taken, as it may be an attacker who plays back what was once signed.  Manifest
 * and image are downloaded by the child (sync_fetch.h) into its cache; they are
 * copied out of there before they are looked at, so that what was checked is what
 * is used.
 *
 * STATE/fleet.manifest is the manifest of the image that is in force.  It is written
 * before the image: killed in between, an older one is refused all the same. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <geoblock/write_all.h>

#include "tools/sync_fetch.h"
#include "tools/sync_fleet.h"

#define STORED_NAME   "fleet.manifest"
#define MANIFEST_ITEM "fleet.manifest"
#define IMAGE_ITEM    "fleet.img"
#define AHEAD_S       86400 /* clocks differ; that much is said */

/* ---- files ---- */

/* The manifest of the image in force; false where there is none. */
static bool read_stored(const struct sync *s, struct manifest *out)
{
	char path[4096];
	uint8_t *text;
	size_t len;
	bool ok;

	snprintf(path, sizeof(path), "%s/" STORED_NAME, s->conf->state_dir);
	text = tool_read(path, MANIFEST_MAX, &len, NULL);
	ok = text && manifest_read((char *)text, len, s->conf->image_keys,
				   s->conf->image_key_count, out, NULL);
	free(text);
	return ok;
}

/* ---- downloading ---- */

static bool fetch(struct sync *s, struct fetch_item *item)
{
	struct sync_job job = {
		.state_dir = s->conf->state_dir,
		.items = item,
		.item_count = 1,
		.ca_file = s->conf->ca_file,
		.timeout_s = s->conf->timeout_s,
		.offline = s->offline,
		.progress =
			isatty(2) && (s->progress || !(s->quiet || s->json)),
	};
	struct error err = { 0 };

	if (!sync_child_run(&job, &err))
		return sync_fail(s, "%s", err.text);
	if (item->state == FETCH_FAILED || item->state == FETCH_KEPT)
		return sync_fail(s, "%s", item->why);
	if (item->why[0])
		sync_warn(s, "%s; taken from %s", item->why, item->url);
	return true;
}

static uint8_t *read_item(struct sync *s, const struct fetch_item *item,
			  size_t *len)
{
	struct error err = { 0 };
	int fd = sync_cache_open(s->conf->state_dir, item->name, &err);
	uint8_t *data =
		fd < 0 ? NULL
		       : tool_read_fd(fd, (size_t)item->max_bytes, len, &err);

	if (!data)
		sync_fail(s, "%s: %s", item->url, err.text);
	return data;
}

static bool fetch_manifest(struct sync *s, struct manifest *out)
{
	struct fetch_item item = { .name = MANIFEST_ITEM,
				   .max_bytes = MANIFEST_MAX - 1 };
	struct error err = { 0 };
	uint8_t *text;
	size_t len;
	bool ok;

	for (size_t i = 0; i < s->conf->url_count && i < FETCH_URLS_MAX; i++)
		item.urls[item.url_count++] = s->conf->urls[i];
	if (!fetch(s, &item))
		return false;
	text = read_item(s, &item, &len);
	if (!text)
		return false;
	ok = manifest_read((char *)text, len, s->conf->image_keys,
			   s->conf->image_key_count, out, &err) ||
	     sync_fail(s, "%s: %s", item.url, err.text);
	if (ok)
		memcpy(s->fleet.text, text, len); /* at most MANIFEST_MAX - 1 */
	s->fleet.text_len = ok ? len : 0;
	snprintf(s->fleet.url, sizeof(s->fleet.url), "%s", item.url);
	free(text);
	return ok;
}

/* The image beside a manifest: its name instead of the address's last part. */
static bool image_url(const char *manifest, const struct manifest *m, char *out,
		      size_t size)
{
	size_t len = strcspn(manifest, "?#");
	char name[MANIFEST_IMAGE_NAME];

	while (len > 0 && manifest[len - 1] != '/')
		len--;
	return (size_t)snprintf(out, size, "%.*s%s", (int)len, manifest,
				manifest_image_name(m, name)) < size;
}

/* Of what was downloaded a copy of our own, in memory. */
static bool open_copy(struct sync *s, const uint8_t *data, size_t size)
{
	int fd = memfd_create("fleet.img", MFD_CLOEXEC);
	struct error err = { 0 };
	char path[64];
	bool ok = false;

	if (fd < 0 || !write_all(fd, data, size)) {
		sync_fail(s, "fleet.img: %s", strerror(errno));
	} else {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ok = image_open(&s->new_image, path, IMAGE_CHECK_ALL, &err) ||
		     sync_fail(s,
			       "%s: rightly signed, but no image that this "
			       "version can use: %s",
			       s->fleet.url, err.text);
	}
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool fetch_image(struct sync *s, const struct manifest *m)
{
	char urls[FETCH_URLS_MAX][FETCH_URL_MAX];
	struct fetch_item item = { .name = IMAGE_ITEM, .max_bytes = m->size };
	struct error err = { 0 };
	uint8_t *data;
	size_t size;
	bool ok;

	for (size_t i = 0; i < s->conf->url_count && i < FETCH_URLS_MAX; i++)
		if (image_url(s->conf->urls[i], m, urls[i], sizeof(urls[i])))
			item.urls[item.url_count++] = urls[i];
	if (item.url_count == 0)
		return sync_fail(s, "%s: too long an address",
				 s->conf->urls[0]);
	if (!fetch(s, &item))
		return false;
	data = read_item(s, &item, &size);
	if (!data)
		return false;
	ok = manifest_check(m, data, size, &err) ||
	     sync_fail(s, "%s: %s", item.url, err.text);
	ok = ok && open_copy(s, data, size);
	free(data);
	return ok;
}

/* ---- what is believed ---- */

static bool is_older(struct sync *s, const struct manifest *m,
		     const struct manifest *stored)
{
	char was[TOOL_TIME_MAX], now[TOOL_TIME_MAX];
	struct image_about about;

	if (stored->serial > 0) {
		if (m->serial >= stored->serial)
			return false;
		return !sync_override(
			s, "%s: serial %" PRIu64 " is older than %" PRIu64,
			s->fleet.url, m->serial, stored->serial);
	}
	if (!s->old_image)
		return false;
	image_about(s->old_image, &about);
	if (m->built >= about.built)
		return false;
	tool_time(m->built, now);
	tool_time(about.built, was);
	return !sync_override(s, "%s: built %s, the image at hand %s",
			      s->fleet.url, now, was);
}

/* Is it the file of the image at hand that the manifest is about? */
static bool is_current(const struct sync *s, const struct manifest *m)
{
	char path[4096];
	uint8_t *data;
	size_t size;
	bool same;

	if (!s->old_image)
		return false;
	snprintf(path, sizeof(path), "%s/" IMAGE_NAME, s->conf->state_dir);
	data = tool_read(path, (size_t)m->size, &size, NULL);
	same = data && manifest_check(m, data, size, NULL);
	free(data);
	return same;
}

/* Time: an expired manifest is either an attacker's, who keeps newer ones from us,
 * or a publisher's that has died. */
static bool is_fresh(struct sync *s, const struct manifest *m, bool current)
{
	uint64_t now = (uint64_t)time(NULL);
	char signed_at[TOOL_TIME_MAX], expired[TOOL_TIME_MAX];

	tool_time(m->signed_at, signed_at);
	tool_time(m->expires, expired);
	if (m->signed_at > now + AHEAD_S)
		sync_warn(s,
			  "%s: signed %s, which is to come: one of two clocks "
			  "is wrong",
			  s->fleet.url, signed_at);
	if (m->expires >= now)
		return true;
	if (current) {
		sync_warn(s,
			  "%s: expired %s: the publisher has signed nothing "
			  "since %s; its last image stays in force",
			  s->fleet.url, expired, signed_at);
		return true;
	}
	return sync_override(s, "%s: expired %s", s->fleet.url, expired) ||
	       sync_fail(s,
			 "%s: expired %s, by this machine's clock: the image "
			 "at hand stays; --force takes it",
			 s->fleet.url, expired);
}

bool sync_fleet(struct sync *s)
{
	struct manifest *m = &s->fleet.manifest, stored = { 0 };
	bool current;

	if (s->offline)
		return s->old_image ||
		       sync_fail(s, "no country data: nothing is enforced by "
				    "country; run geoblock-sync without "
				    "--offline");
	read_stored(s, &stored);
	s->fleet.result = "refused";
	if (!fetch_manifest(s, m))
		return false;
	if (is_older(s, m, &stored))
		return sync_fail(s,
				 "%s: older than what is in force: somebody "
				 "plays back an old image, or the publisher "
				 "lost its state; the image at hand stays, "
				 "--force takes the older one",
				 s->fleet.url);
	current = is_current(s, m);
	if (!is_fresh(s, m, current))
		return false;
	if (!current && !fetch_image(s, m))
		return false;
	s->fleet.result = current ? "unchanged" : "new";
	return true;
}

bool sync_fleet_taken(struct sync *s, struct error *err)
{
	return s->fleet.text_len == 0 || s->dry_run ||
	       tool_write(s->conf->state_dir, STORED_NAME, s->fleet.text,
			  s->fleet.text_len, err);
}
