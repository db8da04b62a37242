"""Types of the kind catalog as structural OpenAPI v3 schemas; nothing in them refers to anything else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.crds import texts
from schemas.descriptions import NOTHING, Notes
from schemas.kind_types import (
    EnumType,
    ListType,
    MapType,
    Member,
    ObjectType,
    RuledType,
    Rules,
    Scalar,
    Scope,
    Special,
    TypeExpr,
)

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string"}
_TEXTS: Final[Schema] = {"type": "object", "additionalProperties": _TEXT}
_ANYTHING: Final[Schema] = {"x-kubernetes-preserve-unknown-fields": True}
_ARM_ID: Final = (
    r"(?i)(^(/subscriptions/([^/]+)(/resourcegroups/([^/]+))?)?/providers/([^/]+)/([^/]+/[^/]+)(/([^/]+/[^/]+))*$"
    r"|^/subscriptions/([^/]+)(/resourcegroups/([^/]+))?$)"
)
PROPERTY_BAG: Final = "$propertyBag"
_SCALARS: Final[Mapping[Scalar, Schema]] = {
    Scalar.TEXT: _TEXT,
    Scalar.INTEGER: {"type": "integer"},
    Scalar.NUMBER: {"type": "number"},
    Scalar.BOOLEAN: {"type": "boolean"},
    Scalar.ANY: _ANYTHING,
}
_ID: Final[Schema] = {"type": "string", "pattern": _ARM_ID}


def _object(members: Mapping[str, Schema], required: Collection[str] = ()) -> Schema:
    schema: Schema = {"type": "object", "properties": dict(members)} if members else {"type": "object"}
    if required:
        schema["required"] = sorted(required)
    return schema


def _either(*sets: tuple[str, ...]) -> Schema:
    """Return what makes an object have exactly one of these sets of members, and nothing of the others.

    Plain schema rather than CEL: references lie in lists within lists, and CEL's cost limit knows no list without end.
    """
    return {"oneOf": [_only(wanted, sets) for wanted in sets]}


def _only(wanted: tuple[str, ...], sets: Collection[tuple[str, ...]]) -> Schema:
    others = [name for names in sets if names is not wanted for name in names]
    return {"required": list(wanted), "not": {"anyOf": [{"required": [name]} for name in others]}}


_REFERENCE: Final = _either(("armId",), ("group", "kind", "name"))
_WELL_KNOWN: Final = _either(("armId",), ("group", "kind", "name"), ("wellKnownName",))
_NAMES: Final[Mapping[str, Schema]] = {"group": _TEXT, "kind": _TEXT, "name": _TEXT}
_DESTINATION: Final[Mapping[str, Schema]] = {"name": _TEXT, "key": _TEXT, "annotations": _TEXTS, "labels": _TEXTS}
_SPECIALS: Final[Mapping[Special, Schema]] = {
    Special.REFERENCE: {**_object({**_NAMES, "armId": _ID}), **_REFERENCE},
    Special.WELL_KNOWN_REFERENCE: {**_object({**_NAMES, "armId": _ID, "wellKnownName": _TEXT}), **_WELL_KNOWN},
    Special.SECRET: _object({"name": _TEXT, "key": _TEXT}, ("name", "key")),
    Special.SECRET_MAP: _object({"name": _TEXT}, ("name",)),
    Special.CONFIG_MAP: _object({"name": _TEXT, "key": _TEXT}, ("name", "key")),
    Special.OWNER: {**_object({"name": _TEXT, "armId": _ID}), **_either(("name",), ("armId",))},
    Special.ARBITRARY_OWNER: {**_object({**_NAMES, "armId": _ID}), **_REFERENCE},
    Special.KUBERNETES_OWNER: _object({"name": _TEXT}),
    Special.SECRET_DESTINATION: _object(_DESTINATION, ("name", "key")),
    Special.CONFIG_MAP_DESTINATION: _object(_DESTINATION, ("name", "key")),
    Special.EXPRESSION: _object({**_DESTINATION, "value": _TEXT}, ("name", "value")),
    Special.CONDITION: _object(
        {
            "type": _TEXT,
            "status": _TEXT,
            "severity": _TEXT,
            "lastTransitionTime": {"type": "string", "format": "date-time"},
            "observedGeneration": {"type": "integer", "format": "int64"},
            "reason": _TEXT,
            "message": _TEXT,
        },
        ("lastTransitionTime", "reason", "status", "type"),
    ),
}


def _explained(special: Special, schema: Schema) -> Schema:
    inner = texts.inner_texts(special)
    members = {name: {**member, "description": inner[name]} for name, member in schema["properties"].items()}
    return {**schema, "properties": members}


_EXPLAINED: Final = {special: _explained(special, schema) for special, schema in _SPECIALS.items()}


@dataclass(frozen=True, slots=True)
class SchemaWriter:
    """Writes schemas.

    Attributes:
        checks: Enums, patterns, limits and required members; a status is never refused.
        with_bag: Objects (by ``id``) that ASO stores with a bag of members of other versions.
        explains: Of which scope the kind is whose members get descriptions; None: none get any.
    """

    checks: bool
    with_bag: Collection[int] = ()
    explains: Scope | None = None

    def write(self, expr: TypeExpr, notes: Notes = NOTHING) -> Schema:
        """Return the schema of a type; notes are what is said of its members, or of those of its elements."""
        match expr:
            case ObjectType():
                return self._object(expr, notes)
            case ListType():
                return {"type": "array", "items": self.write(expr.item, notes)}
            case MapType():
                return {"type": "object", "additionalProperties": self.write(expr.item, notes)}
            case EnumType():
                return self._enum(expr)
            case RuledType():
                return {**self.write(expr.base, notes), **self._rules(expr.rules)}
            case Special():
                return _SPECIALS[expr] if self.explains is None else _EXPLAINED[expr]
        return _SCALARS[expr]

    def added(self, name: str, schema: Schema) -> Schema:
        """Return the schema of a member that only the stored version has."""
        return schema if self.explains is None else {**schema, "description": texts.added_text(name)}

    def _object(self, expr: ObjectType, notes: Notes) -> Schema:
        members = {name: self._member(member, expr, notes) for name, member in expr.members.items()}
        if id(expr) in self.with_bag:
            members[PROPERTY_BAG] = self.added(PROPERTY_BAG, _TEXTS)
        return _object(members, expr.required if self.checks else ())

    def _member(self, member: Member, parent: ObjectType, notes: Notes) -> Schema:
        schema = self.write(member.type, notes.below(member.name))
        if member.rules is not None:
            schema = {**schema, **self._rules(member.rules)}
        if member.default is not None and self.checks:
            schema = {**schema, "default": member.default}
        if self.explains is not None:
            said = texts.member_text(member, parent, notes.text(member.name), scope=self.explains)
            schema = {**schema, "description": said} if said else schema
        return schema

    def _enum(self, expr: EnumType) -> Schema:
        kind = "string" if all(isinstance(v, str) for v in expr.values) else "integer"
        return {"type": kind, "enum": list(expr.values)} if self.checks else {"type": kind}

    def _rules(self, rules: Rules) -> Schema:
        if not self.checks:
            return {}
        found = {
            "pattern": rules.pattern,
            "minLength": rules.min_length,
            "maxLength": rules.max_length,
            "minimum": rules.minimum,
            "maximum": rules.maximum,
            "multipleOf": rules.multiple_of,
            "minItems": rules.min_items,
            "maxItems": rules.max_items,
            "enum": list(rules.values) or None,
        }
        return {name: value for name, value in found.items() if value is not None}
