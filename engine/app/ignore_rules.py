"""``--ignore``: rules for many objects, as Argo CD writes them, from files and config maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from engine.desired.ignore import FleetRule
from engine.errors import InvalidSpecError
from engine.model.path import FieldPath
from engine.ports import DesiredSource
from providers.manifests.document import Misread
from providers.manifests.yaml_text import read_yaml

_FILTERS = ("group", "kind", "name", "namespace")
_KNOWN = frozenset({*_FILTERS, "types", "jsonPointers", "until"})
_REFUSED = {
    "jqPathExpressions": "write the places as jsonPointers; * stands for any list element, [name=web] for one",
    "managedFieldsManagers": "Azure does not know who owns a member; write the places as jsonPointers",
}
_CUSTOMIZATION = "resource.customizations.ignoreDifferences."
_CONFIG_MAP = "configmap/"


def is_in_input(name: str) -> bool:
    """Whether the name is that of a ConfigMap of the input, not of a file."""
    return name.lower().startswith(_CONFIG_MAP)


async def read_ignore_rules(names: Sequence[str], source: DesiredSource) -> tuple[FleetRule, ...]:
    """Return the rules of every file and config map named.

    Args:
        names: Files, or ``configmap/NAMESPACE/NAME`` for a ConfigMap of the input.
        source: The input.

    Raises:
        InvalidSpecError: Something cannot be read, or is no rule that Trueup knows.
    """
    rules: list[FleetRule] = []
    for name in names:
        if is_in_input(name):
            rules += await _read_config_map(name, source)
        else:
            rules += _read_file(name)
    return tuple(rules)


async def _read_config_map(name: str, source: DesiredSource) -> list[FleetRule]:
    namespace, _, own = name[len(_CONFIG_MAP) :].partition("/")
    await source.list_resources()
    data = await source.fetch_config_map(namespace, own)
    if data is None:
        raise InvalidSpecError(f"{name} is not in the input", hint="name it as configmap/NAMESPACE/NAME")
    return list(_of_data(data, name))


def _read_file(name: str) -> list[FleetRule]:
    try:
        content = Path(name).read_bytes()
    except OSError as exc:
        raise InvalidSpecError(f"the ignore rules {name} cannot be read", detail=exc.strerror or str(exc)) from exc
    return list(_of_text(content, name))


def _of_text(content: bytes, where: str) -> Iterator[FleetRule]:
    for document in read_yaml(content):
        if isinstance(document, Misread):
            raise InvalidSpecError(f"{where}:{document.line}: not YAML", detail=document.text, hint=document.hint)
        if document.value is not None:
            yield from _of_document(document.value, where)


def _of_document(value: Any, where: str) -> Iterator[FleetRule]:
    """Take a list of entries, ``ignoreDifferences``, an Argo CD Application, or a ConfigMap that holds such texts."""
    if isinstance(value, Mapping) and value.get("kind") == "ConfigMap":
        yield from _of_data(_mapping(value.get("data"), f"{where}: data"), where)
        return
    if isinstance(value, Mapping) and value.get("kind") == "Application":
        value = _mapping(value.get("spec"), f"{where}: spec")
    entries = value.get("ignoreDifferences", ()) if isinstance(value, Mapping) else value
    if not isinstance(entries, list):
        raise InvalidSpecError(
            f"{where} holds no ignore rules", hint="write a list ignoreDifferences: [{kind, jsonPointers}]"
        )
    for number, entry in enumerate(entries, 1):
        place = f"{where}: rule {number}"
        yield _rule(_mapping(entry, place), place)


def _of_data(data: Mapping[str, Any], where: str) -> Iterator[FleetRule]:
    """Read the texts of a ConfigMap; of Argo CD's own only the keys about ignored differences."""
    is_argo = any(key.startswith("resource.customizations.") for key in data)
    for key, text in sorted(data.items()):
        place = f"{where} {key}"
        if not isinstance(text, str):
            raise InvalidSpecError(f"{place} is not a text")
        if not is_argo:
            yield from _of_text(text.encode(), place)
        elif key.startswith(_CUSTOMIZATION):
            yield from _of_customization(key[len(_CUSTOMIZATION) :], text, place)


def _of_customization(target: str, text: str, where: str) -> Iterator[FleetRule]:
    """Read what Argo CD keeps for one kind: the key is ``all``, ``KIND`` or ``GROUP_KIND``."""
    group, _, kind = ("", "", "") if target == "all" else target.rpartition("_")
    for document in read_yaml(text.encode()):
        if isinstance(document, Misread):
            raise InvalidSpecError(f"{where}: not YAML", detail=document.text, hint=document.hint)
        yield replace(_rule(_mapping(document.value, where), where), group=group, kind=kind)


def _rule(entry: Mapping[str, Any], where: str) -> FleetRule:
    for name, hint in _REFUSED.items():
        if entry.get(name):
            raise InvalidSpecError(f"{where}: {name} cannot be used", hint=hint)
    unknown = sorted(str(key) for key in entry if key not in _KNOWN and key not in _REFUSED)
    if unknown:
        raise InvalidSpecError(
            f"{where}: {', '.join(unknown)} means nothing", hint=f"known: {', '.join(sorted(_KNOWN))}"
        )
    pointers = _texts(entry, "jsonPointers", where)
    if not pointers:
        raise InvalidSpecError(f"{where} names no place", hint="add jsonPointers: [/spec/..., /properties/...]")
    return FleetRule(
        pointers=tuple(_pointer(pointer, where) for pointer in pointers),
        types=_texts(entry, "types", where),
        until=_day(entry.get("until"), where),
        source=where,
        **{name: _text(entry.get(name), f"{where}: {name}") for name in _FILTERS},
    )


def _pointer(text: str, where: str) -> str:
    try:
        path = FieldPath.parse_pointer(text)
    except ValueError as exc:
        raise InvalidSpecError(f"{where}: {text!r} is no JSON Pointer", hint="a place starts with /") from exc
    if path.segments[:1] in (("metadata",), ("status",)) or len(path.segments) < 1:
        raise InvalidSpecError(f"{where}: {text!r} is no place in the resource", hint="name a place below /spec")
    return text


def _day(value: Any, where: str) -> date | None:
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError as exc:
        raise InvalidSpecError(f"{where}: until is not a date", hint="write YYYY-MM-DD") from exc


def _texts(entry: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    value = entry.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidSpecError(f"{where}: {name} is not a list of texts")
    return tuple(value)


def _text(value: Any, where: str) -> str:
    if value is not None and not isinstance(value, str):
        raise InvalidSpecError(f"{where} is not a text")
    return value or ""


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidSpecError(f"{where} is not an object")
    return value
