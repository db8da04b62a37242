"""ARM types at run time: what Azure says of every type@version, read lazily, one provider at a time.

The data are made by ``schemas.build.arm``: one compressed file of lines per provider (line 1: the type names, then one
line per type with its versions, then one line per node) and an index of all type names. A line is decoded when a
node is first asked for, so a look-up costs one file and the nodes that are walked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import orjson

from schemas import store
from schemas.nodes import (
    ANY,
    BooleanNode,
    EnumNode,
    Flag,
    ListNode,
    Node,
    NumberNode,
    ObjectNode,
    Property,
    ResourceType,
    TextNode,
    UnionNode,
)

_LEAVES: dict[str, Node] = {
    "s": TextNode(),
    "S": TextNode(sensitive=True),
    "r": TextNode(arm_id=True),
    "l": TextNode(location=True),
    "i": NumberNode(),
    "I": NumberNode(is_float=False),
    "f": NumberNode(is_float=True),
    "b": BooleanNode(),
    "a": ANY,
}
_SCOPES = ("tenant", "managementGroup", "subscription", "resourceGroup", "extension")
_PROVIDERS_IN_MEMORY = 64
_SUGGESTIONS = 5


@dataclass(frozen=True, slots=True)
class NearestType:
    """A type for an api-version that may not be known; ``exact`` False: the shape is another version's."""

    type: ResourceType
    exact: bool


def lookup(arm_type: str, api_version: str) -> ResourceType | None:
    """Return the shape of one type@version; None when either is unknown. Letter case of the type is ignored."""
    provider = _provider(arm_type.partition("/")[0].lower())
    return provider.resource_type(arm_type.lower(), api_version) if provider else None


def lookup_nearest(arm_type: str, api_version: str) -> NearestType | None:
    """Return the shape at that version, else at the nearest older, else at the nearest newer one.

    None when the type is unknown at every version. An inexact shape may serve comparison, never validation.
    """
    known = versions(arm_type)
    if not known:
        return None
    version = api_version if api_version in known else _closest(known, api_version)
    found = lookup(arm_type, version)
    return NearestType(found, version == api_version) if found else None


def versions(arm_type: str) -> tuple[str, ...]:
    """Return the api-versions known of a type, oldest first; empty for an unknown type."""
    provider = _provider(arm_type.partition("/")[0].lower())
    return provider.versions(arm_type.lower()) if provider else ()


@cache
def type_names() -> tuple[str, ...]:
    """Return every ARM type as Azure spells it, sorted without letter case."""
    index: dict[str, Any] = orjson.loads(store.require("arm/index.zst"))
    return tuple(sorted((n for names in index["types"].values() for n in names), key=str.lower))


def canonical_name(arm_type: str) -> str | None:
    """Return the type as Azure spells it; None when it is unknown."""
    provider = _provider(arm_type.partition("/")[0].lower())
    return provider.spelling(arm_type.lower()) if provider else None


def nearest(arm_type: str, api_version: str = "") -> tuple[str, ...]:
    """Return what the reader may have meant, best first: versions of a known type, else types of a similar name."""
    name = canonical_name(arm_type)
    if name is not None:
        return tuple(f"{name}@{v}" for v in _around(versions(arm_type), api_version))
    import difflib

    folded = {n.lower(): n for n in type_names()}
    return tuple(folded[n] for n in difflib.get_close_matches(arm_type.lower(), folded, n=_SUGGESTIONS, cutoff=0.5))


def search(word: str) -> tuple[str, ...]:
    """Return the types whose name holds the word in any letter case; whole segments first, then short names."""
    wanted = word.lower()
    hits = [n for n in type_names() if wanted in n.lower()]
    return tuple(sorted(hits, key=lambda n: (wanted not in n.lower().split("/"), n.count("/"), n.lower())))


def version_key(api_version: str) -> tuple[str, bool, str]:
    """Sort api-versions by date, previews before the stable version of their day."""
    return (api_version[:10], len(api_version) == 10, api_version)


def _closest(known: Sequence[str], api_version: str) -> str:
    older = [v for v in known if version_key(v) < version_key(api_version)]
    return older[-1] if older else known[0]


def _around(known: Sequence[str], api_version: str) -> tuple[str, ...]:
    wanted = version_key(api_version) if api_version else version_key(known[-1])
    place = sum(version_key(v) < wanted for v in known)
    near = sorted(range(len(known)), key=lambda i: (abs(i - place + 0.5), -i))[: _SUGGESTIONS - 1]
    return tuple(dict.fromkeys([*(known[i] for i in near), known[-1]]))


@lru_cache(maxsize=_PROVIDERS_IN_MEMORY)
def _provider(name: str) -> _Provider | None:
    raw = store.read(f"arm/{name}.zst") if name and "." in name and name.replace(".", "").isalnum() else None
    return _Provider(raw) if raw is not None else None


class _Provider:
    """One provider's types; nodes are made when first asked for and shared by all its types."""

    def __init__(self, raw: bytes) -> None:
        lines = raw.split(b"\n")
        self._names: list[str] = orjson.loads(lines[0])
        count = len(self._names)
        self._rows = dict(zip((n.lower() for n in self._names), lines[1 : count + 1], strict=True))
        self._lines = lines[count + 1 :]
        self._nodes: dict[int, Node] = {}
        self._types: dict[tuple[str, str], ResourceType | None] = {}

    def spelling(self, folded: str) -> str | None:
        return next((n for n in self._names if n.lower() == folded), None)

    def versions(self, folded: str) -> tuple[str, ...]:
        row = self._rows.get(folded)
        return tuple(orjson.loads(row)) if row else ()

    def resource_type(self, folded: str, api_version: str) -> ResourceType | None:
        key = (folded, api_version)
        if key not in self._types:
            row = self._rows.get(folded)
            entry = orjson.loads(row).get(api_version) if row else None
            if entry is None:
                return None
            self._types[key] = self._resource_type(folded, api_version, entry)
        return self._types[key]

    def _resource_type(self, folded: str, api_version: str, entry: list[int]) -> ResourceType:
        name = self.spelling(folded) or folded
        body = self.node(entry[0])
        if not isinstance(body, ObjectNode | UnionNode):
            raise TypeError(f"the compiled facts of {name}@{api_version} are damaged: its body is no object")
        writable = entry[2] if len(entry) > 2 else entry[1]
        scopes = frozenset(s for bit, s in enumerate(_SCOPES) if (writable or entry[1]) >> bit & 1)
        return ResourceType(name, api_version, _with_envelope(body, name, api_version), scopes, not writable)

    def node(self, reference: int | str) -> Node:
        """Return the node a reference stands for: a letter is a plain value, a number is a line."""
        if isinstance(reference, str):
            return _LEAVES[reference]
        found = self._nodes.get(reference)
        if found is None:
            found = self._nodes[reference] = self._decode(orjson.loads(self._lines[reference]))
        return found

    def _decode(self, line: list[Any]) -> Node:
        match line:
            case ["o", members, *rest]:
                additional = rest[0] if rest else None
                resolve = None if additional is None else _Resolver(self, additional)
                return ObjectNode(self._properties(members), resolve, bool(rest[1:]))
            case ["e", values, *rest]:
                return EnumNode(tuple(values), bool(rest))
            case ["l", item, *rest]:
                return _list_node(_Resolver(self, item), rest[0] if rest else {})
            case ["u", discriminator, base, variants]:
                choices = {value.lower(): _VariantResolver(self, ref) for value, ref in variants.items()}
                return UnionNode(discriminator, self._properties(base), choices)
            case ["s", rules]:
                return _text_node(rules)
            case ["n", rules]:
                return NumberNode(rules.get("f"), rules.get("m"), rules.get("x"))
        raise ValueError(f"unknown kind of node in the compiled facts: {line[:1]}")

    def _properties(self, members: Mapping[str, Any]) -> dict[str, Property]:
        return {
            name: Property(name, _FLAGS[entry[1]], _Resolver(self, entry[0]))
            if isinstance(entry, list)
            else Property(name, Flag.NONE, _Resolver(self, entry))
            for name, entry in members.items()
        }


_FLAGS = tuple(Flag(bits) for bits in range(16))


class _Resolver:
    """A node to be made later; lighter than a closure."""

    __slots__ = ("_provider", "_reference")

    def __init__(self, provider: _Provider, reference: int | str) -> None:
        self._provider = provider
        self._reference = reference

    def __call__(self) -> Node:
        return self._provider.node(self._reference)


class _VariantResolver(_Resolver):
    """A variant of a union, which is always an object."""

    __slots__ = ()

    def __call__(self) -> ObjectNode:
        node = super().__call__()
        if not isinstance(node, ObjectNode):
            raise TypeError("the compiled facts are damaged: a variant is no object")
        return node


def _with_envelope(body: ObjectNode | UnionNode, name: str, api_version: str) -> ObjectNode | UnionNode:
    """Put back the two members that are constant per type@version and therefore not in the shared body."""
    fixed = {
        "type": Property("type", Flag.READ_ONLY, lambda: EnumNode((name,))),
        "apiVersion": Property("apiVersion", Flag.READ_ONLY | Flag.DEPLOY_TIME, lambda: EnumNode((api_version,))),
    }
    if isinstance(body, UnionNode):
        return UnionNode(body.discriminator, {**fixed, **body.base}, body.variants)
    return ObjectNode({**fixed, **body.properties}, body.resolve_additional, body.sensitive)


def _list_node(resolve: _Resolver, facts: Mapping[str, Any]) -> ListNode:
    return ListNode(
        resolve,
        identifiers=tuple(facts.get("k", ())),
        is_ordered="o" in facts,
        is_set="u" in facts,
        min_length=facts.get("m"),
        max_length=facts.get("x"),
    )


def _text_node(rules: Mapping[str, Any]) -> TextNode:
    verdicts = rules.get("k", "")
    return TextNode(
        sensitive="S" in verdicts,
        arm_id="r" in verdicts,
        location="l" in verdicts,
        pattern=rules.get("p"),
        min_length=rules.get("m"),
        max_length=rules.get("x"),
    )
