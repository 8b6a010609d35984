// SPDX-License-Identifier: GPL-2.0-or-later
/* A configuration from a stranger.  Lists of files are left out (fuzz_list has
 * them): a pattern such as / * / * would read the machine that the fuzzer runs
 * on. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <geoblock/conf.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void say(void *ctx, const char *text)
{
	unsigned *said = ctx;

	/* one line, and nothing that a terminal obeys */
	for (; *text; text++)
		assert((unsigned char)*text >= 0x20 && *text != 0x7f);
	++*said;
}

/* What comes out is what the policy can be asked. */
static void use(const struct conf *conf)
{
	static struct policy_split split;
	char counter[RULE_COUNTER_MAX];

	assert(conf->port_count > 0 && conf->port_count <= POLICY_PORTS_MAX);
	assert(conf->policy.rule_count <= RULES_MAX);
	for (size_t i = 0; i < conf->policy.rule_count; i++)
		assert(rule_counter(&conf->policy, (int)i, counter)[0]);
	policy_split(&conf->policy, &split);
	for (size_t i = 0; i < conf->exempt.count; i++) {
		const struct range *r = &conf->exempt.nets[i].range;
		struct addr first = { r->family, r->first };

		assert(iset_has(&conf->exempt.set, &first));
		assert(conf_find_net(&conf->exempt, &first));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { .kind = ERROR_NONE };
	struct conf *conf;
	unsigned said = 0;
	char path[64];
	int fd;

	if (size > 0 && memmem(data, size, "files", 5))
		return 0;
	fd = memfd_create("conf", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		__builtin_trap();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (conf_read(&conf, path, say, &said, &err)) {
		assert(said == 0 && err.kind == ERROR_NONE);
		use(conf);
	} else {
		assert(said > 0 && err.kind != ERROR_NONE && !conf);
		assert(strncmp(err.text, path, strlen(path)) == 0);
	}
	conf_free(conf);
	close(fd);
	return 0;
}
