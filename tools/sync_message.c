// SPDX-License-Identifier: GPL-2.0-or-later
/* From the child, which may have been taken over by what it read, to the parent,
 * which has rights.  Nothing is parsed: messages have one size and one shape,
 * numbers are held against what was asked for, texts are printed and nothing
 * else. */
#include "tools/sync_child.h"

#include <string.h>

/* One line of printable text, whatever came. */
static void clean(char *out, size_t room, const char *in, size_t len)
{
	size_t n = strnlen(in, len);

	if (n > room - 1)
		n = room - 1;
	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned char)in[i] < ' ' || in[i] == 0x7f ? '?'
								     : in[i];
	out[n] = '\0';
}

static void take_warning(struct sync_heard *h, const struct sync_message *m)
{
	const struct geo_warn *warn = h->job->warn;
	char text[FETCH_WHY_MAX];

	if (h->warnings++ >= SYNC_WARNINGS_TAKEN || !warn || !warn->say)
		return;
	clean(text, sizeof(text), m->text, sizeof(m->text));
	if (text[0] != '\0')
		warn->say(warn->ctx, text);
}

static bool take_item(struct sync_heard *h, const struct sync_message *m)
{
	struct fetch_item *item = &h->job->items[m->index];

	if (m->state > FETCH_NEW || m->now > item->max_bytes)
		return false;
	item->state = (enum fetch_state)m->state;
	item->late = m->late != 0;
	item->bytes = m->now;
	item->downloaded = m->total;
	clean(item->url, sizeof(item->url), m->url, sizeof(m->url));
	clean(item->why, sizeof(item->why), m->text, sizeof(m->text));
	return true;
}

static bool take_file(struct sync_heard *h, const struct sync_message *m)
{
	struct sync_file *file = &h->job->files[m->index];

	if (m->state > 1 || m->error_kind > ERROR_HELD)
		return false;
	file->ok = m->state == 1;
	file->err = (struct error){ 0 };
	if (file->ok)
		return true;
	file->err.kind = m->error_kind == ERROR_NONE
				 ? ERROR_MALFORMED
				 : (enum error_kind)m->error_kind;
	clean(file->err.text, sizeof(file->err.text), m->text, sizeof(m->text));
	return true;
}

static void take_progress(struct sync_heard *h, const struct sync_message *m)
{
	if (!h->now || !h->total)
		return;
	h->now[m->index] = m->now;
	h->total[m->index] = m->total;
}

/* The numbers are of things that there are. */
static bool is_possible(const struct sync_heard *h,
			const struct sync_message *m)
{
	if (h->done || m->kind > MESSAGE_DONE)
		return false;
	if (m->kind == MESSAGE_FILE)
		return m->index < h->job->file_count;
	if (m->kind == MESSAGE_PROGRESS || m->kind == MESSAGE_ITEM)
		return m->index < h->job->item_count;
	return true;
}

static bool take(struct sync_heard *h, const struct sync_message *m)
{
	if (!is_possible(h, m))
		return false;
	switch ((enum message_kind)m->kind) {
	case MESSAGE_PROGRESS:
		take_progress(h, m);
		return true;
	case MESSAGE_WARN:
		take_warning(h, m);
		return true;
	case MESSAGE_ITEM:
		return take_item(h, m);
	case MESSAGE_FILE:
		return take_file(h, m);
	case MESSAGE_DONE:
		h->done = true;
		return true;
	}
	return false;
}

bool sync_message_take(struct sync_heard *h, const void *data, size_t len,
		       struct error *err)
{
	struct sync_message m;

	if (len == sizeof(m)) {
		memcpy(&m, data, sizeof(m));
		if (take(h, &m))
			return true;
	}
	return error_set(err, ERROR_MALFORMED, 0,
			 "the process that downloads and reads talks nonsense");
}
