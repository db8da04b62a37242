"""Which Secrets and ConfigMaps an object asks for, from its ``operatorSpec``, and what goes into them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from engine.cluster.expressions import secret_names
from engine.desired.exporters import CONFIG_MAP, SECRET
from engine.errors import InvalidSpecError, OwnershipConflictError
from engine.model.ids import ResourceKey
from schemas.behaviour_types import Behaviour, ExportKey

FAILED_WRITING: Final = "FailedWritingAdditionalKubernetesObjects"
"""Reason of the condition when an export is not possible as it is asked for."""
_NO_TEXTS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where one value goes.

    Attributes:
        kind: ``Secret`` or ``ConfigMap``.
        key: Empty for an expression whose result names the keys.
        place: In the object, for people.
        source: What is written; None for an expression.
        expression: The expression; empty for a value that the kind offers.
        annotations, labels: For the target; expressions themselves where ``expression`` is set.
    """

    kind: str
    name: str
    key: str
    place: str
    source: ExportKey | None = None
    expression: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def texts(self) -> tuple[str, ...]:
        """Return every expression in it."""
        return (self.expression, *self.annotations.values(), *self.labels.values()) if self.expression else ()

    def __str__(self) -> str:
        """Print as messages name it."""
        return f"{self.name}/{self.key}" if self.key else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A Secret or ConfigMap as it is to be."""

    kind: str
    namespace: str
    name: str
    data: Mapping[str, str] = field(default_factory=dict, repr=False)
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> tuple[str, str, str]:
        """Return kind, namespace and name."""
        return (self.kind, self.namespace, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What goes to one destination: texts by key, with the annotations and labels it brings along."""

    destination: Destination
    data: Mapping[str, str] = field(repr=False)
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


def read_destinations(operator: object, behaviour: Behaviour | None) -> tuple[Destination, ...]:
    """Return where an object's ``operatorSpec`` wants values written, in its own order.

    A name that the kind does not offer is left to the checks of the spec.
    """
    if not isinstance(operator, Mapping):
        return ()
    offered = (
        ("secrets", SECRET, behaviour.secrets if behaviour else ()),
        ("configMaps", CONFIG_MAP, behaviour.config_maps if behaviour else ()),
    )
    found = [d for member, kind, keys in offered for d in _named(operator.get(member), member, kind, keys)]
    for member, kind in (("configMapExpressions", CONFIG_MAP), ("secretExpressions", SECRET)):
        found += _expressions(operator.get(member), member, kind)
    return tuple(found)


def _named(raw: object, member: str, kind: str, keys: Iterable[ExportKey]) -> Iterator[Destination]:
    by_name = {key.name: key for key in keys}
    for name, wanted in raw.items() if isinstance(raw, Mapping) else ():
        if name in by_name and isinstance(wanted, Mapping):
            yield _destination(wanted, kind, f"operatorSpec.{member}.{name}", source=by_name[name])


def _expressions(raw: object, member: str, kind: str) -> Iterator[Destination]:
    for index, wanted in enumerate(raw if isinstance(raw, list) else ()):
        if isinstance(wanted, Mapping) and wanted.get("value"):
            place = f"operatorSpec.{member}[{index}]"
            yield _destination(wanted, kind, place, expression=str(wanted["value"]))


def _destination(
    wanted: Mapping[str, Any], kind: str, place: str, *, source: ExportKey | None = None, expression: str = ""
) -> Destination:
    return Destination(
        kind=kind,
        name=str(wanted.get("name") or ""),
        key=str(wanted.get("key") or ""),
        place=place,
        source=source,
        expression=expression,
        annotations=_texts(wanted.get("annotations")),
        labels=_texts(wanted.get("labels")),
    )


def _texts(raw: object) -> Mapping[str, str]:
    return {str(k): str(v) for k, v in raw.items()} if isinstance(raw, Mapping) and raw else _NO_TEXTS


def collisions(destinations: Iterable[Destination]) -> tuple[str, ...]:
    """Return which destinations are in each other's way whatever their values are, in ASO's words."""
    return tuple(f for group in _by_target(destinations).values() for f in (*_same_keys(group), *_same_marks(group)))


def _by_target(destinations: Iterable[Destination]) -> dict[tuple[str, str], list[Destination]]:
    groups: dict[tuple[str, str], list[Destination]] = {}
    for destination in destinations:
        groups.setdefault((destination.kind, destination.name), []).append(destination)
    return groups


def _same_keys(group: list[Destination]) -> Iterator[str]:
    what = "secret" if group[0].kind == SECRET else "configmap value"
    seen: dict[str, str] = {}
    for found in group:
        if found.key in seen and found.key:
            yield (
                f"cannot write more than one {what} to destination Name: {found.name}, Key: {found.key} "
                f"({seen[found.key]}, {found.place})"
            )
        seen.setdefault(found.key, found.place)


def _same_marks(group: list[Destination]) -> Iterator[str]:
    what = group[0].kind.lower()
    for member in ("annotation", "label"):
        seen: set[str] = set()
        for found in group:
            if found.expression and not found.key:
                continue
            names = set(found.annotations if member == "annotation" else found.labels)
            for name in sorted(names & seen):
                yield (f'collision for {member} on {what} "{found.name}": key "{name}" is set by multiple destinations')
            seen |= names


def wanted_secrets(destinations: Iterable[Destination], behaviour: Behaviour | None) -> frozenset[str]:
    """Return which values of Azure's, by the names that the kind offers, are needed: by name or by an expression."""
    offered = frozenset(key.name for key in behaviour.secrets) if behaviour else frozenset()
    needed: set[str] = set()
    for found in destinations:
        if found.kind != SECRET:
            continue
        if found.source is not None:
            needed.add(found.source.name)
        for text in found.texts:
            names = secret_names(text)
            needed |= offered if names is None else names & offered
    return frozenset(needed)


def merge_values(values: Iterable[Value], namespace: str) -> tuple[Target, ...]:
    """Put what goes to one Secret or ConfigMap together.

    Raises:
        InvalidSpecError: Two values have one key, or two destinations disagree about an annotation or a label.
    """
    targets: dict[tuple[str, str], Target] = {}
    for value in values:
        to = value.destination
        held = targets.get((to.kind, to.name)) or Target(kind=to.kind, namespace=namespace, name=to.name)
        for key in value.data:
            if key in held.data:
                member = "StringData" if to.kind == SECRET else "Data"
                raise InvalidSpecError(
                    f"key collision, entry exists for key '{key}' in {member}", detail=f'{to.kind} "{to.name}"'
                )
        targets[to.kind, to.name] = Target(
            kind=to.kind,
            namespace=namespace,
            name=to.name,
            data={**held.data, **value.data},
            annotations=_joined(held.annotations, value.annotations, "annotation", to),
            labels=_joined(held.labels, value.labels, "label", to),
        )
    return tuple(targets.values())


def _joined(held: Mapping[str, str], more: Mapping[str, str], member: str, to: Destination) -> Mapping[str, str]:
    for name, text in more.items():
        if held.get(name, text) != text:
            raise InvalidSpecError(
                f'collision for {member} on {to.kind.lower()} "{to.name}"',
                detail=f'key "{name}" is set by multiple destinations',
            )
    return {**held, **more}


def not_owned(target: Target, owner: ResourceKey) -> OwnershipConflictError:
    """Return the error of a target that somebody else made."""
    place = f"{target.kind} {target.namespace}/{target.name}"
    who = f"{owner.kind}.{owner.group} {owner.namespace}/{owner.name}"
    return OwnershipConflictError(f"cannot overwrite {place} which is not owned by {who}")


def is_fatal(error: Exception) -> bool:
    """Whether only a person can put right why an export failed."""
    return isinstance(error, (InvalidSpecError, OwnershipConflictError))
