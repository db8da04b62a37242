"""Which request every recorded update needs, as the page of the docs that shows it.

    python -m benchmarks.smallest_request --recorded FOLDER [--write | --check]

Each update of the recordings is planned as it would be today: the manifest moved, Azure is as the last write left it,
and that is remembered. ``--check`` fails when the page is stale.
"""

from __future__ import annotations

import json
import lzma
import re
import sys
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from benchmarks.pages import run_page
from engine.compare.baseline import make_baseline
from engine.compare.compare import compare
from engine.model.document import Document, encode_wire
from engine.model.ids import ApiVersion, ArmId, ResourceKey
from engine.model.plan import Request
from engine.model.state import ActualState, DesiredState, Presence
from engine.planning.finding import Finding
from engine.planning.request import plan_update
from engine.planning.tags import TAGS_API
from schemas.behaviours import lookup_behaviour
from schemas.operations import lookup_operations

PAGE: Final = Path(__file__).parents[1] / "docs" / "requests.md"
UPDATES: Final = Path("corpus") / "updates.jsonl.xz"
RECORDINGS: Final = Path("corpus") / "recordings.tar.xz"
KINDS: Final = ("nothing", "tags", "PATCH", "PUT")
_ENDPOINT: Final = "https://management.azure.com"
_KEY: Final = b"page"
_NOBODY: Final = ResourceKey(namespace="", group="", kind="", name="")
_EXCHANGE: Final = re.compile(
    r"\n        body: '(?P<body>(?:[^'\n]|'')*)'\n.{0,4000}?"
    r"\n        url: (?P<url>\S+)\n        method: (?P<method>[A-Z]+)\n"
    r".{0,100000}?\n        code: (?P<code>\d+)\n",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One recorded update, planned.

    Attributes:
        request: None where nothing is to be sent.
        members: Places that differ, as the plan shows them.
        put_bytes: Size of the body that was recorded.
    """

    finding: Finding
    request: Request | None
    members: tuple[str, ...]
    put_bytes: int

    @property
    def kind(self) -> str:
        """Return one of ``KINDS``."""
        if self.request is None:
            return "nothing"
        return "tags" if TAGS_API in self.request.url else self.request.method

    @property
    def bytes(self) -> int:
        """Return the size of what is sent."""
        return len(encode_wire(self.request.body)) if self.request is not None else 0


def load_updates(folder: Path) -> Iterator[Chosen]:
    """Yield every recorded step between two bodies, planned."""
    with lzma.open(folder / UPDATES, "rb") as lines:
        for line in lines:
            update = json.loads(line)
            for step in update["steps"]:
                yield choose(update, step)


def choose(update: Mapping[str, Any], step: Mapping[str, Any]) -> Chosen:
    """Plan one step."""
    resource, version = ArmId(update["id"]), ApiVersion(step["to_api"])
    actual = ActualState(id=resource, presence=Presence.PRESENT, document=Document(value=step["actual_before"]))
    before, after = (
        DesiredState(key=_NOBODY, id=resource, arm_type=update["type"], api_version=api, body=body)
        for api, body in (
            (ApiVersion(step["from_api"]), step["desired_before"]),
            (version, step["desired_after"]),
        )
    )
    baseline = make_baseline(before, actual, secret_key=_KEY)
    diff = compare(after, actual, baseline, secret_key=_KEY)
    finding = Finding(desired=after, actual=actual, diff=diff, baseline=baseline)
    request = None
    if diff.changes:
        request = plan_update(
            _ENDPOINT,
            resource,
            finding,
            operations=lookup_operations(after.arm_type),
            behaviour=lookup_behaviour(after.arm_type),
        )
    members = tuple(c.path.text for c in diff.changes)
    return Chosen(finding=finding, request=request, members=members, put_bytes=len(orjson.dumps(step["desired_after"])))


def count_puts(folder: Path) -> Counter[str]:
    """Count the PUTs of all recordings: creates, refused ones, those that say what the last one said, and updates."""
    counts: Counter[str] = Counter()
    with tarfile.open(folder / RECORDINGS) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                _count_one(file.read().decode("utf-8", "replace"), counts)
    return counts


def _count_one(text: str, counts: Counter[str]) -> None:
    taken: dict[str, tuple[str, str]] = {}
    for found in _EXCHANGE.finditer(text):
        path, _, query = found["url"].partition("?")
        key, says = path.lower(), (found["body"], query)
        if found["method"] == "DELETE":
            for known in [k for k in taken if k == key or k.startswith(f"{key}/")]:
                del taken[known]
        if found["method"] != "PUT":
            continue
        if int(found["code"]) >= 300:
            counts["refused"] += 1
        elif key not in taken:
            counts["create"] += 1
            taken[key] = says
        else:
            counts["repeat" if taken[key] == says else "update"] += 1
            taken[key] = says


_HEAD = """# Requests

What Trueup sends for every update in recorded Azure traffic: {steps} steps in which a manifest moved, of {types} ARM
types. Azure Service Operator sent a PUT of the whole body for each. This page is written by
`python -m benchmarks.smallest_request --write`; CI fails when it is stale.

## In sum

| request | updates | share | bytes sent | bytes of the recorded PUTs |
| --- | ---: | ---: | ---: | ---: |
"""
_PUTS = """
The recordings hold {total:,} PUTs: {create:,} that create, {update:,} over something with another body than the last,
{refused:,} that Azure refused, and {repeat:,} that say exactly what the last one said, for which nothing is sent here.

## By type

Bytes are those of the bodies: of the recorded PUTs and of what is sent instead.

| type | request | updates | PUT | sent | members |
| --- | --- | ---: | ---: | ---: | --- |
"""
_TAIL = """
A PUT is left where the type has no PATCH, where its PATCH does not take a member, or where nothing is known of PATCH at
that api-version. [Facts about operations](../schemas/operations.py) say which.
"""


def render(chosen: Sequence[Chosen], puts: Mapping[str, int]) -> str:
    """Return the page."""
    types = len({c.finding.desired.arm_type.lower() for c in chosen})
    lines = [_HEAD.format(steps=len(chosen), types=types).rstrip()]
    lines += [_sum_row(kind, [c for c in chosen if c.kind == kind], len(chosen)) for kind in KINDS]
    lines += [_sum_row("all", chosen, len(chosen))]
    known = {name: puts.get(name, 0) for name in ("create", "update", "refused", "repeat")}
    lines += [_PUTS.format(total=sum(known.values()), **known).rstrip()]
    lines += sorted(_rows(chosen))
    return "\n".join(lines) + "\n" + _TAIL


def _sum_row(name: str, chosen: Sequence[Chosen], total: int) -> str:
    sent, before = sum(c.bytes for c in chosen), sum(c.put_bytes for c in chosen)
    return f"| {name} | {len(chosen)} | {100 * len(chosen) / total:.0f} % | {sent:,} | {before:,} |"


def _rows(chosen: Iterable[Chosen]) -> Iterator[str]:
    groups: dict[tuple[str, str, tuple[str, ...]], list[Chosen]] = {}
    for one in chosen:
        desired = one.finding.desired
        groups.setdefault((f"{desired.arm_type}@{desired.api_version}", one.kind, one.members), []).append(one)
    for (label, kind, members), found in groups.items():
        before, sent = sum(c.put_bytes for c in found), sum(c.bytes for c in found)
        names = ", ".join(f"`{m}`" for m in members) or "none"
        yield f"| {label} | {kind} | {len(found)} | {before:,} | {sent:,} | {names} |"


def main() -> int:
    """Print, write or check the page."""
    return run_page(PAGE, "benchmarks.smallest_request", __doc__, make_page)


def make_page(recorded: Path) -> str:
    """Return the page made from a folder of recorded traffic."""
    return render(tuple(load_updates(recorded)), count_puts(recorded))


if __name__ == "__main__":
    sys.exit(main())
