# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the kernel side share: allow-lists of real size, small
differences, what nft says, two ends of a wire."""
import ipaddress
import json
import lzma
import os
import random
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import kit

APPLY = os.path.join(kit.BUILD, "helpers/net/apply")
PROBE = os.path.join(kit.BUILD, "helpers/net/probe")

NORTH_AMERICA = "US CA MX".split()
EU = ("AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK "
      "SI ES SE").split()
TOP_OF = {4: 2 ** 32 - 1, 6: 2 ** 128 - 1}


def equal(got, wanted, what):
    return kit.ok(got == wanted, what, f"got:    {got!r}\nwanted: {wanted!r}")


def apply(*args, check=True, prefix=()):
    """kernel_apply(): its report; with check=False, the error's text."""
    done = kit.run(*prefix, APPLY, "run", *args, check=0 if check else None)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr.strip()


def hows(report):
    """How each set was had: {"allow4": "changed"}."""
    return {s["name"].split(".")[0]: s["how"] for s in report["sets"]}


# ---- lists --------------------------------------------------------------------

class Ranges:
    """Merged ranges of both families."""

    def __init__(self, v4=(), v6=()):
        self.of = {4: kit.merge(v4), 6: kit.merge(v6)}

    @staticmethod
    def parse(words):
        of = {4: [], 6: []}
        for word in words.split() if isinstance(words, str) else words:
            if "-" in word:
                first, last = map(ipaddress.ip_address, word.split("-"))
            else:
                net = ipaddress.ip_network(word)
                first, last = net[0], net[-1]
            of[first.version].append((int(first), int(last)))
        return Ranges(of[4], of[6])

    def __eq__(self, other):
        return self.of == other.of

    def __repr__(self):
        lines = list(self.lines())
        return f"{len(lines)} ranges: {' '.join(lines[:12])}"

    def lines(self):
        for family, ranges in self.of.items():
            for first, last in ranges:
                yield f"{kit.text(first, family)}-{kit.text(last, family)}"

    def write(self, path):
        with open(path, "w", encoding="ascii") as f:
            f.writelines(line + "\n" for line in self.lines())
        return path

    def within(self, other):
        """Every address of this one is in the other."""
        return all(kit.merge(self.of[f] + other.of[f]) == other.of[f] for f in (4, 6))

    def common(self, other):
        out = {4: [], 6: []}
        for f, found in out.items():
            a, b = self.of[f], other.of[f]
            i = j = 0
            while i < len(a) and j < len(b):
                first, last = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
                if first <= last:
                    found.append((first, last))
                if a[i][1] < b[j][1]:
                    i += 1
                else:
                    j += 1
        return Ranges(out[4], out[6])

    def size(self):
        return f"{len(self.of[4])}+{len(self.of[6])}"


def real(countries):
    """The countries' ranges from the lists of 2026-01-31 (None: all countries'); None
    without the data."""
    of = {4: [], 6: []}
    for family, found in of.items():
        path = os.path.join(kit.DATA, f"country-lists/ipverse-20260131.ipv{family}.tsv.xz")
        if not os.path.exists(path):
            return None
        with lzma.open(path, "rt") as lines:
            for line in lines:
                country, prefix = line.split()
                if countries is None or country in countries:
                    net = ipaddress.ip_network(prefix)
                    found.append((int(net[0]), int(net[-1])))
    return Ranges(of[4], of[6])


def made_up(v4, v6, seed):
    """So many ranges at random, none of which touch."""
    dice = random.Random(seed)
    of = {4: [], 6: []}
    for family, many, base, space in ((4, v4, 0, 2 ** 32), (6, v6, 2 ** 125, 2 ** 125)):
        step = space // many
        for i in range(many):
            first = base + i * step
            of[family].append((first, first + dice.randrange(step - 2)))
    return Ranges(of[4], of[6])


def countries(which, v4, v6, seed):
    """Real data, or as much made-up data."""
    return real(which) or made_up(v4, v6, seed)


def few_changed(ranges, many, seed):
    """So many changes: ranges that are new, gone, shorter, longer, split."""
    dice = random.Random(seed)
    of = {f: list(r) for f, r in ranges.of.items()}
    for _ in range(many):
        family = dice.choice([f for f in (4, 6) if of[f]])
        r = of[family]
        at = dice.randrange(len(r))
        first, last = r[at]
        room = (r[at + 1][0] if at + 1 < len(r) else TOP_OF[family] + 1) - last - 1
        kind = dice.randrange(5)
        if kind == 0 and len(r) > 1:
            del r[at]
        elif kind == 1 and last - first > 4:
            cut = dice.randrange(first + 1, last)
            r[at:at + 1] = [(first, cut - 1), (cut + 1, last)]
        elif kind == 2 and last - first > 1:
            r[at] = (first, dice.randrange(first, last))
        elif kind == 3 and room > 0:
            r[at] = (first, last + dice.randrange(1, room + 1))
        elif room > 3:
            new = dice.randrange(last + 2, last + room)
            r.insert(at + 1, (new, new))
        of[family] = kit.merge(r)
    return Ranges(of[4], of[6])


# ---- what nft says ------------------------------------------------------------

def nft(*words):
    return kit.run("nft", *words, check=0).stdout


def nft_sets(table="geoblock"):
    """name → Ranges, as nft lists them."""
    out = {}
    for o in json.loads(nft("-j", "list", "sets"))["nftables"]:
        if "set" in o and o["set"]["table"] == table:
            ranges = kit.nft_ranges(o["set"].get("elem", []))
            out[o["set"]["name"]] = ranges
    return out


def nft_class(name, table="geoblock"):
    """A class as nft has it: the one set of each family."""
    sets = nft_sets(table)
    of = {}
    for family in (4, 6):
        found = [r for n, r in sets.items() if n.startswith(f"{name}{family}.")]
        if len(found) > 1:
            raise AssertionError(f"more than one set of {name}: {list(sets)}")
        of[family] = found[0] if found else []
    return Ranges(of[4], of[6])


def strip(value):
    """Without what differs from one moment to the next."""
    if isinstance(value, dict):
        return {k: strip(v) for k, v in value.items()
                if k not in ("handle", "packets", "bytes", "elem")}
    if isinstance(value, list):
        return [strip(v) for v in value]
    return value


def nft_table(table="geoblock"):
    """All of the table but its elements, comparable; None: it is not there."""
    done = kit.run("nft", "-j", "list", "table", "inet", table)
    if done.returncode != 0:
        return None
    text = done.stdout[done.stdout.index("{"):]  # a warning may come first
    parts = [re.sub(r"([a-z]\d*[46])\.\d+", r"\1.N", json.dumps(strip(o), sort_keys=True))
             for o in json.loads(text)["nftables"] if "metainfo" not in o]
    # rules have an order, within their chain; the rest has none
    return (sorted(p for p in parts if not p.startswith('{"rule"')) +
            sorted((p for p in parts if p.startswith('{"rule"')),
                   key=lambda p: json.loads(p)["rule"]["chain"]))


def counters(table="geoblock"):
    text = nft("-j", "list", "counters", "table", "inet", table)
    return {o["counter"]["name"]: o["counter"]["packets"]
            for o in json.loads(text)["nftables"] if "counter" in o}


# ---- a wire -------------------------------------------------------------------

class Wire:
    """A second namespace, the sender's, at the other end of a veth pair.  All that
    the sender sends to arrives here; addresses of its choice are its own."""

    def __init__(self, sender=("198.51.100.9", "2001:db8:9::9"),
                 here=("198.51.100.1", "2001:db8:9::1")):
        self.here = {4: here[0], 6: here[1]}
        self.process = subprocess.Popen(["unshare", "-n", PROBE, "hold"],
                                        stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.pid = str(self.process.pid)
        self.wait()
        kit.run("ip", "link", "add", "here", "type", "veth", "peer", "name", "there",
                check=0)
        kit.run("ip", "link", "set", "there", "netns", self.pid, check=0)
        for family in (4, 6):
            bits = {4: "24", 6: "64"}[family]
            self.address(None, "here", f"{here[family == 6]}/{bits}")
            self.address(self.pid, "there", f"{sender[family == 6]}/{bits}")
        kit.run("ip", "link", "set", "here", "up", check=0)
        self.there("ip", "link", "set", "there", "up")
        self.there("ip", "link", "set", "lo", "up")

    def wait(self):
        """Until it is in its own namespace."""
        mine = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{self.pid}/ns/net") == mine:
            pass

    def address(self, pid, link, address):
        enter = ["nsenter", "-t", pid, "-n"] if pid else []
        nodad = ["nodad"] if ":" in address else []
        kit.run(*enter, "ip", "address", "replace", address, "dev", link, *nodad, check=0)

    def there(self, *command, check=0):
        return kit.run("nsenter", "-t", self.pid, "-n", *command, check=check)

    def add_sender(self, address):
        """One more address of the sender, with the way back to it."""
        bits = "128" if ":" in address else "32"
        self.address(self.pid, "there", f"{address}/{bits}")
        kit.run("ip", "-6" if ":" in address else "-4", "route", "replace",
                f"{address}/{bits}", "dev", "here", check=0)

    def connect(self, source, port, ms=600):
        """"accepted", "reset" or "timeout"."""
        to = self.here[6 if ":" in source else 4]
        return self.there(PROBE, "connect", source, to, str(port), str(ms),
                          check=None).stdout.split()[0]

    def close(self):
        self.process.kill()
        self.process.wait()
