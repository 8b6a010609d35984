// SPDX-License-Identifier: GPL-2.0-or-later
/* fingerprint - nanoseconds from a SYN's bytes to its fingerprint, with our
 * database and with one that is 50 times as large; and geoblock fingerprint beside
 * p0f -r on one capture of 300,000 distinct SYNs, which is written here.  The
 * processes take turns; figures are medians.  One JSON object a row. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <geoblock/fingerprint.h>

#define SYNS   300000
#define ROUNDS 7
#define COPIES 50 /* of our signatures, each with an MSS of its own */
#define ROOM   80 /* bytes of the largest SYN */

struct syn {
	size_t len;
	uint8_t bytes[ROOM];
};

static struct syn syns[SYNS];

static uint64_t rng(void)
{
	static uint64_t state = 1; /* every run measures the same */
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* What comes to a mail server, more or less: percent of each. */
static const struct kind {
	uint8_t percent, ttl;
	uint16_t window;
	uint8_t size;
	uint8_t options[24];
} kinds[] = {
	{ 25, 128, 64240, 12, { 2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2 } },
	{ 20, 128, 65535, 12, { 2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2 } },
	{ 10, 128, 8192, 12, { 2, 4, 5, 80, 1, 3, 3, 2, 1, 1, 4, 2 } },
	{ 25, 64, 64240, 20, { 2, 4, 5, 180, 4, 2, 8, 10, 1, 2,
			       3, 4, 0, 0,   0, 0, 1, 3,  3, 7 } },
	{ 8, 64, 29200, 20, { 2, 4, 5, 180, 4, 2, 8, 10, 1, 2,
			      3, 4, 0, 0,   0, 0, 1, 3,  3, 7 } },
	{ 4, 64, 65535, 24, { 2, 4, 5, 180, 1, 3, 3, 6, 1, 1, 8, 10,
			      1, 2, 3, 4,   0, 0, 0, 0, 4, 2, 0, 0 } },
	{ 4, 60, 1024, 4, { 2, 4, 5, 180 } },
	{ 4, 255, 5000, 8, { 4, 2, 1, 1, 2, 4, 5, 180 } }, /* nothing we know */
};

static void make_syn(struct syn *s, uint32_t i)
{
	uint8_t *ip = s->bytes, *tcp = ip + 20;
	unsigned dice = (unsigned)(rng() % 100), at = 0;

	while (dice >= kinds[at].percent)
		dice -= kinds[at++].percent;
	s->len = 40u + kinds[at].size;
	ip[0] = 0x45;
	put16(ip + 2, (uint32_t)s->len);
	put16(ip + 4, (uint32_t)(rng() | 1));
	put16(ip + 6, 0x4000);
	ip[8] = (uint8_t)(kinds[at].ttl - rng() % 25);
	ip[9] = 6;
	put32(ip + 12, 0x0b000000 + i);
	put32(ip + 16, 0xc6336419);
	put16(tcp, (uint32_t)(49152 + rng() % 16384));
	put16(tcp + 2, 25);
	put32(tcp + 4, (uint32_t)(rng() | 1));
	tcp[12] = (uint8_t)((20 + kinds[at].size) / 4 << 4);
	tcp[13] = 2;
	put16(tcp + 14, kinds[at].window);
	memcpy(tcp + 20, kinds[at].options, kinds[at].size);
}

/* ---- in the process -------------------------------------------------------- */

static void fail(const char *text)
{
	fprintf(stderr, "bench fingerprint: %s\n", text);
	exit(1);
}

static struct signatures *new_database(void)
{
	struct signatures *db;
	struct error err = { 0 };

	if (!signatures_new(&db, &err) || !signatures_read_builtin(db, &err))
		fail(err.text);
	return db;
}

/* Our own, and COPIES times the same with MSS that no SYN here has. */
static struct signatures *large_database(void)
{
	struct signatures *db = new_database();
	size_t count = signatures_count(db), room = count * COPIES * 300, used;
	char *text = malloc(room);
	struct error err = { 0 };

	if (!text)
		fail("no memory");
	used = (size_t)sprintf(text, "[tcp:request]\nlabel = s:other:x:\n");
	for (unsigned copy = 1; copy <= COPIES; copy++)
		for (size_t i = 0; i < count; i++) {
			const struct signature *s = signatures_get(db, i);
			const char *mss = s->text;
			size_t before;

			for (int colons = 0; colons < 3; mss++)
				colons += *mss == ':';
			before = (size_t)(mss - s->text);
			if (s->has_mss)
				continue;
			used += (size_t)snprintf(
				text + used, room - used, "sig = %.*s%u%s\n",
				(int)before, s->text, 2000 + copy, mss + 1);
		}
	if (!signatures_read_text(db, "copies", text, used, &err) ||
	    !signatures_compile(db, &err))
		fail(err.text);
	free(text);
	return db;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *times)
{
	qsort(times, ROUNDS, sizeof(*times), by_value);
	return times[ROUNDS / 2];
}

/* Nanoseconds a SYN. */
static double measure(const struct signatures *db)
{
	double times[ROUNDS];
	unsigned long sum = 0;

	for (int round = 0; round < ROUNDS; round++) {
		double start = now_ns();

		for (size_t i = 0; i < SYNS; i++) {
			struct fingerprint f;
			struct packet p;

			if (packet_parse(syns[i].bytes, syns[i].len, &p) !=
			    PACKET_OK)
				fail("a SYN of ours cannot be parsed");
			fingerprint_of(db, &p, &f);
			sum += f.confidence;
		}
		times[round] = (now_ns() - start) / SYNS;
	}
	if (sum == 0)
		fail("nothing was recognised");
	return median(times);
}

/* ---- as processes ---------------------------------------------------------- */

static void write_capture(const char *path)
{
	static const uint32_t head[] = { 0xa1b2c3d4, 2 | 4 << 16, 0,
					 0,          65535,       101 };
	FILE *f = fopen(path, "wb");

	if (!f)
		fail(path);
	fwrite(head, sizeof(head), 1, f);
	for (size_t i = 0; i < SYNS; i++) {
		uint32_t record[] = { 1700000000 + (uint32_t)i / 1000,
				      (uint32_t)i % 1000 * 1000,
				      (uint32_t)syns[i].len,
				      (uint32_t)syns[i].len };

		fwrite(record, sizeof(record), 1, f);
		fwrite(syns[i].bytes, syns[i].len, 1, f);
	}
	if (fclose(f) != 0)
		fail(path);
}

/* Wall time in seconds; *cpu, if wanted, in seconds of the processor. */
static double run(const char *const *argv, double *cpu)
{
	posix_spawn_file_actions_t files;
	double start = now_ns();
	struct rusage usage;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, argv[0], &files, NULL,
			 (char *const *)(uintptr_t)argv, environ) != 0)
		fail(argv[0]);
	posix_spawn_file_actions_destroy(&files);
	if (wait4(pid, &status, 0, &usage) != pid || status != 0)
		fail(argv[0]);
	if (cpu)
		*cpu = (double)usage.ru_utime.tv_sec +
		       (double)usage.ru_utime.tv_usec / 1e6;
	return (now_ns() - start) / 1e9;
}

static void print_row(const char *name, double ours, double peer,
		      const char *peer_name, const char *goal, const char *unit)
{
	printf("{\"name\":\"%s\",\"ours\":%.9g,\"peer\":%.9g,\"peer_name\":\"%"
	       "s\","
	       "\"goal\":\"%s\",\"unit\":\"%s\",\"ratio\":%.3g}\n",
	       name, ours, peer, peer_name, goal, unit, peer / ours);
}

static void bench_processes(const char *geoblock, double per_syn)
{
	char path[] = "/tmp/bench_fingerprint.XXXXXX";
	const char *table[] = { geoblock, "fingerprint", path, NULL };
	const char *json[] = { geoblock, "fingerprint", "--json", path, NULL };
	const char *p0f[] = { "p0f", "-r", path, NULL };
	double ours[ROUNDS], objects[ROUNDS], theirs[ROUNDS], cpu[ROUNDS], peer;
	int fd = mkstemp(path);

	if (fd < 0)
		fail(path);
	close(fd);
	write_capture(path);
	for (int i = 0; i < ROUNDS; i++) {
		ours[i] = run(table, NULL);
		theirs[i] = run(p0f, &cpu[i]);
		objects[i] = run(json, NULL);
	}
	unlink(path);
	peer = median(theirs);
	print_row("a SYN's bytes to its fingerprint", per_syn,
		  median(cpu) * 1e9 / SYNS, "p0f -r, its CPU time", "≥ 20",
		  "ns");
	print_row("fingerprint a capture of 300,000 SYNs", median(ours), peer,
		  "p0f -r", "≥ 20", "s");
	print_row("fingerprint --json of the same", median(objects), peer,
		  "p0f -r", "≥ 20", "s");
}

int main(int argc, char **argv)
{
	struct signatures *own = new_database(), *large = large_database();
	struct error err = { 0 };
	char geoblock[4096];
	double small_ns, large_ns;

	(void)argc;
	/* build/helpers/bench/fingerprint → build/geoblock */
	snprintf(geoblock, sizeof(geoblock), "%.*s/../../geoblock",
		 (int)(strrchr(argv[0], '/') - argv[0]), argv[0]);
	if (!signatures_compile(own, &err))
		fail(err.text);
	for (uint32_t i = 0; i < SYNS; i++)
		make_syn(&syns[i], i);
	small_ns = measure(own);
	large_ns = measure(large);
	bench_processes(geoblock, small_ns);
	print_row("the same with 50 times the signatures", large_ns, small_ns,
		  "with our own", "≤ 1.5", "ns");
	signatures_free(own);
	signatures_free(large);
	return 0;
}
