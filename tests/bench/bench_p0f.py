# SPDX-License-Identifier: GPL-2.0-or-later
"""What mail programs ask, beside p0f itself: both have seen the same SYN on the same
wire and are asked the same by the same client, in turns.  They have one CPU, who asks
another."""
import os
import shutil
import socket
import statistics
import struct
import subprocess
import threading
import time

import daemon_kit as t

CPUS = sorted(os.sched_getaffinity(0))
ON_OWN_CPU = ["taskset", "-c", str(CPUS[0])]
ROUNDS = int(os.environ.get("P0F_ROUNDS", "5"))
PIPELINED, ONE_BY_ONE = 50000, 5000
SENDER = t.SENDERS["US", "windows"][0]
QUERY = struct.pack("=IB16s", 0x50304601, 4, socket.inet_aton(SENDER))
LINE = f"{SENDER} 49152\n".encode()


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(30)
    s.connect(path)
    return s


def pipelined(path, request, count, done):
    """Seconds for each, when nobody waits for an answer before asking on."""
    with connect(path) as s:
        start = time.perf_counter()
        sender = threading.Thread(target=s.sendall, args=(request * count,))
        sender.start()
        while not done(s.recv(1 << 18)):
            pass
        sender.join()
        return (time.perf_counter() - start) / count


def until_bytes(wanted):
    got = 0

    def done(data):
        nonlocal got
        got += len(data)
        return got >= wanted
    return done


def until_lines(wanted):
    got = 0

    def done(data):
        nonlocal got
        got += data.count(b"\n")
        return got >= wanted
    return done


def one_by_one(path):
    times = []
    with connect(path) as s:
        for _ in range(ONE_BY_ONE):
            start = time.perf_counter_ns()
            s.sendall(QUERY)
            answer = s.recv(4096)
            times.append(time.perf_counter_ns() - start)
    if len(answer) != 232 or answer[40:47] != b"Windows":
        raise SystemExit(f"bench: {path}: {answer}")
    return statistics.median(times)


def measure(paths, text, times):
    for name, path in paths.items():
        times.setdefault(name, []).append(pipelined(
            path, QUERY, PIPELINED, until_bytes(PIPELINED * 232)))
        times.setdefault(f"{name} alone", []).append(one_by_one(path))
    times.setdefault("text", []).append(pipelined(
        text, LINE, 4 * PIPELINED, until_lines(4 * PIPELINED)))


def bench(row):
    if not shutil.which("p0f"):
        print("p0f's API: no p0f to compare with")
        return
    net, site, times = t.Net(), t.Site(), {}
    theirs = os.path.join(site.folder, "p0f.sock")
    site.before = ON_OWN_CPU
    os.sched_setaffinity(0, {CPUS[-1]})
    try:
        site.start()
        net.background.append(subprocess.Popen(
            [*ON_OWN_CPU, "p0f", "-i", "mx0", "-s", theirs, "-f", "/etc/p0f/p0f.fp"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        while not os.path.exists(theirs):
            time.sleep(0.02)
        net.connect(("US", "windows"), 0)
        for _ in range(ROUNDS):
            measure({"ours": f"{site.folder}/run/p0f.sock", "p0f": theirs},
                    f"{site.folder}/run/text.sock", times)
    finally:
        os.sched_setaffinity(0, CPUS)
        site.daemon.kill()
        net.close()
    m = {what: statistics.median(values) for what, values in times.items()}
    row("p0f query, pipelined", m["ours"] * 1e9, m["p0f"] * 1e9, "p0f", "≥ 2 ×", "ns")
    row("p0f query, one at a time", m["ours alone"], m["p0f alone"], "p0f", "≤ 1.1 ×",
        "ns")
    row(f"line of text ({1e-3 / m['text']:.0f} k/s)", m["text"] * 1e9, 1e4,
        "100,000 a second", "≥ 1 ×", "ns")
