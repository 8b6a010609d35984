/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_SYNC_SPF_H
#define TOOLS_SYNC_SPF_H

#include <stddef.h>

#include "tools/sync.h"

/* exempt.spf: asked by every run. */

/* sync_spf - ask the domains of exempt.spf; keep the last answers of those that
 * cannot tell now; write STATE/spf; make the configuration exempt what it says.
 * With --offline the last answers stand, with --dry-run nothing is written. */
void sync_spf(struct sync *s);

/* sync_spf_json, sync_spf_print - what became of each domain. */
json_t *sync_spf_json(const struct sync *s);
void sync_spf_print(const struct sync *s);

/* sync_spf_ask - the answers of domains, asked by a child that has no right but
 * to use the network.  What it says is read as a stranger's text.  A domain that
 * it did not get to has no entry.  False where the child could not be had, or
 * talked nonsense, or took too long: *out then has what was good until then. */
bool sync_spf_ask(const struct conf *conf, struct spf_store *out,
		  struct error *err);

#endif
