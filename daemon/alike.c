// SPDX-License-Identifier: GPL-2.0-or-later
/* One look is on trial at a time.  A network that shows it is counted, one that
 * shows another refutes it together with two more; the look of the last of them is
 * tried next.  With senders from everywhere that happens every few SYNs: if not by
 * their systems, they differ in how many hops away they are.
 *
 * Whoever can write any source address into his SYNs could show us one look from a
 * million networks, so that his Windows machines are no longer told by theirs.  No
 * share that he has of all SYNs may therefore count, and none does:
 *
 *   - the verdict is unanimity, not a share: he would have to silence all others,
 *     but for two networks, for an hour, on a port to which the whole Internet
 *     connects;
 *   - a flood, which might silence them by filling the queue, ends the trial: the
 *     hour begins when it is over.  Only rates at which every SYN is seen count.
 *
 * The other way round nobody gains: behind a proxy no one can make a SYN of his own
 * look, so the three that end the state are real.  A retransmission, or a second
 * try from the same network, adds to neither side. */
#include "daemon/alike.h"

#include <string.h>

static struct alike_look look_of(const struct packet *syn)
{
	struct alike_look look;

	memset(&look, 0, sizeof(look)); /* compared as bytes */
	look.ttl = syn->ttl;
	look.scale = syn->scale;
	look.df = syn->quirks & QUIRK_DF;
	look.window = syn->window;
	look.layout_len = syn->layout_len;
	memcpy(look.layout, syn->layout, syn->layout_len);
	return look;
}

static addr6_t network_of(const struct packet *syn)
{
	return syn->version == 4 ? syn->saddr >> 8 : syn->saddr >> 80;
}

static void try_look(struct alike *alike, const struct packet *syn,
		     const struct alike_look *look, uint64_t now)
{
	alike->on = false;
	alike->since = now;
	alike->networks = 0;
	alike->look = *look;
	alike->example = *syn;
	memset(alike->seen, 0, sizeof(alike->seen));
	memset(alike->others, 0, sizeof(alike->others));
}

/* Two networks may share a bit: there are then more than counted, never fewer. */
static void count_network(struct alike *alike, addr6_t network)
{
	uint64_t mixed = (uint64_t)network * 0x9e3779b97f4a7c15u; /* 2^64 / φ */
	unsigned bit = (unsigned)(mixed >> 32) % ALIKE_BITS;

	if (alike->seen[bit / 64] >> bit % 64 & 1)
		return;
	alike->seen[bit / 64] |= (uint64_t)1 << bit % 64;
	alike->networks++;
}

/* True where this is one network too many, of the last after_s seconds. */
static bool is_refuted(struct alike *alike, addr6_t network, uint64_t now,
		       uint32_t after_s)
{
	unsigned recent = 0;
	size_t slot = 0;

	for (size_t i = 0; i < ALIKE_OTHERS; i++) {
		if (alike->others[i].time &&
		    alike->others[i].network == network) {
			slot = i;
			break;
		}
		if (alike->others[i].time < alike->others[slot].time)
			slot = i;
	}
	alike->others[slot].network = network;
	alike->others[slot].time = now;
	for (size_t i = 0; i < ALIKE_OTHERS; i++)
		recent += alike->others[i].time &&
			  now - alike->others[i].time <= after_s;
	return recent == ALIKE_OTHERS;
}

static bool is_flood(struct alike *alike, uint64_t now)
{
	if (alike->second != now) {
		alike->second = now;
		alike->rate = 0;
	}
	return ++alike->rate > ALIKE_RATE_MAX;
}

void alike_note(struct alike *alike, const struct packet *syn, uint64_t now,
		uint32_t after_s)
{
	struct alike_look look = look_of(syn);

	if (after_s == 0) {
		alike->on = false;
		return;
	}
	/* a clock that was put back begins anew, too */
	if (is_flood(alike, now) || now < alike->since)
		alike->since = now;
	if (memcmp(&look, &alike->look, sizeof(look)) != 0) {
		if (alike->since == 0 ||
		    is_refuted(alike, network_of(syn), now, after_s))
			try_look(alike, syn, &look, now);
		else
			return;
	}
	count_network(alike, network_of(syn));
	if (alike->networks >= ALIKE_NETWORKS && now - alike->since >= after_s)
		alike->on = true;
}
