// SPDX-License-Identifier: GPL-2.0-or-later
/* The questions to the DNS, in a child.
 *
 * What answers has to be taken apart by code that may be wrong, so that runs in a
 * process that could do nothing with it: no user's rights, no capability, no
 * file, few system calls.  It hands over each domain's answers as a text with its
 * length in front, the same that is kept in the state folder; the parent reads it
 * as it would a stranger's. */
#include "tools/sync_spf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <geoblock/write_all.h>

#include "tools/tool_dns.h"
#include "tools/tool_rights.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

#define QUESTION_MS 5000
#define RUN_MS      60000 /* for all domains */
#define END_MS      5000
#define NOBODY      65534

/* ---- the child ---- */

static enum spf_status ask(void *ctx, enum spf_question question,
			   const char *name, struct spf_answer *out)
{
	static const enum tool_dns_type types[] = {
		[SPF_ASK_TXT] = TOOL_DNS_TXT,
		[SPF_ASK_MX] = TOOL_DNS_MX,
		[SPF_ASK_A] = TOOL_DNS_A,
		[SPF_ASK_AAAA] = TOOL_DNS_AAAA,
	};
	struct tool_dns_answer answer;
	enum tool_dns_status status =
		tool_dns_ask(ctx, name, types[question], &answer);

	out->addrs = answer.addrs;
	out->texts = answer.texts;
	out->count = answer.count;
	memcpy(out->why, answer.why, sizeof(out->why));
	return status == TOOL_DNS_OK     ? SPF_ANSWERED
	       : status == TOOL_DNS_VOID ? SPF_VOID
					 : SPF_TROUBLE;
}

static const int calls[] = {
	/* the pipe, sockets */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(close),
	SCMP_SYS(fcntl),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(bind),
	SCMP_SYS(connect),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	/* memory */
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	/* time, ourselves */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(getrandom),
	SCMP_SYS(futex),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(sigaltstack), /* sanitizers */
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(tgkill),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

static const struct tool_condition conditions[] = {
	{ SCMP_SYS(socket), 0, UINT32_MAX, AF_INET },
	{ SCMP_SYS(socket), 0, UINT32_MAX, AF_INET6 },
	{ SCMP_SYS(mmap), 2, PROT_EXEC, 0 },
	{ SCMP_SYS(mprotect), 2, PROT_EXEC, 0 },
};

/* All that has to be opened is open by now. */
static bool give_up(struct error *err)
{
	/* who is not root has not even the right to become nobody */
	const struct tool_drop nobody = {
		.change = tool_has_capability(CAP_SETUID) &&
			  tool_has_capability(CAP_SETGID),
		.uid = NOBODY,
		.gid = NOBODY,
		.keep = -1,
	};
	const struct tool_filter filter = {
		.allowed = { { calls, LENGTH(calls) } },
		.conditions = { { conditions, LENGTH(conditions) } },
	};
	struct rlimit none = { 0, 0 }, cpu = { RUN_MS / 1000, RUN_MS / 1000 };

	if (setrlimit(RLIMIT_FSIZE, &none) != 0 ||
	    setrlimit(RLIMIT_CORE, &none) != 0 ||
	    setrlimit(RLIMIT_CPU, &cpu) != 0)
		return error_set(err, ERROR_SYSTEM, errno, "setrlimit");
	return tool_drop(&nobody, err) &&
	       tool_filter_load(&filter, rights_filter_kind(), err);
}

static bool hand_over(int fd, const struct spf_store *store)
{
	size_t len = 0;
	char *text = spf_store_text(store, &len);
	uint32_t size = (uint32_t)len;
	bool ok = text && write_all(fd, &size, sizeof(size)) &&
		  write_all(fd, text, len);

	free(text);
	return ok;
}

/* One domain, on its way as soon as it is known. */
static bool ask_domain(struct tool_dns *dns, const char *domain, int fd)
{
	struct spf_store store = { 0 };
	struct error err = { 0 };
	struct spf_entry *entry = spf_store_add(&store, domain, &err);
	bool ok = entry != NULL;

	if (ok && !spf_walk(domain, ask, dns, &entry->nets, &err))
		entry->failed = strdup(err.text);
	ok = ok && hand_over(fd, &store);
	spf_store_clear(&store);
	return ok;
}

static void __attribute__((noreturn))
child(const struct conf *conf, int fd, pid_t parent)
{
	struct tool_dns *dns = NULL;
	struct error err = { 0 };
	bool ok;

	/* no lock, no socket of the parent's */
	if (fd != 3)
		dup2(fd, 3);
	close_range(4, ~0u, 0);
	ok = prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
	     getppid() == parent &&
	     tool_dns_open(&dns, conf, QUESTION_MS, &err) && give_up(&err);
	if (!ok)
		dprintf(STDERR_FILENO, SYNC_NAME ": %s\n", err.text);
	for (size_t i = 0; ok && i < conf->spf_domain_count; i++)
		ok = ask_domain(dns, conf->spf_domains[i], 3);
	_exit(ok ? 0 : 1);
}

/* ---- the parent ---- */

/* Exactly len bytes by the deadline; 0 at the end, -1 and said otherwise. */
static int read_all(int fd, void *data, size_t len, int64_t until,
		    struct error *err)
{
	char *p = data;
	size_t got = 0;

	while (got < len) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		int64_t left = until - tool_now_ms();
		ssize_t n;

		if (left <= 0 || poll(&wait, 1, (int)left) == 0) {
			error_set(err, ERROR_SYSTEM, 0,
				  "the DNS took more than %d s", RUN_MS / 1000);
			return -1;
		}
		n = read(fd, p + got, len - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 && got == 0)
			return 0;
		if (n <= 0) {
			error_set(err, ERROR_SYSTEM, n < 0 ? errno : 0,
				  "the child that asks the DNS broke off");
			return -1;
		}
		got += (size_t)n;
	}
	return 1;
}

static bool is_asked(const struct conf *conf, const char *domain)
{
	for (size_t i = 0; i < conf->spf_domain_count; i++)
		if (strcmp(conf->spf_domains[i], domain) == 0)
			return true;
	return false;
}

/* The answers of one domain, as the child tells them. */
static bool take(const struct conf *conf, struct spf_store *out,
		 const char *text, size_t len, struct error *err)
{
	struct spf_store one;
	struct spf_entry *entry;
	bool ok;

	if (!spf_store_read(text, len, &one, err))
		return error_wrap(err, "the child that asks the DNS");
	ok = one.count == 1 && is_asked(conf, one.entries[0].domain) &&
	     !spf_store_find(out, one.entries[0].domain);
	if (!ok)
		error_set(err, ERROR_MALFORMED, 0,
			  "the child that asks the DNS: answers that nobody "
			  "asked for");
	entry = ok ? spf_store_add(out, one.entries[0].domain, err) : NULL;
	if (entry) { /* what it has moves */
		*entry = one.entries[0];
		one.count = 0;
	}
	spf_store_clear(&one);
	return entry != NULL;
}

static bool listen_to(const struct conf *conf, int fd, struct spf_store *out,
		      struct error *err)
{
	int64_t until = tool_now_ms() + RUN_MS;

	for (;;) {
		uint32_t size;
		char *text;
		int got = read_all(fd, &size, sizeof(size), until, err);
		bool ok;

		if (got <= 0)
			return got == 0;
		if (size > SPF_STORE_BYTES)
			return error_set(
				err, ERROR_MALFORMED, 0,
				"the child that asks the DNS: %u bytes "
				"of answers",
				size);
		text = malloc(size + 1);
		if (!text)
			return error_set(err, ERROR_LIMIT, 0, "out of memory");
		ok = read_all(fd, text, size, until, err) > 0 &&
		     take(conf, out, text, size, err);
		free(text);
		if (!ok)
			return false;
	}
}

bool sync_spf_ask(const struct conf *conf, struct spf_store *out,
		  struct error *err)
{
	int pipe_[2], status;
	pid_t parent = getpid(), pid;
	bool ok;

	memset(out, 0, sizeof(*out));
	if (pipe2(pipe_, O_CLOEXEC) < 0)
		return error_set(err, ERROR_SYSTEM, errno, "pipe");
	pid = fork();
	if (pid < 0) {
		close(pipe_[0]);
		close(pipe_[1]);
		return error_set(err, ERROR_SYSTEM, errno, "fork");
	}
	if (pid == 0)
		child(conf, pipe_[1], parent);
	close(pipe_[1]);
	ok = listen_to(conf, pipe_[0], out, err);
	close(pipe_[0]);
	status = tool_child_end(pid, ok ? END_MS : 0);
	if (ok && status != 0)
		ok = error_set(err, ERROR_SYSTEM, 0,
			       "the child that asks the DNS failed");
	return ok;
}
