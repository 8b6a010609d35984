// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/tool_control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <geoblock/log.h>

#include "tools/tool.h"

/* A service and its socket in run-dir. */
struct service {
	const char *name, *socket;
};

static const struct service geoblockd = { "geoblockd", "control.sock" };
static const struct service policyd = { "geoblock-policyd",
					"policyd-control.sock" };

#define ANSWER_MAX (4u << 20) /* bytes of one answer */
#define ASK_MS     30000      /* a reload may take its time */

struct tool_control {
	const struct service *service;
	int fd;
	char path[108];
	char *line;
	size_t used, room;
};

bool tool_control_away(const struct error *err)
{
	return err->sys_errno == ENOENT || err->sys_errno == ECONNREFUSED;
}

static bool fail(const struct tool_control *control, int error,
		 struct error *err)
{
	struct error text;

	if (!err)
		return false;
	error_set(&text, ERROR_SYSTEM, error, "%s", control->path);
	if (tool_control_away(&text))
		error_set(err, ERROR_SYSTEM, 0, "%s; %s does not run",
			  text.text, control->service->name);
	else
		error_set(err, ERROR_SYSTEM, 0, "%s%s", text.text,
			  error == EACCES
				  ? "; be root, or in the socket's group"
			  : error == ETIMEDOUT ? "; it runs, but hangs"
					       : "");
	err->sys_errno = error;
	return false;
}

static bool open_service(struct tool_control **out, const struct conf *conf,
			 const struct service *service, unsigned timeout_ms,
			 struct error *err)
{
	struct tool_control *control = calloc(1, sizeof(*control));
	struct timeval limit = { .tv_sec = timeout_ms / 1000,
				 .tv_usec = timeout_ms % 1000 * 1000 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*out = NULL;
	if (!control)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	control->service = service;
	/* conf keeps run-dir short enough: see its RUN_DIR_MAX */
	snprintf(control->path, sizeof(control->path), "%s/%s", conf->run_dir,
		 service->socket);
	memcpy(address.sun_path, control->path, sizeof(address.sun_path));
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (control->fd >= 0) {
		setsockopt(control->fd, SOL_SOCKET, SO_RCVTIMEO, &limit,
			   sizeof(limit));
		setsockopt(control->fd, SOL_SOCKET, SO_SNDTIMEO, &limit,
			   sizeof(limit));
	}
	if (control->fd < 0 || connect(control->fd, (struct sockaddr *)&address,
				       sizeof(address)) != 0) {
		fail(control, errno, err);
		tool_control_close(control);
		return false;
	}
	*out = control;
	return true;
}

bool tool_control_open(struct tool_control **out, const struct conf *conf,
		       unsigned timeout_ms, struct error *err)
{
	return open_service(out, conf, &geoblockd, timeout_ms, err);
}

bool tool_control_open_policyd(struct tool_control **out,
			       const struct conf *conf, unsigned timeout_ms,
			       struct error *err)
{
	return open_service(out, conf, &policyd, timeout_ms, err);
}

const char *tool_control_name(const struct tool_control *control)
{
	return control->service->name;
}

int tool_control_fd(const struct tool_control *control)
{
	return control->fd;
}

void tool_control_close(struct tool_control *control)
{
	if (!control)
		return;
	if (control->fd >= 0)
		close(control->fd);
	free(control->line);
	free(control);
}

bool tool_control_send(struct tool_control *control, json_t *request,
		       struct error *err)
{
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0, sent = 0;

	json_decref(request);
	if (!text)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	text[len++] = '\n'; /* in the place of its NUL */
	while (sent < len) {
		ssize_t n = send(control->fd, text + sent, len - sent,
				 MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(text);
			return fail(control, errno, err);
		}
		sent += (size_t)n;
	}
	free(text);
	return true;
}

bool tool_control_fill(struct tool_control *control, struct error *err)
{
	ssize_t n;

	err->kind = ERROR_NONE;
	if (control->used == control->room) {
		size_t room = control->room ? 2 * control->room : 4096;
		char *grown;

		if (room > ANSWER_MAX)
			return error_set(err, ERROR_LIMIT, 0,
					 "%s: the answer is too long",
					 control->path);
		grown = realloc(control->line, room);
		if (!grown)
			return error_set(err, ERROR_LIMIT, 0, "out of memory");
		control->line = grown;
		control->room = room;
	}
	do
		n = recv(control->fd, control->line + control->used,
			 control->room - control->used, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail(control, errno == EAGAIN ? ETIMEDOUT : errno, err);
	control->used += (size_t)n;
	return n > 0;
}

json_t *tool_control_line(struct tool_control *control, struct error *err)
{
	json_t *answer, *error;
	json_error_t where;
	char *end = control->used ? memchr(control->line, '\n', control->used)
				  : NULL;
	size_t len;

	err->kind = ERROR_NONE;
	if (!end)
		return NULL;
	len = (size_t)(end - control->line);
	answer = json_loadb(control->line, len, 0, &where);
	control->used -= len + 1;
	memmove(control->line, end + 1, control->used);
	if (!answer) {
		error_set(err, ERROR_MALFORMED, 0, "%s: %s", control->path,
			  where.text);
		return NULL;
	}
	error = json_object_get(answer, "error");
	if (error) {
		error_set(err, ERROR_HELD, 0, "%s: %s", control->service->name,
			  json_string_value(error));
		json_decref(answer);
		return NULL;
	}
	return answer;
}

json_t *tool_control_read(struct tool_control *control, struct error *err)
{
	json_t *answer;

	while (!(answer = tool_control_line(control, err)))
		if (err->kind != ERROR_NONE || !tool_control_fill(control, err))
			return NULL;
	return answer;
}

static json_t *ask(const struct conf *conf, const struct service *service,
		   json_t *request, struct error *err)
{
	struct tool_control *control;
	json_t *answer = NULL;

	if (!open_service(&control, conf, service, ASK_MS, err)) {
		json_decref(request);
		return NULL;
	}
	if (tool_control_send(control, request, err)) {
		answer = tool_control_read(control, err);
		if (!answer && err->kind == ERROR_NONE)
			error_set(err, ERROR_SYSTEM, 0, "%s: %s hung up",
				  control->path, service->name);
	}
	tool_control_close(control);
	return answer;
}

json_t *tool_control_ask(const struct conf *conf, json_t *request,
			 struct error *err)
{
	return ask(conf, &geoblockd, request, err);
}

json_t *tool_control_ask_policyd(const struct conf *conf, json_t *request,
				 struct error *err)
{
	return ask(conf, &policyd, request, err);
}

json_t *tool_control_ask_both(const struct conf *conf, const char *command,
			      json_t **other, struct error *err)
{
	struct error policyd_err = { 0 };
	json_t *answer = tool_control_ask(
		conf, json_pack("{s:s}", "command", command), err);

	*other = tool_control_ask_policyd(
		conf, json_pack("{s:s}", "command", command), &policyd_err);
	if (!*other && !tool_control_away(&policyd_err))
		log_warn("%s", policyd_err.text);
	return answer;
}
