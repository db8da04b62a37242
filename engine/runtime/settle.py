"""What an apply leaves in the store: how writes settled, what was in sync anyway, what is no longer managed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.compare.as_asked import is_as_asked
from engine.compare.baseline import make_baseline
from engine.compare.compare import compare
from engine.compare.leaving import RULE as LEFT
from engine.compare.places import get_member
from engine.compare.returning import does_not_converge, mend, tell
from engine.compare.unsent import mark_unsent
from engine.model.change import ChangeKind, ChangeOrigin, ResourceDiff, Suppressed
from engine.model.document import ABSENT, REDACTED, Document
from engine.model.ids import ArmId
from engine.model.path import ByKey, FieldPath, Segment
from engine.model.plan import Action, Plan, Request, Step
from engine.model.state import ActualState, Baseline, DesiredState, Presence
from engine.planning.finding import Finding
from engine.ports import BaselineStore, Clock
from engine.runtime.former import with_former
from engine.runtime.scope import ANY_INPUT, InputScope
from engine.runtime.sent import covers, sends_all

_IGNORE = "ignore"
_BY_USER = (ChangeOrigin.USER, ChangeOrigin.BOTH)
_NAMED = 3
_COMING = (Action.CREATE, Action.REPLACE)


class Settlement:
    """Writes baselines for one apply."""

    def __init__(
        self,
        store: BaselineStore,
        clock: Clock,
        planned: Plan,
        *,
        known: Mapping[ArmId, Baseline],
        findings: Iterable[Finding] = (),
        scope: InputScope = ANY_INPUT,
    ) -> None:
        """Remember into a store; nothing is written yet.

        Args:
            store: Where baselines are kept.
            clock: For ignore rules that end, and to note when something was remembered.
            planned: What is carried out.
            known: What the store remembered until now.
            findings: What was compared: where an object's own memory was younger than the store's, it counts.
            scope: Names the input that objects come from.
        """
        self._store = store
        self._known = known
        self._trusted = {**known, **{f.baseline.id: f.baseline for f in findings if f.baseline is not None}}
        self._scope = scope
        self._clock = clock
        self._today = clock.now().date()
        self._planned = planned
        self._children = _children_by_parent(s.id for s in planned.steps if s.id is not None)

    def settle(self, step: Step, actual: ActualState) -> str:
        """Remember what a write left behind; say what Azure holds otherwise than asked.

        Args:
            step: The step, with its requests as they were sent.
            actual: What was read back.
        """
        if step.desired is None:
            return ""
        try:
            remarks = [self._settle(step.desired, step, actual), self._kept(step, step.desired, actual)]
        except ValueError as exc:
            return f"written, but what Azure answers cannot be compared: {exc}"
        return "; ".join(filter(None, remarks))

    def _kept(self, step: Step, desired: DesiredState, actual: ActualState) -> str:
        """Say what left the manifest, was sent so, and is there as it was: no later plan compares it any more."""
        removed = [c for c in step.changes if c.kind is ChangeKind.REMOVE and c.origin in _BY_USER]
        gone = {c.path: c.before for c in removed if c.before is not REDACTED}
        if not gone:
            return ""
        left = self._compare(desired, actual, self._before(actual.id)).changes
        kept = [c.path for c in left if c.kind is ChangeKind.REMOVE and c.path in gone and c.before == gone[c.path]]
        if not kept:
            return ""
        return f"Azure still holds what left the manifest at {_name(kept)}: by default, or because it never drops it"

    def _settle(self, desired: DesiredState, step: Step, actual: ActualState) -> str:
        """Remember differences as known where they answer what was sent; elsewhere what was there before stays."""
        diff, requests = self._compare(desired, actual, None), step.requests
        before, left = self._before(actual.id), [s.path for s in step.diff.suppressed if s.rule == LEFT]
        forced = [c.path for c in diff.changes if covers(requests, c.path) and c.path not in left]
        moved = [] if sends_all(requests) else self._moved(desired, actual, diff, requests)
        baseline = self._baseline(desired, actual, diff.suppressed, lambda path: covers(requests, path))
        moved = [path for path in moved if path not in left]
        if moved or left:
            source = before.actual if before is not None else baseline.desired
            baseline = with_former(baseline, source.value, [*moved, *left])
        mended = mend(before, step.diff, lambda path: covers(requests, path))
        self._store.save(replace(baseline, mended=mended, as_asked=self._is_as_asked(step, desired, actual)))
        remarks = []
        if forced:
            remarks.append(
                f"Azure holds another value than was sent at {_name(forced)}; remembered as a known difference"
            )
        if moved:
            remarks.append(f"Azure moved meanwhile at {_name(moved)}, which was not sent; the next plan shows it")
        return "; ".join(remarks)

    def _moved(
        self, desired: DesiredState, actual: ActualState, diff: ResourceDiff, requests: tuple[Request, ...]
    ) -> list[FieldPath]:
        """Return where nothing was sent and Azure is not as asked, nor as it is known to be."""
        open_places = {c.path for c in diff.changes if not covers(requests, c.path)}
        if not open_places:
            return []
        since = self._compare(desired, actual, self._before(actual.id))
        return [c.path for c in since.changes if c.path in open_places]

    def _before(self, resource: ArmId) -> Baseline | None:
        """Return what the last settled write left behind; of a create that was only begun nothing is known."""
        known = self._trusted.get(resource)
        return None if known is None or known.is_intent else known

    def _is_as_asked(self, step: Step, desired: DesiredState, actual: ActualState) -> bool:
        """Whether nothing has to be remembered of a create but what was asked for."""
        if step.action is not Action.CREATE or desired.unknown or desired.policy.ignore:
            return False
        owned = self._children.get(actual.id.key, frozenset())
        return is_as_asked(desired, actual, owned=owned, secret_key=self._store.secret_key())

    def _compare(self, desired: DesiredState, actual: ActualState, before: Baseline | None) -> ResourceDiff:
        return compare(
            desired,
            actual,
            before,
            owned=self._children.get(actual.id.key, frozenset()),
            today=self._today,
            secret_key=self._store.secret_key(),
        )

    def intend(self, step: Step) -> None:
        """Remember before a create is sent that the resource is ours, whatever becomes of this process.

        And before a replace, that it goes by our own doing, with all in it that is created again.
        """
        if step.action is Action.REPLACE and step.id is not None:
            going = {s.id for s in self._planned.steps if s.action in _COMING and s.id is not None}
            inside = [b for i, b in self._known.items() if i in going and (i == step.id or i.is_within(step.id))]
            self._store.save(*(replace(b, renewing=True) for b in inside))
        if step.action is Action.CREATE and step.desired is not None and step.id is not None:
            nothing = ActualState(id=step.id, presence=Presence.PRESENT, document=Document(value={}))
            self._store.save(self._baseline(step.desired, nothing, (), lambda _path: True))

    def take(self, findings: Sequence[Finding]) -> None:
        """Take what is in sync already as applied: from now on its removal and its drift can be seen.

        Policies of objects that differ are brought up to date too: they decide what a later prune may do. So is what
        the plan said of differences that came back: that is said once.
        """
        taken = []
        going = self._renewing(findings)
        for finding in findings:
            if _is_in_sync(finding) and finding.actual is not None:
                if self._is_stale(finding, finding.actual):
                    hidden = finding.diff.suppressed
                    fresh = self._baseline(finding.desired, finding.actual, hidden, lambda _path: False)
                    taken.append(
                        replace(
                            fresh,
                            mended=finding.baseline.mended if finding.baseline else (),
                            renewing=any(finding.actual.id.is_within(i) for i in going),
                        )
                    )
            elif finding.baseline is not None:
                known = _with_told(self._as_now(finding.baseline, finding.desired), finding)
                if known != finding.baseline:
                    taken.append(known)
        self._store.save(*taken)

    def _renewing(self, findings: Iterable[Finding]) -> set[ArmId]:
        """Return what a replace was to create anew and is not seen as asked yet: what lies in it may still go."""
        at_rest = {f.actual.id for f in findings if f.actual is not None and _is_in_sync(f)}
        return {i for i, b in self._known.items() if b.renewing and i not in at_rest}

    def forget(self) -> None:
        """Drop the memory of what the plan says to forget, and of nothing below it that is still managed."""
        dropped = {s.id for s in self._planned.steps if s.action is Action.FORGET and s.id is not None}
        for resource in sorted(dropped):
            self._store.forget(resource)
            kept = [b for i, b in self._known.items() if i.is_within(resource) and i not in dropped]
            self._store.save(*kept)

    def _baseline(
        self,
        desired: DesiredState,
        actual: ActualState,
        hidden: Iterable[Suppressed],
        is_sent: Callable[[FieldPath], bool],
    ) -> Baseline:
        held = _without_ignored(actual, hidden)
        baseline = make_baseline(desired, held, secret_key=self._store.secret_key(), at=self._clock.now())
        before = self._trusted.get(actual.id)
        marked = mark_unsent(baseline, before, is_sent)
        return self._as_now(_with_known_secrets(marked, desired, before), desired)

    def _as_now(self, baseline: Baseline, desired: DesiredState) -> Baseline:
        """Return a memory with the policy and the source that its object has now: a later prune asks for them."""
        policy, source = desired.policy, self._scope.name_of(desired.origin)
        is_same = (baseline.reconcile, baseline.protect, baseline.source) == (policy.reconcile, policy.protect, source)
        return (
            baseline
            if is_same
            else replace(baseline, reconcile=policy.reconcile, protect=policy.protect, source=source)
        )

    def _is_stale(self, finding: Finding, actual: ActualState) -> bool:
        """Whether the store knows less of a resource in sync than this pass does."""
        stored = self._known.get(actual.id)
        if stored is None or stored is not finding.baseline or stored.renewing or actual.document is None:
            return True
        return stored.actual.raw != actual.document.raw or self._as_now(stored, finding.desired) is not stored


def _name(places: Sequence[FieldPath]) -> str:
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    return ", ".join(p.text for p in places[:_NAMED]) + more


def _children_by_parent(ids: Iterable[ArmId]) -> Mapping[str, frozenset[str]]:
    out: dict[str, set[str]] = {}
    for resource in ids:
        out.setdefault(resource.key.rsplit("/", 2)[0], set()).add(resource.key)
    return {parent: frozenset(children) for parent, children in out.items()}


def _is_in_sync(finding: Finding) -> bool:
    actual = finding.actual
    if actual is None or actual.presence is not Presence.PRESENT or finding.desired.waits:
        return False
    return finding.settled and not finding.diff.changes


def _with_told(baseline: Baseline, finding: Finding) -> Baseline:
    """Return the memory of having said what the plan said of differences that came back."""
    return tell(baseline, finding.diff) if does_not_converge(finding.diff, baseline) else baseline


def _with_known_secrets(baseline: Baseline, desired: DesiredState, before: Baseline | None) -> Baseline:
    """Keep what is remembered of secrets that were not known this time: they were not sent either."""
    if before is None or not desired.unknown:
        return baseline
    body, then = copy.deepcopy(baseline.desired.value), before.desired.value
    for path in desired.unknown:
        _copy_member(then, body, path.segments)
    return replace(baseline, desired=Document(value=body))


def _copy_member(source: Any, target: Any, segments: tuple[Segment, ...]) -> None:
    *above, last = segments
    for segment in above:
        if not (isinstance(source, dict) and isinstance(target, dict) and segment in source and segment in target):
            return
        source, target = source[segment], target[segment]
    if isinstance(source, dict) and isinstance(target, dict) and last in source:
        target[last] = source[last]


def _without_ignored(actual: ActualState, hidden: Iterable[Suppressed]) -> ActualState:
    """Return the state with the desired value wherever an ignore rule hid Azure's.

    Else Azure's value would become a known difference, and stay one when the rule is gone.
    """
    ignored = [s for s in hidden if s.rule == _IGNORE]
    if not ignored or actual.document is None:
        return actual
    body = copy.deepcopy(actual.document.value)
    # From the back, so that positions of list elements still to be removed stay true.
    for receipt in sorted(ignored, key=lambda s: s.path.sort_key(), reverse=True):
        _put_desired(body, receipt)
    return replace(actual, document=Document(value=body))


def _put_desired(body: Any, receipt: Suppressed) -> None:
    """Set, add or remove what the receipt is about; secrets, and places in elements without a key, stay as they are."""
    if receipt.after is REDACTED or not receipt.path.segments:
        return
    *above, last = receipt.path.segments
    for segment in above:
        if isinstance(segment, ByKey):
            body = _element(body, segment)
        elif isinstance(segment, str) and isinstance(body, dict):
            body = body.setdefault(segment, {})
        else:
            return
    if isinstance(body, dict) and isinstance(last, str):
        if receipt.after is ABSENT:
            body.pop(last, None)
        else:
            body[last] = receipt.after
    elif isinstance(body, list) and receipt.after is ABSENT and not isinstance(last, str):
        index = last.index if isinstance(last, ByKey) else last
        del body[index : index + 1]


def _element(items: Any, segment: ByKey) -> Any:
    """Return the element of that key: positions in a path are those of the desired list. None where there is none."""
    elements = items if isinstance(items, list) else []
    return next((e for e in elements if str(get_member(e, segment.identifier)).lower() == segment.value.lower()), None)
