/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_SYNC_TRANSFER_H
#define TOOLS_SYNC_TRANSFER_H

#include <nettle/md5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "tools/sync_child.h"
#include "tools/sync_curl.h"

/* One request at a time for each item: sync_transfer.c knows libcurl,
 * sync_steps.c knows what to ask for next. */

#define TRANSFER_TEXT_MAX 16384 /* a checksum, a signature */

enum transfer_step {
	STEP_SUM,       /* URL.md5 */
	STEP_BODY,      /* URL */
	STEP_SUM_AGAIN, /* it was of another file: changed in between? */
	STEP_SIGNATURE, /* URL.asc */
	STEP_DONE,
};

struct transfer {
	struct sync_child *child;
	size_t index;
	struct fetch_item *item;
	struct sync_got *got;

	/* where we are */
	enum transfer_step step;
	size_t place;    /* index into item->urls */
	unsigned tries;  /* of this request, before this one */
	unsigned pass;   /* over the places */
	bool transient;  /* a place failed in a way that may pass */
	int64_t wake_ms; /* not before; 0: now */
	bool running;

	/* the request */
	CURL *easy;
	struct curl_slist *headers;
	char url[FETCH_URL_MAX + 8];
	char curl_error[CURL_ERROR_SIZE];

	/* the answer: its own headers, and not those of redirects before it */
	char etag[FETCH_URL_MAX];
	char modified[64];
	bool encoded; /* compressed for the transfer */
	bool ranged;  /* goes on from where it was asked to */
	bool begun;   /* the body of this answer has */
	char text[TRANSFER_TEXT_MAX];
	size_t text_len;
	uint64_t raw;        /* bytes over the network, of this request */
	struct error failed; /* ours, in a callback */

	/* the body so far, over several requests */
	int fd; /* NAME.new, -1: none */
	uint64_t bytes;
	struct md5_ctx md5;
	char body_etag[FETCH_URL_MAX];
	char body_modified[64];
	bool resumable;

	bool has_sum;
	uint8_t sum[FETCH_MD5_SIZE];
	char sum_modified[64];
	uint8_t digest[FETCH_MD5_SIZE]; /* the body's */
	int64_t shown_ms;
};

/* transfer_start - send the request of t->step. */
bool transfer_start(struct transfer *t, CURLM *multi, struct error *err);

/* transfer_stop - after its end: the handle is free again. */
void transfer_stop(struct transfer *t, CURLM *multi);

/* transfer_shown - an address as it may be said and kept: without a user and a
 * password, and without the query, in which a licence's key may be. */
const char *transfer_shown(const char *url, char out[FETCH_URL_MAX]);

/* transfer_reset - forget the body. */
void transfer_reset(struct transfer *t);

/* transfer_begin - at the present place, with its first step.  transfer_end - what
 * the request's end, good or bad, means: the next step, place or pass, after a
 * while (wake_ms) or at once, or STEP_DONE.  transfer_give_up - STEP_DONE, and why. */
void transfer_begin(struct transfer *t);
void transfer_end(struct transfer *t, CURLcode code);
void transfer_give_up(struct transfer *t, const char *why);

#endif
