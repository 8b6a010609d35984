/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_TOOL_DATA_H
#define TOOLS_TOOL_DATA_H

#include <jansson.h>

#include <geoblock/conf.h>

/* tool_data_json - the country data at hand, as the image and the last sync tell
 * it, put into an object: `sources`, one object for each with its date, age, size
 * and how the last sync came by it, `last_sync` with time, result, exit status and
 * problem, and `confirm` while a change waits for it.  Says nothing of what is not
 * there. */
void tool_data_json(json_t *o, const struct conf *conf);

#endif
