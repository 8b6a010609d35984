// SPDX-License-Identifier: GPL-2.0-or-later
#include <geoblock/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool error_set(struct error *err, enum error_kind kind, int sys_errno,
	       const char *fmt, ...)
{
	va_list ap;
	size_t used;

	if (!err)
		return false;
	err->kind = kind;
	err->sys_errno = sys_errno;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	used = strlen(err->text);
	if (sys_errno != 0)
		snprintf(err->text + used, sizeof(err->text) - used, ": %s",
			 strerror(sys_errno));
	return false;
}

bool error_wrap(struct error *err, const char *fmt, ...)
{
	char inner[sizeof(err->text)];
	va_list ap;
	size_t used;

	if (!err)
		return false;
	memcpy(inner, err->text, sizeof(inner));
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", inner);
	return false;
}
