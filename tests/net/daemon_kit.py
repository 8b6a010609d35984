# SPDX-License-Identifier: GPL-2.0-or-later
"""geoblockd between two network namespaces, for tests and benchmarks:

  3.5.0.25 (US, Linux)    ┐
  3.5.0.26 (US, Windows)  ├ world0 ─── mx0  the mail server: listeners, geoblockd
  5.43.0.25 (PT, Linux)   │
  5.43.0.26 (PT, Windows) ┘   and the same over IPv6

The Windows senders are this kernel's, their SYNs rewritten on the way out (disguise).
geoblockd runs with the seccomp filter in kill mode: one call beside the list, and it
is gone."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import kit

# GEOBLOCKD: another build of it than of the rest (make tsan)
DAEMON = os.environ.get("GEOBLOCKD", os.path.join(kit.BUILD, "geoblockd"))
HELPERS = os.path.join(kit.BUILD, "helpers/net")
PROBE, FLOOD = f"{HELPERS}/probe", f"{HELPERS}/flood"
# sanitizers want system calls that the filter has not, and memory
SANITIZED = any(name in DAEMON for name in ("asan", "tsan"))

SENDERS = {  # country, system → IPv4, IPv6
    ("US", "linux"): ("3.5.0.25", "2600:1::25"),
    ("US", "windows"): ("3.5.0.26", "2600:1::26"),
    ("PT", "linux"): ("5.43.0.25", "2a01:14::25"),
    ("PT", "windows"): ("5.43.0.26", "2a01:14::26"),
}
MX = ("198.51.100.25", "2001:db8:25::25")
ARIN = """2|arin|20260102|2|19700101|20260101|-0500
arin|*|ipv4|*|1|summary
arin|*|ipv6|*|1|summary
arin|*|asn|*|0|summary
arin|US|ipv4|3.5.0.0|256|20010920|allocated
arin|US|ipv6|2600:1::|32|20010920|allocated
"""
RIPE = """2|ripencc|1767225600|2|19700101|20260101|+0100
ripencc|*|ipv4|*|1|summary
ripencc|*|ipv6|*|1|summary
ripencc|*|asn|*|0|summary
ripencc|PT|ipv4|5.43.0.0|256|20010920|allocated
ripencc|PT|ipv6|2a01:14::|32|20010920|allocated
"""
SURE = 30000  # ms
MARK_SHIFT = 28
MARKS = {"tag": 1, "greylist": 2, "refuse": 3}


def sh(*command, check=True, **options):
    done = subprocess.run(command, **{"capture_output": True, "text": True, "timeout": 60,
                                      **options})
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n"
                             f"{done.stdout}{done.stderr}")
    return done


class Net:
    """The world behind a veth pair, and marks counted as they arrive."""

    def __init__(self, ports=("25", "2525")):
        """ports: where something accepts connections."""
        self.world = subprocess.Popen(["unshare", "--net", PROBE, "hold"])
        here = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{self.world.pid}/ns/net") == here:
            time.sleep(0.01)
        self.background = []
        sh("ip", "link", "add", "mx0", "type", "veth", "peer", "name", "world0",
           "netns", str(self.world.pid))
        sh("ip", "addr", "add", f"{MX[0]}/24", "dev", "mx0")
        sh("ip", "addr", "add", f"{MX[1]}/64", "dev", "mx0", "nodad")
        sh("ip", "link", "set", "mx0", "up")
        self.inside("ip", "link", "set", "lo", "up")
        self.inside("ip", "addr", "add", "198.51.100.1/24", "dev", "world0")
        self.inside("ip", "addr", "add", "2001:db8:25::1/64", "dev", "world0", "nodad")
        self.inside("ip", "link", "set", "world0", "up")
        for v4, v6 in SENDERS.values():
            self.inside("ip", "addr", "add", f"{v4}/32", "dev", "world0")
            self.inside("ip", "addr", "add", f"{v6}/128", "dev", "world0", "nodad")
        sh("ip", "route", "add", "default", "via", "198.51.100.1")
        sh("ip", "-6", "route", "add", "default", "via", "2001:db8:25::1")
        # Windows's window scale
        self.inside("sysctl", "-qw", "net.ipv4.tcp_rmem=4096 131072 8388608")
        for (_, system), (v4, v6) in SENDERS.items():
            if system == "windows":
                for tool, source in (("iptables", v4), ("ip6tables", v6)):
                    self.inside(f"{tool}-legacy", "-t", "mangle", "-A", "OUTPUT", "-p",
                                "tcp", "--syn", "-s", source, "-j", "NFQUEUE",
                                "--queue-num", "1")
        self.start("nsenter", f"--net=/proc/{self.world.pid}/ns/net",
                   f"{HELPERS}/disguise", "1", stdout=subprocess.PIPE).stdout.readline()
        if ports:
            self.start(PROBE, "listen", *ports, stdout=subprocess.PIPE).stdout.readline()
        sh("nft", "-f", "-", input="".join(
            ["table inet seen {\n"] +
            [f"counter m{v} {{}}\n" for v in range(8)] +
            ["chain in { type filter hook input priority 0;\n"] +
            [f"tcp flags syn / syn,ack tcp dport {{25, 2525}} "
             f"meta mark and 0x70000000 == {v << MARK_SHIFT:#x} counter name m{v}\n"
             for v in range(8)] + ["}\n}\n"]))

    def close(self):
        """Make room for another."""
        for process in (self.world, *self.background):
            process.kill()
            process.wait()
        for command in (("ip", "link", "delete", "mx0"),
                        ("nft", "delete", "table", "inet", "seen")):
            sh(*command, check=False)  # the first may have gone with its other end

    def inside(self, *command, **options):
        return sh("nsenter", f"--net=/proc/{self.world.pid}/ns/net", *command, **options)

    def start(self, *command, **options):
        self.background.append(subprocess.Popen(command, **{"stdout": subprocess.DEVNULL,
                                                            **options}))
        return self.background[-1]

    def connect(self, sender, family, ms=700, port=25):
        """accepted (or "accepted at N", by another listener), reset or timeout; ms=SURE
        where it is no timeout, however busy the machine"""
        done = subprocess.run(
            ["nsenter", f"--net=/proc/{self.world.pid}/ns/net", PROBE, "connect",
             SENDERS[sender][family], MX[family], str(port), str(ms)],
            capture_output=True, text=True, timeout=60)
        return re.sub(r" \d+ ms", "", done.stdout).strip() or done.stderr

    def marks(self):
        """How many SYNs came with each mark since the last time."""
        listed = json.loads(sh("nft", "-j", "reset", "counters", "table", "inet",
                               "seen").stdout)["nftables"]
        return {int(o["counter"]["name"][1:]): o["counter"]["packets"]
                for o in listed if "counter" in o and o["counter"]["packets"]}


class Site:
    """Configuration, country data and the daemon."""

    def __init__(self, place=None):
        self.folder = kit.folder(place)
        os.chmod(self.folder, 0o755)
        self.conf = os.path.join(self.folder, "geoblock.conf")
        self.log = os.path.join(self.folder, "log")
        self.daemon = None
        self.before = ()  # what the daemon is started with, as ["taskset", …]
        self.files = []
        os.mkdir(os.path.join(self.folder, "state"))
        for name, text in (("arin", ARIN), ("ripe", RIPE)):
            self.files.append(os.path.join(self.folder, name))
            with open(self.files[-1], "w") as f:
                f.write(text)
        self.write()
        kit.run(kit.SYNC, "--quiet", "--config", self.conf, *self.files, check=0)

    def write(self, rules="", mode="enforce", extra="", raw=None, hosts="hosts = 100000",
              countries="countries = {US}"):
        with open(self.conf, "w") as f:
            f.write(raw or f'mode = {mode}\n{countries}\n'
                    f'state-dir = "{self.folder}/state"\n'
                    f'run-dir = "{self.folder}/run"\n{hosts}\nuser = nobody\n'
                    f'geo {{ max-age = 520w }}\n{rules}\n{extra}\n')

    def start(self, **environment):
        mark = len(self.logged()) if os.path.exists(self.log) else 0
        with open(self.log, "a") as log:
            self.start_into(log, **environment)
        return self.wait_log("ready:", after=mark)

    def start_into(self, log, **environment):
        env = {**os.environ, **environment, "GEOBLOCK_SECCOMP": "off" if SANITIZED else "kill"}
        self.daemon = subprocess.Popen(
            [*self.before, DAEMON, "--config", self.conf], env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=log)

    def wait_log(self, text, seconds=60.0, after=0):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if text in self.logged()[after:]:
                return True
            if self.daemon.poll() is not None:
                return False
            time.sleep(0.02)
        return False

    def logged(self):
        with open(self.log) as f:
            return f.read()

    def stop(self, how=signal.SIGTERM):
        self.daemon.send_signal(how)
        return self.daemon.wait(20)

    def tool(self, *arguments):
        return kit.run(kit.GEOBLOCK, *arguments, "--config", self.conf)

    def status(self):
        return json.loads(self.tool("status", "--json").stdout)

    def ask(self, line, seconds=60):
        """One line to the control socket, as a stranger would send it."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(seconds)
            s.connect(f"{self.folder}/run/control.sock")
            s.sendall(line)
            answer = b""
            while not answer.endswith(b"\n"):
                more = s.recv(65536)
                if not more:
                    break
                answer += more
            return answer


def rss_kb(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+) kB", f.read())[1])


def flood(net, rate, seconds, sources, count=0, cpu=None, before=()):
    """SYNs to port 25 over the wire; how many were sent.  From the last CPU, so that
    the daemon, on the others, has one of its own."""
    mac = re.search(r"link/ether (\S+)", sh("ip", "link", "show", "mx0").stdout)[1]
    if cpu is None:
        cpu = max(os.sched_getaffinity(0))
    done = net.inside(*before, "taskset", "-c", str(cpu), FLOOD, "world0", mac, MX[0], "25",
                      str(rate), str(seconds), sources, str(count))
    return int(done.stdout.split()[0])
