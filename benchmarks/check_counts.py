"""Do the counts of a full pass hold? Times are noise on shared machines; counts are not.

    python -m benchmarks.check_counts [--resources 1000]

Exit 1 with one line per count that does not hold.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from typing import Any

from benchmarks.full_pass import run

STANDARD_REQUESTS = 40
OVER_FLOOR = 1.05


def broken_counts(workload: str, figures: dict[str, Any]) -> list[str]:
    """Return what does not hold of one run, in words.

    1. A pass over resources in sync only reads.
    2. ``standard`` needs at most 40 requests; ``corpus`` at most 5 % more than the cheapest lists have pages.
    3. A warm pass parses no body and never asks deepdiff.
    """
    requests = figures["requests"]
    total = sum(requests.values())
    allowed = STANDARD_REQUESTS if workload == "standard" else int(figures["floor_requests"] * OVER_FLOOR)
    broken = []
    if set(requests) - {"GET", "HEAD"}:
        broken.append(f"{workload}: a pass over resources in sync wrote: {requests}")
    if total > allowed:
        broken.append(f"{workload}: {total} requests, at most {allowed} are allowed")
    for name in ("bodies_parsed", "deepdiff_calls"):
        if figures[name]:
            broken.append(f"{workload}: {name} is {figures[name]} in a warm pass")
    return broken


def main() -> int:
    """Run both workloads and judge their counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resources", type=int, default=1000)
    args = parser.parse_args()
    broken: list[str] = []
    for workload in ("standard", "corpus"):
        figures = run(workload, args.resources)
        values = asdict(figures)
        print(f"{workload}, {args.resources} resources: {values['requests']}, floor {values['floor_requests']}")
        broken += broken_counts(workload, values)
    print("\n".join(broken) or "all counts hold")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
