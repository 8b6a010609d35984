// SPDX-License-Identifier: GPL-2.0-or-later
/* Opening an image, and closing it: nothing of a file is believed before it was
 * checked, all at once or block by block.
 *
 * The mapping stays valid because an image never changes: it is written under
 * another name, and only then gets its own by rename(2).  The old file lives on
 * until the last mapping of it is gone.  Who truncates it by hand kills the
 * readers (SIGBUS); nothing of ours does. */
#include "image_build.h"
#include "image_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool image_touch(const struct image *image, const void *p, size_t bytes)
{
	size_t at = (size_t)((const uint8_t *)p - image->data);
	size_t end = image->bytes - (size_t)(image->data - image->map);

	if (!image->verified)
		return true;
	for (size_t k = at / IMAGE_BLOCK; k <= (at + bytes - 1) / IMAGE_BLOCK;
	     k++) {
		size_t begin = k * IMAGE_BLOCK;
		size_t length =
			end - begin < IMAGE_BLOCK ? end - begin : IMAGE_BLOCK;

		if (__atomic_load_n(&image->verified[k], __ATOMIC_RELAXED))
			continue;
		if (image_crc(image->data + begin, length) != image->table[k])
			return false;
		__atomic_store_n(&image->verified[k], 1, __ATOMIC_RELAXED);
	}
	return true;
}

static struct family family(const struct image *image,
			    const struct image_layout *l, bool v6)
{
	const struct image_family *stored =
		v6 ? &image->header->v6 : &image->header->v4;
	/* aligned: the mapping to a page, a section to IMAGE_ALIGN */
#define AT(section) ((const void *)(image->map + l->at[section]))
	struct family f = {
		.base = stored->base,
		.shift = stored->shift,
		.pages = stored->pages,
		.slots = stored->slots,
		.segments = stored->segments,
		.records = stored->records,
		.page = AT(v6 ? SECTION_PAGE6 : SECTION_PAGE4),
		.index = AT(v6 ? SECTION_INDEX6 : SECTION_INDEX4),
		.start = v6 ? NULL : AT(SECTION_START4),
		.hi = v6 ? AT(SECTION_HI6) : NULL,
		.lo = v6 ? AT(SECTION_LO6) : NULL,
		.first = AT(v6 ? SECTION_COUNTRY6 : SECTION_COUNTRY4),
		.second = image->header->second
				  ? AT(v6 ? SECTION_SECOND6 : SECTION_SECOND4)
				  : NULL,
		.origin = AT(v6 ? SECTION_ORIGIN6 : SECTION_ORIGIN4),
		.date = AT(v6 ? SECTION_DATE6 : SECTION_DATE4),
		.kept = AT(v6 ? SECTION_KEPT6 : SECTION_KEPT4),
		.kept_count = stored->kept,
	};
#undef AT
	f.country = f.first;
	return f;
}

/* Everything after the mapping; image->map and bytes are set. */
static bool attach(struct image *image, enum image_trust trust,
		   struct error *err)
{
	struct image_layout l;

	image->header = (const void *)image->map;
	image->trust = trust;
	if (!image_check_header(image->header, image->bytes, &l, err))
		return false;
	image->data = image->map + l.data;
	image->table = (const void *)(image->map + sizeof(*image->header));
	image->blocks = l.blocks;
	image->sources = (const void *)(image->map + l.at[SECTION_SOURCES]);
	image->v4 = family(image, &l, false);
	image->v6 = family(image, &l, true);
	image->hot4 = image->v4;
	image->hot6 = image->v6;
	image->verified = calloc(l.blocks, 1);
	if (!image->verified)
		return error_set(err, ERROR_LIMIT, 0, "no memory");
	if (!image_check_sources(image, err))
		return false;
	if (trust != IMAGE_CHECK_ALL)
		return true;
	if (!image_check_content(image, err))
		return false;
	free(image->verified);
	image->verified = NULL;
	return true;
}

static bool map(struct image *image, const char *path, enum image_trust trust,
		struct error *err)
{
	/* O_NONBLOCK: opening a FIFO would wait for its writer */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int flags = MAP_PRIVATE | (trust == IMAGE_CHECK_ALL ? MAP_POPULATE : 0);
	struct stat st;
	void *p;

	if (fd < 0)
		return error_set(err, ERROR_SYSTEM, errno, "cannot open it");
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0) {
		close(fd);
		return error_set(err, ERROR_MALFORMED, 0,
				 "not a geoblock image, but %s",
				 S_ISREG(st.st_mode) ? "an empty file"
						     : "no regular file");
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, flags, fd, 0);
	if (p == MAP_FAILED)
		error_set(err, ERROR_SYSTEM, errno, "cannot map it");
	close(fd);
	if (p == MAP_FAILED)
		return false;
	image->map = p;
	image->bytes = (size_t)st.st_size;
	return true;
}

bool image_open(struct image **image, const char *path, enum image_trust trust,
		struct error *err)
{
	struct image *new = calloc(1, sizeof(*new));

	*image = NULL;
	if (!new)
		return error_set(err, ERROR_LIMIT, 0, "%s: no memory", path);
	if (!map(new, path, trust, err) || !attach(new, trust, err)) {
		image_close(new);
		return error_wrap(err, "%s", path);
	}
	*image = new;
	return true;
}

bool image_open_newest(struct image **image, const char *state_dir,
		       enum image_trust trust, struct error *fallback,
		       struct error *err)
{
	struct error first = { 0 }, second = { 0 };
	char path[4096];

	if (fallback)
		fallback->kind = ERROR_NONE;
	*image = NULL;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", state_dir,
			     IMAGE_NAME_PREVIOUS) >= sizeof(path))
		return error_set(err, ERROR_LIMIT, 0, "%s: path too long",
				 state_dir);
	snprintf(path, sizeof(path), "%s/%s", state_dir, IMAGE_NAME);
	if (image_open(image, path, trust, &first))
		return true;
	snprintf(path, sizeof(path), "%s/%s", state_dir, IMAGE_NAME_PREVIOUS);
	if (image_open(image, path, trust, &second)) {
		if (fallback)
			*fallback = first;
		return true;
	}
	if (first.sys_errno == ENOENT && second.sys_errno == ENOENT)
		return error_set(err, ERROR_SYSTEM, ENOENT,
				 "no country data in %s", state_dir);
	if (first.sys_errno == ENOENT || second.sys_errno == ENOENT) {
		if (err)
			*err = first.sys_errno == ENOENT ? second : first;
		return false;
	}
	return error_set(err, first.kind, 0, "%s; %s", first.text, second.text);
}

bool image_make(struct image **image, const struct geo_table *table,
		uint64_t now, struct error *err)
{
	struct image *new = calloc(1, sizeof(*new));
	uint8_t *bytes;

	*image = NULL;
	if (!new)
		return error_set(err, ERROR_LIMIT, 0, "no memory");
	if (!image_compile(table, now, &bytes, &new->bytes, err)) {
		free(new);
		return false;
	}
	new->map = bytes;
	new->in_memory = true;
	/* the compiler's work is checked like anybody's */
	if (!attach(new, IMAGE_CHECK_ALL, err)) {
		image_close(new);
		return false;
	}
	*image = new;
	return true;
}

void image_close(struct image *image)
{
	if (!image)
		return;
	if (image->in_memory)
		free((void *)(uintptr_t)image->map);
	else if (image->map)
		munmap((void *)(uintptr_t)image->map, image->bytes);
	free(image->verified);
	free(image->agreed4);
	free(image->agreed6);
	image_close(image->merged);
	free(image);
}
