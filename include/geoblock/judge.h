/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_JUDGE_H
#define GEOBLOCK_JUDGE_H

#include <geoblock/fingerprint.h>
#include <geoblock/image.h>
#include <geoblock/iset.h>
#include <geoblock/packet.h>
#include <geoblock/policy.h>
#include <geoblock/signature.h>

/* From a SYN to a verdict: the one way that the daemon and `geoblock replay`
 * both go. */

/* What a verdict rests on; all of it borrowed and only read. */
struct judge {
	const struct policy *policy;
	const struct image *image;           /* opened with IMAGE_CHECK_ALL */
	const struct signatures *signatures; /* compiled */
	const struct iset *exempt, *deny;
};

struct judgement {
	struct verdict
		verdict; /* as the SYN stage carries it out: policy_step() */
	struct fingerprint fingerprint;
	struct addr source;
	country_t country;
};

/* judge_sender - what an address alone says of its owner: exempt, denied, country.
 * The rest of *out is zero: nothing else is known. */
void judge_sender(const struct judge *judge, const struct addr *addr,
		  struct subject *out);

/* judge_syn - country, looks, verdict.  packet must be a SYN.  Allocates nothing,
 * formats nothing, takes no lock. */
void judge_syn(const struct judge *judge, const struct packet *packet,
	       struct judgement *out);

/* judge_address - the same for a SYN that the kernel settled: its looks are told,
 * the verdict is the one that the address alone gives. */
void judge_address(const struct judge *judge, const struct packet *packet,
		   struct judgement *out);

#endif
