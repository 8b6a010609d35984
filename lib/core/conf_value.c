// SPDX-License-Identifier: GPL-2.0-or-later
/* What several options have in common: a value is a word of a list, a number, a
 * path, a duration … or that is said, and the option keeps its default. */
#include "conf_impl.h"

#include <stdlib.h>
#include <string.h>

#include <geoblock/words.h>

#define LENGTH(a)   (sizeof(a) / sizeof((a)[0]))
#define ACCOUNT_MAX 32 /* useradd(8), groupadd(8) */

bool conf_refuse(struct conf_reader *r, const struct conf_value *value,
		 const char *text)
{
	return conf_fail(r, r->path, value->line, "\"%.80s\" %s", value->text,
			 text);
}

void conf_say_word(struct conf_reader *r, const struct conf_value *value,
		   const char *what, const char *const *words, size_t count)
{
	const char *near = words_nearest(words, count, value->text);
	char list[200];

	if (near)
		conf_fail(r, r->path, value->line,
			  "%s \"%.80s\" is not known; did you mean \"%s\"?",
			  what, value->text, near);
	else
		conf_fail(r, r->path, value->line,
			  "%s \"%.80s\" is not known; it is %s", what,
			  value->text,
			  words_join(words, count, list, sizeof(list)));
}

int conf_word(struct conf_reader *r, const struct conf_setting *setting,
	      const char *const *words, size_t count)
{
	int found = words_find(words, count, setting->values[0].text);

	if (found < 0)
		conf_say_word(r, &setting->values[0], setting->option->name,
			      words, count);
	return found;
}

bool conf_number(const char *text, unsigned long min, unsigned long max,
		 unsigned long *out)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	size_t len = strlen(digits);

	/* ten digits fit an unsigned long whatever they are */
	if (len == 0 || len > 10 ||
	    strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") !=
		    len)
		return false;
	*out = strtoul(digits, NULL, hex ? 16 : 10);
	return *out >= min && *out <= max;
}

bool conf_take_number(struct conf_reader *r, const struct conf_value *value,
		      unsigned long min, unsigned long max, const char *unit,
		      unsigned long *out)
{
	if (conf_number(value->text, min, max, out))
		return true;
	conf_fail(r, r->path, value->line,
		  "\"%.80s\" is no number from %lu to %lu%s", value->text, min,
		  max, unit);
	return false;
}

bool conf_copy(struct conf_reader *r, char **to, const char *text)
{
	free(*to);
	*to = strdup(text);
	if (*to)
		return true;
	conf_no_memory(r);
	return false;
}

void conf_path(struct conf_reader *r, const struct conf_value *value,
	       size_t max, char **to)
{
	size_t len = strlen(value->text);

	if (value->text[0] != '/') {
		conf_refuse(r, value,
			    "is no absolute path; it begins with \"/\"");
		return;
	}
	if (len > max) {
		conf_fail(r, r->path, value->line,
			  "\"%.80s\" has %zu characters; at most %zu fit",
			  value->text, len, max);
		return;
	}
	if (!conf_copy(r, to, value->text))
		return;
	while (len > 1 && (*to)[len - 1] == '/')
		(*to)[--len] = '\0';
}

bool conf_duration_parse(const char *text, uint32_t *out)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = { { 's', 1 },
		      { 'm', 60 },
		      { 'h', 3600 },
		      { 'd', 86400 },
		      { 'w', 604800 } };
	size_t digits = strspn(text, "0123456789");
	uint64_t value;

	if (digits == 0 || digits > 9 || text[digits] == '\0' ||
	    text[digits + 1] != '\0')
		return false;
	value = strtoul(text, NULL, 10);
	for (size_t i = 0; i < LENGTH(units); i++)
		if (units[i].unit == text[digits]) {
			value *= units[i].seconds;
			if (value == 0 || value > 3650u * 86400u)
				return false;
			*out = (uint32_t)value;
			return true;
		}
	return false;
}

bool conf_duration(struct conf_reader *r, const struct conf_value *value,
		   uint32_t *out)
{
	return conf_duration_parse(value->text, out) ||
	       conf_refuse(r, value,
			   "is no duration from 1s to 3650d: a number and s, "
			   "m, h, d "
			   "or w, such as 7d");
}

void conf_bool(struct conf_reader *r, const struct conf_setting *setting,
	       bool *out)
{
	static const char *const words[] = { "false", "no",  "off",
					     "true",  "yes", "on" };
	int found = words_find(words, LENGTH(words), setting->values[0].text);

	if (found < 0)
		conf_refuse(r, &setting->values[0],
			    "is neither true nor false");
	else
		*out = found >= 3;
}

void conf_account(struct conf_reader *r, const struct conf_value *value,
		  const char *what, char **out)
{
	size_t len = strlen(value->text);

	if (len == 0 || len > ACCOUNT_MAX || value->text[0] == '-' ||
	    strpbrk(value->text, ":/ "))
		conf_fail(r, r->path, value->line,
			  "\"%.80s\" is no name of a %s", value->text, what);
	else
		conf_copy(r, out, value->text);
}

bool conf_server_parse(const char *text, uint16_t default_port,
		       struct conf_server *out)
{
	const char *bracket = text[0] == '[' ? strchr(text, ']') : NULL;
	const char *colon = strrchr(text, ':'), *port = NULL;
	size_t len = strlen(text);
	unsigned long number = default_port;

	if (bracket) {
		text++;
		len = (size_t)(bracket - text);
		port = bracket[1] == ':' ? bracket + 2 : NULL;
		if (bracket[1] != '\0' && !port)
			return false;
	} else if (colon && strchr(text, ':') == colon) {
		len = (size_t)(colon - text);
		port = colon + 1;
	}
	if ((port && !conf_number(port, 1, UINT16_MAX, &number)) || number == 0)
		return false;
	out->port = (uint16_t)number;
	return addr_parse(text, len, &out->addr, NULL);
}
