"""Annotations become an ``ObjectPolicy``. A value nobody knows never leads to a write."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final, TypeVar

from engine.desired.check import suggest
from engine.model.path import FieldPath
from engine.model.policy import ALLOW_REPLACE, DriftPolicy, IgnoreRule, ObjectPolicy, ReconcilePolicy

RECONCILE_POLICY: Final = "serviceoperator.azure.com/reconcile-policy"
OPERATOR: Final = "serviceoperator.azure.com/operator-namespace"
_THEIRS = (RECONCILE_POLICY, OPERATOR)
OWN_PREFIX: Final = "trueup.dev/"
DRIFT_POLICY: Final = OWN_PREFIX + "drift-policy"
IGNORE: Final = OWN_PREFIX + "ignore"
PROTECT: Final = OWN_PREFIX + "protect"
READ_PREFIXES: Final = (OWN_PREFIX, "serviceoperator.azure.com/")
"""Annotations that may mean something to us; others are never looked at."""
BASELINE: Final = OWN_PREFIX + "baseline"
OPERATION: Final = OWN_PREFIX + "operation"
"""The operation under way. ASO's tokens are read at a take-over; ours stay out of its way."""
_OWN = (
    DRIFT_POLICY, IGNORE, PROTECT, ALLOW_REPLACE, BASELINE, OPERATION,
    OWN_PREFIX + "allow-delete", OWN_PREFIX + "reconcile-at",
)  # fmt: skip

_DEFAULT = ObjectPolicy()
_LINE = re.compile(r"(?P<pointer>/.*?)(?:\s+until=(?P<until>\S*))?")
_Choice = TypeVar("_Choice", bound=StrEnum)

Translate = Callable[[FieldPath], "FieldPath | None"]
"""From a place below ``/spec`` to the ARM body."""


@dataclass
class _Draft:
    """What is read so far."""

    warnings: list[str] = field(default_factory=list)

    def choose(self, name: str, texts: tuple[str, ...], default: _Choice, unknown: _Choice) -> _Choice:
        """Return the first text that is set as a choice; ``unknown`` for one that is none."""
        text = next((t for t in texts if t), "")
        if not text:
            return default
        known = [choice.value for choice in type(default)]
        if text in known:
            return type(default)(text)
        self.warnings.append(
            f"annotation {name}: unknown value {text!r}, taken as {unknown.value!r}; {suggest(text, known)}"
        )
        return unknown


def parse_policy(
    annotations: Mapping[str, str], namespace: Mapping[str, str], *, translate: Translate | None = None
) -> ObjectPolicy:
    """Return what an object's annotations and those of its namespace allow.

    Args:
        annotations: Of the object.
        namespace: Of its namespace; they hold where the object says nothing.
        translate: Maps an ignored place below ``/spec`` to the ARM body; places elsewhere are body places.
    """
    if not _concern_us(annotations) and not _concern_us(namespace):
        return _DEFAULT
    draft = _Draft()
    reconcile = (annotations.get(RECONCILE_POLICY, ""), namespace.get(RECONCILE_POLICY, ""))
    drift = (annotations.get(DRIFT_POLICY, ""), namespace.get(DRIFT_POLICY, ""))
    policy = ObjectPolicy(
        reconcile=draft.choose(RECONCILE_POLICY, reconcile, ReconcilePolicy.MANAGE, ReconcilePolicy.SKIP),
        drift=draft.choose(DRIFT_POLICY, drift, DriftPolicy.CORRECT, DriftPolicy.REPORT),
        protect=_parse_protect(annotations.get(PROTECT, ""), draft),
        allow_replace=_parse_generation(annotations.get(ALLOW_REPLACE, ""), draft),
        ignore=_parse_ignore(annotations.get(IGNORE, ""), translate, draft),
        operator=annotations.get(OPERATOR, ""),
    )
    _note_unknown(annotations, draft)
    return _with_warnings(policy, draft)


def _concern_us(annotations: Mapping[str, str]) -> bool:
    return any((name.startswith(OWN_PREFIX) and name != BASELINE) or name in _THEIRS for name in annotations)


def _with_warnings(policy: ObjectPolicy, draft: _Draft) -> ObjectPolicy:
    if not draft.warnings:
        return policy
    return ObjectPolicy(
        reconcile=policy.reconcile,
        drift=policy.drift,
        protect=policy.protect,
        allow_replace=policy.allow_replace,
        ignore=policy.ignore,
        operator=policy.operator,
        warnings=tuple(draft.warnings),
    )


def _note_unknown(annotations: Mapping[str, str], draft: _Draft) -> None:
    for name in sorted(annotations):
        if name.startswith(OWN_PREFIX) and name not in _OWN:
            draft.warnings.append(f"annotation {name} means nothing; {suggest(name, _OWN)}".rstrip("; "))


def _parse_protect(text: str, draft: _Draft) -> bool:
    if text.lower() not in ("", "true", "false"):
        draft.warnings.append(f"annotation {PROTECT}: unknown value {text!r}, taken as 'true'")
    return text.lower() not in ("", "false")


def _parse_generation(text: str, draft: _Draft) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return int(text)
    draft.warnings.append(f"annotation {ALLOW_REPLACE}: {text!r} is not a generation; nothing is approved")
    return None


def _parse_ignore(text: str, translate: Translate | None, draft: _Draft) -> tuple[IgnoreRule, ...]:
    rules: list[IgnoreRule] = []
    for line in (raw.strip() for raw in text.splitlines()):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        path = _ignored_place(match["pointer"], translate) if match is not None else None
        if match is None or path is None:
            draft.warnings.append(
                f"annotation {IGNORE}: {line!r} is no place in the resource; nothing is ignored by it"
            )
            continue
        rules.append(IgnoreRule(path=path, until=_parse_day(match["until"], draft), pointer=match["pointer"]))
    return tuple(rules)


def _ignored_place(pointer: str, translate: Translate | None) -> FieldPath | None:
    path = FieldPath.parse_pointer(pointer)
    if path.segments[0] == "spec" and translate is not None:
        return translate(path)
    return path


def _parse_day(text: str | None, draft: _Draft) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        draft.warnings.append(
            f"annotation {IGNORE}: until={text} is not a date (YYYY-MM-DD); the place is ignored for good"
        )
        return None
