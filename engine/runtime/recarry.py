"""What is sent over something that moved: brought up to date where that changes nothing of the plan, else not sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Protocol

from engine.compare.baseline import fingerprint
from engine.compare.compare import compare
from engine.errors import MovedError, UnavailableError
from engine.model.change import FieldChange, ResourceDiff
from engine.model.plan import Action, Request, Step
from engine.model.state import ActualState, Presence
from engine.planning.carry import CARRIED_RULES
from engine.planning.finding import Finding
from engine.planning.request import plan_again
from engine.planning.tags import is_replace_of_tags
from engine.runtime.preconditions import is_create
from engine.runtime.sent import member_names
from schemas.behaviours import lookup_behaviour

_NOTHING_OWNED: frozenset[str] = frozenset()


class Refresh(Protocol):
    """Brings a request up to date."""

    def is_needed(self, step: Step, request: Request) -> bool:
        """Whether the request sends back what may have moved since the plan."""

    def is_as_asked(self, step: Step, actual: ActualState) -> bool:
        """Whether nothing differs from what the object asks for."""

    def decide_again(self, step: Step, request: Request, actual: ActualState, *, may_be_ours: bool) -> Request | None:
        """Return what to send after Azure said that the resource is not as it was; None where it is as asked by now.

        Args:
            step: What was planned.
            request: What was refused because of its precondition.
            actual: What Azure holds now.
            may_be_ours: An earlier request of this step got no answer, and may have done it.

        Raises:
            MovedError: It would do something else than was planned.
            UnavailableError: What Azure holds now could not be read.
        """

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
        """Whether the request sends more than what differs: carried values, all tags, or all there is as a fallback."""
        if step.action is not Action.UPDATE:
            return False
        if request.method == "PATCH":
            return is_replace_of_tags(request)
        behaviour = lookup_behaviour(step.arm_type)
        lists = behaviour is not None and bool(behaviour.carried or behaviour.kept)
        is_fallback = request.method == "PUT" and all(r.method == "PATCH" for r in step.requests)
        return lists or is_fallback or any(s.rule in CARRIED_RULES for s in step.diff.suppressed)

    def is_as_asked(self, step: Step, actual: ActualState) -> bool:
        """Whether nothing differs any more; what cannot be compared is not as asked."""
        finding = self._findings.get(step.key.identity)
        try:
            return finding is not None and not self._diff(finding, actual).changes
        except ValueError:
            return False

    def refresh(self, step: Step, request: Request, actual: ActualState) -> Request:
        """Return the request over what Azure holds now; the same one where its answer is that of the plan."""
        if actual.presence is Presence.UNREADABLE:
            raise _unread(step, actual)
        if _print_of(actual) == step.precondition.actual_hash and actual.etag == step.precondition.etag:
            return request
        now, planned = self._look_again(step, actual)
        if now.diff.changes != planned:
            raise _moved(step)
        return _plan_same(step, now, request)

    def decide_again(self, step: Step, request: Request, actual: ActualState, *, may_be_ours: bool) -> Request | None:
        """Return what to send after a 412; None where nothing differs any more."""
        if actual.presence is Presence.UNREADABLE:
            raise _unread(step, actual)
        if request.method == "DELETE" and actual.presence is Presence.ABSENT:
            return None
        now, planned = self._look_again(step, actual)
        if request.method == "DELETE":
            if now.diff.changes != planned:
                raise _moved(step)
            return replace(request, headers=_with_etag(request, actual))
        if is_create(request):
            if may_be_ours and not now.diff.changes:
                return None
            raise _made_meanwhile(step)
        if not now.diff.changes:
            return None
        if now.diff.changes != planned:
            now = _narrowed(step, now, planned, request)
        return _plan_same(step, now, request)

    def _look_again(self, step: Step, actual: ActualState) -> tuple[Finding, tuple[FieldChange, ...]]:
        """Return what is found now, and what was to be changed."""
        finding = self._findings.get(step.key.identity)
        if finding is None or finding.actual is None or step.id is None or actual.document is None:
            raise _moved(step)
        try:
            was = self._diff(finding, finding.actual).changes if finding.actual.document is not None else ()
            return replace(finding, actual=actual, diff=self._diff(finding, actual)), was
        except ValueError as exc:
            raise UnavailableError(f"{step.key} could not be read again before its write", detail=str(exc)) from exc

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


def _narrowed(step: Step, now: Finding, planned: tuple[FieldChange, ...], request: Request) -> Finding:
    """Return the finding with the planned changes alone, for a PATCH that says nothing about the others.

    Raises:
        MovedError: A planned change is another one now, or the request would undo one that is not planned.
    """
    others = [c for c in now.diff.changes if c not in planned]
    places = {member_names(c.path) for c in planned}
    says_all = request.method != "PATCH" or is_replace_of_tags(request)
    if says_all or any(c not in now.diff.changes for c in planned) or any(_meets(c, places) for c in others):
        raise _moved(step)
    return replace(now, diff=replace(now.diff, changes=planned))


def _meets(change: FieldChange, places: Iterable[tuple[str, ...]]) -> bool:
    """Whether a change lies at one of the places, above or below one."""
    own = member_names(change.path)
    return any(all(a == b for a, b in zip(own, place, strict=False)) for place in places)


def _with_etag(request: Request, actual: ActualState) -> tuple[tuple[str, str], ...]:
    """Return the headers with the etag of what is there now; without one a condition can only be that it is there."""
    return tuple((n, (actual.etag or "*") if n.lower() == "if-match" else v) for n, v in request.headers)


def _plan_same(step: Step, finding: Finding, request: Request) -> Request:
    """Return the request of the same kind over what is held now."""
    assert step.id is not None
    body, headers = plan_again(step.id, finding, request)
    return replace(request, body=body, headers=headers)


def _unread(step: Step, actual: ActualState) -> UnavailableError:
    return UnavailableError(f"{step.key} could not be read again before its write", detail=actual.cause)


def _made_meanwhile(step: Step) -> MovedError:
    return MovedError(
        f"{step.key} was created by somebody else since it was planned, nothing was written over it", hint="plan again"
    )


def _moved(step: Step) -> MovedError:
    return MovedError(f"Azure moved since {step.key} was planned, nothing was sent for it", hint="plan again")
