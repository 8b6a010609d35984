// SPDX-License-Identifier: GPL-2.0-or-later
/* The database of signatures: who owns what.  Each file is read whole and kept;
 * names, flavours and texts point into it, so that a database is a handful of
 * allocations and is freed as one. */
#include <geoblock/signature.h>

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/core/signature_impl.h"

/* share/os.fp, as it was when this was compiled */
extern const char signature_builtin_text[];
extern const uint32_t signature_builtin_size;

bool signatures_new(struct signatures **out, struct error *err)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return error_set(err, ERROR_LIMIT, 0,
				 "no memory for signatures");
	return true;
}

void signatures_free(struct signatures *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < db->text_count; i++)
		free(db->texts[i]);
	free(db->texts);
	free(db->list);
	signature_index_free(db->index);
	free(db);
}

size_t signatures_count(const struct signatures *db)
{
	return db->count;
}

const struct signature *signatures_get(const struct signatures *db, size_t i)
{
	assert(i < db->count);
	return &db->list[i];
}

/* Room for one more of *list; doubles. */
static bool grow(void **list, size_t count, size_t *room, size_t size,
		 struct error *err)
{
	size_t more = *room ? *room * 2 : 64;
	void *bigger;

	if (count < *room)
		return true;
	bigger = reallocarray(*list, more, size);
	if (!bigger)
		return error_set(err, ERROR_LIMIT, 0,
				 "no memory for %zu signatures", more);
	*list = bigger;
	*room = more;
	return true;
}

bool signature_add(struct signatures *db, const struct signature *s,
		   struct error *err)
{
	void *list = db->list;

	if (db->count == SIGNATURES_MAX)
		return error_set(err, ERROR_LIMIT, 0,
				 "%s:%u: more than %d signatures", s->file,
				 s->line, SIGNATURES_MAX);
	if (!grow(&list, db->count, &db->room, sizeof(*s), err))
		return false;
	db->list = list;
	db->list[db->count++] = *s;
	return true;
}

/* Keeps one block for the file's name and its text, each with a NUL. */
static char *keep(struct signatures *db, const char *name, const char *text,
		  size_t len, struct error *err)
{
	size_t name_size = strlen(name) + 1;
	void *texts = db->texts;
	char *block;

	if (!grow(&texts, db->text_count, &db->text_room, sizeof(*db->texts),
		  err))
		return NULL;
	db->texts = texts;
	block = malloc(name_size + len + 1);
	if (!block) {
		error_set(err, ERROR_LIMIT, 0, "%s: no memory for %zu bytes",
			  name, len);
		return NULL;
	}
	memcpy(block, name, name_size);
	memcpy(block + name_size, text, len);
	block[name_size + len] = '\0';
	db->texts[db->text_count++] = block;
	return block;
}

bool signatures_read_text(struct signatures *db, const char *name,
			  const char *text, size_t len, struct error *err)
{
	size_t before = db->count;
	const char *nul = memchr(text, '\0', len);
	char *block;

	assert(!db->index);
	if (len > SIGNATURES_FILE_MAX)
		return error_set(err, ERROR_LIMIT, 0,
				 "%s: larger than %d MiB: not a database of "
				 "signatures",
				 name, SIGNATURES_FILE_MAX >> 20);
	if (nul)
		return error_set(err, ERROR_MALFORMED, 0,
				 "%s: a zero byte at %zu: not a text file",
				 name, (size_t)(nul - text));
	block = keep(db, name, text, len, err);
	if (!block)
		return false;
	if (signature_parse_text(db, block, block + strlen(name) + 1, err))
		return true;
	db->count = before;
	free(db->texts[--db->text_count]);
	return false;
}

/* The whole of an open file; *len is its length. */
static char *slurp(int fd, const char *path, size_t *len, struct error *err)
{
	struct stat st;
	char *text;
	ssize_t n;

	if (fstat(fd, &st) < 0) {
		error_set(err, ERROR_SYSTEM, errno, "%s", path);
		return NULL;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > SIGNATURES_FILE_MAX) {
		error_set(err, ERROR_LIMIT, 0,
			  "%s: not a regular file of at most %d MiB", path,
			  SIGNATURES_FILE_MAX >> 20);
		return NULL;
	}
	text = malloc((size_t)st.st_size + 1);
	if (!text) {
		error_set(err, ERROR_LIMIT, 0, "%s: no memory", path);
		return NULL;
	}
	*len = 0;
	/* one byte more than it should have shows whether it is growing */
	while ((n = read(fd, text + *len, (size_t)st.st_size + 1 - *len)) > 0)
		*len += (size_t)n;
	if (n < 0) {
		error_set(err, ERROR_SYSTEM, errno, "%s", path);
		free(text);
		return NULL;
	}
	return text;
}

bool signatures_read(struct signatures *db, const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t len;
	char *text;
	bool ok;

	if (fd < 0)
		return error_set(err, ERROR_SYSTEM, errno, "%s", path);
	text = slurp(fd, path, &len, err);
	close(fd);
	if (!text)
		return false;
	ok = signatures_read_text(db, path, text, len, err);
	free(text);
	return ok;
}

static int is_fp(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 3 &&
	       strcmp(entry->d_name + len - 3, ".fp") == 0;
}

/* Bytes, whatever the locale: the order decides which signature wins. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

bool signatures_read_folder(struct signatures *db, const char *path,
			    struct error *err)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_fp, by_name);
	bool ok = true;

	if (count < 0)
		return errno == ENOENT ||
		       error_set(err, ERROR_SYSTEM, errno, "%s", path);
	for (int i = 0; i < count; i++) {
		char name[4096];

		if (ok && snprintf(name, sizeof(name), "%s/%s", path,
				   entries[i]->d_name) >= (int)sizeof(name))
			ok = error_set(err, ERROR_LIMIT, 0, "%s: path too long",
				       path);
		ok = ok && signatures_read(db, name, err);
		free(entries[i]);
	}
	free(entries);
	return ok;
}

bool signatures_read_builtin(struct signatures *db, struct error *err)
{
	return signatures_read_text(db, SIGNATURES_BUILTIN,
				    signature_builtin_text,
				    signature_builtin_size, err);
}

bool signatures_compile(struct signatures *db, struct error *err)
{
	assert(!db->index);
	return signature_index_build(db, err);
}
