// SPDX-License-Identifier: GPL-2.0-or-later
/* A list of networks from a stranger, as exempt and deny read it. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <geoblock/conf.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int put(const void *data, size_t size, char path[64])
{
	int fd = memfd_create("list", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		__builtin_trap();
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static void use(const struct conf_nets *nets, const char *file)
{
	for (size_t i = 0; i < nets->count; i++) {
		const struct conf_net *net = &nets->nets[i], *found;
		struct addr last = { net->range.family, net->range.last };

		assert(strcmp(net->file, file) == 0 && net->line > 0);
		assert(!net->note || net->note[0]);
		assert(iset_has(&nets->set, &last));
		found = conf_find_net(nets, &last);
		assert(found && found->range.last - found->range.first <=
					net->range.last - net->range.first);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err;
	struct conf *conf;
	char list[64], file[64], text[160];
	int list_fd = put(data, size, list), fd;

	snprintf(text, sizeof(text), "deny { files = %s }", list);
	fd = put(text, strlen(text), file);
	if (conf_read(&conf, file, NULL, NULL, &err))
		use(&conf->deny, list);
	else
		assert(strncmp(err.text, list, strlen(list)) == 0);
	conf_free(conf);
	close(fd);
	close(list_fd);
	return 0;
}
