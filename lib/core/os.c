// SPDX-License-Identifier: GPL-2.0-or-later
#include <geoblock/os.h>

#include <assert.h>

#include <geoblock/words.h>

static const char *const names[OS_CLASS_COUNT] = {
	[OS_UNKNOWN] = "unknown", [OS_WINDOWS] = "windows",
	[OS_LINUX] = "linux",     [OS_ANDROID] = "android",
	[OS_MACOS] = "macos",     [OS_IOS] = "ios",
	[OS_BSD] = "bsd",         [OS_SOLARIS] = "solaris",
	[OS_OTHER] = "other",     [OS_SCANNER] = "scanner",
};

const char *os_class_name(enum os_class os)
{
	assert((unsigned)os < OS_CLASS_COUNT);
	return names[os];
}

bool os_class_parse(const char *word, enum os_class *out)
{
	int found = words_find(names, OS_CLASS_COUNT, word);

	if (found < 0)
		return false;
	*out = (enum os_class)found;
	return true;
}
