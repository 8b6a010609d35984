/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_TOOL_SIGNATURES_H
#define TOOLS_TOOL_SIGNATURES_H

#include <geoblock/error.h>
#include <geoblock/signature.h>

/* tool_signatures - the database that verdicts rest on: the administrator's
 * signatures, then our own; compiled.  The administrator's come first, as of two
 * that match equally well the one that was read first is taken.  On error *out is
 * NULL. */
bool tool_signatures(struct signatures **out, struct error *err);

#endif
