"""The values of an object's exports, once its status and Azure's secrets are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.cluster.exports import Destination, Target, Value, collisions, merge_values
from engine.cluster.expression_types import MAP, TEXT, check_expressions, type_of, view_object
from engine.cluster.expressions import Compiler
from engine.cluster.key_answers import read_value
from engine.desired.exporters import SECRET
from engine.errors import EngineError, InvalidSpecError, NotReadyError
from engine.model.ids import ArmId
from engine.model.state import CustomResource
from schemas.behaviour_types import Behaviour
from schemas.kind_types import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of an object when it is exported.

    Attributes:
        status: As its kind shows it.
        answers: Of the calls, by their names.
    """

    resource: CustomResource
    kind: Kind
    behaviour: Behaviour | None
    id: ArmId
    status: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict, repr=False)


def check_destinations(
    destinations: Iterable[Destination], kind: Kind, behaviour: Behaviour | None, compiler: Compiler
) -> tuple[str, ...]:
    """Return what is wrong with an object's exports before there is any value: what ASO's webhooks refuse."""
    wanted = tuple(destinations)
    wrong = ((d.place, check_expressions(d, kind, behaviour, compiler)) for d in wanted if d.expression)
    return (*collisions(wanted), *(f"{place}: {text}" for place, text in wrong if text))


def build_targets(destinations: Iterable[Destination], known: Known, compiler: Compiler) -> tuple[Target, ...]:
    """Return the Secrets and ConfigMaps as they are to be.

    Raises:
        InvalidSpecError: Expressions or destinations do not fit what is there.
        NotReadyError: A value is not there yet.
    """
    return merge_values(_values(destinations, known, compiler), known.resource.key.namespace)


def _values(destinations: Iterable[Destination], known: Known, compiler: Compiler) -> Iterator[Value]:
    scope: dict[str, Any] = {}
    for to in destinations:
        if to.source is None:
            scope = scope or _scope(known)
            yield _evaluate(to, scope, compiler)
            continue
        text = read_value(to.source, known.id, known.status, known.answers)
        if text:
            yield Value(destination=to, data={to.key: text}, annotations=to.annotations, labels=to.labels)
        elif text == "" or to.kind == SECRET:
            what = "secret" if to.kind == SECRET else "value"
            raise NotReadyError(f"could not find {what} to save to '{to}'")


def _scope(known: Known) -> dict[str, Any]:
    keys = known.behaviour.secrets if known.behaviour else ()
    read = ((key.name, read_value(key, known.id, known.status, known.answers)) for key in keys)
    return {
        "self": view_object(known.resource, known.kind, known.status),
        "secret": {name: text for name, text in read if text},
    }


def _evaluate(to: Destination, scope: Mapping[str, Any], compiler: Compiler) -> Value:
    what = "secret" if to.kind == SECRET else "configmap"
    try:
        result = _run(to.expression, to, scope, compiler)
        found = type_of(result)
        if found not in (TEXT, MAP):
            raise InvalidSpecError(f"expression must return one of [string,map(string, string)], but was {found}")
        if not result:
            raise InvalidSpecError("unexpected expression output", detail="it is empty")
        data = {to.key: result} if found == TEXT else result
        if bool(to.key) is not (found == TEXT):
            raise InvalidSpecError(_key_text(to, found))
        annotations, labels = (
            {n: _mark(n, text, to, scope, compiler) for n, text in texts.items()}
            for texts in (to.annotations, to.labels)
        )
    except EngineError as exc:
        raise InvalidSpecError(f"failed to parse {what} expressions for export", detail=f"{to.place}: {exc}") from exc
    return Value(destination=to, data=data, annotations=annotations, labels=labels)


def _key_text(to: Destination, found: str) -> str:
    if found == TEXT:
        return f"CEL expression with output type string must specify destination 'key', {to}"
    return f"CEL expression with output type map[string]string must not specify destination 'key', {to}"


def _run(text: str, to: Destination, scope: Mapping[str, Any], compiler: Compiler) -> Any:
    has_secrets = to.kind == SECRET
    visible = scope if has_secrets else {"self": scope["self"]}
    return compiler.compile(text, secrets=has_secrets).run(visible)


def _mark(name: str, text: str, to: Destination, scope: Mapping[str, Any], compiler: Compiler) -> str:
    found = _run(text, to, scope, compiler)
    if not isinstance(found, str):
        raise InvalidSpecError(f'expression for key "{name}" must return a string, got {type_of(found)}')
    return found
