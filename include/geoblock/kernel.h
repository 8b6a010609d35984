/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_KERNEL_H
#define GEOBLOCK_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/addr.h>
#include <geoblock/error.h>
#include <geoblock/iset.h>
#include <geoblock/policy.h>

/* The kernel side: one nf_tables table of ours, reached over netlink.  Everything
 * outside that table is left alone.  nft/ is the only folder that knows libmnl
 * and libnftnl. */

/* What the table is to enforce.  Borrowed for the call. */
struct kernel_class {
	char name[8];          /* "exempt", "deny", "allow", "rule7": the sets are
	                        * <name>4.<generation> and <name>6.<generation> */
	char counter[RULE_COUNTER_MAX]; /* classes of one rule share theirs */
	enum action action;
	bool needs_syn; /* the queue sees its SYNs first; action where nobody
	                 * listens there */
	const struct iset *ranges;
};

/* NFQUEUE, for SYNs of classes whose needs_syn is set. */
struct kernel_queue {
	bool enabled;
	uint16_t first, last; /* queue numbers, inclusive */
	bool fanout;          /* one queue per CPU, where there are several */
	bool fail_closed;     /* no listener, or a full queue: drop */
};

#define KERNEL_CLASSES_MAX (POLICY_CLASSES_MAX + 2)

struct kernel_plan {
	const char *table;
	uint16_t ports[POLICY_PORTS_MAX];
	size_t port_count;
	bool audit;            /* count, but let everything pass */
	uint32_t mark;         /* mask; see kernel_mark_value() */
	struct kernel_class classes[KERNEL_CLASSES_MAX]; /* in order of look-up */
	size_t class_count;
	char rest_counter[RULE_COUNTER_MAX]; /* addresses in no class */
	enum action rest_action;
	bool rest_needs_syn;
	struct kernel_queue queue;
	uint16_t nflog_group; /* copies of what the kernel drops; 0: none */
};

/* kernel_mark_value - what is put under the mask: 1 tag, 2 greylist, 3 refuse,
 * shifted to the mask's lowest bit.  0 for the other actions. */
uint32_t kernel_mark_value(uint32_t mask, enum action action);

struct kernel;

/* kernel_open - a netlink socket.  Needs CAP_NET_ADMIN over the network
 * namespace; without it the error says so (ERROR_KERNEL, EPERM). */
bool kernel_open(struct kernel **kernel, struct error *err);
void kernel_close(struct kernel *kernel); /* NULL is allowed */

struct kernel_set_report {
	char name[16];
	size_t ranges;         /* now in the set */
	size_t added, removed; /* ranges; all of them for a staged set */
	enum { KERNEL_KEPT, KERNEL_STAGED, KERNEL_CHANGED } how;
};

struct kernel_report {
	struct kernel_set_report sets[2 * KERNEL_CLASSES_MAX];
	size_t set_count;
	bool rules_changed;   /* the switch batch was sent */
	size_t batches;       /* sent, in all; 0: nothing was to be done */
	size_t bytes;         /* sent, in all */
	bool trusted;         /* what is live was known without reading it back */
};

/* kernel_apply - make the table enforce the plan: stage, verify, switch.
 *
 * No packet meets a wrong verdict while it runs, and none of it stays behind
 * half done: the switch is one transaction, compare-and-swap on the generation
 * id (another tool's commit in between restarts the run, a bounded number of
 * times); what was staged and not switched to is removed here or by the next
 * call.  A table that enforces the plan already is not written to at all.
 * Counters survive.  `before` (may be NULL) is what the classes held when they
 * were last applied, by class name: where its digest is that of the live set, a
 * difference is computed from it rather than by reading the set back.  With
 * dry_run nothing is sent but questions, and the report says what would be. */
bool kernel_apply(struct kernel *kernel, const struct kernel_plan *plan,
		  const struct kernel_plan *before, bool dry_run,
		  struct kernel_report *report, struct error *err);

/* kernel_remove - delete our table, if it is there. */
bool kernel_remove(struct kernel *kernel, const char *table,
		   struct error *err);

/* kernel_find - ask the live sets about one address, one GETSETELEM for each set
 * of its family.  The sets' names are read once and kept until the table's
 * generation moves.  Finds the first class in order of look-up. */
struct kernel_hit {
	bool table;    /* the table is there */
	bool found;    /* a set holds the address */
	char set[16];  /* "allow4.3" */
	char class_name[8]; /* "allow" */
};

bool kernel_find(struct kernel *kernel, const char *table,
		 const struct addr *addr, struct kernel_hit *hit,
		 struct error *err);

/* kernel_read_class - read a class's live sets back whole. */
bool kernel_read_class(struct kernel *kernel, const char *table,
		       const char *class_name, struct iset *out,
		       struct error *err);

/* kernel_counters - the named counters of the table. */
struct kernel_counter {
	char name[RULE_COUNTER_MAX];
	uint64_t packets, bytes;
};

bool kernel_counters(struct kernel *kernel, const char *table,
		     struct kernel_counter *out, size_t room, size_t *count,
		     struct error *err);

#endif
