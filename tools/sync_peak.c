// SPDX-License-Identifier: GPL-2.0-or-later
/* The most that each chosen country had lately, in STATE/peaks.json: a guard that
 * looks at the image before alone lets a country go in slices, each a little less
 * than max-shrink.
 *
 * A run notes the image that was in force when it began; what is in force from now
 * on is the next run's to note.  So nothing has to be undone where this one is held
 * or put back. */
#include "tools/sync.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PEAKS_NAME    "peaks.json"
#define PEAKS_VERSION 1
#define PEAKS_MAX     (1u << 20) /* bytes; a country takes some 70 */
#define PEAK_DAYS     30

static int32_t today(void)
{
	return (int32_t)(time(NULL) / 86400);
}

/* What sizes depend on besides the data: another choice is no loss, and begins
 * anew. */
static json_t *basis(const struct sync *s)
{
	char text[16 + 3 * COUNTRY_INDEXES] = "", code[3];
	country_t cc = COUNTRY_NONE;
	size_t len;

	if (!conf_second(s->conf))
		return json_string("");
	len = (size_t)snprintf(text, sizeof(text), "%s",
			       agree_name(s->conf->agree));
	while ((cc = country_set_next(&s->conf->policy.allowed, cc)))
		len += (size_t)snprintf(text + len, sizeof(text) - len, " %s",
					country_text(cc, code));
	return json_string(text);
}

/* Of a day to come (the clock was ahead) or of long ago counts no more. */
static bool take(struct sync_peak *peak, json_int_t count, json_int_t date)
{
	int32_t age;

	if (count < 0 || date < 0 || date > 99991231)
		return false;
	age = today() - geo_days((uint32_t)date);
	if (age >= 0 && age <= PEAK_DAYS && (uint64_t)count > peak->count)
		*peak = (struct sync_peak){ (uint64_t)count, (uint32_t)date };
	return true;
}

static bool take_country(struct sync_country *c, json_t *peaks)
{
	json_int_t v4, date4, v6, date6;
	char code[3];
	json_t *o = json_object_get(peaks, country_text(c->country, code));

	return !o || (json_unpack(o, "[I, I, I, I!]", &v4, &date4, &v6,
				  &date6) == 0 &&
		      take(&c->peak4, v4, date4) && take(&c->peak6, v6, date6));
}

static bool take_file(struct sync *s, json_t *file)
{
	json_t *peaks, *then, *now = basis(s);
	int version;
	bool ok = json_unpack(file, "{s:i, s:o, s:o!}", "version", &version,
			      "basis", &then, "peaks", &peaks) == 0 &&
		  version == PEAKS_VERSION && json_is_object(peaks);

	if (ok && json_equal(then, now))
		for (size_t i = 0; i < s->country_count; i++)
			ok = ok && take_country(&s->countries[i], peaks);
	json_decref(now);
	return ok;
}

/* What is in force as this run begins. */
static void take_image(struct sync *s)
{
	uint32_t date = geo_date(today());

	for (size_t i = 0; i < s->country_count; i++) {
		struct sync_country *c = &s->countries[i];

		c->peak4 = (struct sync_peak){ c->was4 - c->was_kept4, date };
		c->peak6 = (struct sync_peak){ c->was6 - c->was_kept6, date };
	}
}

void sync_peaks_read(struct sync *s)
{
	struct error err = { 0 };
	json_t *file;

	take_image(s);
	if (!s->old_image)
		return; /* where there was nothing, nothing is taken away */
	file = tool_json_load(s->conf->state_dir, PEAKS_NAME, PEAKS_MAX, &err);
	if (file && !take_file(s, file)) {
		error_set(&err, ERROR_MALFORMED, 0,
			  "%s/" PEAKS_NAME ": is not what geoblock-sync writes",
			  s->conf->state_dir);
		take_image(s);
	}
	json_decref(file);
	if (err.kind != ERROR_NONE && err.sys_errno != ENOENT)
		sync_warn(s,
			  "%s; countries are compared with the image at hand "
			  "alone, not with the last %d days",
			  err.text, PEAK_DAYS);
}

static json_int_t bounded(uint64_t n)
{
	return n > INT64_MAX ? INT64_MAX : (json_int_t)n;
}

void sync_peaks_write(struct sync *s)
{
	json_t *peaks = json_object(), *file;
	struct error err = { 0 };

	for (size_t i = 0; i < s->country_count; i++) {
		const struct sync_country *c = &s->countries[i];
		char code[3];

		if (c->held && s->force)
			continue; /* begins anew, with what is taken now */
		json_object_set_new(peaks, country_text(c->country, code),
				    json_pack("[I, I, I, I]",
					      bounded(c->peak4.count),
					      (json_int_t)c->peak4.date,
					      bounded(c->peak6.count),
					      (json_int_t)c->peak6.date));
	}
	file = json_pack("{s:i, s:o, s:o}", "version", PEAKS_VERSION, "basis",
			 basis(s), "peaks", peaks);
	if (!tool_json_save(s->conf->state_dir, PEAKS_NAME, file, &err))
		sync_warn(s, "%s", err.text);
	json_decref(file);
}
