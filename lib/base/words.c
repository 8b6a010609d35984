// SPDX-License-Identifier: GPL-2.0-or-later
#include <geoblock/words.h>

#include <stdio.h>
#include <string.h>

#define WORD_MAX 32 /* longer ones are never near anything */

int words_find(const char *const *words, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return (int)i;
	return -1;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Edit distance with neighbours swapped counted once (optimal string alignment):
 * what fingers do.  Three rows: of i - 2, i - 1 and i. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1], la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		const size_t *swap = rows[(i + 1) % 3];
		const size_t *above = rows[(i - 1) % 3];
		size_t *row = rows[i % 3];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] =
				smallest(above[j] + 1, row[j - 1] + 1,
					 above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && swap[j - 2] + 1 < row[j])
				row[j] = swap[j - 2] + 1;
		}
	}
	return rows[la % 3][lb];
}

const char *words_nearest(const char *const *words, size_t count,
			  const char *word)
{
	const char *nearest = NULL;
	size_t best = 3;

	for (size_t i = 0; i < count; i++) {
		size_t d = distance(words[i], word);

		if (d < best && d * 2 < strlen(words[i])) {
			best = d;
			nearest = words[i];
		}
	}
	return nearest;
}

const char *words_join(const char *const *words, size_t count, char *buf,
		       size_t size)
{
	size_t used = 0;

	if (size == 0)
		return buf;
	buf[0] = '\0';
	for (size_t i = 0; i < count && used < size; i++) {
		const char *before = i == 0           ? ""
				     : i + 1 == count ? " or "
						      : ", ";
		int n = snprintf(buf + used, size - used, "%s%s", before,
				 words[i]);

		if (n < 0)
			break;
		used += (size_t)n;
	}
	return buf;
}
