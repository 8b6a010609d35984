// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests to the control socket, against a daemon that remembers one host. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/control.h"
#include "daemon/daemon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct daemon self;

static void start(void)
{
	static const uint8_t key[SIPHASH_KEY_SIZE];
	static const struct addr sender = { .family = 4, .value = 0x05050505 };
	char conf[] = "/tmp/fuzz-control-XXXXXX";
	struct error err;
	struct host *host;
	int fd = mkstemp(conf);

	if (fd < 0 || !snapshot_load(&self.snapshot, conf, &err) ||
	    !hosts_new(&self.path.hosts, 64, key, &err) ||
	    !hosts_new(&self.path.connections, 64, key, &err))
		abort();
	unlink(conf);
	close(fd);
	self.path.snapshot = self.snapshot;
	host = hosts_get(self.path.hosts, &sender, 0);
	host->count = 1;
	host->layout_len = 2;
	host->layout[0] = OPTION_MSS | OPTION_NOP << 4;
	journal_init(&self.path.journal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum control_later later;
	char *line, *answer;

	if (!self.snapshot)
		start();
	if (size > CONTROL_LINE_MAX)
		return 0;
	/* of its very size, so that a read beyond it is seen */
	line = malloc(size ? size : 1);
	memcpy(line, data, size);
	answer = control_answer(&self, line, size, &later);
	if (!answer && later == CONTROL_NOW)
		abort();
	if (answer && strchr(answer, '\n'))
		abort(); /* one line */
	free(answer);
	free(line);
	return 0;
}
