// SPDX-License-Identifier: GPL-2.0-or-later
/* The configuration as text, before libconfuse sees it.
 *
 * libconfuse groups words into options, lists and sections, and does that well.
 * What it does badly is fail: it drops characters that it has no rule for,
 * replaces ${HOME} in quotes, ends a string at \x00, takes // inside an unquoted
 * URL for a comment, counts a line too many after each block comment, and reports
 * a missing brace at the end of the file.  So the text is scanned once before:
 * whatever would be read as something else than it looks like is refused with its
 * line, and comments are blanked, so that the line numbers of everything else are
 * right. */
#include "conf_impl.h"

#include <stdlib.h>
#include <string.h>

enum token { NOTHING, WORD, EQUALS, COMMA, OPEN, CLOSE };

struct scan {
	struct conf_reader *r;
	struct conf_text *text;
	size_t at;
	unsigned line;
	enum token last, before; /* the last two */
	unsigned word_line;      /* of the last word */
	bool in_section, in_list;
	unsigned section_line, list_line;
	size_t list_at;
};

static bool fail_at(const struct scan *s, unsigned line, const char *text)
{
	return conf_fail(s->r, s->r->path, line, "%s", text);
}

void conf_text_blank(char *from, char *to)
{
	for (; from < to; from++)
		if (*from != '\n')
			*from = ' ';
}

static bool add_note(struct scan *s, const char *from, const char *to)
{
	struct conf_text *text = s->text;
	struct conf_note *grown;

	while (from < to && (*from == '#' || *from == ' ' || *from == '\t'))
		from++;
	while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
		to--;
	if (from == to)
		return true;
	if (text->note_count == text->note_room) {
		text->note_room = text->note_room * 2 + 16;
		grown = reallocarray(text->notes, text->note_room,
				     sizeof(*grown));
		if (!grown)
			return conf_no_memory(s->r);
		text->notes = grown;
	}
	grown = &text->notes[text->note_count];
	grown->line = s->line;
	grown->text = strndup(from, (size_t)(to - from));
	if (!grown->text)
		return conf_no_memory(s->r);
	text->note_count++;
	return true;
}

static bool skip_line_comment(struct scan *s)
{
	char *p = s->text->data + s->at;
	char *end = strchr(p, '\n');

	if (*p == '#' && s->word_line == s->line && !add_note(s, p, end))
		return false;
	conf_text_blank(p, end);
	s->at += (size_t)(end - p);
	return true;
}

static bool skip_block_comment(struct scan *s)
{
	char *p = s->text->data + s->at;
	char *end = strstr(p + 2, "*/");

	if (!end)
		return fail_at(s, s->line,
			       "the comment that begins here is not closed: "
			       "\"*/\" is missing");
	for (char *q = p; q < end; q++)
		s->line += *q == '\n';
	conf_text_blank(p, end + 2);
	s->at += (size_t)(end + 2 - p);
	return true;
}

/* A quoted string ends on its line. */
static bool skip_string(struct scan *s)
{
	const char *p = s->text->data + s->at;
	char quote = *p++;

	for (; *p != quote; p++) {
		if (*p == '\n')
			return fail_at(s, s->line,
				       "the quoted text that begins here is "
				       "not closed on its line");
		if (*p == '\\' && p[1] != '\\' && p[1] != quote)
			return fail_at(s, s->line,
				       "a backslash stands only before a quote "
				       "or a backslash");
		if (*p == '\\')
			p++;
		else if (quote == '"' && p[0] == '$' && p[1] == '{')
			return fail_at(s, s->line,
				       "\"${\": variables are not replaced; "
				       "write the value itself");
	}
	s->at = (size_t)(p + 1 - s->text->data);
	return true;
}

bool conf_text_is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("_.:@/-\001\002", c));
}

static bool skip_word(struct scan *s)
{
	const char *p = s->text->data + s->at;

	for (; conf_text_is_word(*p); p++)
		if (*p == '/' && (p[1] == '/' || p[1] == '*'))
			return fail_at(s, s->line,
				       p[1] == '/'
					       ? "\"//\" begins a comment: put "
						 "the address in quotes"
					       : "\"/*\" begins a comment: put "
						 "the name in quotes");
	s->at = (size_t)(p - s->text->data);
	return true;
}

static void take(struct scan *s, enum token token)
{
	s->before = s->last;
	s->last = token;
	if (token == WORD)
		s->word_line = s->line;
}

static bool on_word(struct scan *s)
{
	if (s->in_list && s->last == WORD)
		return conf_fail(s->r, s->r->path, s->line,
				 "\",\" or \"}\" is missing before this value "
				 "(the list begins in line %u)",
				 s->list_line);
	take(s, WORD);
	return true;
}

static bool on_equals(struct scan *s)
{
	if (s->in_list)
		return conf_fail(s->r, s->r->path, s->line,
				 "the list that begins in line %u is not "
				 "closed: \"}\" is missing",
				 s->list_line);
	if (s->last != WORD)
		return fail_at(s, s->line, "\"=\" without a name before it");
	if (s->before == EQUALS)
		return fail_at(s, s->line,
			       "a second \"=\": the option before has no "
			       "value");
	take(s, EQUALS);
	return true;
}

static bool on_comma(struct scan *s)
{
	if (!s->in_list)
		return fail_at(s, s->line,
			       "\",\" outside a list: several values stand in "
			       "braces, as in {25, 587}");
	if (s->last != WORD)
		return fail_at(s, s->line, "no value before \",\"");
	take(s, COMMA);
	return true;
}

static bool add_section(struct scan *s)
{
	struct conf_text *text = s->text;
	unsigned *grown;

	if (text->section_count == CONF_SECTIONS_MAX)
		return conf_fail(s->r, s->r->path, s->word_line,
				 "more than %d sections", CONF_SECTIONS_MAX);
	if (text->section_count == text->section_room) {
		text->section_room = text->section_room * 2 + 16;
		grown = reallocarray(text->sections, text->section_room,
				     sizeof(*grown));
		if (!grown)
			return conf_no_memory(s->r);
		text->sections = grown;
	}
	text->sections[text->section_count++] = s->word_line;
	return true;
}

static bool on_open(struct scan *s)
{
	if (s->in_list)
		return conf_fail(s->r, s->r->path, s->line,
				 "\"{\" in the list that begins in line %u",
				 s->list_line);
	if (s->last == EQUALS) {
		s->in_list = true;
		s->list_line = s->line;
		s->list_at = s->at;
		take(s, OPEN);
		return true;
	}
	if (s->last != WORD)
		return fail_at(s, s->line,
			       "\"{\" without the name of a section");
	if (s->in_section)
		return conf_fail(s->r, s->r->path, s->word_line,
				 "\"{\" in the section that begins in line %u: "
				 "is \"=\" missing before it, or the \"}\" of "
				 "that section?",
				 s->section_line);
	s->in_section = true;
	s->section_line = s->word_line;
	take(s, OPEN);
	return add_section(s);
}

static bool on_close(struct scan *s)
{
	char *data = s->text->data;

	if (!s->in_list && !s->in_section)
		return fail_at(s, s->line, "\"}\" closes nothing");
	if (s->in_list && s->last == OPEN) {
		conf_text_blank(data + s->list_at, data + s->at + 1);
		data[s->list_at] = CONF_EMPTY[0];
	}
	if (s->in_list)
		s->in_list = false;
	else
		s->in_section = false;
	take(s, CLOSE);
	return true;
}

static bool on_other(struct scan *s, const char *p)
{
	if (*p == '$')
		return fail_at(s, s->line,
			       "\"$\": variables are not replaced; write the "
			       "value itself");
	if (p[0] == '+' && p[1] == '=')
		return fail_at(s, s->line,
			       "\"+=\" is not known: write the whole list in "
			       "one place");
	if (*p == ';')
		return fail_at(s, s->line,
			       "\";\": an option ends with its value, nothing "
			       "follows");
	if ((unsigned char)*p >= 0x80)
		return fail_at(s, s->line,
			       "letters beyond ASCII stand only in quotes");
	return conf_fail(s->r, s->r->path, s->line,
			 "\"%c\" stands only in quotes", *p);
}

/* One token, blank or comment; false where nothing sensible can follow. */
static bool step(struct scan *s)
{
	const char *p = s->text->data + s->at;

	if (*p == ' ' || *p == '\t' || *p == '\n') {
		s->line += *p == '\n';
		s->at++;
		return true;
	}
	if (*p == '#' || (p[0] == '/' && p[1] == '/'))
		return skip_line_comment(s);
	if (p[0] == '/' && p[1] == '*')
		return skip_block_comment(s);
	if (*p == '"' || *p == '\'')
		return on_word(s) && skip_string(s);
	if (conf_text_is_word(*p))
		return on_word(s) && skip_word(s);
	if (!(*p == '='   ? on_equals(s)
	      : *p == ',' ? on_comma(s)
	      : *p == '{' ? on_open(s)
	      : *p == '}' ? on_close(s)
			  : on_other(s, p)))
		return false;
	s->at++;
	return true;
}

bool conf_text_prepare(struct conf_reader *r, struct conf_text *text)
{
	struct scan s = { .r = r, .text = text, .line = 1 };

	text->section_count = 0;
	while (s.at < text->len)
		if (!step(&s))
			return false;
	if (s.in_list)
		return fail_at(&s, s.list_line,
			       "the list that begins here is not closed: \"}\" "
			       "is missing");
	if (s.in_section)
		return fail_at(&s, s.section_line,
			       "the section that begins here is not closed: "
			       "\"}\" is missing");
	if (s.last == EQUALS)
		return fail_at(&s, s.word_line, "no value after \"=\"");
	return true;
}

const char *conf_text_note(const struct conf_text *text, unsigned line)
{
	size_t low = 0, high = text->note_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (text->notes[middle].line < line)
			low = middle + 1;
		else
			high = middle;
	}
	return low < text->note_count && text->notes[low].line == line
		       ? text->notes[low].text
		       : NULL;
}
