// SPDX-License-Identifier: GPL-2.0-or-later
/* Publishing: a folder that any web server can serve.
 *
 *     manifest                   signed; see geoblock/manifest.h
 *     geo-SHA256.img             the image that it is about, and those before
 *
 * A client that has read a manifest finds its image as long as that is there; a
 * server in the middle of an update, or a cache with one of the two, cannot serve
 * a mix, as the image's name is its checksum. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <geoblock/log.h>
#include <geoblock/write_all.h>

#include "tools/sync_fleet.h"

#define KEEP_S 86400 /* an image that no manifest names any more */

/* ---- keys ---- */

static bool write_key(const char *path, mode_t mode, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	bool ok;

	if (fd < 0) {
		log_err("%s: %s", path, strerror(errno));
		return false;
	}
	ok = write_all(fd, text, strlen(text)) && fsync(fd) == 0;
	if (!ok)
		log_err("%s: %s", path, strerror(errno));
	if (close(fd) != 0 || !ok)
		unlink(path);
	return ok;
}

int sync_make_key(const char *path)
{
	char text[MANIFEST_SECRET_TEXT], key[MANIFEST_KEY_TEXT];
	char public_path[4096], public[200];
	struct manifest_secret secret;
	uint8_t random[40];
	bool ok;

	if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
		log_err("getrandom: %s", strerror(errno));
		return STATUS_UNABLE;
	}
	manifest_secret_make(&secret, random);
	snprintf(public_path, sizeof(public_path), "%s.pub", path);
	snprintf(public, sizeof(public),
		 "untrusted comment: geoblock public key\n%s\n",
		 manifest_key_text(&secret.key, key));
	ok = write_key(path, 0600, manifest_secret_text(&secret, text));
	if (ok && !write_key(public_path, 0644, public)) {
		unlink(path); /* half a pair is in the way of a whole one */
		ok = false;
	}
	explicit_bzero(random, sizeof(random));
	explicit_bzero(&secret, sizeof(secret));
	explicit_bzero(text, sizeof(text));
	if (!ok)
		return STATUS_UNABLE;
	printf("%s\n", key);
	return tool_flush() ? STATUS_OK : STATUS_UNABLE;
}

/* For its owner only; -1 after an error. */
static int open_secret(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		error_set(err, ERROR_SYSTEM, errno, "%s", path);
	else if ((st.st_mode & 077) == 0)
		return fd;
	else
		error_set(err, ERROR_HELD, 0,
			  "%s: others than its owner may read or write the "
			  "secret key; chmod 600 it, and make a new one if "
			  "somebody did",
			  path);
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool read_secret(const char *path, struct manifest_secret *out,
			struct error *err)
{
	int fd = open_secret(path, err);
	uint8_t *text;
	size_t len;
	bool ok;

	if (fd < 0)
		return false;
	text = tool_read_fd(fd, MANIFEST_SECRET_TEXT, &len, err);
	ok = text && manifest_secret_parse((char *)text, len, out, err);
	if (!ok)
		error_wrap(err, "%s", path);
	if (text)
		explicit_bzero(text, len);
	free(text);
	return ok;
}

/* ---- the folder ---- */

/* What was published last, if it was with this key. */
static bool last_manifest(const char *folder, const struct manifest_key *key,
			  struct manifest *out)
{
	char path[4096];
	size_t len;
	uint8_t *text;
	bool ok;

	snprintf(path, sizeof(path), "%s/" MANIFEST_NAME, folder);
	text = tool_read(path, MANIFEST_MAX, &len, NULL);
	ok = text && manifest_read((char *)text, len, key, 1, out, NULL);
	free(text);
	return ok;
}

/* "arin:20260131,ripencc:20260131" */
static void list_sources(const struct image *image, char *out, size_t size)
{
	struct image_about about;
	size_t used = 0;

	out[0] = '\0';
	image_about(image, &about);
	for (size_t i = 0; i < about.source_count; i++) {
		const struct geo_source *g = &about.sources[i];
		int n = snprintf(out + used, size - used, "%s%s:%u",
				 used ? "," : "",
				 g->registry != REGISTRY_NONE
					 ? geo_registry_name(g->registry)
					 : geo_kind_name(g->kind),
				 g->date);

		if (n < 0 || (size_t)n >= size - used) {
			out[used] = '\0'; /* hundreds of lists */
			return;
		}
		used += (size_t)n;
	}
}

static bool is_image_name(const char *name)
{
	size_t digits = strspn(name + (strncmp(name, "geo-", 4) == 0 ? 4 : 0),
			       "0123456789abcdef");

	return strncmp(name, "geo-", 4) == 0 && digits == 64 &&
	       strcmp(name + 68, ".img") == 0;
}

/* Images that neither manifest names, once nobody can be about to fetch them. */
static void tidy(const char *folder, const char *current, const char *last)
{
	DIR *dir = opendir(folder);
	time_t now = time(NULL);
	struct dirent *entry;
	struct stat st;

	while (dir && (entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (is_image_name(name) && strcmp(name, current) != 0 &&
		    strcmp(name, last) != 0 &&
		    fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_mtime < now - KEEP_S)
			unlinkat(dirfd(dir), name, 0);
	}
	if (dir)
		closedir(dir);
}

/* The image, unless it is there already, as it should be. */
static bool put_image(const char *folder, const struct manifest *m,
		      const uint8_t *image, struct error *err)
{
	char name[MANIFEST_IMAGE_NAME], path[4096];
	size_t len;
	uint8_t *there;
	bool same;

	manifest_image_name(m, name);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	there = tool_read(path, MANIFEST_IMAGE_MAX, &len, NULL);
	same = there && len == m->size && memcmp(there, image, len) == 0;
	free(there);
	return same || tool_write(folder, name, image, (size_t)m->size, err);
}

/* The manifest's time is its serial: web servers make validators of time and size,
 * and two manifests may be made in one second. */
static bool put_manifest(const char *folder, const struct manifest *m,
			 const char *text, struct error *err)
{
	struct timespec times[2] = { { .tv_sec = (time_t)m->serial },
				     { .tv_sec = (time_t)m->serial } };
	char path[4096];

	if (!tool_write(folder, MANIFEST_NAME, text, strlen(text), err))
		return false;
	snprintf(path, sizeof(path), "%s/" MANIFEST_NAME, folder);
	return utimensat(AT_FDCWD, path, times, 0) == 0 ||
	       error_set(err, ERROR_SYSTEM, errno, "%s", path);
}

static bool publish(struct sync *s, const struct image *image,
		    const uint8_t *data, size_t size, struct error *err)
{
	struct manifest m = { .signed_at = (uint64_t)time(NULL) }, last = { 0 };
	char text[MANIFEST_MAX], name[MANIFEST_IMAGE_NAME];
	char last_name[MANIFEST_IMAGE_NAME] = "";
	struct manifest_secret secret;
	struct image_about about;
	bool ok;

	if (!read_secret(s->key_file, &secret, err))
		return false;
	image_about(image, &about);
	m.built = about.built;
	m.serial = m.signed_at;
	m.expires = m.signed_at + s->conf->max_age_s;
	if (last_manifest(s->publish, &secret.key, &last)) {
		manifest_image_name(&last, last_name);
		if (last.serial >= m.serial) /* the clock was set back */
			m.serial = last.serial + 1;
	}
	list_sources(image, m.sources, sizeof(m.sources));
	ok = manifest_sign(&m, &secret, data, size, text, err) &&
	     put_image(s->publish, &m, data, err) &&
	     put_manifest(s->publish, &m, text, err);
	explicit_bzero(&secret, sizeof(secret));
	if (!ok)
		return false;
	tidy(s->publish, manifest_image_name(&m, name), last_name);
	s->fleet.manifest = m;
	s->fleet.result = "published";
	return true;
}

bool sync_publish(struct sync *s)
{
	struct image *image = NULL;
	struct error err = { 0 };
	uint8_t *data;
	char path[4096];
	size_t size;
	bool ok;

	snprintf(path, sizeof(path), "%s/" IMAGE_NAME, s->conf->state_dir);
	data = tool_read(path, MANIFEST_IMAGE_MAX, &size, &err);
	ok = data && image_open(&image, path, IMAGE_CHECK_ALL, &err) &&
	     publish(s, image, data, size, &err);
	if (!ok)
		sync_fail(s, "nothing was published: %s", err.text);
	image_close(image);
	free(data);
	return ok;
}
