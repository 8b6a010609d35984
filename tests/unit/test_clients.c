// SPDX-License-Identifier: GPL-2.0-or-later
/* Clients of a stream socket, in a loop that is turned by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/clients.h"

/* A request is two bytes, its answer a hundred of the second one; "qq" is the last
 * of a connection. */
#define ANSWER 100

static enum clients_step answer(void *ctx, const char *in, size_t len,
				bool ended, size_t *used, char *out,
				size_t *answer_len)
{
	unsigned *count = ctx;

	(void)ended;
	if (len < 2)
		return CLIENTS_MORE;
	++*count;
	*used = 2;
	*answer_len = ANSWER;
	memset(out, in[1], ANSWER);
	return memcmp(in, "qq", 2) == 0 ? CLIENTS_HANG_UP : CLIENTS_ANSWERED;
}

static const struct clients_protocol together = { 2, ANSWER, false, answer };
static const struct clients_protocol apart = { 2, ANSWER, true, answer };

static char path[64];
static struct clients *clients;
static struct ev_loop *loop;
static unsigned asked, between;

static void count_between(void *ctx)
{
	++*(unsigned *)ctx;
}

static void start(const struct clients_protocol *protocol)
{
	struct error err = { 0 };

	asked = between = 0;
	if (!clients_open(&clients, path, 0640, (gid_t)-1, protocol, &asked,
			  &err))
		fail_msg("%s", err.text);
	loop = ev_loop_new(EVFLAG_AUTO);
	clients_start(clients, loop, count_between, &between);
}

static void stop(void)
{
	clients_close(clients);
	ev_loop_destroy(loop);
}

static void turn(int times)
{
	for (int i = 0; i < times; i++)
		ev_run(loop, EVRUN_NOWAIT);
}

static int dial(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(
		connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	ssize_t len = (ssize_t)strlen(text);

	assert_int_equal(send(fd, text, (size_t)len, MSG_NOSIGNAL), len);
}

static void test_turns(void **state)
{
	char got[4 * ANSWER];
	struct stat st;
	int fd[3];

	(void)state;
	start(&together);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	for (size_t i = 0; i < 3; i++)
		fd[i] = dial();
	turn(2);
	assert_int_equal(clients_stats(clients).now, 3);
	between = 0;
	for (size_t i = 0; i < 3; i++)
		say(fd[i], "1a1b1");
	turn(1);
	/* packets have their turn after each client, not after all of them */
	assert_int_equal(between, 3);
	assert_int_equal(asked, 6);
	say(fd[0], "c");
	turn(1);
	assert_int_equal(recv(fd[0], got, sizeof(got), 0), 3 * ANSWER);
	assert_int_equal(got[0], 'a');
	assert_int_equal(got[ANSWER], 'b');
	assert_int_equal(got[2 * ANSWER], 'c');
	for (size_t i = 0; i < 3; i++)
		close(fd[i]);
	turn(2);
	assert_int_equal(clients_stats(clients).now, 0);
	stop();
}

/* Who does not read is not read from; who reads again gets all of it. */
static void no_reader(const struct clients_protocol *protocol)
{
	unsigned sent = 0, before = 0;
	char got[16384];
	size_t all = 0;
	ssize_t n;
	int fd;

	start(protocol);
	fd = dial();
	turn(2);
	while (send(fd, "1x", 2, MSG_NOSIGNAL) == 2) {
		sent++;
		turn(1);
	}
	before = asked;
	turn(10);
	assert_int_equal(asked, before);
	assert_true(asked < sent);
	do {
		n = recv(fd, got, sizeof(got), 0);
		all += n > 0 ? (size_t)n : 0;
		turn(2);
	} while (n > 0);
	assert_int_equal(asked, sent);
	assert_int_equal(all, sent * ANSWER);
	/* and the connection goes on */
	say(fd, "1y");
	turn(2);
	assert_int_equal(recv(fd, got, sizeof(got), 0), ANSWER);
	close(fd);
	stop();
}

static void test_no_reader(void **state)
{
	(void)state;
	no_reader(&together);
	no_reader(&apart);
}

static void test_ends(void **state)
{
	char got[4 * ANSWER];
	int fd;

	(void)state;
	start(&apart);
	fd = dial();
	say(fd, "1aqq1b"); /* what follows the last one is not looked at */
	turn(3);
	assert_int_equal(recv(fd, got, sizeof(got), 0), 2 * ANSWER);
	assert_int_equal(got[ANSWER], 'q');
	assert_true(recv(fd, got, sizeof(got), 0) <= 0);
	assert_int_equal(asked, 2);
	assert_int_equal(clients_stats(clients).now, 0);
	close(fd);
	fd = dial();
	say(fd, "1a1"); /* half a request, and the end */
	shutdown(fd, SHUT_WR);
	turn(3);
	assert_int_equal(recv(fd, got, sizeof(got), 0), ANSWER);
	assert_int_equal(recv(fd, got, sizeof(got), 0), 0);
	assert_int_equal(clients_stats(clients).now, 0);
	close(fd);
	stop();
}

/* All slots, by one user, who has just asked: newcomers are turned away. */
static void test_share(void **state)
{
	int fd[CLIENTS_OF_USER_MAX + 3];
	char got[ANSWER];

	(void)state;
	start(&together);
	for (size_t i = 0; i < CLIENTS_OF_USER_MAX + 3; i++) {
		fd[i] = dial();
		turn(1);
	}
	turn(2);
	assert_int_equal(clients_stats(clients).now, CLIENTS_OF_USER_MAX);
	assert_int_equal(clients_stats(clients).refused, 3);
	say(fd[0], "1a");
	turn(2);
	assert_int_equal(recv(fd[0], got, sizeof(got), 0), ANSWER);
	assert_int_equal(recv(fd[CLIENTS_OF_USER_MAX], got, 1, 0), 0);
	for (size_t i = 0; i < CLIENTS_OF_USER_MAX + 3; i++)
		close(fd[i]);
	stop();
}

static void test_path(void **state)
{
	struct error err = { 0 };
	char name[200];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_false(clients_open(&clients, name, 0600, (gid_t)-1, &apart,
				  &asked, &err));
	assert_non_null(strstr(err.text, "longer than"));
	assert_null(clients);
	assert_false(clients_open(&clients, "/nowhere/socket", 0600, (gid_t)-1,
				  &apart, &asked, &err));
	assert_non_null(strstr(err.text, "/nowhere/socket"));
	clients_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns), cmocka_unit_test(test_no_reader),
		cmocka_unit_test(test_ends),  cmocka_unit_test(test_share),
		cmocka_unit_test(test_path),
	};
	char folder[] = "/tmp/geoblock-clients-XXXXXX";
	int failed;

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/socket", folder);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(folder);
	return failed;
}
