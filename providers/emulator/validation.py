"""What ARM and its providers refuse in a body, decided by the type's shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from providers.emulator.address import Address
from providers.emulator.answer import RefusedError
from providers.emulator.facts import TypeFacts
from providers.emulator.rewrite import has_own_names
from schemas.nodes import (
    BooleanNode,
    EnumNode,
    ListNode,
    Node,
    NumberNode,
    ObjectNode,
    Property,
    TextNode,
    UnionNode,
)

_ENVELOPE = frozenset({"id", "name", "type", "apiVersion"})
_LONGEST_TAG_NAME = 512
_LONGEST_TAG_VALUE = 256
_MOST_TAGS = 50
_DETAILS = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a body."""

    code: str
    path: str
    message: str


def check_body(address: Address, facts: TypeFacts, body: Mapping[str, Any], *, is_patch: bool = False) -> None:
    """Check a body against its address and its type's shape.

    Raises:
        RefusedError: 400 with the first finding as the error and all of them (five at most) as details.
    """
    check_name(address, body, is_respelled=has_own_names(facts.name))
    check_tags(body.get("tags"))
    if not is_patch and facts.is_tracked and not body.get("location"):
        raise RefusedError(400, "LocationRequired", "The location property is required for this definition.")
    findings = list(_object_findings(facts.shape, body, "", is_patch=is_patch))
    if findings:
        first = findings[0]
        details = [{"code": f.code, "target": f.path, "message": f.message} for f in findings[:_DETAILS]]
        raise RefusedError(400, first.code, first.message, target=first.path, details=details)


def check_name(address: Address, body: Mapping[str, Any], *, is_respelled: bool) -> None:
    """Check that a name and an id in the body are the address's own; no name is wrong where they are respelled.

    Raises:
        RefusedError: 400.
    """
    name = body.get("name")
    if isinstance(name, str) and name and not is_respelled and not _is_own_name(address, name):
        raise RefusedError(
            400,
            "InvalidRequestContent",
            f"The resource name '{name}' in the request content does not match the name '{address.name}' of the "
            "request URI.",
            target="name",
        )
    resource_id = body.get("id")
    if isinstance(resource_id, str) and resource_id and resource_id.rstrip("/").lower() != address.key:
        raise RefusedError(
            400,
            "LinkedInvalidPropertyId",
            f"Property id '{resource_id}' at path 'id' is invalid. Expect fully qualified resource Id of the "
            "resource of the request URI.",
            target="id",
        )


def check_tags(tags: Any) -> None:
    """Check tags against ARM's limits; null counts as none.

    Raises:
        RefusedError: 400.
    """
    if tags is None:
        return
    if not isinstance(tags, dict) or not all(isinstance(v, str) or v is None for v in tags.values()):
        raise RefusedError(400, "InvalidTags", "The tags must be an object whose values are strings.", target="tags")
    if len(tags) > _MOST_TAGS:
        raise RefusedError(
            400, "InvalidTags", f"The resource has {len(tags)} tags; the most that are allowed is {_MOST_TAGS}."
        )
    for name, value in tags.items():
        if not name or len(name) > _LONGEST_TAG_NAME or len(value or "") > _LONGEST_TAG_VALUE:
            raise RefusedError(
                400,
                "InvalidTagNameOrValueLength",
                f"The tag '{name[:40]}' is invalid: names have 1 to {_LONGEST_TAG_NAME} characters, values at most "
                f"{_LONGEST_TAG_VALUE}.",
                target="tags",
            )


def _is_own_name(address: Address, name: str) -> bool:
    names = [n.lower() for n in address.names]
    folded = name.lower()
    return folded in ("/".join(names[i:]) for i in range(len(names)))


def _findings(node: Node, value: Any, path: str, *, is_patch: bool) -> Iterator[Finding]:
    if value is None:
        return
    match node:
        case ObjectNode() | UnionNode():
            if isinstance(value, dict):
                yield from _object_findings(node, value, path, is_patch=is_patch)
            else:
                yield _wrong_type(path, value, "an object")
        case ListNode():
            if not isinstance(value, list):
                yield _wrong_type(path, value, "a list")
                return
            for index, item in enumerate(value):
                yield from _findings(node.item, item, f"{path}[{index}]", is_patch=False)
        case _:
            yield from _scalar_findings(node, value, path)


def _scalar_findings(node: Node, value: Any, path: str) -> Iterator[Finding]:
    match node:
        case TextNode() if not isinstance(value, str):
            yield _wrong_type(path, value, "a string")
        case NumberNode() if isinstance(value, bool) or not isinstance(value, int | float):
            yield _wrong_type(path, value, "a number")
        case BooleanNode() if not isinstance(value, bool):
            yield _wrong_type(path, value, "true or false")
        case EnumNode():
            yield from _enum_findings(node, value, path)


def _enum_findings(node: EnumNode, value: Any, path: str) -> Iterator[Finding]:
    kinds = {type(v) for v in node.values} or {str}
    if type(value) not in kinds:
        yield _wrong_type(path, value, "one of " + ", ".join(map(repr, node.values)))
    elif not node.is_open and isinstance(value, str) and value.lower() not in node.folded:
        allowed = ", ".join(str(v) for v in node.values)
        yield Finding(
            "InvalidParameterValue", path, f"The value '{value}' of '{path}' is invalid. Allowed values: {allowed}."
        )


def _object_findings(
    node: ObjectNode | UnionNode, value: Mapping[str, Any], path: str, *, is_patch: bool
) -> Iterator[Finding]:
    if isinstance(node, UnionNode):
        node = node.select(_member(value, node.discriminator))
    if node.sensitive:
        return
    given = {}
    for key, inner in value.items():
        member = node.find(key)
        if member is not None:
            given[member.name] = inner
            if not member.is_read_only and not (not path and member.name in _ENVELOPE):
                yield from _findings(member.node, inner, _join(path, member.name), is_patch=is_patch)
        elif node.additional is not None:
            yield from _findings(node.additional, inner, _join(path, key), is_patch=False)
    if not is_patch:
        yield from _missing(node.properties, given, path)


def _missing(properties: Mapping[str, Property], given: Mapping[str, Any], path: str) -> Iterator[Finding]:
    for member in properties.values():
        if member.is_required and not member.is_read_only and given.get(member.name) is None:
            if not path and (member.name in _ENVELOPE or member.name == "location"):
                continue
            place = _join(path, member.name)
            yield Finding(
                "MissingRequiredParameter", place, f"The required property '{place}' is missing from the request."
            )


def _member(value: Mapping[str, Any], name: str) -> Any:
    folded = name.lower()
    return next((v for k, v in value.items() if k.lower() == folded), None)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _wrong_type(path: str, value: Any, wanted: str) -> Finding:
    text = type(value).__name__
    return Finding(
        "InvalidRequestContent",
        path,
        f"The request content was invalid and could not be deserialized: '{path}' must be {wanted}, not {text}.",
    )
