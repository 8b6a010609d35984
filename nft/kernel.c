// SPDX-License-Identifier: GPL-2.0-or-later
/* The front of the kernel side: the handle, and what callers have to be told
 * before anything is sent.  libnftnl ends the process where an attribute's length
 * is wrong, and old kernels take names of 15 characters: what goes into a message
 * is looked at here. */
#include <geoblock/kernel.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "nft/kernel.h"
#include "nft/nft_apply.h"
#include "nft/nft_txn.h"

uint32_t kernel_mark_value(uint32_t mask, enum action action)
{
	uint32_t value = action == ACTION_TAG        ? 1
			 : action == ACTION_GREYLIST ? 2
			 : action == ACTION_REFUSE   ? 3
						     : 0;

	return mask != 0 ? value << __builtin_ctz(mask) : 0;
}

bool kernel_open(struct kernel **out, struct error *err)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));
	uint32_t generation;

	*out = NULL;
	if (!kernel)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	if (!nft_sock_open(&kernel->sock, err))
		goto fail;
	kernel->buf = malloc(kernel->sock.send_max);
	if (!kernel->buf) {
		error_set(err, ERROR_LIMIT, 0, "out of memory");
		goto fail;
	}
	/* the first question shows whether we may ask at all */
	if (!nft_sock_generation(&kernel->sock, &generation, err))
		goto fail;
	*out = kernel;
	return true;
fail:
	kernel_close(kernel);
	return false;
}

void kernel_close(struct kernel *kernel)
{
	if (!kernel)
		return;
	nft_sock_close(&kernel->sock);
	free(kernel->buf);
	free(kernel->uses);
	free(kernel);
}

bool kernel_is_table(const char *table, struct error *err)
{
	size_t len = strlen(table);

	if (len != 0 && len < NFT_TABLE_MAX)
		return true;
	return error_set(err, ERROR_LIMIT, 0,
			 "\"%s\" is no name for a table: 1 to %d characters",
			 table, NFT_TABLE_MAX - 1);
}

static bool check_action(const struct kernel_plan *plan, enum action action,
			 struct error *err)
{
	uint32_t value = kernel_mark_value(plan->mark, action);

	if (action != ACTION_TAG && action != ACTION_GREYLIST &&
	    action != ACTION_REFUSE)
		return true;
	if (value != 0 && (value & ~plan->mark) == 0)
		return true;
	return error_set(err, ERROR_LIMIT, 0,
			 "the mark's mask 0x%x has no room for %s; two "
			 "neighbouring bits are needed, for example 0x3",
			 plan->mark, action_name(action));
}

/* The mask has room for every answer of the listener. */
static bool check_queue(const struct kernel_plan *plan, struct error *err)
{
	uint32_t most = kernel_mark_judged(plan->mark, ACTION_RESET);

	if (plan->queue.first > plan->queue.last)
		return error_set(err, ERROR_LIMIT, 0,
				 "queues %u to %u: the first comes after the "
				 "last",
				 plan->queue.first, plan->queue.last);
	if (most != 0 && (most & ~plan->mark) == 0)
		return true;
	return error_set(err, ERROR_LIMIT, 0,
			 "the mark's mask 0x%x has no room for a listener's "
			 "answers; %d neighbouring bits are needed, for "
			 "example 0x7",
			 plan->mark, KERNEL_MARK_BITS);
}

static bool check_class(const struct kernel_plan *plan, size_t i,
			struct error *err)
{
	const struct kernel_class *class = &plan->classes[i];
	size_t len = strnlen(class->name, sizeof(class->name));

	if (len == 0 || len == sizeof(class->name))
		return error_set(err, ERROR_LIMIT, 0,
				 "class %zu has no name of 1 to %zu "
				 "characters",
				 i + 1, sizeof(class->name) - 1);
	if (class->counter[0] == '\0')
		return error_set(err, ERROR_LIMIT, 0, "class %s has no counter",
				 class->name);
	for (size_t j = 0; j < i; j++)
		if (strcmp(plan->classes[j].name, class->name) == 0)
			return error_set(err, ERROR_LIMIT, 0,
					 "class %s is there twice",
					 class->name);
	return check_action(plan, class->action, err);
}

static bool check_plan(const struct kernel_plan *plan, struct error *err)
{
	if (!kernel_is_table(plan->table, err))
		return false;
	if (plan->port_count == 0 || plan->port_count > POLICY_PORTS_MAX ||
	    plan->class_count > KERNEL_CLASSES_MAX)
		return error_set(err, ERROR_LIMIT, 0,
				 "a plan has 1 to %d ports and up to %d "
				 "classes, not %zu and %zu",
				 POLICY_PORTS_MAX, KERNEL_CLASSES_MAX,
				 plan->port_count, plan->class_count);
	for (size_t i = 0; i < plan->class_count; i++)
		if (!check_class(plan, i, err))
			return false;
	if (plan->queue.enabled && !check_queue(plan, err))
		return false;
	if (plan->rest_counter[0] == '\0')
		return error_set(err, ERROR_LIMIT, 0,
				 "the rest has no counter");
	return check_action(plan, plan->rest_action, err);
}

bool kernel_apply(struct kernel *kernel, const struct kernel_plan *plan,
		  const struct kernel_plan *before, bool dry_run,
		  struct kernel_report *report, struct error *err)
{
	struct error why = { 0 };

	memset(report, 0, sizeof(*report));
	if (!check_plan(plan, err))
		return false;
	if (nft_apply(&kernel->sock, kernel->buf, plan, before, dry_run, report,
		      &why))
		return true;
	if (err)
		*err = why;
	return false;
}

bool kernel_remove(struct kernel *kernel, const char *table, struct error *err)
{
	struct error why = { 0 };
	struct nft_txn txn;
	struct nlmsghdr *nlh;

	if (!kernel_is_table(table, err))
		return false;
	nft_txn_begin(&txn, &kernel->sock, kernel->buf, kernel->sock.send_max,
		      0);
	nlh = nft_txn_message(&txn, NFT_MSG_DELTABLE, 0);
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table);
	if (nft_txn_commit(&txn, &why) || why.sys_errno == ENOENT)
		return true;
	if (err)
		*err = why;
	return false;
}
