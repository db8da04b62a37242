"""Which requests read a set of resources at the lowest expected number: lists, else GETs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from engine.model.ids import ApiVersion
from engine.ports import ReadTarget
from providers.arm.origin import SAFE_IN_PATH
from schemas.operations import ListEndpoint, TypeOperations

_NARROW_FIRST: Final = ("parent", "scope", "parentMixed", "resourceGroup", "subscription", "tenant")
_WHOLE: Final = frozenset(("subscription", "tenant"))
_GROUPS: Final = "microsoft.resources/resourcegroups"

Lookup = Callable[[str], TypeOperations | None]
Families = Mapping[str, Sequence[ReadTarget]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRead:
    """One chain of pages.

    Attributes:
        path: Without host and api-version, ready to send.
        wanted: What is looked for in it, by :attr:`ArmId.key`; at least two. More pages than this are not worth it.
        excluded: Scopes that were refused already, this one included: for choosing again.
        method: How to ask for a single one. HEAD: only presence counts, the items' bodies are another resource's.
    """

    path: str
    api_version: ApiVersion
    arm_type: str
    scope: str
    wanted: Mapping[str, ReadTarget]
    excluded: frozenset[str] = field(default_factory=frozenset)
    method: str = "GET"


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleRead:
    """One GET; HEAD where the type has no GET."""

    target: ReadTarget
    method: str = "GET"


Read = ListRead | SingleRead


def group_targets(targets: Iterable[ReadTarget]) -> list[list[ReadTarget]]:
    """Return targets by (subscription, type, api-version), each id once, resource groups first, then as they came."""
    groups: dict[tuple[str, str, str], dict[str, ReadTarget]] = {}
    for target in targets:
        name = target.id.key
        parts = name.split("/", 3)
        subscription = parts[2] if len(parts) > 2 and parts[1] == "subscriptions" else ""
        group = groups.setdefault((subscription, target.arm_type.lower(), target.api_version), {})
        group.setdefault(name, target)
    ordered = sorted(groups.items(), key=lambda item: item[0][1] != _GROUPS)
    return [list(group.values()) for _, group in ordered]


def choose_reads(
    targets: Sequence[ReadTarget], operations: TypeOperations | None, *, excluded: frozenset[str] = frozenset()
) -> list[Read]:
    """Return the cheapest reads of targets that share subscription, type and api-version.

    A list costs one request, a GET one each; two or more wanted resources make a list cheaper. Of equal costs the
    narrower scope wins. Linear in the number of targets.

    Args:
        targets: At least one.
        operations: None for a type that the table does not know: GETs.
        excluded: Scopes not to try (again).
    """
    method = "HEAD" if operations is not None and operations.is_head_only else "GET"
    paths: Families = {}
    scope = ""
    if operations is not None and len(targets) > 1:
        scope, paths = _cheapest(targets, operations, excluded)
    reads: list[Read] = [
        ListRead(
            path=path,
            api_version=found[0].api_version,
            arm_type=found[0].arm_type,
            scope=scope,
            wanted={t.id.key: t for t in found},
            excluded=excluded | {scope},
            method=method,
        )
        for path, found in paths.items()
    ]
    listed = {t.id.key for found in paths.values() for t in found}
    reads.extend(SingleRead(target=t, method=method) for t in targets if t.id.key not in listed)
    return reads


def _cheapest(
    targets: Sequence[ReadTarget], operations: TypeOperations, excluded: frozenset[str]
) -> tuple[str, Families]:
    """Return the scope with the fewest requests and its lists; no list when reading one by one is as cheap."""
    families = _families(targets)
    options: list[tuple[str, Families]] = []
    for endpoint in sorted(filter(lambda e: _is_usable(e, excluded), operations.lists), key=_narrowness, reverse=True):
        paths = _by_path(families, endpoint, operations)
        options.insert(0, (endpoint.scope, paths))
        if len(families) > 1 and _cost(paths, len(targets)) == 1:
            break  # nothing narrower reads several families with one request; working it out costs more than the read
    return min(options, key=lambda option: _cost(option[1], len(targets)), default=("", {}))


def _families(targets: Sequence[ReadTarget]) -> Families:
    """Return targets by everything but their own name: all of a family are in the same lists."""
    families: dict[str, list[ReadTarget]] = {}
    for target in targets:
        families.setdefault(target.id.key.rpartition("/")[0], []).append(target)
    return families


def _is_usable(endpoint: ListEndpoint, excluded: frozenset[str]) -> bool:
    return (
        endpoint.full_bodies
        and not endpoint.query
        and not endpoint.only
        and endpoint.scope in _NARROW_FIRST
        and endpoint.scope not in excluded
    )


def _narrowness(endpoint: ListEndpoint) -> int:
    return _NARROW_FIRST.index(endpoint.scope)


def _by_path(families: Families, endpoint: ListEndpoint, operations: TypeOperations) -> dict[str, list[ReadTarget]]:
    """Return what each concrete path of the endpoint would list; only paths that list two or more."""
    paths: dict[str, tuple[str, list[ReadTarget]]] = {}
    path: str | None = None
    for family in families.values():
        # All targets share the subscription, so whatever lists a subscription has one path for all of them.
        if path is None or endpoint.scope not in _WHOLE:
            path = operations.list_url(endpoint, family[0].id.text)
        if path is not None:
            paths.setdefault(path.lower(), (path, []))[1].extend(family)
    return {quote(path, safe=SAFE_IN_PATH): found for path, found in paths.values() if len(found) > 1}


def _cost(paths: Mapping[str, Sequence[ReadTarget]], total: int) -> int:
    return len(paths) + total - sum(map(len, paths.values()))
