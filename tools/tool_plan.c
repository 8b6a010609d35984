// SPDX-License-Identifier: GPL-2.0-or-later
/* From configuration and image to what the kernel is to enforce: exempt and
 * deny as they were written, then one class of addresses for each verdict that
 * the country alone decides (policy_split).  Classes never overlap, so their
 * order among themselves does not matter. */
#include "tools/tool.h"

#include <stdlib.h>
#include <string.h>

static struct kernel_class *add_class(struct kernel_plan *plan,
				      const struct policy *policy,
				      const char *name, int rule,
				      enum action action,
				      const struct iset *ranges)
{
	struct kernel_class *class = &plan->classes[plan->class_count++];

	snprintf(class->name, sizeof(class->name), "%s", name);
	rule_counter(policy, rule, class->counter);
	class->action = action;
	class->ranges = ranges;
	return class;
}

static bool is_empty(const struct iset *set)
{
	return set->v4.count == 0 && set->v6.count == 0;
}

/* Names of a plan's classes.  The first that accepts is the allow-list; the
 * others are named after their rule.  A rule's second to fourth class (see
 * policy_split) gets a letter: "allowb", "rule7c". */
struct naming {
	int allow;     /* rule of the allow-list, RULE_NONE before it is met */
	int rule;      /* of the class named last */
	unsigned part; /* its number among those of that rule */
};

#define RULE_NONE (-100)

static void next_name(struct naming *naming, const struct verdict *verdict,
		      char *name, size_t size)
{
	static const char *const letters[] = { "", "b", "c", "d" };
	const char *letter;

	if (verdict->rule != naming->rule)
		naming->part = 0;
	naming->rule = verdict->rule;
	letter = letters[naming->part++ & 3];
	if (verdict->action == ACTION_ACCEPT && naming->allow == RULE_NONE)
		naming->allow = verdict->rule;
	if (verdict->rule == naming->allow)
		snprintf(name, size, "allow%s", letter);
	else if (verdict->rule == RULE_DEFAULT)
		snprintf(name, size, *letter ? "deflt%s" : "default%s", letter);
	else
		snprintf(name, size, "rule%u%s",
			 (unsigned)verdict->rule % 100 + 1, letter);
}

/* May a SYN of these countries come to the mail server?  Where its looks decide,
 * one of a chosen country may. */
static bool lets_through(const struct policy *policy,
			 const struct policy_class *part)
{
	country_t cc = COUNTRY_NONE;

	if (part->verdict.action != ACTION_DROP &&
	    part->verdict.action != ACTION_RESET)
		return true;
	while (part->needs_syn &&
	       (cc = country_set_next(&part->countries, cc)) != COUNTRY_NONE)
		if (country_set_has(&policy->allowed, cc))
			return true;
	return false;
}

/* One class of the split. */
static bool add_split(struct tool_plan *out, const struct policy *policy,
		      const struct policy_class *part,
		      const struct image *image, struct naming *naming,
		      struct error *err)
{
	struct iset *ranges = &out->owned[out->owned_count];
	char name[sizeof(out->plan.classes[0].name)];
	struct kernel_class *class;

	if (!image_ranges(image, &part->countries, ranges, err))
		return false;
	if (is_empty(ranges))
		return true;
	out->owned_count++;
	if (lets_through(policy, part))
		out->empty_allow = false;
	next_name(naming, &part->verdict, name, sizeof(name));
	class = add_class(&out->plan, policy, name, part->verdict.rule,
			  part->verdict.action, ranges);
	class->needs_syn = part->needs_syn;
	if (part->needs_syn)
		out->plan.queue.enabled = true;
	return true;
}

struct tool_plan *tool_plan_build(const struct conf *conf,
				  const struct image *image, struct error *err)
{
	struct tool_plan *out = calloc(1, sizeof(*out));
	struct policy_split *split = malloc(sizeof(*split));
	const struct policy *policy = &conf->policy;
	struct naming naming = { .allow = RULE_NONE, .rule = RULE_NONE };

	if (!out || !split) {
		error_set(err, ERROR_LIMIT, 0, "out of memory");
		goto fail;
	}
	out->plan.table = conf->table;
	memcpy(out->plan.ports, conf->ports, sizeof(out->plan.ports));
	out->plan.port_count = conf->port_count;
	out->plan.audit = policy->audit;
	out->plan.mark = conf->mark;
	out->plan.queue.first = conf->queue;
	out->plan.queue.last = (uint16_t)(conf->queue + conf->queue_count - 1);
	out->plan.queue.fanout = conf->queue_count > 1;
	out->plan.queue.fail_closed = conf->queue_fail_closed;
	out->plan.nflog_group = conf->nflog_group;
	if (!is_empty(&conf->exempt.set))
		add_class(&out->plan, policy, "exempt", RULE_EXEMPT,
			  ACTION_ACCEPT, &conf->exempt.set);
	if (!is_empty(&conf->deny.set))
		add_class(&out->plan, policy, "deny", RULE_DENY,
			  policy->deny_action, &conf->deny.set);
	policy_split(policy, split);
	out->empty_allow = split->rest.action != ACTION_ACCEPT;
	for (size_t i = 0; i < split->class_count; i++)
		if (!add_split(out, policy, &split->classes[i], image, &naming,
			       err))
			goto fail;
	rule_counter(policy, split->rest.rule, out->plan.rest_counter);
	out->plan.rest_action = split->rest.action;
	out->plan.rest_needs_syn = split->rest_needs_syn;
	if (split->rest_needs_syn)
		out->plan.queue.enabled = true;
	free(split);
	return out;
fail:
	free(split);
	tool_plan_free(out);
	return NULL;
}

void tool_plan_free(struct tool_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < POLICY_CLASSES_MAX; i++)
		iset_clear(&plan->owned[i]);
	free(plan);
}
