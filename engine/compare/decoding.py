"""Read a baseline back from a text that anybody may have edited, cut or copied: what is not whole is refused."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any, Final

import zstandard

from engine.compare.encoding import FORMAT
from engine.compare.returning import decode_mended
from engine.compare.secrets import as_foreign, name_of_key
from engine.model.document import Document, parse_json
from engine.model.ids import ApiVersion, ArmId, Fingerprint, ResourceKey
from engine.model.policy import ReconcilePolicy
from engine.model.state import Baseline

LONGEST_TEXT: Final = 256 * 1024
"""All annotations of an object together hold no more."""
_SINCE: Final = ";at="
"""What follows was written later than the rest: when it began to hold."""
LARGEST: Final = 32 * 1024 * 1024
_KEY_FIELDS: Final = ("namespace", "group", "version", "kind", "name")


def decode_baseline(text: str, *, secret_key: bytes = b"") -> Baseline:
    """Return the baseline that a text holds; parts that did not fit are prints.

    Hashes of secrets that were made with another key are marked: they can be compared with nothing.

    Raises:
        ValueError: The text is damaged or too long, or was written by a newer release.
    """
    version, _, packed = text.partition(".")
    if version != FORMAT or not packed:
        if version.isascii() and version.isdigit() and int(version[:9]) > int(FORMAT):
            raise ValueError(
                f"a baseline of format {version[:9]}, which a newer release wrote; this one reads {FORMAT}"
            )
        raise ValueError(f"not a baseline of format {FORMAT}")
    packed, _, since = packed.partition(_SINCE)
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"not a baseline: {len(text):,} characters are more than an annotation holds")
    try:
        content = parse_json(_unpack(base64.b64decode(packed, validate=True)))
        return _build(content, name_of_key(secret_key), since)
    except (binascii.Error, zstandard.ZstdError, KeyError, TypeError, ValueError, RecursionError) as exc:
        raise ValueError(f"a damaged baseline: {exc}") from exc


def _unpack(raw: bytes) -> bytes:
    """Return the content, of a size that no baseline exceeds, as it was written."""
    frame = zstandard.get_frame_parameters(raw)
    if not 0 < frame.content_size <= LARGEST:
        raise ValueError("its size is not one of a baseline")
    if not frame.has_checksum:
        raise ValueError("it has no checksum")
    return zstandard.ZstdDecompressor().decompress(raw, max_output_size=LARGEST)


def _build(content: Any, key_name: str, since: str) -> Baseline:
    if type(content) is not dict:
        raise TypeError("it holds no object")
    taken = since or (None if content["at"] is None else _text(content, "at"))
    at = None if taken is None else datetime.fromisoformat(taken)
    if at is not None and at.tzinfo is None:
        raise ValueError("its time has no time zone")
    is_ours = _text(content, "secrets") == key_name
    desired, actual = (_body(content, name, is_ours=is_ours) for name in ("desired", "actual"))
    return Baseline(
        id=_arm_id(content),
        api_version=ApiVersion(_text(content, "api")),
        desired=desired,
        actual=actual,
        body_hash=Fingerprint(_text(content, "hash")),
        rules=_text(content, "rules"),
        key=_object_key(content["key"]),
        reconcile=ReconcilePolicy(content["reconcile"]),
        protect=content["protect"] is True,
        at=at,
        mended=decode_mended(content.get("mended", [])),
        renewing=content.get("renewing") is True,
        as_asked=content.get("asAsked") is True,
    )


def _text(content: dict[str, Any], name: str) -> str:
    if not isinstance(content[name], str):
        raise TypeError(f"its {name} is no text")
    return str(content[name])


def _arm_id(content: dict[str, Any]) -> ArmId:
    text = _text(content, "id")
    if not text.startswith("/"):
        raise ValueError("its id is no ARM id")
    return ArmId(text)


def _body(content: dict[str, Any], name: str, *, is_ours: bool) -> Document:
    if type(content[name]) is not dict:
        raise TypeError("its bodies are no objects")
    return Document(value=content[name] if is_ours else as_foreign(content[name]))


def _object_key(fields: Any) -> ResourceKey | None:
    if fields is None:
        return None
    if type(fields) is not list or len(fields) != len(_KEY_FIELDS) or not all(isinstance(f, str) for f in fields):
        raise TypeError("its key names no object")
    return ResourceKey(**dict(zip(_KEY_FIELDS, fields, strict=True)))
