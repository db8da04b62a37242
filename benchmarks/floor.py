"""What no program can beat that reads all of Azure's bodies: the pages of the cheapest lists, each parsed once.

    python -m benchmarks.floor --workload standard --resources 10000 --azure URL

Prints one JSON line: ``{"requests","cpu_s"}``. A process of its own with Python's defaults, so that nothing a pass left
behind makes it slower or faster.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

import orjson

from benchmarks.servers import EmulatedAzure
from benchmarks.workloads import RESOURCE_GROUP, SUBSCRIPTION, Instance, Template, build_workload
from schemas.operations import lookup_operations

PAGE_SIZE = 1000
"""Items on a page of ARM's lists; only decides which list is the cheapest."""


@dataclass(frozen=True)
class Floor:
    """How many pages the cheapest lists have, and what parsing them costs."""

    requests: int
    cpu_s: float


def measure_floor(azure: EmulatedAzure, instances: Iterable[Instance]) -> Floor:
    """Read the cheapest lists page by page, and time nothing but ``orjson.loads``."""
    requests = 0
    cpu_s = 0.0
    for path in cheapest_reads(instances):
        for body in _pages(azure, path):
            started = time.process_time()
            orjson.loads(body)
            cpu_s += time.process_time() - started
            requests += 1
    return Floor(requests, cpu_s)


def floor_of(azure: EmulatedAzure, workload: str, resources: int) -> Floor:
    """Measure in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.floor", "--workload", workload]
    command += ["--resources", str(resources), "--azure", azure.url]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Floor(**json.loads(done.stdout))


def cheapest_reads(instances: Iterable[Instance]) -> Iterator[str]:
    """Yield the first page of each list, or the resource itself where its type has none."""
    by_type: dict[str, tuple[Template, list[str]]] = {}
    for instance in instances:
        by_type.setdefault(instance.template.type, (instance.template, []))[1].append(instance.id)
    for template, ids in by_type.values():
        candidates = list(_candidates(template, ids))
        for path in min(candidates, key=_cost):
            yield f"{path}?api-version={template.api}"


def _candidates(template: Template, ids: Sequence[str]) -> Iterator[Counter[str]]:
    """Yield the ways to read a type as paths with how many resources each gives."""
    facts = lookup_operations(template.arm_type)
    scopes = {e.scope for e in facts.lists if e.full_bodies and not e.query and not e.only} if facts else set()
    if "subscription" in scopes:
        below = "resourcegroups" if template.type == RESOURCE_GROUP else f"providers/{template.arm_type}"
        yield Counter({f"/subscriptions/{SUBSCRIPTION}/{below}": len(ids)})
    if scopes & {"resourceGroup", "parent", "scope"}:
        yield Counter(resource.rsplit("/", 1)[0] for resource in ids)
    yield Counter(ids)


def _cost(paths: Mapping[str, int]) -> int:
    return sum(-(-count // PAGE_SIZE) for count in paths.values())


def _pages(azure: EmulatedAzure, path: str) -> Iterator[bytes]:
    link: str | None = path
    while link:
        status, body = azure.get(link)
        if status != 200:
            raise RuntimeError(f"GET {link}: HTTP {status} {body[:300]!r}")
        yield body
        following = orjson.loads(body).get("nextLink")
        parts = urlsplit(following) if following else None
        link = f"{parts.path}?{parts.query}" if parts else None


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workload", required=True)
    parser.add_argument("--resources", type=int, required=True)
    parser.add_argument("--azure", required=True)
    args = parser.parse_args()
    floor = measure_floor(EmulatedAzure(args.azure), build_workload(args.workload, args.resources))
    print(json.dumps(asdict(floor)))


if __name__ == "__main__":
    main()
