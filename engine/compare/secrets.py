"""Secrets in remembered and shown bodies: replaced by keyed hashes in memory, by REDACTED in results."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from engine.compare.finding import Place
from engine.compare.shapes import item_of, member_of
from engine.model.document import REDACTED, Marker, Secret
from schemas.nodes import ANY, EnumNode, Node, ObjectNode, TextNode, UnionNode
from schemas.secret_names import is_secret_name

HASH_KEY: Final = "$hash"
_UNSENT: Final = "unsent:"
_FOREIGN: Final = "foreign:"
_LEAST_ECHO: Final = 6


def never(_at: Place) -> bool:
    """Say of every place that it holds no secret but those the schema and the values tell."""
    return False


def is_hash(value: Any) -> bool:
    """Whether a remembered value stands for a secret."""
    return type(value) is dict and len(value) == 1 and HASH_KEY in value


def hash_of(value: dict[str, Any]) -> str:
    """Return the hash that stands for a secret, sent or not."""
    return str(value[HASH_KEY]).removeprefix(_UNSENT).removeprefix(_FOREIGN)


def as_unsent(value: dict[str, Any]) -> dict[str, Any]:
    """Return the memory of a secret that was asked for and never sent: what Azure holds is not known."""
    return {HASH_KEY: _UNSENT + hash_of(value)}


def is_unsent(value: Any) -> bool:
    """Whether a remembered value stands for a secret that was never sent."""
    return is_hash(value) and str(value[HASH_KEY]).startswith(_UNSENT)


def is_foreign(value: Any) -> bool:
    """Whether a remembered value is a hash made with a key that is not ours: it can be compared with nothing."""
    return is_hash(value) and str(value[HASH_KEY]).startswith(_FOREIGN)


def holds_foreign(value: Any) -> bool:
    """Whether a remembered value is, or holds, a hash made with a key that is not ours."""
    if type(value) is dict:
        return is_foreign(value) or any(map(holds_foreign, value.values()))
    return any(map(holds_foreign, value)) if type(value) is list else False


def as_foreign(value: Any) -> Any:
    """Return a remembered body whose hashes say that they were made with a key that is not ours."""
    if is_hash(value):
        return {HASH_KEY: _FOREIGN + hash_of(value)}
    if type(value) is dict:
        return {key: as_foreign(inner) for key, inner in value.items()}
    return [as_foreign(inner) for inner in value] if type(value) is list else value


def name_of_key(key: bytes) -> str:
    """Return a name that two equal keys share, and that tells nothing of the key."""
    return hashlib.blake2b(key, digest_size=8, person=b"trueup.hash-key").hexdigest()


@dataclass(frozen=True, slots=True)
class Secrecy:
    """How to tell a secret in the bodies of one resource.

    Four marks: the value is wrapped, the type definition calls its place sensitive, a fact does, or its name does. And
    whatever else holds a text that is known to be a secret: Azure echoes what it was sent.

    Attributes:
        shape: Of the whole body.
        is_secret: Says which places hold a secret although the type definition does not say so.
        texts: Secrets known from the desired body.
    """

    shape: Node = ANY
    is_secret: Callable[[Place], bool] = never
    texts: frozenset[str] = frozenset()

    def conceal(self, value: Any, node: Node, *, at: Place = ()) -> Any:
        """Return a copy in which each secret is REDACTED; the value itself when it holds none.

        Args:
            value: Anything a body may hold.
            node: Its shape; ANY where the caller has none at hand.
            at: Its place in the body.
        """
        if not isinstance(value, str | dict | list | Secret):
            return value
        found, hidden = _follow(self.shape, at)
        node = found if node == ANY else node
        return _Replacement(lambda _text: REDACTED, self, hides_hashes=True).of(value, node, at, hidden=hidden)

    def hash_secrets(self, value: Any, key: bytes) -> Any:
        """Return a copy of a whole body in which each secret is ``{"$hash": hex}``; UNKNOWN becomes null."""
        make = _Replacement(lambda text: {HASH_KEY: Secret(text).hash_with(key)}, self, is_memory=True)
        return make.of(value, self.shape)

    def replace(self, value: Any, make: Callable[[str], Any]) -> Any:
        """Return a copy of a whole body with something else for each secret; hashes of secrets stay."""
        return _Replacement(make, self, keeps_hashes=True).of(value, self.shape)

    def wrap(self, value: Any) -> Any:
        """Return a copy of a whole body in which each secret is wrapped, so that it can be sent but not printed."""
        return _Replacement(Secret, self).of(value, self.shape)


def hash_secrets(value: Any, node: Node, key: bytes, *, texts: frozenset[str] = frozenset()) -> Any:
    """Return a copy in which each secret is ``{"$hash": hex}``; the value itself when it holds none.

    Args:
        value: A body.
        node: Its shape.
        key: Key of the hashes.
        texts: Secrets known from elsewhere.
    """
    return Secrecy(node, texts=texts).hash_secrets(value, key)


def conceal(value: Any, node: Node) -> Any:
    """Return a copy in which each secret is REDACTED; the value itself when it holds none."""
    return Secrecy(node).conceal(value, node)


def find_secrets(value: Any) -> frozenset[str]:
    """Return the wrapped texts in a body."""
    if isinstance(value, Secret):
        return frozenset((value.reveal(),))
    if type(value) is dict:
        return frozenset().union(*map(find_secrets, value.values()))
    if type(value) is list:
        return frozenset().union(*map(find_secrets, value))
    return frozenset()


def is_sensitive(node: Node) -> bool:
    """Whether the schema calls the place a secret."""
    return isinstance(node, TextNode | EnumNode | ObjectNode) and node.sensitive


def _follow(node: Node, at: Place) -> tuple[Node, bool]:
    """Return the shape of a place, and whether something above it is sensitive."""
    hidden = is_sensitive(node)
    for step in at:
        node = _step(node, step) if isinstance(step, str) else item_of(node)
        hidden = hidden or is_sensitive(node)
    return node, hidden


def _step(node: Node, name: str) -> Node:
    found = member_of(node, None, None, name)
    if found == ANY and isinstance(node, UnionNode):
        shapes = (resolve() for resolve in node.variants.values())
        members = (shape.find(name) for shape in shapes)
        return next((member.node for member in members if member is not None), ANY)
    return found


@dataclass(frozen=True, slots=True)
class _Replacement:
    """What stands for a secret, and how to tell one."""

    make: Callable[[str], Any]
    secrecy: Secrecy
    is_memory: bool = False
    hides_hashes: bool = False
    keeps_hashes: bool = False

    def of(self, value: Any, node: Node, at: Place = (), *, hidden: bool = False) -> Any:
        hidden = hidden or is_sensitive(node) or self.secrecy.is_secret(at)
        if self.hides_hashes and is_hash(value):
            return self.make("")
        if self.keeps_hashes and is_hash(value):
            return value
        if type(value) is dict:
            new = {k: self.of(v, member_of(node, value, None, k), (*at, k), hidden=hidden) for k, v in value.items()}
            return value if all(new[k] is v for k, v in value.items()) else new
        if type(value) is list:
            items = [self.of(v, item_of(node), (*at, i), hidden=hidden) for i, v in enumerate(value)]
            return value if all(a is b for a, b in zip(items, value, strict=True)) else items
        return self._leaf(value, node, at, hidden=hidden)

    def _leaf(self, value: Any, node: Node, at: Place, *, hidden: bool) -> Any:
        if isinstance(value, Secret):
            return self.make(value.reveal())
        if isinstance(value, str):
            is_secret = hidden or _is_named(at, node) or self._is_known(value)
            return self.make(value) if is_secret and value else value
        return None if self.is_memory and isinstance(value, Marker) else value

    def _is_known(self, value: str) -> bool:
        """Whether a text is a known secret, or holds one that is long enough not to be a word of its own."""
        texts = self.secrecy.texts
        return value in texts or any(len(text) >= _LEAST_ECHO and text in value for text in texts)


def _is_named(at: Place, node: Node) -> bool:
    name = next((step for step in reversed(at) if isinstance(step, str)), "")
    return is_secret_name(name) and not (isinstance(node, TextNode) and node.arm_id)
