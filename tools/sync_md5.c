// SPDX-License-Identifier: GPL-2.0-or-later
/* Checksum files, as the registries write them: one line, two styles, ARIN's with
 * the dated name of the file that "latest" is a link to. */
#include "tools/sync_child.h"

#include <string.h>

struct span {
	const char *p;
	size_t len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void trim(struct span *s)
{
	while (s->len > 0 && is_blank(s->p[0])) {
		s->p++;
		s->len--;
	}
	while (s->len > 0 && is_blank(s->p[s->len - 1]))
		s->len--;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool take_hex(const struct span *s, uint8_t out[FETCH_MD5_SIZE])
{
	uint8_t sum[FETCH_MD5_SIZE];

	if (s->len != 2 * sizeof(sum))
		return false;
	for (size_t i = 0; i < sizeof(sum); i++) {
		int high = digit(s->p[2 * i]), low = digit(s->p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		sum[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(out, sum, sizeof(sum));
	return true;
}

/* "MD5 (name) = hex", "hex  name", "hex *name", "hex". */
static bool take_line(struct span line, struct span *name,
		      uint8_t out[FETCH_MD5_SIZE])
{
	const char *close = memrchr(line.p, ')', line.len);
	struct span hex = line;

	*name = (struct span){ line.p, 0 };
	if (line.len > 5 && memcmp(line.p, "MD5 (", 5) == 0 && close) {
		*name = (struct span){ line.p + 5,
				       (size_t)(close - line.p) - 5 };
		hex.p = close + 1;
		hex.len = line.len - (size_t)(close + 1 - line.p);
		trim(&hex);
		if (hex.len == 0 || hex.p[0] != '=')
			return false;
		hex.p++;
		hex.len--;
		trim(&hex);
		return take_hex(&hex, out);
	}
	if (hex.len > 2 * FETCH_MD5_SIZE) {
		hex.len = 2 * FETCH_MD5_SIZE;
		*name = (struct span){ line.p + hex.len, line.len - hex.len };
		if (!is_blank(name->p[0]))
			return false;
		trim(name);
		if (name->len > 0 && name->p[0] == '*') {
			name->p++;
			name->len--;
		}
	}
	return take_hex(&hex, out);
}

/* Without folders, and without "-latest" or a date. */
static struct span stem(struct span name)
{
	static const char latest[] = "-latest";
	const size_t dated = sizeof("-YYYYMMDD") - 1;
	const char *slash = memrchr(name.p, '/', name.len);

	if (slash) {
		name.len -= (size_t)(slash + 1 - name.p);
		name.p = slash + 1;
	}
	if (name.len > sizeof(latest) - 1 &&
	    memcmp(name.p + name.len - (sizeof(latest) - 1), latest,
		   sizeof(latest) - 1) == 0) {
		name.len -= sizeof(latest) - 1;
	} else if (name.len > dated && name.p[name.len - dated] == '-') {
		size_t digits = 0;

		for (size_t i = name.len - dated + 1; i < name.len; i++)
			digits += name.p[i] >= '0' && name.p[i] <= '9';
		if (digits == dated - 1)
			name.len -= dated;
	}
	return name;
}

static bool same_file(struct span found, const char *wanted)
{
	struct span a = stem(found);
	struct span b = stem((struct span){ wanted, strlen(wanted) });

	return found.len == 0 ||
	       (a.len == b.len && memcmp(a.p, b.p, a.len) == 0);
}

bool md5_parse(const char *text, size_t len, const char *name,
	       uint8_t out[FETCH_MD5_SIZE], struct error *err)
{
	const char *end = text + len;
	bool other = false;

	while (text < end) {
		const char *feed = memchr(text, '\n', (size_t)(end - text));
		struct span line = { text,
				     (size_t)((feed ? feed : end) - text) };
		uint8_t sum[FETCH_MD5_SIZE];
		struct span found;

		trim(&line);
		if (line.len > 0 && take_line(line, &found, sum)) {
			if (same_file(found, name)) {
				memcpy(out, sum, sizeof(sum));
				return true;
			}
			other = true;
		}
		text = feed ? feed + 1 : end;
	}
	return error_set(err, ERROR_MALFORMED, 0,
			 other ? "the checksum is of another file than %s"
			       : "holds no MD5 checksum of %s",
			 name);
}
