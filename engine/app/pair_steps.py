"""``trueup explain --pairs``: one pair as the step that a plan would have for it."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

from engine.app.pairs import compare_pair, decode_pair, read_lines
from engine.compare.attribution import attribute_drift
from engine.compare.settled import is_settled, provisioning_state
from engine.errors import InvalidSpecError
from engine.model.change import DiffState, ResourceDiff
from engine.model.document import ABSENT, Document
from engine.model.ids import ApiVersion, ArmId, ResourceKey
from engine.model.plan import Step
from engine.model.policy import Limits
from engine.model.state import ActualState, DesiredState, Presence
from engine.planning.finding import Finding, PlanInput
from engine.planning.planner import plan_step


def read_step(name: str, index: int, *, endpoint: str) -> Step:
    """Return what a plan would do about one pair of a file.

    Args:
        name: The file of pairs.
        index: The pair's line, counted from 0.
        endpoint: ARM's address, for the requests.

    Raises:
        InvalidSpecError: The file has no such line, or it is no pair.
    """
    line = next(islice(read_lines(name), index, index + 1), b"") if index >= 0 else b""
    if not line.strip():
        raise InvalidSpecError(f"{name} has no pair {index}", hint="--index counts lines from 0")
    try:
        pair = decode_pair(line)
        return _step(pair, _with_author(compare_pair(pair), pair), endpoint)
    except ValueError as exc:
        raise InvalidSpecError(f"{name}: pair {index} cannot be compared", detail=str(exc)) from exc


def _with_author(diff: ResourceDiff, pair: dict[str, Any]) -> ResourceDiff:
    if diff.state not in (DiffState.DRIFTED, DiffState.CONFLICTED):
        return diff
    then = (pair.get("baseline") or {}).get("actual", ABSENT)
    return replace(diff, last_modified=attribute_drift(pair["actual"], then_actual=then, then=None))


def _step(pair: dict[str, Any], diff: ResourceDiff, endpoint: str) -> Step:
    where = ArmId(pair["id"].rstrip("/"))
    provider, _, kind = pair["type"].rpartition("/")
    desired = DesiredState(
        key=ResourceKey(namespace=provider, group="", kind=kind, name=where.name),
        id=where,
        arm_type=pair["type"],
        api_version=ApiVersion(pair["api"]),
        body=pair["desired"],
    )
    finding = Finding(
        desired=desired,
        actual=ActualState(id=where, presence=Presence.PRESENT, document=Document(value=pair["actual"])),
        diff=diff,
        provisioning=provisioning_state(pair["actual"]),
        settled=is_settled(pair["type"], pair["actual"]),
    )
    return plan_step(finding, PlanInput(findings=(), endpoint=endpoint, limits=Limits(adopt=True)))
