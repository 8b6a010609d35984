// SPDX-License-Identifier: GPL-2.0-or-later
/* The judgement: what the signatures say, weighed by what the family rules say.
 *
 *	signature    family      answer
 *	exact        the same    the signature's, surer than the family alone
 *	exact        another     the signature's; of Windows, with little faith
 *	fuzzy        the same    the signature's name, the family's confidence
 *	fuzzy        another     the family's
 *	none         any         the family's
 *
 * The confidence in Windows always comes from the family rules, whatever a
 * database says, because mail depends on it. */
#include "lib/core/fingerprint_impl.h"

#include <assert.h>

#define CLAIM_MIN 50 /* below, nothing is claimed */
#define SURE_MAX  98 /* any stack can be imitated */

static const char *const match_names[FINGERPRINT_MATCH_COUNT] = {
	[FINGERPRINT_NONE] = "none",
	[FINGERPRINT_FAMILY] = "family",
	[FINGERPRINT_FUZZY] = "fuzzy",
	[FINGERPRINT_EXACT] = "exact",
};

static const char *const reason_texts[REASON_COUNT] = {
	[REASON_NONE] = "no stack that is known builds its options like this",
	[REASON_EXACT] = "every field is as the signature has it",
	[REASON_GENERIC] = "only a signature for the whole family fits",
	[REASON_FAMILY] = "layout and window are those of the family",
	[REASON_CLAMPED] =
		"the window is a multiple of Ethernet's MSS: the MSS "
		"was clamped on the way",
	[REASON_CLEARED] = "options were overwritten with NOPs on the way",
	[REASON_RETRIED] = "as the family's SYNs look after several tries",
	[REASON_BUFFER] = "layout of the family, window of an application's "
			  "choice",
	[REASON_TTL] = "layout of the family, but not its initial TTL",
	[REASON_QUIRKS] = "layout of the family, but other flags than it sends",
	[REASON_WINDOW] =
		"layout of the family, but no window that it computes",
	[REASON_SHARED] = "several systems send SYNs like this one",
	[REASON_PROXY] = "looks like a proxy's own stack, not the sender's",
	[REASON_TOOL] = "a tool's signature",
	[REASON_CRAFTED] = "no operating system sends this combination",
};

static const char *const generation_names[WINDOWS_GENERATION_COUNT] = {
	[WINDOWS_UNKNOWN] = "unknown",
	[WINDOWS_XP] = "xp",
	[WINDOWS_VISTA] = "vista",
	[WINDOWS_10] = "10",
};

const char *fingerprint_match_name(enum fingerprint_match match)
{
	assert((unsigned)match < FINGERPRINT_MATCH_COUNT);
	return match_names[match];
}

const char *fingerprint_reason_text(enum fingerprint_reason reason)
{
	assert((unsigned)reason < REASON_COUNT);
	return reason_texts[reason];
}

const char *windows_generation_name(enum windows_generation generation)
{
	assert((unsigned)generation < WINDOWS_GENERATION_COUNT);
	return generation_names[generation];
}

/* Fills in a claim, or the reason why there is none. */
static void claim(struct fingerprint *out, enum fingerprint_match match,
		  const struct guess *g, const struct signature *sig)
{
	if (g->confidence < CLAIM_MIN || g->class == OS_UNKNOWN) {
		out->reason =
			g->reason == REASON_FAMILY ? REASON_SHARED : g->reason;
		return;
	}
	out->class = g->class;
	out->match = match;
	out->reason = g->reason;
	out->confidence =
		(uint8_t)(g->confidence > SURE_MAX ? SURE_MAX : g->confidence);
	out->name = g->name;
	out->flavour = g->flavour;
	out->signature = sig;
	if (g->class == OS_WINDOWS)
		out->generation = g->generation;
}

/* Hops by the signature's initial TTL, where that can be; else by the nearest.
 */
static uint8_t distance(const struct packet *p, const struct signature *sig)
{
	if (sig && !sig->ttl_at_most && sig->ttl >= p->ttl &&
	    sig->ttl - p->ttl <= SIGNATURE_HOPS_MAX)
		return (uint8_t)(sig->ttl - p->ttl);
	return ttl_distance(p->ttl);
}

/* The guess as the signature words it. */
static struct guess reworded(struct guess g, const struct signature *sig)
{
	g.name = sig->name;
	if (sig->flavour[0] != '\0')
		g.flavour = sig->flavour;
	return g;
}

static struct guess by_exact(struct guess family, const struct signature *sig)
{
	struct guess g = reworded(family, sig);
	bool windows = sig->class == OS_WINDOWS;

	if (sig->class == OS_SCANNER) {
		g.reason = REASON_TOOL;
		g.confidence = 92;
	} else if (sig->class == family.class) {
		g.confidence += 5;
		if (g.reason == REASON_FAMILY)
			g.reason = REASON_EXACT;
	} else {
		/* nothing contradicts it, or something does */
		bool alone = family.class == OS_UNKNOWN || !windows;

		g.reason = alone ? REASON_EXACT : REASON_SHARED;
		g.confidence = alone ? 85 : 55;
		g.flavour = sig->flavour;
	}
	g.class = sig->class;
	return g;
}

static struct guess by_generic(struct guess family, const struct signature *sig)
{
	struct guess g = reworded(family, sig);

	if (sig->class == OS_SCANNER) {
		g.confidence = 75;
		g.reason = REASON_TOOL;
	} else if (sig->class != family.class) {
		if (family.confidence >= CLAIM_MIN)
			return family;
		g.confidence = sig->class == OS_WINDOWS ? 0 : 65;
		g.reason = REASON_GENERIC;
		g.flavour = sig->flavour;
	}
	g.class = sig->class;
	return g;
}

static void by_fuzzy(struct guess family, const struct signature *sig,
		     struct fingerprint *out)
{
	struct guess g = reworded(family, sig);

	if (sig->class == family.class) {
		claim(out, FINGERPRINT_FUZZY, &g, sig);
		return;
	}
	if (family.confidence >= CLAIM_MIN || sig->class == OS_WINDOWS) {
		claim(out, FINGERPRINT_FAMILY, &family, NULL);
		return;
	}
	g.class = sig->class;
	g.confidence = 55;
	g.reason = REASON_QUIRKS;
	g.flavour = sig->flavour;
	claim(out, FINGERPRINT_FUZZY, &g, sig);
}

void fingerprint_of(const struct signatures *db, const struct packet *p,
		    struct fingerprint *out)
{
	const char *tool = family_crafted(p);
	enum signature_match how;
	const struct signature *sig = signatures_find(db, p, &how);
	struct guess g;

	*out = (struct fingerprint){ .class = OS_UNKNOWN,
				     .distance = distance(p, sig),
				     .name = "",
				     .flavour = "" };
	if (tool && !(sig && sig->class == OS_SCANNER)) {
		g = (struct guess){ .class = OS_SCANNER,
				    .reason = REASON_CRAFTED,
				    .confidence = 90,
				    .name = tool,
				    .flavour = "" };
		claim(out, FINGERPRINT_FAMILY, &g, NULL);
		return;
	}
	g = family_guess(p);
	switch (how) {
	case SIGNATURE_EXACT:
		g = by_exact(g, sig);
		claim(out, FINGERPRINT_EXACT, &g, sig);
		break;
	case SIGNATURE_GENERIC:
		g = by_generic(g, sig);
		claim(out, FINGERPRINT_FAMILY, &g, sig);
		break;
	case SIGNATURE_FUZZY:
		by_fuzzy(g, sig, out);
		break;
	case SIGNATURE_NONE:
		claim(out, FINGERPRINT_FAMILY, &g, NULL);
		break;
	}
}
