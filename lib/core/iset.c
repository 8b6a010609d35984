// SPDX-License-Identifier: GPL-2.0-or-later
/* Interval sets.
 *
 * A set is an array of ranges for each family.  The code of a family is written
 * once, in iset_impl.h, and compiled for 32 and for 128 bit addresses.
 *
 * What is added comes nearly sorted: each registry's file ascends, and five of
 * them make five runs.  So sorting is a merge sort over the runs that are
 * already there: one pass to see that there is but one, log2(runs) passes
 * otherwise, and n log n for the worst of inputs.
 *
 * The algebra walks along both operands once.  Its results are canonical
 * without another pass: pieces that touch are joined as they are added (union),
 * or there are at least one address of the other operand or a gap between them.
 */
#include <geoblock/iset.h>

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>

/* Bytes on their way into the digest. */
struct sink {
	struct sha256_ctx sha;
	size_t used;
	uint8_t bytes[4096];
};

/* drained above this, a sink has room for one more range */
#define SINK_LOW (4096 - 2 * sizeof(addr6_t))

static void sink_drain(struct sink *sink, size_t above)
{
	if (sink->used <= above)
		return;
	sha256_update(&sink->sha, sink->used, sink->bytes);
	sink->used = 0;
}

static void sink_put(struct sink *sink, const void *data, size_t len)
{
	memcpy(sink->bytes + sink->used, data, len);
	sink->used += len;
}

/* In network byte order. */
static void sink_word(struct sink *sink, uint64_t word)
{
	word = htobe64(word);
	sink_put(sink, &word, sizeof(word));
}

static void sink_addr4(struct sink *sink, uint32_t addr)
{
	addr = htobe32(addr);
	sink_put(sink, &addr, sizeof(addr));
}

static void sink_addr6(struct sink *sink, addr6_t addr)
{
	sink_word(sink, ADDR6_HI(addr));
	sink_word(sink, ADDR6_LO(addr));
}

#define OF(name) name##4
#define ADDR     uint32_t
#define PREFIX   addr4_prefix
#define BITS     32
#include "iset_impl.h"
#undef OF
#undef ADDR
#undef PREFIX
#undef BITS

#define OF(name) name##6
#define ADDR     addr6_t
#define PREFIX   addr6_prefix
#define BITS     128
#include "iset_impl.h"

void iset_clear(struct iset *set)
{
	free(set->v4.r);
	free(set->v6.r);
	*set = (struct iset){ 0 };
}

bool iset_add(struct iset *set, const struct range *r, struct error *err)
{
	if (r->family == 4)
		return iset_add4(set, (uint32_t)r->first, (uint32_t)r->last,
				 err);
	return iset_add6(set, r->first, r->last, err);
}

bool iset_normalise(struct iset *set, struct error *err)
{
	return normalise4(&set->v4, err) && normalise6(&set->v6, err);
}

/* Keeps out's memory for the result. */
static void empty(struct iset *out, const struct iset *a, const struct iset *b)
{
	assert(out != a && out != b);
	out->v4.count = 0;
	out->v6.count = 0;
}

static bool finish(struct iset *out, bool ok)
{
	if (!ok)
		iset_clear(out);
	return ok;
}

bool iset_subtract(struct iset *out, const struct iset *a, const struct iset *b,
		   struct error *err)
{
	empty(out, a, b);
	return finish(out,
		      subtract4(out, a, b, err) && subtract6(out, a, b, err));
}

bool iset_has(const struct iset *set, const struct addr *addr)
{
	return addr->family == 4 ? iset_has4(set, (uint32_t)addr->value)
				 : iset_has6(set, addr->value);
}

uint64_t iset_addresses4(const struct iset *set)
{
	uint64_t sum = 0; /* at most 2^32 */

	for (size_t i = 0; i < set->v4.count; i++)
		sum += (uint64_t)set->v4.r[i].last - set->v4.r[i].first + 1;
	return sum;
}

uint64_t iset_networks6(const struct iset *set)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < set->v6.count; i++) {
		uint64_t first = ADDR6_HI(set->v6.r[i].first);
		uint64_t last = ADDR6_HI(set->v6.r[i].last);

		/* a /64 that two ranges share was counted with the first */
		if (i > 0 && ADDR6_HI(set->v6.r[i - 1].last) == first)
			sum--;
		/* only the whole space has 2^64 of them */
		if (__builtin_add_overflow(sum, last - first, &sum) ||
		    __builtin_add_overflow(sum, 1, &sum))
			return UINT64_MAX;
	}
	return sum;
}

void iset_digest(const struct iset *set, uint8_t digest[ISET_DIGEST_SIZE])
{
	struct sink sink;

	sink.used = 0;
	sha256_init(&sink.sha);
	digest4(&sink, &set->v4);
	digest6(&sink, &set->v6);
	sink_drain(&sink, 0);
	sha256_digest(&sink.sha, ISET_DIGEST_SIZE, digest);
}
