// SPDX-License-Identifier: GPL-2.0-or-later
/* An update that takes a chosen country away is most often a broken file, and in
 * a default-deny list it would refuse that country's mail: hold it until
 * somebody says --force. */
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

static bool list_countries(struct sync *s, const struct totals *was,
			   const struct totals *now)
{
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
					    .now6 = now->v6[at] };
		c->held = shrinks(c->was4, c->now4, s->conf->max_shrink) ||
			  shrinks(c->was6, c->now6, s->conf->max_shrink);
	}
	return true;
}

static bool judge(struct sync *s)
{
	uint64_t sum = 0;
	bool ok = true;

	for (size_t i = 0; i < s->country_count; i++) {
		const struct sync_country *c = &s->countries[i];
		char code[3];

		country_text(c->country, code);
		sum += c->now4 != 0 || c->now6 != 0;
		if (c->now4 == 0 && c->now6 == 0 && s->country_count <= 32)
			sync_warn(s, "%s has no addresses in this data", code);
		if (!c->held)
			continue;
		sync_warn(
			s,
			"%s would shrink from %llu to %llu IPv4 addresses and "
			"from %llu to %llu IPv6 /64 networks: more than "
			"max-shrink = %u per cent",
			code, (unsigned long long)c->was4,
			(unsigned long long)c->now4,
			(unsigned long long)c->was6,
			(unsigned long long)c->now6, s->conf->max_shrink);
		ok = false;
	}
	if (sum == 0 && s->country_count > 0) {
		sync_warn(s, "none of the chosen countries has an address in "
			     "this data: the list would refuse the world");
		ok = false;
	}
	return ok;
}

bool sync_guard(struct sync *s)
{
	struct totals *totals = calloc(2, sizeof(*totals));
	bool ok;

	if (!totals)
		return sync_fail(s, "out of memory");
	if (s->old_image)
		image_addresses(s->old_image, totals[0].v4, totals[0].v6);
	image_addresses(s->new_image, totals[1].v4, totals[1].v6);
	ok = list_countries(s, &totals[0], &totals[1]);
	free(totals);
	if (!ok)
		return false;
	ok = judge(s);
	if (ok)
		return true;
	s->held = !s->force && !s->no_apply;
	if (s->force)
		sync_warn(s, "--force: taken all the same");
	else if (s->no_apply)
		sync_warn(s, "compiled all the same, as the kernel is left "
			     "alone (--no-apply)");
	return !s->held;
}
