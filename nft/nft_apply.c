// SPDX-License-Identifier: GPL-2.0-or-later
/* Making the table enforce a plan so that no packet meets a wrong verdict.
 *
 * Stage, verify, switch: new sets are made and filled while nothing refers to
 * them, checked, and then one small transaction points the rules at them and
 * deletes the old ones.  On a first load the same, so that nothing is dropped
 * before the allow-list is there.
 *
 * A small difference is applied to the live set instead.  Elements are added and
 * removed whole (nft_diff.c), and an address that is in a removed element as well
 * as in an added one must not miss in between.  On kernels that look up in the
 * tree itself it would: until the commit is through, the new element is in the
 * tree but not active, and hides the old one.  So
 *
 *   1  stage a bridge: a small set of exactly those addresses
 *   2  switch to rules that ask the bridge, too, with the same verdict
 *   3  change the elements
 *   4  switch to the final rules, delete the bridge
 *
 * Each is a transaction of its own, so that what one relies on is long true when
 * it begins.  Without such addresses there is one transaction, elements and
 * rules together.
 *
 * Killed at any instant, the live rules are the old ones, those with a bridge, or
 * the new ones: each gives every address the verdict of the old or the new plan.
 * The next run sees rules that are not as it wants them, reads back what it
 * cannot know, and carries on from there.
 *
 * All but staging is compare-and-swap.  Where another program's commit comes in
 * between, the whole thing starts over, but what is staged already is recognised
 * by its handle and not sent again: so even with somebody committing all the
 * time, one gets through soon. */
#include "nft/nft_apply.h"
#include "nft/nft_queue.h"
#include "nft/nft_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/netfilter/nf_tables.h>

#define TRIES_MAX 16

/* ---- looking ----------------------------------------------------------------- */

static bool knows_any(const struct nft_run *run)
{
	for (size_t i = 0; i < run->count; i++)
		if (run->t[i].known != 0)
			return true;
	return false;
}

/* What is live now; and what can be believed of it. */
static bool look(struct nft_run *run, struct error *err)
{
	bool ours;

	if (!nft_live_read(run->sock, run->plan->table, &run->live, err))
		return false;
	ours = run->looked && run->live.generation == run->sent.generation;
	run->trusted = (ours && run->trusted) ||
		       run->live.switched == run->live.generation;
	run->unbroken = !knows_any(run) || (ours && run->unbroken);
	run->sent.generation = run->live.generation;
	run->looked = true;
	return true;
}

/* ---- leftovers --------------------------------------------------------------- */

static bool is_known(const struct nft_run *run, uint64_t handle)
{
	for (size_t i = 0; i < run->count; i++)
		if (run->t[i].known == handle)
			return true;
	return false;
}

static bool is_leftover(const struct nft_run *run,
			const struct nft_live_set *set)
{
	return set->ours && !set->used && !is_known(run, set->handle);
}

/* Delete sets of runs that did not come to their end. */
static bool sweep(struct nft_run *run, struct error *err)
{
	struct nft_txn txn;

	nft_txn_begin(&txn, run->sock, run->buf, run->sock->send_max,
		      run->sent.generation);
	for (size_t i = 0; i < run->live.set_count; i++)
		if (is_leftover(run, &run->live.sets[i]))
			nft_set_delete(&txn, run->plan->table,
				       run->live.sets[i].name);
	if (nft_txn_size(&txn) == 0)
		return true;
	if (!nft_commit(&txn, &run->sent, err) || !look(run, err))
		return false;
	run->swept = true;
	return true;
}

/* ---- steps ------------------------------------------------------------------- */

/* Targets that go that way are as wanted now: make sure, and remember it. */
static bool verify(struct nft_run *run, enum nft_how how, struct error *err)
{
	for (size_t i = 0; i < run->count; i++) {
		struct nft_target *t = &run->t[i];
		struct nft_span sample = t->want;
		uint64_t handle;

		if (t->how != how)
			continue;
		if (how == NFT_CHANGE)
			sample = nft_span_list(
				t->add.count ? &t->add : &t->drop, t->family);
		if (!nft_verify(run->sock, run->plan->table, t->name, &t->want,
				&sample, &handle, err))
			return false;
		t->known = handle;
		t->done = how;
	}
	return true;
}

static bool verify_bridges(struct nft_run *run, struct error *err)
{
	for (size_t i = 0; i < run->count; i++) {
		struct nft_target *t = &run->t[i];
		struct nft_span keep = nft_span_list(&t->keep, t->family);

		if (t->bridge[0] &&
		    !nft_verify(run->sock, run->plan->table, t->bridge, &keep,
				&keep, NULL, err))
			return false;
	}
	return true;
}

/* New sets, and bridges. */
static bool stage(struct nft_run *run, struct error *err)
{
	struct nft_filling f[NFT_TARGETS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < run->count; i++) {
		struct nft_target *t = &run->t[i];

		if (t->how == NFT_STAGE)
			f[count++] =
				(struct nft_filling){ t->name, t->class->name,
						      t->want };
		else if (t->bridge[0])
			f[count++] = (struct nft_filling){
				t->bridge, NFT_BRIDGE_COMMENT,
				nft_span_list(&t->keep, t->family)
			};
	}
	return nft_stage(run->sock, run->buf, run->plan->table,
			 !run->live.table, f, count, &run->sent, err) &&
	       verify_bridges(run, err) && verify(run, NFT_STAGE, err);
}

static bool has_bridges(const struct nft_run *run)
{
	for (size_t i = 0; i < run->count; i++)
		if (run->t[i].bridge[0])
			return true;
	return false;
}

static bool moved(struct error *err)
{
	return error_set(err, ERROR_KERNEL, ERESTART,
			 "another program changed the ruleset meanwhile");
}

/* Steps 2 and 3 of a change with bridges; step 4 is the last switch. */
static bool change_over_bridges(struct nft_run *run, struct error *err)
{
	struct nft_txn txn;
	uint32_t made;

	if (!nft_switch(run, true, false, err))
		return false;
	nft_txn_begin(&txn, run->sock, run->buf, run->sock->send_max,
		      run->sent.generation);
	nft_put_elements(run, &txn);
	if (!nft_commit(&txn, &run->sent, err) || !verify(run, NFT_CHANGE, err))
		return false;
	made = run->sent.generation;
	return look(run, err) && (run->sent.generation == made || moved(err));
}

static bool execute(struct nft_run *run, struct error *err)
{
	bool bridges = has_bridges(run);

	if (!stage(run, err))
		return false;
	if (bridges && !change_over_bridges(run, err))
		return false;
	if (!nft_switch(run, false, !bridges, err))
		return false;
	run->switched = true;
	return bridges || verify(run, NFT_CHANGE, err);
}

/* ---- one try ----------------------------------------------------------------- */

static bool needs_switch(const struct nft_run *run, bool *needed,
			 struct error *err)
{
	struct nft_rules want = { 0 };

	if (!nft_run_rules(run, false, 0, &want, err))
		return false;
	*needed = run->swept || nft_needs_switch(run, &want);
	nft_rules_clear(&want);
	return true;
}

static bool attempt(struct nft_run *run, bool dry_run,
		    struct kernel_report *report, struct error *err)
{
	bool needed;

	if (!look(run, err) || (!dry_run && !sweep(run, err)) ||
	    !nft_decide(run, err) || !needs_switch(run, &needed, err))
		return false;
	report->rules_changed = needed || run->switched;
	return dry_run || !needed || execute(run, err);
}

static bool has_changes(const struct nft_run *run)
{
	for (size_t i = 0; i < run->count; i++)
		if (run->t[i].how == NFT_CHANGE)
			return true;
	return false;
}

/* Whether it is worth trying again.  Whatever went wrong while somebody else
 * committed, may have gone wrong for that reason; whatever went wrong with a
 * change in place, may be some kernel's dislike of it. */
static bool can_retry(struct nft_run *run, const struct error *why)
{
	bool again = has_changes(run) && !run->stage_only;
	uint32_t now;

	if (why->kind != ERROR_KERNEL)
		return false;
	/* what is known by then is soon no longer true: the plain way, which
	 * needs to know nothing */
	run->stage_only = true;
	return again || why->sys_errno == ERESTART ||
	       (nft_sock_generation(run->sock, &now, NULL) &&
		now != run->sent.generation);
}

/* Longer and longer, and never in step with whom we meet. */
static void pause_before(unsigned try)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec = (t.tv_nsec % 500000 + 100000) * (long)try;
	t.tv_sec = 0;
	nanosleep(&t, NULL);
}

static bool try_hard(struct nft_run *run, bool dry_run,
		     struct kernel_report *report, struct error *err)
{
	struct error why = { 0 };

	for (unsigned try = 1; try <= TRIES_MAX; try++) {
		if (attempt(run, dry_run, report, &why))
			return true;
		if (!can_retry(run, &why))
			break;
		pause_before(try);
	}
	if (why.sys_errno == ERESTART)
		error_set(&why, ERROR_KERNEL, ERESTART,
			  "other programs keep changing the ruleset, %d tries "
			  "were in vain; `nft monitor` shows what they do",
			  TRIES_MAX);
	/* what cannot be cleaned up now, the next run will */
	if (!dry_run && look(run, NULL))
		sweep(run, NULL);
	*err = why;
	return error_wrap(err, "table inet %s", run->plan->table);
}

/* ---- from plan to report ----------------------------------------------------- */

static void add_target(struct nft_run *run, const struct kernel_class *class,
		       int family)
{
	struct nft_span want = nft_span_of(class->ranges, family);
	struct nft_target *t = &run->t[run->count];

	if (want.count == 0)
		return;
	run->count++;
	t->class = class;
	t->family = family;
	t->want = want;
	nft_comment(t->comment, class, family);
}

static void fill_report(const struct nft_run *run, struct kernel_report *report)
{
	report->queue = run->queue;
	report->batches = run->sent.batches;
	report->bytes = run->sent.bytes;
	report->trusted = run->looked && !run->read_back;
	report->set_count = run->count;
	for (size_t i = 0; i < run->count; i++) {
		const struct nft_target *t = &run->t[i];
		enum nft_how how = t->done != NFT_KEEP ? t->done : t->how;

		memcpy(report->sets[i].name, t->name, sizeof(t->name));
		report->sets[i].ranges = t->want.count;
		report->sets[i].how = how == NFT_STAGE    ? KERNEL_STAGED
				      : how == NFT_CHANGE ? KERNEL_CHANGED
							  : KERNEL_KEPT;
		report->sets[i].added = t->added;
		report->sets[i].removed = t->removed;
	}
}

static bool ask_for_queue(struct nft_run *run, struct error *err)
{
	if (!run->plan->queue.enabled)
		return true;
	if (!nft_queue_probe(run->sock, run->buf, run->plan, err))
		return false;
	run->queue = run->sock->queue;
	return true;
}

bool nft_apply(struct nft_sock *sock, char *buf, const struct kernel_plan *plan,
	       const struct kernel_plan *before, bool dry_run,
	       struct kernel_report *report, struct error *err)
{
	struct nft_run *run = calloc(1, sizeof(*run));
	bool ok;

	if (!run)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	run->sock = sock;
	run->buf = buf;
	run->plan = plan;
	run->before = before;
	for (size_t i = 0; i < plan->class_count; i++) {
		add_target(run, &plan->classes[i], 4);
		add_target(run, &plan->classes[i], 6);
	}
	ok = ask_for_queue(run, err) && try_hard(run, dry_run, report, err);
	fill_report(run, report);
	for (size_t i = 0; i < run->count; i++) {
		nft_list_clear(&run->t[i].drop);
		nft_list_clear(&run->t[i].add);
		nft_list_clear(&run->t[i].keep);
	}
	nft_live_clear(&run->live);
	free(run);
	return ok;
}
