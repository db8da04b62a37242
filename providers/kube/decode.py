"""Pages of JSON into what the engine needs of them; everything else is skipped, never built.

Building dictionaries nobody reads is most of the cost of a list: partial decoding takes a seventh of it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from sys import intern
from typing import TypeVar

import msgspec

from engine.cluster.condition import read_condition
from engine.cluster.promises import is_promise, keep_promises
from engine.desired.policy import BASELINE, OPERATION
from engine.errors import UnavailableError
from engine.model.document import Document, Secret
from engine.model.ids import Generation, ResourceKey
from engine.model.state import CustomResource, StatusTrust
from providers.kube.stored import as_written

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_EMPTY = msgspec.Raw(b"{}")
_NONE = msgspec.Raw(b"")
_NO_ITEMS = msgspec.Raw(b"[]")
_T = TypeVar("_T")


class Manager(msgspec.Struct, rename="camel", gc=False):
    """Who wrote, how, by which version: one entry of ``managedFields`` without its fields."""

    manager: str = ""
    operation: str = ""
    api_version: str = ""
    time: str = ""
    subresource: str = ""


class Metadata(msgspec.Struct, rename="camel", gc=False):
    """What is used of an object's metadata; what is a view is decoded only where the object changed."""

    name: str
    namespace: str = ""
    generation: int = 0
    uid: str = ""
    resource_version: str = ""
    deletion_timestamp: str | None = None
    annotations: msgspec.Raw = _EMPTY
    labels: msgspec.Raw = _EMPTY
    managed_fields: msgspec.Raw = _NO_ITEMS

    @property
    def texts(self) -> dict[str, str]:
        """Return the annotations; the manifest that client-side apply keeps is not among them."""
        return decode_texts(self.annotations)

    @property
    def managers(self) -> list[Manager]:
        """Return who wrote the object."""
        return decode_part(_decode_managers, self.managed_fields) or []


class Listed(msgspec.Struct, gc=False):
    """One object of a page; ``spec`` and ``status`` are views into the page and keep all of it alive."""

    metadata: Metadata
    spec: msgspec.Raw = _EMPTY
    status: msgspec.Raw = _NONE


class _ListMetadata(msgspec.Struct):
    token: str = msgspec.field(name="continue", default="")


class Page(msgspec.Struct):
    """One answer of a list; ``token`` is empty on the last one."""

    items: list[Listed]
    metadata: _ListMetadata = msgspec.field(default_factory=_ListMetadata)

    @property
    def token(self) -> str:
        """Return what asks for the next page."""
        return self.metadata.token


class _Condition(msgspec.Struct, rename="camel", gc=False):
    type: str = ""
    status: str = ""
    observed_generation: int = 0


class _Status(msgspec.Struct, gc=False):
    """What a status says of itself."""

    conditions: list[_Condition] | None = None


class _Core(msgspec.Struct):
    """A Secret or ConfigMap."""

    data: dict[str, str] | None = None


_decode_texts = msgspec.json.Decoder(dict[str, str] | None)
_decode_managers = msgspec.json.Decoder(list[Manager] | None)
_decode_page = msgspec.json.Decoder(Page)
_decode_item = msgspec.json.Decoder(Listed)
_decode_status = msgspec.json.Decoder(_Status | None)
_decode_core = msgspec.json.Decoder(_Core)


def decode(decoder: msgspec.json.Decoder[_T], body: bytes, path: str) -> _T:
    """Decode an answer.

    Raises:
        UnavailableError: The body is cut off or not what the path promises.
    """
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise UnavailableError(
            "The cluster sent an answer that cannot be read",
            detail=f"GET {path}: {exc}",
            hint="try again; if it stays, something between this machine and the cluster alters answers",
        ) from exc


def decode_part(decoder: msgspec.json.Decoder[_T], part: msgspec.Raw) -> _T:
    """Decode a part of an answer that was left alone at first."""
    try:
        return decoder.decode(part)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise UnavailableError("The cluster sent metadata that cannot be read", detail=str(exc)) from exc


def decode_page(body: bytes, path: str) -> Page:
    """Decode one page of a list of custom resources."""
    return decode(_decode_page, body, path)


def decode_item(body: bytes, path: str) -> Listed:
    """Decode one object read by itself."""
    return decode(_decode_item, body, path)


def decode_config_map(body: bytes, path: str) -> dict[str, str]:
    """Decode a ConfigMap's ``data``."""
    return decode(_decode_core, body, path).data or {}


def decode_secret(body: bytes, path: str) -> tuple[dict[str, Secret], tuple[str, ...]]:
    """Decode a Secret's ``data``; the second part names keys that hold no text and are left out."""
    values: dict[str, Secret] = {}
    unusable: list[str] = []
    for key, encoded in (decode(_decode_core, body, path).data or {}).items():
        try:
            values[key] = Secret(base64.b64decode(encoded, validate=True).decode())
        except (binascii.Error, UnicodeDecodeError):
            unusable.append(key)
    return values, tuple(sorted(unusable))


def decode_texts(texts: msgspec.Raw) -> dict[str, str]:
    """Decode annotations or labels; texts that many objects have in common exist once."""
    decoded = decode_part(_decode_texts, texts) or {}
    return {intern(key): intern(value) for key, value in decoded.items() if key != LAST_APPLIED}


def build_resource(
    item: Listed,
    key: ResourceKey,
    *,
    namespace_annotations: Mapping[str, str],
    labels: Mapping[str, str],
    keep_status: bool,
) -> CustomResource:
    """Copy out what survives the page."""
    meta = item.metadata
    return CustomResource(
        key=key,
        spec=Document(as_written(_copy(item.spec, _EMPTY))),
        status=Document(bytes(item.status)) if keep_status and item.status else None,
        trust=_trust_of(item) if keep_status else StatusTrust.NONE,
        annotations=meta.texts,
        labels=labels,
        generation=Generation(meta.generation),
        uid=meta.uid,
        resource_version=meta.resource_version,
        deleting=meta.deletion_timestamp is not None,
        origin="cluster",
        namespace_annotations=namespace_annotations,
    )


def as_ready_says(resource: CustomResource, item: Listed) -> CustomResource:
    """Return the object with its annotations as its Ready condition makes them; most have none that it changes."""
    if not any(is_promise(resource.annotations.get(name, "")) for name in (BASELINE, OPERATION)):
        return resource
    status = Document(bytes(item.status)).value if item.status else None
    ready = read_condition(status.get("conditions")) if isinstance(status, dict) else None
    return replace(resource, annotations=keep_promises(resource.annotations, ready))


def with_status(resource: CustomResource, item: Listed) -> CustomResource | None:
    """Return the object with its status; None where that proves nothing, or the object is another one by now."""
    meta = item.metadata
    trust = _trust_of(item)
    if trust is StatusTrust.NONE or (meta.uid, meta.generation) != (resource.uid, resource.generation):
        return None
    return replace(resource, status=Document(bytes(item.status)), trust=trust)


def _trust_of(item: Listed) -> StatusTrust:
    """Return what the status proves: it is of this generation when the Ready condition is True at it."""
    generation = item.metadata.generation
    try:
        status = _decode_status.decode(item.status) if item.status and generation else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return StatusTrust.NONE
    conditions = status.conditions or () if status is not None else ()
    is_ready = any(c.type == "Ready" and c.status == "True" and c.observed_generation == generation for c in conditions)
    return StatusTrust.SETTLED if is_ready else StatusTrust.NONE


def is_unchanged(known: CustomResource, item: Listed) -> bool:
    """Whether an object read before is what the page shows.

    Equal resource versions say so for what is stored; the spec is compared too, because a conversion on the way out
    may have changed.
    """
    meta = item.metadata
    return (
        known.resource_version == meta.resource_version != ""
        and known.uid == meta.uid
        and known.spec.raw == _copy(item.spec, _EMPTY)
    )


def _copy(raw: msgspec.Raw, default: msgspec.Raw) -> bytes:
    copied = bytes(raw)
    return bytes(default) if copied == b"null" else copied
