/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_WORDS_H
#define GEOBLOCK_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Enums that people read and write: a table of words, in the enum's order. */

/* words_find - index of word in words[count], or -1. */
int words_find(const char *const *words, size_t count, const char *word);

/* words_nearest - the word that a typing mistake most likely meant: edit
 * distance (a letter more, less, other, or two neighbours swapped) at most 2 and
 * less than half of the word's length, else NULL. */
const char *words_nearest(const char *const *words, size_t count,
			  const char *word);

/* words_join - "accept, drop or reset" into buf, cut where it does not fit. */
const char *words_join(const char *const *words, size_t count, char *buf,
		       size_t size);

#endif
