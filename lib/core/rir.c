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

/* a record's fields, in order; more may follow */
enum { REGISTRY, CC, TYPE, START, VALUE, DATE, STATUS, FIELDS };

struct field {
	const char *p;
	size_t len;
};

struct line {
	const char *text;
	unsigned fields; /* at most FIELDS; those beyond are not looked at */
	/* where each field begins, and one past the bar behind the last */
	uint32_t at[FIELDS + 1];
};

static struct field field(const struct line *line, unsigned i)
{
	return (struct field){ line->text + line->at[i],
			       line->at[i + 1] - line->at[i] - 1 };
}

/* the same byte eight times */
#define BYTES(b) ((uint64_t)(b)*0x0101010101010101)

/* Eight bytes as a number whose lowest byte is the first. */
static inline uint64_t load8(const char p[static 8])
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return le64toh(w);
}

/* One bit for each of eight bytes that is a bar, the first byte's lowest. */
static inline uint64_t bars8(uint64_t w)
{
	uint64_t x = w ^ BYTES('|');
	uint64_t zero = ~(((x & BYTES(0x7f)) + BYTES(0x7f)) | x | BYTES(0x7f));

	return (zero >> 7) * 0x0102040810204080 >> 56;
}

/* The bars in text[0..63], or in what there is of it. */
static inline uint64_t bars64(const char *text, size_t len)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < len && i < 64; i += 8)
		bits |= bars8(load8(text + i)) << i;
	return len < 64 ? bits & ~(UINT64_MAX << len) : bits;
}

static void split(const char *text, uint32_t len, struct line *line)
{
	unsigned n = 0;

	line->text = text;
	line->at[0] = 0;
	for (uint32_t base = 0; base < len && n < FIELDS; base += 64) {
		uint64_t bits = bars64(text + base, len - base);

		for (; bits != 0 && n < FIELDS; bits &= bits - 1)
			line->at[++n] =
				base + (uint32_t)__builtin_ctzll(bits) + 1;
	}
	if (n < FIELDS)
		line->at[++n] = len + 1;
	line->fields = n;
}

/* What a message quotes: bounded, and nothing that upsets a terminal. */
#define QUOTE_MAX 48

static const char *quote(struct field f, char buf[QUOTE_MAX])
{
	size_t i;

	for (i = 0; i < f.len && i + 1 < QUOTE_MAX; i++)
		buf[i] = f.p[i] >= 0x20 && f.p[i] < 0x7f ? f.p[i] : '?';
	if (i < f.len)
		memcpy(buf + i - 3, "...", 3);
	buf[i] = '\0';
	return buf;
}

/* A word in lower case, to be compared as a number with load8() of one: its
 * letters and digits, a bar behind them if that still is among the first
 * eight bytes, zeros. */
static inline uint64_t word(struct field f)
{
	uint64_t w = load8(f.p);

	if (f.len < 8)
		w = (w & ~(UINT64_MAX << f.len * 8)) | (uint64_t)'|'
							       << f.len * 8;
	return w | (w & BYTES(0x40)) >> 1; /* one bit sets the cases apart */
}

/* Eight bytes that all are decimal digits. */
static inline bool all_digits(uint64_t w)
{
	return (((w & BYTES(0xf0)) ^ BYTES(0x30)) |
		(((w + BYTES(0x06)) & BYTES(0xf0)) ^ BYTES(0x30))) == 0;
}

/* Their value: neighbours are put together, then pairs, then fours. */
static inline uint32_t eight_digits(uint64_t w)
{
	const uint64_t mask = 0x000000ff000000ff;

	w -= BYTES('0');
	w = w * 10 + (w >> 8);
	w = (w & mask) * (100 + (UINT64_C(1000000) << 32)) +
	    (w >> 16 & mask) * (1 + (UINT64_C(10000) << 32));
	return (uint32_t)(w >> 32);
}

static bool long_number(struct field f, uint64_t *out)
{
	uint64_t value = 0;

	for (size_t i = 0; i < f.len; i++) {
		unsigned digit = (unsigned)(f.p[i] - '0');

		if (digit > 9 ||
		    __builtin_mul_overflow(value, (uint64_t)10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit, &value))
			return false;
	}
	*out = value;
	return true;
}

static inline bool parse_number(struct field f, uint64_t *out)
{
	size_t zeros = (8 - f.len) * 8; /* bits of "0" put in front */
	uint64_t w;

	if (f.len == 0)
		return false;
	if (f.len > 8)
		return long_number(f, out);
	w = load8(f.p) << zeros | (BYTES('0') & ~(UINT64_MAX << zeros));
	*out = eight_digits(w);
	return all_digits(w);
}

/* Empty and 00000000 stand for "not known". */
static inline bool parse_date(struct field f, uint32_t *out)
{
	uint64_t date;

	*out = 0;
	if (f.len == 0)
		return true;
	if (f.len != 8 || !parse_number(f, &date))
		return false;
	if (date == 0)
		return true;
	if (date < 19000101 || date > 29991231 || date / 100 % 100 < 1 ||
	    date / 100 % 100 > 12 || date % 100 < 1 || date % 100 > 31)
		return false;
	*out = (uint32_t)date;
	return true;
}

static inline enum geo_registry registry_of(struct field f)
{
	uint64_t w = word(f);

	if (w == load8("ripencc|"))
		return REGISTRY_RIPENCC;
	if (w == load8("apnic|\0"))
		return REGISTRY_APNIC;
	if (w == load8("arin|\0\0"))
		return REGISTRY_ARIN;
	if (w == load8("lacnic|"))
		return REGISTRY_LACNIC;
	return w == load8("afrinic|") ? REGISTRY_AFRINIC : REGISTRY_NONE;
}

static inline enum rir_kind type_of(struct field f)
{
	uint64_t w = word(f);

	if (w == load8("ipv4|\0\0"))
		return RIR_IPV4;
	if (w == load8("ipv6|\0\0"))
		return RIR_IPV6;
	return w == load8("asn|\0\0\0") ? RIR_ASN : RIR_OTHER;
}

static inline enum geo_status status_of(struct field f)
{
	uint64_t w = word(f);

	if (f.len == 8 && w == load8("assigned"))
		return STATUS_ASSIGNED;
	if (f.len == 9 && w == load8("allocate") && (f.p[8] | 0x20) == 'd')
		return STATUS_ALLOCATED;
	if (f.len == 9 && w == load8("availabl") && (f.p[8] | 0x20) == 'e')
		return STATUS_AVAILABLE;
	if (f.len == 8 && w == load8("reserved"))
		return STATUS_RESERVED;
	return STATUS_NONE;
}

static bool bad_registry(struct field f, struct error *err)
{
	char buf[QUOTE_MAX];
	uint64_t w = word(f);

	if (w == load8("iana|\0\0") || w == load8("nro|\0\0\0"))
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
	char buf[QUOTE_MAX];

	struct field version = field(line, 0);

	if (version.p[0] != '2' || (version.len > 1 && version.p[1] != '.'))
		return error_set(err, ERROR_MALFORMED, 0,
				 "version \"%s\" of the delegation format: "
				 "2 and 2.x are known",
				 quote(version, buf));
	if (line->fields < 7)
		return error_set(err, ERROR_MALFORMED, 0,
				 "version line of %u fields, want 7: version|"
				 "registry|serial|records|start|end|offset",
				 line->fields);
	out->registry = registry_of(field(line, 1));
	if (out->registry == REGISTRY_NONE)
		return bad_registry(field(line, 1), err);
	out->serial = 0;
	if (field(line, 2).len != 0 &&
	    !parse_number(field(line, 2), &out->serial))
		return error_set(err, ERROR_MALFORMED, 0,
				 "serial \"%s\": not a number of 64 bits",
				 quote(field(line, 2), buf));
	if (!parse_number(field(line, 3), &out->count))
		return error_set(err, ERROR_MALFORMED, 0,
				 "record count \"%s\": not a number",
				 quote(field(line, 3), buf));
	out->odd_date = !parse_date(field(line, 5), &out->end_date);
	out->kind = RIR_VERSION;
	return true;
}

/* registry|*|type|*|count|summary */
static bool summary_line(const struct line *line, struct rir_line *out,
			 struct error *err)
{
	char buf[QUOTE_MAX];

	out->registry = registry_of(field(line, REGISTRY));
	if (out->registry == REGISTRY_NONE)
		return bad_registry(field(line, REGISTRY), err);
	if (!parse_number(field(line, VALUE), &out->count))
		return error_set(err, ERROR_MALFORMED, 0,
				 "summary count \"%s\": not a number",
				 quote(field(line, VALUE), buf));
	out->counted = type_of(field(line, TYPE));
	out->kind = RIR_SUMMARY;
	return true;
}

static inline bool parse_country(struct field f, country_t *out)
{
	*out = COUNTRY_NONE;
	return f.len == 0 || country_parse(f.p, f.len, out);
}

static bool range_ipv4(const struct line *line, struct rir_line *out,
		       struct error *err)
{
	char buf[QUOTE_MAX];
	uint64_t count;
	uint32_t first;
	struct field start = field(line, START), value = field(line, VALUE);

	if (!addr4_parse(start.p, start.len, &first))
		return error_set(err, ERROR_MALFORMED, 0,
				 "ipv4 start \"%s\": not an IPv4 address",
				 quote(start, buf));
	if (!parse_number(value, &count))
		return error_set(err, ERROR_MALFORMED, 0,
				 "ipv4 count \"%s\": not a number of addresses",
				 quote(value, buf));
	if (count == 0)
		return error_set(err, ERROR_MALFORMED, 0,
				 "ipv4 count \"%s\": a record has at least one "
				 "address",
				 quote(value, buf));
	/* compared less one: a range may end at the top of the space */
	if (count - 1 > ADDR4_MAX - first)
		return error_set(
			err, ERROR_MALFORMED, 0,
			"ipv4 count \"%s\": runs past 255.255.255.255; "
			"from %.*s at most %llu are left",
			quote(value, buf), (int)start.len, start.p,
			(unsigned long long)(ADDR4_MAX - first) + 1);
	out->first = first;
	out->last = first + (uint32_t)(count - 1);
	return true;
}

static bool range_ipv6(const struct line *line, struct rir_line *out,
		       struct error *err)
{
	char buf[QUOTE_MAX], right[ADDR_TEXT_MAX];
	uint64_t len;
	addr6_t first, host;
	struct field start = field(line, START), value = field(line, VALUE);

	if (!addr6_parse(start.p, start.len, &first))
		return error_set(err, ERROR_MALFORMED, 0,
				 "ipv6 start \"%s\": not an IPv6 address",
				 quote(start, buf));
	if (!parse_number(value, &len) || len > 128)
		return error_set(err, ERROR_MALFORMED, 0,
				 "ipv6 prefix length \"%s\": not a number from "
				 "0 to 128",
				 quote(value, buf));
	host = len == 128 ? 0 : ADDR6_MAX >> len;
	if (first & host)
		return error_set(err, ERROR_MALFORMED, 0,
				 "ipv6 start \"%s\": has bits set beyond its "
				 "prefix length %u; did you mean %s?",
				 quote(start, buf), (unsigned)len,
				 addr6_format(first & ~host, right));
	out->first = first;
	out->last = first | host;
	return true;
}

/* registry|cc|type|start|value|date|status[|…] with addresses */
static bool address_line(const struct line *line, struct rir_line *out,
			 struct error *err)
{
	struct geo_record *record = &out->record;
	char buf[QUOTE_MAX];

	if (out->registry == REGISTRY_NONE)
		return bad_registry(field(line, REGISTRY), err);
	if (!parse_country(field(line, CC), &record->country))
		return error_set(err, ERROR_MALFORMED, 0,
				 "country \"%s\": want two letters, ZZ or "
				 "nothing",
				 quote(field(line, CC), buf));
	if (!(out->kind == RIR_IPV4 ? range_ipv4(line, out, err)
				    : range_ipv6(line, out, err)))
		return false;
	out->odd_date = !parse_date(field(line, DATE), &record->date);
	record->registry = (uint8_t)out->registry;
	record->status = (uint8_t)status_of(field(line, STATUS));
	if (record->status == STATUS_NONE)
		return error_set(err, ERROR_MALFORMED, 0,
				 "status \"%s\": want allocated, assigned, "
				 "available or reserved",
				 quote(field(line, STATUS), buf));
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
	if (len > RIR_LINE_MAX)
		return error_set(err, ERROR_LIMIT, 0,
				 "a line of more than %d bytes", RIR_LINE_MAX);
	split(text, (uint32_t)len, &line);
	if (text[0] >= '0' && text[0] <= '9')
		return version_line(&line, out, err);
	if (line.fields == 6 && word(field(&line, 5)) == load8("summary|"))
		return summary_line(&line, out, err);
	if (line.fields < FIELDS)
		return error_set(
			err, ERROR_MALFORMED, 0,
			"\"%s\": %u fields, want %d or more: "
			"registry|country|type|start|value|date|status",
			quote((struct field){ text, len }, buf), line.fields,
			FIELDS);
	out->odd_date = false;
	out->registry = registry_of(field(&line, REGISTRY));
	out->kind = type_of(field(&line, TYPE));
	if (out->kind == RIR_ASN || out->kind == RIR_OTHER)
		return true;
	return address_line(&line, out, err);
}
