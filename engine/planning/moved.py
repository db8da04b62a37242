"""What moved between a saved step and the same step made again, in words; secrets by marks alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.model.change import FieldChange
from engine.model.document import ABSENT, REDACTED, Secret, canonical
from engine.model.ids import PlanId
from engine.model.path import FieldPath
from engine.model.plan import Request, SecretPrint, Step

_NAMED = 3
"""So many moved places are named; the others are counted."""


def describe_moves(step: Step, saved: Step) -> tuple[str, ...]:
    """Return what moved in Azure and in the object since the plan was saved, one sentence each."""
    return tuple(text for text in (_azure_moved(step, saved), _object_moved(step, saved)) if text)


def _azure_moved(step: Step, saved: Step) -> str:
    if step.precondition.actual_hash == saved.precondition.actual_hash:
        return ""
    if not saved.precondition.actual_hash:
        return "somebody created it in Azure since"
    if not step.precondition.actual_hash:
        return "somebody deleted it in Azure since"
    then, now = _held(saved.changes), _held(step.changes)
    paths = [path for path in now.keys() | then.keys() if now.get(path) != then.get(path)]
    return f"Azure moved since{_list(sorted(p.text for p in paths))}"


def _held(changes: tuple[FieldChange, ...]) -> dict[FieldPath, bytes]:
    """Return what Azure holds at each place that differs; a secret is only a secret."""
    return {c.path: canonical(REDACTED if c.sensitive else _plain(c.before)) for c in changes}


def _plain(value: Any) -> Any:
    return "(nothing)" if value is ABSENT else value


def _object_moved(step: Step, saved: Step) -> str:
    then, now = saved.precondition.generation, step.precondition.generation
    if then and now and then != now:
        return f"the object changed since (generation {then}, now {now})"
    if step.action is not saved.action:
        return ""
    if [_address(r) for r in _all(step)] != [_address(r) for r in _all(saved)]:
        return "the request is another one now"
    pairs = list(zip(_all(step), _all(saved), strict=True))
    # A PATCH holds what differs from Azure, so it also changes with Azure; a PUT holds what the object asks for.
    whole = [(a, b) for a, b in pairs if a.method == "PUT"]
    if paths := _all_differing(whole or pairs):
        return f"the object changed since{_list([p.text for p in paths])}"
    told = step.precondition.actual_hash != saved.precondition.actual_hash
    return "the request is another one now" if not told and _all_differing(pairs) else ""


def _all_differing(pairs: Sequence[tuple[Request, Request]]) -> list[FieldPath]:
    return [path for now, then in pairs for path in _differing(now.body, then.body, FieldPath())]


def _all(step: Step) -> tuple[Request, ...]:
    return (*step.requests, *((step.fallback,) if step.fallback is not None else ()))


def _address(request: Request) -> tuple[str, str]:
    return request.method, request.url


def _differing(now: Any, then: Any, at: FieldPath) -> Iterator[FieldPath]:
    """Yield the places at which two bodies differ; secrets count as equal."""
    if isinstance(now, Mapping) and isinstance(then, Mapping):
        for name in sorted(now.keys() | then.keys()):
            yield from _differing(now.get(name, ABSENT), then.get(name, ABSENT), at.child(name))
    elif isinstance(now, list) and isinstance(then, list) and len(now) == len(then):
        for index, (a, b) in enumerate(zip(now, then, strict=True)):
            yield from _differing(a, b, at.child(index))
    elif (now is ABSENT) is not (then is ABSENT) or canonical(_plain(now)) != canonical(_plain(then)):
        yield at


def _list(texts: list[str]) -> str:
    named = [t or "the whole body" for t in dict.fromkeys(texts)]
    if not named:
        return ""
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return f": {', '.join(named[:_NAMED])}{more}"


def find_secrets(body: Any, at: FieldPath | None = None) -> tuple[tuple[FieldPath, Secret], ...]:
    """Return every secret in a body with its place."""
    here = at or FieldPath()
    if isinstance(body, Secret):
        return ((here, body),)
    if isinstance(body, Mapping):
        return tuple(found for k in sorted(body) for found in find_secrets(body[k], here.child(k)))
    if isinstance(body, list):
        return tuple(found for n, item in enumerate(body) for found in find_secrets(item, here.child(n)))
    return ()


class Marks:
    """Makes the marks of secrets for one plan; equal texts are hashed once, as hashing is slow by intent."""

    def __init__(self, plan_id: PlanId) -> None:
        """Hold the id that the marks are made with."""
        self.plan_id = plan_id
        self._known: dict[str, str] = {}

    def of(self, step: Step) -> tuple[SecretPrint, ...]:
        """Return the marks of all secrets in the requests of a step, each place once."""
        found = {path.pointer: secret for r in reversed(_all(step)) for path, secret in find_secrets(r.body)}
        return tuple(
            SecretPrint(pointer=pointer, source=secret.source, mark=self._mark(secret))
            for pointer, secret in sorted(found.items())
        )

    def _mark(self, secret: Secret) -> str:
        text = secret.reveal()
        if text not in self._known:
            self._known[text] = secret.hash_slowly(f"trueup saved plan {self.plan_id}".encode())
        return self._known[text]
