"""Where somebody else saw what Azure held: a known difference, or moved since, or not to be told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.compare.finding import Finding, Weight
from engine.compare.origin import Memory
from engine.compare.subject import Witness
from engine.compare.verdict import Verdict, hide, judge_without_memory
from engine.model.change import ChangeOrigin
from engine.model.document import ABSENT, UNKNOWN, Body
from schemas.nodes import Node

_WHY = "the object's status shows the same value: it is Azure as the last write left it, and nothing moved since"


class Sighting:
    """What a witness saw, beside what Azure holds now seen the same way; looked at when first needed."""

    __slots__ = ("_actual", "_desired", "_key", "_looked", "_node", "_witness")

    def __init__(self, desired: Body, actual: Body, witness: Witness, *, node: Node, key: bytes) -> None:
        """Nothing is looked at yet."""
        self._desired = desired
        self._actual = actual
        self._witness = witness
        self._node = node
        self._key = key
        self._looked: tuple[Memory, Body] | None = None

    def judge(self, finding: Finding) -> Verdict:
        """Decide whether a difference counts: one that was there, with the same value, is known."""
        if finding.weight is Weight.SAME or finding.weight is Weight.YIELDED:
            return hide(finding)
        if finding.desired is UNKNOWN or not self._witness.shows(finding.there):
            return judge_without_memory(finding)
        memory, seen_now = self._look()
        held = ABSENT if finding.actual is ABSENT else memory.follow(finding.there, seen_now)[0]
        seen = replace(finding, actual=held)
        then = memory.then_actual_of(seen)
        if held is ABSENT and then is ABSENT and finding.actual is not ABSENT and finding.actual is not None:
            return judge_without_memory(finding)  # neither moment is visible there, as in a union's unknown variant
        if memory.has_azure_moved(seen, then):
            return _verdict(finding, then, origin=ChangeOrigin.DRIFT)
        if not self._witness.is_settled:
            return judge_without_memory(finding)
        return _verdict(finding, then, rule=finding.rule or "known-difference", why=finding.why or _WHY)

    def _look(self) -> tuple[Memory, Body]:
        """Return both moments as the witness sees them, and today's body alone."""
        if self._looked is None:
            asked, seen = self._witness.project(self._desired), self._witness.project(self._actual)
            then = self._witness.held()
            memory = Memory(asked, seen, then_desired=asked, then_actual=then, node=self._node, key=self._key)
            self._looked = memory, seen
        return self._looked


def _verdict(
    finding: Finding, then: Any, *, origin: ChangeOrigin = ChangeOrigin.UNKNOWN, rule: str = "", why: str = ""
) -> Verdict:
    return Verdict(finding=finding, is_hidden=bool(rule), rule=rule, why=why, origin=origin, then_actual=then)
