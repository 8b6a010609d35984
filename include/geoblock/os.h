/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_OS_H
#define GEOBLOCK_OS_H

#include <stdbool.h>

/* Operating system classes: what a signature says, and what a rule may name. */
enum os_class {
	OS_UNKNOWN,
	OS_WINDOWS,
	OS_LINUX,
	OS_ANDROID,
	OS_MACOS,
	OS_IOS,
	OS_BSD,
	OS_SOLARIS,
	OS_OTHER,   /* appliances and rare systems, known by name */
	OS_SCANNER, /* crafted by a tool, not by an operating system */
	OS_CLASS_COUNT,
};

/* os_class_name - "windows", as the configuration, JSON and counters spell it. */
const char *os_class_name(enum os_class os);

/* os_class_parse - the reverse; false for any other word. */
bool os_class_parse(const char *word, enum os_class *out);

#endif
