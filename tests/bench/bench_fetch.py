# SPDX-License-Identifier: GPL-2.0-or-later
"""One whole sync from a web server on loopback, five files over HTTPS to switched
sets, beside curl and nft."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../net"))
import fetch_kit
import kit


def bench(row, medians, files, folder, countries):
    """folder has load.nft, what nft is to load: computed before, and not timed."""
    site = fetch_kit.Site(folder)
    urls = []
    for path in files:
        registry = next(r for r in fetch_kit.REGISTRIES if r in os.path.basename(path))
        name = f"delegated-{registry}-extended-latest"
        with open(path, "rb") as f:
            site.put(name, f.read())
        urls.append(fetch_kit.url(fetch_kit.GOOD, name))
    listed = ", ".join(f'"{u}"' for u in urls)
    # a state folder of its own: it is taken away each time
    fresh = os.path.join(folder, "fetch")
    os.mkdir(fresh)
    conf = kit.write_conf(fresh, countries, extra=f'table = "bench"\ngeo {{ max-age = 520w\n'
                          f'ca-file = "{site.ca}"\nurls = {{{listed}}} }}')
    state = os.path.join(fresh, "state")
    into = os.path.join(folder, "peer")
    fetch = " ".join(f"-o {into}/{i} {u}" for i, u in enumerate(urls))
    peer = (f"mkdir -p {into} && curl -sS --fail --parallel --cacert {site.ca} {fetch} && "
            f"nft -f {folder}/load.nft")

    def clean(_):
        shutil.rmtree(state)
        os.mkdir(state)
        for table in ("bench", "peer"):
            subprocess.run(["nft", "delete", "table", "inet", table],
                           stderr=subprocess.DEVNULL)

    ours, theirs = medians([kit.SYNC, "--config", conf, "--quiet"], ["sh", "-c", peer],
                           before=clean)
    clean(0)
    row("five registries over HTTPS to switched sets", ours, theirs,
        "curl, nft -f of the result", "≥ 1")
    site.stop()
