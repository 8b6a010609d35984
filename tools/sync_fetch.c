// SPDX-License-Identifier: GPL-2.0-or-later
/* Downloads, all at once: libcurl's multi interface asks for each what its steps
 * (sync_steps.c) want next. */
#include "tools/sync_transfer.h"

#include <errno.h>
#include <stdlib.h>

#include "tools/tool.h"

#define TIMEOUTS 24 /* that all downloads may last together */

struct fetcher {
	CURLM *multi;
	struct transfer *transfers;
	size_t count;
	int64_t until;
};

/* Starts what is due; gives the milliseconds until more is, at most a second;
 * -1 when nothing is left. */
static int start_due(struct fetcher *f, struct error *err)
{
	int64_t now = tool_now_ms();
	int wait = -1;

	for (size_t i = 0; i < f->count; i++) {
		struct transfer *t = &f->transfers[i];

		if (t->step == STEP_DONE)
			continue;
		if (wait < 0)
			wait = 1000;
		if (t->running)
			continue;
		if (t->wake_ms > now) {
			if (t->wake_ms - now < wait)
				wait = (int)(t->wake_ms - now);
			continue;
		}
		t->wake_ms = 0;
		if (!transfer_start(t, f->multi, err)) {
			transfer_give_up(t, err->text);
		}
	}
	return wait;
}

static void collect(struct fetcher *f)
{
	CURLMsg *message;
	int left;

	while ((message = curl.multi_info_read(f->multi, &left))) {
		CURLcode code = message->data.result;
		struct transfer *t = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
		transfer_stop(t, f->multi);
		transfer_end(t, code);
	}
}

/* The time is up: what is there is used, and what is not does not take the others
 * with it. */
static void stop_all(struct fetcher *f)
{
	for (size_t i = 0; i < f->count; i++) {
		struct transfer *t = &f->transfers[i];

		if (t->step == STEP_DONE)
			continue;
		if (t->running)
			transfer_stop(t, f->multi);
		transfer_give_up(t, "there was no more time for it");
	}
}

static bool run(struct fetcher *f, struct error *err)
{
	int wait, running;

	while ((wait = start_due(f, err)) >= 0) {
		if (tool_now_ms() >= f->until) {
			stop_all(f);
			break;
		}
		if (curl.multi_perform(f->multi, &running) != CURLM_OK)
			return error_set(err, ERROR_SYSTEM, 0,
					 "libcurl failed");
		collect(f);
		/* what has just ended may have its next request due */
		if (start_due(f, err) < 0)
			break;
		if (curl.multi_poll(f->multi, NULL, 0, wait, NULL) != CURLM_OK)
			return error_set(err, ERROR_SYSTEM, 0,
					 "libcurl failed");
	}
	return true;
}

static bool make_transfers(struct fetcher *f, struct sync_child *c,
			   struct error *err)
{
	int64_t last =
		TIMEOUTS * 1000LL *
		(c->job->timeout_s ? c->job->timeout_s : FETCH_TIMEOUT_S);

	f->until =
		tool_now_ms() + (last < FETCH_LIMIT_MS ? last : FETCH_LIMIT_MS);
	f->count = c->job->item_count;
	f->transfers = calloc(f->count, sizeof(*f->transfers));
	if (!f->transfers)
		return error_set(err, ERROR_SYSTEM, ENOMEM, "cannot download");
	for (size_t i = 0; i < f->count; i++) {
		struct transfer *t = &f->transfers[i];

		t->child = c;
		t->index = i;
		t->item = &c->job->items[i];
		t->got = &c->got[i];
		t->fd = -1;
		transfer_begin(t);
	}
	return true;
}

bool sync_fetch_all(struct sync_child *c, struct error *err)
{
	struct fetcher f = { 0 };
	bool ok;

	if (!curl_load(err))
		return false;
	if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return error_set(err, ERROR_SYSTEM, 0, "libcurl");
	f.multi = curl.multi_init();
	ok = f.multi && make_transfers(&f, c, err) && run(&f, err);
	for (size_t i = 0; f.transfers && i < f.count; i++) {
		curl.easy_cleanup(f.transfers[i].easy);
		curl.slist_free_all(f.transfers[i].headers);
		transfer_reset(&f.transfers[i]);
	}
	free(f.transfers);
	curl.multi_cleanup(f.multi);
	return ok;
}
