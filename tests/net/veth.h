/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_NET_VETH_H
#define TESTS_NET_VETH_H

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/sockios.h>

/* veth_open_for - a packet socket that sends frames on an interface and receives
 * those of a protocol (ETH_P_*, 0: none); -1 and errno on failure.  Load is for a
 * test's own namespaces: an interface that is no veth is refused (EPERM).  mac (may
 * be NULL) gets the interface's address. */
static inline int veth_open_for(const char *name, uint8_t *mac,
				uint16_t protocol)
{
	struct sockaddr_ll link = { .sll_family = AF_PACKET,
				    .sll_protocol = htons(protocol) };
	struct ethtool_drvinfo driver = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { 0 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		return -1;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	request.ifr_data = (void *)&driver;
	if (ioctl(fd, SIOCETHTOOL, &request) != 0 ||
	    strcmp(driver.driver, "veth") != 0) {
		errno = EPERM;
		return -1;
	}
	request.ifr_data = NULL;
	if (ioctl(fd, SIOCGIFHWADDR, &request) != 0)
		return -1;
	if (mac)
		memcpy(mac, request.ifr_hwaddr.sa_data, 6);
	link.sll_ifindex = (int)if_nametoindex(name);
	if (bind(fd, (struct sockaddr *)&link, sizeof(link)) != 0)
		return -1;
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
	return fd;
}

/* veth_open - one that only sends. */
static inline int veth_open(const char *name, uint8_t *mac)
{
	return veth_open_for(name, mac, 0);
}

#endif
