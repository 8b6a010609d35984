/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_CONTROL_H
#define DAEMON_CONTROL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <geoblock/error.h>

/* The control socket: a client sends one JSON object a line, and gets one a line.
 *
 *   {"command":"status"}            → an object
 *   {"command":"top","by":"os"}     → {"rows":[…]}; by country, os, net, reason
 *   {"command":"host","address":A[,"port":P]}   → what is remembered of it
 *   {"command":"metrics"}           → {"text":"…"}: Prometheus's text format
 *   {"command":"reload"[,"confirm":S]}   → when it is done; for S seconds only,
 *                                     where nobody confirms it
 *   {"command":"confirm"[,"answer":B]}   → {"waits":…}: on trial, and the answer to it
 *   {"command":"log"}               → each decision from now on, until it hangs up
 *
 * An answer to what went wrong is {"error":"…"}.  Clients are strangers: their
 * number, the length of a line, what waits to be read by them and the time they
 * may take are bounded, and none of them can hold up anything else. */

#define CONTROL_SOCKET      "control.sock"
#define CONTROL_CLIENTS_MAX 16
#define CONTROL_LINE_MAX    4096   /* of a request */
#define CONTROL_OUTPUT_MAX  262144 /* bytes that may wait for a client */
#define CONTROL_IDLE_S      30

struct control;
struct ev_loop;

/* control_open - the socket `name` in run-dir, mode 0660, owned by gid ((gid_t)-1:
 * left as it is), made by local_socket_listen().  To be called before rights are
 * dropped. */
bool control_open(struct control **out, const char *run_dir, const char *name,
		  gid_t gid, struct error *err);

/* control_take - the same of a socket that listens already; fd is the control's
 * from then on. */
bool control_take(struct control **out, int fd, struct error *err);
void control_close(struct control *control); /* NULL is allowed */

/* What answers a request: JSON text, to be freed, or NULL where it comes later.
 * Never fails on what a request says. */
enum control_later { CONTROL_NOW, CONTROL_RELOADS, CONTROL_FOLLOWS };
typedef char *control_answerer(void *ctx, const char *line, size_t len,
			       enum control_later *later);

/* control_start - serve clients in a loop. */
void control_start(struct control *control, struct ev_loop *loop,
		   control_answerer *answer, void *ctx);

/* control_decision - tell those that follow the log. */
void control_decision(struct control *control, const char *json);

/* control_asked - the reload of the request that is being answered has this number
 * (worker_ask()). */
void control_asked(struct control *control, uint64_t number);

/* control_reloaded - tell those that wait for it, or for an earlier one; err's kind is
 * ERROR_NONE where it was done. */
void control_reloaded(struct control *control, uint64_t number,
		      const struct error *err, const char *text);

/* control_answer - geoblockd's control_answerer; ctx is its struct daemon. */
control_answerer control_answer;

/* control_reload_text - the answer to "reload", to be freed. */
char *control_reload_text(const struct error *err, const char *text);

#endif
