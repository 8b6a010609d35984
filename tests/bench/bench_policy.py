# SPDX-License-Identifier: GPL-2.0-or-later
"""geoblock-policyd's rows: policy requests, beside postgrey on the same requests in the
same run, in turns.  geoblock-policyd and the geoblockd that it asks share one CPU,
postgrey has it alone; who asks has another."""
import os
import shutil
import statistics
import subprocess
import time

import daemon_kit as t
import kit

POLICYD = os.path.join(kit.BUILD, "geoblock-policyd")
CLIENT = os.path.join(kit.BUILD, "helpers/bench/policy")
CPUS = sorted(os.sched_getaffinity(0))
ON_OWN_CPU = ["taskset", "-c", str(CPUS[0])]
ROUNDS = int(os.environ.get("POLICY_ROUNDS", "5"))
CONNECTIONS = 50
TRIPLETS = 1000
LINUX, WINDOWS = "3.5.0.25", "3.5.0.26"


def wait_for(path, process):
    end = time.monotonic() + 20
    while not os.path.exists(path):
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"bench: nobody listens at {path}")
        time.sleep(0.02)


def ask(path, address, requests, connections=CONNECTIONS, pause_us=0):
    """(seconds of all, median and p99 of one in ns, counts by reply)"""
    done = kit.run("taskset", "-c", str(CPUS[-1]), CLIENT, path, address, str(TRIPLETS),
                   str(connections), str(requests), str(pause_us), check=0)
    ns, median, p99, *answers = map(int, done.stdout.split())
    return ns / 1e9, median, p99, dict(zip(("dunno", "prepend", "defer", "reject"), answers))


class Policyd:
    """geoblockd that has seen both senders, and geoblock-policyd."""

    def __init__(self, site, net):
        self.site, self.net = site, net
        self.path = os.path.join(site.folder, "run/policy.sock")
        self.log = open(os.path.join(site.folder, "policyd.log"), "w")

    def __enter__(self):
        self.site.before = ON_OWN_CPU
        self.site.start()
        for sender in (("US", "linux"), ("US", "windows")):
            self.net.connect(sender, 0)
        self.process = subprocess.Popen([*ON_OWN_CPU, POLICYD, "--config", self.site.conf],
                                        stdin=subprocess.DEVNULL, stderr=self.log)
        wait_for(self.path, self.process)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        os.unlink(self.path)
        self.site.stop()


class Postgrey:
    def __init__(self, folder):
        self.folder = os.path.join(folder, "postgrey")
        self.path = os.path.join(self.folder, "socket")
        os.mkdir(self.folder)
        shutil.chown(self.folder, "nobody", "nogroup")

    def __enter__(self):
        self.process = subprocess.Popen(
            [*ON_OWN_CPU, "postgrey", "--unix", self.path, "--dbdir", self.folder,
             "--user", "nobody", "--group", "nogroup", "--hostname", "mx.example.com",
             "--pidfile", os.path.join(self.folder, "pid")], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.path, self.process)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        if os.path.exists(self.path):
            os.unlink(self.path)


def expect(answers, word, requests):
    if answers[word] < 0.99 * requests:
        raise SystemExit(f"bench: {answers} instead of {requests} × {word}")


def measure(ours, postgrey, times):
    def note(what, value):
        times.setdefault(what, []).append(value)

    with ours:
        took, *_, answers = ask(ours.path, LINUX, 50000)
        if answers["dunno"] + answers["prepend"] < 49000:
            raise SystemExit(f"bench: {answers}")
        note("memory", took / 50000)
        took, *_, answers = ask(ours.path, WINDOWS, 20000)
        expect(answers, "defer", 20000)
        note("greylist", took / 20000)
        for what, address in (("memory", LINUX), ("greylist", WINDOWS)):
            _, median, p99, _ = ask(ours.path, address, 2000, connections=1, pause_us=200)
            note(f"{what} median", median)
            note(f"{what} p99", p99)
    with postgrey:
        took, *_, answers = ask(postgrey.path, WINDOWS, 3000)
        expect(answers, "defer", 3000)
        note("postgrey", took / 3000)
        _, median, p99, _ = ask(postgrey.path, WINDOWS, 500, connections=1, pause_us=200)
        note("postgrey median", median)
        note("postgrey p99", p99)


def bench(row):
    if not shutil.which("postgrey"):
        print("policy requests: no postgrey to compare with")
        return
    net, site, times = t.Net(), t.Site(), {}
    site.write(extra="greylist { delay = 300s }\npolicyd { user = nobody }")
    ours, postgrey = Policyd(site, net), Postgrey(site.folder)
    try:
        for _ in range(ROUNDS):
            measure(ours, postgrey, times)
    finally:
        for process in (net.world, *net.background):
            process.kill()
    m = {what: statistics.median(values) for what, values in times.items()}
    rate = 1 / m["memory"]
    row(f"policy request, one core ({rate / 1e3:.0f} k/s)", m["memory"] * 1e9, 1e5,
        "10,000 a second", "≥ 1 ×", "ns")
    row("policy request, greylisted on disk", m["greylist"] * 1e9, m["postgrey"] * 1e9,
        "postgrey", "≥ 5 ×", "ns")
    for part in ("median", "p99"):
        row(f"policy answer, {part}", m[f"memory {part}"], m[f"postgrey {part}"],
            "postgrey", "≥ 5 ×", "ns")
        row(f"policy answer, greylisted on disk, {part}", m[f"greylist {part}"],
            m[f"postgrey {part}"], "postgrey", "≥ 1 ×", "ns")
