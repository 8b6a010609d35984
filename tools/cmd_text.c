// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/cmd_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define COLUMNS 78
#define LABEL   12 /* columns in front of a value */

void text_add(struct text *text, const char *fmt, ...)
{
	size_t room = sizeof(text->bytes) - text->used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text->bytes + text->used, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		text->used += (size_t)n < room ? (size_t)n : room - 1;
}

unsigned text_width(const char *bytes, size_t len)
{
	unsigned columns = 0;

	for (size_t i = 0; i < len; i++)
		columns += ((unsigned char)bytes[i] & 0xc0) != 0x80;
	return columns;
}

void text_pad(unsigned columns)
{
	while (columns-- > 0)
		putchar(' ');
}

void text_paragraph(const struct text *text, unsigned at, unsigned indent)
{
	const char *p = text->bytes, *end = p + text->used;

	while (p < end) {
		size_t len = strcspn(p, " ");
		unsigned columns = text_width(p, len);

		if (at > indent && at + 1 + columns > COLUMNS) {
			putchar('\n');
			text_pad(indent);
			at = indent;
		} else if (at > indent) {
			putchar(' ');
			at++;
		}
		for (size_t i = 0; i < len; i++)
			putchar(p[i] == TEXT_KEEP ? ' ' : p[i]);
		at += columns;
		p += len + (p[len] == ' ');
	}
	putchar('\n');
}

void text_entry(const char *label, const struct text *text)
{
	unsigned used = text_width(label, strlen(label));

	fputs(label, stdout);
	text_pad(used < LABEL ? LABEL - used : 1);
	text_paragraph(text, used < LABEL ? LABEL : used + 1, LABEL);
}

void text_line(const char *label, const char *words)
{
	struct text text = { .used = 0 };

	text_add(&text, "%s", words);
	text_entry(label, &text);
}
