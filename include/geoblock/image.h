/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_IMAGE_H
#define GEOBLOCK_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/addr.h>
#include <geoblock/agree.h>
#include <geoblock/country.h>
#include <geoblock/error.h>
#include <geoblock/geo.h>
#include <geoblock/iset.h>

/* The image: what every program asks for the country of an address.  One
 * read-only file, mapped; a look-up takes tens of nanoseconds and touches no
 * heap.  lib/geo/image_format.h draws the layout.  One image may be asked from
 * several threads at once. */

#define IMAGE_NAME          "geo.img"
#define IMAGE_NAME_PREVIOUS "geo.img.prev"

struct image;

enum image_trust {
	/* Every block of the file is checked before image_open() returns: for
	 * whoever keeps it open, or acts on all of it. */
	IMAGE_CHECK_ALL,
	/* The header is checked at once, every other block when a look-up
	 * first touches it: for a process that asks about a few addresses. */
	IMAGE_CHECK_TOUCHED,
};

/* image_open - map an image.  ERROR_SYSTEM if it cannot be read (sys_errno
 * ENOENT: there is none), ERROR_MALFORMED with the reason if it is damaged, cut
 * short, of another version or no image at all.  On error *image is NULL. */
bool image_open(struct image **image, const char *path, enum image_trust trust,
		struct error *err);

/* image_open_newest - state_dir's current image; where that is missing or
 * damaged the previous one, and then `fallback` (may be NULL) holds the reason,
 * else its kind is ERROR_NONE.  ERROR_SYSTEM with ENOENT means that there is
 * neither. */
bool image_open_newest(struct image **image, const char *state_dir,
		       enum image_trust trust, struct error *fallback,
		       struct error *err);

void image_close(struct image *image); /* NULL is allowed */

/* image_agree - which of two opinions counts, from now on and for everything
 * below: `country` is then agree_country() of both.  Without this call, or where
 * the image has no second source, it is the first source's.  Costs as much memory
 * as there are opinions, once; a look-up costs what it cost before.  To be called
 * before other threads ask.  Fails for lack of memory only. */
bool image_agree(struct image *image, enum agree agree,
		 const struct country_set *allowed, struct error *err);

/* What the image says of an address. */
struct image_hit {
	bool found; /* false: no record covers it; range is then the gap */
	/* IMAGE_CHECK_TOUCHED met a block that fails its checksum: nothing else
	 * here means anything */
	bool damaged;
	struct range range;
	struct geo_record record; /* its country is the one that counts */
	country_t first, second;  /* opinions; COUNTRY_NONE: none */
	uint32_t since; /* YYYYMMDD of its registry's first file without it;
	                 * 0: it is in the file */
};

/* image_find - of any address; it cannot fail but by `damaged`. */
struct image_hit image_find(const struct image *image, const struct addr *addr);

/* image_country4, image_country6 - the hot path: only the country,
 * COUNTRY_NONE where none is known.  The image must have been opened with
 * IMAGE_CHECK_ALL (asserted). */
country_t image_country4(const struct image *image, uint32_t addr);
country_t image_country6(const struct image *image, addr6_t addr);

/* image_ranges - the ranges of every chosen country, merged, into *out, a set
 * whose contents they replace (empty after an error).  set->unknown is ignored:
 * what no record names cannot be listed.  Needs IMAGE_CHECK_ALL. */
bool image_ranges(const struct image *image, const struct country_set *set,
		  struct iset *out, struct error *err);

/* image_each - every record, IPv4 before IPv6, in order, for export and reports;
 * stops early when visit returns false, and returns that.  Needs
 * IMAGE_CHECK_ALL. */
bool image_each(const struct image *image,
		bool (*visit)(void *ctx, const struct range *range,
			      const struct geo_record *record),
		void *ctx);

/* image_each_dispute - the ranges that the two sources put in different countries,
 * in order, neighbours with the same opinions as one.  Where one of them names
 * none there is no dispute.  Stops early when visit returns false, and returns
 * that.  Needs IMAGE_CHECK_ALL. */
struct image_dispute {
	struct range range;
	country_t first, second;
	country_t country; /* the one that counts */
};

bool image_each_dispute(const struct image *image,
			bool (*visit)(void *ctx,
				      const struct image_dispute *dispute),
			void *ctx);

struct image_about {
	uint32_t version; /* of the format */
	uint64_t built;   /* seconds since 1970 */
	uint64_t file_bytes;
	size_t ranges4, ranges6;
	size_t source_count;
	const struct geo_source *sources; /* belong to the image */
	const struct geo_source *second;  /* one of them; NULL: none */
	size_t kept4, kept6; /* ranges that are in no file any more */
	uint8_t digest[32];  /* SHA-256 of the records and of the sources' dates
	                     * and hashes; not of `built`, nor of the folder the
	                     * sources were in: equal data, equal digest */
};

void image_about(const struct image *image, struct image_about *out);

/* image_addresses - addresses (v4) and /64 networks (v6) per country, indexed by
 * country_index(): what the shrink guard compares.  Arrays of COUNTRY_INDEXES.
 * Needs IMAGE_CHECK_ALL. */
void image_addresses(const struct image *image, uint64_t *v4, uint64_t *v6);

/* image_addresses_kept - the same of those ranges only that are in no file any
 * more. */
void image_addresses_kept(const struct image *image, uint64_t *v4,
			  uint64_t *v6);

/* image_keep - append to a table that is not finished yet what the registry's file
 * had when the image was made, and its source; nothing where it has none.  On
 * error the table is as before.  Needs IMAGE_CHECK_ALL. */
bool image_keep(const struct image *image, enum geo_registry registry,
		struct geo_table *table, struct error *err);

/* image_keep_second - the second source's opinions, and it, as a finished table;
 * an empty one where there is none.  The caller clears it, also after an error.
 * Needs IMAGE_CHECK_ALL. */
bool image_keep_second(const struct image *image, struct geo_table *table,
		       struct error *err);

/* image_first - what the first source says of an address: for
 * geo_table_finish(), as what was known before.  ctx is an image with
 * IMAGE_CHECK_ALL. */
country_t image_first(void *ctx, const struct addr *addr);

/* image_grace - ranges that are in no file any more keep their record.
 *
 * To a finished table are added the delegated ranges of the image of which no
 * source of the table says anything, neither another registry, to which they may
 * have moved, nor their own, which may have taken them back: those of registries
 * that the table has a source of, for `days` from the date of the first file
 * without them (by the files' dates; a file without a date keeps nothing).  Needs
 * IMAGE_CHECK_ALL.  Fails for lack of memory only, and may have added some then. */
struct image_graced {
	uint64_t ranges4, ranges6;   /* added */
	uint64_t expired4, expired6; /* pieces that are not, or not any more */
	uint64_t addresses4;         /* of those added */
};

bool image_grace(const struct image *image, struct geo_table *table,
		 unsigned days, struct image_graced *out, struct error *err);

/* image_make - compile a finished table.  The image is in memory only, as good as
 * one opened with IMAGE_CHECK_ALL: it can be looked at before it is let in.
 * `now` is what image_about() calls built. */
bool image_make(struct image **image, const struct geo_table *table,
		uint64_t now, struct error *err);

/* image_install - make an image state_dir's current one.
 *
 * Written to a temporary file beside it, fsync'ed, the current image becomes the
 * previous one, the new one takes its name, the folder is fsync'ed: at every
 * instant there is a whole image under IMAGE_NAME or IMAGE_NAME_PREVIOUS, and a
 * kill or a power cut leaves the old or the new state.  Left-over temporary files
 * of earlier runs are removed.  *changed is false, and nothing else is touched,
 * where the current image is whole and has the same digest.  A current image that
 * is damaged is replaced without becoming the previous one.
 *
 * The caller sees to it that there is no second writer (TOOL_LOCK_STATE). */
bool image_install(const struct image *image, const char *state_dir,
		   bool *changed, struct error *err);

#endif
