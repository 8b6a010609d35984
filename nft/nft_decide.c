// SPDX-License-Identifier: GPL-2.0-or-later
/* How each wanted set is to be had, the cheapest way first:
 *
 *   keep    a live set holds the ranges already
 *   change  a live set holds nearly the same: add and remove elements
 *   stage   make a new one
 *
 * Only one set of a family is changed in place: where several differ, an address
 * may be on its way from one to another, and would for a moment be in neither.
 *
 * For that one has to know what a live set holds.  Its rule's comment says so,
 * by count and digest; whether the comment is still true is told by the
 * generation id.  The switch that wrote the comment stored the number that its
 * own commit was going to have (it was a compare-and-swap, so that was certain).
 * If that is still the last commit's number, nobody has touched nf_tables in
 * this namespace since.  If not, most likely somebody only changed another
 * table, but the set is read back and compared, so that tampering with its
 * elements is found, and mended. */
#include "nft/nft_run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A change in place costs four small commits at most; a new set costs its
 * elements, the old one's release, and memory for both.  Measured by
 * tests/bench/kernel.c. */
#define CHANGE_MIN_RANGES 64
#define CHANGE_SHARE      4 /* at most 1/4 of the ranges */

void nft_comment(char out[NFT_COMMENT_MAX], const struct kernel_class *class,
		 int family)
{
	struct iset one = { 0 };
	uint8_t digest[ISET_DIGEST_SIZE];
	size_t count;
	int used;

	if (family == 4)
		one.v4 = class->ranges->v4;
	else
		one.v6 = class->ranges->v6;
	count = family == 4 ? one.v4.count : one.v6.count;
	iset_digest(&one, digest);
	used = snprintf(out, NFT_COMMENT_MAX, "%s: %zu IPv%d range%s, sha256 ",
			class->name, count, family, count == 1 ? "" : "s");
	for (size_t i = 0; i < ISET_DIGEST_SIZE / 2; i++)
		used += snprintf(out + used, NFT_COMMENT_MAX - (size_t)used,
				 "%02x", digest[i]);
}

/* The live set that the rules use for the target now. */
static const struct nft_live_set *live_set_of(const struct nft_run *run,
					      const struct nft_target *t)
{
	for (size_t i = 0; i < run->live.set_count; i++) {
		const struct nft_live_set *set = &run->live.sets[i];

		if (set->used && set->family == t->family &&
		    set->number != NFT_BRIDGE &&
		    strcmp(set->class_name, t->class->name) == 0)
			return set;
	}
	return NULL;
}

/* A live set, used or staged by an earlier try, that is known to hold what is
 * wanted. */
static const struct nft_live_set *known_set(const struct nft_run *run,
					    const struct nft_target *t)
{
	for (size_t i = 0; t->known != 0 && i < run->live.set_count; i++)
		if (run->live.sets[i].handle == t->known &&
		    run->live.sets[i].family == t->family)
			return &run->live.sets[i];
	return NULL;
}

/* "allow4.7": a number after the live ones'. */
static void new_name(const struct nft_run *run, struct nft_target *t)
{
	unsigned number = 0;

	for (size_t i = 0; i < run->live.set_count; i++) {
		const struct nft_live_set *set = &run->live.sets[i];
		char class_name[NFT_CLASS_MAX];
		unsigned n;
		int family;

		if (nft_name_parse(set->name, class_name, &family, &n) &&
		    family == t->family && n > number &&
		    strcmp(class_name, t->class->name) == 0)
			number = n;
	}
	do {
		number = number % NFT_NUMBER_MAX + 1;
		snprintf(t->name, sizeof(t->name), "%s%d.%u", t->class->name,
			 t->family, number);
	} while (nft_live_set(&run->live, t->name));
}

static void stage(struct nft_run *run, struct nft_target *t, size_t old_count)
{
	new_name(run, t);
	t->bridge[0] = '\0';
	t->how = NFT_STAGE;
	t->added = t->want.count;
	t->removed = old_count;
}

static bool fits_in_place(const struct nft_run *run, const struct nft_target *t,
			  size_t *room)
{
	size_t changes = t->drop.count + t->add.count;
	size_t size = changes * 64 + 2048; /* bytes, at most */

	if (t->want.count < CHANGE_MIN_RANGES ||
	    changes > t->want.count / CHANGE_SHARE || size > *room)
		return false;
	/* the bridge of a run that was killed is still in use */
	if (nft_live_set(&run->live, t->bridge))
		return false;
	*room -= size;
	return true;
}

/* What the class held when it was last applied, if that is what it still holds. */
static bool span_before(const struct nft_run *run, const struct nft_target *t,
			const struct nft_live_set *live, struct nft_span *out)
{
	char comment[NFT_COMMENT_MAX];

	if (!run->before || !run->trusted)
		return false;
	for (size_t i = 0; i < run->before->class_count; i++) {
		const struct kernel_class *class = &run->before->classes[i];

		if (strcmp(class->name, t->class->name) != 0)
			continue;
		nft_comment(comment, class, t->family);
		*out = nft_span_of(class->ranges, t->family);
		return strcmp(comment, live->comment) == 0;
	}
	return false;
}

static bool compare(struct nft_run *run, struct nft_target *t,
		    const struct nft_live_set *live, const struct nft_span *old,
		    size_t *room, struct error *err)
{
	if (!nft_diff(old, &t->want, &t->drop, &t->add, &t->keep, err))
		return false;
	if (t->drop.count == 0 && t->add.count == 0) {
		t->known = live->handle;
		return true;
	}
	if (t->keep.count != 0)
		snprintf(t->bridge, sizeof(t->bridge), "%s%d.keep",
			 t->class->name, t->family);
	if (!fits_in_place(run, t, room)) {
		stage(run, t, old->count);
		return true;
	}
	t->how = NFT_CHANGE;
	t->added = t->add.count;
	t->removed = t->drop.count;
	return true;
}

static bool decide_by_content(struct nft_run *run, struct nft_target *t,
			      const struct nft_live_set *live, size_t *room,
			      struct error *err)
{
	struct nft_list list = { 0 };
	struct nft_span old;
	struct error why = { 0 };
	bool ok;

	if (run->stage_only) {
		stage(run, t, 0);
		return true;
	}
	if (span_before(run, t, live, &old))
		return compare(run, t, live, &old, room, err);
	run->read_back = true;
	ok = nft_set_read(run->sock, run->plan->table, live->name, t->family,
			  &list, &why);
	if (ok) {
		old = nft_span_list(&list, t->family);
		ok = compare(run, t, live, &old, room, err);
	} else if (why.sys_errno == EILSEQ) {
		/* elements that we did not put there */
		stage(run, t, 0);
		ok = true;
	} else if (err) {
		*err = why;
	}
	nft_list_clear(&list);
	return ok;
}

static bool decide(struct nft_run *run, struct nft_target *t, size_t *room,
		   struct error *err)
{
	const struct nft_live_set *live = known_set(run, t);

	t->how = NFT_KEEP;
	t->bridge[0] = '\0';
	if (!live) {
		t->known = 0;
		live = live_set_of(run, t);
	}
	if (!live) {
		stage(run, t, 0);
		return true;
	}
	memcpy(t->name, live->name, sizeof(t->name));
	if (t->known != 0)
		return true;
	if (run->trusted && strcmp(live->comment, t->comment) == 0) {
		t->known = live->handle;
		return true;
	}
	return decide_by_content(run, t, live, room, err);
}

/* Where more than one set of the family differs, all of those are staged. */
static void one_in_place(struct nft_run *run, int family)
{
	size_t differ = 0;

	for (size_t i = 0; i < run->count; i++)
		differ +=
			run->t[i].family == family && run->t[i].how != NFT_KEEP;
	for (size_t i = 0; differ > 1 && i < run->count; i++)
		if (run->t[i].family == family && run->t[i].how == NFT_CHANGE)
			stage(run, &run->t[i],
			      run->t[i].want.count + run->t[i].drop.count -
				      run->t[i].add.count);
}

bool nft_decide(struct nft_run *run, struct error *err)
{
	/* the rules go into the same transaction */
	size_t room = run->sock->send_max / 2;

	for (size_t i = 0; i < run->count; i++)
		if (!decide(run, &run->t[i], &room, err))
			return false;
	one_in_place(run, 4);
	one_in_place(run, 6);
	return true;
}
