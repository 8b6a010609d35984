// SPDX-License-Identifier: GPL-2.0-or-later
/* Every step may be the last: a question that is none of ours, geoblockd away and no
 * country data all end in "no objection".  Nothing here waits; what does is called
 * back. */
#include "daemon/policyd_question.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <geoblock/rdns.h>

#include "daemon/policyd.h"

bool policyd_recent_init(struct policyd_recent *recent, struct error *err)
{
	if (getrandom(recent->key, sizeof(recent->key), 0) ==
	    sizeof(recent->key))
		return true;
	return error_set(err, ERROR_SYSTEM, errno, "getrandom");
}

/* Whether this message, for whichever of its recipients, got its header before. */
static bool is_again(struct policyd_recent *recent, const char *instance)
{
	uint64_t hash, *slot;

	if (instance[0] == '\0')
		return false;
	hash = siphash(recent->key, instance, strlen(instance));
	slot = &recent->hashes[hash % POLICYD_RECENT_MAX];
	if (*slot == hash)
		return true;
	*slot = hash;
	return false;
}

/* A port, or 0 where it is none. */
static uint16_t port_of(const char *text)
{
	unsigned long port = 0;

	for (; *text >= '0' && *text <= '9' && port <= UINT16_MAX; text++)
		port = 10 * port + (unsigned long)(*text - '0');
	return *text == '\0' && port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* ---- the answer ------------------------------------------------------------- */

static void count_delay(struct policyd_counters *counters,
			const struct timespec *began)
{
	static const uint32_t bounds[] = POLICYD_DELAYS;
	struct timespec now;
	uint64_t us;
	size_t i = 0;

	clock_gettime(CLOCK_MONOTONIC, &now);
	us = (uint64_t)((now.tv_sec - began->tv_sec) * 1000000 +
			(now.tv_nsec - began->tv_nsec) / 1000);
	while (i < POLICYD_DELAYS_COUNT && us > bounds[i])
		i++;
	counters->delays[i]++;
	counters->delays_us += us;
}

static void answer(struct policyd_question *q, enum policyd_action action)
{
	q->policyd->counters.replies[action]++;
	count_delay(&q->policyd->counters, &q->began);
	q->done(q->ctx, action);
}

static void skip(struct policyd_question *q, enum policyd_skip why)
{
	q->policyd->counters.skipped[why]++;
	answer(q, POLICYD_DUNNO);
}

static void note(const struct policyd_question *q)
{
	const struct policyd_ruling *ruling = &q->ruling;
	struct policyd *policyd = q->policyd;
	const struct subject *subject = &ruling->subject;
	struct counters *counters = &policyd->counters.verdicts;
	struct decision decision = {
		.time = (uint64_t)ev_now(policyd->loop),
		.source = ruling->client,
		.sport = q->port,
		.dport = port_of(q->request->server_port),
		.country = subject->country,
		.os = subject->os,
		.confidence = subject->confidence,
		.verdict = ruling->verdict,
		.audit = policyd->snapshot->conf->policy.audit,
		.rdns = subject->has_rdns ? rdns_class_name(subject->rdns)
					  : NULL,
	};
	bool refused = is_refusal(ruling->verdict.action);

	counters->actions[ruling->verdict.action]++;
	counters->reasons[REASON_OF(ruling->verdict.rule)]++;
	counters->os[subject->os].seen++;
	counters->os[subject->os].refused += refused;
	counters->countries[COUNTRY_SLOT(subject->country)].seen++;
	counters->countries[COUNTRY_SLOT(subject->country)].refused += refused;
	if (subject->has_rdns)
		policyd->counters.rdns[subject->rdns]++;
	if (ruling->verdict.action == ACTION_GREYLIST && !decision.audit)
		decision.greylist =
			greylist_answer_name(ruling->greylist.answer);
	journal_note(&policyd->journal, &decision);
	service_decisions(&policyd->service);
}

static void finish(struct policyd_question *q)
{
	struct policyd *policyd = q->policyd;
	const struct conf *conf = policyd->snapshot->conf;
	enum policyd_action action;

	/* a reload may have come since the greylist was asked: the verdict is of
	 * the policy that its rule is looked up in */
	q->ruling.verdict = policyd_decide(&conf->policy, &q->ruling.subject);
	action = policyd_action(conf, &q->ruling);
	note(q);
	if (action == POLICYD_PREPEND &&
	    is_again(&policyd->recent, q->request->instance))
		action = POLICYD_DUNNO;
	answer(q, action);
}

/* ---- what it takes ---------------------------------------------------------- */

static void on_greylist(void *ctx, const struct greylist_result *result)
{
	struct policyd_question *q = ctx;

	q->policyd->counters.greylist[result->answer]++;
	q->ruling.greylist = *result;
	finish(q);
}

static void on_looks(void *ctx, const struct policyd_looks *looks)
{
	struct policyd_question *q = ctx;
	struct policyd *policyd = q->policyd;
	const struct policyd_request *request = q->request;
	struct subject *subject = &q->ruling.subject;
	struct greylist_triplet triplet = {
		.client = q->ruling.client,
		.sender = request->sender,
		.recipient = request->recipient,
	};
	struct verdict verdict;

	policyd->counters.seen[looks->seen]++;
	if (looks->seen == POLICYD_AWAY) {
		skip(q, POLICYD_SKIP_AWAY);
		return;
	}
	subject->has_os = looks->seen != POLICYD_UNSEEN && !looks->alike;
	if (subject->has_os) {
		subject->os = looks->os;
		subject->confidence = looks->confidence;
	}
	verdict = policyd_decide(&policyd->snapshot->conf->policy, subject);
	if (verdict.action != ACTION_GREYLIST ||
	    policyd->snapshot->conf->policy.audit) {
		finish(q);
		return;
	}
	triplet.regardless = subject->has_os && subject->os == OS_WINDOWS;
	greylist_check(policyd->greylist, &triplet,
		       (uint64_t)ev_now(policyd->loop), on_greylist, q);
}

static enum policyd_skip learn(struct policyd_question *q)
{
	const struct policyd_request *request = q->request;
	const struct snapshot *snapshot = q->policyd->snapshot;
	struct subject *subject = &q->ruling.subject;
	struct addr *addr = &q->ruling.client;
	const char *reverse = request->reverse_client_name;

	memset(&q->ruling, 0, sizeof(q->ruling));
	q->port = port_of(request->client_port);
	if (strcmp(request->protocol_state, "RCPT") != 0)
		return POLICYD_SKIP_STATE;
	if (request->sasl_username[0])
		return POLICYD_SKIP_SASL;
	if (!addr_parse(request->client_address,
			strlen(request->client_address), addr, NULL))
		return POLICYD_SKIP_ADDRESS;
	if (!snapshot->image)
		return POLICYD_SKIP_DATA;
	judge_sender(&snapshot->judge, addr, subject);
	/* older mail servers send the verified name only */
	if (!(request->given & POLICYD_REVERSE_CLIENT_NAME))
		reverse = request->client_name;
	subject->has_rdns = request->given & POLICYD_CLIENT_NAME;
	if (subject->has_rdns)
		subject->rdns = rdns_classify(addr, request->client_name,
					      reverse, NULL);
	return POLICYD_SKIP_NONE;
}

void policyd_question_ask(struct policyd_question *q)
{
	enum policyd_skip why;

	clock_gettime(CLOCK_MONOTONIC, &q->began);
	q->policyd->counters.requests++;
	why = learn(q);
	if (why != POLICYD_SKIP_NONE)
		skip(q, why);
	else if (q->ruling.subject.exempt || q->ruling.subject.denied)
		finish(q);
	else
		policyd_syn_ask(q->policyd->syn, &q->ruling.client, q->port,
				on_looks, q);
}
