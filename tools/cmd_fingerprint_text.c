// SPDX-License-Identifier: GPL-2.0-or-later
/* What geoblock fingerprint prints.  A capture may hold millions of SYNs, so lines
 * are put together by hand in one large buffer: printf() and a JSON library would
 * take most of the time. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tools/cmd_fingerprint.h"

#define LINE_ROOM 4096 /* one line, all fields at their longest */
#define TEXT_MAX  255  /* of a name or a flavour; the rest is cut */

/* ---- output -------------------------------------------------------------- */

void lines_flush(struct lines *to)
{
	size_t done = 0;

	while (done < to->used && to->write_errno == 0) {
		ssize_t n = write(STDOUT_FILENO, to->buffer + done,
				  to->used - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			to->write_errno = errno;
		} else {
			done += (size_t)n;
		}
	}
	to->used = 0;
}

/* Where a line goes: there is room for LINE_ROOM. */
static char *line_begin(struct lines *to)
{
	if (sizeof(to->buffer) - to->used < LINE_ROOM)
		lines_flush(to);
	return to->buffer + to->used;
}

static void line_end(struct lines *to, char *at)
{
	*at++ = '\n';
	to->used = (size_t)(at - to->buffer);
}

static char *put_bytes(char *at, const char *text, size_t len)
{
	memcpy(at, text, len);
	return at + len;
}

static char *put(char *at, const char *text)
{
	return put_bytes(at, text, strlen(text));
}

static char *put_number(char *at, unsigned value)
{
	char digits[10];
	unsigned n = 0;

	do
		digits[n++] = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	while (n > 0)
		*at++ = digits[--n];
	return at;
}

static char *put_padded(char *at, const char *from, unsigned width)
{
	const char *end = from + width + 1;
	size_t blanks = at < end ? (size_t)(end - at) : 1;

	memset(at, ' ', blanks);
	return at + blanks;
}

/* Text of a database goes into JSON: quotes, and what a terminal would obey. */
static char *put_quoted(char *at, const char *text)
{
	size_t len = strnlen(text, TEXT_MAX);

	*at++ = '"';
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < ' ' || c == 0x7f)
			c = ' ';
		if (c == '"' || c == '\\')
			*at++ = '\\';
		*at++ = (char)c;
	}
	*at++ = '"';
	return at;
}

static char *put_ip4(char *at, uint32_t ip)
{
	for (int shift = 24; shift >= 0; shift -= 8) {
		at = put_number(at, ip >> shift & 0xff);
		if (shift)
			*at++ = '.';
	}
	return at;
}

static char *put_addr(char *at, const struct packet *p, addr6_t addr)
{
	char text[ADDR_TEXT_MAX];

	if (p->version == 4)
		return put_ip4(at, (uint32_t)addr);
	return put(at, addr6_format(addr, text));
}

/* RFC 3339, UTC; the calendar is asked once a second. */
static char *put_time(struct lines *to, char *at, int64_t seconds,
		      uint32_t microseconds)
{
	size_t len;

	if (seconds != to->second || to->stamp[0] == '\0') {
		to->second = seconds;
		tool_time((uint64_t)seconds, to->stamp);
		len = strlen(to->stamp);
		if (len > 0)
			to->stamp[len - 1] = '\0'; /* Z comes behind it */
	}
	at = put(at, to->stamp);
	*at++ = '.';
	for (uint32_t digit = 100000; digit > 0; digit /= 10)
		*at++ = (char)('0' + microseconds / digit % 10);
	*at++ = 'Z';
	return at;
}

/* "FreeBSD 9 or newer"; the flavour alone where the class says the name. */
static const char *flavour(const struct fingerprint *f, char *buf, size_t size)
{
	switch (f->class) {
	case OS_UNKNOWN:
	case OS_WINDOWS:
	case OS_LINUX:
	case OS_ANDROID:
	case OS_MACOS:
	case OS_IOS:
		return f->flavour;
	default:
		if (f->flavour[0] == '\0')
			return f->name;
		if (f->name[0] == '\0')
			return f->flavour;
		snprintf(buf, size, "%s %s", f->name, f->flavour);
		return buf;
	}
}

static char *put_endpoint(char *at, const struct packet *p, addr6_t addr,
			  uint16_t port)
{
	if (p->version == 6)
		*at++ = '[';
	at = put_addr(at, p, addr);
	if (p->version == 6)
		*at++ = ']';
	*at++ = ':';
	return put_number(at, port);
}

static const char table_head[] =
	"SOURCE                DESTINATION           CLASS    SURE  MATCH  "
	"HOPS FLAVOUR                    SIGNATURE";

void lines_row(struct lines *to, const struct packet *p,
	       const struct fingerprint *f)
{
	char name[2 * TEXT_MAX], *begin, *at, *from;
	const char *text;

	if (!to->headed)
		line_end(to, put(line_begin(to), table_head));
	to->headed = true;
	begin = at = line_begin(to);
	at = put_endpoint(at, p, p->saddr, p->sport);
	at = put_padded(at, begin, 21);
	from = at;
	at = put_endpoint(at, p, p->daddr, p->dport);
	at = put_padded(at, from, 21);
	from = at;
	at = put(at, os_class_name(f->class));
	at = put_padded(at, from, 8);
	from = at;
	if (f->match != FINGERPRINT_NONE) {
		at = put_number(at, f->confidence);
		*at++ = '%';
	} else {
		*at++ = '-';
	}
	at = put_padded(at, from, 5);
	from = at;
	at = put(at, fingerprint_match_name(f->match));
	at = put_padded(at, from, 6);
	from = at;
	at = put_number(at, f->distance);
	at = put_padded(at, from, 4);
	from = at;
	text = flavour(f, name, sizeof(name));
	at = put_bytes(at, text, strnlen(text, TEXT_MAX));
	at = put_padded(at, from, 26);
	line_end(to, signature_append(p, at));
}

void lines_object(struct lines *to, const struct packet *p,
		  const struct fingerprint *f, int64_t seconds,
		  uint32_t microseconds)
{
	char name[2 * TEXT_MAX], *at = line_begin(to);

	at = put(at, "{\"time\":\"");
	at = put_time(to, at, seconds, microseconds);
	at = put(at, "\",\"src\":\"");
	at = put_addr(at, p, p->saddr);
	at = put(at, "\",\"dst\":\"");
	at = put_addr(at, p, p->daddr);
	at = put(at, "\",\"sport\":");
	at = put_number(at, p->sport);
	at = put(at, ",\"dport\":");
	at = put_number(at, p->dport);
	at = put(at, ",\"class\":\"");
	at = put(at, os_class_name(f->class));
	at = put(at, "\",\"flavour\":");
	at = put_quoted(at, flavour(f, name, sizeof(name)));
	if (f->class == OS_WINDOWS) {
		at = put(at, ",\"generation\":\"");
		at = put(at, windows_generation_name(f->generation));
		*at++ = '"';
	}
	at = put(at, ",\"match\":\"");
	at = put(at, fingerprint_match_name(f->match));
	at = put(at, "\",\"confidence\":");
	at = put_number(at, f->confidence);
	at = put(at, ",\"distance\":");
	at = put_number(at, f->distance);
	at = put(at, ",\"signature\":\"");
	/* it was taken apart: there is nothing in it to be quoted */
	if (f->signature)
		at = put(at, f->signature->text);
	at = put(at, "\",\"raw\":\"");
	at = signature_append(p, at);
	at = put(at, "\",\"reason\":\"");
	at = put(at, fingerprint_reason_text(f->reason));
	*at++ = '"';
	*at++ = '}';
	line_end(to, at);
}
