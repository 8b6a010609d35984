/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_CMD_EXPORT_H
#define TOOLS_CMD_EXPORT_H

#include <stdbool.h>
#include <stdio.h>

#include <geoblock/country.h>
#include <geoblock/error.h>
#include <geoblock/image.h>
#include <geoblock/iset.h>

/* What `geoblock export` was asked for, and what it found. */
struct export_job {
	const struct image *image;
	struct image_about about;
	bool v4, v6;        /* families that are wanted */
	const char *result; /* postfix: what a line says */

	struct country_set countries; /* chosen, and in the image */
	struct iset set; /* their addresses; of unwanted families none */
};

struct export_format {
	const char *name;
	bool binary;
	/* Writes all of it.  Errors of `out` are looked for by the caller. */
	bool (*write)(const struct export_job *job, FILE *out,
		      struct error *err);
};

#define EXPORT_FORMATS 7
extern const struct export_format export_formats[EXPORT_FORMATS];

#endif
