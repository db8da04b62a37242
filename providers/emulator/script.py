"""Faults on demand: what is to go wrong, for which requests, how often."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from providers.emulator.answer import RefusedError
from providers.emulator.call import Call

_Count = Annotated[int, msgspec.Meta(ge=0)]
_HeaderText = Annotated[str, msgspec.Meta(pattern=r"^[^\r\n]*$")]


class MatchDocument(msgspec.Struct, forbid_unknown_fields=True):
    """Which requests a rule is for."""

    method: str = ""
    path_regex: str = ""


class AnswerDocument(msgspec.Struct, forbid_unknown_fields=True):
    """An answer instead of ARM's; without status ARM's own."""

    status: Annotated[int, msgspec.Meta(ge=200, le=599)] | None = None
    headers: dict[_HeaderText, _HeaderText | int] = {}
    body: Any = b""
    delay_ms: _Count = 0


class RuleDocument(msgspec.Struct, forbid_unknown_fields=True):
    """A rule as it is sent."""

    match: MatchDocument = msgspec.field(default_factory=MatchDocument)
    times: _Count | None = 1
    skip: _Count = 0
    answer: Literal["drop", "hang", "truncate", "html"] | AnswerDocument = msgspec.field(default_factory=AnswerDocument)
    delay_ms: _Count = 0
    before_effect: bool = True
    operation_fails: bool | dict[str, Any] = False
    polls: _Count | None = None
    leaves: str = ""


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
    answer: AnswerDocument
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
        rule = parse_rule(document)
        self._count += 1
        self._rules.append(_make_rule(self._count, rule, document))
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


def parse_rule(document: Mapping[str, Any]) -> RuleDocument:
    """Check a rule.

    Raises:
        RefusedError: 400; it names the member that is wrong.
    """
    try:
        rule = msgspec.convert(document, RuleDocument)
    except msgspec.ValidationError as exc:
        text = str(exc)
        raise _bad(
            f"{text}; known: {', '.join(RuleDocument.__struct_fields__)}" if "unknown" in text else text
        ) from exc
    try:
        re.compile(rule.match.path_regex)
    except re.error as exc:
        raise _bad(f"{exc} - at `$.match.path_regex`") from exc
    return rule


def _make_rule(number: int, rule: RuleDocument, source: Mapping[str, Any]) -> Rule:
    answer = AnswerDocument() if isinstance(rule.answer, str) else rule.answer
    kind = "answer" if answer.status else ""
    return Rule(
        number,
        rule.match.method.upper(),
        re.compile(rule.match.path_regex, re.IGNORECASE),
        rule.times,
        rule.skip,
        rule.answer if isinstance(rule.answer, str) else kind,
        answer,
        rule.delay_ms or answer.delay_ms,
        rule.before_effect,
        _failure(rule),
        rule.polls,
        dict(source),
    )


def _failure(rule: RuleDocument) -> Failure | None:
    if not rule.operation_fails:
        return None
    error = {"code": "InternalServerError", "message": "An error occurred."}
    if isinstance(rule.operation_fails, dict):
        error |= rule.operation_fails
    return Failure(error, rule.leaves == "nothing")


def _bad(text: str) -> RefusedError:
    return RefusedError(400, "InvalidScript", text)
