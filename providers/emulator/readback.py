"""Turns a body that was accepted into the body that Azure would answer: cleaned, completed, respelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.emulator.bodies import MISSING, find_all, read_path, set_path
from providers.emulator.facts import TypeFacts
from providers.emulator.invent import Context, expand, invent_members, stable_uuid
from providers.emulator.regions import spell_region
from providers.emulator.rewrite import drops_empty, respell_name, rewrite
from schemas.nodes import ListNode, Node, ObjectNode, Property, UnionNode
from schemas.operations import parse_path

_OWN = frozenset({"id", "name", "type", "apiVersion", "etag", "eTag", "systemData", "provisioningState"})
_STATE = ("properties", "provisioningState")


def clean_body(facts: TypeFacts, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a service keeps of a body: known members in their own spelling, no secrets, no nulls.

    Read-only members are left out as services ignore them; write-only and sensitive ones are taken but never kept,
    so the emulator holds no secret.
    """
    return _clean_object(facts.shape, body, (), _kept(facts))


def complete_body(facts: TypeFacts, cleaned: dict[str, Any], context: Context) -> dict[str, Any]:
    """Return the body as it reads back: envelope, defaults, server-chosen members, the type's own respelling."""
    body = dict(cleaned)
    if drops_empty(facts.name):
        # An identity that is assigned is a key with an empty object; the answer fills it in.
        body = {k: v if k == "identity" else _without_empty(v) for k, v in body.items()}
        body = {k: v for k, v in body.items() if v not in ({}, [])}
    rewrite(facts.name, body, context)
    _drop(facts, body)
    _add_defaults(facts, body, context)
    if not facts.is_recorded and isinstance(body.get("properties"), dict | None):
        _invent(facts, body, context)
    _complete_identity(body, context)
    envelope = _envelope(facts, body, context)
    rest = {k: v for k, v in body.items() if k not in ("location", "tags") and k not in envelope}
    return envelope | rest


def has_state(facts: TypeFacts) -> bool:
    """Whether the type's bodies carry ``properties.provisioningState``."""
    if "state" in facts.habits or facts.is_recorded:
        return bool(facts.habits.get("state"))
    return _shape_has(facts.shape, _STATE)


def set_state(facts: TypeFacts, body: dict[str, Any], state: str) -> None:
    """Set the provisioning state where the type has one."""
    if has_state(facts):
        set_path(body, _STATE, state)


def state_of(body: Mapping[str, Any]) -> str:
    """Return the provisioning state; empty when there is none."""
    state = read_path(body, _STATE)
    return state if isinstance(state, str) else ""


def _kept(facts: TypeFacts) -> frozenset[str]:
    return frozenset(facts.habits.get("keep", ()))


def _clean_object(
    node: ObjectNode | UnionNode, value: Mapping[str, Any], path: tuple[str, ...], kept: frozenset[str]
) -> dict[str, Any]:
    if isinstance(node, UnionNode):
        node = _variant(node, value)
    if not node.properties and node.additional is None:
        return dict(value)
    out: dict[str, Any] = {}
    for key, inner in value.items():
        member = node.find(key)
        if inner is None or (member is None and node.additional is None):
            continue
        if member is None:
            out[key] = _clean(node.additional, inner, (*path, "{}"), kept)
        elif not _is_hidden(member, (*path, member.name), kept):
            cleaned = _clean(member.node, inner, (*path, member.name), kept)
            if cleaned is not MISSING:
                out[member.name] = cleaned
    return out


def _variant(node: UnionNode, value: Mapping[str, Any]) -> ObjectNode:
    """Return the variant that a value says it is; one that does not say may have the members of any."""
    folded = node.discriminator.lower()
    said = next((v for k, v in value.items() if k.lower() == folded), None)
    if said is not None:
        return node.select(said)
    members = {name: m for resolve in node.variants.values() for name, m in resolve().properties.items()}
    return ObjectNode({**members, **node.base})


def _clean(node: Node | None, value: Any, path: tuple[str, ...], kept: frozenset[str]) -> Any:
    if isinstance(node, ObjectNode | UnionNode) and isinstance(value, dict):
        if isinstance(node, ObjectNode) and node.sensitive:
            return MISSING
        return _clean_object(node, value, path, kept)
    if isinstance(node, ListNode) and isinstance(value, list):
        return [_clean(node.item, item, (*path[:-1], path[-1] + "[]"), kept) for item in value]
    if getattr(node, "sensitive", False) and ".".join(path) not in kept:
        return MISSING
    return value


def _is_hidden(member: Property, path: tuple[str, ...], kept: frozenset[str]) -> bool:
    if len(path) == 1 and member.name in _OWN:
        return True
    if member.is_read_only:
        return True
    return member.is_write_only and ".".join(path) not in kept


def _drop(facts: TypeFacts, body: dict[str, Any]) -> None:
    hidden = list(facts.operations.write_only) if facts.operations else []
    for path in (*hidden, *(parse_path(p) for p in facts.habits.get("drop", ()))):
        if ".".join(path).replace(".[]", "[]") in _kept(facts):
            continue
        for holder, name in list(find_all(body, path)):
            if isinstance(holder, dict):
                holder.pop(name, None)


def _add_defaults(facts: TypeFacts, body: dict[str, Any], context: Context) -> None:
    for text, template in facts.habits.get("set", {}).items():
        path = parse_path(text)
        if not _shape_has(facts.shape, path):
            continue
        if "[]" in path:
            for number, (holder, name) in enumerate(list(find_all(body, path))):
                holder.setdefault(name, expand(template, context, f"{text}{number}"))
        elif read_path(body, path) is MISSING:
            set_path(body, path, expand(template, context, text))


def _invent(facts: TypeFacts, body: dict[str, Any], context: Context) -> None:
    shape = (
        facts.shape.select(body.get(facts.shape.discriminator)) if isinstance(facts.shape, UnionNode) else facts.shape
    )
    member = shape.properties.get("properties")
    if member is None:
        return
    node = member.node
    properties = body.setdefault("properties", {})
    if isinstance(node, UnionNode):
        node = node.select(properties.get(node.discriminator))
    if isinstance(node, ObjectNode):
        invent_members(node, properties, context, "properties")


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        inner = {k: _without_empty(v) for k, v in value.items()}
        return {k: v for k, v in inner.items() if v not in ({}, [])}
    return [_without_empty(v) for v in value] if isinstance(value, list) else value


def _complete_identity(body: dict[str, Any], context: Context) -> None:
    identity = body.get("identity")
    if not identity or not isinstance(identity, dict):
        body.pop("identity", None)
        return
    if "systemassigned" in str(identity.get("type", "")).lower():
        identity["principalId"] = context.uuid("identity")
        identity["tenantId"] = context.tenant
    else:
        identity.pop("principalId", None)
        identity.pop("tenantId", None)
    assigned = identity.get("userAssignedIdentities")
    if isinstance(assigned, dict):
        identity["userAssignedIdentities"] = {resource_id: identity_ids(resource_id) for resource_id in assigned}


def identity_ids(resource_id: str) -> dict[str, str]:
    """Return the ids of a user-assigned identity; the same wherever it is used."""
    key = resource_id.lower()
    return {
        "principalId": stable_uuid(key, "properties.principalId"),
        "clientId": stable_uuid(key, "properties.clientId"),
    }


def _envelope(facts: TypeFacts, body: Mapping[str, Any], context: Context) -> dict[str, Any]:
    habits = facts.habits
    envelope = {
        "id": context.resource_id,
        "name": _own_name(facts, context),
        "type": facts.spelling,
    }
    form = habits.get("location", "same")
    if body.get("location") and form != "absent":
        envelope["location"] = spell_region(str(body["location"]), form)
    elif form == "inherited" and context.location:
        envelope["location"] = context.location
    tags = body.get("tags") or {"{}": {}, "null": None}.get(habits.get("tags", ""), MISSING)
    return envelope if tags is MISSING else {**envelope, "tags": tags}


def _own_name(facts: TypeFacts, context: Context) -> str:
    form, names = facts.habits.get("name", "same"), context.address.names
    if form == "parent/child" and len(names) > 1:
        return "/".join(names)
    name = context.address.name
    return name[:1].upper() + name[1:] if form == "Capital" else respell_name(facts.name, name, context)


def _shape_has(shape: Node | None, path: tuple[str, ...]) -> bool:
    """Whether the shape knows the place; a union knows what any of its variants knows."""
    if not path:
        return True
    head, rest = path[0], path[1:]
    match shape:
        case ListNode():
            return head == "[]" and _shape_has(shape.item, rest)
        case ObjectNode():
            member = shape.find(head)
            if member is not None:
                return _shape_has(member.node, rest)
            return shape.additional is not None or not shape.properties
        case UnionNode():
            variants = [ObjectNode(shape.base), *(shape.select(v) for v in shape.variants)]
            return any(_shape_has(v, path) for v in variants)
        case None:
            return False
    return True
