// SPDX-License-Identifier: GPL-2.0-or-later
/* Staging: sets are made and filled in transactions of their own, each small
 * enough for the socket's default send buffer, before any rule refers to them.
 *
 * It has to be that way round.  Kernels since 7.0 (and 6.18.14, 6.19) look
 * addresses up in an array that a commit publishes only after it has switched
 * the rules over, so a set that is made in the same transaction as its rule
 * matches nothing for some milliseconds.  And a set that nobody looks at can be
 * filled in pieces.
 *
 * Verifying: the kernel acknowledged every message, so what is left to find is
 * what it takes without a word, such as a list cut short.  The number of
 * elements shows that, where the kernel tells it (Linux 6.16); elsewhere the
 * whole set is read back.  Then some addresses at the edges of ranges are looked
 * up, the way packets will be. */
#include "nft/nft_stage.h"
#include "nft/nft_live.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#define PROBED_RANGES 4
/* Less than the default send buffer; more brings nothing. */
#define STAGE_MAX (192 * 1024)

bool nft_commit(struct nft_txn *txn, struct nft_sent *sent, struct error *err)
{
	if (nft_txn_size(txn) == 0)
		return true;
	if (!nft_txn_commit(txn, err))
		return false;
	sent->batches++;
	sent->bytes += txn->len;
	/* the kernel leaves 0 out when it wraps */
	if (++sent->generation == 0)
		sent->generation = 1;
	return true;
}

void nft_put_table(struct nft_txn *txn, const char *table)
{
	struct nlmsghdr *nlh =
		nft_txn_message(txn, NFT_MSG_NEWTABLE, NLM_F_CREATE);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table);
	mnl_attr_put_u32(nlh, NFTA_TABLE_FLAGS, 0);
}

/* One set, beginning in the transaction that is under way and leaving its last
 * part in it. */
static bool fill(struct nft_txn *txn, const char *table,
		 const struct nft_filling *f, struct nft_sent *sent,
		 struct error *err)
{
	size_t at = 0, next;

	if (nft_txn_left(txn) < 2 * NFT_MESSAGE_MAX) {
		if (!nft_commit(txn, sent, err))
			return false;
		nft_txn_begin(txn, txn->sock, txn->buf, txn->room, 0);
	}
	nft_set_create(txn, table, f->name, f->span.family, f->comment);
	while (at < f->span.count) {
		next = nft_set_put(txn, NFT_MSG_NEWSETELEM, table, f->name,
				   &f->span, at);
		if (next == at) {
			if (!nft_commit(txn, sent, err))
				return false;
			nft_txn_begin(txn, txn->sock, txn->buf, txn->room, 0);
		}
		at = next;
	}
	return true;
}

bool nft_stage(struct nft_sock *sock, char *buf, const char *table,
	       bool make_table, const struct nft_filling *fillings,
	       size_t count, struct nft_sent *sent, struct error *err)
{
	struct nft_txn txn;

	nft_txn_begin(&txn, sock, buf,
		      sock->send_max < STAGE_MAX ? sock->send_max : STAGE_MAX,
		      0);
	if (make_table)
		nft_put_table(&txn, table);
	for (size_t i = 0; i < count; i++)
		if (!fill(&txn, table, &fillings[i], sent, err))
			return false;
	return nft_commit(&txn, sent, err);
}

static addr6_t top(int family)
{
	return family == 4 ? ADDR4_MAX : ADDR6_MAX;
}

/* Elements that the span becomes; a range up to the top has no end. */
static size_t elements(const struct nft_span *span)
{
	if (span->count == 0)
		return 0;
	return 2 * span->count -
	       (nft_span_at(span, span->count - 1).last == top(span->family));
}

static bool differs(const char *name, const char *how, size_t got, size_t want,
		    struct error *err)
{
	return error_set(err, ERROR_KERNEL, EILSEQ,
			 "set %s: the kernel has %zu %s where %zu were sent",
			 name, got, how, want);
}

static bool read_equal(struct nft_sock *sock, const char *table,
		       const char *name, const struct nft_span *span,
		       struct error *err)
{
	struct nft_list list = { 0 };
	bool ok = nft_set_read(sock, table, name, span->family, &list, err);
	size_t i = 0;

	while (ok && i < list.count && i < span->count &&
	       list.r[i].first == nft_span_at(span, i).first &&
	       list.r[i].last == nft_span_at(span, i).last)
		i++;
	if (ok && (i != span->count || i != list.count))
		ok = differs(name, "right ranges", i, span->count, err);
	nft_list_clear(&list);
	return ok;
}

static bool has(const struct nft_span *span, addr6_t key)
{
	size_t after = nft_span_after(span, key);

	return after != 0 && nft_span_at(span, after - 1).last >= key;
}

/* The set says of the address what the span says. */
static bool probe(struct nft_sock *sock, const char *table, const char *name,
		  const struct nft_span *span, addr6_t key, struct error *err)
{
	struct addr addr = { span->family, key };
	char text[ADDR_TEXT_MAX];
	bool found;

	if (!nft_set_find(sock, table, name, span->family, key, &found, err))
		return false;
	if (found == has(span, key))
		return true;
	return error_set(err, ERROR_KERNEL, EILSEQ,
			 "set %s: the kernel says that %s is %sin it, which is "
			 "not what it was sent",
			 name, addr_format(&addr, text), found ? "" : "not ");
}

/* Both edges of a range, inside and outside. */
static bool probe_edges(struct nft_sock *sock, const char *table,
			const char *name, const struct nft_span *span,
			struct range6 r, struct error *err)
{
	return probe(sock, table, name, span, r.first, err) &&
	       probe(sock, table, name, span, r.last, err) &&
	       (r.first == 0 ||
		probe(sock, table, name, span, r.first - 1, err)) &&
	       (r.last == top(span->family) ||
		probe(sock, table, name, span, r.last + 1, err));
}

bool nft_verify(struct nft_sock *sock, const char *table, const char *name,
		const struct nft_span *span, const struct nft_span *sample,
		uint64_t *handle, struct error *err)
{
	size_t want = elements(span), count = sample->count;
	struct nft_live_set set;

	if (!nft_live_one_set(sock, table, name, &set, err))
		return false;
	if (handle)
		*handle = set.handle;
	/* counted as elements, or as ranges */
	if (set.count != want && set.count != want / 2 &&
	    !read_equal(sock, table, name, span, err))
		return false;
	if (count > PROBED_RANGES)
		count = PROBED_RANGES;
	for (size_t i = 0; i < count; i++) {
		/* evenly, the first and the last among them */
		size_t at =
			count < 2 ? 0 : i * (sample->count - 1) / (count - 1);

		if (!probe_edges(sock, table, name, span,
				 nft_span_at(sample, at), err))
			return false;
	}
	return true;
}
