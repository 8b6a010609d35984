/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_MEMORY_H
#define TESTS_UNIT_MEMORY_H

/* A daemon's memory with a few senders in it, who got there the way of every packet:
 * for the tests and fuzz targets of what mail programs ask.
 *
 *	3.5.0.26     US  Windows   port 40001, twice from 40002; exempt: 3.5.0.99
 *	5.43.0.25    PT  Linux     port 40003
 *	2600:1::26   US  Windows   port 40004
 *	2a01:14::25  PT  Linux     port 40005
 *	2a01:14::77  PT  nothing known, with more options than are kept */

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <geoblock/image.h>

#include "daemon/path.h"
#include "tests/unit/image_table.h"
#include "tests/unit/syn.h"

#define MEMORY_WINDOWS "020405b4 01 030308 01 01 0402"
#define MEMORY_LINUX   "020405b4 0402 080a0000000100000000 01 030307"

static const char memory_conf[] =
	"mode = enforce\n"
	"countries = {US}\n"
	"exempt { networks = {\"3.5.0.99\"} }\n"
	"rule \"bot \\\"abroad\\\"\" { country = outside os = windows "
	"action = drop }\n"
	"rule \"abroad\" { country = outside action = reset }\n"
	"rule \"windows\" { os = windows action = greylist }\n";

static inline void memory_snapshot(struct snapshot **out, const char *conf)
{
	static const char *const countries[] = { "3.5.0.0/24 US",
						 "5.43.0.0/24 PT",
						 "2600:1::/32 US",
						 "2a01:14::/32 PT", NULL };
	struct geo_table table = table_of(countries);
	char folder[] = "/tmp/geoblock-memory-XXXXXX", path[128];
	struct error err = { 0 };
	bool changed;
	FILE *f;

	if (!mkdtemp(folder) ||
	    !image_write(folder, &table, 1767225600, &changed, &err))
		abort();
	snprintf(path, sizeof(path), "%s/conf", folder);
	f = fopen(path, "w");
	if (!f || fprintf(f, "state-dir = \"%s\"\n%s", folder, conf) < 0 ||
	    fclose(f) != 0)
		abort();
	if (!snapshot_load(out, path, &err) ||
	    (*out)->missing.kind != ERROR_NONE) {
		fprintf(stderr, "%s %s\n", err.text,
			*out ? (*out)->missing.text : "");
		abort();
	}
	table_free(&table);
	unlink(path);
	snprintf(path, sizeof(path), "%s/%s", folder, IMAGE_NAME);
	unlink(path);
	rmdir(folder);
}

static inline void memory_syn(struct path *path, const char *from,
			      const struct syn *syn, uint64_t now)
{
	struct queue_packet packet = { .id = 1 };
	uint8_t bytes[SYN_MAX];
	struct addr addr;

	packet.len = syn_build(syn, bytes);
	packet.payload = bytes;
	if (!addr_parse(from, strlen(from), &addr, NULL))
		abort();
	for (int i = 0; i < (addr.family == 4 ? 4 : 16); i++)
		bytes[(addr.family == 4 ? 15 : 23) - i] =
			(uint8_t)(addr.value >> 8 * i);
	path->now = now;
	path_judge(path, &packet);
	path_record(path);
}

static inline void memory_fill(struct path *path)
{
	const struct syn windows4 = { .version = 4,
				      .ttl = 121,
				      .ip_id = 7,
				      .fragment = 0x4000,
				      .window = 64240,
				      .options = MEMORY_WINDOWS };
	const struct syn linux4 = { .version = 4,
				    .ttl = 57,
				    .ip_id = 7,
				    .fragment = 0x4000,
				    .window = 64240,
				    .options = MEMORY_LINUX };
	struct syn windows6 = windows4, linux6 = linux4, strange;

	windows6.version = linux6.version = 6;
	windows6.ttl = 60;
	windows6.flow = linux6.flow = 7;
	windows6.window = 64800;
	windows6.options = "020405a0 01 030308 01 01 0402";
	strange = linux6;
	strange.options = "01010101 01010101 01010101 01010101 01010101";
	for (uint16_t i = 0; i < 3; i++) {
		struct syn syn = windows4;

		syn.sport = i == 0 ? 40001 : 40002;
		syn.seq = 1000u + i;
		memory_syn(path, "3.5.0.26", &syn, 1767225600u + i);
	}
	memory_syn(path, "5.43.0.25",
		   &(struct syn){ 4, 57, 0, 7, 0x4000, 0, 40003, 0, 0, 0, 64240,
				  0, MEMORY_LINUX, 0, 0 },
		   1767225610);
	windows6.sport = 40004;
	memory_syn(path, "2600:1::26", &windows6, 1767225620);
	linux6.sport = 40005;
	memory_syn(path, "2a01:14::25", &linux6, 1767225630);
	strange.sport = 40006;
	memory_syn(path, "2a01:14:0:1::77", &strange, 1767225640);
}

static inline void memory_open(struct path *path)
{
	static const uint8_t key[SIPHASH_KEY_SIZE];
	static struct snapshot *snapshot;
	struct error err;

	memory_snapshot(&snapshot, memory_conf);
	if (!hosts_new(&path->hosts, 64, key, &err) ||
	    !hosts_new(&path->connections, 64, key, &err) ||
	    !hosts_new(&path->nets, 64, key, &err))
		abort();
	journal_init(&path->journal);
	path->snapshot = snapshot;
	memory_fill(path);
}

#endif
