/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FUZZ_GEO_INPUT_H
#define FUZZ_GEO_INPUT_H

/* What the targets for readers share: the input as a file in memory, and what
 * has to hold of a table whatever was read into it. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/geo/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* MMDB_open() of libmaxminddb 1.7 loses some hundred bytes where it refuses the
 * languages or the description of a database: not ours to free. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb";
}

static inline void require(int holds)
{
	if (!holds)
		abort();
}

/* The path of a file of just these bytes, until the next call. */
static inline const char *fuzz_file(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char path[32];

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	require(fd >= 0 && ftruncate(fd, 0) == 0 &&
		pwrite(fd, data, size, 0) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

/* Sorted, disjoint, none turned around, of sources that exist. */
static inline void fuzz_check(const struct geo_table *t)
{
	for (size_t i = 0; i < t->count4; i++) {
		require(t->v4[i].first <= t->v4[i].last);
		require(i == 0 || t->v4[i].first > t->v4[i - 1].last);
		require(t->v4[i].source < t->source_count);
		require(t->v4[i].record.status < STATUS_COUNT);
		require(t->v4[i].record.registry < REGISTRY_COUNT);
	}
	for (size_t i = 0; i < t->count6; i++) {
		require(t->v6[i].first <= t->v6[i].last);
		require(i == 0 || t->v6[i].first > t->v6[i - 1].last);
		require(t->v6[i].source < t->source_count);
	}
}

/* An error has a text of one line; a warning too. */
static inline void fuzz_error(const struct error *err)
{
	require(err->kind != ERROR_NONE && err->text[0] != '\0');
	require(memchr(err->text, '\0', sizeof(err->text)) != NULL);
	for (const char *p = err->text; *p; p++)
		require(*p != '\n' && *p != '\033');
}

static inline void fuzz_say(void *ctx, const char *text)
{
	(void)ctx;
	require(text[0] != '\0' && !strchr(text, '\n') &&
		!strchr(text, '\033'));
}

/* The whole way, as a program goes it. */
static inline void fuzz_read(const uint8_t *data, size_t size)
{
	const struct geo_warn warn = { fuzz_say, NULL };
	struct geo_table table = { 0 };
	struct error err = { 0 };

	if (geo_read(&table, fuzz_file(data, size), &warn, &err)) {
		require(table.source_count == 1);
		fuzz_check(&table);
		require(geo_table_finish(&table, NULL, NULL, &warn, &err));
		fuzz_check(&table);
	} else {
		fuzz_error(&err);
		require(table.source_count == 0 && table.count4 == 0 &&
			table.count6 == 0);
	}
	geo_table_clear(&table);
}

/* One reader, whatever the input looks like, under a given file name. */
static inline void fuzz_reader(bool read(struct reader *r, struct error *err),
			       const char *name, const uint8_t *data,
			       size_t size)
{
	const struct geo_warn warn = { fuzz_say, NULL };
	struct geo_source source = { 0 };
	struct geo_table table = { .sources = &source, .source_count = 1 };
	struct reader r = { .table = &table, .warn = &warn };
	struct error err = { 0 };

	if (input_open(&r.in, fuzz_file(data, size), 0, &err)) {
		r.in.path = name;
		if (read(&r, &err))
			fuzz_check(&table);
		else
			fuzz_error(&err);
	}
	input_close(&r.in);
	table.sources = NULL;
	geo_table_clear(&table);
}

#endif
