# SPDX-License-Identifier: GPL-2.0-or-later
"""geoblockd's rows: what its verdicts cost, beside a loop that accepts every packet
(tests/net/queue_listener), on the same wire, through the same rules, in turns.

The sender has one CPU, the daemon or the loop another.  A flood's packets are taken
off the wire and put into the queue on the sender's CPU.  Where delays or
losses are measured all of them have real-time priority: else the figures would tell of
whatever else runs on the machine."""
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import time

import daemon_kit as t
import kit

HELPERS = os.path.join(kit.BUILD, "helpers")
LISTENER = os.path.join(HELPERS, "net/queue_listener")
SOURCES = "11.0.0.0-126.255.255.255"  # none of them exempt
QUEUE, LENGTH = 25, 8192
ROUNDS = int(os.environ.get("QUEUE_ROUNDS", "5"))
DELAYS, DELAY_ROUNDS, PAUSE_US = 1000, 31, 200
RATE, SECONDS = 200000, 2
RULES = ('rule "w" { country = outside os = windows action = drop }\n'
         'rule "abroad" { country = outside action = drop }')
CPUS = sorted(os.sched_getaffinity(0))
ON_OWN_CPU = ["taskset", "-c", str(CPUS[0])]
AT_ONCE = ["chrt", "--fifo", "10"]


def cpu_s(pid):
    """Seconds of processor time that a process has had."""
    with open(f"/proc/{pid}/stat") as f:
        field = f.read().rpartition(")")[2].split()
    return (int(field[11]) + int(field[12])) / os.sysconf("SC_CLK_TCK")


class Loop:
    """The loop that accepts all."""

    def __init__(self, before=()):
        self.before = before

    def __enter__(self):
        self.process = subprocess.Popen(
            [*self.before, *ON_OWN_CPU, LISTENER, "accept", str(QUEUE), str(QUEUE), str(LENGTH)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        self.pid = self.process.pid
        return self

    def __exit__(self, *_):
        self.seen = int(self.process.communicate()[0].split()[1])


class Daemon:
    """geoblockd."""

    def __init__(self, site, before=()):
        self.site = site
        self.before = before

    def __enter__(self):
        self.site.before = [*self.before, *ON_OWN_CPU]
        self.site.start()
        self.site.tool("reload")  # when this is done, so is all that a start brings
        self.pid = self.site.daemon.pid
        return self

    def __exit__(self, *_):
        self.seen = self.site.status()["queues"][0]["packets"]
        self.site.stop()


def mac():
    link = json.loads(t.sh("ip", "-j", "link", "show", "mx0").stdout)
    return link[0]["address"]


def delay(net):
    """Median and 99th percentile of a SYN's time to its answer, in ns."""
    done = net.inside(*AT_ONCE, "taskset", "-c", str(CPUS[-1]),
                      os.path.join(HELPERS, "bench/delay"), "world0", mac(), "3.5.0.25",
                      t.MX[0], "26", str(DELAYS), str(PAUSE_US))
    median, p99, count = map(int, done.stdout.split())
    if count < DELAYS * 0.99:
        raise SystemExit(f"delay: {count} answers to {DELAYS} SYNs")
    return median, p99


def bench_delay(row, net, site):
    """Above what the same SYN takes where nobody listens and it bypasses the queue.

    One round's 99th percentile may be three times another's, for both: whatever else
    runs on the machine adds to it and nothing takes away.  So there are many short
    rounds, and the figure is their lower quartile."""
    added = {"ours": [], "peer": []}
    for _ in range(DELAY_ROUNDS):
        none = delay(net)
        for who, runner in (("ours", Daemon(site, AT_ONCE)), ("peer", Loop(AT_ONCE))):
            with runner:
                added[who].append([a - b for a, b in zip(delay(net), none)])
    for i, name in enumerate(("median", "p99")):
        ours, peer = (statistics.quantiles((a[i] for a in added[who]), n=4)[0]
                      for who in ("ours", "peer"))
        row(f"added delay of a SYN, {name}", ours, peer, "accept-all loop", "≤ 1.1 ×", "ns")


def drained(net, pid):
    """Packets a second that a listener takes off a full queue."""
    os.kill(pid, signal.SIGSTOP)
    t.flood(net, RATE, 1, SOURCES, count=LENGTH)
    done = kit.run("taskset", "-c", str(CPUS[-1]), os.path.join(HELPERS, "bench/drain"),
                   str(pid), str(QUEUE), check=0)
    packets, ns = map(int, done.stdout.split())
    return packets / ns * 1e9


def bench_speed(row, net, site):
    speed, cost = {"ours": [], "peer": []}, {"ours": [], "peer": []}
    for _ in range(ROUNDS):
        for who, runner in (("ours", Daemon(site)), ("peer", Loop())):
            with runner:
                # the fastest: what else runs on the machine only slows it
                speed[who].append(max(drained(net, runner.pid) for _ in range(10)))
            with runner:
                start = cpu_s(runner.pid)
                t.flood(net, RATE, SECONDS, SOURCES)
                spent = cpu_s(runner.pid) - start
            cost[who].append(spent / runner.seen)
    speed = {who: statistics.median(values) for who, values in speed.items()}
    cost = {who: statistics.median(values) * 1e9 for who, values in cost.items()}
    row("verdicts a second, one core: time of one", 1e9 / speed["ours"], 1e9 / speed["peer"],
        f"accept-all, {speed['peer'] / 1e3:.0f} k/s", "≥ 0.9", "ns")
    row("a SYN's verdict through NFQUEUE, CPU time", cost["ours"], cost["peer"],
        "accept-all loop", "≤ 1.11 ×", "ns")


def lossless(net, site):
    """A flood's rate, and of how many SYNs asked about how many were judged: the best
    of three, as whatever else runs here takes the daemon's CPU away."""
    tries = []
    for _ in range(3):
        before, start = site.status(), time.monotonic()
        sent = t.flood(net, RATE, SECONDS, SOURCES, before=AT_ONCE)
        rate = sent / (time.monotonic() - start)
        after = site.status()
        asked = after["kernel"]["queue.asked"] - before["kernel"]["queue.asked"]
        judged = after["queues"][0]["packets"] - before["queues"][0]["packets"]
        tries.append((judged / asked, rate, asked, judged))
    return max(tries)[1:]


def bench_flood(row, net, site):
    with Daemon(site, AT_ONCE):
        rate, asked, judged = lossless(net, site)
    row(f"SYNs asked about, at {rate / 1e3:.0f} k/s", asked, judged, "judged of them", "≤ 1",
        "SYNs")


def bench_memory(row, net, site, image):
    """With the real country data and the default number of hosts."""
    shutil.copy(image, os.path.join(site.folder, "state/geo.img"))
    site.write(RULES, hosts="")
    with Daemon(site) as daemon:
        seen = 0
        for _ in range(20):
            if seen > 1000000:
                break
            t.flood(net, RATE, 5, SOURCES)
            hosts = site.status()["hosts"]
            seen = hosts["evicted"] + hosts["remembered"]
        with open(f"/proc/{daemon.pid}/status") as f:
            rss, anon = map(int, re.findall(r"^(?:VmRSS|RssAnon):\s+(\d+) kB", f.read(),
                                            re.M))
    row(f"memory, {seen:,} hosts seen", rss, 32768, f"({anon / 1024:.1f} without files)",
        "≤ 1 ×", "kB")


def bench(row, image):
    net, site = t.Net(), t.Site()
    # 26: nobody listens there, and the stack's RST is the answer
    site.write(extra="ports = {25, 26}")
    kit.run(kit.SYNC, "--quiet", "--config", site.conf, *site.files, check=0)
    bench_delay(row, net, site)
    site.write(RULES)
    bench_speed(row, net, site)
    bench_flood(row, net, site)
    bench_memory(row, net, site, image)
    net.close()
