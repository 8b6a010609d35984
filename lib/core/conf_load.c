// SPDX-License-Identifier: GPL-2.0-or-later
/* A text file in memory: the configuration, or a list of networks.  Only what can be
 * read as text gets so far: UTF-8 without control characters, of a bounded size. */
#include "conf_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void conf_text_clear(struct conf_text *text)
{
	for (size_t i = 0; i < text->note_count; i++)
		free(text->notes[i].text);
	free(text->notes);
	free(text->sections);
	free(text->data);
	memset(text, 0, sizeof(*text));
}

static const char *kind_of(mode_t mode)
{
	if (S_ISDIR(mode))
		return "a folder";
	if (S_ISFIFO(mode))
		return "a pipe";
	return S_ISCHR(mode) || S_ISBLK(mode) ? "a device" : "no regular file";
}

/* Non-blocking, so that a pipe put there by mistake does not hang us. */
static int open_file(struct conf_reader *r, const char *path, size_t max,
		     size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		conf_fail_errno(r, path, errno, "cannot be read");
	} else if (!S_ISREG(st.st_mode)) {
		conf_fail(r, path, 0, "is %s; a text file is wanted",
			  kind_of(st.st_mode));
	} else if ((uintmax_t)st.st_size > max) {
		conf_fail(r, path, 0, "has %ju bytes; at most %zu are read",
			  (uintmax_t)st.st_size, max);
	} else {
		*size = (size_t)st.st_size;
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool read_file(struct conf_reader *r, const char *path, int fd,
		      size_t size, struct conf_text *text)
{
	text->data = malloc(size + 2); /* the line break and the NUL */
	if (!text->data)
		return conf_no_memory(r);
	while (text->len < size) {
		ssize_t n = read(fd, text->data + text->len, size - text->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return conf_fail_errno(r, path, errno,
					       "cannot be read");
		if (n == 0)
			break;
		text->len += (size_t)n;
	}
	if (text->len == 0 || text->data[text->len - 1] != '\n')
		text->data[text->len++] = '\n';
	text->data[text->len] = '\0';
	return true;
}

/* Length of the UTF-8 character at p (RFC 3629 4), 0 where there is none. There
 * is a NUL behind the text, so that looking ahead ends there. */
static size_t utf8_length(const unsigned char *p)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	uint32_t c = len == 1 ? p[0] : p[0] & (0xffu >> (len + 1));

	if (p[0] >= 0xf8 || (p[0] >= 0x80 && p[0] < 0xc0))
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return len;
}

/* What a terminal might obey: C0 but tab and line end, DEL, C1. */
static bool is_control(const unsigned char *p)
{
	return (p[0] < 0x20 && p[0] != '\t' && p[0] != '\n') || p[0] == 0x7f ||
	       (p[0] == 0xc2 && p[1] < 0xa0);
}

static bool check_characters(struct conf_reader *r, const char *path,
			     struct conf_text *text)
{
	unsigned char *p = (unsigned char *)text->data;
	unsigned char *end = p + text->len;
	unsigned line = 1;

	if (text->len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		memset(p, ' ', 3); /* a byte order mark */
	while (p < end) {
		size_t len = utf8_length(p);

		if (len == 0)
			return conf_fail(r, path, line,
					 "byte 0x%02x is not UTF-8 text", *p);
		if (p[0] == '\r' && p[1] == '\n')
			*p = ' ';
		if (is_control(p))
			return conf_fail(r, path, line,
					 "control character 0x%02x; this is no "
					 "text file",
					 len == 2 ? p[1] : p[0]);
		line += *p == '\n';
		p += len;
	}
	return true;
}

bool conf_text_load(struct conf_reader *r, const char *path, size_t max,
		    struct conf_text *text)
{
	size_t size;
	int fd = open_file(r, path, max, &size);
	bool ok;

	if (fd < 0)
		return false;
	ok = read_file(r, path, fd, size, text) &&
	     check_characters(r, path, text);
	close(fd);
	return ok;
}
