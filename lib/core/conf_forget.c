// SPDX-License-Identifier: GPL-2.0-or-later
/* Names that are not known.  libconfuse stops at the first of them; for every
 * mistake to be said at once, each is taken out of the text, and what is left is
 * parsed anew. */
#include "conf_impl.h"

#include <string.h>

/* The word `name` at or behind p, in its line.  A name that needs quotes is not
 * looked for. */
static char *find_name(char *p, const char *name)
{
	size_t len = strlen(name);
	char *end = strchr(p, '\n'), *start = p;

	for (size_t i = 0; i < len; i++)
		if (!conf_text_is_word(name[i]))
			return NULL;
	for (; len > 0 && (p = strstr(p, name)) && p < end; p++)
		if (!conf_text_is_word(p[len]) &&
		    (p == start || !conf_text_is_word(p[-1])))
			return p;
	return NULL;
}

static char *skip_blanks(char *p)
{
	return p + strspn(p, " \t\n");
}

/* p stands on a quote: behind the string.  The bounds are for a name found
 * inside one: then all this is a guess. */
static char *behind_string(char *p)
{
	char quote = *p++;

	for (; *p && *p != '\n'; p++) {
		if (*p == quote)
			return p + 1;
		if (p[0] == '\\' && p[1])
			p++;
	}
	return p;
}

/* p stands on "{": behind its "}". */
static char *behind_braces(char *p)
{
	unsigned depth = 0;

	while (*p) {
		if (*p == '"' || *p == '\'') {
			p = behind_string(p);
			continue;
		}
		depth += *p == '{';
		if (*p == '}' && --depth == 0)
			return p + 1;
		p++;
	}
	return p;
}

enum conf_found conf_text_forget(struct conf_text *text, unsigned line,
				 const char *name)
{
	char *p = text->data, *behind;

	for (; line > 1; line--)
		p = strchr(p, '\n') + 1;
	p = find_name(p, name);
	if (!p)
		return CONF_FOUND_NOTHING;
	behind = skip_blanks(p + strlen(name));
	if (*behind == '=') {
		conf_text_blank(p, p + strlen(name));
		*p = CONF_UNKNOWN[0];
		return CONF_FOUND_OPTION;
	}
	if (*behind == '"' || *behind == '\'') {
		behind = skip_blanks(behind_string(behind));
	} else if (conf_text_is_word(*behind)) {
		while (conf_text_is_word(*behind))
			behind++;
		behind = skip_blanks(behind);
	}
	if (*behind != '{')
		return CONF_FOUND_NOTHING;
	conf_text_blank(p, behind_braces(behind));
	return CONF_FOUND_SECTION;
}
