// SPDX-License-Identifier: GPL-2.0-or-later
/* Signatures, by gpgv(1) of GnuPG.  It runs in the cache, below a process of its
 * own that is forked before the child forswears running programs, and that has
 * no network, no right and no way to write.  That one is asked by the number of
 * the item, and answers with what gpgv said. */
#include "tools/sync_child.h"

#include <errno.h>
#include <nettle/base64.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMEOUTS 2 /* that it may take over one file */

struct answer {
	int status; /* of wait(2) */
	char said[400];
};

/* ---- keys -------------------------------------------------------------------- */

static const char armor_begin[] = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
static const char armor_end[] = "-----END PGP PUBLIC KEY BLOCK-----";

/* One armored block (RFC 4880 6.2): headers, a blank line, base64, "=" and a
 * checksum, which gpgv's own check of the key makes superfluous. */
static bool unpack_block(const char *p, const char *end, uint8_t *out,
			 size_t *len, struct error *err)
{
	struct base64_decode_ctx ctx;
	bool body = false;

	base64_decode_init(&ctx);
	while (p < end) {
		const char *feed = memchr(p, '\n', (size_t)(end - p));
		const char *stop = feed ? feed : end;
		size_t n = (size_t)(stop - p), got;

		while (n > 0 && (p[n - 1] == '\r' || p[n - 1] == ' '))
			n--;
		if (body && n > 0 && p[0] == '=')
			return true;
		got = BASE64_DECODE_LENGTH(n);
		if (body && !base64_decode_update(&ctx, &got, out + *len, n, p))
			return error_set(err, ERROR_MALFORMED, 0,
					 "is no armored key: \"%.*s\" is not "
					 "base64",
					 n < 40 ? (int)n : 40, p);
		if (body)
			*len += got;
		body |= n == 0;
		p = stop + 1;
	}
	return true;
}

bool keys_dearmor(const char *data, size_t len, uint8_t **out, size_t *out_len,
		  struct error *err)
{
	const char *end = data + len, *at = data, *begin;
	bool any = false;

	*out_len = 0;
	*out = malloc(len + BASE64_DECODE_LENGTH(len) + 1);
	if (!*out)
		return error_set(err, ERROR_SYSTEM, ENOMEM, "key");
	while ((begin = memmem(at, (size_t)(end - at), armor_begin,
			       sizeof(armor_begin) - 1))) {
		const char *p = begin + sizeof(armor_begin) - 1;
		const char *stop = memmem(p, (size_t)(end - p), armor_end,
					  sizeof(armor_end) - 1);
		const char *feed = memchr(p, '\n', (size_t)(end - p));

		if (!stop || !feed || feed > stop)
			break;
		any = true;
		if (!unpack_block(feed + 1, stop, *out, out_len, err))
			goto bad;
		at = stop;
	}
	if (!any && len > 0 && (data[0] & 0x80)) { /* a packet's first byte */
		memcpy(*out, data, len);
		*out_len = len;
	}
	if (*out_len > 0)
		return true;
	error_set(err, ERROR_MALFORMED, 0,
		  "is no OpenPGP key, armored or binary");
bad:
	free(*out);
	*out = NULL;
	return false;
}

/* ---- the process beside ------------------------------------------------------------ */

static void run_gpgv(const struct fetch_item *item, int out)
{
	char keys[CACHE_NAME_MAX + 2], asc[CACHE_NAME_MAX],
		file[CACHE_NAME_MAX], name[CACHE_NAME_MAX];

	/* with a slash, or it is looked for in the home folder */
	snprintf(keys, sizeof(keys), "./%s", cache_name(item, ".keys", name));
	cache_name(item, ".asc", asc);
	cache_name(item, ".new", file);
	if (clearenv() == 0 && setenv("LC_ALL", "C", 1) == 0 &&
	    setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1) == 0 &&
	    dup2(out, 1) >= 0 && dup2(out, 2) >= 0)
		execlp("gpgv", "gpgv", "--homedir", ".", "--keyring", keys, asc,
		       file, (char *)NULL);
	dprintf(2, "cannot run gpgv: %s; it is in the package gpgv\n",
		strerror(errno));
	_exit(127);
}

/* What a program says, its end rather than its beginning where it is long. */
static void collect(int fd, struct answer *answer)
{
	char buf[256];
	size_t used = 0, room = sizeof(answer->said) - 1;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		size_t len = (size_t)n;

		if (used + len > room) {
			size_t drop = used + len - room;

			memmove(answer->said, answer->said + drop, used - drop);
			used -= drop;
		}
		memcpy(answer->said + used, buf, len);
		used += len;
	}
	answer->said[used] = '\0';
}

static void check_one(const struct fetch_item *item, struct answer *answer)
{
	int pipes[2];
	pid_t pid;

	memset(answer, 0, sizeof(*answer));
	answer->status = -1;
	if (pipe(pipes) < 0)
		return;
	pid = fork();
	if (pid == 0)
		run_gpgv(item, pipes[1]);
	close(pipes[1]);
	if (pid > 0) {
		collect(pipes[0], answer);
		if (waitpid(pid, &answer->status, 0) < 0)
			answer->status = -1;
	}
	close(pipes[0]);
}

static void serve(struct sync_child *c, int fd, pid_t parent)
{
	struct error err = { 0 };
	struct answer answer;
	uint32_t item;

	if (fchdir(c->cache) < 0 || !sandbox_tied(parent, &err) ||
	    !sandbox_landlock(c->cache, true, &err) || !sandbox_gpgv(&err))
		_exit(1);
	while (recv(fd, &item, sizeof(item), 0) == sizeof(item) &&
	       item < c->job->item_count) {
		check_one(&c->job->items[item], &answer);
		if (send(fd, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

static bool wanted(const struct sync_child *c)
{
	for (size_t i = 0; i < c->job->item_count; i++)
		if (c->keys[i])
			return true;
	return false;
}

bool gpgv_start(struct sync_child *c, struct error *err)
{
	pid_t self = getpid(), pid;
	int ends[2];

	c->gpgv = -1;
	if (!wanted(c))
		return true;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(err, ERROR_SYSTEM, errno, "socketpair");
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		close(c->out);
		close(c->table);
		serve(c, ends[1], self);
	}
	close(ends[1]);
	c->gpgv = ends[0];
	return pid > 0 || error_set(err, ERROR_SYSTEM, errno, "fork");
}

/* The last line that says something, without gpgv's name. */
static const char *last_words(char *said)
{
	char *line, *save = NULL, *last = NULL;

	for (line = strtok_r(said, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		last = line;
	if (!last)
		return "gpgv said nothing";
	return strncmp(last, "gpgv: ", 6) == 0 ? last + 6 : last;
}

static bool ask(struct sync_child *c, uint32_t item, struct answer *answer)
{
	struct pollfd poll_fd = { .fd = c->gpgv, .events = POLLIN };
	unsigned timeout =
		c->job->timeout_s && c->job->timeout_s < FETCH_TIMEOUT_S
			? c->job->timeout_s
			: FETCH_TIMEOUT_S;

	if (send(c->gpgv, &item, sizeof(item), MSG_NOSIGNAL) >= 0 &&
	    poll(&poll_fd, 1, (int)(TIMEOUTS * 1000 * timeout)) > 0 &&
	    recv(c->gpgv, answer, sizeof(*answer), 0) == sizeof(*answer))
		return true;
	/* what it says from now on would be of another file */
	if (c->gpgv >= 0)
		close(c->gpgv);
	c->gpgv = -1;
	return false;
}

bool gpgv_check(struct sync_child *c, size_t index, struct error *err)
{
	const struct fetch_item *item = &c->job->items[index];
	char name[CACHE_NAME_MAX];
	struct answer answer;
	size_t len;
	uint8_t *key;
	bool ok;

	if (!keys_dearmor(c->keys[index], c->key_lens[index], &key, &len, err))
		return error_wrap(err, "%s", item->key);
	ok = cache_write(c, cache_name(item, ".keys", name), key, len, err);
	free(key);
	if (!ok)
		return false;
	if (!ask(c, (uint32_t)index, &answer))
		return error_set(err, ERROR_SYSTEM, 0, "gpgv did not answer");
	if (WIFEXITED(answer.status) && WEXITSTATUS(answer.status) == 0)
		return true;
	answer.said[sizeof(answer.said) - 1] = '\0';
	if (WIFSIGNALED(answer.status))
		return error_set(err, ERROR_SYSTEM, 0, "gpgv died of signal %d",
				 WTERMSIG(answer.status));
	return error_set(err, ERROR_MALFORMED, 0, "no good signature by %s: %s",
			 item->key, last_words(answer.said));
}
