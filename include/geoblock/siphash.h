/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_SIPHASH_H
#define GEOBLOCK_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* siphash - SipHash-2-4 (Aumasson and Bernstein, 2012): a hash for tables whose
 * keys a stranger chooses.  key is 16 random bytes, made at start and kept
 * secret. */
#define SIPHASH_KEY_SIZE 16
uint64_t siphash(const uint8_t key[SIPHASH_KEY_SIZE], const void *data,
		 size_t len);

#endif
