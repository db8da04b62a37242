"""What definitions of all kinds cost a real API server: seconds until they are served, and memory.

    python -m benchmarks.crds -o json

Each set goes into a server of its own, with ``trueup crds install``. Azure Service Operator's own 294 definitions, on a
machine like ours, are beside; a bar that is missed ends with code 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from benchmarks.process_cost import cpu_s, memory
from engine.app.cli import main as trueup
from tests.apiserver.binaries import Binaries, find_binaries
from tests.apiserver.plane import ControlPlane

ASO_SECONDS, ASO_MIB = 166.0, 5.1 * 1024
SETS: dict[str, tuple[tuple[str, ...], float]] = {
    "none": ((), 1.0),
    "newest": (("--versions", "newest"), 0.25),
    "all": (("--versions", "all"), 0.5),
    "described": (("--descriptions",), 1.0),
}
"""Options of each set, and which share of ASO's memory and seconds it may cost."""
_SETTLE_S = 15.0


def measure(binaries: Binaries, options: tuple[str, ...], folder: Path) -> dict[str, float]:
    """Install one set into a fresh server; return what it cost."""
    with ControlPlane(binaries, folder) as plane:
        etcd, server = (p.pid for p in plane.processes[:2])
        began, cpu = time.monotonic(), cpu_s(server)
        if options and trueup(["crds", "install", "--pattern", "*", "--kubeconfig", str(plane.kubeconfig()), *options]):
            raise SystemExit("the definitions could not be installed")
        seconds = time.monotonic() - began
        time.sleep(_SETTLE_S)  # documents for clients are made up to some seconds later
        held = memory(server)
        return {
            "install_s": round(seconds, 1),
            "apiserver_rss_mib": held.rss_mib,
            "apiserver_peak_mib": held.peak_mib,
            "apiserver_cpu_s": round(cpu_s(server) - cpu, 1),
            "etcd_rss_mib": memory(etcd).rss_mib,
            "share_of_aso_memory": round(held.rss_mib / ASO_MIB, 3),
            "share_of_aso_seconds": round(seconds / ASO_SECONDS, 3),
        }


def main() -> int:
    """Measure every set, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", choices=("json", "table"), default="table")
    args = parser.parse_args()
    binaries = find_binaries()
    if isinstance(binaries, str):
        raise SystemExit(binaries)
    found: dict[str, dict[str, float]] = {}
    for name, (options, _) in SETS.items():
        with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
            found[name] = measure(binaries, options, Path(folder))
    sys.stdout.write(json.dumps(found, indent=2) if args.output == "json" else table(found))
    sys.stdout.write("\n")
    missed = [n for n, (_, share) in SETS.items() if found[n]["share_of_aso_memory"] > share]
    return 1 if missed else 0


def table(found: dict[str, dict[str, Any]]) -> str:
    """Return the figures as a Markdown table."""
    lines = ["| set | install s | kube-apiserver RSS MiB | etcd RSS MiB |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {f['install_s']:g} ({f['share_of_aso_seconds']:.0%} of ASO's) "
        f"| {f['apiserver_rss_mib']:.0f} ({f['share_of_aso_memory']:.0%}) | {f['etcd_rss_mib']:.0f} |"
        for name, f in found.items()
    ]
    return "\n".join([*lines, f"| ASO's own | {ASO_SECONDS:g} | {ASO_MIB:.0f} | 487 |"])


if __name__ == "__main__":
    raise SystemExit(main())
