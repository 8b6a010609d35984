// SPDX-License-Identifier: GPL-2.0-or-later
/* The named counters of the table. */
#include <geoblock/kernel.h>

#include <arpa/inet.h>
#include <stdio.h>

#include <libnftnl/object.h>
#include <linux/netfilter/nf_tables.h>

#include "nft/kernel.h"

struct listing {
	struct kernel_counter *out;
	size_t room, count;
	struct error *err;
};

static void copy(struct nftnl_obj *obj, struct kernel_counter *out)
{
	snprintf(out->name, sizeof(out->name), "%s",
		 nftnl_obj_get_str(obj, NFTNL_OBJ_NAME));
	out->packets = nftnl_obj_get_u64(obj, NFTNL_OBJ_CTR_PKTS);
	out->bytes = nftnl_obj_get_u64(obj, NFTNL_OBJ_CTR_BYTES);
}

static int counter_cb(const struct nlmsghdr *nlh, void *ctx)
{
	struct listing *listing = ctx;
	struct nftnl_obj *obj = nftnl_obj_alloc();
	bool ok = true;

	if (!obj) {
		error_set(listing->err, ERROR_LIMIT, 0, "out of memory");
		return MNL_CB_ERROR;
	}
	if (nftnl_obj_nlmsg_parse(nlh, obj) == 0 &&
	    nftnl_obj_get_u32(obj, NFTNL_OBJ_TYPE) == NFT_OBJECT_COUNTER) {
		ok = listing->count < listing->room;
		if (ok)
			copy(obj, &listing->out[listing->count++]);
		else
			error_set(listing->err, ERROR_LIMIT, 0,
				  "the table has more than %zu counters",
				  listing->room);
	}
	nftnl_obj_free(obj);
	return ok ? MNL_CB_OK : MNL_CB_ERROR;
}

bool kernel_counters(struct kernel *kernel, const char *table,
		     struct kernel_counter *out, size_t room, size_t *count,
		     struct error *err)
{
	struct nlmsghdr *nlh =
		nft_sock_question(&kernel->sock, NFT_MSG_GETOBJ, NLM_F_DUMP);
	struct listing listing = { .out = out, .room = room, .err = err };
	bool ok;

	mnl_attr_put_strz(nlh, NFTA_OBJ_TABLE, table);
	mnl_attr_put_u32(nlh, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	ok = nft_sock_ask(&kernel->sock, nlh, counter_cb, &listing, err);
	*count = ok ? listing.count : 0;
	return ok;
}
