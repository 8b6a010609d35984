// SPDX-License-Identifier: GPL-2.0-or-later
/* geo_read_all(): reading and hashing five registries' files takes as long
 * as all else that an update does, and they have nothing to do with each
 * other.  Each is read into a table of its own, the biggest first, by
 * whichever thread is free; what they say to the caller is kept, and the
 * tables are merged, when all are done. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reader.h"
#include "sort.h"
#include "table.h"

#define THREADS_MAX  8
#define THREAD_BYTES ((uint64_t)256 << 10) /* less is not worth a thread */

struct job {
	struct geo_file *file;
	struct geo_table table;
	struct reader reader;
	uint64_t bytes;
	char *said; /* its warnings, one after another, each with its NUL */
	size_t said_len;
};

struct pool {
	struct job *jobs;   /* in the order of the files */
	struct job **order; /* the biggest first */
	size_t count;
	uint64_t bytes;
	atomic_size_t next;
};

/* A warning for which there is no memory is lost: it was only one. */
static void keep(void *ctx, const char *text)
{
	struct job *job = ctx;
	size_t len = strlen(text) + 1;
	char *said = realloc(job->said, job->said_len + len);

	if (!said)
		return;
	memcpy(said + job->said_len, text, len);
	job->said = said;
	job->said_len += len;
}

static void run(struct job *job)
{
	struct geo_warn warn = { keep, job };

	job->reader.table = &job->table;
	job->reader.warn = &warn;
	if (table_reserve(&job->table, job->bytes, &job->file->err))
		job->file->ok = reader_run(&job->reader, job->file->path,
					   job->file->fd, &job->file->err);
	else if (job->file->fd > 0)
		close(job->file->fd);
}

static void *work(void *ctx)
{
	struct pool *pool = ctx;
	size_t i;

	while ((i = atomic_fetch_add(&pool->next, 1)) < pool->count)
		run(pool->order[i]);
	return NULL;
}

static size_t threads_for(const struct pool *pool)
{
	size_t n = THREADS_MAX;
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return 1;
	if (n > (size_t)CPU_COUNT(&cpus))
		n = (size_t)CPU_COUNT(&cpus);
	if (n > pool->bytes / THREAD_BYTES)
		n = (size_t)(pool->bytes / THREAD_BYTES);
	return n < pool->count ? n : pool->count;
}

/* The calling thread is one of them; the others take work off it. */
static void run_all(struct pool *pool)
{
	size_t started = 0, threads = threads_for(pool);
	pthread_t others[THREADS_MAX];

	while (started + 1 < threads &&
	       pthread_create(&others[started], NULL, work, pool) == 0)
		started++;
	work(pool);
	while (started-- != 0)
		pthread_join(others[started], NULL);
}

static int by_size(const void *a, const void *b)
{
	const struct job *x = *(struct job *const *)a;
	const struct job *y = *(struct job *const *)b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return x < y ? -1 : 1;
}

static bool pool_init(struct pool *pool, const struct geo_table *table,
		      struct geo_file *files, size_t count)
{
	struct stat st;

	pool->jobs = calloc(count, sizeof(*pool->jobs));
	pool->order = calloc(count, sizeof(struct job *));
	if (!pool->jobs || !pool->order)
		return false;
	pool->count = count;
	for (size_t i = 0; i < count; i++) {
		struct job *job = &pool->jobs[i];

		job->file = &files[i];
		job->reader.index = (uint32_t)(table->source_count + i);
		if ((files[i].fd > 0 ? fstat(files[i].fd, &st)
				     : stat(files[i].path, &st)) == 0 &&
		    st.st_size > 0)
			job->bytes = (uint64_t)st.st_size;
		pool->bytes += job->bytes;
		pool->order[i] = job;
	}
	qsort(pool->order, count, sizeof(struct job *), by_size);
	return true;
}

static void pool_clear(struct pool *pool)
{
	for (size_t i = 0; i < pool->count; i++) {
		geo_table_clear(&pool->jobs[i].table);
		free(pool->jobs[i].said);
	}
	free(pool->jobs);
	free(pool->order);
}

/* One job's source into the table; its entries follow when all are there. */
static bool join_source(struct geo_table *table, struct job *job,
			struct error *err)
{
	const struct reader *r = &job->reader;
	uint32_t index = (uint32_t)table->source_count;

	if (r->source.registry != REGISTRY_NONE &&
	    !reader_new_registry(r, table, err))
		return false;
	if (!table_grow_sources(table, err))
		return reader_wrap(r, 0, err);
	table->sources[table->source_count++] = r->source;
	if (r->index == index) /* as it is unless a file before was refused */
		return true;
	for (size_t i = 0; i < job->table.count4; i++)
		job->table.v4[i].source = index;
	for (size_t i = 0; i < job->table.count6; i++)
		job->table.v6[i].source = index;
	return true;
}

/* All entries, of the table and of the jobs, in new arrays. */
struct merged {
	const struct geo_table *table;
	const struct pool *pool;
	struct geo_range4 *v4;
	struct geo_range6 *v6;
	size_t count4, count6;
	bool ok6;
	struct error err6;
};

static bool merge4(struct merged *m, struct error *err)
{
	const struct geo_table *t = m->table;
	struct runs runs = { 0 };
	bool ok = runs_add4(&runs, t->v4, t->count4, err);

	m->count4 = t->count4;
	for (size_t i = 0; ok && i < m->pool->count; i++) {
		t = &m->pool->jobs[i].table;
		m->count4 += t->count4;
		ok = runs_add4(&runs, t->v4, t->count4, err);
	}
	ok = ok && table_alloc4(&m->v4, m->count4, err);
	if (ok)
		runs_merge4(&runs, m->v4);
	runs_clear(&runs);
	return ok;
}

static bool merge6(struct merged *m, struct error *err)
{
	const struct geo_table *t = m->table;
	struct runs runs = { 0 };
	bool ok = runs_add6(&runs, t->v6, t->count6, err);

	m->count6 = t->count6;
	for (size_t i = 0; ok && i < m->pool->count; i++) {
		t = &m->pool->jobs[i].table;
		m->count6 += t->count6;
		ok = runs_add6(&runs, t->v6, t->count6, err);
	}
	ok = ok && table_alloc6(&m->v6, m->count6, err);
	if (ok)
		runs_merge6(&runs, m->v6);
	runs_clear(&runs);
	return ok;
}

static void *merge6_thread(void *ctx)
{
	struct merged *m = ctx;

	m->ok6 = merge6(m, &m->err6);
	return NULL;
}

static bool merge(struct geo_table *table, const struct pool *pool,
		  struct error *err)
{
	struct merged m = { .table = table, .pool = pool };
	pthread_t other;
	bool threaded = threads_for(pool) > 1 &&
			pthread_create(&other, NULL, merge6_thread, &m) == 0;
	bool ok = merge4(&m, err);

	if (threaded)
		pthread_join(other, NULL);
	else
		merge6_thread(&m);
	if (ok && !m.ok6)
		*err = m.err6;
	if (!ok || !m.ok6) {
		free(m.v4);
		free(m.v6);
		return false;
	}
	free(table->v4);
	free(table->v6);
	table->v4 = m.v4;
	table->v6 = m.v6;
	table->count4 = table->room4 = m.count4;
	table->count6 = table->room6 = m.count6;
	return true;
}

/* A registry that the table or an earlier file has is refused here. */
static void join(struct geo_table *table, struct pool *pool,
		 const struct geo_warn *warn)
{
	for (size_t i = 0; i < pool->count; i++) {
		struct job *job = &pool->jobs[i];
		size_t at = 0;

		for (; at < job->said_len; at += strlen(job->said + at) + 1)
			geo_warn_say(warn, "%s", job->said + at);
		if (job->file->ok)
			job->file->ok =
				join_source(table, job, &job->file->err);
		if (!job->file->ok)
			geo_table_clear(&job->table);
	}
}

static void refuse_all(struct geo_file *files, size_t count,
		       const struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (!files[i].ok)
			continue;
		files[i].ok = false;
		files[i].err = *err;
		error_wrap(&files[i].err, "%s", files[i].path);
	}
}

void geo_read_all(struct geo_table *table, struct geo_file *files, size_t count,
		  const struct geo_warn *warn)
{
	size_t sources = table->source_count;
	struct pool pool = { 0 };
	struct error err = { 0 };

	if (count == 0)
		return;
	for (size_t i = 0; i < count; i++)
		files[i].ok = true; /* for refuse_all() */
	if (!pool_init(&pool, table, files, count)) {
		error_set(&err, ERROR_SYSTEM, ENOMEM, "cannot read");
		refuse_all(files, count, &err);
		pool_clear(&pool);
		return;
	}
	for (size_t i = 0; i < count; i++)
		files[i].ok = false;
	run_all(&pool);
	join(table, &pool, warn);
	if (!merge(table, &pool, &err)) {
		refuse_all(files, count, &err);
		table->source_count = sources;
	}
	table->finished = false;
	pool_clear(&pool);
}
