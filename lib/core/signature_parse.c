// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads the database language, line by line:
 *
 *	; comment
 *	[tcp:request]
 *	label = type:class:name:flavour
 *	sig   = ... (signature_fields.c)
 *	sys   = ... (of tools; not needed here)
 *
 * A line is cut at '='.  Inside other sections nothing is looked at but the next
 * "[". */
#include "lib/core/signature_span.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *name; /* as p0f.fp and os.fp call it */
	enum os_class class;
} names[] = {
	{ "Windows", OS_WINDOWS }, { "Linux", OS_LINUX },
	{ "Android", OS_ANDROID }, { "macOS", OS_MACOS },
	{ "Mac OS X", OS_MACOS },  { "MacOS X", OS_MACOS },
	{ "Mac OS", OS_MACOS },    { "Darwin", OS_MACOS },
	{ "iOS", OS_IOS },         { "FreeBSD", OS_BSD },
	{ "OpenBSD", OS_BSD },     { "NetBSD", OS_BSD },
	{ "DragonFly", OS_BSD },   { "BSD", OS_BSD },
	{ "Solaris", OS_SOLARIS }, { "SunOS", OS_SOLARIS },
	{ "illumos", OS_SOLARIS }, { "p0f", OS_SCANNER },
};

static enum os_class class_of(struct span class, const struct signature *sig)
{
	if (span_is(class, "!"))
		return OS_SCANNER;
	/* p0f.fp files Android under Linux */
	if (strstr(sig->flavour, "Android"))
		return OS_ANDROID;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcasecmp(names[i].name, sig->name) == 0)
			return names[i].class;
	return span_is(class, "win") ? OS_WINDOWS : OS_OTHER;
}

/* Fills what the signatures below the label have in common.  Name and flavour
 * are made strings where they stand. */
static bool take_label(const struct place *p, char *value,
		       struct signature *label)
{
	struct span rest = { value, strlen(value) }, whole = rest;
	struct span type, class, name;

	if (!span_cut(&rest, ':', &type) ||
	    (!span_is(type, "s") && !span_is(type, "g")))
		return span_bad(p, "label", whole,
				"begins with s: (specific) or g: (generic)");
	if (!span_cut(&rest, ':', &class) || class.len == 0)
		return span_bad(
			p, "label", whole,
			"second comes the class: win, unix, other, or ! "
			"for a tool");
	if (!span_cut(&rest, ':', &name) || name.len == 0)
		return span_bad(
			p, "label", whole,
			"third comes the name, such as Windows or Linux");
	if (!rest.at)
		return span_bad(
			p, "label", whole,
			"type:class:name:flavour: the last one, which may "
			"be empty, is missing");
	value[name.at - value + (ptrdiff_t)name.len] = '\0';
	label->generic = span_is(type, "g");
	label->name = name.at;
	label->flavour = rest.at;
	label->class = class_of(class, label);
	return true;
}

/* ---- lines --------------------------------------------------------------- */

static char *trim(char *s)
{
	char *end;

	s += strspn(s, " \t\r");
	for (end = s + strlen(s); end > s && strchr(" \t\r", end[-1]); end--)
		;
	*end = '\0';
	return s;
}

/* One line of [tcp:request]. */
static bool take_line(const struct place *p, char *line, struct signatures *db,
		      struct signature *label)
{
	struct span whole = { line, strlen(line) };
	char *value = strchr(line, '=');
	struct signature sig;

	if (!value)
		return span_bad(p, "line", whole,
				"word = value, a [section], or a ; comment");
	*value++ = '\0';
	line = trim(line);
	value = trim(value);
	if (strcmp(line, "label") == 0)
		return take_label(p, value, label);
	if (strcmp(line, "sys") == 0)
		return true;
	if (strcmp(line, "sig") != 0)
		return span_bad(p, "word", (struct span){ line, strlen(line) },
				"label, sig or sys");
	whole = (struct span){ value, strlen(value) };
	if (!label->name)
		return span_bad(p, "signature", whole,
				"a label has to go before it");
	sig = *label;
	sig.text = value;
	sig.line = p->line;
	return signature_fields(p, whole, &sig) &&
	       signature_add(db, &sig, p->err);
}

bool signature_parse_text(struct signatures *db, const char *file, char *text,
			  struct error *err)
{
	struct place p = { file, 0, err };
	struct signature label = { .file = file };
	bool wanted = false;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		p.line++;
		line = trim(line);
		if (line[0] == '\0' || line[0] == ';')
			continue;
		if (line[0] == '[') {
			struct span whole = { line, strlen(line) };

			if (whole.at[whole.len - 1] != ']')
				return span_bad(&p, "section", whole,
						"ends with ]");
			wanted = span_is(whole, "[tcp:request]");
			label.name = NULL;
			continue;
		}
		if (wanted && !take_line(&p, line, db, &label))
			return false;
	}
	return true;
}
