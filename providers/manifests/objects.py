"""Documents become objects: custom resources, and what they may take values from."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import InvalidSpecError
from engine.model.document import Document, Secret
from engine.model.ids import Generation, ResourceKey
from engine.model.path import FieldPath
from engine.model.problem import Problem
from engine.model.state import CustomResource
from providers.manifests.document import Misread, RawDocument
from providers.manifests.trust import trust_of
from schemas.kinds import GROUP_SUFFIX, is_group, is_kind_name, similar_group

DEFAULT_NAMESPACE = "default"
_TOP = ("apiVersion", "kind", "metadata", "spec", "status")
_UNFIT_NAME = re.compile(r"[/%\s\x00-\x1f\x7f]")
_LONGEST_NAME = 253


@dataclass
class Manifests:
    """What was read, in the order it was read."""

    resources: list[CustomResource] = field(default_factory=list)
    secrets: dict[tuple[str, str], dict[str, Secret]] = field(default_factory=dict)
    config_maps: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    namespaces: dict[str, dict[str, str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add(self, document: RawDocument | Misread, file: str, *, is_explicit: bool) -> None:
        """Take in one document.

        Args:
            document: As read.
            file: Named in origins and problems.
            is_explicit: The file was asked for by name: what is no Kubernetes object in it is a mistake.
        """
        if isinstance(document, Misread):
            self._refuse(f"{file}:{document.line}", document.text, hint=document.hint)
            return
        for value, line in _objects(document):
            self._add_object(value, f"{file}:{line}", is_explicit=is_explicit)

    def _add_object(self, value: Any, origin: str, *, is_explicit: bool) -> None:
        api_version, kind = _text(value, "apiVersion"), _text(value, "kind")
        if not api_version or not kind:
            if is_explicit or api_version or kind:
                self._refuse(origin, "not a Kubernetes object: 'apiVersion' or 'kind' is missing")
            return
        group, _, version = api_version.rpartition("/")
        if not is_group(group) and self._refuse_group(group or api_version, kind, origin):
            return
        if is_group(group):
            self._add_resource(value, group, version, kind, origin)
        elif api_version == "v1" and kind in ("Secret", "ConfigMap", "Namespace"):
            self._add_input(value, kind, origin)

    def _refuse_group(self, group: str, kind: str, origin: str) -> bool:
        """Refuse a group that ASO could have and has not: its resources would look as if they had left the input.

        Other projects have groups under ``azure.com`` too (``karpenter.azure.com``): there the kind decides.
        """
        near = similar_group(group)
        if not near and not (group.lower().endswith(GROUP_SUFFIX) and is_kind_name(kind)):
            return False
        hint = f"did you mean {near}?" if near else "trueup schema find WORD looks for kinds"
        self._refuse(origin, f"unknown group {group!r} of a {kind}", hint=hint)
        return True

    def _add_resource(self, value: dict[str, Any], group: str, version: str, kind: str, origin: str) -> None:
        metadata = self._metadata(value, kind, origin)
        if metadata is None:
            return
        key = ResourceKey(namespace=metadata.namespace, group=group, kind=kind, name=metadata.name, version=version)
        unknown = [name for name in value if name not in _TOP]
        for name in unknown:
            self._refuse(origin, f"{key}: unknown member {name!r}", hint=_near(name), key=key, path=FieldPath((name,)))
        if unknown:
            return
        status = value.get("status")
        spec = value.get("spec")
        self.resources.append(
            CustomResource(
                key=key,
                spec=Document(value={} if spec is None else spec),
                status=Document(value=status) if isinstance(status, dict) else None,
                trust=trust_of(status, spec, generation=metadata.generation, annotations=metadata.annotations),
                annotations=metadata.annotations,
                labels=metadata.labels,
                generation=Generation(metadata.generation),
                uid=metadata.uid,
                resource_version=metadata.resource_version,
                deleting=metadata.deleting,
                origin=origin,
            )
        )

    def _add_input(self, value: dict[str, Any], kind: str, origin: str) -> None:
        metadata = self._metadata(value, kind, origin)
        if metadata is None:
            return
        place = (metadata.namespace, metadata.name)
        if kind == "Namespace":
            self.namespaces[metadata.name] = dict(metadata.annotations)
        elif kind == "ConfigMap":
            self.config_maps[place] = self._texts(value, "data", f"ConfigMap {'/'.join(place)}", origin)
        else:
            self.secrets[place] = self._secret(value, f"Secret {'/'.join(place)}", origin)

    def _secret(self, value: dict[str, Any], name: str, origin: str) -> dict[str, Secret]:
        out: dict[str, Secret] = {}
        for key, encoded in self._texts(value, "data", name, origin).items():
            try:
                out[key] = Secret(b64decode("".join(encoded.split()), validate=True).decode())
            except UnicodeDecodeError:
                continue  # not a text (a key store, say): nothing in a body can hold it
            except binascii.Error:
                self._refuse(origin, f"{name}: key {key!r} is not base64", hint="plain values belong in stringData")
        plain = self._texts(value, "stringData", name, origin)
        return out | {key: Secret(text) for key, text in plain.items()}

    def _texts(self, value: dict[str, Any], member: str, name: str, origin: str) -> dict[str, str]:
        data = value.get(member)
        if data is None:
            return {}
        if not isinstance(data, dict):
            self._refuse(origin, f"{name}: {member!r} must be an object")
            return {}
        wrong = [key for key, text in data.items() if not isinstance(text, str)]
        for key in wrong:
            self._refuse(origin, f"{name}: key {key!r} must be a text", hint="put the value in quotes")
        return {key: text for key, text in data.items() if key not in wrong}

    def _metadata(self, value: dict[str, Any], kind: str, origin: str) -> _Metadata | None:
        given = value.get("metadata")
        raw: dict[str, Any] = given if isinstance(given, dict) else {}
        name = _text(raw, "name")
        if not name:
            hint = (
                "generateName is not supported: there is nothing to find the object by"
                if _text(raw, "generateName")
                else ""
            )
            self._refuse(origin, f"a {kind} without 'metadata.name'", hint=hint)
            return None
        if _UNFIT_NAME.search(name) or len(name) > _LONGEST_NAME:
            self._refuse(
                origin, f"{kind} {name[:80]!r}: not a name in Kubernetes", hint="lower-case letters, digits, '-', '.'"
            )
            return None
        namespace = _text(raw, "namespace") or DEFAULT_NAMESPACE
        annotations = self._labels(raw, "annotations", f"{kind} {name}", origin)
        labels = self._labels(raw, "labels", f"{kind} {name}", origin)
        if annotations is None or labels is None:
            return None
        generation = raw.get("generation")
        return _Metadata(
            name=name,
            namespace=namespace,
            annotations=annotations,
            labels=labels,
            generation=generation if type(generation) is int else 0,
            uid=_text(raw, "uid"),
            resource_version=_text(raw, "resourceVersion"),
            deleting=bool(raw.get("deletionTimestamp")),
        )

    def _labels(self, raw: dict[str, Any], member: str, name: str, origin: str) -> dict[str, str] | None:
        value = raw.get(member)
        if value is None:
            return {}
        if isinstance(value, dict) and all(isinstance(text, str) for text in value.values()):
            return value
        self._refuse(origin, f"{name}: metadata.{member} must be an object of texts", hint="put values in quotes")
        return None

    def _refuse(
        self, origin: str, text: str, *, hint: str = "", key: ResourceKey | None = None, path: FieldPath | None = None
    ) -> None:
        self.problems.append(Problem(error=InvalidSpecError(text, hint=hint), origin=origin, key=key, path=path))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Metadata:
    name: str
    namespace: str
    annotations: Mapping[str, str]
    labels: Mapping[str, str]
    generation: int
    uid: str
    resource_version: str
    deleting: bool


def _objects(document: RawDocument) -> Iterator[tuple[Any, int]]:
    """Yield the document's object, or those of a List (``kubectl get -o yaml``), each with its line."""
    value = document.value
    if value is None:
        return
    items = value.get("items") if isinstance(value, dict) else None
    if not isinstance(items, list) or not _text(value, "kind").endswith("List"):
        yield value, document.line
        return
    kind = _text(value, "kind").removesuffix("List")
    for item in items:
        line = document.lines.get(id(item), document.line)
        if kind and isinstance(item, dict) and "kind" not in item:
            # The API's own list of one kind names version and kind once, on the list.
            item = {"apiVersion": value.get("apiVersion"), "kind": kind, **item}
        yield item, line


def _text(value: Any, member: str) -> str:
    text = value.get(member) if isinstance(value, dict) else None
    return text if isinstance(text, str) else ""


def _near(name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name.lower(), [top.lower() for top in _TOP], n=1)
    found = next((top for top in _TOP if close and top.lower() == close[0]), "")
    return f"did you mean {found!r}?" if found else f"known: {', '.join(_TOP)}"
