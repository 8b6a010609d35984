// SPDX-License-Identifier: GPL-2.0-or-later
/* What strangers wrote is touched by a child process only; this is its parent.
 * It opens what the child may not be able to (files named by root, certificates,
 * keys), makes it a folder, and forks.  Back come messages of one shape, which
 * sync_message_take() holds against what was asked, and a table in a file in
 * memory, which geo_table_receive() copies and checks.  A child that dies, says
 * something else, or takes too long has said nothing. */
#include "tools/sync_child.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/sync_transfer.h"
#include "tools/tool.h"
#include "tools/tool_rights.h"

#define CHILD_USER   "geoblock-sync"
#define CHILD_NOBODY "nobody"
/* A run has up to three jobs: with downloads; once more where IPFire's files have
 * to do; the second source.  It ends before systemd's unit is stopped. */
#define READ_MS   (5 * 60 * 1000)
#define SAY_MS    (30 * 1000) /* it takes longer to download than it may */
#define END_MS    5000
#define SMALL_MAX ((size_t)1 << 20) /* certificates, a key ring */

/* ---- what the child needs ------------------------------------------------------- */

static bool read_small(const char *path, char **out, size_t *len,
		       struct error *err)
{
	*out = (char *)tool_read(path, SMALL_MAX, len, err);
	if (!*out || *len > 0)
		return *out != NULL;
	free(*out);
	*out = NULL;
	return error_set(err, ERROR_MALFORMED, 0, "%s: the file is empty",
			 path);
}

static bool read_keys(struct sync_child *c, struct error *err)
{
	const struct sync_job *job = c->job;

	c->keys = calloc(job->item_count + 1, sizeof(*c->keys));
	c->key_lens = calloc(job->item_count + 1, sizeof(*c->key_lens));
	c->got = calloc(job->item_count + 1, sizeof(*c->got));
	if (!c->keys || !c->key_lens || !c->got)
		return error_set(err, ERROR_SYSTEM, ENOMEM, "cannot download");
	for (size_t i = 0; i < job->item_count; i++)
		if (job->items[i].key &&
		    !read_small(job->items[i].key, &c->keys[i], &c->key_lens[i],
				err))
			return false;
	return true;
}

/* Root becomes somebody else, where it may. */
static void find_user(struct sync_child *c)
{
	struct passwd *user;

	if (geteuid() != 0 || !tool_has_capability(CAP_SETUID) ||
	    !tool_has_capability(CAP_SETGID) || !tool_has_capability(CAP_CHOWN))
		return;
	user = getpwnam(CHILD_USER);
	if (!user)
		user = getpwnam(CHILD_NOBODY);
	if (!user || user->pw_uid == 0)
		return;
	c->change = true;
	c->uid = user->pw_uid;
	c->gid = user->pw_gid;
}

static int open_cache(const char *state_dir, char path[4096], struct error *err)
{
	int fd = -1;

	if (snprintf(path, 4096, "%s/" CACHE_FOLDER, state_dir) < 4096)
		fd = open(path,
			  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		error_set(err, ERROR_SYSTEM, errno, "%s", path);
	return fd;
}

/* The user's that the child becomes, and of group root: where root may not change
 * users and has no capability over files, it can still write there. */
static bool give_away(struct sync_child *c, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(c->cache, &st) == 0 && st.st_uid == c->uid)
		return true;
	(void)fchmod(c->cache, 0775); /* may be a third user's */
	if (fchown(c->cache, c->uid, 0) == 0)
		return true;
	return error_set(err, ERROR_SYSTEM, errno, "%s: cannot give it away",
			 path);
}

static bool make_cache(struct sync_child *c, struct error *err)
{
	char path[4096];

	c->cache = -1;
	if (c->job->item_count == 0)
		return true;
	snprintf(path, sizeof(path), "%s/" CACHE_FOLDER, c->job->state_dir);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return error_set(err, ERROR_SYSTEM, errno,
				 "%s: cannot make the folder", path);
	c->cache = open_cache(c->job->state_dir, path, err);
	return c->cache >= 0 && (!c->change || give_away(c, path, err));
}

int sync_cache_open(const char *state_dir, const char *name, struct error *err)
{
	char path[4096];
	int folder = open_cache(state_dir, path, err), fd;
	struct stat st;

	if (folder < 0)
		return -1;
	fd = openat(folder, name,
		    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	close(folder);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	error_set(err, ERROR_SYSTEM, fd < 0 ? errno : EINVAL, "%s/%s", path,
		  name);
	if (fd >= 0)
		close(fd);
	return -1;
}

static void clear(struct sync_child *c)
{
	for (size_t i = 0; c->keys && i < c->job->item_count; i++)
		free(c->keys[i]);
	free(c->keys);
	free(c->key_lens);
	free(c->got);
	free(c->ca);
	if (c->cache >= 0)
		close(c->cache);
	if (c->table >= 0)
		close(c->table);
}

static bool prepare(struct sync_child *c, struct error *err)
{
	find_user(c);
	if (!read_keys(c, err) || !make_cache(c, err))
		return false;
	if (c->job->item_count > 0 && c->job->ca_file &&
	    !read_small(c->job->ca_file, &c->ca, &c->ca_len, err))
		return false;
	c->table = memfd_create("geoblock-table", MFD_CLOEXEC);
	return c->table >= 0 ||
	       error_set(err, ERROR_SYSTEM, errno, "memfd_create");
}

/* ---- the child ------------------------------------------------------------------ */

static void no_stdio(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* what a sanitizer has to say is said on stderr */
	for (int i = 0; fd >= 0 && i < (getenv("ASAN_OPTIONS") ? 2 : 3); i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
}

static bool work(struct sync_child *c, struct error *err)
{
	if (!sync_sandbox(c, err))
		return false;
	for (size_t i = 0; i < c->job->item_count; i++)
		cache_begin(c, i);
	if (c->job->item_count > 0 && !c->job->offline &&
	    !sync_fetch_all(c, err))
		return false;
	return sync_read_all(c, err);
}

static void child_main(struct sync_child *c)
{
	struct sync_message message = { .kind = MESSAGE_WARN };
	struct error err = { 0 };

	no_stdio();
	if (work(c, &err))
		_exit(0);
	snprintf(message.text, sizeof(message.text), "%s", err.text);
	sync_child_say(c, &message);
	_exit(1);
}

/* ---- the parent ------------------------------------------------------------------ */

static void show_progress(const struct sync_heard *h)
{
	char line[400];
	int used = 0;

	for (size_t i = 0; i < h->job->item_count && used < 320; i++) {
		const struct fetch_item *item = &h->job->items[i];
		const char *name = item->registry != REGISTRY_NONE
					   ? geo_registry_name(item->registry)
					   : item->name;

		if (h->now[i] == 0)
			continue;
		used += snprintf(line + used, sizeof(line) - (size_t)used,
				 "%s%.20s %.1f", used ? "  " : "", name,
				 (double)h->now[i] / 1e6);
		if (h->total[i] > 0)
			used += snprintf(line + used,
					 sizeof(line) - (size_t)used, "/%.1f",
					 (double)h->total[i] / 1e6);
		used += snprintf(line + used, sizeof(line) - (size_t)used,
				 " MB");
	}
	if (used > 0)
		fprintf(stderr, "\r%s\033[K", line);
	fflush(stderr);
}

/* One message more than fits is one that is too long. */
static bool hear(struct sync_heard *h, int fd, bool *end, struct error *err)
{
	union {
		struct sync_message message;
		char bytes[sizeof(struct sync_message) + 1];
	} buf;
	ssize_t n = recv(fd, &buf, sizeof(buf.bytes), 0);

	*end = n == 0;
	if (n == 0 || (n < 0 && errno == EINTR))
		return true;
	if (n < 0)
		return error_set(err, ERROR_SYSTEM, errno,
				 "the process that downloads and reads");
	if (!sync_message_take(h, &buf, (size_t)n, err))
		return false;
	if (h->now && buf.message.kind == MESSAGE_PROGRESS)
		show_progress(h);
	return true;
}

/* Until the child has closed its end. */
static bool listen_to(struct sync_heard *h, int fd, struct error *err)
{
	int64_t limit = (h->job->file_count ? READ_MS : SAY_MS) +
			(h->job->item_count ? FETCH_LIMIT_MS : 0);
	int64_t until = tool_now_ms() + limit, now;
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	bool end = false;

	while (!end) {
		now = tool_now_ms();
		if (now >= until)
			return error_set(err, ERROR_LIMIT, 0,
					 "downloading and reading took more "
					 "than %lld minutes: given up",
					 (long long)limit / 60000);
		if (poll(&poll_fd, 1, (int)(until - now)) < 0 && errno != EINTR)
			return error_set(err, ERROR_SYSTEM, errno, "poll");
		if (poll_fd.revents != 0 && !hear(h, fd, &end, err))
			return false;
	}
	return true;
}

/* How it ended; killed first where it was not heard out. */
static bool bury(pid_t pid, bool ok, struct error *err)
{
	int status = tool_child_end(pid, ok ? END_MS : 0);

	if (!ok)
		return false;
	if (WIFSIGNALED(status))
		return error_set(err, ERROR_SYSTEM, 0,
				 "the process that downloads and reads died "
				 "of signal %d (%s): nothing of it is used",
				 WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) != 0)
		return error_set(err, ERROR_SYSTEM, 0,
				 "the process that downloads and reads gave "
				 "up: nothing of it is used");
	return true;
}

static bool converse(struct sync_child *c, struct sync_heard *h, int fd,
		     pid_t pid, struct error *err)
{
	if (!bury(pid, listen_to(h, fd, err), err))
		return false;
	if (!h->done)
		return error_set(err, ERROR_MALFORMED, 0,
				 "the process that downloads and reads ended "
				 "before it was done");
	return c->job->file_count == 0 ||
	       geo_table_receive(&c->job->table, c->table, err);
}

static bool run(struct sync_child *c, struct error *err)
{
	struct sync_heard h = { .job = c->job };
	int ends[2];
	bool ok;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(err, ERROR_SYSTEM, errno, "socketpair");
	if (c->job->progress) {
		h.now = calloc(c->job->item_count + 1, sizeof(*h.now));
		h.total = calloc(c->job->item_count + 1, sizeof(*h.total));
	}
	c->parent = getpid();
	c->out = ends[1];
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		child_main(c);
	}
	close(ends[1]);
	ok = pid > 0 ? converse(c, &h, ends[0], pid, err)
		     : error_set(err, ERROR_SYSTEM, errno, "fork");
	if (h.now && h.total && c->job->progress)
		fputs("\r\033[K", stderr);
	free(h.now);
	free(h.total);
	close(ends[0]);
	return ok;
}

bool sync_child_run(struct sync_job *job, struct error *err)
{
	struct sync_child c = { .job = job, .cache = -1, .table = -1 };
	bool ok;

	for (size_t i = 0; i < job->item_count; i++) {
		job->items[i].state = FETCH_FAILED;
		job->items[i].late = false;
		job->items[i].url[0] = job->items[i].why[0] = '\0';
	}
	for (size_t i = 0; i < job->file_count; i++)
		job->files[i].ok = false;
	job->table = (struct geo_table){ 0 };
	ok = prepare(&c, err) && run(&c, err);
	clear(&c);
	return ok;
}
