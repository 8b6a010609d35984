// SPDX-License-Identifier: GPL-2.0-or-later
/* The reading side of the text protocol, for geoblock-policyd. */
#include <string.h>

#include "daemon/text.h"

/* One value from its first character on: copied (out NULL: passed over) up to the
 * blank or quote that ends it.  NULL: it does not end, or does not fit. */
static const char *take(const char *at, char *out, size_t size)
{
	bool quoted = *at == '"';
	size_t len = 0;

	at += quoted;
	for (; *at && *at != '\n' && *at != (quoted ? '"' : ' '); at++) {
		if (quoted && *at == '\\' && !*++at)
			return NULL;
		if (out && len + 1 >= size)
			return NULL;
		if (out)
			out[len] = *at;
		len++;
	}
	if (quoted && *at++ != '"')
		return NULL;
	if (*at && *at != ' ' && *at != '\n')
		return NULL;
	if (out)
		out[len] = '\0';
	return at;
}

bool text_value(const char *answer, const char *key, char *out, size_t size)
{
	size_t len = strlen(key);
	const char *at = answer;

	if (size == 0)
		return false;
	out[0] = '\0';
	while (at && *at && *at != '\n') {
		size_t name = strcspn(at, "= \n");

		if (at[name] != '=')
			return false;
		if (name == len && memcmp(at, key, len) == 0) {
			if (take(at + name + 1, out, size))
				return true;
			out[0] = '\0';
			return false;
		}
		at = take(at + name + 1, NULL, 0);
		if (at && *at == ' ')
			at++;
	}
	return false;
}
