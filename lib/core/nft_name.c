// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft_name.h"

#include <stdio.h>
#include <string.h>

bool nft_name_valid(const char *name, size_t size)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	size_t len = strlen(name);

	return len > 0 && len < size && strchr(letters, name[0]) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-") == len;
}

bool nft_name_reserved(const char *name)
{
	static const char keywords[] =
		" accept add ah all arp bridge bytes cgroup chain comment comp "
		"constant continue counter cpu create ct day dccp define "
		"delete "
		"describe device devices dnat drop dst dup dynamic ecn element "
		"elements esp ether exists expires export exthdr fib flags "
		"flow "
		"flowtable flush frag fwd get goto handle hbh hook hour "
		"ibriport "
		"ibrname icmp icmpv6 igmp iif iifgroup iifname iiftype import "
		"include index inet insert interval ip ip6 ipsec jhash jump "
		"limit "
		"list log map mark masquerade meta meter mh missing monitor "
		"name "
		"netdev nftrace notrack numgen obriport obrname offload oif "
		"oifgroup oifname oiftype or osf packets pkttype policy "
		"position "
		"priority queue quota random redefine redirect reject rename "
		"replace reset return rt rt0 rt2 rtclassid rule ruleset sctp "
		"secmark set size skgid skuid snat socket srh symhash synproxy "
		"table tcp th time timeout tproxy type typeof udp udplite "
		"undefine update vlan vmap xt ";
	char padded[40];

	if (strlen(name) > sizeof(padded) - 3)
		return false;
	snprintf(padded, sizeof(padded), " %s ", name);
	return strstr(keywords, padded) != NULL;
}
