# SPDX-License-Identifier: GPL-2.0-or-later
"""What the Python test drivers share: TAP, test data, namespaces, and a reader of
delegation files of its own, written against the format's description and not
against the C code, so that the two can disagree."""
import bisect
import faulthandler
import ipaddress
import lzma
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TOP, os.environ.get("BUILD", "build"))
DATA = os.environ.get("GEOBLOCK_TEST_DATA", os.path.join(TOP, "../shared/data"))
SYNC = os.path.join(BUILD, "geoblock-sync")
GEOBLOCK = os.path.join(BUILD, "geoblock")

DETAIL = 60  # lines of a failed check
_count = _failed = 0

# who is stopped says where it was
faulthandler.register(signal.SIGTERM, chain=True)


def ok(good, what, detail=""):
    """One TAP result; returns good."""
    global _count, _failed
    _count += 1
    print(f"{'ok' if good else 'not ok'} {_count} - {what}", flush=True)
    if not good:
        _failed += 1
        lines = str(detail).splitlines()
        if len(lines) > DETAIL:  # a log says most at its end
            lines[DETAIL // 3:-DETAIL * 2 // 3] = ["…"]
        for line in lines:
            print(f"# {line}", flush=True)
    return good


def skip(what, why):
    global _count
    _count += 1
    print(f"ok {_count} - {what} # SKIP {why}", flush=True)


def done():
    print(f"1..{_count}")
    sys.exit(1 if _failed or not _count else 0)


PATIENCE = 60  # seconds: what a slow machine may take for anything


def until(condition, seconds=PATIENCE):
    """Waits for it; gives its last value.  A busy machine has time, a right one needs
    none of it."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return value


def need(*programs):
    """Ends the test, with a skip, where one of them is not installed."""
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        skip(os.path.basename(sys.argv[0]), f"no {', '.join(missing)}; make deps installs it")
        done()


def need_data(what, *paths):
    """The paths under the test data, or None after a skip."""
    full = [os.path.join(DATA, path) for path in paths]
    for path in full:
        if not os.path.exists(path):
            skip(what, f"no test data: {path} (set GEOBLOCK_TEST_DATA)")
            return None
    return full


def enter_namespace():
    """Go on in a network namespace of our own, with lo up: nothing a test does to
    the firewall reaches the machine."""
    if os.environ.get("GEOBLOCK_IN_NAMESPACE") == "yes":
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    if os.geteuid() != 0:
        skip(os.path.basename(sys.argv[0]), "needs root for a network namespace")
        done()
    os.environ["GEOBLOCK_IN_NAMESPACE"] = "yes"
    os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])


def unpack(path, folder):
    """An .xz of the test data as a plain file in folder; other files as they are."""
    if not path.endswith(".xz"):
        return path
    out = os.path.join(folder, os.path.basename(path)[:-3])
    with lzma.open(path) as packed, open(out, "wb") as plain:
        plain.write(packed.read())
    return out


RIR_2013 = [f"rir/2013-08-13/delegated-{r}-latest.xz"
            for r in ("afrinic", "apnic", "arin", "lacnic", "ripencc")]
RIR_2026 = [f"rir/2026-01-30/delegated-{r}-latest.xz"
            for r in ("afrinic", "apnic", "lacnic")] + \
           ["rir/2026-01-31-derived/derived-arin-20260131.xz",
            "rir/2026-01-31-derived/derived-ripencc-20260131.xz"]


def write_conf(folder, countries=("US", "CA", "MX"), mode="enforce", extra=""):
    """A configuration with a state folder of its own; returns its path."""
    state = os.path.join(folder, "state")
    os.makedirs(state, exist_ok=True)
    path = os.path.join(folder, "geoblock.conf")
    words = ", ".join(f'"{c}"' for c in countries)
    with open(path, "w") as f:
        f.write(f'mode = {mode}\ncountries = {{{words}}}\n'
                f'state-dir = "{state}"\nrun-dir = "{folder}"\n{extra}\n')
    return path


def run(*command, stdin=None, check=None):
    """Run a program; check: the exit status it must have."""
    done_ = subprocess.run(command, input=stdin, capture_output=True, text=True,
                           timeout=300)
    if check is not None and done_.returncode != check:
        raise AssertionError(f"{' '.join(command)}: exit {done_.returncode}, "
                             f"want {check}\n{done_.stdout[-2000:]}{done_.stderr[-2000:]}")
    return done_


def rir_ranges(paths, countries):
    """{4: [(first, last)], 6: […]} of the countries, merged, independently."""
    found = {4: [], 6: []}
    for path in paths:
        opener = lzma.open if path.endswith(".xz") else open
        with opener(path, "rt") as f:
            for line in f:
                field = line.rstrip("\n").split("|")
                if len(field) < 7 or field[6] not in ("allocated", "assigned"):
                    continue
                if countries is not None and field[1] not in countries:
                    continue
                if countries is None and (len(field[1]) != 2 or field[1] == "ZZ"):
                    continue
                if field[2] == "ipv4":
                    first = int(ipaddress.IPv4Address(field[3]))
                    found[4].append((first, first + int(field[4]) - 1))
                elif field[2] == "ipv6":
                    first = int(ipaddress.IPv6Address(field[3]))
                    found[6].append((first, first + (1 << 128 - int(field[4])) - 1))
    return {family: merge(ranges) for family, ranges in found.items()}


def merge(ranges):
    out = []
    for first, last in sorted(ranges):
        if out and first <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return out


def cidrs(ranges, bits):
    """Minimal prefixes, by the greedy rule."""
    out = []
    for first, last in ranges:
        while first <= last:
            size = first & -first if first else 1 << bits
            while size > last - first + 1:
                size >>= 1
            out.append((first, bits - size.bit_length() + 1))
            first += size
    return out


def has(ranges, value):
    at = bisect.bisect_right(ranges, (value, 1 << 128)) - 1
    return at >= 0 and ranges[at][0] <= value <= ranges[at][1]


def text(value, family):
    return str((ipaddress.IPv4Address if family == 4 else
                ipaddress.IPv6Address)(value))


def nft_ranges(elements):
    """Elements of `nft -j list set` as merged ranges."""
    out = []
    for element in elements:
        if isinstance(element, str):
            at = int(ipaddress.ip_address(element))
            out.append((at, at))
        elif "prefix" in element:
            net = ipaddress.ip_network(
                f"{element['prefix']['addr']}/{element['prefix']['len']}")
            out.append((int(net[0]), int(net[-1])))
        else:
            low, high = element["range"]
            out.append((int(ipaddress.ip_address(low)),
                        int(ipaddress.ip_address(high))))
    return merge(out)


# for what is asked of a disk within some time: a busy one may take longer
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def folder(place=None):
    """A folder that goes away with the process."""
    import atexit
    path = tempfile.mkdtemp(prefix="geoblock-test-", dir=place)
    atexit.register(shutil.rmtree, path, True)
    return path
