"""How many requests a plan spends, how long ARM's own limits make that last, and how long it will take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.model.plan import Budget, Expectation, Request, Spending, Step
from engine.model.policy import Limits
from schemas.durations import Typical, lookup_duration

_Identity = tuple[str, str, str, str]
_TAGS_TYPE = "Microsoft.Resources/tags"


def compute_budget(steps: Iterable[Step], limits: Limits) -> Budget:
    """Count the requests of steps that write, in an order that respects ``depends_on``.

    The floor is the time ARM's token buckets need to refill once their burst is spent (reads, writes and deletes
    have a bucket each); operations usually take longer. The expectation is the longest path of writes that wait for
    each other, at the times that recordings show.

    Source: "Understand how Azure Resource Manager throttles requests", token bucket limits.
    """
    sending = [s for s in steps if s.action.mutates]
    if not sending:
        return Budget()
    deletes = sum(1 for s in sending for r in s.requests if r.method == "DELETE")
    writes = sum(len(s.requests) for s in sending) - deletes
    reads = sum(1 + t.polls for s in sending for t in _typicals(s))
    spending = (
        Spending(kind="writes", requests=writes, at_once=limits.write_burst, per_s=limits.writes_per_s),
        Spending(kind="deletes", requests=deletes, at_once=limits.delete_burst, per_s=limits.deletes_per_s),
        Spending(kind="reads", requests=reads, at_once=limits.read_burst, per_s=limits.reads_per_s),
    )
    floor = round(max(_refill_s(s) for s in spending[:2]), 1)
    return Budget(
        writes=writes,
        deletes=deletes,
        floor_s=floor,
        spending=spending,
        expectation=_expect(sending, max(floor, _refill_s(spending[2]))),
    )


def _refill_s(spending: Spending) -> float:
    return max(0, spending.requests - spending.at_once) / spending.per_s


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """When a step ends at the earliest, and what it waited for last."""

    median_s: float
    slow_s: float
    step: Step
    after: _Identity | None


def _expect(steps: Sequence[Step], floor_s: float) -> Expectation:
    ends: dict[_Identity, _End] = {}
    for step in steps:
        needs = [ends[k.identity] for k in step.depends_on if k.identity in ends]
        last = max(needs, key=lambda e: e.median_s, default=None)
        typicals = _typicals(step)
        ends[step.key.identity] = _End(
            median_s=(last.median_s if last is not None else 0.0) + sum(t.median_s for t in typicals),
            slow_s=max((e.slow_s for e in needs), default=0.0) + sum(t.slow_s for t in typicals),
            step=step,
            after=last.step.key.identity if last is not None else None,
        )
    latest = max(ends.values(), key=lambda e: e.median_s)
    path = _path_to(latest, ends)
    known = {(s.arm_type.lower(), t) for s in path for t in _typicals(s)}
    return Expectation(
        expected_s=round(max(latest.median_s, floor_s), 1),
        slow_s=round(max(floor_s, *(e.slow_s for e in ends.values())), 1),
        path=tuple(s.key for s in path),
        recordings=sum(t.recordings for _, t in known),
        assumed=sum(1 for s in path if not all(t.recordings for t in _typicals(s))),
    )


def _path_to(end: _End, ends: dict[_Identity, _End]) -> list[Step]:
    path = [end.step]
    while end.after is not None:
        end = ends[end.after]
        path.append(end.step)
    return path[::-1]


def _typicals(step: Step) -> list[Typical]:
    return [lookup_duration(_type_of(step, r), r.method) for r in step.requests]


def _type_of(step: Step, request: Request) -> str:
    """Return whose times a request has: the tags API is quick, whatever the tags are on."""
    return _TAGS_TYPE if "/providers/Microsoft.Resources/tags/default?" in request.url else step.arm_type
