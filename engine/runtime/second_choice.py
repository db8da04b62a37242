"""What is sent instead of a PATCH that Azure does not take: once, remembered for the type, and told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.errors import EngineError
from engine.model.plan import Request, Step
from engine.model.refusal import Refusal
from engine.planning.refusal import refusal_of
from engine.planning.tags import TAGS_API
from engine.ports import BaselineStore


class SecondChoice:
    """Knows what was refused in this run; earlier runs are the plan's business."""

    def __init__(self, store: BaselineStore) -> None:
        """Start without refusals; those to come go into the store."""
        self._store = store
        self._known: set[tuple[str, str, str]] = set()

    def instead_of(self, step: Step, request: Request) -> Request:
        """Return the fallback where another step of this run was refused the same; else the request itself."""
        if request.method != "PATCH" or step.fallback is None or request is step.fallback:
            return request
        folded, version = step.arm_type.lower(), str(step.api_version)
        said = {TAGS_API} if TAGS_API in request.url else {"", *_members(request.body)}
        return step.fallback if any((folded, version, member) in self._known for member in said) else request

    def after(self, step: Step, request: Request, error: EngineError) -> Request | None:
        """Return what to send after an error; None where the error is not about the PATCH as such."""
        if step.fallback is None or request is step.fallback:
            return None
        refusal = refusal_of(request, error, step.arm_type, step.api_version)
        if refusal is None:
            return None
        self._remember(refusal)
        return step.fallback

    def _remember(self, refusal: Refusal) -> None:
        key = (refusal.arm_type, str(refusal.api_version), refusal.member)
        if key not in self._known:
            self._known.add(key)
            self._store.save_refusal(refusal)


def fallback_remark(step: Step, sent: Request) -> str:
    """Return what the report says of a step that sent its fallback; empty where it did not."""
    if step.fallback is None or sent.method == "DELETE" or not _is_fallback(step, sent):
        return ""
    what = "the tags API" if TAGS_API in step.requests[0].url else "the PATCH"
    return f"Azure does not take {what} here; sent as {sent.method} instead, and remembered for the type"


def _is_fallback(step: Step, sent: Request) -> bool:
    assert step.fallback is not None
    return (sent.method, sent.url) == (step.fallback.method, step.fallback.url)


def _members(body: Any, path: str = "") -> Iterator[str]:
    for name, value in body.items() if isinstance(body, Mapping) else ():
        here = f"{path}.{name}" if path else str(name)
        yield here
        yield from _members(value, here)
