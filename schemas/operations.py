"""What a type's REST operations accept: verbs, PATCH members, lists, ETags, create-only members.

The facts come from the descriptions of Azure's own client packages (compiled by ``schemas.build.operations``). They are
the client's view: a service may still refuse what they allow. Types are found without letter case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from typing import Any

import orjson

from schemas import store

Path = tuple[str, ...]
"""Member names from the body's root; ``[]`` stands for the elements of a list, ``{}`` for the values of a map."""

_NEVER_PATCHED = frozenset(("location", "name", "type", "id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One verb on the resource itself.

    Attributes:
        url: Template, ``{name}`` where a value goes.
        is_long_running: It may answer before the work is done.
        final: Where the result of a long-running operation is read; empty when not said.
        query: Query parameters that must be given, api-version aside.
    """

    method: str
    url: str
    is_long_running: bool = False
    final: str = ""
    codes: tuple[int, ...] = ()
    content_type: str = "application/json"
    query: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEndpoint:
    """A request that lists the type.

    Attributes:
        scope: subscription, resourceGroup, parent, parentMixed (sibling subtypes come along), scope (below an
            extension's target), resource, tenant, location or related.
        query: Query parameters that must be given; without values for them the list is of no use.
        params: Optional query parameters it knows.
        full_bodies: Items are what GET returns. False: a smaller model, never to be compared against.
        only: ``global`` when it leaves out resources that have a location; empty otherwise.
    """

    scope: str
    url: str
    query: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    full_bodies: bool = True
    only: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionFacts:
    """A POST action; ``url`` is empty when it lies right below the resource."""

    name: str
    is_long_running: bool = False
    url: str = ""


@dataclass(frozen=True)
class PatchFacts:
    """What PATCH takes at one api-version.

    Attributes:
        paths: Topmost members it takes, each with everything below; None: all that PUT takes.
        refused: Members that can only be set at creation and not by PATCH either.
    """

    paths: tuple[Path, ...] | None
    refused: tuple[Path, ...] = ()

    def accepts(self, path: Path) -> bool:
        """Whether a merge patch may set the member at the path.

        A merge patch replaces a list as a whole, so a list counts as accepted only when all of it is; the same
        holds for an object that is set anew.
        """
        place = _fold(_up_to_list(path))
        if not place or place[0] in _NEVER_PATCHED:
            return False
        if any(_meets(_fold(p), place) for p in self.refused):
            return False
        return self.knows(place)

    def knows(self, path: Path) -> bool:
        """Whether the patch's own model has the member at the path, with everything below it."""
        return self.paths is None or any(_covers(p, _fold(path)) for p in self._whole)

    @cached_property
    def _whole(self) -> tuple[Path, ...]:
        return tuple(_fold(p) for p in self.paths or () if "[]" not in p)


@dataclass(frozen=True, kw_only=True)
class TypeOperations:
    """Everything known of a type's operations.

    Attributes:
        evidence: The api-version the facts were read at.
        etag: Per verb, whether ``If-Match`` is accepted (see :meth:`takes_etag` for one api-version).
        etag_required: Verbs that refuse to work without ``If-Match``.
        etag_path: Where the body carries it; empty when it does not (then the ``ETag`` header may).
        create_only: Places that can only be set at creation, by their declared visibility.
        create_only_refusal: Code with which a change there is refused.
        create_only_text: The same by description only: good for a warning, never for a decision.
        update_via_patch: Create-only for PUT, accepted by PATCH.
        write_only: Places that no read returns.
        not_returned: Declared readable, absent from what is read.
    """

    arm_type: str
    evidence: str
    operations: Mapping[str, Operation]
    lists: tuple[ListEndpoint, ...] = ()
    actions: tuple[ActionFacts, ...] = ()
    etag: Mapping[str, bool] = field(default_factory=dict)
    etag_required: frozenset[str] = frozenset()
    etag_path: Path = ()
    takes_if_none_match: bool = False
    has_system_data: bool = False
    create_only: tuple[Path, ...] = ()
    create_only_refusal: str = "PropertyChangeNotAllowed"
    create_only_text: tuple[Path, ...] = ()
    update_only: tuple[Path, ...] = ()
    update_via_patch: tuple[Path, ...] = ()
    write_only: tuple[Path, ...] = ()
    not_returned: tuple[Path, ...] = ()
    headers: tuple[str, ...] = ()
    by_version: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def methods(self) -> frozenset[str]:
        """Return the verbs that exist."""
        return frozenset(self.operations)

    @property
    def is_head_only(self) -> bool:
        """Whether existence is all that can be asked: GET answers 405."""
        return "GET" not in self.operations and "HEAD" in self.operations

    def patch_for(self, api_version: str) -> PatchFacts | None:
        """Return what PATCH takes at that version; None: no evidence for the version, or no PATCH, so use PUT."""
        special = self.by_version.get(api_version)
        body = self.by_version.get("")
        if isinstance(special, dict) and "patch" in special:
            body = _other_body(body, special["patch"])
        if special is None or body is None or "PATCH" not in self.operations:
            return None
        refused = tuple(p for p in self.create_only if p not in self.update_via_patch)
        return PatchFacts(None if body == "*" else tuple(parse_path(p) for p in body), refused)

    def takes_etag(self, verb: str, api_version: str) -> bool:
        """Whether the verb accepts ``If-Match`` at that version; False where nothing is known of the version."""
        special = self.by_version.get(api_version)
        if special is None:
            return False
        per_verb = special.get("etag", self.etag) if isinstance(special, dict) else self.etag
        return bool(per_verb.get(verb)) or verb in self.etag_required

    def takes_none_match(self, api_version: str) -> bool:
        """Whether a PUT accepts ``If-None-Match: *`` at that version; False where nothing is known of the version."""
        return self.takes_if_none_match and self.by_version.get(api_version) is not None

    def is_long_running(self, verb: str, api_version: str) -> bool:
        """Whether the verb may answer before the work is done."""
        special = self.by_version.get(api_version)
        if isinstance(special, dict) and "lro" in special:
            return verb in special["lro"].split()
        return verb in self.operations and self.operations[verb].is_long_running

    def is_create_only(self, path: Path) -> bool:
        """Whether a change at the path means a new resource; members that PATCH takes do not count."""
        place = _fold(path)
        return any(_covers(_fold(p), place) for p in self.create_only if p not in self.update_via_patch)

    def is_hidden(self, path: Path) -> bool:
        """Whether reads leave the member out."""
        place = _fold(path)
        return any(_covers(_fold(p), place) for p in (*self.write_only, *self.not_returned))

    def list_url(self, endpoint: ListEndpoint, resource_id: str) -> str | None:
        """Return the path of the list that the resource would be in; None when the id does not say enough."""
        values = self.bind(resource_id)
        return _fill(endpoint.url, values, resource_id) if values is not None else None

    def bind(self, resource_id: str) -> dict[str, str] | None:
        """Return the template values in a resource's id; None when the id is not of this type."""
        template = next((o.url for o in self.operations.values() if o.url), "")
        return _bind(template.strip("/").split("/"), resource_id.strip("/").split("/"))


def lookup_operations(arm_type: str) -> TypeOperations | None:
    """Return what is known of a type's operations; None for a type without evidence."""
    return _lookup(arm_type.lower())


def known_types() -> tuple[str, ...]:
    """Return the types with evidence, sorted."""
    return tuple(orjson.loads(_lines()[0]))


def parse_path(text: str) -> Path:
    """Read ``a.b[].c{}`` into names and marks."""
    out: list[str] = []
    for part in text.split("."):
        marks = []
        while part.endswith(("[]", "{}")):
            marks.append(part[-2:])
            part = part[:-2]
        out += [part] * bool(part) + marks[::-1]
    return tuple(out)


@lru_cache(maxsize=512)
def _lookup(folded: str) -> TypeOperations | None:
    place = _index().get(folded)
    return _decode(orjson.loads(_lines()[place])) if place is not None else None


@cache
def _lines() -> list[bytes]:
    return store.require("operations.zst").split(b"\n")


@cache
def _index() -> dict[str, int]:
    return {name.lower(): i for i, name in enumerate(known_types(), 1)}


def _decode(raw: Mapping[str, Any]) -> TypeOperations:
    base_url = raw["ops"].get("GET", {}).get("url", "")
    return TypeOperations(
        arm_type=raw["type"],
        evidence=raw["apiVersion"],
        operations={verb: _operation(verb, entry, raw, base_url) for verb, entry in raw["ops"].items()},
        lists=tuple(_list(entry) for entry in raw.get("lists", ())),
        actions=tuple(
            ActionFacts(name=a["name"], is_long_running=a.get("lro", False), url=a.get("url", ""))
            for a in raw.get("actions", ())
        ),
        etag=raw.get("etag", {}),
        etag_required=frozenset(raw.get("etagRequired", ())),
        etag_path=parse_path(raw["etagPath"]) if "etagPath" in raw else (),
        takes_if_none_match=raw.get("ifNoneMatch", False),
        has_system_data=raw.get("systemData", False),
        create_only=_paths(raw, "createOnly"),
        create_only_refusal=raw.get("createOnlyRefusal", TypeOperations.create_only_refusal),
        create_only_text=_paths(raw, "createOnlyText"),
        update_only=_paths(raw, "updateOnly"),
        update_via_patch=_paths(raw, "updateViaPatch"),
        write_only=_paths(raw, "writeOnly"),
        not_returned=_paths(raw, "notReturned"),
        headers=tuple(raw.get("headers", ())),
        by_version={"": raw["ops"].get("PATCH", {}).get("body"), **raw.get("versions", {})},
    )


def _operation(verb: str, entry: Mapping[str, Any], raw: Mapping[str, Any], base_url: str) -> Operation:
    return Operation(
        method=verb,
        url=entry.get("url", base_url),
        is_long_running=entry.get("lro", False),
        final=entry.get("final", ""),
        codes=tuple(entry.get("codes", ())),
        content_type=entry.get("contentType", "application/json"),
        query=tuple(raw.get("query", {}).get(verb, ())),
    )


def _list(entry: Mapping[str, Any]) -> ListEndpoint:
    return ListEndpoint(
        scope=entry["scope"],
        url=entry["url"],
        query=tuple(entry.get("query", ())),
        params=tuple(entry.get("params", ())),
        full_bodies=entry.get("item") != "other",
        only=entry.get("only", ""),
    )


def _paths(raw: Mapping[str, Any], name: str) -> tuple[Path, ...]:
    return tuple(parse_path(p) for p in raw.get(name, ()))


def _other_body(base: Any, special: Any) -> Any:
    """Return what one version's PATCH takes: a body of its own, or what differs from the base."""
    if not isinstance(special, dict):
        return special
    kept = [p for p in (base if isinstance(base, list) else []) if p not in special.get("-", ())]
    return [*kept, *special.get("+", ())]


def _fold(path: Iterable[str]) -> Path:
    return tuple(s.lower() for s in path)


def _up_to_list(path: Path) -> Path:
    return path[: path.index("[]")] if "[]" in path else path


def _covers(top: Path, place: Path) -> bool:
    """Whether the place is at or below the top; ``{}`` stands for any one name."""
    return len(top) <= len(place) and all(t in (p, "{}") for t, p in zip(top, place, strict=False))


def _meets(one: Path, other: Path) -> bool:
    """Whether one place is at, above or below the other."""
    return all(a == b or "{}" in (a, b) for a, b in zip(one, other, strict=False))


def _bind(template: list[str], segments: list[str]) -> dict[str, str] | None:
    spare = len(segments) - len(template)
    if spare and template[0].startswith("{") and spare > 0:
        segments = ["/".join(segments[: spare + 1]), *segments[spare + 1 :]]
    if len(segments) != len(template):
        return None
    values: dict[str, str] = {}
    for name, value in zip(template, segments, strict=True):
        if name.startswith("{"):
            values[name] = value
        elif name.lower() != value.lower():
            return None
    return values


def _fill(template: str, values: Mapping[str, str], resource_id: str) -> str | None:
    """Fill by name; a name the id's own template spells otherwise, by place as long as both run alike."""
    segments = resource_id.strip("/").split("/")
    out: list[str] = []
    alike = True
    for place, part in enumerate(template.strip("/").split("/")):
        held = segments[place] if place < len(segments) else ""
        if not part.startswith("{"):
            alike = alike and part.lower() == held.lower()
            out.append(part)
        elif part in values or (alike and held):
            out.append(values.get(part, held))
        else:
            return None
    return "/" + "/".join(out)
