// SPDX-License-Identifier: GPL-2.0-or-later
/* A registry's file has some hundred thousand lines of fifty bytes, and every
 * update reads five of them, mostly to find that little has changed.  So a line
 * is read in one go: the bars are found eight bytes at a time, and numbers,
 * dates and words are taken as one machine word each, whose length is known
 * from the bars, so that no loop and no guess of the processor depends on it.
 * What does not fit that way is looked at again, byte by byte, by the function
 * that says what is wrong with it. */
#include <geoblock/rir.h>

#include <endian.h>
#include <string.h>
#include <strings.h>

#include <geoblock/words.h>

/* a record's fields, in order; more may follow */
enum { REGISTRY, CC, TYPE, START, VALUE, DATE, STATUS, FIELDS };

struct field {
	const char *p;
	size_t len;
};

struct line {
	struct field f[FIELDS];
	unsigned fields; /* at most FIELDS; those beyond are not looked at */
};

/* the same byte eight times */
#define BYTES(b) ((uint64_t)(b)*0x0101010101010101)

/* Eight bytes as a number whose lowest byte is the first. */
static uint64_t load8(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return le64toh(w);
}

/* One bit for each of eight bytes that is a bar, the first byte's lowest. */
static uint64_t bars8(uint64_t w)
{
	uint64_t x = w ^ BYTES('|');
	uint64_t zero = ~(((x & BYTES(0x7f)) + BYTES(0x7f)) | x | BYTES(0x7f));

	return (zero >> 7) * 0x0102040810204080 >> 56;
}

/* The bars in text[0..63], or in what there is of it. */
static uint64_t bars64(const char *text, size_t len)
{
	uint64_t bits = 0;
	size_t i = 0;

	for (; i + 8 <= len && i < 64; i += 8)
		bits |= bars8(load8(text + i)) << i;
	for (; i < len && i < 64; i++)
		bits |= (uint64_t)(text[i] == '|') << i;
	return bits;
}

static void split(const char *text, size_t len, struct line *line)
{
	const char *start = text, *end = text + len;
	unsigned n = 0;

	for (size_t at = 0; at < len && n < FIELDS; at += 64) {
		uint64_t bits = bars64(text + at, len - at);

		for (; bits != 0 && n < FIELDS; bits &= bits - 1) {
			const char *bar = text + at + __builtin_ctzll(bits);

			line->f[n++] =
				(struct field){ start, (size_t)(bar - start) };
			start = bar + 1;
		}
	}
	if (n < FIELDS)
		line->f[n++] = (struct field){ start, (size_t)(end - start) };
	line->fields = n;
}

/* What a message quotes: bounded, and nothing that upsets a terminal. */
#define QUOTE_MAX 48

static const char *quote(const struct field *f, char buf[QUOTE_MAX])
{
	size_t i;

	for (i = 0; i < f->len && i + 1 < QUOTE_MAX; i++)
		buf[i] = f->p[i] >= 0x20 && f->p[i] < 0x7f ? f->p[i] : '?';
	if (i < f->len)
		memcpy(buf + i - 3, "...", 3);
	buf[i] = '\0';
	return buf;
}

static bool is_word(const struct field *f, const char *word)
{
	return f->len == strlen(word) && strncasecmp(f->p, word, f->len) == 0;
}

static bool parse_number(const struct field *f, uint64_t *out)
{
	uint64_t value = 0;

	if (f->len == 0)
		return false;
	for (size_t i = 0; i < f->len; i++) {
		unsigned digit = (unsigned)(f->p[i] - '0');

		if (digit > 9 ||
		    __builtin_mul_overflow(value, (uint64_t)10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit, &value))
			return false;
	}
	*out = value;
	return true;
}

/* Empty and 00000000 stand for "not known". */
static bool parse_date(const struct field *f, uint32_t *out)
{
	uint64_t date;

	*out = 0;
	if (f->len == 0)
		return true;
	if (f->len != 8 || !parse_number(f, &date))
		return false;
	if (date == 0)
		return true;
	if (date < 19000101 || date > 29991231 || date / 100 % 100 < 1 ||
	    date / 100 % 100 > 12 || date % 100 < 1 || date % 100 > 31)
		return false;
	*out = (uint32_t)date;
	return true;
}

static const char *const registries[] = { "afrinic", "apnic", "arin", "lacnic",
					  "ripencc" };

static enum geo_registry registry_of(const struct field *f)
{
	for (unsigned i = 0; i < sizeof(registries) / sizeof(*registries); i++)
		if (is_word(f, registries[i]))
			return (enum geo_registry)(REGISTRY_AFRINIC + i);
	return REGISTRY_NONE;
}

static enum rir_kind type_of(const struct field *f)
{
	if (is_word(f, "ipv4"))
		return RIR_IPV4;
	if (is_word(f, "ipv6"))
		return RIR_IPV6;
	return is_word(f, "asn") ? RIR_ASN : RIR_OTHER;
}

static const char *const statuses[] = { "allocated", "assigned", "available",
					"reserved" };

static enum geo_status status_of(const struct field *f)
{
	for (unsigned i = 0; i < sizeof(statuses) / sizeof(*statuses); i++)
		if (is_word(f, statuses[i]))
			return (enum geo_status)(STATUS_ALLOCATED + i);
	return STATUS_NONE;
}

static bool bad_registry(const struct field *f, struct error *err)
{
	char buf[QUOTE_MAX];

	if (is_word(f, "iana") || is_word(f, "nro"))
		return error_set(err, ERROR_MALFORMED, 0,
				 "registry \"%s\": its file names no countries "
				 "of its own; those of afrinic, apnic, arin, "
				 "lacnic and ripencc do",
				 quote(f, buf));
	return error_set(err, ERROR_MALFORMED, 0,
			 "registry \"%s\": the five are afrinic, apnic, arin, "
			 "lacnic and ripencc",
			 quote(f, buf));
}

/* version|registry|serial|records|startdate|enddate|UTCoffset */
static bool version_line(const struct line *line, struct rir_line *out,
			 struct error *err)
{
	const struct field *f = line->f;
	char buf[QUOTE_MAX];

	if (f[0].len == 0 || f[0].p[0] != '2' ||
	    (f[0].len > 1 && f[0].p[1] != '.'))
		return error_set(err, ERROR_MALFORMED, 0,
				 "version \"%s\" of the delegation format: "
				 "2 and 2.x are known",
				 quote(&f[0], buf));
	if (line->fields < 7)
		return error_set(err, ERROR_MALFORMED, 0,
				 "version line of %u fields, want 7: version|"
				 "registry|serial|records|start|end|offset",
				 line->fields);
	out->registry = registry_of(&f[1]);
	if (out->registry == REGISTRY_NONE)
		return bad_registry(&f[1], err);
	out->serial = 0;
	if (f[2].len != 0 && !parse_number(&f[2], &out->serial))
		return error_set(err, ERROR_MALFORMED, 0,
				 "serial \"%s\": not a number of 64 bits",
				 quote(&f[2], buf));
	if (!parse_number(&f[3], &out->count))
		return error_set(err, ERROR_MALFORMED, 0,
				 "record count \"%s\": not a number",
				 quote(&f[3], buf));
	out->odd_date = !parse_date(&f[5], &out->end_date);
	out->kind = RIR_VERSION;
	return true;
}

/* registry|*|type|*|count|summary */
static bool summary_line(const struct line *line, struct rir_line *out,
			 struct error *err)
{
	const struct field *f = line->f;
	char buf[QUOTE_MAX];

	out->registry = registry_of(&f[REGISTRY]);
	if (out->registry == REGISTRY_NONE)
		return bad_registry(&f[REGISTRY], err);
	if (!parse_number(&f[VALUE], &out->count))
		return error_set(err, ERROR_MALFORMED, 0,
				 "summary count \"%s\": not a number",
				 quote(&f[VALUE], buf));
	out->counted = type_of(&f[TYPE]);
	out->kind = RIR_SUMMARY;
	return true;
}

static bool parse_country(const struct field *f, country_t *out)
{
	*out = COUNTRY_NONE;
	return f->len == 0 || country_parse(f->p, f->len, out);
}

static bool range_ipv4(const struct field *f, struct rir_line *out,
		       struct error *err)
{
	char buf[QUOTE_MAX];
	uint64_t count;
	uint32_t first;

	if (!addr4_parse(f[START].p, f[START].len, &first))
		return error_set(err, ERROR_MALFORMED, 0,
				 "ipv4 start \"%s\": not an IPv4 address",
				 quote(&f[START], buf));
	if (!parse_number(&f[VALUE], &count))
		return error_set(err, ERROR_MALFORMED, 0,
				 "ipv4 count \"%s\": not a number of addresses",
				 quote(&f[VALUE], buf));
	if (count == 0)
		return error_set(err, ERROR_MALFORMED, 0,
				 "ipv4 count \"%s\": a record has at least one "
				 "address",
				 quote(&f[VALUE], buf));
	/* compared less one: a range may end at the top of the space */
	if (count - 1 > ADDR4_MAX - first)
		return error_set(
			err, ERROR_MALFORMED, 0,
			"ipv4 count \"%s\": runs past 255.255.255.255; "
			"from %.*s at most %llu are left",
			quote(&f[VALUE], buf), (int)f[START].len, f[START].p,
			(unsigned long long)(ADDR4_MAX - first) + 1);
	out->first = first;
	out->last = first + (uint32_t)(count - 1);
	return true;
}

static bool range_ipv6(const struct field *f, struct rir_line *out,
		       struct error *err)
{
	char buf[QUOTE_MAX], right[ADDR_TEXT_MAX];
	uint64_t len;
	addr6_t first, host;

	if (!addr6_parse(f[START].p, f[START].len, &first))
		return error_set(err, ERROR_MALFORMED, 0,
				 "ipv6 start \"%s\": not an IPv6 address",
				 quote(&f[START], buf));
	if (!parse_number(&f[VALUE], &len) || len > 128)
		return error_set(err, ERROR_MALFORMED, 0,
				 "ipv6 prefix length \"%s\": not a number from "
				 "0 to 128",
				 quote(&f[VALUE], buf));
	host = len == 128 ? 0 : ADDR6_MAX >> len;
	if (first & host)
		return error_set(err, ERROR_MALFORMED, 0,
				 "ipv6 start \"%s\": has bits set beyond its "
				 "prefix length %u; did you mean %s?",
				 quote(&f[START], buf), (unsigned)len,
				 addr6_format(first & ~host, right));
	out->first = first;
	out->last = first | host;
	return true;
}

/* registry|cc|type|start|value|date|status[|…] with addresses */
static bool address_line(const struct field *f, struct rir_line *out,
			 struct error *err)
{
	struct geo_record *record = &out->record;
	char buf[QUOTE_MAX], want[64];

	if (out->registry == REGISTRY_NONE)
		return bad_registry(&f[REGISTRY], err);
	if (!parse_country(&f[CC], &record->country))
		return error_set(err, ERROR_MALFORMED, 0,
				 "country \"%s\": want two letters, ZZ or "
				 "nothing",
				 quote(&f[CC], buf));
	if (!(out->kind == RIR_IPV4 ? range_ipv4(f, out, err)
				    : range_ipv6(f, out, err)))
		return false;
	out->odd_date = !parse_date(&f[DATE], &record->date);
	record->registry = (uint8_t)out->registry;
	record->status = (uint8_t)status_of(&f[STATUS]);
	if (record->status == STATUS_NONE)
		return error_set(err, ERROR_MALFORMED, 0,
				 "status \"%s\": want %s",
				 quote(&f[STATUS], buf),
				 words_join(statuses, 4, want, sizeof(want)));
	if (record->status == STATUS_AVAILABLE ||
	    record->status == STATUS_RESERVED)
		record->country = COUNTRY_NONE;
	return true;
}

bool rir_line(const char *text, size_t len, struct rir_line *out,
	      struct error *err)
{
	char buf[QUOTE_MAX];
	struct line line;

	while (len != 0 && (text[len - 1] == '\r' || text[len - 1] == ' ' ||
			    text[len - 1] == '\t'))
		len--;
	if (len == 0 || text[0] == '#') {
		out->kind = RIR_SKIP;
		return true;
	}
	split(text, len, &line);
	if (text[0] >= '0' && text[0] <= '9')
		return version_line(&line, out, err);
	if (line.fields == 6 && is_word(&line.f[5], "summary"))
		return summary_line(&line, out, err);
	if (line.fields < FIELDS)
		return error_set(
			err, ERROR_MALFORMED, 0,
			"\"%s\": %u fields, want %d or more: "
			"registry|country|type|start|value|date|status",
			quote(&(struct field){ text, len }, buf), line.fields,
			FIELDS);
	out->odd_date = false;
	out->registry = registry_of(&line.f[REGISTRY]);
	out->kind = type_of(&line.f[TYPE]);
	if (out->kind == RIR_ASN || out->kind == RIR_OTHER)
		return true;
	return address_line(line.f, out, err);
}
