// SPDX-License-Identifier: GPL-2.0-or-later
#include <geoblock/judge.h>

static void decide(const struct judge *judge, const struct packet *packet,
		   bool looks_count, struct judgement *out)
{
	struct subject subject = { .has_os = looks_count };

	out->source = packet_source(packet);
	out->country =
		packet->version == 4
			? image_country4(judge->image, (uint32_t)packet->saddr)
			: image_country6(judge->image, packet->saddr);
	fingerprint_of(judge->signatures, packet, &out->fingerprint);
	subject.exempt = iset_has(judge->exempt, &out->source);
	subject.denied = iset_has(judge->deny, &out->source);
	subject.country = out->country;
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
