// SPDX-License-Identifier: GPL-2.0-or-later
#include <geoblock/judge.h>

void judge_sender(const struct judge *judge, const struct addr *addr,
		  struct subject *out)
{
	*out = (struct subject){
		.exempt = iset_has(judge->exempt, addr),
		.denied = iset_has(judge->deny, addr),
		.country = addr->family == 4
				   ? image_country4(judge->image,
						    (uint32_t)addr->value)
				   : image_country6(judge->image, addr->value),
	};
}

static void decide(const struct judge *judge, const struct packet *packet,
		   bool looks_count, struct judgement *out)
{
	struct subject subject;

	out->source = packet_source(packet);
	judge_sender(judge, &out->source, &subject);
	out->country = subject.country;
	fingerprint_of(judge->signatures, packet, &out->fingerprint);
	subject.has_os = looks_count;
	subject.os = out->fingerprint.class;
	subject.confidence = out->fingerprint.confidence;
	out->verdict = policy_step(judge->policy, &subject);
}

void judge_syn(const struct judge *judge, const struct packet *packet,
	       struct judgement *out)
{
	decide(judge, packet, true, out);
}

void judge_address(const struct judge *judge, const struct packet *packet,
		   struct judgement *out)
{
	decide(judge, packet, false, out);
}
