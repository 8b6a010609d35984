// SPDX-License-Identifier: GPL-2.0-or-later
/* counters TABLE: the table's named counters, "NAME PACKETS" a line. */
#include <inttypes.h>
#include <stdio.h>

#include <geoblock/kernel.h>

int main(int argc, char **argv)
{
	static struct kernel_counter counters[256];
	struct kernel *kernel = NULL;
	struct error err = { 0 };
	size_t count = 0;

	if (argc != 2) {
		fputs("usage: counters TABLE\n", stderr);
		return 2;
	}
	if (!kernel_open(&kernel, &err) ||
	    !kernel_counters(kernel, argv[1], counters, 256, &count, &err)) {
		fprintf(stderr, "counters: %s\n", err.text);
		kernel_close(kernel);
		return 3;
	}
	for (size_t i = 0; i < count; i++)
		printf("%s %" PRIu64 "\n", counters[i].name,
		       counters[i].packets);
	kernel_close(kernel);
	return 0;
}
