# SPDX-License-Identifier: GPL-2.0-or-later
"""geoblock-policyd's rows: policy requests, beside postgrey on the same requests in the
same run, in turns.  geoblock-policyd and the geoblockd that it asks share one CPU,
postgrey has it alone; who asks has another."""
import os
import shutil
import statistics
import subprocess
import tempfile
import time

import daemon_kit as t
import kit

POLICYD = os.path.join(kit.BUILD, "geoblock-policyd")
CLIENT = os.path.join(kit.BUILD, "helpers/bench/policy")
CPUS = sorted(os.sched_getaffinity(0))
ON_OWN_CPU = ["taskset", "-c", str(CPUS[0])]
ROUNDS = int(os.environ.get("POLICY_ROUNDS", "3"))
CONNECTIONS = 50
NEW, AGAIN = 1000, 2000  # requests: each of a triplet of its own; the same once more
LINUX, WINDOWS = "3.5.0.25", "3.5.0.26"


def wait_for(path, process):
    end = time.monotonic() + 20
    while not os.path.exists(path):
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"bench: nobody listens at {path}")
        time.sleep(0.02)


def ask(path, address, word, requests, connections=CONNECTIONS, pause_us=0):
    """Of one: time in all, median and p99 of its delay, in ns.  word: the answer."""
    done = kit.run("taskset", "-c", str(CPUS[-1]), CLIENT, path, address, str(NEW),
                   str(connections), str(requests), str(pause_us), check=0)
    ns, median, p99, *answers = map(int, done.stdout.split())
    got = dict(zip(("dunno", "prepend", "defer", "reject"), answers))
    if got[word] < 0.99 * requests:
        raise SystemExit(f"bench: {got} instead of {requests} × {word}")
    return ns / requests, median, p99


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
        shutil.rmtree(os.path.join(self.site.folder, "state/greylist"))
        self.site.stop()


class Postgrey:
    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        # a new database each time: it is killed, as it may take its time to stop
        database = tempfile.mkdtemp(dir=self.folder)
        shutil.chown(database, "nobody", "nogroup")
        self.path = os.path.join(database, "socket")
        self.process = subprocess.Popen(
            [*ON_OWN_CPU, "postgrey", "--unix", self.path, "--dbdir", database, "--user",
             "nobody", "--group", "nogroup", "--hostname", "mx.example.com", "--pidfile",
             os.path.join(database, "pid")], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.path, self.process)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(20)


def measure(ours, postgrey, times):
    def note(what, values):
        for part, value in zip(("", " median", " p99"), values):
            times.setdefault(what + part, []).append(value)

    with ours:
        note("memory", ask(ours.path, LINUX, "prepend", 50000)[:1])
        note("memory", (None, *ask(ours.path, LINUX, "prepend", 2000, 1, 200)[1:]))
        note("new", ask(ours.path, WINDOWS, "defer", NEW))
        note("again", ask(ours.path, WINDOWS, "defer", 10 * AGAIN))
    with postgrey:
        note("postgrey new", ask(postgrey.path, WINDOWS, "defer", NEW))
        note("postgrey again", ask(postgrey.path, WINDOWS, "defer", AGAIN))
        note("postgrey", (None, *ask(postgrey.path, WINDOWS, "defer", 500, 1, 200)[1:]))


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
        net.close()
    m = {what: statistics.median(v for v in values if v is not None)
         for what, values in times.items() if any(values)}
    row(f"policy request, one core ({1e6 / m['memory']:.0f} k/s)", m["memory"], 1e5,
        "10,000 a second", "≥ 1 ×", "ns")
    row("policy request, a new triplet, on disk", m["new"], m["postgrey new"], "postgrey",
        "≥ 5 ×", "ns")
    row("policy request, a triplet too early again", m["again"], m["postgrey again"],
        "postgrey", "≥ 5 ×", "ns")
    # the 99th percentile tells of whatever else runs on the machine, too
    for part, goal in (("median", "≥ 2 ×"), ("p99", "≥ 1 ×")):
        row(f"policy answer, one at a time, {part}", m[f"memory {part}"],
            m[f"postgrey {part}"], "postgrey", goal, "ns")
