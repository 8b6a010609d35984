// SPDX-License-Identifier: GPL-2.0-or-later
/* policy SOCKET ADDRESS TRIPLETS CONNECTIONS REQUESTS PAUSE_US - a mail server that asks
 * a policy service.
 *
 * CONNECTIONS at a time, each with one question under way, as smtpd(8) has it, until
 * REQUESTS were answered; with PAUSE_US between an answer and the next question.  Says
 *
 *	NS MEDIAN_NS P99_NS DUNNO PREPEND DEFER REJECT
 *
 * the time in all, how long an answer took, and what the answers were. */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1000
#define REQUESTS_MAX    10000000

static struct pollfd connections[CONNECTIONS_MAX];
static uint64_t asked[CONNECTIONS_MAX]; /* when, in ns */
static uint32_t *delays;
static unsigned long done, requests, answers[4];
static const char *address;
static unsigned long triplets, sent;

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void give_up(const char *why)
{
	perror(why);
	exit(1);
}

static void ask(size_t i)
{
	char text[1024];
	int len = snprintf(
		text, sizeof(text),
		"request=smtpd_access_policy\nprotocol_state=RCPT\n"
		"protocol_name=ESMTP\nclient_address=%s\n"
		"client_name=mail.example.net\nclient_port=%lu\n"
		"reverse_client_name=mail.example.net\n"
		"server_address=198.51.100.25\nserver_port=25\n"
		"helo_name=mail.example.net\nsender=user%lu@example.net\n"
		"recipient=bob@example.com\nrecipient_count=0\nqueue_id=\n"
		"instance=1f.%lx.0\nsize=0\netrn_domain=\nstress=\n"
		"sasl_method=\nsasl_username=\nsasl_sender=\n"
		"ccert_subject=\nccert_issuer=\nccert_fingerprint=\n"
		"ccert_pubkey_fingerprint=\n"
		"encryption_protocol=TLSv1.3\n"
		"encryption_cipher=TLS_AES_256_GCM_SHA384\n"
		"encryption_keysize=256\npolicy_context=\n\n",
		address, 1024 + sent % 60000, sent % triplets, sent);

	sent++;
	asked[i] = now();
	if (send(connections[i].fd, text, (size_t)len, MSG_NOSIGNAL) != len)
		give_up("send");
}

static void take(size_t i)
{
	static const char *const words[] = { "action=DUNNO", "action=PREPEND",
					     "action=DEFER", "action=REJECT" };
	char text[2048];
	ssize_t len = recv(connections[i].fd, text, sizeof(text) - 1, 0);

	if (len < 2 || memcmp(text + len - 2, "\n\n", 2) != 0)
		give_up("an answer");
	text[len] = '\0';
	for (size_t w = 0; w < 4; w++)
		if (strncmp(text, words[w], strlen(words[w])) == 0)
			answers[w]++;
	if (done < requests)
		delays[done] = (uint32_t)(now() - asked[i]);
	done++;
}

static int by_size(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int main(int argc, char **argv)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	unsigned long count, pause_us;
	uint64_t start;

	if (argc != 7 || strlen(argv[1]) >= sizeof(to.sun_path)) {
		fputs("usage: policy SOCKET ADDRESS TRIPLETS CONNECTIONS "
		      "REQUESTS PAUSE_US\n",
		      stderr);
		return 2;
	}
	memcpy(to.sun_path, argv[1], strlen(argv[1]));
	address = argv[2];
	triplets = strtoul(argv[3], NULL, 10);
	count = strtoul(argv[4], NULL, 10);
	requests = strtoul(argv[5], NULL, 10);
	pause_us = strtoul(argv[6], NULL, 10);
	if (triplets == 0 || count == 0 || count > CONNECTIONS_MAX ||
	    requests == 0 || requests > REQUESTS_MAX)
		return 2;
	delays = calloc(requests, sizeof(*delays));
	if (!delays)
		give_up("memory");
	for (size_t i = 0; i < count; i++) {
		connections[i].fd = socket(AF_UNIX, SOCK_STREAM, 0);
		connections[i].events = POLLIN;
		if (connect(connections[i].fd, (struct sockaddr *)&to,
			    sizeof(to)) != 0)
			give_up(argv[1]);
	}
	start = now();
	for (size_t i = 0; i < count; i++)
		ask(i);
	while (done < requests) {
		if (poll(connections, count, 10000) <= 0)
			give_up("no answer");
		for (size_t i = 0; i < count; i++) {
			if (!connections[i].revents)
				continue;
			take(i);
			if (pause_us)
				usleep((useconds_t)pause_us);
			ask(i);
		}
	}
	printf("%llu ", (unsigned long long)(now() - start));
	qsort(delays, requests, sizeof(*delays), by_size);
	printf("%u %u %lu %lu %lu %lu\n", delays[requests / 2],
	       delays[requests - 1 - requests / 100], answers[0], answers[1],
	       answers[2], answers[3]);
	return 0;
}
