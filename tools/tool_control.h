/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_TOOL_CONTROL_H
#define TOOLS_TOOL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include <geoblock/conf.h>
#include <geoblock/error.h>

/* A client of the services' control sockets: one JSON object a line, each way. */

struct tool_control;

/* tool_control_open - connect to the daemon of this configuration.  It may take
 * timeout_ms for each answer; 0: as long as it likes.  Errors name the socket:
 * ENOENT and ECONNREFUSED mean that no daemon runs, EACCES that one has to be
 * root or in the socket's group. */
bool tool_control_open(struct tool_control **out, const struct conf *conf,
		       unsigned timeout_ms, struct error *err);

/* tool_control_open_policyd - the same of geoblock-policyd, which not everybody wants:
 * tool_control_away() knows an err that says that it does not run. */
bool tool_control_open_policyd(struct tool_control **out,
			       const struct conf *conf, unsigned timeout_ms,
			       struct error *err);
void tool_control_close(struct tool_control *control); /* NULL is allowed */

/* tool_control_send - one request, given back (json_decref) in any case. */
bool tool_control_send(struct tool_control *control, json_t *request,
		       struct error *err);

/* tool_control_read - the next answer, to be given back; NULL after an error, and
 * where the answer is {"error": …}.  ERROR_NONE: the daemon hung up. */
json_t *tool_control_read(struct tool_control *control, struct error *err);

/* For who waits for several, with poll(2): tool_control_fill() takes in what is there
 * (false: nothing more will come; ERROR_NONE: it hung up), and tool_control_line()
 * gives each answer of it that is whole, as tool_control_read(); NULL and ERROR_NONE:
 * there is none. */
int tool_control_fd(const struct tool_control *control);
bool tool_control_fill(struct tool_control *control, struct error *err);
json_t *tool_control_line(struct tool_control *control, struct error *err);
const char *tool_control_name(const struct tool_control *control);

/* tool_control_ask - open, send, read, close: for commands with one answer. */
json_t *tool_control_ask(const struct conf *conf, json_t *request,
			 struct error *err);

/* tool_control_ask_policyd - the same of geoblock-policyd. */
json_t *tool_control_ask_policyd(const struct conf *conf, json_t *request,
				 struct error *err);

bool tool_control_away(const struct error *err);

/* tool_control_ask_both - a command of no arguments to both services.  Returns
 * geoblockd's answer, NULL after an error; *other is geoblock-policyd's, NULL where
 * it does not run or after an error, which is said as a warning. */
json_t *tool_control_ask_both(const struct conf *conf, const char *command,
			      json_t **other, struct error *err);

#endif
