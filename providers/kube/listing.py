"""All objects of one kind, page by page, each in the version its author speaks. Blocking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from sys import intern

import msgspec

from engine.errors import UnavailableError
from engine.model.ids import ResourceKey
from engine.model.state import CustomResource
from providers.kube.client import GoneError, KubeClient, NotFoundError
from providers.kube.decode import (
    Listed,
    Metadata,
    as_ready_says,
    build_resource,
    decode_item,
    decode_page,
    decode_texts,
    is_unchanged,
    with_status,
)
from providers.kube.discovery import ServedKind
from providers.kube.versions import applied_version

PAGE_SIZE = 500
ONE_BY_ONE = 40
ATTEMPTS = 3
NAMESPACES = "/api/v1/namespaces"
_NONE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which objects are wanted; the server filters.

    Attributes:
        namespaces: Empty for all of them.
        labels: A label selector as kubectl takes it. Owners that it leaves out are missing for their children.
        keep_status: Keep ``status`` too; it is two thirds of an object.
    """

    namespaces: tuple[str, ...] = ()
    labels: str = ""
    keep_status: bool = False


class Lister:
    """Lists kinds, and remembers per kind which version most of its objects speak.

    A kind is listed once, in that version (at first: the newest one). Objects applied by another served version are
    listed in theirs too: a conversion may have renamed members in between.
    """

    def __init__(self, client: KubeClient, selection: Selection) -> None:
        """Nothing is read yet."""
        self._client = client
        self._selection = selection
        self._spoken: dict[ServedKind, str] = {}
        self._annotations: Mapping[str, Mapping[str, str]] = {}
        self._labels: dict[bytes, Mapping[str, str]] = {}
        self._earlier: dict[tuple[ServedKind, str], Sequence[CustomResource]] = {}

    @property
    def annotations(self) -> Mapping[str, Mapping[str, str]]:
        """Return the annotations of namespaces, by name; empty before they were read."""
        return self._annotations

    def read_namespaces(self) -> None:
        """Read the annotations of namespaces, which later objects are given.

        Raises:
            EngineError: They may not or cannot be read; objects then have none.
        """
        self._labels.clear()
        earlier, self._annotations = self._annotations, {}
        wanted = [f"{NAMESPACES}/{name}" for name in self._selection.namespaces]
        if wanted:
            found = [decode_item(self._client.get(path), path) for path in wanted]
        else:
            found = list(self._items(NAMESPACES, PAGE_SIZE, ""))
        read = {item.metadata.name: item.metadata.texts for item in found}
        self._annotations = {name: _same_or_new(earlier.get(name), texts) for name, texts in read.items()}

    def list_kind(self, kind: ServedKind) -> Sequence[CustomResource]:
        """Return the objects in the order of the server: by namespace and name.

        An object that is what it was in the last list is the very same one.

        Raises:
            EngineError: The list could not be read to its end.
        """
        listed = self._spoken.get(kind, kind.newest)
        resources = self._list_at(kind, listed)
        spoken = Counter(r.key.version for r in resources)
        self._spoken[kind] = max(spoken, key=lambda v: (spoken[v], v), default=listed)
        if len(spoken) <= 1 and listed in spoken:
            return resources
        others = {v: {r.key: r for r in self._list_at(kind, v)} for v in sorted(spoken) if v != listed}
        return [_in_own_version(r, others) for r in resources]

    def _list_at(self, kind: ServedKind, version: str) -> Sequence[CustomResource]:
        for attempt in range(ATTEMPTS):
            try:
                resources = self._read(kind, version, PAGE_SIZE << attempt)
            except GoneError:
                continue
            except NotFoundError:
                # The kind was removed after discovery: it has no objects.
                resources = []
            self._earlier[kind, version] = resources
            return resources
        raise UnavailableError(
            f"The list of {kind.plural}.{kind.group} never came to its end",
            detail=f"{self._client} forgot its continue token {ATTEMPTS} times",
            hint="the API server is overloaded or compacts very often; try again",
        )

    def _read(self, kind: ServedKind, version: str, limit: int) -> list[CustomResource]:
        earlier = _Earlier(self._earlier.get((kind, version), ()))
        resources: list[CustomResource] = []
        for namespace in (self._selection.namespaces if kind.namespaced else ()) or ("",):
            for item in self._items(kind.path(version, namespace), limit, self._selection.labels):
                meta = item.metadata
                annotations = self._annotations.get(meta.namespace, _NONE)
                known = earlier.find(meta)
                if known is not None and known.namespace_annotations is annotations and is_unchanged(known, item):
                    resources.append(known)
                else:
                    resources.append(self._build(kind, version, item, annotations))
        return resources

    def _items(self, path: str, limit: int, labels: str) -> Iterator[Listed]:
        query = {"limit": str(limit)}
        if labels:
            query["labelSelector"] = labels
        while True:
            page = decode_page(self._client.get(path, query), path)
            yield from page.items
            if not page.token:
                return
            query["continue"] = page.token

    def _build(
        self, kind: ServedKind, listed: str, item: Listed, namespace_annotations: Mapping[str, str]
    ) -> CustomResource:
        meta = item.metadata
        applied = applied_version(meta.managers, kind.group)
        key = ResourceKey(
            namespace=intern(meta.namespace),
            group=kind.group,
            kind=kind.kind,
            name=meta.name,
            version=applied if applied in kind.versions else listed,
        )
        resource = build_resource(
            item,
            key,
            namespace_annotations=namespace_annotations,
            labels=self._share_labels(bytes(meta.labels)),
            keep_status=self._selection.keep_status,
        )
        return as_ready_says(resource, item)

    def reread(self, resources: Iterable[CustomResource]) -> list[CustomResource]:
        """Return those of the objects whose status proves something, with it; many of a kind by a list.

        Raises:
            EngineError: An object that is there could not be read.
        """
        found: list[CustomResource] = []
        by_list: dict[tuple[str, str, str], list[CustomResource]] = {}
        for resource in resources:
            key = resource.key
            by_list.setdefault((key.group, key.kind, key.version), []).append(resource)
        kinds = {(kind.group, kind.kind): kind for kind in self._spoken}
        for (group, name, version), same in by_list.items():
            items = self._items_of(kinds[group, name], version, same)
            found += [seen for r in same if (item := items.get(r.uid)) and (seen := with_status(r, item))]
        return found

    def _items_of(self, kind: ServedKind, version: str, wanted: Sequence[CustomResource]) -> dict[str, Listed]:
        """Return the objects as the server has them now, by uid."""
        if len(wanted) > ONE_BY_ONE:
            uids = {r.uid for r in wanted}
            listed = self._items(kind.path(version), PAGE_SIZE, self._selection.labels)
            return {item.metadata.uid: item for item in listed if item.metadata.uid in uids}
        out: dict[str, Listed] = {}
        for resource in wanted:
            path = f"{kind.path(version, resource.key.namespace)}/{resource.key.name}"
            try:
                item = decode_item(self._client.get(path), path)
            except NotFoundError:
                continue
            out[item.metadata.uid] = item
        return out

    def _share_labels(self, raw: bytes) -> Mapping[str, str]:
        """Return one mapping for all objects with the same labels: most have those of their team."""
        labels = self._labels.get(raw)
        if labels is None:
            labels = self._labels[raw] = decode_texts(msgspec.Raw(raw))
        return labels


class _Earlier:
    """The objects of an earlier list, which a new list mostly names in the same order."""

    def __init__(self, resources: Sequence[CustomResource]) -> None:
        self._resources = resources
        self._next = 0
        self._places: Mapping[tuple[str, str], int] | None = None

    def find(self, meta: Metadata) -> CustomResource | None:
        at = self._next
        if at < len(self._resources):
            key = self._resources[at].key
            if key.name == meta.name and key.namespace == meta.namespace:
                self._next += 1
                return self._resources[at]
        if self._places is None:
            self._places = {(r.key.namespace, r.key.name): n for n, r in enumerate(self._resources)}
        found = self._places.get((meta.namespace, meta.name))
        if found is None:
            return None
        self._next = found + 1
        return self._resources[found]


def _same_or_new(earlier: Mapping[str, str] | None, new: Mapping[str, str]) -> Mapping[str, str]:
    return earlier if earlier == new else new


def _in_own_version(
    resource: CustomResource, others: Mapping[str, Mapping[ResourceKey, CustomResource]]
) -> CustomResource:
    """Take the object from the list in its own version; one that changed in between keeps what was read first."""
    return others.get(resource.key.version, {}).get(resource.key, resource)
