"""What recorded answers of Azure do to a body that was accepted as sent, without changing what it says.

Read off recordings, not off the product: regions come back by display name, ids and listed values in another letter
case, integers with a fraction of zero, GUIDs and switches in the service's own case; what is empty goes; named elements
come in another order; members the server owns and defaults appear; secrets stay away; the name grows to parent/child.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.nodes import ANY, EnumNode, ListNode, Node, ObjectNode, Property, TextNode, UnionNode
from tests.arm_bodies import REGIONS, Body

_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
GONE = object()
"""Stands for a member that is not returned."""


def answer(body: Body, rng: random.Random, *, keeps_order: bool = False) -> dict[str, Any]:
    """Return what Azure may answer to a body.

    Args:
        body: What was sent.
        rng: Decides which habits show.
        keeps_order: Leave plain lists as they are.
    """
    value = _Server(rng, keeps_order).members(body.value, body.type.body, at_top=True)
    value["name"] = f"parent/{value['name']}"
    return value | {"id": "/subscriptions/0/providers/Own/id", "type": body.type.name.lower()}


def members_of(node: Node, value: Mapping[str, Any]) -> Mapping[str, Property] | None:
    """Return the members that an object may have; None for a free map or where nothing is known."""
    if isinstance(node, UnionNode):
        return node.select(value.get(node.discriminator)).properties
    if isinstance(node, ObjectNode) and not node.is_map:
        return node.properties
    return None


@dataclass(frozen=True, slots=True)
class _Server:
    rng: random.Random
    keeps_order: bool

    def _now_and_then(self) -> bool:
        return self.rng.random() < 0.5

    def value(self, value: Any, node: Node, name: str) -> Any:
        if isinstance(value, dict):
            return self.members(value, node)
        if isinstance(value, list):
            return self._list(value, node, name)
        if not self._now_and_then():
            return value
        if type(value) is int:
            return float(value)
        return self._text(value, node, name) if isinstance(value, str) else value

    def _text(self, text: str, node: Node, name: str) -> str:
        if name.lower() == "location" or getattr(node, "location", False):
            return REGIONS.get(text, text)
        if text.startswith("/subscriptions/"):
            return text.replace("/resourceGroups/", "/resourcegroups/").replace(
                "Microsoft.Network", "microsoft.network"
            )
        if isinstance(node, EnumNode):
            return self.rng.choice((text.lower(), text.upper(), text[:1].upper() + text[1:]))
        return text.lower() if _GUID.fullmatch(text) else text

    def _list(self, value: list[Any], node: Node, name: str) -> list[Any]:
        item = node.item if isinstance(node, ListNode) else ANY
        out = [self.value(v, item, name) for v in value]
        if isinstance(node, ListNode) and self._is_free(node, value):
            self.rng.shuffle(out)
        return out

    def _is_free(self, node: ListNode, value: list[Any]) -> bool:
        if node.is_ordered or not value:
            return False
        if all(isinstance(v, dict) for v in value):
            return bool(node.identifiers) and all(v.get(node.identifiers[0]) is not None for v in value)
        return node.is_set and not self.keeps_order

    def members(self, value: Mapping[str, Any], node: Node, *, at_top: bool = False) -> dict[str, Any]:
        known = members_of(node, value)
        if known is None:
            inner = (node.additional or ANY) if isinstance(node, ObjectNode) else ANY
            return {k: v if isinstance(v, str | int) else self.value(v, inner, k) for k, v in value.items()}
        out = {}
        for key, inner in value.items():
            returned = self._member(key, inner, known.get(key), at_top=at_top)
            if returned is not GONE:
                out[key] = returned
        return self._with_more(out, known, value)

    def _member(self, key: str, value: Any, known: Property | None, *, at_top: bool) -> Any:
        if at_top and key == "location" and self._now_and_then():
            return GONE
        if value in ({}, [], "", None) and self._now_and_then():
            return self.rng.choice((GONE, None))
        if known is not None and is_secret(known):
            return GONE
        return self.value(value, known.node if known else ANY, key)

    def _with_more(self, out: dict[str, Any], known: Mapping[str, Property], sent: Mapping[str, Any]) -> dict[str, Any]:
        """Add what the server owns or fills in, in another order of members."""
        more = {p.name: "Succeeded" for p in known.values() if p.is_read_only and self._now_and_then()}
        more |= {"addedByServer": {"since": 1}} if self._now_and_then() else {}
        whole = {**{k: v for k, v in more.items() if k not in sent}, **out}
        return dict(sorted(whole.items())) if self._now_and_then() else whole


def is_secret(member: Property) -> bool:
    """Whether the type definition says that a member is write-only or a secret."""
    node = member.node
    return member.is_write_only or (isinstance(node, TextNode | EnumNode | ObjectNode) and node.sensitive)
