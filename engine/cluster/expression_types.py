"""An object as expressions see it, and whether an expression fits its kind before there is a value.

``self`` is the object at the version it was last applied with. The engine of CEL knows no types of kinds, so that an
expression is tried on a witness: an object of the kind in which every member is set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from engine.cluster.exports import Destination
from engine.cluster.expressions import Compiler, Program, secret_names, self_paths
from engine.desired.exporters import SECRET
from engine.desired.policy import BASELINE, OPERATION
from engine.errors import InvalidSpecError
from engine.model.state import CustomResource
from schemas.behaviour_types import Behaviour
from schemas.kind_types import EnumType, Kind, ListType, MapType, ObjectType, RuledType, Scalar, Special, TypeExpr

TEXT: Final = "string"
MAP: Final = "map(string, string)"
_ID: Final = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Resources/witnesses/one"
_RESERVED: Final = frozenset(
    {"true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import"}
    | {"let", "loop", "package", "namespace", "return", "var", "void", "while"}
)
_DEEPEST: Final = 12


def escape_name(name: str) -> str:
    """Return a member's name as expressions write it, where it is no identifier of CEL or a reserved word."""
    if name in _RESERVED:
        return f"__{name}__"
    escaped = name.replace("__", "__underscores__")
    return escaped.replace(".", "__dot__").replace("-", "__dash__").replace("/", "__slash__")


def view_object(resource: CustomResource, kind: Kind, status: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object as ``self``."""
    key = resource.key
    return {
        "apiVersion": key.api_version,
        "kind": key.kind,
        "metadata": {
            "name": key.name,
            "namespace": key.namespace,
            "uid": resource.uid,
            "generation": int(resource.generation),
            "labels": dict(resource.labels),
            "annotations": public_annotations(resource.annotations),
        },
        "spec": _view(kind.spec, resource.spec.value),
        "status": _view(kind.status, status),
    }


def public_annotations(annotations: Mapping[str, str]) -> dict[str, str]:
    """Return annotations without what we keep for ourselves: it changes with every write."""
    return {name: text for name, text in annotations.items() if name not in (BASELINE, OPERATION)}


def _view(expr: TypeExpr, value: Any) -> Any:
    """Name members as expressions do, and make numbers of one type whatever they look like; null is absent."""
    match expr:
        case RuledType():
            return _view(expr.base, value)
        case ListType() if isinstance(value, list):
            return [_view(expr.item, item) for item in value]
        case MapType() if isinstance(value, Mapping):
            return {name: _view(expr.item, item) for name, item in value.items() if item is not None}
        case ObjectType() if isinstance(value, Mapping):
            return {escape_name(n): _member_view(expr, n, item) for n, item in value.items() if item is not None}
        case Scalar.NUMBER if isinstance(value, int) and not isinstance(value, bool):
            return float(value)
    return value


def _member_view(expr: ObjectType, name: str, value: Any) -> Any:
    member = expr.members.get(name)
    return _view(member.type, value) if member is not None else value


@lru_cache(maxsize=32)
def _witness(kind: Kind) -> dict[str, Any]:
    metadata = {"name": "one", "namespace": "default", "uid": "0", "generation": 1}
    return {
        "apiVersion": f"{kind.group}/{kind.version}",
        "kind": kind.name,
        "metadata": {**metadata, "labels": {"one": _ID}, "annotations": {"one": _ID}},
        "spec": _sample(kind.spec, _DEEPEST),
        "status": _sample(kind.status, _DEEPEST),
    }


def _sample(expr: TypeExpr, depth: int) -> Any:
    match expr:
        case RuledType():
            return _sample(expr.base, depth)
        case ListType():
            return [_sample(expr.item, depth - 1)] if depth else []
        case MapType():
            return {"one": _sample(expr.item, depth - 1)} if depth else {}
        case ObjectType():
            members = expr.members.items() if depth else ()
            return {escape_name(name): _sample(m.type, depth - 1) for name, m in members}
        case EnumType():
            return expr.values[0] if expr.values else ""
        case Special():
            return dict.fromkeys(("name", "key", "group", "kind", "armId", "wellKnownName"), _ID)
    return {Scalar.INTEGER: 1, Scalar.NUMBER: 1.5, Scalar.BOOLEAN: True, Scalar.ANY: {}}.get(expr, _ID)


def check_expressions(destination: Destination, kind: Kind, behaviour: Behaviour | None, compiler: Compiler) -> str:
    """Return what is wrong with the expressions of a destination before there is any value; empty for nothing."""
    try:
        found = _check(destination.expression, destination, kind, behaviour, compiler)
        if found and found not in (TEXT, MAP):
            return f"expression must return one of [string,map(string, string)], but was {found}"
        if found == TEXT and not destination.key:
            return f"CEL expression with output type string must specify destination 'key', {destination}"
        if found == MAP and destination.key:
            return (
                f"CEL expression with output type map[string]string must not specify destination 'key', {destination}"
            )
        for name, text in (*destination.annotations.items(), *destination.labels.items()):
            found = _check(text, destination, kind, behaviour, compiler)
            if found and found != TEXT:
                return f'expression for key "{name}" must return a string, got {found}'
    except InvalidSpecError as exc:
        return str(exc)
    return ""


def _check(text: str, destination: Destination, kind: Kind, behaviour: Behaviour | None, compiler: Compiler) -> str:
    """Return the type of an expression; empty where only an evaluation over the real object can tell."""
    has_secrets = destination.kind == SECRET
    program = compiler.compile(text, secrets=has_secrets)
    for path in self_paths(text):
        _check_path(path, kind)
    offered = [key.name for key in behaviour.secrets] if behaviour else []
    unknown = sorted((secret_names(text) or frozenset()) - set(offered)) if has_secrets else []
    if unknown:
        known = ", ".join(sorted(offered)) or "none"
        raise InvalidSpecError(f"there is no secret.{unknown[0]}", detail=f"{kind.name} offers {known}")
    return program.result if "dyn" not in program.result else _try(program, kind, offered)


def _try(program: Program, kind: Kind, offered: list[str]) -> str:
    try:
        found = program.run({"self": _witness(kind), "secret": dict.fromkeys(offered, _ID)})
    except InvalidSpecError:
        return ""
    return type_of(found)


def _check_path(path: tuple[str, ...], kind: Kind) -> None:
    if not path:
        return
    roots: dict[str, TypeExpr] = {"spec": kind.spec, "status": kind.status}
    expr = roots.get(path[0])
    if expr is None and path[0] not in ("metadata", "apiVersion", "kind"):
        raise InvalidSpecError(f"undefined field '{path[0]}'")
    for name in path[1:] if expr is not None else ():
        expr = _below(expr, name)
        if expr is None:
            return


def _below(expr: TypeExpr | None, name: str) -> TypeExpr | None:
    """Return the type of a member; None where anything may be below.

    Raises:
        InvalidSpecError: There is no such member.
    """
    while isinstance(expr, RuledType):
        expr = expr.base
    if isinstance(expr, ObjectType):
        found = {escape_name(n): m for n, m in expr.members.items()}.get(name)
        if found is None:
            near = ", ".join(_nearest(name, expr)) or "no members"
            raise InvalidSpecError(f"undefined field '{name}'", hint=f"there is {near}")
        return found.type
    if isinstance(expr, MapType):
        return expr.item
    if expr is Scalar.ANY or isinstance(expr, Special) or expr is None:
        return None
    raise InvalidSpecError(f"type does not support field selection: '{name}'")


def _nearest(name: str, expr: ObjectType) -> Iterator[str]:
    folded = name.lower()
    alike = [n for n in expr.members if n.lower().startswith(folded[:3])] or list(expr.members)
    yield from sorted(alike)[:8]


def type_of(value: Any) -> str:
    """Return the type of a result as CEL names it."""
    match value:
        case None:
            return "null_type"
        case bool():
            return "bool"
        case str():
            return TEXT
        case int():
            return "int"
        case float():
            return "double"
        case Mapping():
            return f"map({_common(value)}, {_common(value.values())})"
        case list():
            return f"list({_common(value)})"
    return type(value).__name__


def _common(values: Any) -> str:
    """Return the type of all of them; the one of none is taken for text."""
    found = {type_of(v) for v in values} or {TEXT}
    return found.pop() if len(found) == 1 else "dyn"
