// SPDX-License-Identifier: GPL-2.0-or-later
/* Triplets as keys.
 *
 * The same sender has to give the same key when it comes again, also where it numbers
 * its senders: mailing lists write the recipient and a serial number into the sender
 * (VERP), bounce protection a signature that changes by the day (BATV), forwarders a
 * hash and a time stamp (SRS).  So of a sender's local part nothing behind a "+"
 * counts, nor the first two fields of SRS, and every word with a digit in it is the
 * same word, "#".  What that takes for one and is two, user1 and user2 of a domain
 * from one network to one recipient, only spares the second the wait.
 *
 * Recipients are ours, and compared as they are but for case.
 *
 * The hash is SHA-256 without a secret, as hosts that share a store must agree: with
 * less, a stranger could find a triplet that falls together with another. */
#include "greylist_impl.h"

#include <string.h>

#include <nettle/sha2.h>

void greylist_client_key(struct greylist_key *out,
			 const struct conf_greylist *conf,
			 const struct addr *client)
{
	unsigned bits = client->family == 4 ? 32 : 128;
	unsigned length = client->family == 4 ? conf->network4 : conf->network6;
	addr6_t value = client->value;

	/* a shift by the whole width is undefined; a length of 0 is no
	 * configuration */
	value &= length ? ADDR6_MAX << (bits - length) : 0;
	memset(out, 0, sizeof(*out));
	out->bytes[0] = GREYLIST_CLIENT_RECORD;
	out->bytes[1] = (uint8_t)client->family;
	for (unsigned i = 0; i < bits / 8; i++)
		out->bytes[2 + i] = (uint8_t)(value >> (bits - 8 - 8 * i));
	out->len = (uint8_t)(2 + bits / 8);
}

/* ---- the sender, byte by byte into the hash ---- */

struct normal {
	struct sha256_ctx sha;
	uint8_t chunk[64];
	size_t used;
};

static void put(struct normal *n, char c)
{
	n->chunk[n->used++] = (uint8_t)c;
	if (n->used == sizeof(n->chunk)) {
		sha256_update(&n->sha, n->used, n->chunk);
		n->used = 0;
	}
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') ||
	       (unsigned char)c >= 0x80;
}

/* "SRS0=hash=time=domain=user": where the domain begins. */
static const char *after_srs(const char *from, const char *to)
{
	const char *p = from + 5;

	if (to - from < 6 || lower(from[0]) != 's' || lower(from[1]) != 'r' ||
	    lower(from[2]) != 's' || (from[3] != '0' && from[3] != '1') ||
	    !strchr("=+-", from[4]))
		return from;
	for (int fields = from[3] == '0' ? 2 : 1; fields > 0; fields--) {
		p = memchr(p, '=', (size_t)(to - p));
		if (!p)
			return from;
		p++;
	}
	return p;
}

static void put_local_part(struct normal *n, const char *from, const char *to)
{
	const char *p = after_srs(from, to), *plus;

	plus = memchr(p, '+', (size_t)(to - p));
	/* "+tag@…" is all there is */
	if (plus && plus > p)
		to = plus;
	while (p < to) {
		const char *word = p;
		bool digits = false;

		while (p < to && is_word(*p))
			digits |= is_digit(*p++);
		if (digits)
			put(n, '#');
		for (; !digits && word < p; word++)
			put(n, lower(*word));
		if (p < to)
			put(n, *p++);
	}
}

void greylist_triplet_key(struct greylist_key *out,
			  const struct greylist_key *client, const char *sender,
			  const char *recipient)
{
	const char *at = strrchr(sender, '@');
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct normal n = { .used = 0 };

	sha256_init(&n.sha);
	put_local_part(&n, sender, at ? at : sender + strlen(sender));
	for (; at && *at; at++)
		put(&n, lower(*at));
	put(&n, '\0');
	for (; *recipient; recipient++)
		put(&n, lower(*recipient));
	sha256_update(&n.sha, n.used, n.chunk);
	sha256_digest(&n.sha, sizeof(digest), digest);

	*out = *client;
	out->bytes[0] = GREYLIST_TRIPLET;
	memcpy(out->bytes + client->len, digest, GREYLIST_HASH_SIZE);
	out->len = (uint8_t)(client->len + GREYLIST_HASH_SIZE);
}

bool greylist_key_network(const struct greylist_key *key, struct addr *out,
			  enum greylist_kind *kind)
{
	unsigned bytes = key->bytes[1] == 4 ? 4 : 16;
	bool triplet = key->bytes[0] == GREYLIST_TRIPLET;

	if (key->len < 2 || (key->bytes[1] != 4 && key->bytes[1] != 6) ||
	    (!triplet && key->bytes[0] != GREYLIST_CLIENT_RECORD) ||
	    key->len != 2 + bytes + (triplet ? GREYLIST_HASH_SIZE : 0))
		return false;
	*kind = triplet ? GREYLIST_TRIPLET : GREYLIST_CLIENT_RECORD;
	out->family = key->bytes[1];
	out->value = 0;
	for (unsigned i = 0; i < bytes; i++)
		out->value = out->value << 8 | key->bytes[2 + i];
	return true;
}

void greylist_text(char out[GREYLIST_TEXT_MAX], const char *address)
{
	size_t len = strnlen(address, GREYLIST_TEXT_MAX);

	if (len == GREYLIST_TEXT_MAX) {
		len--;
		while (len > 0 && ((unsigned char)address[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(out, address, len);
	memset(out + len, 0, GREYLIST_TEXT_MAX - len);
}
