/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_GEO_H
#define GEOBLOCK_GEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/addr.h>
#include <geoblock/country.h>
#include <geoblock/error.h>
#include <geoblock/record.h>

/* Country data on its way from files to the image: readers append records to a
 * geo_table, geo_table_finish() makes one sorted, disjoint list of them. */

struct geo_range4 {
	uint32_t first, last;
	struct geo_record record;
	uint32_t line;   /* in its file, from 1; 0 where there are none */
	uint32_t source; /* index into geo_table.sources */
};

struct geo_range6 {
	addr6_t first, last;
	struct geo_record record;
	uint32_t line;
	uint32_t source;
};

#define GEO_SOURCES_MAX 1024 /* a CIDR source has two files a country */
#define GEO_PATH_MAX    256  /* with its NUL; a longer name is an error */
#define GEO_FILE_MAX    (512u << 20) /* bytes of one source, unpacked */
#define GEO_RANGES_MAX  (1u << 24)   /* of one family, in a table */

/* One file that was read. */
struct geo_source {
	uint8_t kind;      /* enum geo_kind */
	uint8_t registry;  /* enum geo_registry; RIR only */
	country_t country; /* CIDR only */
	uint32_t date;     /* data as of: YYYYMMDD, 0 where unknown (RIR: the
	                        * header's end date, never its serial) */
	uint64_t serial;   /* RIR: the header's, as it stands */
	uint64_t bytes;    /* unpacked */
	uint32_t records4, records6; /* ranges taken from it */
	uint8_t sha256[32];          /* of the unpacked bytes */
	char path[GEO_PATH_MAX];
};

/* What a second source says of a range. */
struct geo_opinion {
	country_t country; /* COUNTRY_NONE: nothing */
	bool cut; /* the range goes on from the one before: its border is one of
	           * the second source's */
};

struct geo_table {
	struct geo_range4 *v4;
	struct geo_range6 *v6;
	size_t count4, room4;
	size_t count6, room6;
	struct geo_source *sources;
	size_t source_count, source_room;
	bool finished; /* geo_table_finish() has been through */
	/* of a finished table, beside v4 and v6; NULL where all would be 0 */
	struct geo_opinion *second4, *second6;
	uint32_t *since4, *since6; /* in no file any more since, YYYYMMDD */
	uint32_t second;           /* 1 + index of the second source; 0: none */
};

/* All zero bytes are an empty table. */
void geo_table_clear(struct geo_table *table);

/* Where readers and geo_table_finish() say what they went on without: one
 * line, "file:line: …". */
struct geo_warn {
	void (*say)(void *ctx, const char *text); /* NULL: nobody listens */
	void *ctx;
};

/* geo_read - read one file of any kind into the table.
 *
 * The kind is told by the content: a delegation file by its version line, MMDB
 * by its metadata marker, IPFire text and CIDR lists by the shape of their
 * first entry.  Plain, gzip and xz are told by their magic.  A CIDR list's
 * country is the two letters at the head of its name ("us.ipv4.zone",
 * "us-aggregated.zone", "id_country_us.netset").
 *
 * Refused, with file:line, what was found and what would be right, and the
 * table then as it was before: a record that is none, a wrong number of ipv4
 * or ipv6 records, an overlap inside the file (both lines are named), a file
 * that ends in mid-record or without the records that its header promised
 * for ipv4 and ipv6, a second file of the same registry.  Only warned of: a
 * wrong total or asn count (LACNIC published such a file on 2026-01-29), an
 * odd line of a kind this project has no use for. */
bool geo_read(struct geo_table *table, const char *path,
	      const struct geo_warn *warn, struct error *err);

/* geo_read_all - the same for several files, on all processors there are.
 *
 * The table is then what geo_read() of one after the other would have made
 * of it, but for the order of its entries: each file is read or refused by
 * itself.  Warnings come from the calling thread, in the order of the files,
 * when all have been read. */
struct geo_file {
	const char *path;
	int fd; /* 0: path is opened; else it is read, and closed, and path is
	         * what messages call it */
	bool ok;
	struct error err; /* where it is not */
};

void geo_read_all(struct geo_table *table, struct geo_file *files, size_t count,
		  const struct geo_warn *warn);

/* geo_table_send, geo_table_receive - a table before geo_table_finish(), through
 * a file in memory, from a process that read strangers' files to one that has
 * rights.
 *
 * Whoever sent it is not believed: sizes are bounded, every field is checked to
 * be one that a reader could have made, a registry comes once, and each source
 * has as many entries as it says, in order and disjoint; what is received is a copy,
 * so that nothing changes behind the check.  The table has to be empty, and is
 * empty after an error. */
bool geo_table_send(const struct geo_table *table, int fd, struct error *err);
bool geo_table_receive(struct geo_table *table, int fd, struct error *err);

/* geo_table_finish - sort, and settle overlaps between files.
 *
 * Delegated wins over available and reserved.  Where two files give one address
 * to different countries (for a day or two while a block moves between
 * registries) the country that `previous` names for it is kept, else the record
 * with the later date, else the later file date, else the first file read; each
 * such conflict is warned of once.  Afterwards v4 and v6 are sorted and
 * disjoint. */
bool geo_table_finish(struct geo_table *table,
		      country_t (*previous)(void *ctx, const struct addr *addr),
		      void *ctx, const struct geo_warn *warn,
		      struct error *err);

/* geo_table_drop - take a source and its ranges out of a table that is not
 * finished. */
void geo_table_drop(struct geo_table *table, size_t source);

/* geo_table_second - what a second source says, beside what a finished table has.
 *
 * `second` is a finished table; its ranges with a country cut those of the table
 * where its opinion changes, and fill the gaps between them with records that only
 * the second source knows.  Its first source becomes the last one of the table.  On
 * error the table is unchanged. */
bool geo_table_second(struct geo_table *table, const struct geo_table *second,
		      struct error *err);

/* mmdb_find - one look-up in an MMDB, for `query`: the country that the
 * database gives for addr, COUNTRY_NONE where it has none.  Both schemas:
 * nested country.iso_code (registered_country.iso_code where that is
 * missing) and flat country_code.  An IPv4 database has none for an IPv6
 * address.  Addresses of 6to4 and Teredo (2002::/16, 2001::/32), which
 * databases alias to the IPv4 they hold, get that one's country here;
 * geo_read() leaves the aliases out.  A damaged database is found out when a
 * look-up meets the damage (ERROR_MALFORMED). */
struct mmdb;
bool mmdb_open(struct mmdb **mmdb, const char *path, struct error *err);
void mmdb_close(struct mmdb *mmdb);
bool mmdb_find(struct mmdb *mmdb, const struct addr *addr, country_t *out,
	       struct error *err);

#endif
