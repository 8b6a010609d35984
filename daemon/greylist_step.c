// SPDX-License-Identifier: GPL-2.0-or-later
/* The rules of greylisting, on one record and a time, and the record as bytes:
 *
 *   0      1       2        3           4      8      16    24       32
 *   | ver | passed | sender | recipient | count | first | last | expires | texts
 *                  lengths                little-endian
 *
 * A clock can be set back.  A record from the future begins anew at the present: its
 * sender waits one delay more, and nothing lasts longer than its time from now.
 *
 * One that is known is stored again only when a 64th of its lifetime has passed since,
 * so that mail from known senders costs no write; it may be forgotten that much
 * early. */
#include "greylist_impl.h"

#include <string.h>

#define VERSION     1
#define HEADER      32
#define REFRESH     64 /* parts of the lifetime */
#define SECONDS_MAX (1ull << 40)

static void put_number(uint8_t *to, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get_number(const uint8_t *from, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = bytes; i-- > 0;)
		value = value << 8 | from[i];
	return value;
}

size_t greylist_pack(const struct greylist_record *record,
		     uint8_t out[GREYLIST_RECORD_MAX])
{
	size_t sender = strnlen(record->sender, GREYLIST_TEXT_MAX - 1);
	size_t recipient = strnlen(record->recipient, GREYLIST_TEXT_MAX - 1);

	out[0] = VERSION;
	out[1] = record->passed;
	out[2] = (uint8_t)sender;
	out[3] = (uint8_t)recipient;
	put_number(out + 4, record->count, 4);
	put_number(out + 8, record->first, 8);
	put_number(out + 16, record->last, 8);
	put_number(out + 24, record->expires, 8);
	memcpy(out + HEADER, record->sender, sender);
	memcpy(out + HEADER + sender, record->recipient, recipient);
	return HEADER + sender + recipient;
}

bool greylist_unpack(const void *data, size_t len, struct greylist_record *out)
{
	const uint8_t *p = data;
	struct greylist_record record = { 0 };

	if (len < HEADER || p[0] != VERSION || p[1] > 1 ||
	    p[2] >= GREYLIST_TEXT_MAX || p[3] >= GREYLIST_TEXT_MAX ||
	    len != (size_t)HEADER + p[2] + p[3])
		return false;
	record.passed = p[1];
	record.count = (uint32_t)get_number(p + 4, 4);
	record.first = get_number(p + 8, 8);
	record.last = get_number(p + 16, 8);
	record.expires = get_number(p + 24, 8);
	if (record.first > SECONDS_MAX || record.last > SECONDS_MAX ||
	    record.expires > SECONDS_MAX)
		return false;
	memcpy(record.sender, p + HEADER, p[2]);
	memcpy(record.recipient, p + HEADER + p[2], p[3]);
	if (strlen(record.sender) != p[2] || strlen(record.recipient) != p[3])
		return false;
	*out = record;
	return true;
}

/* Seen again: whether that is worth a write. */
static bool refresh(const struct conf_greylist *conf,
		    struct greylist_record *record, uint64_t now)
{
	if (record->last <= now &&
	    now - record->last < conf->lifetime_s / REFRESH + 1 &&
	    record->expires <= now + conf->lifetime_s)
		return false;
	record->last = now;
	record->expires = now + conf->lifetime_s;
	return true;
}

static void begin(const struct conf_greylist *conf,
		  struct greylist_record *record, uint64_t now)
{
	record->passed = false;
	record->count = 0;
	record->first = record->last = now;
	record->expires = now + conf->window_s;
}

bool greylist_step(const struct conf_greylist *conf,
		   struct greylist_record *record, bool known, uint64_t now,
		   struct greylist_result *out)
{
	*out = (struct greylist_result){ .answer = GREYLIST_NEW,
					 .wait_s = conf->delay_s };
	if (known && now < record->expires && record->passed) {
		out->answer = GREYLIST_KNOWN;
		out->wait_s = 0;
		return refresh(conf, record, now);
	}
	if (!known || now >= record->expires ||
	    (record->first <= now && now - record->first >= conf->window_s)) {
		begin(conf, record, now);
		return true;
	}
	if (record->first > now) { /* the clock was set back */
		begin(conf, record, now);
		out->answer = GREYLIST_EARLY;
		out->first_seen = now;
		return true;
	}
	out->first_seen = record->first;
	if (now - record->first < conf->delay_s) {
		out->answer = GREYLIST_EARLY;
		out->wait_s -= (uint32_t)(now - record->first);
		return false;
	}
	out->answer = GREYLIST_PASSED;
	out->wait_s = 0;
	record->passed = true;
	record->last = now;
	record->expires = now + conf->lifetime_s;
	return true;
}

bool greylist_client_known(const struct conf_greylist *conf,
			   struct greylist_record *record, uint64_t now,
			   bool *changed)
{
	*changed = false;
	if (conf->clients == 0 || record->count < conf->clients ||
	    now >= record->expires)
		return false;
	*changed = refresh(conf, record, now);
	return true;
}

void greylist_client_passed(const struct conf_greylist *conf,
			    struct greylist_record *record, bool known,
			    uint64_t now)
{
	if (!known || now >= record->expires) {
		memset(record, 0, sizeof(*record));
		record->first = now;
	}
	record->passed = true;
	record->count += record->count < UINT32_MAX;
	record->last = now;
	record->expires = now + conf->lifetime_s;
}
