// SPDX-License-Identifier: GPL-2.0-or-later
/* Writing an image into the state folder: the old one or the new one at any
 * instant, nothing left behind, and an error that says what to do.
 *
 * The instants are the system calls: a writer under ptrace(2) is killed before
 * its first, its second … until one gets through, so none is left to luck. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <geoblock/image.h>

#include "tests/unit/image_table.h"

static char folder[64];
static struct geo_table tables[3];

static const char *const lists[][8] = {
	{ "10.0.0.0/24 US", "2001:db8::/32 US", NULL },
	{ "10.0.0.0/24 CA", "2001:db8::/32 CA", NULL },
	{ "10.0.0.0/24 MX", "2001:db8::/32 MX", NULL },
};

static const char *at(const char *name)
{
	static char buf[2][400];
	static int turn;

	turn = !turn;
	snprintf(buf[turn], sizeof(buf[turn]), "%s/%s", folder, name);
	return buf[turn];
}

static void write_table(int which, bool want_changed)
{
	struct error err = { 0 };
	bool changed = !want_changed;

	if (!image_write(folder, &tables[which], 1000, &changed, &err))
		fail_msg("%s", err.text);
	assert_int_equal(changed, want_changed);
}

/* Which table an image in the folder was made from; -1: none, -2: damaged. */
static int which(const char *name)
{
	struct error err = { 0 };
	struct image *image;
	country_t cc;

	if (!image_open(&image, at(name), IMAGE_CHECK_ALL, &err))
		return err.sys_errno == ENOENT ? -1 : -2;
	cc = image_country4(image, 0x0a000001);
	image_close(image);
	return cc == COUNTRY('U', 'S') ? 0 : cc == COUNTRY('C', 'A') ? 1 : 2;
}

static int newest(void)
{
	struct image *image;
	country_t cc;

	if (!image_open_newest(&image, folder, IMAGE_CHECK_ALL, NULL, NULL))
		return -1;
	cc = image_country4(image, 0x0a000001);
	image_close(image);
	return cc == COUNTRY('U', 'S') ? 0 : cc == COUNTRY('C', 'A') ? 1 : 2;
}

static size_t entries(void)
{
	DIR *dir = opendir(folder);
	struct dirent *e;
	size_t n = 0;

	assert_non_null(dir);
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void empty_folder(void)
{
	DIR *dir = opendir(folder);
	struct dirent *e;

	assert_non_null(dir);
	while ((e = readdir(dir)))
		if (e->d_name[0] != '.')
			unlink(at(e->d_name));
	closedir(dir);
}

static void spoil(const char *name)
{
	assert_int_equal(truncate(at(name), 300), 0);
}

static void touch(const char *name)
{
	int fd = open(at(name), O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	close(fd);
}

/* ---- the order of things
 * ------------------------------------------------------- */

static void test_turns(void **state)
{
	(void)state;
	write_table(0, true);
	assert_int_equal(which(IMAGE_NAME), 0);
	assert_int_equal(which(IMAGE_NAME_PREVIOUS), -1);
	write_table(1, true);
	assert_int_equal(which(IMAGE_NAME), 1);
	assert_int_equal(which(IMAGE_NAME_PREVIOUS), 0);
	write_table(2, true);
	assert_int_equal(which(IMAGE_NAME), 2);
	assert_int_equal(which(IMAGE_NAME_PREVIOUS), 1);
	assert_int_equal(entries(), 2);
}

static void test_unchanged(void **state)
{
	struct stat before, after;

	(void)state;
	write_table(0, true);
	assert_int_equal(stat(at(IMAGE_NAME), &before), 0);
	write_table(0, false);
	assert_int_equal(stat(at(IMAGE_NAME), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(entries(), 1);
}

/* A damaged current image must not push out the previous one, the only good
 * one; and is replaced even by the data it was made from. */
static void test_damaged_current(void **state)
{
	(void)state;
	write_table(0, true);
	write_table(1, true);
	spoil(IMAGE_NAME);
	write_table(1, true);
	assert_int_equal(which(IMAGE_NAME), 1);
	assert_int_equal(which(IMAGE_NAME_PREVIOUS), 0);
	assert_int_equal(entries(), 2);
}

static void test_damaged_previous(void **state)
{
	(void)state;
	write_table(0, true);
	write_table(1, true);
	spoil(IMAGE_NAME_PREVIOUS);
	write_table(2, true);
	assert_int_equal(which(IMAGE_NAME), 2);
	assert_int_equal(which(IMAGE_NAME_PREVIOUS), 1);
}

/* A run that ended between its two renames leaves one file under both names. */
static void test_same_file(void **state)
{
	(void)state;
	write_table(0, true);
	assert_int_equal(link(at(IMAGE_NAME), at(IMAGE_NAME_PREVIOUS)), 0);
	write_table(1, true);
	assert_int_equal(which(IMAGE_NAME), 1);
	assert_int_equal(which(IMAGE_NAME_PREVIOUS), 0);
	assert_int_equal(entries(), 2);
}

static void test_left_over(void **state)
{
	static const char *const ours[] = { "geo.img.tmp.1",
					    "geo.img.tmp.99999999999",
					    "geo.img.tmp.12.prev" };
	static const char *const others[] = {
		"geo.img.tmp.",        "geo.img.tmp.1x", "geo.img.tmp.1.pre",
		"geo.img.tmp.1.prev2", "geo.img.tmp",    "geo.img.bak"
	};

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < 3; i++)
			touch(ours[i]);
		for (size_t i = 0; i < 6; i++)
			touch(others[i]);
		/* also where there is nothing else to do */
		write_table(0, round == 0);
		for (size_t i = 0; i < 3; i++)
			assert_int_equal(access(at(ours[i]), F_OK), -1);
		for (size_t i = 0; i < 6; i++)
			assert_int_equal(access(at(others[i]), F_OK), 0);
	}
	assert_int_equal(entries(), 7);
}

static void test_mode(void **state)
{
	mode_t was = umask(0077);
	struct stat st;

	(void)state;
	write_table(0, true);
	umask(was);
	assert_int_equal(stat(at(IMAGE_NAME), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
}

/* A mapping outlives its file's name: readers are never pulled from under. */
static void test_open_while_replaced(void **state)
{
	struct image *image;

	(void)state;
	write_table(0, true);
	assert_true(image_open(&image, at(IMAGE_NAME), IMAGE_CHECK_ALL, NULL));
	write_table(1, true);
	write_table(2, true);
	write_table(1, true);
	assert_int_equal(image_country4(image, 0x0a000001), COUNTRY('U', 'S'));
	image_close(image);
}

/* ---- refusals
 * --------------------------------------------------------------------- */

static void refused(const char *dir, int code, const char *why)
{
	struct error err = { 0 };
	bool changed = true;

	assert_false(image_write(dir, &tables[1], 1, &changed, &err));
	assert_false(changed);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_int_equal(err.sys_errno, code);
	if (!strstr(err.text, why) || !strstr(err.text, dir))
		fail_msg("\"%s\" does not say \"%s\" or where", err.text, why);
}

/* Anybody can lock a folder that he may read. */
static void test_locked_folder(void **state)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY);

	(void)state;
	write_table(0, true);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	write_table(1, true);
	assert_int_equal(which(IMAGE_NAME), 1);
	close(fd);
}

static void test_no_folder(void **state)
{
	(void)state;
	refused("/nonexistent/geoblock", ENOENT, "make the folder");
	refused("/dev/null", ENOTDIR, "cannot open");
}

/* Runs a check in a child of its own; it reports by its exit status. */
static void in_child(void (*check)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		check();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define CHECK(ok)                                                              \
	do {                                                                   \
		if (!(ok)) {                                                   \
			fprintf(stderr, "# line %d: %s\n", __LINE__, #ok);     \
			_exit(1);                                              \
		}                                                              \
	} while (0)

static void expect(int code, const char *why)
{
	struct error err = { 0 };
	bool changed;

	CHECK(!image_write(folder, &tables[1], 1, &changed, &err));
	fprintf(stderr, "# %s\n", err.text);
	CHECK(!changed && err.sys_errno == code && strstr(err.text, why));
	CHECK(which(IMAGE_NAME) == 0 && which(IMAGE_NAME_PREVIOUS) == -1);
}

static void without_right(void)
{
	if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
		_exit(77);
	expect(EACCES, "run as the user who may write there");
}

static void test_no_right(void **state)
{
	(void)state;
	write_table(0, true);
	assert_int_equal(chmod(folder, 0555), 0);
	in_child(without_right);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(entries(), 1);
}

/* A file system of the child's own over the folder; 77: not allowed here. */
static void private_mount(const char *options)
{
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", folder, "tmpfs", 0, options) != 0)
		_exit(77);
}

static size_t entries_in_child(void)
{
	DIR *dir = opendir(folder);
	struct dirent *e;
	size_t n = 0;

	CHECK(dir);
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void on_full_disk(void)
{
	char zeros[4096] = "";
	bool changed;
	int fd;

	private_mount("size=64k");
	CHECK(image_write(folder, &tables[0], 1, &changed, NULL));
	fd = open(at("ballast"), O_WRONLY | O_CREAT, 0600);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	expect(ENOSPC, "make room");
	CHECK(entries_in_child() == 2);
	/* and with room again it goes on */
	CHECK(ftruncate(fd, 0) == 0);
	CHECK(image_write(folder, &tables[1], 1, &changed, NULL) && changed);
	CHECK(which(IMAGE_NAME) == 1 && which(IMAGE_NAME_PREVIOUS) == 0);
}

static void test_full_disk(void **state)
{
	(void)state;
	in_child(on_full_disk);
}

static void on_read_only(void)
{
	bool changed;

	private_mount("size=64k");
	CHECK(image_write(folder, &tables[0], 1, &changed, NULL));
	CHECK(mount("none", folder, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
	expect(EROFS, "writable");
}

static void test_read_only(void **state)
{
	(void)state;
	in_child(on_read_only);
}

/* ---- no hard links
 * ----------------------------------------------------------------- */

/* From here on link(2) fails as it does on FAT. */
static bool forbid_links(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_linkat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = 4, .filter = code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void without_links(void)
{
	bool changed;

	if (!forbid_links())
		_exit(77);
	for (int i = 0; i < 3; i++) {
		CHECK(image_write(folder, &tables[i], 1, &changed, NULL));
		CHECK(changed);
		CHECK(which(IMAGE_NAME) == i);
		CHECK(which(IMAGE_NAME_PREVIOUS) == i - 1);
	}
	CHECK(entries_in_child() == 2);
}

static void test_no_links(void **state)
{
	(void)state;
	in_child(without_links);
}

/* ---- killed at every system call
 * ------------------------------------------------ */

/* Let the child run to its nth stop at a system call (entries and returns both
 * stop) and kill it there.  False: it ended before. */
static bool kill_at(pid_t pid, int n)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return false;
	for (int i = 0; i < n; i++) {
		if (ptrace(PTRACE_SYSCALL, pid, 0, 0) != 0 ||
		    waitpid(pid, &status, 0) != pid)
			return false;
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return false;
		}
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return true;
}

static pid_t traced_writer(int table, bool links)
{
	pid_t pid = fork();
	bool changed;

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	if ((!links && !forbid_links()) || ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
		_exit(77);
	raise(SIGSTOP);
	_exit(image_write(folder, &tables[table], 1, &changed, NULL) ? 0 : 1);
}

static void killed_everywhere(bool links)
{
	int instants = 0, left = 0;

	for (bool killed = true; killed; instants++) {
		int found;

		empty_folder();
		write_table(0, true);
		write_table(1, true);
		killed = kill_at(traced_writer(2, links), instants);
		/* the old state or the new one, and never less */
		found = which(IMAGE_NAME);
		if (links)
			assert_in_range(found, 1, 2);
		else
			assert_int_not_equal(found, -2);
		assert_in_range(newest(), 1, 2);
		assert_int_equal(which(IMAGE_NAME_PREVIOUS) == -2, 0);
		left += entries() > 2;
		/* the next run carries on, and clears up */
		assert_true(
			image_write(folder, &tables[0], 1, &(bool){ 0 }, NULL));
		assert_int_equal(which(IMAGE_NAME), 0);
		assert_in_range(which(IMAGE_NAME_PREVIOUS), 1, 2);
		assert_int_equal(entries(), 2);
	}
	print_message("# killed at %d instants, %d left a file\n", instants,
		      left);
	if (instants == 1)
		skip(); /* no ptrace here */
	assert_true(instants > 40 && left > 10);
}

static void test_killed(void **state)
{
	(void)state;
	killed_everywhere(true);
}

static void test_killed_without_links(void **state)
{
	(void)state;
	killed_everywhere(false);
}

/* Readers meanwhile: at no moment is there no image. */
static void test_readers(void **state)
{
	pid_t pid;
	int status = 0;

	(void)state;
	write_table(0, true);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		bool changed;

		for (int i = 0; i < 60; i++)
			CHECK(image_write(folder, &tables[(i + 1) % 3], 1,
					  &changed, NULL));
		_exit(0);
	}
	while (waitpid(pid, &status, WNOHANG) == 0)
		assert_true(which(IMAGE_NAME) >= 0);
	assert_int_equal(status, 0);
}

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/test-image-write-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	for (int i = 0; i < 3; i++)
		tables[i] = table_of(lists[i]);
	return chmod(folder, 0755);
}

static int teardown(void **state)
{
	(void)state;
	empty_folder();
	for (int i = 0; i < 3; i++)
		table_free(&tables[i]);
	return rmdir(folder);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_turns),
		TEST(test_unchanged),
		TEST(test_damaged_current),
		TEST(test_damaged_previous),
		TEST(test_same_file),
		TEST(test_left_over),
		TEST(test_mode),
		TEST(test_open_while_replaced),
		TEST(test_locked_folder),
		TEST(test_no_folder),
		TEST(test_no_right),
		TEST(test_full_disk),
		TEST(test_read_only),
		TEST(test_no_links),
		TEST(test_killed),
		TEST(test_killed_without_links),
		TEST(test_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
