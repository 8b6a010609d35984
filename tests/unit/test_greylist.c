// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/control.h"
#include "daemon/greylist_impl.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define DAY       86400u
#define T0        1000000u

static const struct conf_greylist rules = {
	.delay_s = 300,
	.window_s = 2 * DAY,
	.lifetime_s = 35 * DAY,
	.network4 = 24,
	.network6 = 64,
	.clients = 3,
};

/* ---- keys ---- */

static struct addr address(const char *text)
{
	struct addr addr;
	struct error err;

	assert_true(addr_parse(text, strlen(text), &addr, &err));
	return addr;
}

static struct greylist_key key_of(const char *client, const char *sender,
				  const char *recipient)
{
	struct addr addr = address(client);
	struct greylist_key net, key;

	greylist_client_key(&net, &rules, &addr);
	greylist_triplet_key(&key, &net, sender, recipient);
	return key;
}

static bool same_key(const char *client_a, const char *sender_a,
		     const char *client_b, const char *sender_b)
{
	struct greylist_key a = key_of(client_a, sender_a, "r@x.example");
	struct greylist_key b = key_of(client_b, sender_b, "R@X.example");

	return a.len == b.len && memcmp(a.bytes, b.bytes, a.len) == 0;
}

static void test_senders(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "a@example.com", "A@Example.COM", true },
		{ "a@example.com", "b@example.com", false },
		{ "a@example.com", "a@example.org", false },
		{ "", "", true },
		{ "", "a@example.com", false },
		{ "", "@", false },
		{ "a", "a@", false },
		{ "a+x@example.com", "a+y@example.com", true },
		{ "a+x@example.com", "a@example.com", true },
		{ "a+x@example.com", "b+x@example.com", false },
		{ "+x@example.com", "+y@example.com", false },
		{ "news-123-r=x.example@l.example",
		  "news-9876-r=x.example@l.example", true },
		{ "news-123-r=x.example@l.example",
		  "news-123-q=x.example@l.example", false },
		{ "news-1a2b@l.example", "news-ff03@l.example", true },
		{ "prvs=1234abcdef=a@example.com",
		  "prvs=9876543210=a@example.com", true },
		{ "prvs=1234abcdef=a@example.com",
		  "prvs=1234abcdef=b@example.com", false },
		{ "SRS0=HHHH=TT=o.example=a@f.example",
		  "srs0=Abcd=Qz=o.example=a@f.example", true },
		{ "SRS0=HHHH=TT=o.example=a@f.example",
		  "SRS0=HHHH=TT=o.example=b@f.example", false },
		{ "SRS0+HHHH=TT=o.example=a@f.example",
		  "SRS0+abcd=qz=o.example=a@f.example", true },
		{ "SRS1=HHHH=g.example==HHH=TT=o.example=a@f.example",
		  "SRS1=abcd=g.example==HHH=TT=o.example=a@f.example", true },
		{ "SRS0=", "SRS0=x", false },
		{ "a1@1.example", "a1@2.example", false },
		{ "\xff\xfe@x", "\xff\xfd@x", false },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++)
		if (same_key("192.0.2.1", cases[i].a, "192.0.2.1",
			     cases[i].b) != cases[i].same)
			fail_msg("%s and %s: not %d", cases[i].a, cases[i].b,
				 cases[i].same);
}

static void test_networks(void **state)
{
	static const char *const s = "a@example.com";
	struct greylist_key key = key_of("192.0.2.77", s, s);
	enum greylist_kind kind;
	struct addr net;

	(void)state;
	assert_true(same_key("192.0.2.1", s, "192.0.2.255", s));
	assert_false(same_key("192.0.2.1", s, "192.0.3.1", s));
	assert_true(same_key("2001:db8::1", s, "2001:db8::ffff:1", s));
	assert_false(same_key("2001:db8::1", s, "2001:db8:0:1::1", s));
	assert_true(greylist_key_network(&key, &net, &kind));
	assert_int_equal(kind, GREYLIST_TRIPLET);
	assert_int_equal(net.family, 4);
	assert_true(net.value == 0xc0000200);
	key.len--;
	assert_false(greylist_key_network(&key, &net, &kind));
	memset(&key, 0, sizeof(key));
	assert_false(greylist_key_network(&key, &net, &kind));
}

/* Where sender ends and recipient begins is part of the key, and so is a length
 * that a stranger chose. */
static void test_long_addresses(void **state)
{
	static char a[60000], b[60000];
	struct greylist_key ka, kb;
	char text[GREYLIST_TEXT_MAX];

	(void)state;
	ka = key_of("192.0.2.1", "ab", "c");
	kb = key_of("192.0.2.1", "a", "bc");
	assert_memory_not_equal(ka.bytes, kb.bytes, sizeof(ka.bytes));
	memset(a, 'a', sizeof(a) - 1);
	memset(b, 'a', sizeof(b) - 1);
	b[sizeof(b) - 2] = 'b';
	ka = key_of("192.0.2.1", a, "r");
	kb = key_of("192.0.2.1", b, "r");
	assert_memory_not_equal(ka.bytes, kb.bytes, sizeof(ka.bytes));
	greylist_text(text, a);
	assert_int_equal(strlen(text), GREYLIST_TEXT_MAX - 1);
	memcpy(a + GREYLIST_TEXT_MAX - 2, "\xc3\xbc", 2); /* in the cut */
	greylist_text(text, a);
	assert_int_equal(strlen(text), GREYLIST_TEXT_MAX - 2);
}

/* ---- the rules ---- */

static enum greylist_answer step(struct greylist_record *r, bool known,
				 uint64_t now, uint32_t wait)
{
	struct greylist_result result;
	uint64_t before[] = { r->passed, r->first, r->last, r->expires };
	bool changed = greylist_step(&rules, r, known, now, &result);

	assert_int_equal(result.wait_s, wait);
	assert_int_equal(changed, before[0] != r->passed ||
					  before[1] != r->first ||
					  before[2] != r->last ||
					  before[3] != r->expires);
	assert_true(r->expires <= now + rules.lifetime_s);
	return result.answer;
}

static void test_step(void **state)
{
	struct greylist_record r = { 0 };

	(void)state;
	assert_int_equal(step(&r, false, T0, 300), GREYLIST_NEW);
	assert_int_equal(step(&r, true, T0, 300), GREYLIST_EARLY);
	assert_int_equal(step(&r, true, T0 + 299, 1), GREYLIST_EARLY);
	assert_int_equal(step(&r, true, T0 + 300, 0), GREYLIST_PASSED);
	assert_int_equal(step(&r, true, T0 + 301, 0), GREYLIST_KNOWN);
	assert_int_equal(step(&r, true, T0 + 300 + 35 * DAY - 1, 0),
			 GREYLIST_KNOWN);
	assert_int_equal(step(&r, true, T0 + 300 + 70 * DAY - 2, 0),
			 GREYLIST_KNOWN);
	assert_int_equal(step(&r, true, T0 + 300 + 105 * DAY, 300),
			 GREYLIST_NEW);
}

static void test_window(void **state)
{
	struct greylist_record r = { 0 };

	(void)state;
	step(&r, false, T0, 300);
	assert_int_equal(step(&r, true, T0 + 2 * DAY, 300), GREYLIST_NEW);
	assert_int_equal(step(&r, true, T0 + 4 * DAY - 1, 0), GREYLIST_PASSED);
}

static void test_clock_back(void **state)
{
	struct greylist_record r = { 0 };

	(void)state;
	step(&r, false, T0, 300);
	assert_int_equal(step(&r, true, T0 - 1000, 300), GREYLIST_EARLY);
	assert_int_equal(step(&r, true, T0 - 700, 0), GREYLIST_PASSED);
	assert_int_equal(step(&r, true, T0 - DAY, 0), GREYLIST_KNOWN);
	assert_int_equal(r.expires, T0 - DAY + rules.lifetime_s);
	assert_int_equal(step(&r, true, 0, 0), GREYLIST_KNOWN);
}

static void check_same(const struct greylist_record *a,
		       const struct greylist_record *b)
{
	assert_int_equal(a->passed, b->passed);
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->first, b->first);
	assert_int_equal(a->last, b->last);
	assert_int_equal(a->expires, b->expires);
	assert_string_equal(a->sender, b->sender);
	assert_string_equal(a->recipient, b->recipient);
}

static void test_record(void **state)
{
	struct greylist_record r, out;
	uint8_t bytes[GREYLIST_RECORD_MAX + 1];
	size_t len;

	(void)state;
	memset(&r, 0, sizeof(r));
	r.passed = true;
	r.count = 7;
	r.first = T0;
	r.last = T0 + 1;
	r.expires = T0 + 2;
	strcpy(r.sender, "a@example.com");
	strcpy(r.recipient, "r@x.example");
	len = greylist_pack(&r, bytes);
	assert_true(greylist_unpack(bytes, len, &out));
	check_same(&r, &out);
	for (size_t i = 0; i <= sizeof(bytes); i++)
		assert_int_equal(greylist_unpack(bytes, i, &out), i == len);
	for (size_t i = 0; i < 4; i++) {
		bytes[i] ^= 0x80;
		assert_false(greylist_unpack(bytes, len, &out));
		bytes[i] ^= 0x80;
	}
	memset(r.sender, 's', sizeof(r.sender) - 1);
	memset(r.recipient, 'r', sizeof(r.recipient) - 1);
	len = greylist_pack(&r, bytes);
	assert_int_equal(len, GREYLIST_RECORD_MAX);
	assert_true(greylist_unpack(bytes, len, &out));
	check_same(&r, &out);
}

/* ---- the disk ---- */

/* As LMDB asks it: this fdatasync() is found before libc's.  No test here needs the
 * real one. */
static bool disk_hangs;
static bool disk_fails;
static bool disk_full; /* as LMDB is told: what was written is short */

static void disk_hang(bool hangs)
{
	__atomic_store_n(&disk_hangs, hangs, __ATOMIC_SEQ_CST);
}

int fdatasync(int fd)
{
	(void)fd;
	if (disk_fails) {
		errno = EIO;
		return -1;
	}
	while (__atomic_load_n(&disk_hangs, __ATOMIC_SEQ_CST))
		usleep(1000);
	return 0;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	return syscall(SYS_pwrite64, fd, data, len - disk_full, at);
}

ssize_t writev(int fd, const struct iovec *data, int count)
{
	ssize_t len = syscall(SYS_writev, fd, data, count);

	return len - disk_full;
}

/* Whoever sets one finds that it is over: what a disk takes is nobody's to say. */
unsigned alarm(unsigned seconds)
{
	if (seconds > 0)
		raise(SIGALRM);
	return 0;
}

/* ---- the database ---- */

struct folder {
	char path[64];
};

static int make_folder(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	disk_hang(false);
	disk_fails = disk_full = false;
	if (!folder)
		return -1;
	strcpy(folder->path, "/tmp/geoblock-greylist-XXXXXX");
	if (!mkdtemp(folder->path))
		return -1;
	*state = folder;
	return 0;
}

static int remove_folder(void **state)
{
	static const char *const names[] = { "greylist/data.mdb",
					     "greylist/lock.mdb",
					     "greylist/data.mdb.damaged",
					     "greylist", "" };
	struct folder *folder = *state;
	char path[128];

	for (size_t i = 0; i < LENGTH(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder->path, names[i]);
		if (unlink(path) != 0)
			rmdir(path);
	}
	free(folder);
	return 0;
}

static const struct greylist_limits small = {
	.map_size = 1000 * 2147, /* in the proportion of the real ones */
	.records = 1000,
};

static struct greylist_lmdb *open_lmdb(const struct folder *folder,
				       bool want_damaged)
{
	struct greylist_lmdb *lmdb;
	char path[128], damaged[256];
	struct error err;

	snprintf(path, sizeof(path), "%s/greylist", folder->path);
	if (!greylist_lmdb_open(&lmdb, path, &small, damaged, &err))
		fail_msg("%s", err.text);
	assert_int_equal(damaged[0] != '\0', want_damaged);
	return lmdb;
}

static struct greylist_key numbered_key(unsigned number)
{
	char recipient[32];

	snprintf(recipient, sizeof(recipient), "r%u@x.example", number);
	return key_of("192.0.2.1", "a@example.com", recipient);
}

static bool has_key(struct greylist_lmdb *lmdb, unsigned number)
{
	struct greylist_key key = numbered_key(number);
	struct greylist_record record;
	struct error err;
	bool found;

	assert_true(greylist_lmdb_get(lmdb, &key, &found, &record, &err));
	return found;
}

static void put_key(struct greylist_lmdb *lmdb, unsigned number,
		    uint64_t expires)
{
	struct greylist_key key = numbered_key(number);
	struct greylist_record record = { .first = 1, .expires = expires };
	struct error err;

	assert_true(greylist_lmdb_put(lmdb, &key, &record, &err));
}

static void test_lmdb(void **state)
{
	struct greylist_lmdb *lmdb = open_lmdb(*state, false), *second;
	char path[128], damaged[256];
	struct greylist_lmdb_stats stats;
	struct greylist_key key = numbered_key(2);
	struct error err;

	assert_true(greylist_lmdb_begin(lmdb, &err));
	for (unsigned i = 0; i < 10; i++)
		put_key(lmdb, i, 100 + i);
	put_key(lmdb, 0, 500); /* its first entry of `expiry` goes */
	assert_true(greylist_lmdb_forget(lmdb, &key, &err));
	assert_true(greylist_lmdb_forget(lmdb, &key, &err));
	assert_true(greylist_lmdb_commit(lmdb, &err));

	/* another process has to keep out */
	snprintf(path, sizeof(path), "%s/greylist",
		 ((struct folder *)*state)->path);
	assert_false(greylist_lmdb_open(&second, path, &small, damaged, &err));
	assert_non_null(strstr(err.text, "in use by another process"));

	greylist_lmdb_close(lmdb);
	lmdb = open_lmdb(*state, false);
	assert_true(greylist_lmdb_begin(lmdb, &err));
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(has_key(lmdb, i), i != 2);
	put_key(lmdb, 50, 50);
	greylist_lmdb_abort(lmdb);

	assert_true(greylist_lmdb_begin(lmdb, &err));
	assert_false(has_key(lmdb, 50));
	assert_true(greylist_lmdb_clean(lmdb, 104, 2, &err)); /* 1, 3 */
	assert_false(has_key(lmdb, 1));
	assert_false(has_key(lmdb, 3));
	assert_true(has_key(lmdb, 4));
	assert_true(greylist_lmdb_clean(lmdb, 104, 100, &err));
	assert_false(has_key(lmdb, 4));
	assert_true(has_key(lmdb, 5));
	assert_true(has_key(lmdb, 0));
	assert_true(greylist_lmdb_commit(lmdb, &err));
	assert_true(greylist_lmdb_stats(lmdb, &stats));
	assert_int_equal(stats.records, 6);
	greylist_lmdb_close(lmdb);
}

/* Beyond the limit those go that would have been forgotten first, and the map does
 * not fill up however long the texts are. */
static void test_limit(void **state)
{
	struct greylist_lmdb *lmdb = open_lmdb(*state, false);
	struct greylist_record record = { 0 };
	struct greylist_lmdb_stats stats;
	struct error err = { 0 };

	memset(record.sender, 's', sizeof(record.sender) - 1);
	memset(record.recipient, 'r', sizeof(record.recipient) - 1);
	for (unsigned i = 0; i < 6000; i++) {
		struct greylist_key key = numbered_key(i);

		if (i % 20 == 0)
			assert_true(greylist_lmdb_begin(lmdb, &err));
		record.expires = 1000 + i;
		assert_true(greylist_lmdb_put(lmdb, &key, &record, &err));
		assert_true(greylist_lmdb_clean(lmdb, 0, 2, &err));
		if (i % 20 == 19)
			assert_true(greylist_lmdb_commit(lmdb, &err));
	}
	assert_true(greylist_lmdb_begin(lmdb, &err));
	for (unsigned i = 0; i < 6000; i++)
		assert_int_equal(has_key(lmdb, i), i >= 5000);
	greylist_lmdb_abort(lmdb);
	assert_true(greylist_lmdb_stats(lmdb, &stats));
	assert_int_equal(stats.records, small.records);
	print_message("%.2f of the map\n",
		      (double)stats.bytes / (double)small.map_size);
	greylist_lmdb_close(lmdb);
}

/* A full map is an error that opening it anew mends. */
static void test_full(void **state)
{
	struct greylist_lmdb *lmdb = open_lmdb(*state, false);
	struct greylist_lmdb_stats stats;
	struct error err = { 0 };
	bool full = false;

	for (unsigned i = 0; !full && i < 60000; i++) {
		struct greylist_key key = numbered_key(i);
		struct greylist_record record = { .expires = 1000 + i };

		if (i % 100 == 0)
			assert_true(greylist_lmdb_begin(lmdb, &err));
		full = !greylist_lmdb_put(lmdb, &key, &record, &err) ||
		       (i % 100 == 99 && !greylist_lmdb_commit(lmdb, &err));
	}
	assert_true(full);
	assert_int_equal(err.kind, ERROR_LIMIT);
	greylist_lmdb_close(lmdb);
	lmdb = open_lmdb(*state, false);
	do {
		assert_true(greylist_lmdb_begin(lmdb, &err));
		assert_true(greylist_lmdb_shed(lmdb, 100, &err));
		assert_true(greylist_lmdb_commit(lmdb, &err));
		assert_true(greylist_lmdb_stats(lmdb, &stats));
	} while (stats.records > small.records);
	assert_true(greylist_lmdb_begin(lmdb, &err));
	put_key(lmdb, 5, 99999);
	assert_true(greylist_lmdb_commit(lmdb, &err));
	greylist_lmdb_close(lmdb);
}

/* Cut short, a commit is an I/O error to LMDB; and is none that happened. */
static void test_full_disk(void **state)
{
	struct greylist_lmdb *lmdb = open_lmdb(*state, false);
	struct error err;

	assert_true(greylist_lmdb_begin(lmdb, &err));
	put_key(lmdb, 1, 99999);
	assert_true(greylist_lmdb_commit(lmdb, &err));
	assert_true(greylist_lmdb_begin(lmdb, &err));
	put_key(lmdb, 2, 99999);
	disk_full = true;
	assert_false(greylist_lmdb_commit(lmdb, &err));
	assert_non_null(strstr(err.text, "or the disk is full"));
	disk_full = false;
	assert_true(greylist_lmdb_begin(lmdb, &err));
	assert_true(has_key(lmdb, 1));
	assert_false(has_key(lmdb, 2));
	put_key(lmdb, 3, 99999);
	assert_true(greylist_lmdb_commit(lmdb, &err));
	greylist_lmdb_close(lmdb);
}

/* The file, with what a dying disk or a careless hand may do to it. */
static void damage(const struct folder *folder, size_t at, int byte,
		   size_t count, bool cut)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/greylist/data.mdb", folder->path);
	f = fopen(path, "r+");
	assert_non_null(f);
	if (cut)
		assert_int_equal(ftruncate(fileno(f), (off_t)at), 0);
	fseek(f, (long)at, SEEK_SET);
	for (size_t i = 0; !cut && i < count; i++)
		fputc(byte, f);
	fclose(f);
}

static void test_damaged(void **state)
{
	static const struct {
		size_t at, count;
		int byte;
		bool cut, noticed;
	} cases[] = {
		{ 0, 8192, 0xff, false, true },         /* both heads */
		{ 8192, 4096 * 40, 0xff, false, true }, /* pages */
		{ 8192, 4096 * 40, 0, false, true },
		{ 8192, 0, 0, true, true },
		{ 100, 0, 0, true, true },
		{ 0, 0, 0, true, false }, /* empty: a new one */
	};
	struct greylist_lmdb *lmdb;
	struct error err;

	for (size_t i = 0; i < LENGTH(cases); i++) {
		lmdb = open_lmdb(*state, false);
		assert_true(greylist_lmdb_begin(lmdb, &err));
		for (unsigned j = 0; j < 900; j++)
			put_key(lmdb, j, 1000 + j);
		assert_true(greylist_lmdb_commit(lmdb, &err));
		greylist_lmdb_close(lmdb);
		damage(*state, cases[i].at, cases[i].byte, cases[i].count,
		       cases[i].cut);
		lmdb = open_lmdb(*state, cases[i].noticed);
		assert_true(greylist_lmdb_begin(lmdb, &err));
		assert_false(has_key(lmdb, 5));
		put_key(lmdb, 5, 99999);
		assert_true(greylist_lmdb_commit(lmdb, &err));
		greylist_lmdb_close(lmdb);
	}
}

/* A database is good or not, however long its disk takes. */
static void test_slow_start(void **state)
{
	struct greylist_lmdb *lmdb = open_lmdb(*state, false);
	struct error err;

	assert_true(greylist_lmdb_begin(lmdb, &err));
	put_key(lmdb, 5, 99999);
	assert_true(greylist_lmdb_commit(lmdb, &err));
	greylist_lmdb_close(lmdb);
	lmdb = open_lmdb(*state, false);
	assert_true(greylist_lmdb_begin(lmdb, &err));
	assert_true(has_key(lmdb, 5));
	greylist_lmdb_close(lmdb);
}

/* ---- the whole, in a loop ---- */

static struct conf *conf_in(const struct folder *folder)
{
	struct conf *conf = calloc(1, sizeof(*conf));

	assert_non_null(conf);
	conf->greylist = rules;
	conf->state_dir = strdup(folder->path);
	return conf;
}

static void free_conf(struct conf *conf)
{
	free(conf->state_dir);
	free(conf);
}

static struct greylist *open_hasty(struct conf *conf, struct ev_loop *loop)
{
	struct greylist *greylist;
	struct error err;

	if (!greylist_open(&greylist, conf, loop, &err))
		fail_msg("%s", err.text);
	return greylist;
}

/* One that waits for its disk, on however busy a machine. */
static struct greylist *open_greylist(struct conf *conf, struct ev_loop *loop)
{
	struct greylist *greylist = open_hasty(conf, loop);

	greylist->patience = UINT32_MAX;
	return greylist;
}

struct asked {
	struct ev_loop *loop;
	bool inside; /* greylist_check() has not returned */
	unsigned answers;
	struct greylist_result result;
};

static void on_answer(void *ctx, const struct greylist_result *result)
{
	struct asked *asked = ctx;

	assert_false(asked->inside);
	asked->answers++;
	asked->result = *result;
	ev_break(asked->loop, EVBREAK_ALL);
}

static struct greylist_result ask(struct greylist *greylist,
				  struct ev_loop *loop, const char *client,
				  const char *sender, const char *recipient,
				  bool regardless, uint64_t now)
{
	struct asked asked = { .loop = loop };
	struct greylist_triplet triplet = { address(client), sender, recipient,
					    regardless };

	asked.inside = true;
	greylist_check(greylist, &triplet, now, on_answer, &asked);
	asked.inside = false;
	while (asked.answers == 0)
		ev_run(loop, 0);
	assert_int_equal(asked.answers, 1);
	assert_false(asked.result.local);
	return asked.result;
}

static void test_check(void **state)
{
	struct ev_loop *loop = ev_loop_new(0);
	struct conf *conf = conf_in(*state);
	struct greylist *greylist = open_greylist(conf, loop);
	struct greylist_result r;

	r = ask(greylist, loop, "192.0.2.1", "a@b", "r@x", false, T0);
	assert_int_equal(r.answer, GREYLIST_NEW);
	assert_int_equal(r.wait_s, 300);
	r = ask(greylist, loop, "192.0.2.9", "A@b", "r@X", false, T0 + 100);
	assert_int_equal(r.answer, GREYLIST_EARLY);
	assert_int_equal(r.wait_s, 200);
	assert_int_equal(r.first_seen, T0);
	greylist_close(greylist); /* it is on disk */
	greylist = open_greylist(conf, loop);
	r = ask(greylist, loop, "192.0.2.1", "a@b", "r@x", false, T0 + 300);
	assert_int_equal(r.answer, GREYLIST_PASSED);
	assert_int_equal(r.first_seen, T0);
	r = ask(greylist, loop, "192.0.2.1", "a@b", "r@x", true, T0 + 301);
	assert_int_equal(r.answer, GREYLIST_KNOWN);
	greylist_close(greylist);
	ev_loop_destroy(loop);
	free_conf(conf);
}

/* A network that passed often enough; what is asked regardless of that neither
 * profits nor counts. */
static void test_clients(void **state)
{
	static const char *const recipients[] = { "a@x", "b@x", "c@x" };
	struct ev_loop *loop = ev_loop_new(0);
	struct conf *conf = conf_in(*state);
	struct greylist *greylist = open_greylist(conf, loop);
	struct greylist_result r;

	for (int regardless = 1; regardless >= 0; regardless--)
		for (size_t i = 0; i < LENGTH(recipients); i++) {
			const char *sender = regardless ? "w@b" : "l@b";

			ask(greylist, loop, "192.0.2.1", sender, recipients[i],
			    regardless, T0);
			r = ask(greylist, loop, "192.0.2.1", sender,
				recipients[i], regardless, T0 + 300);
			assert_int_equal(r.answer, GREYLIST_PASSED);
		}
	r = ask(greylist, loop, "192.0.2.2", "new@b", "d@x", false, T0 + 301);
	assert_int_equal(r.answer, GREYLIST_CLIENT);
	r = ask(greylist, loop, "192.0.2.2", "new@b", "d@x", true, T0 + 301);
	assert_int_equal(r.answer, GREYLIST_NEW);
	r = ask(greylist, loop, "192.0.3.2", "new@b", "d@x", false, T0 + 301);
	assert_int_equal(r.answer, GREYLIST_NEW);
	r = ask(greylist, loop, "192.0.2.2", "n@b", "d@x", false,
		T0 + 302 + 35 * DAY);
	assert_int_equal(r.answer, GREYLIST_NEW);
	greylist_close(greylist);
	ev_loop_destroy(loop);
	free_conf(conf);
}

/* Many at once, more than one commit could be waited for each. */
struct counted {
	struct ev_loop *loop;
	unsigned answers, want;
	unsigned by[GREYLIST_ANSWER_COUNT];
};

static void count_answer(void *ctx, const struct greylist_result *result)
{
	struct counted *counted = ctx;

	counted->by[result->answer]++;
	if (++counted->answers == counted->want)
		ev_break(counted->loop, EVBREAK_ALL);
}

static void test_many(void **state)
{
	struct ev_loop *loop = ev_loop_new(0);
	struct conf *conf = conf_in(*state);
	struct greylist *greylist = open_greylist(conf, loop);
	struct counted counted = { .loop = loop, .want = 2000 };
	struct greylist_triplet triplet = { .client = address("192.0.2.1"),
					    .sender = "a@b" };
	char recipient[32];

	for (unsigned i = 0; i < 2000; i++) {
		snprintf(recipient, sizeof(recipient), "r%u@x", i % 1000);
		triplet.recipient = recipient;
		greylist_check(greylist, &triplet, T0, count_answer, &counted);
	}
	ev_run(loop, 0);
	assert_int_equal(counted.by[GREYLIST_NEW], 1000);
	assert_int_equal(counted.by[GREYLIST_EARLY], 1000);
	for (unsigned i = 0; i < 100; i++) /* gone before they are answered */
		greylist_check(greylist, &triplet, T0, count_answer, &counted);
	greylist_close(greylist);
	assert_int_equal(counted.answers, 2000);
	ev_loop_destroy(loop);
	free_conf(conf);
}

/* Nobody waits for a disk that hangs; what it did note counts. */
static void test_slow_disk(void **state)
{
	struct ev_loop *loop = ev_loop_new(0);
	struct conf *conf = conf_in(*state);
	struct greylist *greylist = open_hasty(conf, loop);
	uint64_t patience = greylist->patience;
	struct greylist_result r;

	greylist->patience = UINT32_MAX;
	ask(greylist, loop, "192.0.2.1", "a@b", "before@x", false, T0);
	greylist->patience = patience;
	greylist->ticks = 0;
	disk_hang(true);
	r = ask(greylist, loop, "192.0.2.1", "a@b", "slow@x", false, T0);
	assert_int_equal(r.answer, GREYLIST_UNABLE);
	r = ask(greylist, loop, "192.0.2.1", "a@b", "before@x", false, T0);
	assert_int_equal(r.answer, GREYLIST_UNABLE);
	assert_int_equal(greylist->ticks, 2 * patience);
	disk_hang(false);
	greylist->patience = UINT32_MAX;
	r = ask(greylist, loop, "192.0.2.1", "a@b", "slow@x", false, T0 + 1);
	assert_int_equal(r.answer, GREYLIST_EARLY);
	assert_int_equal(greylist->answers[GREYLIST_UNABLE], 2);
	greylist_close(greylist);
	ev_loop_destroy(loop);
	free_conf(conf);
}

static void on_release(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)timer;
	(void)events;
	disk_hang(false);
}

/* A second in which the process gets no processor is no second of the disk's. */
static void test_held_up(void **state)
{
	struct ev_loop *loop = ev_loop_new(0);
	struct conf *conf = conf_in(*state);
	struct greylist *greylist = open_hasty(conf, loop);
	struct asked asked = { .loop = loop };
	struct greylist_triplet triplet = { address("192.0.2.1"), "a@b", "r@x",
					    false };
	ev_timer release;

	greylist->patience = 50;
	disk_hang(true);
	greylist_check(greylist, &triplet, T0, on_answer, &asked);
	usleep(1200000);
	ev_timer_init(&release, on_release, 0.05, 0.);
	ev_timer_start(loop, &release);
	ev_run(loop, 0);
	assert_int_equal(asked.answers, 1);
	assert_int_equal(asked.result.answer, GREYLIST_NEW);
	greylist_close(greylist);
	ev_loop_destroy(loop);
	free_conf(conf);
}

static void test_failing_disk(void **state)
{
	struct ev_loop *loop = ev_loop_new(0);
	struct conf *conf = conf_in(*state);
	struct greylist *greylist = open_greylist(conf, loop);
	struct greylist_result r;

	ask(greylist, loop, "192.0.2.1", "a@b", "r@x", false, T0);
	disk_fails = true;
	r = ask(greylist, loop, "192.0.2.1", "a@b", "new@x", false, T0);
	assert_int_equal(r.answer, GREYLIST_UNABLE);
	/* what needs no write is still known */
	r = ask(greylist, loop, "192.0.2.1", "a@b", "r@x", false, T0 + 1);
	assert_int_equal(r.answer, GREYLIST_EARLY);
	disk_fails = false;
	r = ask(greylist, loop, "192.0.2.1", "a@b", "new@x", false, T0 + 1);
	assert_int_equal(r.answer, GREYLIST_NEW);
	greylist_close(greylist);
	ev_loop_destroy(loop);
	free_conf(conf);
}

/* Random sequences, beside a model that never forgets to look. */
#define MODEL_TRIPLETS 40
#define MODEL_STEPS    600

struct model {
	bool known, passed;
	uint64_t first, last;
};

static enum greylist_answer model_step(struct model *m, uint64_t now)
{
	if (m->known && m->passed && now < m->last + rules.lifetime_s) {
		m->last = now;
		return GREYLIST_KNOWN;
	}
	if (m->known && !m->passed && now < m->first + rules.window_s) {
		if (now < m->first + rules.delay_s)
			return GREYLIST_EARLY;
		m->passed = true;
		m->last = now;
		return GREYLIST_PASSED;
	}
	*m = (struct model){ .known = true, .first = now };
	return GREYLIST_NEW;
}

static void test_model(void **state)
{
	const char *given = getenv("TEST_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10)
			      : (unsigned)time(NULL);
	struct ev_loop *loop = ev_loop_new(0);
	struct conf *conf = conf_in(*state);
	struct greylist *greylist;
	struct model models[MODEL_TRIPLETS] = { 0 };
	uint64_t now = T0;

	print_message("TEST_SEED=%u\n", seed);
	srandom(seed);
	conf->greylist.clients = 0;
	greylist = open_greylist(conf, loop);
	for (unsigned i = 0; i < MODEL_STEPS; i++) {
		unsigned which = (unsigned)random() % MODEL_TRIPLETS;
		enum greylist_answer want;
		struct greylist_result r;
		char client[32], recipient[32];
		long refreshed;

		now += (uint64_t)random() % (random() % 8 ? 200 : 3 * DAY);
		snprintf(client, sizeof(client), "10.0.%u.1", which % 4);
		snprintf(recipient, sizeof(recipient), "r%u@x", which);
		/* near the end of a lifetime both answers are right: it may
		 * be forgotten a 64th early */
		refreshed = (long)(models[which].last + rules.lifetime_s) -
			    (long)now;
		want = model_step(&models[which], now);
		r = ask(greylist, loop, client, "a@b", recipient, random() & 1,
			now);
		if (want == GREYLIST_KNOWN && r.answer == GREYLIST_NEW &&
		    refreshed <= (long)rules.lifetime_s / 64 + 1)
			models[which] =
				(struct model){ .known = true, .first = now };
		else if (r.answer != want)
			fail_msg("step %u at %ju: %s, want %s", i,
				 (uintmax_t)now, greylist_answer_name(r.answer),
				 greylist_answer_name(want));
		if (random() % 500 == 0) {
			greylist_close(greylist);
			greylist = open_greylist(conf, loop);
		}
	}
	greylist_close(greylist);
	ev_loop_destroy(loop);
	free_conf(conf);
}

/* ---- commands ---- */

static void command(struct greylist *greylist, const char *request,
		    const char *want)
{
	char *text = greylist_command(greylist, request, strlen(request));

	assert_non_null(text);
	if (!strstr(text, want))
		fail_msg("%s: %s; no %s", request, text, want);
	free(text);
}

/* A page after the other, to the end; more than `pages` of them only when the disk
 * hangs no more. */
static void forget(struct greylist *greylist, struct ev_loop *loop,
		   const char *who, unsigned pages, const char *want)
{
	char request[256], after[128] = "", *text, *p;
	unsigned count = 0, more;

	for (unsigned page = 0;; page++) {
		snprintf(request, sizeof(request),
			 "{\"command\":\"forget\",%s%s}", who, after);
		if (page == pages)
			disk_hang(false);
		text = greylist_command(greylist, request, strlen(request));
		assert_non_null(text);
		p = strstr(text, "\"error\"");
		if (p || sscanf(text, "{\"forgotten\":%u", &more) != 1)
			break;
		count += more;
		p = strstr(text, "\"next\":\"");
		if (!p)
			break;
		assert_int_equal(sscanf(p, "\"next\":\"%100[0-9a-f]", request),
				 strncmp(p, "\"next\":\"\"", 9) != 0);
		snprintf(after, sizeof(after), ",\"after\":\"%.100s\"",
			 p[8] == '"' ? "" : request);
		free(text);
		usleep(1000);
		ev_run(loop, EVRUN_NOWAIT);
	}
	snprintf(request, sizeof(request), "%u forgotten: %.200s", count, text);
	if (!strstr(request, want))
		fail_msg("forget %s: %s; no %s", who, request, want);
	free(text);
}

/* Nobody waits for the disk: an answer says what waits for it. */
static void test_forget(void **state)
{
	struct ev_loop *loop = ev_loop_new(0);
	struct conf *conf = conf_in(*state);
	struct greylist *greylist = open_greylist(conf, loop);
	struct asked asked = { .loop = loop };
	struct greylist_triplet triplet = { address("192.0.2.1"), "a@b", "r@x",
					    false };
	char recipient[32];

	disk_hang(true);
	greylist_check(greylist, &triplet, T0, on_answer, &asked);
	forget(greylist, loop, "\"only\":[\"a@b\"]", 50, "1 forgotten");
	assert_int_equal(asked.answers, 1);
	for (unsigned i = 0; i < 1100; i++) {
		snprintf(recipient, sizeof(recipient), "r%u@x", i);
		triplet.recipient = recipient;
		greylist_check(greylist, &triplet, T0, on_answer, &asked);
	}
	while (asked.answers < 1101)
		ev_run(loop, 0);
	forget(greylist, loop, "\"only\":[\"198.51.100.0/24\"]", 0,
	       "0 forgotten");
	forget(greylist, loop, "\"all\":true", 0, "1100 forgotten");
	ask(greylist, loop, "192.0.2.1", "a@b", "r@x", false, T0);
	disk_fails = true;
	forget(greylist, loop, "\"all\":true", 0, "may be forgotten in part");
	disk_fails = false;
	forget(greylist, loop, "\"all\":true", 0, "1 forgotten");
	greylist_close(greylist);
	ev_loop_destroy(loop);
	free_conf(conf);
}

static void test_command(void **state)
{
	struct ev_loop *loop = ev_loop_new(0);
	struct conf *conf = conf_in(*state);
	struct greylist *greylist = open_greylist(conf, loop);

	ask(greylist, loop, "192.0.2.1", "Ann@B.example", "r@x", false, T0);
	ask(greylist, loop, "198.51.100.1", "bob@b.example", "r@x", false, T0);
	ask(greylist, loop, "2001:db8::1", "", "\xff@x", false, T0);
	ask(greylist, loop, "2001:db8::1", "", "\xff@x", false, T0 + 300);
	command(greylist, "{\"command\":\"stats\"}", "\"new\":3");
	command(greylist, "{\"command\":\"stats\"}", "\"records\":4");
	command(greylist, "{\"command\":\"list\"}",
		"\"network\":\"192.0.2.0/24\",\"sender\":\"Ann@B.example\","
		"\"recipient\":\"r@x\",\"state\":\"waiting\",\"first_seen\":"
		"\"1970-01-12T13:46:40Z\"");
	command(greylist, "{\"command\":\"list\"}",
		"\"network\":\"2001:db8::/64\",\"sender\":\"\",\"recipient\":"
		"\"?@x\",\"state\":\"passed\"");
	command(greylist, "{\"command\":\"list\",\"only\":[\"@b.EXAMPLE\"]}",
		"bob@");
	command(greylist,
		"{\"command\":\"list\",\"only\":[\"203.0.113.0/24\"]}",
		"{\"rows\":[]}");
	command(greylist, "{\"command\":\"forget\"}", "\"error\"");
	command(greylist, "{\"command\":\"forget\",\"only\":[\"bob\"]}",
		"is no network");
	forget(greylist, loop, "\"only\":[\"ann@b.example\"]", 0,
	       "1 forgotten");
	forget(greylist, loop, "\"only\":[\"192.0.2.7\",\"<>\"]", 0,
	       "1 forgotten");
	forget(greylist, loop, "\"only\":[\"2001:db8::/32\"]", 0,
	       "1 forgotten");
	forget(greylist, loop, "\"all\":true", 0, "1 forgotten");
	command(greylist, "{\"command\":\"list\"}", "{\"rows\":[]}");
	command(greylist, "{\"command\":\"list\",\"after\":\"zz\"}", "error");
	command(greylist, "{\"command\":\"list\",\"only\":7}", "error");
	command(greylist, "{\"command\":\"drop\"}", "error");
	command(greylist, "[]", "error");
	command(greylist, "", "error");
	assert_int_equal(ask(greylist, loop, "192.0.2.1", "ann@b.example",
			     "r@x", false, T0 + 400)
				 .answer,
			 GREYLIST_NEW);
	greylist_close(greylist);
	ev_loop_destroy(loop);
	free_conf(conf);
}

/* A list longer than one answer goes on where it stopped, and misses nothing. */
static void test_pages(void **state)
{
	struct ev_loop *loop = ev_loop_new(0);
	struct conf *conf = conf_in(*state);
	struct greylist *greylist = open_greylist(conf, loop);
	struct counted counted = { .loop = loop, .want = 1000 };
	struct greylist_triplet triplet = { .client = address("192.0.2.1") };
	char recipient[32], request[160], next[128] = "";
	char sender[GREYLIST_TEXT_MAX] = "";
	unsigned rows = 0, pages = 0;

	memset(sender, '\001', sizeof(sender) - 1); /* six bytes each in JSON */
	triplet.sender = sender;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(recipient, sizeof(recipient), "r%u@x", i);
		triplet.recipient = recipient;
		greylist_check(greylist, &triplet, T0, count_answer, &counted);
	}
	ev_run(loop, 0);
	do {
		char *text, *p;

		snprintf(request, sizeof(request),
			 "{\"command\":\"list\",\"after\":\"%s\"}", next);
		text = greylist_command(greylist, request, strlen(request));
		assert_non_null(text);
		assert_true(strlen(text) < CONTROL_OUTPUT_MAX);
		for (p = text; (p = strstr(p, "\"recipient\"")); p++)
			rows++;
		next[0] = '\0';
		p = strstr(text, "\"next\":\"");
		if (p)
			assert_int_equal(
				sscanf(p, "\"next\":\"%127[0-9a-f]", next), 1);
		free(text);
		pages++;
	} while (next[0]);
	assert_int_equal(rows, 1000);
	assert_true(pages >= 2); /* more, where each has little time */
	greylist_close(greylist);
	ev_loop_destroy(loop);
	free_conf(conf);
}

#define in_folder(test)                                                        \
	cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

static uid_t owner(const char *name)
{
	struct stat st;

	assert_int_equal(stat(name, &st), 0);
	return st.st_uid;
}

/* What root gives away, and what not. */
static void test_prepare(void **state)
{
	char folder[] = "/tmp/geoblock-prepare-XXXXXX", name[64], link[64];
	char data[80];
	struct error err = { 0 };
	FILE *file;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_non_null(mkdtemp(folder));
	snprintf(name, sizeof(name), "%s/new", folder);
	snprintf(link, sizeof(link), "%s/link", folder);
	assert_true(greylist_lmdb_prepare(name, 65534, 65534, &err));
	assert_int_equal(owner(name), 65534);

	/* root's: empty, then something else's */
	assert_int_equal(chown(name, 0, 0), 0);
	assert_true(greylist_lmdb_prepare(name, 65534, 65534, &err));
	assert_int_equal(owner(name), 65534);
	assert_int_equal(chown(name, 0, 0), 0);
	snprintf(data, sizeof(data), "%s/passwd", name);
	file = fopen(data, "we");
	assert_non_null(file);
	fclose(file);
	assert_true(greylist_lmdb_prepare(name, 65534, 65534, &err));
	assert_int_equal(owner(name), 0);
	unlink(data);

	/* root's, and a database; but not by way of a link */
	snprintf(data, sizeof(data), "%s/data.mdb", name);
	file = fopen(data, "we");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(symlink(name, link), 0);
	assert_true(greylist_lmdb_prepare(link, 65534, 65534, &err));
	assert_int_equal(owner(name), 0);
	assert_true(greylist_lmdb_prepare(name, 65534, 65534, &err));
	assert_int_equal(owner(name), 65534);
	assert_int_equal(owner(data), 65534);

	unlink(data);
	unlink(link);
	rmdir(name);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prepare),
		cmocka_unit_test(test_senders),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_long_addresses),
		cmocka_unit_test(test_step),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_clock_back),
		cmocka_unit_test(test_record),
		in_folder(test_lmdb),
		in_folder(test_limit),
		in_folder(test_full),
		in_folder(test_full_disk),
		in_folder(test_damaged),
		in_folder(test_slow_start),
		in_folder(test_check),
		in_folder(test_clients),
		in_folder(test_many),
		in_folder(test_slow_disk),
		in_folder(test_held_up),
		in_folder(test_failing_disk),
		in_folder(test_model),
		in_folder(test_command),
		in_folder(test_forget),
		in_folder(test_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
