"""Ignore rules for many objects: which objects they are for, and what they mean in the ARM body of each."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from engine.desired.places import body_path_of
from engine.model.ids import ResourceKey
from engine.model.path import FieldPath
from engine.model.policy import IgnoreRule
from schemas.kind_types import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRule:
    """One entry of ``ignoreDifferences``. Empty filters let every object through; ``*`` in them is any text.

    Attributes:
        group, kind, name, namespace: Of the object, as Argo CD names them.
        types: ARM types; one of them must fit.
        pointers: Places: below ``/spec`` in the object, others in the ARM body.
        source: Where the rule was read, for people.
    """

    pointers: tuple[str, ...]
    source: str
    group: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    types: tuple[str, ...] = ()
    until: date | None = None

    def covers(self, key: ResourceKey, arm_type: str) -> bool:
        """Whether the rule is for this object."""
        filters = (
            (self.group, key.group),
            (self.kind, key.kind),
            (self.name, key.name),
            (self.namespace, key.namespace),
        )
        if not all(not pattern or _is_like(pattern, text) for pattern, text in filters):
            return False
        return not self.types or any(_is_like(pattern, arm_type) for pattern in self.types)


def _is_like(pattern: str, text: str) -> bool:
    return fnmatch.fnmatchcase(text.lower(), pattern.lower().replace("[", "[[]"))


def rules_for(fleet: Sequence[FleetRule], key: ResourceKey, kind: Kind) -> tuple[IgnoreRule, ...]:
    """Return what rules for many objects mean for one; places that its kind does not send are left out."""
    out = []
    for rule in fleet:
        if not rule.covers(key, kind.arm_type):
            continue
        for pointer in rule.pointers:
            path = FieldPath.parse_pointer(pointer)
            place = body_path_of(kind, path) if path.segments[:1] == ("spec",) else path
            if place is not None and place.segments:
                out.append(IgnoreRule(path=place, until=rule.until, pointer=pointer, source=rule.source))
    return tuple(out)


def describe_idle(rule: IgnoreRule, today: date) -> str:
    """Return what to tell of an ignore rule that hides nothing."""
    place = rule.pointer or rule.path.pointer
    where = rule.source or "annotation trueup.dev/ignore"
    if rule.until is not None and today > rule.until:
        return f"{where}: {place} was ignored until {rule.until}; it counts again, so the line can go"
    return f"{where}: nothing differs at {place}, so the line can go"
