/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_CMD_TEXT_H
#define TOOLS_CMD_TEXT_H

#include <stddef.h>

/* Words on their way to standard output, in lines of at most 78 columns: with a label
 * in front, or as a paragraph behind what is printed already. */

/* A blank at which no line is broken. */
#define TEXT_KEEP '\037'

/* To be zeroed before use, or its `used`. */
struct text {
	char bytes[8192]; /* every country with its name takes about 4000 */
	size_t used;
};

/* text_add - what does not fit is cut. */
void text_add(struct text *text, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* text_width - columns of UTF-8 text, near enough: letters that are wide or combine
 * are rare here. */
unsigned text_width(const char *bytes, size_t len);
void text_pad(unsigned columns);

/* text_paragraph - behind `at` columns that are printed already, indented by
 * `indent`. */
void text_paragraph(const struct text *text, unsigned at, unsigned indent);

/* text_entry - "label       text"; text_line - the same of a string. */
void text_entry(const char *label, const struct text *text);
void text_line(const char *label, const char *words);

#endif
