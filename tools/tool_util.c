// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/tool.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <geoblock/log.h>

static void say_error(void *ctx, const char *text)
{
	(void)ctx;
	log_err("%s", text);
}

struct conf *tool_conf(const char *path)
{
	struct error err = { 0 };
	struct conf *conf;

	if (!conf_read(&conf, path, say_error, NULL, &err))
		return NULL;
	if (conf->spf_problem)
		log_warn("%s; nothing is exempt by exempt.spf until "
			 "geoblock-sync has asked again",
			 conf->spf_problem);
	return conf;
}

struct image *tool_image(const struct conf *conf, enum image_trust trust)
{
	struct error fallback = { 0 }, err = { 0 };
	struct image *image;

	if (!image_open_newest(&image, conf->state_dir, trust, &fallback,
			       &err)) {
		log_err("%s%s", err.text,
			err.sys_errno == ENOENT
				? "; run geoblock-sync to make it"
				: "");
		return NULL;
	}
	if (fallback.kind != ERROR_NONE)
		log_warn("%s; using the previous image", fallback.text);
	if (!image_agree(image, conf->agree, &conf->policy.allowed, &err)) {
		log_err("%s", err.text);
		image_close(image);
		return NULL;
	}
	return image;
}

bool tool_flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	log_err("cannot write the output: %s", strerror(errno));
	return false;
}

const char *tool_date(uint32_t date, char *buf)
{
	/* bounded, so that no damaged date can overrun buf */
	if (date == 0 || date > 99991231)
		buf[0] = '\0';
	else
		snprintf(buf, TOOL_DATE_MAX, "%04u-%02u-%02u",
			 date / 10000 % 10000, date / 100 % 100, date % 100);
	return buf;
}

bool tool_is_old(uint32_t date, uint32_t max_age_s, time_t now, long *days)
{
	int64_t age = (int64_t)now - (int64_t)geo_days(date) * 86400;

	*days = (long)(age / 86400);
	return date != 0 && age > (int64_t)max_age_s + 86400;
}

int64_t tool_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* It may have closed all that it could be heard by, and live on. */
int tool_child_end(pid_t pid, unsigned ms)
{
	static const struct timespec pause = { 0, 1000000 };
	int64_t until = tool_now_ms() + ms;
	int status = -1;

	for (;;) {
		bool late = tool_now_ms() >= until;
		pid_t ended;

		if (late)
			kill(pid, SIGKILL);
		ended = waitpid(pid, &status, late ? 0 : WNOHANG);
		if (ended == pid)
			return status;
		if (ended < 0 && errno != EINTR)
			return -1;
		if (!late)
			nanosleep(&pause, NULL);
	}
}

const char *tool_time(uint64_t seconds, char *buf)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) ||
	    strftime(buf, TOOL_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		buf[0] = '\0';
	return buf;
}

const char *tool_hex(const uint8_t *data, size_t size, char *buf)
{
	for (size_t i = 0; i < size; i++)
		snprintf(buf + 2 * i, 3, "%02x", data[i]);
	buf[2 * size] = '\0';
	return buf;
}

bool tool_whom(const char *text, struct range *net, bool *is_net,
	       struct error *err)
{
	*is_net = range_parse(text, strlen(text), net, err);
	return *is_net || strchr(text, '@') || strcmp(text, "<>") == 0 ||
	       error_set(
		       err, ERROR_MALFORMED, 0,
		       "\"%.80s\" is no network, no sender (user@example.com, "
		       "<>) and no domain (@example.com)",
		       text);
}
