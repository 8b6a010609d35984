#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""osf.py PCAP GENRE…: what the kernel's osf says of each SYN of a raw-IP capture.

Prints one JSON object: for each genre the source addresses of the SYNs that
`osf ttl loose` and `osf` (which wants the very TTL) name so.  To be run in a
network and a mount namespace of its own (unshare -nm): the capture is played into
a TUN device there, and pf.os is shown to nft at the place where it looks for it.
"""
import fcntl
import json
import os
import struct
import subprocess
import sys
import tempfile
import time

PF_OS = "/usr/share/doc/nftables/examples/pf.os"
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 1, 0x1000


def show_pf_os():
    """nft reads /etc/nftables/osf/pf.os, which Debian ships as an example only."""
    top = tempfile.mkdtemp()
    subprocess.run(["mount", "-t", "tmpfs", "none", top], check=True)
    for name in ("upper", "work"):
        os.mkdir(f"{top}/{name}")
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                    f"lowerdir=/etc,upperdir={top}/upper,workdir={top}/work",
                    "/etc"], check=True)
    os.makedirs("/etc/nftables/osf", exist_ok=True)
    with open(PF_OS, "rb") as source, open("/etc/nftables/osf/pf.os", "wb") as to:
        to.write(source.read())


def nft(text):
    subprocess.run(["nft", "-f", "-"], input=text.encode(), check=True)


def ruleset(genres):
    lines = ["table ip look {"]
    rules = []
    for i, genre in enumerate(genres):
        for way, word in (("loose", "ttl loose "), ("exact", "")):
            name = f"s{i}{way}"
            lines.append(f"  set {name} {{ type ipv4_addr; size 2000000; "
                         "flags dynamic; }")
            rules.append(f'    osf {word}name "{genre}" add @{name} '
                         "{ ip saddr }")
    lines.append("  chain c { type filter hook prerouting priority raw;")
    lines += rules
    lines.append("  }\n}\n")
    return "\n".join(lines)


def open_tun():
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"osf0", IFF_TUN | IFF_NO_PI))
    for command in ("ip link set lo up", "ip link set osf0 up",
                    "ip addr add 192.0.2.1/32 dev osf0"):
        subprocess.run(command.split(), check=True)
    return fd


def packets(path):
    data = open(path, "rb").read()
    at = 24
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16:at + 16 + size]
        at += 16 + size


def elements(name):
    text = subprocess.run(["nft", "-j", "list", "set", "ip", "look", name],
                          check=True, stdout=subprocess.PIPE).stdout
    for item in json.loads(text)["nftables"]:
        if "set" in item:
            return item["set"].get("elem", [])
    return []


def main():
    path, genres = sys.argv[1], sys.argv[2:]
    show_pf_os()
    nft(ruleset(genres))
    fd = open_tun()
    for packet in packets(path):
        if packet[0] >> 4 == 4:
            os.write(fd, packet)
    time.sleep(0.5)
    print(json.dumps({genre: {way: elements(f"s{i}{way}")
                              for way in ("loose", "exact")}
                      for i, genre in enumerate(genres)}))


main()
