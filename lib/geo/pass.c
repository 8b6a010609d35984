// SPDX-License-Identifier: GPL-2.0-or-later
/* A table as bytes: a head, the sources, the IPv4 entries, the IPv6 entries, as
 * they lie in memory; both ends are the same program.  It is copied out of the
 * file before anything in it is looked at. */
#include <geoblock/geo.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <geoblock/write_all.h>

#include "image_format.h"
#include "table.h"

#define MAGIC 0x67656f7461626c65ull

struct head {
	uint64_t magic;
	uint64_t sources, count4, count6;
};

static bool put(int fd, const void *data, size_t len, struct error *err)
{
	return write_all(fd, data, len) ||
	       error_set(err, ERROR_SYSTEM, errno,
			 "cannot hand the table over");
}

bool geo_table_send(const struct geo_table *table, int fd, struct error *err)
{
	struct head head = { MAGIC, table->source_count, table->count4,
			     table->count6 };

	return put(fd, &head, sizeof(head), err) &&
	       put(fd, table->sources,
		   table->source_count * sizeof(*table->sources), err) &&
	       put(fd, table->v4, table->count4 * sizeof(*table->v4), err) &&
	       put(fd, table->v6, table->count6 * sizeof(*table->v6), err);
}

static bool impossible(struct error *err, const char *what)
{
	return error_set(err, ERROR_MALFORMED, 0,
			 "the table handed over has %s that cannot be", what);
}

static bool get(int fd, void *data, size_t len, uint64_t *at, struct error *err)
{
	char *p = data;

	while (len != 0) {
		ssize_t n = pread(fd, p, len, (off_t)*at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, ERROR_SYSTEM, errno,
					 "cannot take the table over");
		if (n == 0)
			return impossible(err, "a size");
		p += n;
		*at += (uint64_t)n;
		len -= (size_t)n;
	}
	return true;
}

static bool get_head(int fd, struct head *head, uint64_t *at, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set(err, ERROR_SYSTEM, errno,
				 "cannot take the table over");
	if (!get(fd, head, sizeof(*head), at, err))
		return false;
	if (head->magic != MAGIC || head->sources > GEO_SOURCES_MAX ||
	    head->count4 > GEO_RANGES_MAX || head->count6 > GEO_RANGES_MAX ||
	    (uint64_t)st.st_size !=
		    sizeof(*head) + head->sources * sizeof(struct geo_source) +
			    head->count4 * sizeof(struct geo_range4) +
			    head->count6 * sizeof(struct geo_range6))
		return impossible(err, "a size");
	return true;
}

static bool copy(struct geo_table *t, int fd, struct error *err)
{
	struct head head;
	uint64_t at = 0;

	if (!get_head(fd, &head, &at, err))
		return false;
	t->sources = calloc(head.sources + 1, sizeof(*t->sources));
	if (!t->sources)
		return error_set(err, ERROR_SYSTEM, ENOMEM,
				 "cannot take the table over");
	if (!table_alloc4(&t->v4, head.count4, err) ||
	    !table_alloc6(&t->v6, head.count6, err))
		return false;
	t->source_room = head.sources + 1;
	t->source_count = head.sources;
	t->count4 = t->room4 = head.count4;
	t->count6 = t->room6 = head.count6;
	return get(fd, t->sources, head.sources * sizeof(*t->sources), &at,
		   err) &&
	       get(fd, t->v4, head.count4 * sizeof(*t->v4), &at, err) &&
	       get(fd, t->v6, head.count6 * sizeof(*t->v6), &at, err);
}

/* A line of a terminal, whatever else: it is printed. */
static bool is_path(const char *path)
{
	size_t len = strnlen(path, GEO_PATH_MAX);

	if (len == 0 || len == GEO_PATH_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)path[i] < ' ' || path[i] == 0x7f)
			return false;
	return true;
}

#define DATE_MAX 99991231

static bool check_sources(const struct geo_table *t, struct error *err)
{
	bool seen[REGISTRY_COUNT] = { false };

	for (size_t i = 0; i < t->source_count; i++) {
		const struct geo_source *s = &t->sources[i];

		if (s->kind > GEO_MMDB || s->registry >= REGISTRY_COUNT ||
		    (s->kind == GEO_RIR) != (s->registry != REGISTRY_NONE) ||
		    (s->registry != REGISTRY_NONE && seen[s->registry]) ||
		    !image_country_valid(s->country) || s->date > DATE_MAX ||
		    s->bytes > GEO_FILE_MAX || !is_path(s->path))
			return impossible(err, "a source");
		seen[s->registry] = true;
	}
	return true;
}

static bool check_entry(const struct geo_table *t, const struct geo_range6 *r)
{
	return r->first <= r->last && r->source < t->source_count &&
	       image_country_valid(r->record.country) &&
	       r->record.registry == t->sources[r->source].registry &&
	       r->record.status < STATUS_COUNT && r->record.date <= DATE_MAX;
}

/* Each source has the entries that it says, in their order and disjoint: what
 * comes after relies on that. */
static bool check_family(const struct geo_table *t, bool v6, uint32_t found[])
{
	size_t count = v6 ? t->count6 : t->count4;
	addr6_t last[GEO_SOURCES_MAX];

	for (size_t i = 0; i < count; i++) {
		struct geo_range6 r = table_entry(t, v6, i);

		if (!check_entry(t, &r) ||
		    (found[r.source]++ > 0 && r.first <= last[r.source]))
			return false;
		last[r.source] = r.last;
	}
	return true;
}

static bool check(const struct geo_table *t, struct error *err)
{
	uint32_t found4[GEO_SOURCES_MAX] = { 0 };
	uint32_t found6[GEO_SOURCES_MAX] = { 0 };

	if (!check_sources(t, err))
		return false;
	if (!check_family(t, false, found4) || !check_family(t, true, found6))
		return impossible(err, "an entry");
	for (size_t i = 0; i < t->source_count; i++)
		if (found4[i] != t->sources[i].records4 ||
		    found6[i] != t->sources[i].records6)
			return impossible(err, "a number of entries");
	return true;
}

bool geo_table_receive(struct geo_table *table, int fd, struct error *err)
{
	if (copy(table, fd, err) && check(table, err))
		return true;
	geo_table_clear(table);
	return false;
}
