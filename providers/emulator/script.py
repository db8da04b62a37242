"""Faults on demand: what is to go wrong, for which requests, how often."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers.emulator.answer import RefusedError
from providers.emulator.call import Call

_KINDS = frozenset({"drop", "hang", "truncate", "html"})
_KEYS = frozenset(
    {"match", "times", "skip", "answer", "delay_ms", "before_effect", "operation_fails", "polls", "leaves"}
)


@dataclass(frozen=True, slots=True)
class Failure:
    """How an operation is to fail.

    Attributes:
        leaves_nothing: A failed create leaves no resource; else it stays in state Failed.
    """

    error: dict[str, Any]
    leaves_nothing: bool


@dataclass(slots=True)
class Rule:
    """One scripted fault.

    Attributes:
        times: Requests it still applies to; None for all.
        skip: Requests it lets pass first.
        kind: drop, hang, truncate, html, answer or empty.
    """

    id: int
    method: str
    pattern: re.Pattern[str]
    times: int | None
    skip: int
    kind: str
    answer: Mapping[str, Any]
    delay_ms: int
    before_effect: bool
    failure: Failure | None
    polls: int | None
    source: Mapping[str, Any]

    def matches(self, method: str, path: str) -> bool:
        """Whether the rule is about this request."""
        return self.method in ("", method) and bool(self.pattern.search(path)) and self.times != 0

    def use(self) -> bool:
        """Count one matching request; whether the rule applies to it."""
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

    @property
    def is_about_operations(self) -> bool:
        """Whether it changes operations instead of answers."""
        return self.failure is not None or self.polls is not None


class Script:
    """The rules in the order they were given; the first that matches wins."""

    def __init__(self, polls: int) -> None:
        """Start without rules.

        Args:
            polls: How often an operation says "running" when no rule says otherwise.
        """
        self._polls = polls
        self._rules: list[Rule] = []
        self._count = 0

    def add(self, document: Mapping[str, Any]) -> int:
        """Add a rule and return its number.

        Raises:
            RefusedError: 400; the rule is not one.
        """
        self._count += 1
        self._rules.append(_parse(self._count, document))
        return self._count

    def clear(self) -> None:
        """Forget all rules."""
        self._rules.clear()

    def documents(self) -> list[dict[str, Any]]:
        """Return the rules that still apply."""
        return [{**r.source, "id": r.id, "left": r.times} for r in self._rules if r.times != 0]

    def take_fault(self, method: str, path: str) -> Rule | None:
        """Return the rule for this request's answer, counting it."""
        for rule in self._rules:
            if not rule.is_about_operations and rule.matches(method, path) and rule.use():
                return rule
        return None

    def polls(self, call: Call) -> int:
        """Return how often the operation of this request says "running"."""
        rule = self._operation_rule(call)
        return self._polls if rule is None or rule.polls is None else rule.polls

    def operation_failure(self, call: Call, *, take: bool = False) -> Failure | None:
        """Return how the operation of this request is to fail; ``take`` counts the rule as used."""
        rule = self._operation_rule(call)
        if rule is None or (take and not rule.use()) or rule.skip > 0:
            return None
        return rule.failure

    def _operation_rule(self, call: Call) -> Rule | None:
        path = call.address.id
        return next((r for r in self._rules if r.is_about_operations and r.matches(call.method, path)), None)


def _parse(number: int, document: Mapping[str, Any]) -> Rule:
    unknown = sorted(set(document) - _KEYS)
    if unknown:
        raise _bad(f"unknown keys: {', '.join(unknown)}; known: {', '.join(sorted(_KEYS))}")
    match = document.get("match", {})
    answer = document.get("answer", {})
    if isinstance(answer, str) and answer not in _KINDS:
        raise _bad(f"answer is an object or one of {', '.join(sorted(_KINDS))}")
    try:
        pattern = re.compile(str(match.get("path_regex", "")), re.IGNORECASE)
    except re.error as exc:
        raise _bad(f"path_regex: {exc}") from exc
    return Rule(
        number,
        str(match.get("method", "")).upper(),
        pattern,
        document.get("times", 1),
        int(document.get("skip", 0)),
        answer if isinstance(answer, str) else "answer" if "status" in answer else "",
        answer if isinstance(answer, Mapping) else {},
        int(document.get("delay_ms", answer.get("delay_ms", 0) if isinstance(answer, Mapping) else 0)),
        bool(document.get("before_effect", True)),
        _failure(document),
        document.get("polls"),
        dict(document),
    )


def _failure(document: Mapping[str, Any]) -> Failure | None:
    wanted = document.get("operation_fails")
    if not wanted:
        return None
    error = {"code": "InternalServerError", "message": "An error occurred."}
    if isinstance(wanted, Mapping):
        error |= wanted
    return Failure(error, document.get("leaves") == "nothing")


def _bad(text: str) -> RefusedError:
    return RefusedError(400, "InvalidScript", text)
