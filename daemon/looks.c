// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/looks.h"

#include <string.h>

/* Where no signature gives a name, p0f's for the same systems. */
static const char *class_name(enum os_class class)
{
	static const char *const names[OS_CLASS_COUNT] = {
		[OS_UNKNOWN] = "",       [OS_WINDOWS] = "Windows",
		[OS_LINUX] = "Linux",    [OS_ANDROID] = "Android",
		[OS_MACOS] = "Mac OS X", [OS_IOS] = "iOS",
		[OS_BSD] = "BSD",        [OS_SOLARIS] = "Solaris",
		[OS_OTHER] = "other",    [OS_SCANNER] = "scanner",
	};

	return class < OS_CLASS_COUNT ? names[class] : "";
}

void looks_of(const struct path *path, const struct host *host,
	      struct looks *out)
{
	enum os_class class = (enum os_class)host->os;
	struct fingerprint fingerprint;

	out->name = class_name(class);
	out->flavour = "";
	out->has_packet = host_packet(host, &out->packet);
	if (!out->has_packet || class == OS_UNKNOWN)
		return;
	fingerprint_of(path->snapshot->signatures, &out->packet, &fingerprint);
	if (fingerprint.class != class || !fingerprint.name[0])
		return;
	out->flavour = fingerprint.flavour;
	/* rspamd asks for ^Windows */
	if (class != OS_WINDOWS || strncmp(fingerprint.name, "Windows", 7) == 0)
		out->name = fingerprint.name;
}

const char *looks_link(const struct host *host)
{
	static const struct {
		uint16_t mtu;
		const char *name;
	} links[] = {
		{ 1500, "Ethernet or modem" }, /* RFC 894 */
		{ 1492, "DSL" },               /* PPPoE, RFC 2516 section 7 */
		{ 1480, "IPIP or SIT" },       /* RFC 2003, 4213 */
		{ 1476, "IPSec or GRE" },      /* RFC 2784 over Ethernet */
		{ 9000, "jumbo Ethernet" },
	};
	bool v4 = host_addr(host).family == 4;
	unsigned mtu = host->mss + (v4 ? 40u : 60u);

	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (links[i].mtu == mtu)
			return links[i].name;
	return "";
}

bool looks_are_old(const struct path *path, const struct host *host)
{
	return (uint64_t)host->last + LOOKS_OLD_S < path->now;
}

const struct host *looks_find(const struct path *path, const struct addr *addr,
			      uint16_t port, bool *exact)
{
	const struct host *host =
		port ? hosts_find(path->connections, addr, port) : NULL;

	if (host && looks_are_old(path, host))
		host = NULL;
	*exact = host != NULL;
	return host ? host : hosts_find(path->hosts, addr, 0);
}
