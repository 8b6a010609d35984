// SPDX-License-Identifier: GPL-2.0-or-later
/* The last answers, as text that people can read:
 *
 *     geoblock-spf 1
 *     domain example.com asked 1764000000 answered 1763990000
 *     failed example.com: SERVFAIL
 *     note example.com: "ptr" depends on the sender and cannot be listed
 *     192.0.2.0/24 example.com ip4:192.0.2.0/24
 *     end 4
 *
 * One line each, one blank between words; `end` has the number of lines between
 * the first and itself, so that a file that was cut is told from a whole one.
 * The same text is what the child that asks the DNS hands to its parent, so it is
 * read as if a stranger had written it. */
#include <geoblock/spf.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LINE "geoblock-spf 1"
#define TERM_MAX   (SPF_DOMAIN_MAX + 40)

static void spf_entry_clear(struct spf_entry *entry)
{
	free(entry->failed);
	entry->failed = NULL;
	spf_nets_clear(&entry->nets);
}

void spf_store_clear(struct spf_store *store)
{
	for (size_t i = 0; i < store->count; i++)
		spf_entry_clear(&store->entries[i]);
	free(store->entries);
	memset(store, 0, sizeof(*store));
}

struct spf_entry *spf_store_find(const struct spf_store *store,
				 const char *domain)
{
	for (size_t i = 0; i < store->count; i++)
		if (strcmp(store->entries[i].domain, domain) == 0)
			return &store->entries[i];
	return NULL;
}

struct spf_entry *spf_store_add(struct spf_store *store, const char *domain,
				struct error *err)
{
	struct spf_entry *grown;

	if (store->count == SPF_DOMAINS_MAX) {
		error_set(err, ERROR_LIMIT, 0, "more than %d domains",
			  SPF_DOMAINS_MAX);
		return NULL;
	}
	grown = reallocarray(store->entries, store->count + 1, sizeof(*grown));
	if (!grown) {
		error_set(err, ERROR_LIMIT, 0, "out of memory");
		return NULL;
	}
	store->entries = grown;
	grown += store->count++;
	memset(grown, 0, sizeof(*grown));
	snprintf(grown->domain, sizeof(grown->domain), "%s", domain);
	return grown;
}

/* ---- reading ---- */

struct reader {
	struct spf_store *store;
	struct spf_entry *entry; /* the domain that the lines belong to */
	struct error *err;
};

/* The next word: up to a blank, which is passed over.  Empty at the end. */
static char *word(char **at)
{
	char *begin = *at, *end = strchr(begin, ' ');

	if (end)
		*end++ = '\0';
	*at = end ? end : begin + strlen(begin);
	return begin;
}

static bool read_time(char **at, const char *label, uint64_t *out)
{
	const char *digits;

	if (strcmp(word(at), label) != 0)
		return false;
	digits = word(at);
	if (strlen(digits) > 12 || digits[0] == '\0' ||
	    strspn(digits, "0123456789") != strlen(digits))
		return false;
	*out = strtoull(digits, NULL, 10);
	return true;
}

static bool read_domain(struct reader *r, char *at)
{
	char domain[SPF_DOMAIN_MAX];
	const char *name = word(&at);
	uint64_t asked, answered;

	if (!spf_domain(name, strlen(name), domain, r->err))
		return false;
	if (strcmp(domain, name) != 0 || spf_store_find(r->store, domain))
		return error_set(r->err, ERROR_MALFORMED, 0,
				 "a domain stands there twice");
	if (!read_time(&at, "asked", &asked) ||
	    !read_time(&at, "answered", &answered) || *at)
		return error_set(r->err, ERROR_MALFORMED, 0,
				 "no \"asked\" and \"answered\"");
	r->entry = spf_store_add(r->store, domain, r->err);
	if (!r->entry)
		return false;
	r->entry->asked = asked;
	r->entry->answered = answered;
	return true;
}

static bool read_text(struct reader *r, const char *text, bool is_note)
{
	if (strlen(text) >= SPF_NOTE_MAX)
		return error_set(r->err, ERROR_MALFORMED, 0, "too long");
	if (is_note) {
		if (r->entry->nets.note_count == SPF_NOTES_MAX)
			return error_set(r->err, ERROR_MALFORMED, 0,
					 "too many notes");
		spf_nets_note(&r->entry->nets, "%s", text);
		return true;
	}
	if (r->entry->failed)
		return error_set(r->err, ERROR_MALFORMED, 0,
				 "\"failed\" stands there twice");
	r->entry->failed = strdup(text);
	return r->entry->failed ||
	       error_set(r->err, ERROR_LIMIT, 0, "out of memory");
}

static bool read_net(struct reader *r, char *at)
{
	const char *net = word(&at), *via = word(&at), *term = word(&at);
	struct range range;

	if (!range_parse(net, strlen(net), &range, r->err))
		return false;
	if (!via[0] || strlen(via) >= SPF_DOMAIN_MAX || !term[0] ||
	    strlen(term) > TERM_MAX || *at)
		return error_set(r->err, ERROR_MALFORMED, 0,
				 "no network, domain and term");
	if (!spf_range_allowed(&range))
		return error_set(r->err, ERROR_MALFORMED, 0,
				 "%s is too wide to be exempt", net);
	return spf_nets_add(&r->entry->nets, &range, via, term, strlen(term),
			    r->err);
}

static bool read_line(struct reader *r, char *line)
{
	char *at = line;

	for (const char *p = line; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			return error_set(r->err, ERROR_MALFORMED, 0,
					 "not all ASCII");
	if (strncmp(line, "domain ", 7) == 0)
		return read_domain(r, at + 7);
	if (!r->entry)
		return error_set(r->err, ERROR_MALFORMED, 0,
				 "belongs to no domain");
	if (strncmp(line, "failed ", 7) == 0)
		return read_text(r, at + 7, false);
	if (strncmp(line, "note ", 5) == 0)
		return read_text(r, at + 5, true);
	return read_net(r, at);
}

/* The lines between the first and the last. */
static bool read_lines(struct reader *r, char *text)
{
	char *at = text, *end, last[32];
	unsigned long number = 0;

	for (;; number++) {
		end = strchr(at, '\n');
		if (!end)
			return error_set(r->err, ERROR_MALFORMED, 0,
					 "line %lu: the file is cut short",
					 number + 1);
		*end = '\0';
		if (number == 0 && strcmp(at, FIRST_LINE) != 0)
			return error_set(r->err, ERROR_MALFORMED, 0,
					 "line 1: no \"" FIRST_LINE "\"");
		if (number > 0 && strncmp(at, "end ", 4) == 0)
			break;
		if (number > 0 && !read_line(r, at))
			return error_wrap(r->err, "line %lu", number + 1);
		at = end + 1;
	}
	snprintf(last, sizeof(last), "end %lu", number - 1);
	if (strcmp(at, last) != 0 || end[1] != '\0')
		return error_set(r->err, ERROR_MALFORMED, 0,
				 "line %lu: not all of the file is there",
				 number + 1);
	return true;
}

bool spf_store_read(const char *text, size_t len, struct spf_store *out,
		    struct error *err)
{
	struct error local = { 0 };
	struct reader r = { .store = out, .err = err ? err : &local };
	char *copy;
	bool ok;

	memset(out, 0, sizeof(*out));
	if (len > SPF_STORE_BYTES || memchr(text, '\0', len))
		return error_set(err, ERROR_MALFORMED, 0,
				 "no list of SPF answers");
	copy = strndup(text, len);
	if (!copy)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	ok = read_lines(&r, copy);
	for (size_t i = 0; ok && i < out->count; i++)
		ok = spf_nets_allowed(&out->entries[i].nets, r.err) ||
		     error_wrap(r.err, "%s", out->entries[i].domain);
	free(copy);
	if (!ok)
		spf_store_clear(out);
	return ok;
}

/* ---- writing ---- */

/* A sentence on one line of ASCII. */
static void put_text(FILE *f, const char *label, const char *text)
{
	fprintf(f, "%s ", label);
	for (unsigned i = 1; *text && i < SPF_NOTE_MAX; i++, text++)
		fputc(*text >= 0x20 && *text <= 0x7e ? *text : '?', f);
	fputc('\n', f);
}

static unsigned long put_entry(FILE *f, const struct spf_entry *entry)
{
	char range[RANGE_TEXT_MAX];

	fprintf(f, "domain %s asked %" PRIu64 " answered %" PRIu64 "\n",
		entry->domain, entry->asked, entry->answered);
	if (entry->failed)
		put_text(f, "failed", entry->failed);
	for (size_t i = 0; i < entry->nets.note_count; i++)
		put_text(f, "note", entry->nets.notes[i]);
	for (size_t i = 0; i < entry->nets.count; i++) {
		const struct spf_net *net = &entry->nets.nets[i];

		fprintf(f, "%s %s %s\n", range_format(&net->range, range),
			net->via, net->term);
	}
	return (entry->failed ? 2 : 1) + entry->nets.note_count +
	       entry->nets.count;
}

char *spf_store_text(const struct spf_store *store, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);
	unsigned long lines = 0;

	if (!f)
		return NULL;
	fprintf(f, FIRST_LINE "\n");
	for (size_t i = 0; i < store->count; i++)
		lines += put_entry(f, &store->entries[i]);
	fprintf(f, "end %lu\n", lines);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}
