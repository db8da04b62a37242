"""Which objects a run is about: namespace, labels, targets, exclusions."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.desired.identity import ObjectIdentity
from engine.errors import InvalidSpecError
from engine.model.ids import ArmId, ResourceKey
from engine.model.problem import Notice, Problem
from engine.model.state import CustomResource
from engine.reporting.phrases import plural

_LABEL = re.compile(r"([A-Za-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?")

_FORMS = "use a=b, a!=b, a, !a, 'a in (b,c)', 'a notin (b)'"

Requirement = Callable[[Mapping[str, str]], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Filters of one run; empty ones let everything through.

    Attributes:
        namespace: Only this namespace.
        labels: A label selector as kubectl takes it.
        only: Nothing but these objects.
        targets, excludes: Names (``namespace/Kind/name``, ``Kind/name``, ``name``) or ARM ids, globs allowed.
    """

    namespace: str = ""
    labels: tuple[Requirement, ...] = ()
    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    only: frozenset[ObjectIdentity] | None = None

    @property
    def is_partial(self) -> bool:
        """Whether objects may be left out, so that what is missing proves nothing."""
        return bool(self.namespace or self.labels or self.targets or self.excludes or self.only is not None)

    def is_whole(self, namespace: str) -> bool:
        """Whether no object of a namespace is left out."""
        is_narrow = bool(self.labels or self.targets or self.excludes or self.only is not None)
        return not is_narrow and self.namespace in ("", namespace)

    def covers(self, resource: CustomResource, resource_id: ArmId | None) -> bool:
        """Whether the run is about this object."""
        if not self.is_partial:
            return True
        if self.only is not None and resource.key.identity not in self.only:
            return False
        if self.namespace and resource.key.namespace != self.namespace:
            return False
        if not all(requirement(resource.labels) for requirement in self.labels):
            return False
        if self.targets and not any(matches(t, resource.key, resource_id) for t in self.targets):
            return False
        return not any(matches(e, resource.key, resource_id) for e in self.excludes)


def matches(pattern: str, key: ResourceKey, resource_id: ArmId | None) -> bool:
    """Whether a name given by a person means this object; letter case is ignored."""
    wanted = pattern.lower().rstrip("/")
    if wanted.startswith("/"):
        return resource_id is not None and fnmatch.fnmatchcase(resource_id.key, wanted)
    names = (str(key), f"{key.kind}/{key.name}", key.name)
    return any(fnmatch.fnmatchcase(n.lower(), wanted) for n in names)


def parse_label_selector(text: str) -> tuple[Requirement, ...]:
    """Parse ``a=b,c!=d,e,!f,g in (x,y),h notin (z)``.

    Raises:
        InvalidSpecError: A part is none of these forms.
    """
    return tuple(_parse_requirement(part.strip()) for part in _split(text) if part.strip())


def _split(text: str) -> list[str]:
    """Split at commas outside parentheses."""
    parts, depth = [""], 0
    for char in text:
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def _parse_requirement(part: str) -> Requirement:
    words = part.replace("(", " (").split(None, 2)
    if len(words) == 3 and words[1] in ("in", "notin") and words[2].startswith("(") and words[2].endswith(")"):
        name, wanted = words[0], frozenset(v.strip() for v in words[2][1:-1].split(","))
        if words[1] == "in":
            return lambda labels: labels.get(name) in wanted
        return lambda labels: labels.get(name) not in wanted
    for sign, keeps in (("!=", False), ("==", True), ("=", True)):
        if sign in part:
            name, value = (p.strip() for p in part.split(sign, 1))
            _check_label(part, name, value)
            return _equal(name, value) if keeps else _unequal(name, value)
    name = part.removeprefix("!").strip()
    if _LABEL.fullmatch(name):
        return (lambda labels: name not in labels) if part.startswith("!") else (lambda labels: name in labels)
    raise InvalidSpecError(f"{part!r} is no label selector", hint=_FORMS)


def tell_empty(selection: Selection, objects: int) -> tuple[list[Problem], list[Notice]]:
    """Say that filters leave nothing of some objects: names that match nothing are an error, others a notice."""
    text = f"the filters choose none of {plural(objects, 'object')}"
    if not objects or not selection.targets:
        return [], [Notice(text=text)] if objects else []
    names = ", ".join(selection.targets)
    hint = "name objects as plan prints them: namespace/Kind/name"
    return [Problem(error=InvalidSpecError(text, detail=f"--target {names}", hint=hint))], []


def _check_label(part: str, *texts: str) -> None:
    """Raise unless the texts can be label names or values.

    Raises:
        InvalidSpecError: One cannot; nothing would ever match it.
    """
    if not all(not text or _LABEL.fullmatch(text) for text in texts):
        raise InvalidSpecError(
            f"{part!r} is no label selector", hint="use a=b, a!=b, a, !a, 'a in (b,c)', 'a notin (b)'"
        )


def _equal(name: str, value: str) -> Requirement:
    return lambda labels: labels.get(name) == value


def _unequal(name: str, value: str) -> Requirement:
    return lambda labels: labels.get(name) != value
