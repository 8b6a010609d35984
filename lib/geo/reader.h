/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEO_READER_H
#define GEO_READER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <geoblock/error.h>
#include <geoblock/geo.h>

#include "input.h"

/* One file being read: what the reader of its kind is handed. */
struct reader {
	struct input in;
	struct geo_table *table;
	const struct geo_warn *warn; /* may be NULL */
	unsigned warned;
	size_t base4, base6;      /* where this file's entries begin */
	uint32_t index;           /* the source's, once it is in the table */
	struct geo_source source; /* kind and path are set; the reader sets
				   * registry, country, date, serial */
	uint32_t registry_line;   /* where the file names its registry */
};

/* reader_run - read a file into r->table, behind what it has already;
 * r->source is then complete, but not in the table.  table, warn, base4,
 * base6 and index have to be set.  On error the entries are taken out again.
 * fd: as for input_open(). */
bool reader_run(struct reader *r, const char *path, int fd, struct error *err);

/* The readers append the file's entries to the table, sorted and disjoint. */
bool read_rir(struct reader *r, struct error *err);
bool read_ipfire(struct reader *r, struct error *err);
bool read_cidr(struct reader *r, struct error *err);
bool read_mmdb(struct reader *r, struct error *err);

/* reader_v4, reader_v6 - the file's entries; NULL where there are none. */
struct geo_range4 *reader_v4(const struct reader *r, size_t *count);
struct geo_range6 *reader_v6(const struct reader *r, size_t *count);

/* reader_new_registry - refuse a second file of a registry. */
bool reader_new_registry(const struct reader *r, const struct geo_table *table,
			 struct error *err);

/* reader_fail, reader_warn - an error, a warning, about one line of the file;
 * in front comes "path:line: ", or "path: " for line 0. */
bool reader_fail(const struct reader *r, uint32_t line, struct error *err,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void reader_warn(struct reader *r, uint32_t line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* reader_wrap - the same context for an error that is there already. */
bool reader_wrap(const struct reader *r, uint32_t line, struct error *err);

/* reader_sort - put the file's entries in order. */
bool reader_sort(struct reader *r, struct error *err);

/* reader_disjoint - refuse two entries of the file that overlap; they are
 * sorted. */
bool reader_disjoint(const struct reader *r, struct error *err);

/* Entries of text files. */
struct text {
	const char *p;
	size_t len;
};

/* text_entry - the next line that is neither blank nor a comment, without
 * comment and blanks around it; entry->p is NULL at the end.  A comment that
 * begins with `dated` ("Generated:") gives the source its date. */
bool text_entry(struct reader *r, const char *dated, struct text *entry,
		struct error *err);

/* text_quote - for messages: bounded, nothing that upsets a terminal. */
#define TEXT_QUOTE_MAX 64
const char *text_quote(const struct text *text, char buf[TEXT_QUOTE_MAX]);

/* geo_warn_say - tell a listener, if there is one. */
void geo_warn_say(const struct geo_warn *warn, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
