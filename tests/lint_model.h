/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What clang's analyzer, which sees one file at a time, has to be told of
 * functions that are elsewhere: these return false, always.  tests/lint includes
 * it before each file but the one that defines the function. */
#include <geoblock/error.h>
#ifndef LINT_error
#define error_set(...)  ((error_set)(__VA_ARGS__), false)
#define error_wrap(...) ((error_wrap)(__VA_ARGS__), false)
#endif
#if defined(LINT_IN_geo) && !defined(LINT_reader)
#include "lib/geo/reader.h"
#define reader_fail(...) ((reader_fail)(__VA_ARGS__), false)
#endif
