"""Values the server chooses: plausible, and the same every time for the same resource."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers.emulator.address import Address
from schemas.nodes import EnumNode, Node, NumberNode, ObjectNode, Property, TextNode

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_DEEPEST = 3
_GOOD_STATES = ("Succeeded", "Ready", "Active", "Running", "Online", "Available", "Enabled", "Approved", "Healthy")
_NEVER = frozenset({"provisioningstate", "etag", "systemdata"})


@dataclass(frozen=True, slots=True)
class Context:
    """What placeholders stand for.

    Attributes:
        created: Time of creation as Azure writes it; the same for the life of the resource.
    """

    address: Address
    resource_id: str
    location: str
    tenant: str
    created: str

    def word(self, name: str) -> str | None:
        """Return the text of a placeholder; None for ``uuid`` and for unknown ones."""
        names = self.address.names
        fixed = {
            "id": self.resource_id,
            "name": self.address.name,
            "resourceGroup": self.address.group,
            "subscription": self.address.subscription,
            "location": self.location,
            "tenant": self.tenant,
            "time": self.created,
        }
        if name.startswith("parentId"):
            return _cut(self.resource_id, int(name[8:] or 1))
        if name.startswith("parent"):
            depth = int(name[6:] or 1)
            return names[-1 - depth] if depth < len(names) else ""
        return fixed.get(name)

    def uuid(self, place: str) -> str:
        """Return the id that this resource shows at a place."""
        return stable_uuid(self.address.key, place)


def stable_uuid(*parts: str) -> str:
    """Return a version 4 looking UUID that depends on nothing but the texts."""
    digest = hashlib.blake2b("\x00".join(parts).encode(), digest_size=16).digest()
    return str(uuid.UUID(bytes=digest, version=4))


def expand(template: Any, context: Context, place: str) -> Any:
    """Return a template's value for one resource."""
    if isinstance(template, str):
        if "{" not in template:
            return template

        def replace(match: re.Match[str]) -> str:
            if match[1] == "uuid":
                return context.uuid(place)
            word = context.word(match[1])
            return match[0] if word is None else word

        return _PLACEHOLDER.sub(replace, template)
    if isinstance(template, list):
        return [expand(item, context, f"{place}[{i}]") for i, item in enumerate(template)]
    if isinstance(template, Mapping):
        return {k: expand(v, context, f"{place}.{k}") for k, v in template.items()}
    return template


def invent_members(node: ObjectNode, value: dict[str, Any], context: Context, path: str, depth: int = 0) -> None:
    """Fill in read-only members by what their names say, for types whose answers were never recorded."""
    for member in node.properties.values():
        place = f"{path}.{member.name}"
        if member.name.lower() in _NEVER or member.name in value:
            continue
        if member.is_read_only:
            invented = _invent(member, context, place)
            if invented is not None:
                value[member.name] = invented
        elif depth < _DEEPEST and isinstance(member.node, ObjectNode) and isinstance(value.get(member.name), dict):
            invent_members(member.node, value[member.name], context, place, depth + 1)


def _invent(member: Property, context: Context, place: str) -> Any:
    node: Node = member.node
    name = member.name.lower()
    if isinstance(node, EnumNode):
        return next((v for g in _GOOD_STATES for v in node.values if v == g), None)
    if isinstance(node, NumberNode):
        return 0 if name.endswith("count") else None
    if not isinstance(node, TextNode) or node.sensitive:
        return None
    if name in ("tenantid", "hometenantid"):
        return context.tenant
    if name.endswith(("guid", "uniqueid", "principalid", "clientid", "immutableid", "instanceid", "resourceuid")):
        return context.uuid(place)
    if name.endswith(("time", "date", "createdat", "modifiedat", "updatedat", "createdon", "timestamp")):
        return context.created
    return _host(name, context)


def _host(name: str, context: Context) -> str | None:
    domain = f"{context.address.name}.{context.address.types[-1]}.azure-emulator.invalid".lower()
    if name.endswith(("fqdn", "hostname", "domainname")):
        return domain
    if name.endswith(("endpoint", "uri", "url")):
        return f"https://{domain}/"
    return None


def _cut(resource_id: str, depth: int) -> str:
    return "/".join(resource_id.split("/")[: -2 * depth])
