"""What was decided about one difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.compare.finding import Finding, Weight
from engine.model.change import ChangeOrigin
from engine.model.document import ABSENT
from engine.model.policy import IgnoreRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One difference with everything that decided about it.

    Attributes:
        is_hidden: It is no change; ``rule`` and ``why`` say so.
        then_desired, then_actual: The baseline's values at the place; ABSENT where nothing is remembered.
        named_by: Ignore rules that name the place.
        is_shortened: Of what was remembered at the place only a print is left: it tells whether something moved in
            the part that was printed, not what was there.
    """

    finding: Finding
    is_hidden: bool
    rule: str
    why: str
    origin: ChangeOrigin
    then_desired: Any = ABSENT
    then_actual: Any = ABSENT
    named_by: tuple[IgnoreRule, ...] = ()
    is_shortened: bool = False


def judge_without_memory(finding: Finding) -> Verdict:
    """Decide where nothing is remembered: what no rule excuses is a change of unknown origin."""
    if finding.weight is not Weight.OPEN:
        return hide(finding)
    return Verdict(finding=finding, is_hidden=False, rule="", why="", origin=ChangeOrigin.UNKNOWN)


def hide(finding: Finding) -> Verdict:
    """Return the verdict on what is no change whatever is remembered."""
    return Verdict(finding=finding, is_hidden=True, rule=finding.rule, why=finding.why, origin=ChangeOrigin.UNKNOWN)
