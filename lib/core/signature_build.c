// SPDX-License-Identifier: GPL-2.0-or-later
/* Compiling signatures into the index: each becomes a few entries, sorted by key, of
 * which none may be out of reach behind another. */
#include "lib/core/signature_index.h"

#include <stdlib.h>

/* An entry on its way into the index. */
struct draft {
	struct key key;
	struct entry entry;
};

static int by_key(const void *a, const void *b)
{
	const struct draft *x = a, *y = b;

	for (int i = 0; i < 2; i++)
		if (x->key.fields[i] != y->key.fields[i])
			return x->key.fields[i] < y->key.fields[i] ? -1 : 1;
	return (x->entry.order > y->entry.order) -
	       (x->entry.order < y->entry.order);
}

/* The kind of window as a number, one for each modulus; -1 and an error where
 * they are too many. */
static int window_kind(struct signature_index *ix, const struct signature *sig,
		       struct error *err)
{
	unsigned i;

	if (sig->window_kind != WINDOW_MODULO)
		return (int)sig->window_kind;
	for (i = 0; i < ix->moduli_count; i++)
		if (ix->moduli[i] == sig->window)
			break;
	if (i == MODULI_MAX) {
		error_set(err, ERROR_LIMIT, 0,
			  "%s:%u: window \"%%%u\": more than %d different %%n: "
			  "use those that are there",
			  sig->file, sig->line, sig->window, MODULI_MAX);
		return -1;
	}
	if (i == ix->moduli_count)
		ix->moduli[ix->moduli_count++] = sig->window;
	return (int)(WINDOW_MODULO + i);
}

/* Enters the layout, and the shape with it. */
static uint32_t layout_number(struct signature_index *ix,
			      const struct signature *sig, unsigned shape)
{
	struct layout *l =
		layout_slot(ix, sig->layout, sig->layout_len, sig->eol_pad);

	if (l->shapes == 0) {
		l->number = ix->layout_count++;
		l->len = sig->layout_len;
		l->eol_pad = sig->eol_pad;
		memcpy(l->kinds, sig->layout, sizeof(l->kinds));
	}
	l->shapes |= 1ull << shape;
	return l->number;
}

/* The quirks that a signature has for one IP version.  One for either version
 * says nothing about the other's: IPv6 has no DF, IPv4 no flow label. */
static uint32_t quirks_for(const struct signature *sig, unsigned version)
{
	if (sig->version)
		return sig->quirks;
	return version == 4
		       ? sig->quirks & ~(uint32_t)QUIRK_FLOW
		       : sig->quirks &
				 ~(uint32_t)(QUIRK_DF | QUIRK_ID_PLUS |
					     QUIRK_ID_MINUS | QUIRK_ZERO_PLUS);
}

/* Adds the entries of one signature to drafts; gives how many: up to three for
 * the versions (IPv6 with a flow label and without) times two for the payload.
 */
#define DRAFTS_MAX 6
static unsigned draft(const struct signature *sig, uint32_t order,
		      uint32_t layout, unsigned shape, struct draft *out)
{
	unsigned count = 0;

	for (unsigned version = 4; version <= 6; version += 2)
		for (int variant = 0; variant < 4; variant++) {
			bool payload = variant & 1, labelled = variant & 2;
			uint32_t quirks = quirks_for(sig, version);

			if ((sig->version && sig->version != version) ||
			    (sig->has_payload && payload != sig->payload) ||
			    (labelled && (sig->version || version == 4 ||
					  (quirks & QUIRK_FLOW))))
				continue;
			if (labelled)
				quirks |= QUIRK_FLOW;
			out[count].key =
				make_key(layout, shape, version, payload,
					 sig->ip_options, sig->mss, sig->scale,
					 sig->window, quirks);
			out[count++].entry = (struct entry){
				.order = order,
				.ttl = sig->ttl,
				.ttl_at_most = sig->ttl_at_most,
				.generic = sig->generic,
				.tool = sig->class == OS_SCANNER,
				.soft = quirks & SOFT,
			};
		}
	return count;
}

static bool draft_all(const struct signatures *db, struct signature_index *ix,
		      struct draft *drafts, uint32_t *count, struct error *err)
{
	for (uint32_t i = 0; i < db->count; i++) {
		const struct signature *sig = &db->list[i];
		int kind = window_kind(ix, sig, err);
		unsigned shape;

		if (kind < 0)
			return false;
		shape = (unsigned)kind << SHAPE_KIND |
			(sig->has_mss ? SHAPE_MSS : 0) |
			(sig->has_scale ? SHAPE_SCALE : 0);
		*count += draft(sig, i, layout_number(ix, sig, shape), shape,
				drafts + *count);
	}
	return true;
}

/* Where `e` can never be reached because of `by`, an earlier one of its key. */
static bool hides(const struct entry *by, const struct entry *e)
{
	return by->soft == e->soft && by->ttl == e->ttl &&
	       by->ttl_at_most == e->ttl_at_most && by->tool == e->tool &&
	       by->generic <= e->generic;
}

/* Adds one draft to its run, which is the last one so far; the entry that hides
 * it, if one does. */
static const struct entry *enter(struct signature_index *ix,
				 const struct draft *d)
{
	struct run *run = run_slot(ix, &d->key);

	if (run->count == 0) {
		run->key = d->key;
		run->first = ix->entry_count;
	}
	for (uint32_t i = 0; i < run->count; i++)
		if (hides(&ix->entries[run->first + i], &d->entry))
			return &ix->entries[run->first + i];
	ix->entries[ix->entry_count++] = d->entry;
	run->count++;
	return NULL;
}

/* Enters all, then finds fault with a signature of which nothing could be
 * entered, all of it being said before in the same file.  hidden_by[i] is where:
 * NOT_HIDDEN once something was entered, or another file said it. */
#define UNSEEN     UINT32_MAX
#define NOT_HIDDEN (UINT32_MAX - 1)
static bool enter_all(const struct signatures *db, struct signature_index *ix,
		      const struct draft *drafts, uint32_t count,
		      uint32_t *hidden_by, struct error *err)
{
	memset(hidden_by, 0xff, db->count * sizeof(*hidden_by)); /* UNSEEN */
	for (uint32_t i = 0; i < count; i++) {
		const struct entry *by = enter(ix, &drafts[i]);
		uint32_t order = drafts[i].entry.order;

		/* pointers: the same file, not one of the same name */
		if (!by || db->list[by->order].file != db->list[order].file)
			hidden_by[order] = NOT_HIDDEN;
		else if (hidden_by[order] == UNSEEN)
			hidden_by[order] = by->order;
	}
	for (uint32_t i = 0; i < db->count; i++) {
		const struct signature *s = &db->list[i], *first;

		if (hidden_by[i] >= NOT_HIDDEN)
			continue;
		first = &db->list[hidden_by[i]];
		return error_set(err, ERROR_MALFORMED, 0,
				 "%s:%u: signature \"%s\": line %u says the "
				 "same already (%s:%s): take one of them out",
				 s->file, s->line, s->text, first->line,
				 first->name, first->flavour);
	}
	return true;
}

/* A power of two that leaves the table at most half full. */
static uint32_t table_size(size_t entries)
{
	uint32_t size = 16;

	while (size < entries * 2)
		size *= 2;
	return size;
}

bool signature_index_build(struct signatures *db, struct error *err)
{
	struct signature_index *ix = calloc(1, sizeof(*ix));
	size_t most = db->count * DRAFTS_MAX + 1;
	struct draft *drafts = calloc(most, sizeof(*drafts));
	uint32_t *hidden_by = calloc(db->count + 1, sizeof(*hidden_by));
	uint32_t count = 0;

	if (!ix || !drafts || !hidden_by)
		goto no_memory;
	ix->layout_mask = table_size(db->count) - 1;
	ix->layouts = calloc(ix->layout_mask + 1u, sizeof(*ix->layouts));
	ix->entries = calloc(most, sizeof(*ix->entries));
	if (!ix->layouts || !ix->entries)
		goto no_memory;
	if (!draft_all(db, ix, drafts, &count, err))
		goto out;
	qsort(drafts, count, sizeof(*drafts), by_key);
	ix->run_mask = table_size(count) - 1;
	ix->runs = calloc(ix->run_mask + 1u, sizeof(*ix->runs));
	if (!ix->runs)
		goto no_memory;
	if (!enter_all(db, ix, drafts, count, hidden_by, err))
		goto out;
	free(hidden_by);
	free(drafts);
	db->index = ix;
	return true;

no_memory:
	error_set(err, ERROR_LIMIT, 0, "no memory for %zu signatures",
		  db->count);
out:
	free(hidden_by);
	free(drafts);
	signature_index_free(ix);
	return false;
}

void signature_index_free(struct signature_index *ix)
{
	if (!ix)
		return;
	free(ix->layouts);
	free(ix->runs);
	free(ix->entries);
	free(ix);
}
