// SPDX-License-Identifier: GPL-2.0-or-later
/* Captures by libpcap, which knows their formats.  On Debian it is linked with
 * libdbus, libsystemd and more, for capturing that we do not do; loaded with
 * the program they would take longer than most of our commands run.  So it is
 * opened when the first capture is, and only the functions for files are looked
 * up. */
#include "tools/tool_pcap.h"

#include <dlfcn.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio_ext.h>
#include <string.h>

#include <geoblock/link.h>

#define LIBRARY     "libpcap.so.0.8" /* Debian's name for every 1.x */
#define READ_BUFFER (1 << 18)

/* The functions that we use, by their names. */
static struct {
	pcap_t *(*fopen_offline)(FILE *, char *);
	int (*datalink)(pcap_t *);
	const char *(*datalink_val_to_name)(int);
	int (*dispatch)(pcap_t *, int, pcap_handler, u_char *);
	char *(*geterr)(pcap_t *);
	void (*close)(pcap_t *);
} lib;

struct reader {
	pcap_packet *packet;
	void *ctx;
	struct pcap_counts *counts;
	int type;
};

static bool look_up(void *handle, const char *name, void *function)
{
	void *symbol = dlsym(handle, name);

	memcpy(function, &symbol, sizeof(symbol)); /* dlsym(3) on this cast */
	return symbol != NULL;
}

static bool load(struct error *err)
{
	void *handle;

	if (lib.close)
		return true;
	handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		handle = dlopen("libpcap.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return error_set(
			err, ERROR_SYSTEM, 0,
			"captures are read with libpcap, which is not "
			"there (%s); on Debian: apt install libpcap0.8",
			dlerror());
	if (!look_up(handle, "pcap_fopen_offline", &lib.fopen_offline) ||
	    !look_up(handle, "pcap_datalink", &lib.datalink) ||
	    !look_up(handle, "pcap_datalink_val_to_name",
		     &lib.datalink_val_to_name) ||
	    !look_up(handle, "pcap_dispatch", &lib.dispatch) ||
	    !look_up(handle, "pcap_geterr", &lib.geterr) ||
	    !look_up(handle, "pcap_close", &lib.close))
		return error_set(err, ERROR_SYSTEM, 0, "%s: %s", LIBRARY,
				 dlerror());
	return true;
}

static void on_frame(u_char *arg, const struct pcap_pkthdr *header,
		     const u_char *data)
{
	struct reader *r = (struct reader *)(void *)arg;
	size_t offset;

	r->counts->frames++;
	if (link_network(r->type, data, header->caplen, &offset) != LINK_OK) {
		r->counts->not_ip++;
		return;
	}
	r->packet(r->ctx, data + offset, header->caplen - offset,
		  header->ts.tv_sec, (uint32_t)header->ts.tv_usec);
}

static bool read_all(pcap_t *pcap, const char *name, struct reader *r,
		     struct error *err)
{
	const char *type;
	int n;

	r->type = lib.datalink(pcap);
	if (!link_known(r->type)) {
		type = lib.datalink_val_to_name(r->type);
		return error_set(err, ERROR_MALFORMED, 0,
				 "%s: link type %d (%s): none that holds IP "
				 "packets, as far as this program knows",
				 name, r->type, type ? type : "unnamed");
	}
	/* each call goes on to the end, or to as many as an int can count */
	while ((n = lib.dispatch(pcap, -1, on_frame, (u_char *)r)) > 0)
		;
	if (n == 0)
		return true;
	return error_set(err, ERROR_MALFORMED, 0, "%s: after %llu frames: %s",
			 name, (unsigned long long)r->counts->frames,
			 lib.geterr(pcap));
}

bool pcap_read_stream(FILE *file, const char *name, pcap_packet *packet,
		      void *ctx, struct pcap_counts *counts, struct error *err)
{
	struct reader r = { packet, ctx, counts, 0 };
	char why[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap;
	bool ok;

	*counts = (struct pcap_counts){ 0 };
	if (!load(err)) {
		fclose(file);
		return false;
	}
	pcap = lib.fopen_offline(file, why);
	if (!pcap) {
		fclose(file);
		return error_set(err, ERROR_MALFORMED, 0, "%s: %s", name, why);
	}
	ok = read_all(pcap, name, &r, err);
	lib.close(pcap); /* and the file with it, but for stdin */
	return ok;
}

bool pcap_read_file(const char *path, pcap_packet *packet, void *ctx,
		    struct pcap_counts *counts, struct error *err)
{
	static char buffer[READ_BUFFER]; /* the C library's own is a page */
	bool standard = strcmp(path, "-") == 0;
	FILE *file = standard ? stdin : fopen(path, "rbe");

	*counts = (struct pcap_counts){ 0 };
	if (!file)
		return error_set(err, ERROR_SYSTEM, errno, "%s", path);
	setvbuf(file, buffer, _IOFBF, sizeof(buffer));
	__fsetlocking(file, FSETLOCKING_BYCALLER);
	return pcap_read_stream(file, standard ? "standard input" : path,
				packet, ctx, counts, err);
}
