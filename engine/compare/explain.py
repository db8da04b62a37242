"""Every difference of one resource, hidden or not, with what decided about it. Rendering is not done here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.compare.compare import judge_bodies, secrecy_of
from engine.compare.result import shown
from engine.compare.subject import Memories, Subject
from engine.model.change import ChangeKind, ChangeOrigin
from engine.model.document import Body
from engine.model.path import FieldPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One difference.

    Attributes:
        before: Azure now; secrets are REDACTED here and below.
        after: Desired now.
        then_desired, then_actual: The same place in the baseline; ABSENT when nothing is remembered.
        rule: The rule or fact that hid it, or that would have without the baseline; empty when none applies.
        why: One sentence with the source of the rule; for changes what made it one.
        origin: Who moved; unknown where nothing is remembered and for what is hidden.
    """

    path: FieldPath
    kind: ChangeKind
    before: Any
    after: Any
    then_desired: Any
    then_actual: Any
    is_hidden: bool
    rule: str
    why: str
    origin: ChangeOrigin
    is_sensitive: bool = False


_REASONS = {
    ChangeOrigin.USER: "the manifest changed since the last settled write",
    ChangeOrigin.DRIFT: "Azure changed since the last settled write; the manifest did not",
    ChangeOrigin.BOTH: "manifest and Azure both changed since the last settled write",
    ChangeOrigin.UNKNOWN: "no rule makes the two values equal, and nothing is remembered that tells who moved",
}


def explain(
    desired: Body,
    actual: Body,
    subject: Subject,
    *,
    remembered: Memories | None = None,
    below: FieldPath | None = None,
) -> tuple[Explanation, ...]:
    """Return every difference of a resource, sorted by path.

    Args:
        desired: The body asked for.
        actual: The body Azure returned.
        subject: Type, id and what else is known of the resource.
        remembered: The baseline's bodies, or who else saw what Azure held.
        below: Only differences at or below this place; None for all.
    """
    wanted = "" if below is None else below.pointer
    secrecy = secrecy_of(subject.arm_type, subject.api_version, desired)
    rows = []
    for verdict in judge_bodies(desired, actual, subject, remembered=remembered):
        finding = verdict.finding
        path = FieldPath(finding.at)
        if not f"{path.pointer}/".startswith(f"{wanted}/"):
            continue
        rows.append(
            Explanation(
                path=path,
                kind=finding.kind,
                before=shown(verdict, finding.actual, secrecy),
                after=shown(verdict, finding.desired, secrecy),
                then_desired=shown(verdict, verdict.then_desired, secrecy),
                then_actual=shown(verdict, verdict.then_actual, secrecy),
                is_hidden=verdict.is_hidden,
                rule=verdict.rule or finding.rule,
                why=verdict.why if verdict.is_hidden else _REASONS[verdict.origin],
                origin=verdict.origin,
                is_sensitive=finding.veiled,
            )
        )
    return tuple(sorted(rows, key=lambda row: row.path.sort_key()))
