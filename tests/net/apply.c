// SPDX-License-Identifier: GPL-2.0-or-later
/* apply: the kernel side by hand, for the tests and the benchmark.
 *
 *   apply run OPTIONS             kernel_apply(), the report as JSON
 *   apply swap N OPTIONS          N of them, --class and --other in turn, each
 *                                 told of the one before
 *   apply single OPTIONS          the wrong way: all in one transaction
 *   apply remove [--table T]
 *   apply find [--table T]        addresses on standard input, "1 SET" or "0"
 *   apply check [--table T] FILE [N]  the same for the edges of the ranges in FILE
 *                                 and N more addresses, compared with FILE
 *   apply read [--table T] CLASS  ranges, one a line
 *   apply watch OPTIONS           run, then a line for each change that others make;
 *                                 standard input: "apply" applies anew, "look" is
 *                                 answered when all until then is told, its end ends it
 *   apply heal OPTIONS            the same, and apply after each change
 *
 *   --class NAME:ACTION:FILE      in order of look-up; FILE has ranges, a line
 *                                 each; the counter is called like the class
 *   --other NAME:ACTION:FILE      the same for every second of `swap`
 *   --before NAME:ACTION:FILE     what the class held before
 *   --plan FILE                   all of it, as plan.h has it
 *   --text                        the report as "N batches, rules kept, queue native"
 *   --rest ACTION                 of all other addresses; counter "rest"
 *   --ports 25,587  --table T  --mark 0xff  --audit  --dry-run
 *   --repeat N                    as many times, in one process
 *   --send-max N                  as if the send buffer were no larger
 *   --die-at N                    killed in front of the N-th message it sends
 *   --die-after USEC              killed so long after it began
 *   --at N --do COMMAND           a shell command in front of the N-th message
 *
 * Exit status 3, and a message, where the library gives an error. */
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/netfilter/nf_tables.h>

#include <geoblock/kernel.h>

#include "nft/kernel.h"
#include "nft/nft_rules.h"
#include "nft/nft_set.h"
#include "nft/nft_stage.h"
#include "tests/net/plan.h"

static struct kernel_plan plan, other, before;
static struct iset sets[3 * KERNEL_CLASSES_MAX];
static size_t set_count;
static bool dry_run, as_text;
static unsigned repeat = 1;
static size_t send_max; /* 0: what the socket takes */

static unsigned die_at, do_at, sends;
static const char *do_what = "true";
static long die_after; /* microseconds */

/* libmnl's sends come through here. */
// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name)
ssize_t sendto(int fd, const void *data, size_t len, int flags,
	       const struct sockaddr *to, socklen_t to_len)
{
	if (++sends == die_at)
		raise(SIGKILL);
	if (sends == do_at && system(do_what) != 0)
		fprintf(stderr, "apply: %s: failed\n", do_what);
	return syscall(SYS_sendto, fd, data, len, flags, to, to_len);
}

static void arm(void)
{
	struct sigevent kill = { .sigev_notify = SIGEV_SIGNAL,
				 .sigev_signo = SIGKILL };
	struct itimerspec when = { .it_value = { die_after / 1000000,
						 die_after % 1000000 * 1000 } };
	timer_t timer;

	sends = 0;
	if (die_after != 0 &&
	    (timer_create(CLOCK_MONOTONIC, &kill, &timer) != 0 ||
	     timer_settime(timer, 0, &when, NULL) != 0))
		perror("apply: timer");
}

static _Noreturn void die(const struct error *err)
{
	fprintf(stderr, "apply: %s\n", err->text);
	exit(3);
}

static _Noreturn void usage(void)
{
	fputs("usage: apply run|swap N|single|remove|find|check FILE|read "
	      "CLASS|watch|heal OPTIONS\n",
	      stderr);
	exit(2);
}

static void read_ranges(const char *path, struct iset *out)
{
	struct error err = { 0 };
	char line[256];
	FILE *f = fopen(path, "re");

	if (!f) {
		perror(path);
		exit(3);
	}
	while (fgets(line, sizeof(line), f)) {
		size_t len = strcspn(line, "\n");
		struct range r;

		if (len != 0 && (!range_parse(line, len, &r, &err) ||
				 !iset_add(out, &r, &err)))
			die(&err);
	}
	fclose(f);
	if (!iset_normalise(out, &err))
		die(&err);
}

static void add_class(struct kernel_plan *to, char *text)
{
	struct kernel_class *class = &to->classes[to->class_count++];
	char *action = strchr(text, ':');
	char *path = action ? strchr(action + 1, ':') : NULL;

	if (!path)
		usage();
	*action++ = *path++ = '\0';
	if (!action_parse(action, &class->action))
		usage();
	snprintf(class->name, sizeof(class->name), "%s", text);
	snprintf(class->counter, sizeof(class->counter), "%s", text);
	read_ranges(path, &sets[set_count]);
	class->ranges = &sets[set_count++];
}

static void set_ports(char *text)
{
	plan.port_count = 0;
	for (char *p = strtok(text, ","); p; p = strtok(NULL, ","))
		if (plan.port_count < POLICY_PORTS_MAX)
			plan.ports[plan.port_count++] = (uint16_t)atoi(p);
}

static void options(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "class", 1, NULL, 'c' },     { "other", 1, NULL, 'o' },
		{ "before", 1, NULL, 'b' },    { "rest", 1, NULL, 'r' },
		{ "ports", 1, NULL, 'p' },     { "table", 1, NULL, 't' },
		{ "send-max", 1, NULL, 's' },  { "die-at", 1, NULL, 'x' },
		{ "die-after", 1, NULL, 'y' }, { "at", 1, NULL, 'A' },
		{ "do", 1, NULL, 'D' },        { "mark", 1, NULL, 'm' },
		{ "audit", 0, NULL, 'a' },     { "dry-run", 0, NULL, 'd' },
		{ "repeat", 1, NULL, 'n' },    { "plan", 1, NULL, 'P' },
		{ "text", 0, NULL, 'T' },      { NULL, 0, NULL, 0 },
	};
	int got;

	while ((got = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (got) {
		case 'c':
			add_class(&plan, optarg);
			break;
		case 'o':
			add_class(&other, optarg);
			break;
		case 'b':
			add_class(&before, optarg);
			break;
		case 'r':
			if (!action_parse(optarg, &plan.rest_action))
				usage();
			break;
		case 'p':
			set_ports(optarg);
			break;
		case 't':
			plan.table = optarg;
			break;
		case 'm':
			plan.mark = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 'a':
			plan.audit = true;
			break;
		case 'd':
			dry_run = true;
			break;
		case 'A':
			do_at = (unsigned)atoi(optarg);
			break;
		case 'D':
			do_what = optarg;
			break;
		case 'x':
			die_at = (unsigned)atoi(optarg);
			break;
		case 'y':
			die_after = atol(optarg);
			break;
		case 's':
			send_max = (size_t)atol(optarg);
			break;
		case 'n':
			repeat = (unsigned)atoi(optarg);
			break;
		case 'P':
			plan_read(optarg, &plan, sets);
			set_count = plan.class_count;
			break;
		case 'T':
			as_text = true;
			break;
		default:
			usage();
		}
	}
}

/* `other` and `before` differ from `plan` in their classes only. */
static void complete(struct kernel_plan *p)
{
	struct kernel_plan classes = *p;

	*p = plan;
	memcpy(p->classes, classes.classes, sizeof(p->classes));
	p->class_count = classes.class_count;
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double cpu_before;

static void print_report(const struct kernel_report *report, double ms)
{
	static const char *const how[] = { "kept", "staged", "changed" };
	static const char *const queues[] = { "none", "native", "target" };
	struct rusage usage_now;

	if (as_text) {
		printf("%zu batches, rules %s, queue %s\n", report->batches,
		       report->rules_changed ? "changed" : "kept",
		       queues[report->queue]);
		fflush(stdout);
		return;
	}
	getrusage(RUSAGE_SELF, &usage_now);
	printf("{\"ms\": %.3f, \"cpu_ms\": %.3f, \"rss_kb\": %ld, \"sends\": "
	       "%u, "
	       "\"batches\": %zu, \"bytes\": %zu, \"rules_changed\": %s, "
	       "\"trusted\": %s, "
	       "\"sets\": [",
	       ms, cpu_ms() - cpu_before, usage_now.ru_maxrss, sends,
	       report->batches, report->bytes,
	       report->rules_changed ? "true" : "false",
	       report->trusted ? "true" : "false");
	for (size_t i = 0; i < report->set_count; i++)
		printf("%s{\"name\": \"%s\", \"ranges\": %zu, "
		       "\"added\": %zu, \"removed\": %zu, \"how\": \"%s\"}",
		       i ? ", " : "", report->sets[i].name,
		       report->sets[i].ranges, report->sets[i].added,
		       report->sets[i].removed, how[report->sets[i].how]);
	puts("]}");
	fflush(stdout);
}

static void run_once(struct kernel *kernel, const struct kernel_plan *p,
		     const struct kernel_plan *was)
{
	struct kernel_report report;
	struct error err = { 0 };
	double start = now_ms();

	cpu_before = cpu_ms();
	arm();
	if (!kernel_apply(kernel, p, was->class_count ? was : NULL, dry_run,
			  &report, &err))
		die(&err);
	print_report(&report, now_ms() - start);
}

/* ---- other programs' hands ------------------------------------------------------ */

static void tell(struct kernel *kernel, struct kernel_monitor *monitor,
		 bool heal)
{
	struct kernel_change change;
	struct error err = { 0 };

	if (!kernel_monitor_read(monitor, &change, &err))
		die(&err);
	if (!change.changed && !change.lost)
		return;
	printf("%s%s%s%s by %s %u\n", change.gone ? "gone: " : "",
	       change.lost ? "lost: " : "", change.what,
	       change.changed ? "" : "?", change.by, change.pid);
	fflush(stdout);
	if (heal)
		run_once(kernel, &plan, &before);
}

/* A line for each change; on standard input "apply" applies anew, "look" is answered
 * once all that happened until then has been told, its end ends it. */
static void watch(struct kernel *kernel, bool heal)
{
	struct kernel_monitor *monitor;
	struct error err = { 0 };
	struct pollfd fds[] = { { .fd = -1, .events = POLLIN },
				{ .fd = STDIN_FILENO,
				  .events = POLLIN | POLLHUP } };
	char line[64];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!kernel_monitor_open(&monitor, kernel, plan.table, &err))
		die(&err);
	fds[0].fd = kernel_monitor_fd(monitor);
	run_once(kernel, &plan, &before);
	while (poll(fds, 2, -1) > 0) {
		if (fds[0].revents)
			tell(kernel, monitor, heal);
		if (!fds[1].revents)
			continue;
		if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
			break;
		if (strncmp(line, "look", 4) != 0) {
			run_once(kernel, &plan, &before);
			continue;
		}
		tell(kernel, monitor, heal);
		puts("looked");
		fflush(stdout);
	}
	kernel_monitor_close(monitor);
}

/* ---- the wrong way ------------------------------------------------------------- */

/* New sets, their elements and the rules that use them in one transaction: what
 * test_hitless has to be able to see.  Wants CAP_NET_ADMIN in the first user
 * namespace. */
static void single(void)
{
	static struct nft_use uses[2 * KERNEL_CLASSES_MAX];
	static char names[2 * KERNEL_CLASSES_MAX][NFT_NAME_MAX];
	size_t room = 32 << 20, count = 0;
	struct nft_rules rules = { 0 };
	struct error err = { 0 };
	struct nft_sock sock;
	struct nft_txn txn;
	static unsigned number = 100000;
	int size = (int)room;
	char *buf = malloc(room);

	if (!buf || !nft_sock_open(&sock, &err))
		die(&err);
	mnl_socket_setsockopt(sock.nl, 0, &size, 0);
	if (setsockopt(mnl_socket_get_fd(sock.nl), SOL_SOCKET, SO_SNDBUFFORCE,
		       &size, sizeof(size)) != 0)
		perror("apply: SO_SNDBUFFORCE");
	number += (unsigned)(now_ms() * 10) % 400000;
	nft_txn_begin(&txn, &sock, buf, room, 0);
	for (size_t i = 0; i < 2 * plan.class_count; i++) {
		const struct kernel_class *class = &plan.classes[i / 2];
		int family = i % 2 ? 6 : 4;
		struct nft_span span = nft_span_of(class->ranges, family);
		size_t at = 0;

		if (span.count == 0)
			continue;
		snprintf(names[count], NFT_NAME_MAX, "%s%d.%u", class->name,
			 family, number);
		nft_set_create(&txn, plan.table, names[count], family, "all");
		while (at < span.count)
			at = nft_set_put(&txn, NFT_MSG_NEWSETELEM, plan.table,
					 names[count], &span, at);
		uses[count] = (struct nft_use){ class, family, names[count],
						NULL, "all" };
		count++;
	}
	if (!nft_rules_build(&rules, &plan, uses, count, KERNEL_QUEUE_NONE, 0,
			     &err))
		die(&err);
	for (size_t i = 0; i < rules.chain_count; i++) {
		struct nlmsghdr *nlh =
			nft_txn_message(&txn, NFT_MSG_DELRULE, 0);

		mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, plan.table);
		mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, rules.chains[i].name);
	}
	nft_rules_put(&rules, &txn);
	if (!nft_txn_commit(&txn, &err))
		die(&err);
	nft_rules_clear(&rules);
	nft_sock_close(&sock);
	free(buf);
}

/* ---- questions ----------------------------------------------------------------- */

static void find(struct kernel *kernel)
{
	struct error err = { 0 };
	struct kernel_hit hit;
	struct addr addr;
	char line[128];

	while (fgets(line, sizeof(line), stdin)) {
		if (!addr_parse(line, strcspn(line, "\n"), &addr, &err) ||
		    !kernel_find(kernel, plan.table, &addr, &hit, &err))
			die(&err);
		if (hit.found)
			printf("1 %s %s\n", hit.set, hit.class_name);
		else
			puts(hit.table ? "0" : "-");
	}
}

static uint64_t next_random(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static size_t wrong, asked;

static void check_one(struct kernel *kernel, const struct iset *set, int family,
		      addr6_t value)
{
	struct addr addr = { family, value };
	struct error err = { 0 };
	struct kernel_hit hit;
	char text[ADDR_TEXT_MAX];

	if (!kernel_find(kernel, plan.table, &addr, &hit, &err))
		die(&err);
	asked++;
	if (hit.found == iset_has(set, &addr))
		return;
	if (wrong++ < 5)
		printf("wrong: %s is %sin the kernel\n",
		       addr_format(&addr, text), hit.found ? "" : "not ");
}

/* Every edge of 2,000 ranges, inside and outside, and so many addresses. */
static void check_family(struct kernel *kernel, const struct iset *set,
			 int family, unsigned count)
{
	struct nft_span span = nft_span_of(set, family);
	addr6_t max = family == 4 ? ADDR4_MAX : ADDR6_MAX;
	size_t step = span.count / 2000 + 1;

	check_one(kernel, set, family, 0);
	check_one(kernel, set, family, max);
	for (size_t i = 0; i < span.count; i += step) {
		struct range6 r = nft_span_at(&span, i);

		check_one(kernel, set, family, r.first);
		check_one(kernel, set, family, r.last);
		check_one(kernel, set, family,
			  r.first + (r.last - r.first) / 2);
		if (r.first != 0)
			check_one(kernel, set, family, r.first - 1);
		if (r.last != max)
			check_one(kernel, set, family, r.last + 1);
	}
	for (unsigned i = 0; i < count; i++) {
		addr6_t value = ADDR6(next_random(), next_random());

		/* half of them where the ranges are */
		if (i % 2 && span.count != 0)
			value = nft_span_at(&span, next_random() % span.count)
					.last +
				next_random() % 512 - 256;
		check_one(kernel, set, family, value & max);
	}
}

static void check(struct kernel *kernel, const char *path, unsigned count)
{
	struct iset set = { 0 };
	double start;

	read_ranges(path, &set);
	start = now_ms();
	check_family(kernel, &set, 4, count);
	check_family(kernel, &set, 6, count);
	printf("asked %zu wrong %zu us-each %.2f\n", asked, wrong,
	       (now_ms() - start) * 1e3 / (double)asked);
	iset_clear(&set);
}

static void print_class(struct kernel *kernel, const char *class_name)
{
	struct iset set = { 0 };
	struct error err = { 0 };
	char text[RANGE_TEXT_MAX];

	if (!kernel_read_class(kernel, plan.table, class_name, &set, &err))
		die(&err);
	for (int family = 4; family <= 6; family += 2) {
		struct nft_span span = nft_span_of(&set, family);

		for (size_t i = 0; i < span.count; i++) {
			struct range6 r = nft_span_at(&span, i);
			struct range range = { family, r.first, r.last };

			puts(range_format(&range, text));
		}
	}
	iset_clear(&set);
}

int main(int argc, char **argv)
{
	struct kernel *kernel;
	struct error err = { 0 };

	plan = (struct kernel_plan){ .table = "geoblock",
				     .ports = { 25 },
				     .port_count = 1,
				     .mark = 0xff,
				     .rest_counter = "rest",
				     .rest_action = ACTION_DROP };
	options(argc, argv);
	argv += optind;
	argc -= optind;
	if (argc < 1)
		usage();
	complete(&other);
	complete(&before);
	if (!kernel_open(&kernel, &err))
		die(&err);
	if (send_max != 0 && send_max < kernel->sock.send_max)
		kernel->sock.send_max = send_max;
	if (strcmp(argv[0], "run") == 0) {
		for (unsigned i = 0; i < repeat; i++)
			run_once(kernel, &plan, &before);
	} else if (strcmp(argv[0], "swap") == 0 && argc > 1) {
		for (int i = 0; i < atoi(argv[1]); i++)
			run_once(kernel, i % 2 ? &other : &plan,
				 i % 2 ? &plan : &other);
	} else if (strcmp(argv[0], "single") == 0) {
		for (unsigned i = 0; i < repeat; i++)
			single();
	} else if (strcmp(argv[0], "remove") == 0) {
		if (!kernel_remove(kernel, plan.table, &err))
			die(&err);
	} else if (strcmp(argv[0], "find") == 0) {
		find(kernel);
	} else if (strcmp(argv[0], "check") == 0 && argc > 1) {
		check(kernel, argv[1],
		      argc > 2 ? (unsigned)atoi(argv[2]) : 20000);
	} else if (strcmp(argv[0], "read") == 0 && argc > 1) {
		print_class(kernel, argv[1]);
	} else if (strcmp(argv[0], "watch") == 0 ||
		   strcmp(argv[0], "heal") == 0) {
		watch(kernel, argv[0][0] == 'h');
	} else {
		usage();
	}
	kernel_close(kernel);
	for (size_t i = 0; i < set_count; i++)
		iset_clear(&sets[i]);
	return wrong != 0;
}
