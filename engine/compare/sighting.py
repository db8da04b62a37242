"""Where somebody else saw what Azure held: a known difference, or moved since, or not to be told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.compare.finding import Finding, Weight
from engine.compare.origin import Memory, Verdict, hide, judge_without_memory
from engine.compare.subject import Witness
from engine.model.change import ChangeOrigin
from engine.model.document import ABSENT, UNKNOWN, Body
from schemas.nodes import Node

_WHY = "the object's status shows the same value: it is Azure as the last write left it, and nothing moved since"


class Sighting:
    """What a witness saw, beside what Azure holds now seen the same way."""

    __slots__ = ("_memory", "_seen", "_witness")

    def __init__(self, desired: Body, actual: Body, witness: Witness, *, node: Node, key: bytes) -> None:
        """Look at both moments the same way."""
        asked = witness.project(desired)
        self._seen, self._witness = witness.project(actual), witness
        self._memory = Memory(asked, self._seen, then_desired=asked, then_actual=witness.held(), node=node, key=key)

    def judge(self, finding: Finding) -> Verdict:
        """Decide whether a difference counts: one that was there, with the same value, is known."""
        if finding.weight is Weight.SAME:
            return hide(finding)
        if finding.desired is UNKNOWN or not self._witness.shows(finding.there):
            return judge_without_memory(finding)
        held = ABSENT if finding.actual is ABSENT else self._memory.follow(finding.there, self._seen)[0]
        seen = replace(finding, actual=held)
        then = self._memory.then_actual_of(seen)
        if finding.weight is not Weight.YIELDED and self._memory.has_azure_moved(seen, then):
            return _verdict(finding, then, origin=ChangeOrigin.DRIFT)
        if not self._witness.is_settled:
            return judge_without_memory(finding)
        return _verdict(finding, then, rule=finding.rule or "known-difference", why=finding.why or _WHY)


def _verdict(
    finding: Finding, then: Any, *, origin: ChangeOrigin = ChangeOrigin.UNKNOWN, rule: str = "", why: str = ""
) -> Verdict:
    return Verdict(finding=finding, is_hidden=bool(rule), rule=rule, why=why, origin=origin, then_actual=then)
