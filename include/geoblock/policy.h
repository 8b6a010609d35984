/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_POLICY_H
#define GEOBLOCK_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/addr.h>
#include <geoblock/country.h>
#include <geoblock/error.h>
#include <geoblock/iset.h>
#include <geoblock/os.h>

/* The policy: exempt, then deny, then the rules in order, first match wins, then
 * the default.  What the address alone decides is decided in the kernel; this
 * module says which part that is. */

enum action {
	ACTION_ACCEPT,
	ACTION_DROP,     /* silence */
	ACTION_RESET,    /* TCP RST */
	ACTION_TAG,      /* let through with a mark */
	ACTION_GREYLIST, /* let through marked; the policy service answers 4xx */
	ACTION_REFUSE, /* let through marked; the policy service answers 5xx */
	ACTION_COUNT,
};

const char *action_name(enum action action);
bool action_parse(const char *word, enum action *out);

enum stage {
	STAGE_KERNEL, /* the source address is enough */
	STAGE_SYN,    /* needs the SYN's looks: os, min-confidence */
	STAGE_SMTP,   /* needs reverse DNS */
	STAGE_COUNT,
};

const char *stage_name(enum stage stage); /* "kernel", "syn", "smtp" */

enum rdns_class {
	RDNS_NONE,
	RDNS_GENERIC,
	RDNS_MISMATCH,
	RDNS_OK,
	RDNS_CLASS_COUNT,
};

const char *rdns_class_name(enum rdns_class rdns);
bool rdns_class_parse(const char *word, enum rdns_class *out);

#define RULE_TITLE_MAX   64 /* with its NUL */
#define RULES_MAX        64
#define POLICY_PORTS_MAX 15 /* xtables' and our own bound for one rule */

struct rule {
	char title[RULE_TITLE_MAX];
	/* "was given" flags; a condition that was not given always holds */
	bool has_country, has_os, has_rdns, has_confidence;
	/* `allowed` and `outside` already resolved */
	struct country_set country;
	uint16_t os;            /* bits 1 << enum os_class */
	uint8_t rdns;           /* bits 1 << enum rdns_class */
	uint8_t min_confidence; /* 0-100; default 60 for accept, tag and
	                             * greylist, 80 for drop, reset and refuse */
	enum action action;
	unsigned line; /* in the configuration; 0: built in */
};

struct policy {
	bool audit;
	struct country_set allowed; /* `countries` */
	struct rule rules[RULES_MAX];
	size_t rule_count;
	enum action default_action;
	enum action deny_action;
};

/* rule_stage - the earliest stage at which the rule can be decided. */
enum stage rule_stage(const struct rule *rule);

/* Rule numbers beyond the list. */
#define RULE_DEFAULT (-1)
#define RULE_EXEMPT  (-2)
#define RULE_DENY    (-3)

struct verdict {
	enum action action;
	int rule; /* index into policy.rules, or RULE_DEFAULT, _EXEMPT, _DENY */
	/* The earliest stage at which these facts give this verdict: the
	 * latest of the stages whose facts settled the rules up to this one.
	 * Rules whose facts are not known take no part. */
	enum stage stage;
};

/* What is known of a sender.  Facts that are not known yet leave the rules that
 * need them out: they are not skipped for ever, a later stage asks again.  A rule's
 * min-confidence is asked only of a class that could be named: `os = unknown`
 * matches whatever the confidence. */
struct subject {
	bool exempt, denied;
	country_t country;
	bool has_os;
	enum os_class os;
	uint8_t confidence; /* 0-100 */
	bool has_rdns;
	enum rdns_class rdns;
};

/* policy_decide - the plain list, evaluated in one go: exempt → deny → rules →
 * default.  The reference that staged evaluation has to equal.  Audit mode
 * changes nothing here: it is for whoever carries the verdict out. */
struct verdict policy_decide(const struct policy *policy,
			     const struct subject *subject);

/* policy_step - the verdict as a stage that knows these facts carries it out.
 *
 * It is policy_decide()'s but for one case: while reverse DNS is unknown, a rule
 * further up may still turn out to match, and a sender who was dropped or reset
 * never gets to the stage that would know.  Such a verdict is held back: its
 * action is then ACTION_REFUSE (the SYN passes marked), and the policy service
 * decides anew with all facts.  That service has no silence and no RST left to
 * give: at STAGE_SMTP drop and reset are carried out as refuse. */
struct verdict policy_step(const struct policy *policy,
			   const struct subject *subject);

/* policy_waits_rdns - the first rule before this verdict's that reverse DNS, which is
 * not known yet, may still make match: its index, or -1.  A rule that asks for the
 * SYN's looks as well counts while those are unknown, too. */
int policy_waits_rdns(const struct policy *policy,
		      const struct subject *subject,
		      const struct verdict *verdict);

/* policy_needs_syn - whether the SYN's looks can matter to a sender of whom the
 * address is known: a rule that asks for them, here or together with reverse
 * DNS, stands before the first one that decides without. */
bool policy_needs_syn(const struct policy *policy,
		      const struct subject *subject);

/* rule_title - "abroad", "default", "exempt", "deny": the word that counters,
 * log lines and query all print. */
const char *rule_title(const struct policy *policy, int rule);

/* rule_counter - the same as a name that nft takes: letters, digits, '-', '_';
 * at most 31 characters; none of nft's keywords ("drop" becomes "drop-rule"), as
 * nft lists such names but cannot load them again; unique in a policy (the
 * configuration sees to it). */
#define RULE_COUNTER_MAX 32
const char *rule_counter(const struct policy *policy, int rule,
			 char buf[RULE_COUNTER_MAX]);

/* What the kernel can be told: countries grouped by the step that the address
 * alone gives them, and by whether the SYN has to be looked at first; the verdict
 * then holds where nobody looks.  `rest` is for addresses of which no country is
 * known; no set is needed for the class that shares it.  A rule has several
 * classes where some of its countries need the SYN, or are held back, and others
 * not. */
#define POLICY_CLASSES_MAX (4 * (RULES_MAX + 1))

struct policy_class {
	struct verdict verdict;
	bool needs_syn;
	struct country_set countries; /* .unknown is false */
};

struct policy_split {
	struct policy_class classes[POLICY_CLASSES_MAX]; /* in the rules' order,
	                                                  * the default last */
	size_t class_count; /* without the one that is `rest` */
	struct verdict rest;
	bool rest_needs_syn;
};

/* policy_split - of every policy there is; it cannot fail. */
void policy_split(const struct policy *policy, struct policy_split *out);

#endif
