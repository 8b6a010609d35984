// SPDX-License-Identifier: GPL-2.0-or-later
/* A plan as a file:
 *
 *	header   magic, version, size, CRC-32 of all that follows
 *	plan     everything of it that has no pointer
 *	classes  each: name, counter, action, counts, IPv4 ranges, IPv6 ranges
 *
 * in the byte order of the machine, which alone reads it again.  The file is root's;
 * it is checked all the same, as a disk may have been at it.
 *
 * A decision is a rename of the file: it succeeds for one of those who try. */
#include "tools/tool_confirm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "tools/tool.h"

#define MAGIC     "GEOBLKPL" /* 8 bytes, no NUL */
#define VERSION   1u
#define BYTES_MAX (512u << 20)

struct header {
	char magic[8];
	uint32_t version;
	uint32_t crc;
	uint64_t bytes; /* with the header */
};

struct fixed {
	uint64_t until;
	uint32_t table, classes;
	char name[16];
	uint16_t ports[POLICY_PORTS_MAX + 1];
	uint32_t port_count, audit, mark, rest_action, rest_needs_syn;
	uint32_t queue_enabled, queue_first, queue_last, fanout, fail_closed;
	uint32_t nflog_group;
	char rest_counter[RULE_COUNTER_MAX];
};

struct class
{
	char name[8];
	char counter[RULE_COUNTER_MAX];
	uint32_t action, needs_syn;
	uint64_t count4, count6;
};

/* ---- writing ---------------------------------------------------------------- */

struct buffer {
	uint8_t *data;
	size_t size;
};

static void append(struct buffer *b, const void *data, size_t size)
{
	if (size > 0)
		memcpy(b->data + b->size, data, size);
	b->size += size;
}

static size_t plan_bytes(const struct kernel_plan *plan)
{
	size_t bytes = sizeof(struct header) + sizeof(struct fixed);

	for (size_t i = 0; plan && i < plan->class_count; i++)
		bytes += sizeof(struct class) +
			 plan->classes[i].ranges->v4.count *
				 sizeof(struct range4) +
			 plan->classes[i].ranges->v6.count *
				 sizeof(struct range6);
	return bytes;
}

static void append_class(struct buffer *b, const struct kernel_class *class)
{
	const struct iset *set = class->ranges;
	struct class c = { .action = (uint32_t) class->action,
			   .needs_syn = class->needs_syn,
			   .count4 = set->v4.count,
			   .count6 = set->v6.count };

	memcpy(c.name, class->name, sizeof(c.name));
	memcpy(c.counter, class->counter, sizeof(c.counter));
	append(b, &c, sizeof(c));
	append(b, set->v4.r, set->v4.count * sizeof(*set->v4.r));
	append(b, set->v6.r, set->v6.count * sizeof(*set->v6.r));
}

static struct fixed fixed_of(const char *table, const struct kernel_plan *plan,
			     uint64_t until)
{
	struct fixed f = { .until = until, .table = plan != NULL };

	snprintf(f.name, sizeof(f.name), "%s", table);
	if (!plan)
		return f;
	f.classes = (uint32_t)plan->class_count;
	memcpy(f.ports, plan->ports, sizeof(plan->ports));
	f.port_count = (uint32_t)plan->port_count;
	f.audit = plan->audit;
	f.mark = plan->mark;
	f.rest_action = (uint32_t)plan->rest_action;
	f.rest_needs_syn = plan->rest_needs_syn;
	f.queue_enabled = plan->queue.enabled;
	f.queue_first = plan->queue.first;
	f.queue_last = plan->queue.last;
	f.fanout = plan->queue.fanout;
	f.fail_closed = plan->queue.fail_closed;
	f.nflog_group = plan->nflog_group;
	memcpy(f.rest_counter, plan->rest_counter, sizeof(f.rest_counter));
	return f;
}

static bool path_of(char *path, size_t size, const char *state_dir,
		    const char *name)
{
	return (size_t)snprintf(path, size, "%s/%s", state_dir, name) < size;
}

static bool is_there(const char *state_dir, const char *name,
		     const struct buffer *b)
{
	char path[4096];
	uint8_t *data;
	size_t size;
	bool same;

	if (!path_of(path, sizeof(path), state_dir, name))
		return false;
	data = tool_read(path, BYTES_MAX, &size, NULL);
	same = data && size == b->size && memcmp(data, b->data, size) == 0;
	free(data);
	return same;
}

bool tool_saved_write(const char *state_dir, const char *name,
		      const char *table, const struct kernel_plan *plan,
		      uint64_t until, struct error *err)
{
	struct fixed f = fixed_of(table, plan, until);
	struct header h = { .magic = MAGIC, .version = VERSION };
	struct buffer b = { .data = malloc(plan_bytes(plan)) };
	bool ok;

	if (!b.data)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	b.size = sizeof(h);
	append(&b, &f, sizeof(f));
	for (size_t i = 0; plan && i < plan->class_count; i++)
		append_class(&b, &plan->classes[i]);
	h.bytes = b.size;
	h.crc = (uint32_t)crc32_z(0, b.data + sizeof(h), b.size - sizeof(h));
	memcpy(b.data, &h, sizeof(h));
	ok = is_there(state_dir, name, &b);
	if (ok) /* where a run was killed that wrote it */
		tool_write_clear(state_dir, name);
	else
		ok = tool_write(state_dir, name, b.data, b.size, err);
	free(b.data);
	return ok;
}

/* ---- reading ------------------------------------------------------------------ */

struct cursor {
	const uint8_t *p;
	size_t left;
};

static bool take(struct cursor *c, void *to, size_t size)
{
	if (c->left < size)
		return false;
	if (size > 0)
		memcpy(to, c->p, size);
	c->p += size;
	c->left -= size;
	return true;
}

static bool take_ranges(struct cursor *c, const struct class *class,
			struct iset *out)
{
	struct range4 r4;
	struct range6 r6;

	if (class->count4 > c->left / sizeof(r4) ||
	    class->count6 > c->left / sizeof(r6))
		return false;
	for (uint64_t i = 0; i < class->count4; i++)
		if (!take(c, &r4, sizeof(r4)) || r4.first > r4.last ||
		    !iset_add4(out, r4.first, r4.last, NULL))
			return false;
	for (uint64_t i = 0; i < class->count6; i++)
		if (!take(c, &r6, sizeof(r6)) || r6.first > r6.last ||
		    !iset_add6(out, r6.first, r6.last, NULL))
			return false;
	return iset_normalise(out, NULL);
}

static bool is_text(const char *text, size_t size)
{
	return text[0] != '\0' && memchr(text, '\0', size);
}

static bool take_class(struct cursor *c, struct tool_saved *out)
{
	size_t at = out->plan.class_count;
	struct kernel_class *to = &out->plan.classes[at];
	struct class class;

	if (!take(c, &class, sizeof(class)) ||
	    !is_text(class.name, sizeof(class.name)) ||
	    !is_text(class.counter, sizeof(class.counter)) ||
	    class.action >= ACTION_COUNT ||
	    !take_ranges(c, &class, &out->ranges[at]))
		return false;
	memcpy(to->name, class.name, sizeof(to->name));
	memcpy(to->counter, class.counter, sizeof(to->counter));
	to->action = (enum action) class.action;
	to->needs_syn = class.needs_syn != 0;
	to->ranges = &out->ranges[at];
	out->plan.class_count++;
	return true;
}

static bool take_fixed(const struct fixed *f, struct tool_saved *out)
{
	struct kernel_plan *plan = &out->plan;

	if (!is_text(f->name, sizeof(f->name)))
		return false;
	memcpy(out->name, f->name, sizeof(out->name));
	out->until = f->until;
	out->table = f->table != 0;
	plan->table = out->name;
	if (!out->table)
		return true;
	if (f->port_count == 0 || f->port_count > POLICY_PORTS_MAX ||
	    f->classes > KERNEL_CLASSES_MAX || f->rest_action >= ACTION_COUNT ||
	    f->queue_first > UINT16_MAX || f->queue_last > UINT16_MAX ||
	    f->nflog_group > UINT16_MAX ||
	    !is_text(f->rest_counter, sizeof(f->rest_counter)))
		return false;
	memcpy(plan->ports, f->ports, sizeof(plan->ports));
	plan->port_count = f->port_count;
	plan->audit = f->audit != 0;
	plan->mark = f->mark;
	plan->rest_action = (enum action)f->rest_action;
	plan->rest_needs_syn = f->rest_needs_syn != 0;
	plan->queue.enabled = f->queue_enabled != 0;
	plan->queue.first = (uint16_t)f->queue_first;
	plan->queue.last = (uint16_t)f->queue_last;
	plan->queue.fanout = f->fanout != 0;
	plan->queue.fail_closed = f->fail_closed != 0;
	plan->nflog_group = (uint16_t)f->nflog_group;
	memcpy(plan->rest_counter, f->rest_counter, sizeof(plan->rest_counter));
	return true;
}

static bool parse(struct cursor *c, struct tool_saved *out)
{
	const uint8_t *all = c->p;
	size_t size = c->left;
	struct header h;
	struct fixed f;

	if (!take(c, &h, sizeof(h)) ||
	    memcmp(h.magic, MAGIC, sizeof(h.magic)) != 0 ||
	    h.version != VERSION || h.bytes != size ||
	    h.crc != (uint32_t)crc32_z(0, all + sizeof(h), size - sizeof(h)))
		return false;
	if (!take(c, &f, sizeof(f)) || !take_fixed(&f, out))
		return false;
	for (uint32_t i = 0; out->table && i < f.classes; i++)
		if (!take_class(c, out))
			return false;
	return c->left == 0;
}

struct tool_saved *tool_saved_parse(const uint8_t *data, size_t size,
				    struct error *err)
{
	struct cursor c = { data, size };
	struct tool_saved *out = calloc(1, sizeof(*out));

	if (!out) {
		error_set(err, ERROR_LIMIT, 0, "out of memory");
		return NULL;
	}
	if (parse(&c, out))
		return out;
	error_set(err, ERROR_MALFORMED, 0,
		  "damaged, or of another version of geoblock-sync");
	tool_saved_free(out);
	return NULL;
}

struct tool_saved *tool_saved_read(const char *state_dir, const char *name,
				   struct error *err)
{
	struct tool_saved *saved;
	char path[4096];
	uint8_t *data;
	size_t size;

	if (!path_of(path, sizeof(path), state_dir, name)) {
		error_set(err, ERROR_LIMIT, 0, "%s: path too long", state_dir);
		return NULL;
	}
	data = tool_read(path, BYTES_MAX, &size, err);
	if (!data)
		return NULL;
	saved = tool_saved_parse(data, size, err);
	free(data);
	if (!saved)
		error_wrap(err, "%s", path);
	return saved;
}

void tool_saved_free(struct tool_saved *saved)
{
	if (!saved)
		return;
	for (size_t i = 0; i < KERNEL_CLASSES_MAX; i++)
		iset_clear(&saved->ranges[i]);
	free(saved);
}

/* ---- waiting ------------------------------------------------------------------- */

/* A write lock of the open file (fcntl(2), F_OFD_SETLK): it passes to children, as
 * flock(2) does, but only who may write the file can have it, and to ask for it takes
 * none.  Else any user could lock a file that a killed run has left behind, and
 * keep geoblockd from healing the table by a trial that is none. */
bool tool_confirm_hold(const char *state_dir, int *fd, struct error *err)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[4096];

	*fd = -1;
	if (!path_of(path, sizeof(path), state_dir, TOOL_CONFIRM_WAITS))
		return error_set(err, ERROR_LIMIT, 0, "%s: path too long",
				 state_dir);
	*fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (*fd >= 0 && fcntl(*fd, F_OFD_SETLK, &whole) == 0)
		return true;
	error_set(err, ERROR_SYSTEM, errno, "%s", path);
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return false;
}

/* Somebody has the write lock: with it alone reading is in conflict. */
static bool is_held(const char *path)
{
	struct flock other = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	bool held;

	if (fd < 0)
		return false;
	held = fcntl(fd, F_OFD_GETLK, &other) == 0 && other.l_type != F_UNLCK;
	close(fd);
	return held;
}

bool tool_confirm_waits(const char *state_dir, uint64_t *until)
{
	/* decided is not done: until the new image is installed, or the old sets are
	 * back, whoever heals the table from the image would take back a yes.  In
	 * the order of the renames, so that none is missed between two looks. */
	static const char *const names[] = { TOOL_CONFIRM_WAITS,
					     TOOL_CONFIRM_YES,
					     TOOL_CONFIRM_NO };
	char path[4096];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct tool_saved *saved;

		if (!path_of(path, sizeof(path), state_dir, names[i]) ||
		    !is_held(path))
			continue;
		saved = until ? tool_saved_read(state_dir, names[i], NULL)
			      : NULL;
		if (until)
			*until = saved ? saved->until : 0;
		tool_saved_free(saved);
		return true;
	}
	return false;
}

bool tool_confirm_decide(const char *state_dir, bool yes)
{
	char from[4096], to[4096];

	return path_of(from, sizeof(from), state_dir, TOOL_CONFIRM_WAITS) &&
	       path_of(to, sizeof(to), state_dir,
		       yes ? TOOL_CONFIRM_YES : TOOL_CONFIRM_NO) &&
	       rename(from, to) == 0;
}

const char *tool_confirm_take(void *seconds, const char *text)
{
	static const char wrong[] = "is no time from 1s to 1h, such as 60s";
	size_t digits = strspn(text, "0123456789");
	unsigned long n =
		digits > 0 && digits < 6 ? strtoul(text, NULL, 10) : 0;
	const char *unit = text + digits;

	if (strcmp(unit, "m") == 0)
		n *= 60;
	else if (strcmp(unit, "h") == 0)
		n *= 3600;
	else if (strcmp(unit, "s") != 0 && *unit)
		return wrong;
	*(unsigned *)seconds = (unsigned)n;
	return n >= 1 && n <= TOOL_CONFIRM_MAX_S ? NULL : wrong;
}
