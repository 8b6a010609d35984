// SPDX-License-Identifier: GPL-2.0-or-later
/* A socket's name in a folder that may be somebody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/local_socket.h"

static char folder[] = "/tmp/geoblock-socket-XXXXXX";
static char path[64], target[64];

static int listen_with(mode_t mode)
{
	struct error err = { 0 };
	int fd = local_socket_listen(path, mode, (gid_t)-1, 4, &err);

	if (fd < 0)
		fail_msg("%s", err.text);
	return fd;
}

static void assert_refused(const char *what)
{
	struct error err = { 0 };

	assert_int_equal(local_socket_listen(path, 0600, (gid_t)-1, 4, &err),
			 -1);
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, what));
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(name, &st), 0);
	return st.st_mode & 0777;
}

/* Nothing happens to the name after it is there: no moment in which it is open to
 * more, and none for a link in its place to be changed instead. */
static void test_mode(void **state)
{
	static const mode_t modes[] = { 0600, 0660, 0666 };
	mode_t before = umask(027);
	int watch = inotify_init1(IN_NONBLOCK);
	char event[512];

	(void)state;
	assert_true(inotify_add_watch(watch, folder, IN_ATTRIB) >= 0);
	for (size_t i = 0; i < 3; i++) {
		int fd = listen_with(modes[i]);

		assert_int_equal(mode_of(path), modes[i]);
		assert_int_equal(read(watch, event, sizeof(event)), -1);
		close(fd);
		unlink(path);
		while (read(watch, event, sizeof(event)) > 0)
			;
	}
	assert_int_equal(umask(before), 027);
	close(watch);
}

static void test_in_the_way(void **state)
{
	int alive, fd;
	FILE *file;

	(void)state;
	alive = listen_with(0600);
	assert_refused("Address already in use");
	close(alive); /* now a dead one lies there */
	fd = listen_with(0666);
	assert_int_equal(mode_of(path), 0666);
	close(fd);
	unlink(path);

	file = fopen(path, "we");
	assert_non_null(file);
	fclose(file);
	assert_refused("Address already in use");
	assert_int_equal(unlink(path), 0);

	assert_int_equal(symlink(target, path), 0);
	assert_refused("Address already in use");
	assert_int_equal(access(target, F_OK), -1);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mode),
		cmocka_unit_test(test_in_the_way),
	};
	int failed;

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/socket", folder);
	snprintf(target, sizeof(target), "%s/target", folder);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(folder);
	return failed;
}
