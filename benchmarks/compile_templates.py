"""Make ``templates.json.xz`` from recorded pairs of bodies sent and bodies read back.

    python -m benchmarks.compile_templates PAIRS.jsonl.xz

One template per ARM type: a spec that renders to the body that was sent, the body that Azure returned, the same body
with one value moved, and how often the type occurs. Names and ids become marks, so that a template can be stamped out
any number of times; digits that only identify are zeroed. Where Azure's body would not be in sync with the spec
(secrets, values that Azure forces), it takes over what was sent; a type that still differs is left out, and said.
"""

from __future__ import annotations

import json
import lzma
import re
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.workloads import SUBSCRIPTION, TEMPLATES, Instance, Template
from engine.compare.compare import compare
from engine.desired.build import build_desired
from engine.desired.index import Index
from engine.desired.inputs import NO_INPUTS
from engine.model.change import ResourceDiff
from engine.model.document import Document
from engine.model.ids import ArmId, ResourceKey
from engine.model.state import ActualState, CustomResource, DesiredState, Presence
from providers.kube.versions import version_rank
from schemas.kind_types import Kind, ListType, MapType, Member, ObjectType, RuledType, Special, TypeExpr
from schemas.kinds import all_kinds

TODAY = date(2026, 1, 1)
_IDENTIFYING = re.compile(r"(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{6,}")
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_IDENTITY = frozenset({"azureName", "owner", "operatorSpec"})
_NOTHING = object()

Kinds = Mapping[tuple[str, str], Kind]


def main(paths: list[str]) -> int:
    """Compile, write, and say what was left out."""
    pairs: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for path in paths:
        for line in lzma.decompress(Path(path).read_bytes()).splitlines():
            pair = json.loads(line)
            pairs[pair["type"].lower()].append(pair)
    made = compile_templates(pairs)
    encoded = json.dumps([asdict(t) for t in made.values()], sort_keys=True, separators=(",", ":"))
    TEMPLATES.write_bytes(lzma.compress(encoded.encode(), preset=9))
    print(f"{len(made)} types, {TEMPLATES.stat().st_size} bytes; left out: {', '.join(sorted(pairs.keys() - made))}")
    return 0


def compile_templates(pairs: Mapping[str, list[Mapping[str, Any]]]) -> dict[str, Template]:
    """Return what can be made, owners before what they own."""
    kinds = _kinds_by_type()
    made: dict[str, Template] = {}
    before = -1
    while len(made) > before:
        before = len(made)
        for arm_type in sorted(pairs.keys() - made):
            for pair in _typical_first(pairs[arm_type]):
                kind = kinds.get((arm_type, pair["api"]))
                template = _template(pair, kind, len(pairs[arm_type]), made) if kind else None
                if template is not None:
                    made[arm_type] = template
                    break
    return made


def _typical_first(pairs: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return pairs by how far the length of Azure's body is from the median."""
    lengths = {pair["id"]: len(json.dumps(pair["actual"])) for pair in pairs}
    median = statistics.median_low(lengths.values())
    return sorted(pairs, key=lambda p: (abs(lengths[p["id"]] - median), p["id"]))


def _kinds_by_type() -> Kinds:
    found: dict[tuple[str, str], Kind] = {}
    for kind in sorted((k for k in all_kinds() if k.is_arm), key=lambda k: version_rank(k.version)):
        found[kind.arm_type.lower(), kind.api_version] = kind
    return found


def _template(pair: Mapping[str, Any], kind: Kind, weight: int, made: Mapping[str, Template]) -> Template | None:
    own = ArmId(pair["id"])
    parent = own.parent
    owner = parent.resource_type.lower() if kind.owner is not None and parent is not None else None
    if not isinstance(pair["actual"], dict) or (owner is not None and owner not in made):
        return None
    spec = unrender(_mark(pair["desired"], own), kind.spec)
    if "azureName" in kind.spec.members:
        spec["azureName"] = "@NAME@"
    by_kind = kind.owner is not None and kind.owner.is_any
    if owner is not None:
        named = {"group": made[owner].group, "kind": made[owner].kind} if by_kind else {}
        spec["owner"] = {**named, "name": "@OWNER_NAME@"}
    template = Template(
        type=kind.arm_type.lower(),
        arm_type=kind.arm_type,
        api=kind.api_version,
        group=kind.group,
        version=kind.version,
        kind=kind.name,
        plural=kind.plural,
        owner=owner,
        owner_by_kind=by_kind,
        name=_name_style(kind, own.name),
        spec=spec,
        body=_zero_digits(_mark(pair["actual"], own), pair["desired"]),
        drifted=None,
        weight=weight,
    )
    return _settle(template, made)


def _name_style(kind: Kind, name: str) -> str:
    if kind.fixed_name:
        return kind.fixed_name
    if _GUID.fullmatch(name):
        return "guid"
    return "dotted" if "." in name else "plain"


def _settle(template: Template, made: Mapping[str, Template]) -> Template | None:
    """Make the body agree with the spec and find a value to move; None where they cannot agree."""
    desired = _render(template, made)
    if desired is None:
        return None
    if _diff(template, made, desired).changes:
        sent = _unstamp(desired.body, template, made)
        template = replace(template, body=_overlay(template.body, sent))
        if _diff(template, made, desired).changes:
            return None
    for moved in _moved(template.body, _unstamp(desired.body, template, made)):
        candidate = replace(template, body=moved)
        if _diff(candidate, made, desired).changes:
            return replace(template, drifted=moved)
    return template


def _instance(template: Template, made: Mapping[str, Template]) -> Instance:
    owner = _instance(made[template.owner], made) if template.owner else None
    return Instance(template, 1, owner)


def _render(template: Template, made: Mapping[str, Template]) -> DesiredState | None:
    chain = []
    instance: Instance | None = _instance(template, made)
    while instance is not None:
        chain.append(_resource(instance))
        instance = instance.owner
    index = Index.build(chain, subscription=SUBSCRIPTION)
    built = build_desired(chain[0], index, NO_INPUTS, strict=False)
    if built.problems or built.state is None or built.state.waits or built.state.unknown:
        return None
    wanted = _instance(template, made).id.lower()
    return built.state if built.state.id is not None and built.state.id.key == wanted else None


def _resource(instance: Instance) -> CustomResource:
    content = json.loads(instance.object)
    template = instance.template
    key = ResourceKey(
        namespace=instance.namespace,
        group=template.group,
        kind=template.kind,
        name=instance.object_name,
        version=template.version,
    )
    return CustomResource(key=key, spec=Document(value=content["spec"]))


def _diff(template: Template, made: Mapping[str, Template], desired: DesiredState) -> ResourceDiff:
    instance = _instance(template, made)
    actual = ActualState(id=ArmId(instance.id), presence=Presence.PRESENT, document=Document(instance.body))
    return compare(desired, actual, None, today=TODAY, secret_key=b"benchmark")


def _unstamp(body: Any, template: Template, made: Mapping[str, Template]) -> Any:
    return _mark(body, ArmId(_instance(template, made).id))


def _mark(value: Any, own: ArmId) -> Any:
    """Replace the own id, the owner's, the group's and the own name by marks, at any depth."""
    if isinstance(value, dict):
        return {_mark_text(k, own): _mark(v, own) for k, v in value.items()}
    if isinstance(value, list):
        return [_mark(v, own) for v in value]
    return _mark_text(value, own) if isinstance(value, str) else value


def _mark_text(text: str, own: ArmId) -> str:
    group = f"/subscriptions/{own.subscription}/resourceGroups/{own.resource_group}"
    marks = [(own.text, "@ID@")]
    if own.parent is not None and own.key != group.lower():
        marks += [(own.parent.text, "@OWNER@"), (group, "@GROUP@")]
    for literal, mark in marks:
        text = re.sub(re.escape(literal) + r"(?![\w-])", mark, text, flags=re.IGNORECASE)
    return "@NAME@" if text == own.name else text


def _zero_digits(actual: Any, desired: Any) -> Any:
    """Zero the digits of identifying texts that only Azure made."""
    if isinstance(actual, dict):
        return {k: _zero_digits(v, desired.get(k) if isinstance(desired, dict) else None) for k, v in actual.items()}
    if isinstance(actual, list):
        return actual if isinstance(desired, list) else [_zero_digits(v, None) for v in actual]
    if isinstance(actual, str) and desired is None and "@" not in actual:
        return _IDENTIFYING.sub(lambda found: re.sub(r"[0-9a-fA-F]", "0", found.group()), actual)
    return actual


def unrender(body: Mapping[str, Any], shape: ObjectType) -> dict[str, Any]:
    """Return the spec that renders to a body; what has no place in the body is left out."""
    spec: dict[str, Any] = {}
    for name, member in shape.members.items():
        value = _NOTHING if name in _IDENTITY or member.place is None else _unrender_member(body, shape, name, member)
        if value is not _NOTHING:
            spec[name] = value
    return spec


def _unrender_member(body: Mapping[str, Any], shape: ObjectType, name: str, member: Member) -> Any:
    if member.place == ():
        said = str(body.get(shape.discriminator, "")).lower()
        chosen = {variant for value, variant in shape.variants.items() if value.lower() == said}
        return unrender(body, member.type) if name in chosen and isinstance(member.type, ObjectType) else _NOTHING
    value: Any = body
    for step in member.place or ():
        if not isinstance(value, dict) or step not in value:
            return _NOTHING
        value = value[step]
    if member.is_id_map:
        return [{"reference": {"armId": identity}} for identity in value] if isinstance(value, dict) else _NOTHING
    return _unrender_value(value, member.type)


def _unrender_value(value: Any, shape: TypeExpr) -> Any:
    match shape:
        case Special.REFERENCE | Special.WELL_KNOWN_REFERENCE:
            return {"armId": value}
        case Special():
            return _NOTHING
        case RuledType():
            return _unrender_value(value, shape.base)
        case ListType() if isinstance(value, list):
            return [_unrender_value(v, shape.item) for v in value]
        case MapType() if isinstance(value, dict):
            return {k: _unrender_value(v, shape.item) for k, v in value.items()}
        case ObjectType() if isinstance(value, dict):
            return unrender(value, shape)
    return value


def _overlay(actual: Any, sent: Any) -> Any:
    """Return what Azure would hold if it had taken everything as sent."""
    if isinstance(actual, dict) and isinstance(sent, dict):
        return {**actual, **{k: _overlay(actual.get(k), v) for k, v in sent.items()}}
    return sent


def _moved(actual: Any, sent: Any) -> Iterator[Any]:
    """Yield the body with one of the values that were sent moved, the next one each time."""
    if isinstance(actual, dict) and isinstance(sent, dict):
        for name in sorted(sent.keys() & actual.keys(), key=lambda n: (n != "tags", n)):
            for moved in _moved(actual[name], sent[name]):
                yield {**actual, name: moved}
    elif isinstance(actual, bool):
        yield not actual
    elif isinstance(actual, int):
        yield actual + 1
    elif isinstance(actual, str):
        yield f"{actual}-moved"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
