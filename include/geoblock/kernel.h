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
	char name[8]; /* "exempt", "deny", "allow", "rule7": the sets are
	                        * <name>4.<generation> and <name>6.<generation> */
	char counter[RULE_COUNTER_MAX]; /* classes of one rule share theirs */
	enum action action;
	bool needs_syn; /* the queue sees its SYNs first; action where nobody
	                 * listens there */
	const struct iset *ranges;
};

/* NFQUEUE, for SYNs of classes whose needs_syn is set.  They are asked about
 * before anything else looks at them; without a listener, and where its queue is
 * full, they go on to the verdict of their address. */
struct kernel_queue {
	bool enabled;
	uint16_t first, last; /* queue numbers, inclusive */
	bool fanout;          /* by CPU, where there are several queues; else by
	                       * a hash of the addresses */
	bool fail_closed;     /* no listener: drop; the listener sees to it that
	                       * a full queue drops, too */
};

#define KERNEL_CLASSES_MAX (POLICY_CLASSES_MAX + 2)

struct kernel_plan {
	const char *table;
	uint16_t ports[POLICY_PORTS_MAX];
	size_t port_count;
	bool audit;    /* count, but let everything pass */
	uint32_t mark; /* mask; see kernel_mark_value() */
	/* in order of look-up */
	struct kernel_class classes[KERNEL_CLASSES_MAX];
	size_t class_count;
	char rest_counter[RULE_COUNTER_MAX]; /* addresses in no class */
	enum action rest_action;
	bool rest_needs_syn;
	struct kernel_queue queue;
	uint16_t nflog_group; /* rate limited copies of what drop and reset of a
	                       * class refuse, also in audit mode; 0: none */
};

/* kernel_mark_value - what is put under the mask: 1 tag, 2 greylist, 3 refuse,
 * shifted to the mask's lowest bit.  0 for the other actions. */
uint32_t kernel_mark_value(uint32_t mask, enum action action);

/* kernel_mark_judged - what the queue's listener puts under the mask together
 * with NF_ACCEPT, so that the table carries its verdict out without a look at the
 * address: the values above, and 4 accept, 5 reset.  It drops with NF_DROP, which
 * is 0 here.  Values 4 and 5 go no further than the table, which clears them.  A
 * SYN that comes with one of the five from an administrator's own rules is taken
 * as judged. */
#define KERNEL_MARK_BITS 3 /* the mask is one run of at least so many */
uint32_t kernel_mark_judged(uint32_t mask, enum action action);

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

/* How SYNs get to the queue: by nf_tables' queue expression, or where the kernel
 * has none, by xtables' NFQUEUE.  NONE for a plan with a queue says that this
 * kernel has neither; the address then decides alone. */
enum kernel_queue_way {
	KERNEL_QUEUE_NONE,
	KERNEL_QUEUE_NATIVE,
	KERNEL_QUEUE_TARGET,
};

struct kernel_report {
	struct kernel_set_report sets[2 * KERNEL_CLASSES_MAX];
	size_t set_count;
	bool rules_changed; /* the switch batch was sent */
	size_t batches;     /* sent, in all; 0: nothing was to be done */
	size_t bytes;       /* sent, in all */
	bool trusted;       /* what is live was known without reading it back */
	enum kernel_queue_way queue;
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
bool kernel_remove(struct kernel *kernel, const char *table, struct error *err);

/* kernel_find - ask the live sets about one address, one GETSETELEM for each set
 * of its family.  The sets' names are read once and kept until the table's
 * generation moves.  Finds the first class in order of look-up. */
struct kernel_hit {
	bool table;         /* the table is there */
	bool found;         /* a set holds the address */
	char set[16];       /* "allow4.3" */
	char class_name[8]; /* "allow" */
};

bool kernel_find(struct kernel *kernel, const char *table,
		 const struct addr *addr, struct kernel_hit *hit,
		 struct error *err);

/* kernel_read_class - read a class's live sets back whole. */
bool kernel_read_class(struct kernel *kernel, const char *table,
		       const char *class_name, struct iset *out,
		       struct error *err);

/* kernel_counters - the named counters of the table: those of the plan, and where
 * it has a queue "queue.asked", "judged." with an action's name for what the
 * listener answered, and "queue.passed" for who was asked about and came back
 * without an answer: nobody listened, the queue was full, or the listener left it
 * to the address.  The rest was dropped by the listener, or for its absence where
 * the queue fails closed. */
struct kernel_counter {
	char name[RULE_COUNTER_MAX];
	uint64_t packets, bytes;
};

bool kernel_counters(struct kernel *kernel, const char *table,
		     struct kernel_counter *out, size_t room, size_t *count,
		     struct error *err);

/* kernel_monitor - who else writes to our table.
 *
 * Open it, add its descriptor to the event loop, and read when that is readable.
 * What it tells is a reason to look, no finding: kernel_apply() finds out what is
 * missing, and sends nothing where nothing is, so an alarm too many costs a look.
 * Commits over `kernel` are not told.  Those of geoblock-sync are, by that name. */
struct kernel_monitor;

#define KERNEL_WHAT_MAX 64
#define KERNEL_BY_MAX   17

struct kernel_change {
	bool changed; /* somebody else's commit touched the table */
	bool gone;    /* so that it is not there */
	bool lost; /* the kernel could not tell all: whatever may have happened */
	/* of the first such commit, or of the one that deleted the table */
	char what[KERNEL_WHAT_MAX]; /* "deleted chain prerouting" */
	char by[KERNEL_BY_MAX]; /* the process's name, as the kernel has it; any
	                         * program may call itself so.  Printable; "": not
	                         * known */
	uint32_t pid;           /* in the initial pid namespace; 0: not known */
};

/* kernel_monitor_open - of a table, which need not be there.  On error *monitor is
 * NULL.  kernel_monitor_fd - the descriptor; it stays the monitor's. */
bool kernel_monitor_open(struct kernel_monitor **monitor,
			 const struct kernel *kernel, const char *table,
			 struct error *err);
void kernel_monitor_close(struct kernel_monitor *monitor); /* NULL is allowed */
int kernel_monitor_fd(const struct kernel_monitor *monitor);

/* kernel_monitor_read - what was told since the last read.  Never waits, and reads
 * a bounded number of messages: where more are there, the descriptor stays
 * readable.  False only where the socket is broken: open a new one. */
bool kernel_monitor_read(struct kernel_monitor *monitor,
			 struct kernel_change *change, struct error *err);

#endif
