/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_NET_PLAN_H
#define TESTS_NET_PLAN_H

/* A kernel plan as a test writes it down, a line each of:
 *
 *   table NAME | ports N… | mark MASK | audit | nflog GROUP
 *   queue FIRST LAST [fanout] [closed]
 *   class NAME ACTION COUNTER [syn] RANGE…       a range as range_parse() has it
 *   rest ACTION COUNTER [syn]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <geoblock/kernel.h>

struct plan_file {
	const char *path;
	unsigned line;
	struct kernel_plan *plan;
	struct iset *sets; /* one for each class */
};

static struct plan_file plan_file;

static _Noreturn void plan_wrong(const char *text)
{
	fprintf(stderr, "apply: %s:%u: %s\n", plan_file.path, plan_file.line,
		text);
	exit(2);
}

static char *plan_word(void)
{
	char *w = strtok(NULL, " \t\n");

	if (!w)
		plan_wrong("a word is missing");
	return w;
}

static unsigned plan_number(const char *text)
{
	return (unsigned)strtoul(text, NULL, 0);
}

static void plan_copy(char *out, size_t room, const char *text)
{
	if (strlen(text) >= room)
		plan_wrong("a name is too long");
	memcpy(out, text, strlen(text) + 1);
}

static void plan_ports(void)
{
	char *w;

	while ((w = strtok(NULL, " \t\n")) != NULL) {
		if (plan_file.plan->port_count == POLICY_PORTS_MAX)
			plan_wrong("too many ports");
		plan_file.plan->ports[plan_file.plan->port_count++] =
			(uint16_t)plan_number(w);
	}
}

static void plan_queue(void)
{
	char *w;

	plan_file.plan->queue.enabled = true;
	plan_file.plan->queue.first = (uint16_t)plan_number(plan_word());
	plan_file.plan->queue.last = (uint16_t)plan_number(plan_word());
	while ((w = strtok(NULL, " \t\n")) != NULL) {
		if (strcmp(w, "fanout") == 0)
			plan_file.plan->queue.fanout = true;
		else if (strcmp(w, "closed") == 0)
			plan_file.plan->queue.fail_closed = true;
		else
			plan_wrong(w);
	}
}

static void plan_class(void)
{
	struct kernel_class *class =
		&plan_file.plan->classes[plan_file.plan->class_count];
	struct iset *set = &plan_file.sets[plan_file.plan->class_count++];
	struct error err = { 0 };
	struct range range;
	char *w;

	if (plan_file.plan->class_count > KERNEL_CLASSES_MAX)
		plan_wrong("too many classes");
	plan_copy(class->name, sizeof(class->name), plan_word());
	if (!action_parse(plan_word(), &class->action))
		plan_wrong("no such action");
	plan_copy(class->counter, sizeof(class->counter), plan_word());
	while ((w = strtok(NULL, " \t\n")) != NULL) {
		if (strcmp(w, "syn") == 0)
			class->needs_syn = true;
		else if (!range_parse(w, strlen(w), &range, &err) ||
			 !iset_add(set, &range, &err))
			plan_wrong(err.text);
	}
	if (!iset_normalise(set, &err))
		plan_wrong(err.text);
	class->ranges = set;
}

static void plan_rest(void)
{
	char *w;

	if (!action_parse(plan_word(), &plan_file.plan->rest_action))
		plan_wrong("no such action");
	plan_copy(plan_file.plan->rest_counter,
		  sizeof(plan_file.plan->rest_counter), plan_word());
	w = strtok(NULL, " \t\n");
	plan_file.plan->rest_needs_syn = w && strcmp(w, "syn") == 0;
}

static void plan_take_line(const char *key)
{
	if (strcmp(key, "table") == 0)
		plan_file.plan->table = strdup(plan_word());
	else if (strcmp(key, "ports") == 0)
		plan_ports();
	else if (strcmp(key, "mark") == 0)
		plan_file.plan->mark = plan_number(plan_word());
	else if (strcmp(key, "audit") == 0)
		plan_file.plan->audit = true;
	else if (strcmp(key, "nflog") == 0)
		plan_file.plan->nflog_group =
			(uint16_t)plan_number(plan_word());
	else if (strcmp(key, "queue") == 0)
		plan_queue();
	else if (strcmp(key, "class") == 0)
		plan_class();
	else if (strcmp(key, "rest") == 0)
		plan_rest();
	else
		plan_wrong(key);
}

static inline void plan_read(const char *path, struct kernel_plan *plan,
			     struct iset *sets)
{
	FILE *f = fopen(path, "re");
	char *line = NULL, *key;
	size_t room = 0;

	plan_file =
		(struct plan_file){ .path = path, .plan = plan, .sets = sets };
	*plan = (struct kernel_plan){ .table = "geoblock", .mark = 0x700 };
	if (!f)
		plan_wrong(strerror(errno));
	while (getline(&line, &room, f) >= 0) {
		plan_file.line++;
		key = strtok(line, " \t\n");
		if (key && key[0] != '#')
			plan_take_line(key);
	}
	free(line);
	fclose(f);
}

#endif
