/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_TABLE_H
#define DAEMON_TABLE_H

struct daemon;
struct error;

/* The kernel's table: restored at start, watched, and looked at when somebody else
 * wrote to it, or when the worker could not make it what it should be. */

/* table_open - have the kernel enforce what the snapshot says, where there is anything
 * to go by; fatal() where the kernel refuses.  Before rights are dropped. */
void table_open(struct daemon *daemon);
void table_close(struct daemon *daemon);

/* table_start - watch it in the loop, once the worker runs: what changed before is
 * looked at. */
void table_start(struct daemon *daemon);

/* table_tell - why it is not what it should be; ERROR_NONE: it is. */
void table_tell(struct daemon *daemon, const struct error *held);

/* table_look_in - have the worker look at it after some seconds, if it does not anyway
 * before. */
void table_look_in(struct daemon *daemon, double seconds);

#endif
