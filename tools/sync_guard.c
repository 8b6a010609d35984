// SPDX-License-Identifier: GPL-2.0-or-later
/* An update that takes a chosen country away is most often a broken file, and in
 * a default-deny list it would refuse that country's mail: hold it until
 * somebody says --force.  So is one that is the last of several slices. */
#include "tools/sync.h"

#include <stdlib.h>

struct totals {
	uint64_t v4[COUNTRY_INDEXES], v6[COUNTRY_INDEXES];
};

static bool shrinks(uint64_t was, uint64_t now, unsigned per_cent)
{
	/* in 128 bits: no product overflows */
	return now < was && (unsigned __int128)(was - now) * 100 >
				    (unsigned __int128)was * per_cent;
}

static bool list_countries(struct sync *s, const struct totals *t)
{
	const struct totals *was = &t[0], *now = &t[1], *was_kept = &t[2],
			    *kept = &t[3];
	const struct country_set *allowed = &s->conf->policy.allowed;
	size_t count = country_set_count(allowed);
	country_t cc = COUNTRY_NONE;

	s->countries = calloc(count + 1, sizeof(*s->countries));
	if (!s->countries)
		return sync_fail(s, "out of memory");
	while ((cc = country_set_next(allowed, cc)) != COUNTRY_NONE) {
		unsigned at = country_index(cc);
		struct sync_country *c = &s->countries[s->country_count++];

		*c = (struct sync_country){ .country = cc,
					    .was4 = was->v4[at],
					    .was6 = was->v6[at],
					    .now4 = now->v4[at],
					    .now6 = now->v6[at],
					    .was_kept4 = was_kept->v4[at],
					    .was_kept6 = was_kept->v6[at],
					    .kept4 = kept->v4[at],
					    .kept6 = kept->v6[at] };
	}
	return true;
}

/* One reason to hold the update: said, and what of it --force overrides. */
static bool hold(struct sync *s, const char *text)
{
	if (sync_override(s, "%s", text))
		return true;
	sync_warn(s, "%s", text);
	return false;
}

/* What is kept although it is in no file is no argument for the files. */
static bool judge_family(struct sync *s, struct sync_country *c,
			 const struct sync_peak *peak, uint64_t now,
			 const char *what)
{
	char code[3], text[300], date[TOOL_DATE_MAX];

	if (!shrinks(peak->count, now, s->conf->max_shrink) &&
	    (now > 0 || peak->count == 0))
		return true;
	c->held = true;
	snprintf(text, sizeof(text),
		 "%s would shrink from the %llu %s of %s to %llu: more than "
		 "max-shrink = %u per cent",
		 country_text(c->country, code),
		 (unsigned long long)peak->count, what,
		 tool_date(peak->date, date), (unsigned long long)now,
		 s->conf->max_shrink);
	return hold(s, text);
}

static bool judge_country(struct sync *s, struct sync_country *c)
{
	char code[3];
	bool ok;

	if (c->now4 == 0 && c->now6 == 0 && s->country_count <= 32)
		sync_warn(s, "%s has no addresses in this data",
			  country_text(c->country, code));
	ok = judge_family(s, c, &c->peak4, c->now4 - c->kept4,
			  "IPv4 addresses");
	return judge_family(s, c, &c->peak6, c->now6 - c->kept6,
			    "IPv6 /64 networks") &&
	       ok;
}

static bool judge(struct sync *s)
{
	uint64_t sum4 = 0, sum6 = 0;
	bool ok = true;
	char text[200];

	for (size_t i = 0; i < s->country_count; i++) {
		sum4 += s->countries[i].now4;
		sum6 += s->countries[i].now6 != 0;
		ok &= judge_country(s, &s->countries[i]);
	}
	if (s->country_count == 0)
		return ok;
	if (sum4 == 0 && sum6 == 0)
		return hold(s, "none of the chosen countries has an address in "
			       "this data: the list would refuse the world") &&
		       ok;
	if (sum4 >= s->conf->floor)
		return ok;
	snprintf(text, sizeof(text),
		 "the chosen countries have %llu IPv4 addresses together in "
		 "this data: fewer than floor = %u",
		 (unsigned long long)sum4, s->conf->floor);
	return hold(s, text) && ok;
}

bool sync_guard(struct sync *s)
{
	struct totals *t = calloc(4, sizeof(*t));
	bool ok;

	if (!t)
		return sync_fail(s, "out of memory");
	if (s->old_image) {
		image_addresses(s->old_image, t[0].v4, t[0].v6);
		image_addresses_kept(s->old_image, t[2].v4, t[2].v6);
	}
	image_addresses(s->new_image, t[1].v4, t[1].v6);
	image_addresses_kept(s->new_image, t[3].v4, t[3].v6);
	ok = list_countries(s, t);
	free(t);
	if (!ok)
		return false;
	sync_peaks_read(s);
	ok = judge(s);
	if (!s->dry_run)
		sync_peaks_write(s);
	if (ok)
		return true;
	/* geoblockd, and the next run, go by the image: only where there was none
	 * is nothing taken away */
	s->held = !s->no_apply || s->old_image;
	if (!s->held)
		sync_warn(s, "compiled all the same, as the kernel is left "
			     "alone (--no-apply)");
	return !s->held;
}
