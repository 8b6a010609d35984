/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_GEO_FILES_H
#define TESTS_GEO_FILES_H

/* What tests of the readers share: files in a folder of their own, tables made
 * of them, warnings kept. */

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <geoblock/geo.h>

static char folder[] = "/tmp/geoblock-test-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int remove_folder(void **state)
{
	(void)state;
	return chdir("/") == 0
		       ? nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS)
		       : -1;
}

static inline void write_bytes(const char *name, const void *data, size_t len)
{
	FILE *f = fopen(name, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static inline void write_text(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

/* Warnings, one a line. */
struct heard {
	char text[8192];
	size_t used;
	unsigned count;
};

static inline void hear(void *ctx, const char *text)
{
	struct heard *heard = ctx;
	int n = snprintf(heard->text + heard->used,
			 sizeof(heard->text) - heard->used, "%s\n", text);

	heard->count++;
	if (n > 0 && (size_t)n < sizeof(heard->text) - heard->used)
		heard->used += (size_t)n;
}

#endif
