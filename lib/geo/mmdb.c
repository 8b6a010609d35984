// SPDX-License-Identifier: GPL-2.0-or-later
/* libmaxminddb opens, finds and decodes; each value is checked before it is
 * given to the library (mmdb_check.c), and so are the metadata before
 * MMDB_open().
 *
 * A database of 1.3 million nodes has 250 countries: what an offset decoded
 * to is remembered in a table of CACHE_SIZE places, each taken over by
 * whatever comes later. */
#include "mmdb.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mmdb_check.h"

#define CACHE_SIZE 4096 /* a power of two */

/* Values a database may make us look at, for each of its bytes: real ones take
 * about one, the rest is for decoding again what the cache has lost. */
#define VALUES_A_BYTE   64
#define METADATA_VALUES 4096
#define LOOKUP_VALUES   65536

struct cached {
	uint32_t offset; /* plus one: 0 is an empty place */
	country_t country;
};

struct mmdb {
	MMDB_s db;
	struct mmdb_check check;
	char *name;
	struct cached cache[CACHE_SIZE];
};

static bool fail(const struct mmdb *mmdb, struct error *err, int status)
{
	return error_set(err, ERROR_MALFORMED, 0, "%s: %s", mmdb->name,
			 MMDB_strerror(status));
}

bool mmdb_probe(int fd, const char *name, struct error *err)
{
	struct mmdb_check check = { .budget = METADATA_VALUES };
	struct stat st;
	size_t len = MMDB_METADATA_MAX;
	uint8_t *tail;
	ssize_t got;
	bool ok;

	if (fstat(fd, &st) < 0)
		return error_set(err, ERROR_SYSTEM, errno, "%s: cannot stat",
				 name);
	if ((off_t)len > st.st_size)
		len = (size_t)st.st_size;
	tail = malloc(len + 1);
	if (!tail)
		return error_set(err, ERROR_SYSTEM, ENOMEM, "%s", name);
	got = pread(fd, tail, len, st.st_size - (off_t)len);
	if (got < 0 || (size_t)got != len) {
		free(tail);
		return error_set(err, ERROR_SYSTEM, got < 0 ? errno : 0,
				 "%s: cannot read its end", name);
	}
	check.data = mmdb_find_metadata(tail, len, &check.size);
	ok = check.data && mmdb_check_value(&check, 0);
	free(tail);
	if (!ok)
		return error_set(err, ERROR_MALFORMED, 0,
				 check.data ? "%s: the MaxMind DB's metadata "
					      "are damaged"
					    : "%s: binary data, but no MaxMind "
					      "DB: it has no metadata marker",
				 name);
	return true;
}

bool mmdb_open_fd(struct mmdb **mmdb, int fd, const char *name,
		  struct error *err)
{
	char path[32];
	struct mmdb *m;
	int status;

	*mmdb = NULL;
	if (!mmdb_probe(fd, name, err))
		return false;
	m = calloc(1, sizeof(*m));
	if (!m || !(m->name = strdup(name))) {
		free(m);
		return error_set(err, ERROR_SYSTEM, ENOMEM, "%s", name);
	}
	/* the very file that was checked, whatever its name stands for now */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	status = MMDB_open(path, MMDB_MODE_MMAP, &m->db);
	if (status != MMDB_SUCCESS) {
		fail(m, err, status);
		free(m->name);
		free(m);
		return false;
	}
	m->check = (struct mmdb_check){
		.data = m->db.data_section,
		.size = m->db.data_section_size,
		.budget = (uint64_t)m->db.file_size * VALUES_A_BYTE,
	};
	*mmdb = m;
	return true;
}

bool mmdb_open(struct mmdb **mmdb, const char *path, struct error *err)
{
	/* O_NONBLOCK: not to wait for the writer of a FIFO */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	bool ok;

	*mmdb = NULL;
	if (fd < 0)
		return error_set(err, ERROR_SYSTEM, errno, "%s: cannot open",
				 path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		ok = error_set(err, ERROR_MALFORMED, 0,
			       "%s: is no regular file", path);
	else
		ok = mmdb_open_fd(mmdb, fd, path, err);
	close(fd);
	return ok;
}

void mmdb_close(struct mmdb *mmdb)
{
	if (!mmdb)
		return;
	MMDB_close(&mmdb->db);
	free(mmdb->name);
	free(mmdb);
}

static uint32_t date_of(uint64_t epoch)
{
	time_t when = (time_t)epoch;
	struct tm tm;

	if (epoch > INT32_MAX * UINT64_C(4) || !gmtime_r(&when, &tm))
		return 0;
	return (uint32_t)(tm.tm_year + 1900) * 10000 +
	       (uint32_t)(tm.tm_mon + 1) * 100 + (uint32_t)tm.tm_mday;
}

void mmdb_shape(const struct mmdb *mmdb, struct mmdb_shape *out)
{
	const MMDB_s *db = &mmdb->db;
	uint32_t start = db->ipv4_start_node.node_value;
	bool node = db->depth == 128 && db->ipv4_start_node.netmask == 96 &&
		    start < db->metadata.node_count;

	*out = (struct mmdb_shape){ .bits = db->depth,
				    .nodes = db->metadata.node_count,
				    .ipv4_node = node ? start : 0,
				    .date = date_of(db->metadata.build_epoch),
				    .type = db->metadata.database_type };
}

static bool record(const struct mmdb *mmdb, uint8_t type, uint64_t value,
		   uint32_t offset, struct mmdb_record *out, struct error *err)
{
	switch (type) {
	case MMDB_RECORD_TYPE_SEARCH_NODE:
		*out = (struct mmdb_record){ MMDB_NODE, (uint32_t)value };
		return true;
	case MMDB_RECORD_TYPE_EMPTY:
		*out = (struct mmdb_record){ MMDB_NOTHING, 0 };
		return true;
	case MMDB_RECORD_TYPE_DATA:
		*out = (struct mmdb_record){ MMDB_DATA, offset };
		return true;
	default:
		return fail(mmdb, err, MMDB_CORRUPT_SEARCH_TREE_ERROR);
	}
}

bool mmdb_node(const struct mmdb *mmdb, uint32_t node,
	       struct mmdb_record out[2], struct error *err)
{
	MMDB_search_node_s n;
	int status = MMDB_read_node(&mmdb->db, node, &n);

	if (status != MMDB_SUCCESS)
		return fail(mmdb, err, status);
	return record(mmdb, n.left_record_type, n.left_record,
		      n.left_record_entry.offset, &out[0], err) &&
	       record(mmdb, n.right_record_type, n.right_record,
		      n.right_record_entry.offset, &out[1], err);
}

/* COUNTRY_NONE where there is no such path, or no code of two letters at it. */
static bool code_at(const struct mmdb *mmdb, uint32_t offset,
		    const char *const *path, country_t *out, struct error *err)
{
	MMDB_entry_s entry = { .mmdb = &mmdb->db, .offset = offset };
	MMDB_entry_data_s data;
	int status = MMDB_aget_value(&entry, &data, path);

	*out = COUNTRY_NONE;
	if (status == MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR ||
	    status == MMDB_INVALID_LOOKUP_PATH_ERROR)
		return true;
	if (status != MMDB_SUCCESS)
		return fail(mmdb, err, status);
	if (data.has_data && data.type == MMDB_DATA_TYPE_UTF8_STRING &&
	    !country_parse(data.utf8_string, data.data_size, out))
		*out = COUNTRY_NONE;
	return true;
}

static bool decode(struct mmdb *mmdb, uint32_t offset, country_t *out,
		   struct error *err)
{
	static const char *const country[] = { "country", "iso_code", NULL };
	static const char *const registered[] = { "registered_country",
						  "iso_code", NULL };
	static const char *const flat[] = { "country_code", NULL };

	if (!mmdb_check_value(&mmdb->check, offset))
		return error_set(err, ERROR_MALFORMED, 0,
				 "%s: the data at offset %" PRIu32
				 " are damaged",
				 mmdb->name, offset);
	if (!code_at(mmdb, offset, country, out, err))
		return false;
	if (*out == COUNTRY_NONE &&
	    !code_at(mmdb, offset, registered, out, err))
		return false;
	return *out != COUNTRY_NONE || code_at(mmdb, offset, flat, out, err);
}

bool mmdb_country(struct mmdb *mmdb, uint32_t offset, country_t *out,
		  struct error *err)
{
	/* multiplied by 2^32 / the golden ratio: spread evenly */
	uint32_t at = offset * UINT32_C(2654435769) >> 20;
	struct cached *cached = &mmdb->cache[at % CACHE_SIZE];

	*out = COUNTRY_NONE;
	if (offset >= mmdb->check.size) /* in particular: offset + 1 is not 0 */
		return error_set(err, ERROR_MALFORMED, 0,
				 "%s: a record points beyond the data",
				 mmdb->name);
	if (cached->offset != offset + 1) {
		country_t country;

		if (!decode(mmdb, offset, &country, err))
			return false;
		*cached = (struct cached){ offset + 1, country };
	}
	*out = cached->country;
	return true;
}

bool mmdb_find(struct mmdb *mmdb, const struct addr *addr, country_t *out,
	       struct error *err)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	const struct sockaddr *sa = (const struct sockaddr *)&in6;
	uint64_t halves[2] = { htobe64(ADDR6_HI(addr->value)),
			       htobe64(ADDR6_LO(addr->value)) };
	MMDB_lookup_result_s found;
	int status;

	*out = COUNTRY_NONE;
	if (addr->family == 6 && mmdb->db.depth == 32)
		return true; /* an IPv4 database knows nothing of it */
	if (addr->family == 4) {
		in4.sin_addr.s_addr = htobe32((uint32_t)addr->value);
		sa = (const struct sockaddr *)&in4;
	}
	memcpy(&in6.sin6_addr, halves, sizeof(halves));
	/* one look-up is bounded, not how many there may be */
	mmdb->check.budget = LOOKUP_VALUES;
	found = MMDB_lookup_sockaddr(&mmdb->db, sa, &status);
	if (status != MMDB_SUCCESS)
		return fail(mmdb, err, status);
	return !found.found_entry ||
	       mmdb_country(mmdb, found.entry.offset, out, err);
}
