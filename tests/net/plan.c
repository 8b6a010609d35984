// SPDX-License-Identifier: GPL-2.0-or-later
/* plan: the kernel side alone, from a plan written down by a test.
 *
 *   plan apply FILE     make the table enforce it: "N batches, rules changed|kept, queue WORD"
 *   plan dry-run FILE   say what would be done
 *   plan watch FILE     apply, then a line for each change that others make;
 *                       "apply" on standard input applies anew, its end ends it
 *   plan heal FILE      the same, and apply after each change
 *
 * A line of FILE:
 *
 *   table NAME | ports N… | mark MASK | audit | nflog GROUP
 *   queue FIRST LAST [fanout] [closed]
 *   class NAME ACTION COUNTER [syn] RANGE…       a range as range_parse() has it
 *   rest ACTION COUNTER [syn]
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <geoblock/kernel.h>

static struct kernel_plan plan = { .table = "geoblock", .mark = 0x700 };
static struct iset sets[KERNEL_CLASSES_MAX];
static const char *path;
static unsigned line_number;

static _Noreturn void die(const char *text)
{
	fprintf(stderr, "plan: %s:%u: %s\n", path, line_number, text);
	exit(2);
}

static char *word(void)
{
	char *w = strtok(NULL, " \t\n");

	if (!w)
		die("a word is missing");
	return w;
}

static unsigned number(const char *text)
{
	return (unsigned)strtoul(text, NULL, 0);
}

static void copy(char *out, size_t room, const char *text)
{
	if (strlen(text) >= room)
		die("a name is too long");
	memcpy(out, text, strlen(text) + 1);
}

static void read_ports(void)
{
	char *w;

	while ((w = strtok(NULL, " \t\n")) != NULL) {
		if (plan.port_count == POLICY_PORTS_MAX)
			die("too many ports");
		plan.ports[plan.port_count++] = (uint16_t)number(w);
	}
}

static void read_queue(void)
{
	char *w;

	plan.queue.enabled = true;
	plan.queue.first = (uint16_t)number(word());
	plan.queue.last = (uint16_t)number(word());
	while ((w = strtok(NULL, " \t\n")) != NULL) {
		if (strcmp(w, "fanout") == 0)
			plan.queue.fanout = true;
		else if (strcmp(w, "closed") == 0)
			plan.queue.fail_closed = true;
		else
			die(w);
	}
}

static void read_class(void)
{
	struct kernel_class *class = &plan.classes[plan.class_count];
	struct iset *set = &sets[plan.class_count++];
	struct error err = { 0 };
	struct range range;
	char *w;

	if (plan.class_count > KERNEL_CLASSES_MAX)
		die("too many classes");
	copy(class->name, sizeof(class->name), word());
	if (!action_parse(word(), &class->action))
		die("no such action");
	copy(class->counter, sizeof(class->counter), word());
	while ((w = strtok(NULL, " \t\n")) != NULL) {
		if (strcmp(w, "syn") == 0)
			class->needs_syn = true;
		else if (!range_parse(w, strlen(w), &range, &err) ||
			 !iset_add(set, &range, &err))
			die(err.text);
	}
	if (!iset_normalise(set, &err))
		die(err.text);
	class->ranges = set;
}

static void read_rest(void)
{
	char *w;

	if (!action_parse(word(), &plan.rest_action))
		die("no such action");
	copy(plan.rest_counter, sizeof(plan.rest_counter), word());
	w = strtok(NULL, " \t\n");
	plan.rest_needs_syn = w && strcmp(w, "syn") == 0;
}

static void read_line(const char *key)
{
	if (strcmp(key, "table") == 0)
		plan.table = strdup(word());
	else if (strcmp(key, "ports") == 0)
		read_ports();
	else if (strcmp(key, "mark") == 0)
		plan.mark = number(word());
	else if (strcmp(key, "audit") == 0)
		plan.audit = true;
	else if (strcmp(key, "nflog") == 0)
		plan.nflog_group = (uint16_t)number(word());
	else if (strcmp(key, "queue") == 0)
		read_queue();
	else if (strcmp(key, "class") == 0)
		read_class();
	else if (strcmp(key, "rest") == 0)
		read_rest();
	else
		die(key);
}

static void read_plan(void)
{
	FILE *f = fopen(path, "re");
	char *line = NULL, *key;
	size_t room = 0;

	if (!f)
		die(strerror(errno));
	while (getline(&line, &room, f) >= 0) {
		line_number++;
		key = strtok(line, " \t\n");
		if (key && key[0] != '#')
			read_line(key);
	}
	free(line);
	fclose(f);
}

static bool apply(struct kernel *kernel, bool dry_run)
{
	static const char *const words[] = { "none", "native", "target" };
	static struct kernel_report report;
	struct error err = { 0 };

	if (!kernel_apply(kernel, &plan, NULL, dry_run, &report, &err)) {
		fprintf(stderr, "plan: %s\n", err.text);
		return false;
	}
	printf("%zu batches, rules %s, queue %s\n", report.batches,
	       report.rules_changed ? "changed" : "kept", words[report.queue]);
	fflush(stdout);
	return true;
}

static bool tell(struct kernel *kernel, struct kernel_monitor *monitor,
		 bool heal)
{
	struct kernel_change change;
	struct error err = { 0 };

	if (!kernel_monitor_read(monitor, &change, &err)) {
		fprintf(stderr, "plan: %s\n", err.text);
		return false;
	}
	if (!change.changed && !change.lost)
		return true;
	printf("%s%s%s%s by %s %u\n", change.gone ? "gone: " : "",
	       change.lost ? "lost: " : "", change.what,
	       change.changed ? "" : "?", change.by, change.pid);
	fflush(stdout);
	return !heal || apply(kernel, false);
}

/* "apply"; "look": everything that happened until now has been told. */
static bool obey(struct kernel *kernel, struct kernel_monitor *monitor,
		 const char *line, bool heal)
{
	if (strncmp(line, "look", 4) != 0)
		return apply(kernel, false);
	if (!tell(kernel, monitor, heal))
		return false;
	puts("looked");
	fflush(stdout);
	return true;
}

static int watch(struct kernel *kernel, bool heal)
{
	struct kernel_monitor *monitor;
	struct error err = { 0 };
	struct pollfd fds[] = { { .fd = -1, .events = POLLIN },
				{ .fd = STDIN_FILENO,
				  .events = POLLIN | POLLHUP } };
	char line[64];

	if (!kernel_monitor_open(&monitor, kernel, plan.table, &err)) {
		fprintf(stderr, "plan: %s\n", err.text);
		return 3;
	}
	fds[0].fd = kernel_monitor_fd(monitor);
	if (!apply(kernel, false))
		return 3;
	while (poll(fds, 2, -1) > 0) {
		if (fds[0].revents && !tell(kernel, monitor, heal))
			return 3;
		if (fds[1].revents) {
			if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
				break;
			if (!obey(kernel, monitor, line, heal))
				return 3;
		}
	}
	kernel_monitor_close(monitor);
	return 0;
}

int main(int argc, char **argv)
{
	struct kernel *kernel = NULL;
	struct error err = { 0 };
	int status;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc != 3) {
		fputs("usage: plan apply|dry-run|watch|heal FILE\n", stderr);
		return 2;
	}
	path = argv[2];
	read_plan();
	if (!kernel_open(&kernel, &err)) {
		fprintf(stderr, "plan: %s\n", err.text);
		return 3;
	}
	if (strcmp(argv[1], "apply") == 0)
		status = apply(kernel, false) ? 0 : 3;
	else if (strcmp(argv[1], "dry-run") == 0)
		status = apply(kernel, true) ? 0 : 3;
	else
		status = watch(kernel, strcmp(argv[1], "heal") == 0);
	kernel_close(kernel);
	for (size_t i = 0; i < plan.class_count; i++)
		iset_clear(&sets[i]);
	return status;
}
