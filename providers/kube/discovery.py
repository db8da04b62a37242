"""Which of the kinds we know the cluster serves, and in which versions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Self

import msgspec

from engine.errors import EngineError
from providers.kube.client import JSON, KubeClient, NotFoundError
from providers.kube.decode import decode
from providers.kube.versions import newest
from schemas import kinds

AGGREGATED = ",".join(
    (
        f"{JSON};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        f"{JSON};g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
        JSON,
    )
)
"""Servers before 1.26 ignore the first two and answer with the plain list of groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """What we can read, as the kind catalog tells it.

    Attributes:
        groups: API groups, so that others are not even asked for.
        knows: Whether a group, version, kind is one of ours.
    """

    groups: Collection[str]
    knows: Callable[[str, str, str], bool]

    @classmethod
    def of_kinds(cls) -> Self:
        """Return all kinds of ours."""
        versions = cache(lambda group, kind: frozenset(kinds.versions(group, kind)))
        return cls(
            groups=frozenset(kinds.groups()), knows=lambda group, version, kind: version in versions(group, kind)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedKind:
    """One kind with the versions that the cluster serves and we know, oldest first.

    Attributes:
        namespaced: False needs a list of the whole cluster whatever the filter; no ASO kind is like that.
    """

    group: str
    kind: str
    plural: str
    versions: tuple[str, ...]
    namespaced: bool = True

    @property
    def newest(self) -> str:
        """Return the version to list when nothing better is known."""
        return newest(self.versions)

    def path(self, version: str, namespace: str = "") -> str:
        """Return the path of the list."""
        scope = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        return f"/apis/{self.group}/{version}{scope}/{self.plural}"


class _Kind(msgspec.Struct):
    kind: str = ""


class _Resource(msgspec.Struct, rename="camel"):
    """One resource, as both the aggregated and the plain answer spell it."""

    resource: str = ""
    name: str = ""
    kind: str = ""
    response_kind: _Kind | None = None
    scope: str = ""
    namespaced: bool = False
    verbs: list[str] = []


class _Version(msgspec.Struct):
    version: str
    resources: list[_Resource] = []


class _Name(msgspec.Struct):
    name: str = ""


class _Group(msgspec.Struct):
    """A group; aggregated answers name it in ``metadata``, plain ones at the top."""

    name: str = ""
    metadata: _Name = msgspec.field(default_factory=_Name)
    versions: list[_Version] = []


class _Groups(msgspec.Struct):
    items: list[_Group] | None = None
    groups: list[_Group] | None = None


class _Resources(msgspec.Struct):
    resources: list[_Resource] = []


_decode_groups = msgspec.json.Decoder(_Groups)
_decode_resources = msgspec.json.Decoder(_Resources)


def discover(client: KubeClient, catalog: Catalog) -> tuple[list[ServedKind], list[EngineError]]:
    """Return the kinds to list, sorted by group and kind, and what could not be found out. Blocking.

    Raises:
        EngineError: The cluster does not answer the first question; nothing can be said then.
    """
    try:
        answer = decode(_decode_groups, client.get("/apis", accept=AGGREGATED), "/apis")
    except NotFoundError as exc:
        raise EngineError(
            f"{client} is no Kubernetes API server", detail=exc.detail, hint="check the server's address"
        ) from exc
    errors: list[EngineError] = []
    if answer.items is not None:
        groups = [(g.metadata.name, g.versions) for g in answer.items]
    else:
        groups = [(g.name, list(_ask(client, g, errors))) for g in answer.groups or () if g.name in catalog.groups]
    served = [kind for name, versions in groups if name in catalog.groups for kind in _kinds(name, versions, catalog)]
    return sorted(served, key=lambda k: (k.group, k.kind)), errors


def _ask(client: KubeClient, group: _Group, errors: list[EngineError]) -> Iterator[_Version]:
    """Ask an older server for the resources of one group, version by version."""
    for version in group.versions:
        path = f"/apis/{group.name}/{version.version}"
        try:
            found = decode(_decode_resources, client.get(path), path)
        except NotFoundError:
            continue
        except EngineError as exc:
            errors.append(exc)
            continue
        yield _Version(version.version, found.resources)


def _kinds(group: str, versions: list[_Version], catalog: Catalog) -> Iterator[ServedKind]:
    served: dict[tuple[str, str, bool], list[str]] = {}
    for version in versions:
        for resource in version.resources:
            plural = resource.resource or resource.name
            kind = resource.response_kind.kind if resource.response_kind else resource.kind
            if "list" in resource.verbs and "/" not in plural and catalog.knows(group, version.version, kind):
                namespaced = resource.namespaced or resource.scope == "Namespaced"
                served.setdefault((kind, plural, namespaced), []).append(version.version)
    for (kind, plural, namespaced), names in served.items():
        yield ServedKind(group=group, kind=kind, plural=plural, versions=tuple(names), namespaced=namespaced)
