"""A PUT sends back what Azure holds beside what is asked for: as it is when it is sent, not as it was when planned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Protocol

from engine.compare.baseline import fingerprint
from engine.compare.compare import compare
from engine.errors import MovedError, UnavailableError
from engine.model.change import ResourceDiff
from engine.model.plan import Action, Request, Step
from engine.model.state import ActualState, Presence
from engine.planning.carry import CARRIED_RULES
from engine.planning.finding import Finding
from engine.planning.request import plan_put
from schemas.behaviours import lookup_behaviour
from schemas.operations import lookup_operations

_NOTHING_OWNED: frozenset[str] = frozenset()


class Refresh(Protocol):
    """Brings a PUT up to date."""

    def is_needed(self, step: Step, request: Request) -> bool:
        """Whether the request sends back what may have moved since the plan."""

    def refresh(self, step: Step, request: Request, actual: ActualState) -> Request:
        """Return the request to send over what Azure holds now.

        Raises:
            MovedError: It would undo what somebody did since the plan.
            UnavailableError: What Azure holds now could not be read.
        """


class Recarry:
    """Carries children and values of Azure over anew where nothing else moved."""

    def __init__(
        self,
        findings: Iterable[Finding],
        *,
        children: Mapping[str, frozenset[str]],
        today: date,
        secret_key: bytes,
    ) -> None:
        """Keep what the plan was made from.

        Args:
            findings: Of resources that may be written.
            children: Ids that objects own, by the id they lie in, in lower case.
            today: For ignore rules that end.
            secret_key: The state folder's key.
        """
        self._findings = {f.desired.key.identity: f for f in findings}
        self._children = children
        self._today = today
        self._secret_key = secret_key

    def is_needed(self, step: Step, request: Request) -> bool:
        """Whether the request is a PUT over a resource that carries something back."""
        if request.method != "PUT" or step.action is not Action.UPDATE:
            return False
        behaviour = lookup_behaviour(step.arm_type)
        lists = behaviour is not None and bool(behaviour.carried)
        return lists or any(s.rule in CARRIED_RULES for s in step.diff.suppressed)

    def refresh(self, step: Step, request: Request, actual: ActualState) -> Request:
        """Return the PUT with what Azure holds now; the same one where its answer is that of the plan."""
        if actual.presence is Presence.UNREADABLE:
            raise UnavailableError(f"{step.key} could not be read again before its PUT", detail=actual.cause)
        if _print_of(actual) == step.precondition.actual_hash:
            return request
        finding = self._findings.get(step.key.identity)
        if finding is None or finding.actual is None or step.id is None or actual.document is None:
            raise _moved(step)
        try:
            diff = self._diff(finding, actual)
        except ValueError as exc:
            raise UnavailableError(f"{step.key} could not be read again before its PUT", detail=str(exc)) from exc
        if diff.changes != self._diff(finding, finding.actual).changes:
            raise _moved(step)
        put = plan_put(
            "",
            step.id,
            replace(finding, actual=actual, diff=diff),
            operations=lookup_operations(step.arm_type),
            behaviour=lookup_behaviour(step.arm_type),
        )
        return replace(request, body=put.body, headers=put.headers)

    def _diff(self, finding: Finding, actual: ActualState) -> ResourceDiff:
        return compare(
            finding.desired,
            actual,
            finding.baseline,
            seen=finding.seen,
            owned=self._children.get(actual.id.key, _NOTHING_OWNED),
            today=self._today,
            secret_key=self._secret_key,
        )


def _print_of(actual: ActualState) -> str:
    raw = actual.document.raw if actual.document is not None else b""
    return actual.body_hash or (fingerprint(raw) if raw else "")


def _moved(step: Step) -> MovedError:
    return MovedError(f"Azure moved since {step.key} was planned, nothing was sent for it", hint="plan again")
