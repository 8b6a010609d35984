// SPDX-License-Identifier: GPL-2.0-or-later
/* Putting an image in its place.
 *
 * From the first byte to the last the new image has a temporary name.  Then
 * three steps, after each of which a kill or a power cut leaves a whole image
 * under IMAGE_NAME:
 *
 *   link    geo.img            geo.img.tmp.PID.prev   the current one, again
 *   rename  geo.img.tmp.PID.prev  geo.img.prev
 *   rename  geo.img.tmp.PID    geo.img
 *
 * Where the file system has no hard links the first two are one rename of the
 * current to the previous name: a reader who comes just then takes that one.  A
 * current image that is damaged does not become the previous one, which may be
 * the only good one.
 *
 * The caller keeps a second writer out, so every temporary file that is found
 * belongs to a run that is over.  (A lock on the folder itself would not do: any user
 * can lock what he may read.) */
#include <geoblock/image.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <geoblock/write_all.h>

#include "image_build.h"
#include "image_private.h"

#define TEMPORARY          IMAGE_NAME ".tmp."
#define TEMPORARY_PREVIOUS ".prev"

/* What an operator can do about it. */
static const char *remedy(int code)
{
	switch (code) {
	case ENOSPC:
	case EDQUOT:
		return " (make room there and run again)";
	case EROFS:
		return " (mount it writable, or set state-dir to a place that "
		       "is)";
	case EACCES:
	case EPERM:
		return " (run as the user who may write there, or set "
		       "state-dir)";
	case EEXIST:
		return " (remove it first)";
	case ENOENT:
		return " (make the folder first)";
	default:
		return "";
	}
}

static bool system_error(struct error *err, const char *what, const char *path)
{
	int code = errno;

	return error_set(err, ERROR_SYSTEM, code, "cannot %s %s%s", what, path,
			 remedy(code));
}

/* A new file, whole and on the disk, or none. */
static bool create(int folder, const char *name, const char *shown,
		   const uint8_t *bytes, size_t size, struct error *err)
{
	int fd = openat(folder, name,
			O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			0600);
	bool ok;

	if (fd < 0)
		return system_error(err, "create", shown);
	/* readable for all who run a query, whatever the umask */
	ok = write_all(fd, bytes, size) && fchmod(fd, 0644) == 0 &&
	     fsync(fd) == 0;
	if (!ok)
		system_error(err, "write", shown);
	if (close(fd) != 0 && ok) {
		ok = false;
		system_error(err, "write", shown);
	}
	if (!ok)
		unlinkat(folder, name, 0);
	return ok;
}

/* ---- the state folder
 * --------------------------------------------------------- */

/* geo.img.tmp.PID or geo.img.tmp.PID.prev */
static bool is_temporary(const char *name)
{
	size_t prefix = strlen(TEMPORARY), digits;

	if (strncmp(name, TEMPORARY, prefix) != 0)
		return false;
	name += prefix;
	digits = strspn(name, "0123456789");
	name += digits;
	return digits > 0 && (!*name || strcmp(name, TEMPORARY_PREVIOUS) == 0);
}

static void remove_left_over(int folder)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!dir) {
		if (copy >= 0)
			close(copy);
		return; /* they will be there next time */
	}
	while ((entry = readdir(dir)))
		if (is_temporary(entry->d_name))
			unlinkat(folder, entry->d_name, 0);
	closedir(dir);
}

/* The current image under the previous one's name as well. */
static bool keep_current(int folder, const char *spare)
{
	bool ok;

	if (linkat(folder, IMAGE_NAME, folder, spare, 0) != 0)
		return (errno == EPERM || errno == EOPNOTSUPP ||
			errno == EMLINK) &&
		       renameat(folder, IMAGE_NAME, folder,
				IMAGE_NAME_PREVIOUS) == 0;
	ok = renameat(folder, spare, folder, IMAGE_NAME_PREVIOUS) == 0;
	/* rename(2) leaves both names where they are the same file already */
	unlinkat(folder, spare, 0);
	return ok;
}

static bool put_in_place(int folder, const char *state_dir, const char *name,
			 bool current_whole, struct error *err)
{
	char spare[64];

	snprintf(spare, sizeof(spare), "%s%s", name, TEMPORARY_PREVIOUS);
	if (current_whole && !keep_current(folder, spare))
		return system_error(err, "replace " IMAGE_NAME_PREVIOUS " in",
				    state_dir);
	if (renameat(folder, name, folder, IMAGE_NAME) != 0)
		return system_error(err, "replace " IMAGE_NAME " in",
				    state_dir);
	if (fsync(folder) != 0)
		return system_error(err, "sync", state_dir);
	return true;
}

/* Whether there is a whole current image, and whether it says the same. */
static bool current_is_whole(const char *state_dir, const uint8_t digest[32],
			     bool *same)
{
	struct image_about about;
	struct image *image;
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/%s", state_dir, IMAGE_NAME);

	*same = false;
	if (n < 0 || (size_t)n >= sizeof(path) ||
	    !image_open(&image, path, IMAGE_CHECK_ALL, NULL))
		return false;
	image_about(image, &about);
	*same = memcmp(about.digest, digest, sizeof(about.digest)) == 0;
	image_close(image);
	return true;
}

static bool replace(int folder, const char *state_dir, const uint8_t *bytes,
		    size_t size, bool *changed, struct error *err)
{
	char name[48], shown[4096];
	bool same, whole;

	remove_left_over(folder);
	whole = current_is_whole(state_dir, image_digest(bytes), &same);
	if (same)
		return true;
	snprintf(name, sizeof(name), TEMPORARY "%ld", (long)getpid());
	snprintf(shown, sizeof(shown), "%s/%s", state_dir, name);
	if (!create(folder, name, shown, bytes, size, err))
		return false;
	if (!put_in_place(folder, state_dir, name, whole, err)) {
		unlinkat(folder, name, 0);
		return false;
	}
	*changed = true;
	return true;
}

bool image_install(const struct image *image, const char *state_dir,
		   bool *changed, struct error *err)
{
	int folder = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok;

	*changed = false;
	if (folder < 0)
		return system_error(err, "open", state_dir);
	ok = replace(folder, state_dir, image->map, image->bytes, changed, err);
	close(folder);
	return ok;
}
