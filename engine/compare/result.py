"""Turn verdicts into the diff that plans and reports read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.compare.secrets import Secrecy
from engine.compare.verdict import Verdict
from engine.model.change import IN_SYNC, ChangeOrigin, DiffState, FieldChange, ResourceDiff, Suppressed
from engine.model.document import REDACTED
from engine.model.path import FieldPath


def make_diff(verdicts: Sequence[Verdict], secrecy: Secrecy) -> ResourceDiff:
    """Return changes and receipts, sorted by path.

    Args:
        verdicts: One per difference.
        secrecy: How to tell a secret.
    """
    if not verdicts:
        return IN_SYNC
    changes = [_change(v, secrecy) for v in verdicts if not v.is_hidden]
    suppressed = [_receipt(v, secrecy) for v in verdicts if v.is_hidden]
    return ResourceDiff(
        changes=tuple(sorted(changes, key=lambda c: c.path.sort_key())),
        suppressed=tuple(sorted(suppressed, key=lambda s: (s.path.sort_key(), s.rule))),
        state=state_of({c.origin for c in changes}),
        ignores=tuple(dict.fromkeys(rule for v in verdicts for rule in v.named_by)),
    )


def state_of(origins: set[ChangeOrigin]) -> DiffState:
    """Return the verdict on a resource from the origins of its changes."""
    if not origins:
        return DiffState.IN_SYNC
    if ChangeOrigin.BOTH in origins:
        return DiffState.CONFLICTED
    return DiffState.DRIFTED if ChangeOrigin.DRIFT in origins else DiffState.CHANGED


def _change(verdict: Verdict, secrecy: Secrecy) -> FieldChange:
    finding = verdict.finding
    values = (finding.actual, finding.desired, verdict.then_actual)
    before, after, baseline = (shown(verdict, value, secrecy) for value in values)
    return FieldChange(
        path=FieldPath(finding.at),
        kind=finding.kind,
        before=before,
        after=after,
        origin=verdict.origin,
        baseline=baseline,
        sensitive=finding.veiled or REDACTED in (before, after, baseline),
        rule=finding.rule,
        is_shortened=verdict.is_shortened,
    )


def _receipt(verdict: Verdict, secrecy: Secrecy) -> Suppressed:
    finding = verdict.finding
    return Suppressed(
        path=FieldPath(finding.at),
        rule=verdict.rule,
        why=verdict.why,
        before=shown(verdict, finding.actual, secrecy),
        after=shown(verdict, finding.desired, secrecy),
        held=finding.actual,
        origin=verdict.origin,
    )


def shown(verdict: Verdict, value: Any, secrecy: Secrecy) -> Any:
    """Return a value as results may carry it: secrets are REDACTED."""
    finding = verdict.finding
    if finding.veiled and value and isinstance(value, str | dict | list):
        return REDACTED
    return secrecy.conceal(value, finding.node, at=finding.at)
