"""Ignore rules: which differences they name, and what becomes of those."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from engine.compare.finding import Finding
from engine.compare.places import get_member
from engine.compare.reasons import WHY
from engine.compare.verdict import Verdict
from engine.model.document import ABSENT, Body
from engine.model.path import ByKey, FieldPath, Segment
from engine.model.policy import IgnoreRule

RULE: Final = "ignore"
"""Name of the rule on receipts; reports count these."""


def apply_ignores(
    verdicts: Sequence[Verdict], ignore: Sequence[IgnoreRule], desired: Body, actual: Body
) -> list[Verdict]:
    """Hide what ignore rules name; each verdict says which rules name its place, also where it was hidden before.

    Args:
        verdicts: One per difference.
        ignore: The rules in force.
        desired: The whole body, to find list elements by a member.
        actual: Azure's, for elements that only Azure has.
    """
    return [_apply(verdict, ignore, desired, actual) for verdict in verdicts]


def _apply(verdict: Verdict, ignore: Sequence[IgnoreRule], desired: Body, actual: Body) -> Verdict:
    named_by = tuple(rule for rule in ignore if _names(rule.path, verdict.finding, desired, actual))
    if not named_by or verdict.is_hidden:
        return replace(verdict, named_by=named_by) if named_by else verdict
    return replace(verdict, is_hidden=True, rule=RULE, why=_why(named_by[0]), named_by=named_by)


def _why(rule: IgnoreRule) -> str:
    until = f" until {rule.until}" if rule.until is not None else ""
    source = f"{rule.source} names" if rule.source else WHY[RULE].removesuffix(" this place")
    return f"{source} {rule.pointer or rule.path.pointer}{until}"


def _names(path: FieldPath, finding: Finding, desired: Body, actual: Body) -> bool:
    """Whether a difference is at or below the place of a rule."""
    wanted, at = path.segments, finding.at
    if len(at) < len(wanted):
        return False
    return all(_fits(str(w), at[n], finding, n, (desired, actual)) for n, w in enumerate(wanted))


def _fits(pattern: str, step: Segment, finding: Finding, depth: int, bodies: tuple[Body, Body]) -> bool:
    key, sign, value = pattern[1:-1].partition("=")
    if isinstance(step, str) or not sign or (pattern[0], pattern[-1]) != ("[", "]"):
        return _is_like(pattern, _plain(step))
    if isinstance(step, ByKey) and step.identifier.lower() == key.lower():
        return _is_like(value, step.value)
    member = get_member(_element(finding, depth, bodies), key)
    return isinstance(member, str | int) and _is_like(value, str(member))


def _plain(step: Segment) -> str:
    return step if isinstance(step, str) else str(step.index if isinstance(step, ByKey) else step)


def _is_like(pattern: str, text: str) -> bool:
    """Compare without letter case, as ARM does; ``*`` is any text."""
    if "*" not in pattern:
        return pattern.lower() == text.lower()
    return _compile(pattern.lower()).fullmatch(text.lower()) is not None


@lru_cache(maxsize=1_024)
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in re.split(r"\*+", pattern)), re.DOTALL)


def _element(finding: Finding, depth: int, bodies: tuple[Body, Body]) -> Any:
    """Return the list element a place leads through: as asked for, else as Azure has it."""
    found: Any = ABSENT
    if finding.desired is not ABSENT or depth + 1 < len(finding.at):
        found = _follow(bodies[0], finding.at[: depth + 1])
    return found if type(found) is dict else _follow(bodies[1], finding.there[: depth + 1])


def _follow(body: Any, place: Sequence[Segment]) -> Any:
    for step in place:
        if isinstance(step, str):
            body = get_member(body, step)
        else:
            index = step.index if isinstance(step, ByKey) else step
            body = body[index] if type(body) is list and index < len(body) else ABSENT
    return body
