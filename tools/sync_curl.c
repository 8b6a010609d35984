// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/sync_curl.h"

#include <dlfcn.h>
#include <string.h>

#define LIBRARY "libcurl.so.4"

struct curl_functions curl;

/* In the whole program's order, as if it were linked. */
static bool look_up(const char *name, void *function)
{
	void *symbol = dlsym(RTLD_DEFAULT, name);

	memcpy(function, &symbol, sizeof(symbol)); /* dlsym(3) on this cast */
	return symbol != NULL;
}

static bool look_up_all(void)
{
	const struct {
		const char *name;
		void *function;
	} all[] = {
		{ "curl_global_init", &curl.global_init },
		{ "curl_easy_init", &curl.easy_init },
		{ "curl_easy_cleanup", &curl.easy_cleanup },
		{ "curl_easy_setopt", &curl.easy_setopt },
		{ "curl_easy_getinfo", &curl.easy_getinfo },
		{ "curl_easy_strerror", &curl.easy_strerror },
		{ "curl_multi_init", &curl.multi_init },
		{ "curl_multi_cleanup", &curl.multi_cleanup },
		{ "curl_multi_add_handle", &curl.multi_add_handle },
		{ "curl_multi_remove_handle", &curl.multi_remove_handle },
		{ "curl_multi_perform", &curl.multi_perform },
		{ "curl_multi_poll", &curl.multi_poll },
		{ "curl_multi_info_read", &curl.multi_info_read },
		{ "curl_slist_append", &curl.slist_append },
		{ "curl_slist_free_all", &curl.slist_free_all },
		{ "curl_getdate", &curl.getdate },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!look_up(all[i].name, all[i].function))
			return false;
	return true;
}

bool curl_load(struct error *err)
{
	if (!dlopen(LIBRARY, RTLD_NOW | RTLD_GLOBAL))
		return error_set(err, ERROR_SYSTEM, 0,
				 "downloads need libcurl, which is not there "
				 "(%s); on Debian: apt install libcurl4",
				 dlerror());
	return look_up_all() ||
	       error_set(err, ERROR_SYSTEM, 0, "%s: too old", LIBRARY);
}
