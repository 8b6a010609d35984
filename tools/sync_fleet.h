/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_SYNC_FLEET_H
#define TOOLS_SYNC_FLEET_H

#include "tools/sync.h"

/* One host compiles, many take: --publish on the one, source = image on the
 * others, any web server between them. */

/* sync_make_key - a new pair of keys: the secret one in `path`, which must not
 * exist, for its owner only; the public one in path.pub and on standard output.
 * Gives the exit status. */
int sync_make_key(const char *path);

/* sync_publish - the current image and a manifest of it in s->publish, signed with
 * the key in s->key_file.  The image goes first, under a name made of its
 * checksum; the manifest takes the old one's place by rename.  Images of older
 * manifests are removed after a day. */
bool sync_publish(struct sync *s);

/* sync_fleet - the image that another host has published: fetched, checked, and in
 * s->new_image; NULL there where the image at hand is the one published.  False,
 * and said, where there is none to be believed. */
bool sync_fleet(struct sync *s);

/* sync_fleet_taken - remember the manifest of the image that is in force, or about
 * to be. */
bool sync_fleet_taken(struct sync *s, struct error *err);

/* sync_fleet_json - NULL where there is nothing to say. */
json_t *sync_fleet_json(const struct sync *s);
void sync_fleet_print(const struct sync *s);

#endif
