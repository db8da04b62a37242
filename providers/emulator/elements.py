"""Elements of lists that Azure's network provider treats as resources of a kind: they get ids, etags and a state."""

from __future__ import annotations

from typing import Any

from providers.emulator.facts import TypeFacts
from providers.emulator.inline import inline_lists
from schemas.nodes import ListNode, Node, ObjectNode, UnionNode

_NAMESPACE = "microsoft.network/"


def complete_elements(facts: TypeFacts, body: dict[str, Any], etag: str) -> None:
    """Give named elements right under ``properties`` what a network resource's elements have."""
    properties = body.get("properties")
    shape = facts.shape
    if not facts.name.lower().startswith(_NAMESPACE) or not isinstance(properties, dict):
        return
    if not isinstance(shape, ObjectNode) or "properties" not in shape.properties:
        return
    node = shape.properties["properties"].node
    children = {i.member for i in inline_lists(facts.name)}
    for name, elements in properties.items():
        item = _item(node, name)
        if name in children or item is None or not isinstance(elements, list):
            continue
        for element in elements:
            _complete(element, item, f"{body['id']}/{name}", f"{facts.spelling}/{name}", etag)


def _complete(element: Any, item: ObjectNode, parent: str, arm_type: str, etag: str) -> None:
    if not isinstance(element, dict) or not isinstance(element.get("name"), str):
        return
    element["id"] = f"{parent}/{element['name']}"
    for member, value in (("etag", etag), ("type", arm_type)):
        if item.find(member) is not None:
            element[member] = value
    inner = element.setdefault("properties", {})
    properties = item.properties["properties"].node
    if isinstance(inner, dict) and isinstance(properties, ObjectNode) and properties.find("provisioningState"):
        inner["provisioningState"] = "Succeeded"


def _item(node: Node, name: str) -> ObjectNode | None:
    """Return the shape of a list's elements where they have a name, an id and properties."""
    if isinstance(node, UnionNode) or not isinstance(node, ObjectNode):
        return None
    member = node.find(name)
    if member is None or not isinstance(member.node, ListNode):
        return None
    item = member.node.item
    if isinstance(item, ObjectNode) and all(item.find(m) for m in ("name", "id", "properties")):
        return item
    return None
