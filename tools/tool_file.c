// SPDX-License-Identifier: GPL-2.0-or-later
/* Whole files: what is read is bounded before there is memory for it, what is
 * written is there as a whole or not at all. */
#include "tools/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <geoblock/write_all.h>

static bool fill(int fd, uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = read(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

uint8_t *tool_read_fd(int fd, size_t max, size_t *len, struct error *err)
{
	uint8_t *data = NULL;
	struct stat st;

	*len = 0;
	if (fstat(fd, &st) < 0) {
		error_set(err, ERROR_SYSTEM, errno, "cannot be read");
	} else if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max) {
		error_set(err, ERROR_MALFORMED, 0,
			  "is no regular file of at most %zu bytes", max);
	} else if (!(data = malloc((size_t)st.st_size + 1))) {
		error_set(err, ERROR_LIMIT, 0, "out of memory");
	} else if (!fill(fd, data, (size_t)st.st_size)) {
		error_set(err, ERROR_SYSTEM, errno, "cannot be read");
		free(data);
		data = NULL;
	} else {
		*len = (size_t)st.st_size;
	}
	close(fd);
	return data;
}

uint8_t *tool_read(const char *path, size_t max, size_t *len, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	uint8_t *data;

	*len = 0;
	if (fd < 0) {
		error_set(err, ERROR_SYSTEM, errno, "%s", path);
		return NULL;
	}
	data = tool_read_fd(fd, max, len, err);
	if (!data)
		error_wrap(err, "%s", path);
	return data;
}

static bool write_new(const char *path, const void *data, size_t size)
{
	/* of an earlier run that is over: we hold the folder's lock */
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		      0600);
	bool ok;

	if (fd < 0)
		return false;
	ok = write_all(fd, data, size) && fchmod(fd, 0644) == 0 &&
	     fsync(fd) == 0;
	return close(fd) == 0 && ok;
}

static bool temporary_of(char path[4096], const char *state_dir,
			 const char *name)
{
	return snprintf(path, 4096, "%s/%s.tmp", state_dir, name) < 4096;
}

void tool_write_clear(const char *state_dir, const char *name)
{
	char temporary[4096];

	if (temporary_of(temporary, state_dir, name))
		unlink(temporary);
}

bool tool_write(const char *state_dir, const char *name, const void *data,
		size_t size, struct error *err)
{
	char path[4096], temporary[4096];

	if (!temporary_of(temporary, state_dir, name))
		return error_set(err, ERROR_LIMIT, 0, "%s: path too long",
				 state_dir);
	snprintf(path, sizeof(path), "%s/%s", state_dir, name);
	if (write_new(temporary, data, size) && rename(temporary, path) == 0)
		return true;
	error_set(err, ERROR_SYSTEM, errno, "cannot write %s", path);
	unlink(temporary);
	return false;
}
