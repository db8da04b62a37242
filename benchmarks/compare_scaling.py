"""What comparing one very large body costs, and how that grows with its size.

    python -m benchmarks.compare_scaling [-o json] [--check]

Prints, per body, its size and the CPU seconds of one comparison: cold, with memory, with one place changed. Bodies: a
network security group with 1,000 and with 4,000 rules (as sent, in another order, and without names), a workbook of
5 MB. ``--check`` fails when four times the rules cost more than five times as much.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson

from engine.compare.compare import compare_bodies
from engine.compare.subject import RememberedBodies, Subject
from engine.model.change import ResourceDiff

FEW, MANY = 1_000, 4_000
MOST: Final = 5.0
"""How much more four times the rules may cost."""
_REPEATS = 5
_TRIES = 3
_WORKBOOK_ROWS = 40_000

GROUP = Subject(arm_type="Microsoft.Network/networkSecurityGroups", api_version="2023-11-01")
FREE = Subject(arm_type="No.Such/type", api_version="2024-01-01")
WORKBOOK = Subject(arm_type="Microsoft.Insights/workbooks", api_version="2023-06-01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One comparison.

    Attributes:
        body: What is compared.
        megabytes: JSON of the actual body.
        cpu_s: The least of a few runs.
        changes: How many it found.
    """

    body: str
    megabytes: float
    cpu_s: float
    changes: int


def rules(count: int, *, changed: int | None = None) -> dict[str, Any]:
    """Return a security group with rules; one of them may say something else."""
    made = [_rule(n, "Deny" if n == changed else "Allow") for n in range(count)]
    return {"location": "westus2", "properties": {"securityRules": made}}


def _rule(number: int, access: str) -> dict[str, Any]:
    ends = {
        "sourceAddressPrefix": f"10.{number // 256 % 256}.{number % 256}.0/24",
        "destinationPortRanges": ["80", "443"],
    }
    return {
        "name": f"rule-{number}",
        "properties": {"access": access, "direction": "Inbound", "priority": 100 + number, "protocol": "Tcp", **ends},
    }


def held(body: dict[str, Any]) -> dict[str, Any]:
    """Return the group as Azure returns it: named elements in another order, with members of its own."""
    made = [
        {**rule, "etag": "W/1", "id": f"/x/{rule['name']}"} for rule in reversed(body["properties"]["securityRules"])
    ]
    return {**body, "location": "West US 2", "properties": {"securityRules": made, "provisioningState": "Succeeded"}}


def unnamed(count: int, *, changed: int | None = None) -> dict[str, Any]:
    """Return a body of a type nobody knows, whose elements have no names."""
    rows = [{"from": f"10.0.{n}", "to": f"x{n}", "cost": -1 if n == changed else n % 7} for n in range(count)]
    return {"properties": {"rows": rows}}


def shapeless(count: int) -> dict[str, Any]:
    """Return elements without names of which no two have the same members."""
    return {"properties": {"rows": [{f"member{n}": n, "common": True} for n in range(count)]}}


def workbook(*, spaced: bool = False, changed: bool = False) -> dict[str, Any]:
    """Return a workbook with 5 MB of JSON held as text."""
    rows = [
        {"type": 3, "name": f"query {n}", "content": {"query": "requests | take 10" * 4}} for n in range(_WORKBOOK_ROWS)
    ]
    text = json.dumps({"version": "Notebook/1.0", "items": rows, "end": changed}, indent=1 if spaced else None)
    return {"properties": {"displayName": "w", "serializedData": text}}


def measure(body: str, subject: Subject, desired: Any, actual: Any, remembered: RememberedBodies | None = None) -> Cost:
    """Compare a few times and keep the least."""

    def once() -> ResourceDiff:
        return compare_bodies(desired, actual, subject, remembered=remembered)

    cpu_s, diff = min((_timed(once) for _ in range(_REPEATS)), key=lambda found: found[0])
    return Cost(
        body=body, megabytes=round(len(orjson.dumps(actual)) / 1e6, 2), cpu_s=round(cpu_s, 4), changes=len(diff.changes)
    )


def _timed(run: Callable[[], ResourceDiff]) -> tuple[float, ResourceDiff]:
    gc.collect()
    gc.disable()
    started = time.process_time()
    diff = run()
    spent = time.process_time() - started
    gc.enable()
    return spent, diff


def costs_of_rules(count: int) -> Iterator[Cost]:
    """Measure one number of rules in every form."""
    sent, label = rules(count), f"{count:,} rules"
    now, memory = held(sent), RememberedBodies(sent, held(sent))
    one_moved = held(rules(count, changed=count // 2))
    yield measure(f"{label}, in order", GROUP, sent, sent)
    yield measure(f"{label}, other order", GROUP, sent, now)
    yield measure(f"{label}, one changed", GROUP, sent, one_moved)
    yield measure(f"{label}, one changed, remembered", GROUP, sent, one_moved, memory)
    yield measure(f"{label}, one gone, remembered", GROUP, sent, held(rules(count - 1)), memory)
    loose, moved = unnamed(count), unnamed(count, changed=count // 2)
    yield measure(f"{label} without names, one changed", FREE, loose, moved)
    odd, cut = shapeless(count), shapeless(count - 1)
    yield measure(
        f"{label} of as many shapes, one gone", FREE, {"properties": {"rows": odd["properties"]["rows"][::-1]}}, cut
    )
    fewer = unnamed(count - 1, changed=count // 2)
    yield measure(f"{label} without names, one gone", FREE, loose, fewer)


def costs_of_texts() -> Iterator[Cost]:
    """Measure a text of 5 MB that holds a document."""
    yield measure("workbook, the same", WORKBOOK, workbook(), workbook())
    yield measure("workbook, laid out anew", WORKBOOK, workbook(), workbook(spaced=True))
    yield measure("workbook, changed at its end", WORKBOOK, workbook(), workbook(spaced=True, changed=True))


def ratios(few: list[Cost], many: list[Cost]) -> dict[str, float]:
    """Return how much more four times the rules cost, per form."""
    pairs = zip(few, many, strict=True)
    return {a.body.partition(" ")[2]: round(b.cpu_s / max(a.cpu_s, 1e-6), 2) for a, b in pairs}


def main() -> int:
    """Print the costs and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    parser.add_argument("--check", action="store_true", help="fail when the cost grows faster than the body")
    args = parser.parse_args()
    few, many, texts = list(costs_of_rules(FEW)), list(costs_of_rules(MANY)), list(costs_of_texts())
    grown = ratios(few, many)
    for _ in range(_TRIES if args.check else 0):
        if max(grown.values()) <= MOST:
            break
        # The machine may have been busy: a cost that really grows faster does so every time.
        few, many = list(costs_of_rules(FEW)), list(costs_of_rules(MANY))
        grown = ratios(few, many)
    if args.output == "json":
        print(json.dumps({"costs": [asdict(c) for c in (*few, *many, *texts)], "ratios": grown}))
    else:
        for cost in (*few, *many, *texts):
            print(f"{cost.body:45} {cost.megabytes:6.2f} MB {cost.cpu_s:8.4f} s  {cost.changes} changes")
        for body, ratio in grown.items():
            print(f"{body:45} x {ratio:.2f}")
    return 1 if args.check and max(grown.values()) > MOST else 0


if __name__ == "__main__":
    sys.exit(main())
