/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_SYNC_CURL_H
#define TOOLS_SYNC_CURL_H

#include <curl/curl.h>
#include <stdbool.h>

#include <geoblock/error.h>

/* libcurl, loaded when there is something to download: with the two dozen
 * libraries it comes with it would take half as long as all else that a run
 * without downloads does. */

struct curl_functions {
	CURLcode (*global_init)(long flags);
	CURL *(*easy_init)(void);
	void (*easy_cleanup)(CURL *easy);
	CURLcode (*easy_setopt)(CURL *easy, CURLoption option, ...);
	CURLcode (*easy_getinfo)(CURL *easy, CURLINFO info, ...);
	const char *(*easy_strerror)(CURLcode code);
	CURLM *(*multi_init)(void);
	CURLMcode (*multi_cleanup)(CURLM *multi);
	CURLMcode (*multi_add_handle)(CURLM *multi, CURL *easy);
	CURLMcode (*multi_remove_handle)(CURLM *multi, CURL *easy);
	CURLMcode (*multi_perform)(CURLM *multi, int *running);
	CURLMcode (*multi_poll)(CURLM *multi, struct curl_waitfd *more,
				unsigned count, int timeout_ms, int *ready);
	CURLMsg *(*multi_info_read)(CURLM *multi, int *left);
	struct curl_slist *(*slist_append)(struct curl_slist *list,
					   const char *text);
	void (*slist_free_all)(struct curl_slist *list);
	time_t (*getdate)(const char *text, const time_t *unused);
};

/* Set by curl_load(). */
extern struct curl_functions curl;

bool curl_load(struct error *err);

#endif
