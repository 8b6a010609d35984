// SPDX-License-Identifier: GPL-2.0-or-later
/* Asking the live sets: about one address, and for all of a class.
 *
 * The rules say which sets there are, and in which order they are asked.  They
 * are read again only when the generation has moved, so a question in a row of
 * many costs one small message for the generation and one for each set. */
#include <geoblock/kernel.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nft/kernel.h"
#include "nft/nft_set.h"

#define TRIES_MAX 16

static void forget(struct kernel *kernel)
{
	free(kernel->uses);
	kernel->uses = NULL;
	kernel->use_count = 0;
	kernel->generation = 0;
}

/* The sets in use, as of the last commit. */
static bool refresh(struct kernel *kernel, const char *table, struct error *err)
{
	uint32_t now;
	bool dormant;

	if (!nft_sock_generation(&kernel->sock, &now, err))
		return false;
	if (now == kernel->generation && strcmp(kernel->table, table) == 0)
		return true;
	forget(kernel);
	snprintf(kernel->table, sizeof(kernel->table), "%s", table);
	if (!nft_live_table(&kernel->sock, table, &kernel->there, &dormant,
			    err) ||
	    !nft_live_uses(&kernel->sock, table, &kernel->uses,
			   &kernel->use_count, err))
		return false;
	kernel->generation = now;
	return true;
}

static bool ask_sets(struct kernel *kernel, const struct addr *addr,
		     struct kernel_hit *hit, struct error *err)
{
	for (size_t i = 0; i < kernel->use_count && !hit->found; i++) {
		const struct nft_named *use = &kernel->uses[i];

		if (use->family != addr->family)
			continue;
		if (!nft_set_find(&kernel->sock, kernel->table, use->name,
				  use->family, addr->value, &hit->found, err))
			return false;
		if (!hit->found)
			continue;
		memcpy(hit->set, use->name, sizeof(hit->set));
		memcpy(hit->class_name, use->class_name,
		       sizeof(hit->class_name));
	}
	return true;
}

bool kernel_find(struct kernel *kernel, const char *table,
		 const struct addr *addr, struct kernel_hit *hit,
		 struct error *err)
{
	uint32_t after;

	if (!kernel_is_table(table, err))
		return false;
	for (unsigned try = 0; try < TRIES_MAX; try++) {
		memset(hit, 0, sizeof(*hit));
		if (!refresh(kernel, table, err) ||
		    !ask_sets(kernel, addr, hit, err))
			return false;
		hit->table = kernel->there;
		/* "not there" may have been said of a set that was replaced */
		if (hit->found)
			return true;
		if (!nft_sock_generation(&kernel->sock, &after, err))
			return false;
		if (after == kernel->generation)
			return true;
	}
	return error_set(err, ERROR_KERNEL, ERESTART,
			 "table inet %s: the ruleset does not stand still",
			 table);
}

static bool add_all(struct iset *out, const struct nft_list *list, int family,
		    struct error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		struct range r = { family, list->r[i].first, list->r[i].last };

		if (!iset_add(out, &r, err))
			return false;
	}
	return true;
}

static bool read_sets(struct kernel *kernel, const char *class_name,
		      struct iset *out, struct error *err)
{
	struct nft_list list = { 0 };
	bool ok = true;

	for (size_t i = 0; ok && i < kernel->use_count; i++) {
		const struct nft_named *use = &kernel->uses[i];

		if (strcmp(use->class_name, class_name) == 0)
			ok = nft_set_read(&kernel->sock, kernel->table,
					  use->name, use->family, &list, err) &&
			     add_all(out, &list, use->family, err);
	}
	nft_list_clear(&list);
	return ok && iset_normalise(out, err);
}

bool kernel_read_class(struct kernel *kernel, const char *table,
		       const char *class_name, struct iset *out,
		       struct error *err)
{
	struct error why = { 0 };

	if (!kernel_is_table(table, err))
		return false;
	for (unsigned try = 0; try < TRIES_MAX; try++) {
		uint32_t after = 0;
		bool ok;

		iset_clear(out);
		ok = refresh(kernel, table, &why) &&
		     read_sets(kernel, class_name, out, &why);
		if (!nft_sock_generation(&kernel->sock, &after, err))
			break;
		if (after == kernel->generation && ok)
			return true;
		if (after == kernel->generation || why.kind == ERROR_LIMIT) {
			if (err)
				*err = why;
			break;
		}
		error_set(err, ERROR_KERNEL, ERESTART,
			  "table inet %s: the ruleset does not stand still",
			  table);
	}
	iset_clear(out);
	return false;
}
